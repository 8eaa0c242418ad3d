"""`python3 -m memo_backend` serves; with `migrate` it migrates the database, with `check URL` it tests an API."""

import logging
import os
import sys
from collections.abc import Sequence

from .check import CheckError, check
from .migrations import migrate, spoil
from .ports import StoreUnavailableError
from .server import serve
from .settings import SettingsError, settings_from


def main(arguments: Sequence[str]) -> int:
    """Run; 2 where the settings or arguments are wrong, 1 where a migration or a check failed."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    match arguments:
        case ["check", url]:
            return _check(url)
        case [] | ["migrate"]:
            pass
        case _:
            print("usage: python3 -m memo_backend [migrate | check URL]", file=sys.stderr)
            return 2
    try:
        settings = settings_from(os.environ)
        if not arguments:
            serve(settings)
        else:
            done = migrate(settings)
            told = ", ".join(done) or "nothing was left to do"
            print(f"memo-backend {settings.version}: migrated: {told}", file=sys.stderr)
            spoil(settings)
    except SettingsError as error:
        print(f"memo-backend: {error}", file=sys.stderr)
        return 2
    except StoreUnavailableError as error:
        print(f"memo-backend: the migration failed: {error}", file=sys.stderr)
        return 1
    return 0


def _check(url: str) -> int:
    try:
        for line in check(url):
            print(line)
    except CheckError as error:
        print(f"memo-backend: {error}", file=sys.stderr)
        return 1
    return 0


sys.exit(main(sys.argv[1:]))
