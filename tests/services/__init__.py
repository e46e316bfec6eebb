"""The servers a test run needs: a PostgreSQL, a Redis, a browser. Real ones, and never a silent substitute.

An address given in the environment is used as it is. Otherwise a server found on the machine, or one that came as a
Python package, runs privately: in its own temporary folder, started when the first test needs it, gone with the run.
"""

from __future__ import annotations

from tests.services.provision import Provision, Service, child_environment, provision

__all__ = ["Provision", "Service", "child_environment", "provision"]
