"""Entry point: ``python3 -m memoapp_operator.agent volume --path PATH --port PORT``, or a command for backups."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

from memoapp_operator.agent.volume import Reporter

_COMMANDS = {
    "take": "take a backup",
    "verify": "read a backup back",
    "hide": "mark a backup so that no record of it is made again",
    "remove": "remove a backup",
    "catalogue": "make records of the backups that are there",
    "drill": "restore a backup on a server of its own, and compare",
    "assess": "see whether a backup can be restored in place, and what would be lost",
    "restore": "restore a backup beside the live database, and compare",
    "rehearse": "read the health of the backend that was started on a restored database",
    "import": "make a backup of a dump of old scripts",
    "recover": "choose a backup, and bring back the Secrets and ConfigMaps that were saved with it",
}
_PORTS = range(1, 65536)


def main(arguments: list[str]) -> int:
    """``volume`` serves until SIGTERM. Exit codes: 2 for wrong arguments, 1 where it cannot do what it is asked for."""
    options = _parser().parse_args(arguments)
    if options.command != "volume":
        # The volume's reporter, beside every database, must not pay for what a backup needs.
        from memoapp_operator.agent.command import run  # noqa: PLC0415

        return run(options.command, os.environ)
    # Nothing needs finishing, but PID 1 ignores a signal that it has no handler for.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with Reporter(options.path, options.port) as reporter:
            reporter.serve_forever()
    except OSError as error:
        sys.stderr.write(f"cannot serve on port {options.port}: {error.strerror}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="memoapp_operator.agent", description="Runs beside the data.")
    commands = parser.add_subparsers(dest="command", required=True)
    volume = commands.add_parser("volume", help="report how full a volume is: GET /volume")
    volume.add_argument("--path", type=_folder, required=True, help="a folder on the volume")
    volume.add_argument("--port", type=_port, required=True, help="the port to serve on")
    for name, text in _COMMANDS.items():
        commands.add_parser(name, help=f"{text}, as the environment says")
    return parser


def _folder(text: str) -> str:
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"{text} is no folder")
    return text


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) not in _PORTS:
        raise argparse.ArgumentTypeError(f"{text} is no port (1 to 65535)")
    return int(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
