"""Start a simulated Avni: `python -m simulators.avni --port 8021 --state FILE.json`.

With --identity-port its identity providers, too. Which one counts is said by `settings.idp_type` of the state.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

from simulators.avni.app import AvniApp
from simulators.avni.identity.app import IdentityApp
from simulators.avni.store import AvniStore
from simulators.control import Inspectable
from simulators.server import Faults, Server


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C. The first line printed is the base URL, the second that of the providers."""
    parser = argparse.ArgumentParser(prog="python -m simulators.avni", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds per request")
    parser.add_argument("--error-rate", type=float, default=0.0, help="share of 503 answers, 0 to 1")
    parser.add_argument("--state", "--seed", type=Path, help="JSON as AvniStore.dump() gives it")
    parser.add_argument("--identity-port", type=int, help="also serve Cognito and Keycloak; 0 takes a free one")
    options = parser.parse_args(arguments)

    store = AvniStore()
    if options.state:
        store.load(json.loads(options.state.read_text(encoding="utf-8")))
    faults = Faults(latency=options.latency, error_rate=options.error_rate)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    app = Inspectable(AvniApp(store), store.dump, store.moves(), faults)
    with ExitStack() as running:
        avni = running.enter_context(Server(app, port=options.port, faults=faults, host=options.host))
        print(avni.base_url, flush=True)
        if options.identity_port is not None:
            identity = running.enter_context(Server(IdentityApp(store), port=options.identity_port, host=options.host))
            store.settings.keycloak_url = identity.base_url
            print(identity.base_url, flush=True)
        stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
