"""Make the cluster tool's package importable: it lives beside its entry point, not in the operator."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "e2e" / "cluster"))
