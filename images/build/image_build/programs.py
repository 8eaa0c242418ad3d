"""Programs of Go modules that an image holds: built here, where the modules can be had, and copied in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from .cache import Cache
from .run import Runner, step


def program(module: str, cache: Cache, run: Runner, environment: Mapping[str, str]) -> Path:
    """The program of ``module@version``, static, built once; Go checks the module against its checksum database.

    Raises:
        BuildError: there is no Go, or it cannot be built.
    """
    path, _, version = module.partition("@")
    folder = cache.root / "programs" / version
    found = folder / path.rpartition("/")[2]
    if not found.exists():
        folder.mkdir(parents=True, exist_ok=True)
        settings = {**environment, "CGO_ENABLED": "0", "GOBIN": str(folder), "GOFLAGS": "-trimpath"}
        with step(f"build {path.rpartition('/')[2]} {version} (about a minute)"):
            run(["go", "install", "-ldflags=-s -w", module], settings)
    return found


def copy(found: Path, context: Path) -> None:
    """Put it into the context of an image's build."""
    context.mkdir(parents=True, exist_ok=True)
    target = context / found.name
    target.write_bytes(found.read_bytes())
    target.chmod(0o755)
