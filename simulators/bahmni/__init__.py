"""A Bahmni hospital as a real HTTP server: OpenMRS REST and atom feeds, with state and moods.

    store = catalogue.install(Store())
    with Server(BahmniApp(store)) as server:
        …  # server.base_url + "/openmrs/ws/rest/v1/session"

Facts it stands on: docs/protocols/openmrs.md and docs/protocols/atomfeed.md.
"""

from simulators.bahmni.app import BahmniApp
from simulators.bahmni.settings import Settings
from simulators.bahmni.store import Store

__all__ = ["BahmniApp", "Settings", "Store"]
