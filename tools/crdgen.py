"""Write the CustomResourceDefinitions and their reference from the models; ``--check`` only compares.

A further kind is one more entry of ``KINDS``.
"""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "operator")]

from memoapp_operator.api.v1alpha1 import maintenancewindow, memoapp, memobackup, memorestore  # noqa: E402

from tools.crd import definition, reference  # noqa: E402

KINDS = (memoapp.CRD, memobackup.CRD, memorestore.CRD, maintenancewindow.CRD)
CRD_FOLDERS = ("crds", "charts/memoapp-operator/files/crds")
REFERENCE_FOLDER = "docs/reference"


def generated() -> dict[str, str]:
    """Every generated file: path from the root of the repository -> content."""
    files: dict[str, str] = {}
    for kind in KINDS:
        for folder in CRD_FOLDERS:
            files[f"{folder}/{definition.file_name(kind)}"] = definition.as_yaml(kind)
        files[f"{REFERENCE_FOLDER}/{kind.kind.lower()}.md"] = reference.as_markdown(kind)
    return files


def write(root: Path, files: Mapping[str, str]) -> None:
    """Write the files below ``root``."""
    for name, content in files.items():
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, encoding="utf-8")


def drift(root: Path, files: Mapping[str, str]) -> str:
    """A unified diff from what stands below ``root`` to what is generated; empty where they are equal."""
    return "".join(_difference(root / name, name, content) for name, content in files.items())


def _difference(path: Path, name: str, wanted: str) -> str:
    present = path.read_text(encoding="utf-8") if path.exists() else ""
    lines = (present.splitlines(keepends=True), wanted.splitlines(keepends=True))
    return "".join(difflib.unified_diff(*lines, fromfile=name, tofile=f"{name} (generated)"))


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Exit code: 0, or 1 where ``--check`` found a difference below ``root``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 with a diff if a file is stale")
    options = parser.parse_args(arguments)
    if not options.check:
        write(root, generated())
        return 0
    difference = drift(root, generated())
    sys.stdout.write(difference)
    return 1 if difference else 0


if __name__ == "__main__":
    sys.exit(main())
