"""`python3 -m memo_backend`: serves. `python3 -m memo_backend migrate`: makes the tables and ends."""

import logging
import os
import sys
from collections.abc import Sequence

from .ports import StoreUnavailableError
from .server import migrate, serve
from .settings import SettingsError, settings_from


def main(arguments: Sequence[str]) -> int:
    """Run; 2 where the settings or arguments are wrong, 1 where the database refused a migration."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    if arguments not in ([], ["migrate"]):
        print("usage: python3 -m memo_backend [migrate]", file=sys.stderr)
        return 2
    try:
        settings = settings_from(os.environ)
        (migrate if arguments else serve)(settings)
    except SettingsError as error:
        print(f"memo-backend: {error}", file=sys.stderr)
        return 2
    except StoreUnavailableError as error:
        print(f"memo-backend: the tables could not be made: {error}", file=sys.stderr)
        return 1
    return 0


sys.exit(main(sys.argv[1:]))
