"""Start a simulated hospital alone: `python -m simulators.bahmni --port 8081`."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from simulators.bahmni import BahmniApp, Store, catalogue
from simulators.bahmni.moves import moves
from simulators.control import Inspectable
from simulators.server import Faults, Server

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; with --state the file is read first and written last."""
    options = _parser().parse_args(arguments)
    store = Store()
    if options.state and options.state.exists():
        store.load(json.loads(options.state.read_text(encoding="utf-8")))
    else:
        catalogue.install(store, username=options.username, password=options.password)
    faults = Faults(latency=options.latency, error_rate=options.error_rate)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    app = Inspectable(BahmniApp(store), store.dump, moves(store), faults)
    with Server(app, port=options.port, host=options.host, faults=faults) as server:
        print(server.base_url, flush=True)
        stopped.wait()
    if options.state:
        options.state.write_text(json.dumps(store.dump(), ensure_ascii=False), encoding="utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m simulators.bahmni", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes any free one")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds per request")
    parser.add_argument("--error-rate", type=float, default=0.0, help="share answered 503, 0 to 1")
    parser.add_argument("--state", type=Path, help="JSON file to start from and to leave behind")
    parser.add_argument("--username", default="superman")
    parser.add_argument("--password", default="hospital")
    return parser


if __name__ == "__main__":
    sys.exit(main())
