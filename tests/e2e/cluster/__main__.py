"""Entry point: ``python3 tests/e2e/cluster COMMAND`` (Python 3.11, standard library only)."""

import sys

from memocluster.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
