"""The cache: parts built once, kept by the hash of what they are made from."""

import hashlib
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from memocluster import paths
from memocluster.locks import lock


def key(*inputs: str | bytes | Path) -> str:
    """Twelve hexadecimal digits over the inputs, in order.

    A path stands for its content: a file for its bytes, a folder for the relative
    names, modes and bytes of every file in it.
    """
    digest = hashlib.sha256()
    for item in inputs:
        for part in _parts(item):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
    return digest.hexdigest()[:12]


def _parts(item: str | bytes | Path) -> list[bytes]:
    if isinstance(item, str):
        return [item.encode()]
    if isinstance(item, bytes):
        return [item]
    if item.is_file():
        return [item.read_bytes()]
    parts: list[bytes] = []
    for file in sorted(path for path in item.rglob("*") if path.is_file()):
        runs = file.stat().st_mode & 0o100
        parts += [str(file.relative_to(item)).encode(), b"x" if runs else b"-", file.read_bytes()]
    return parts


def place(name: str, digest: str) -> Path:
    """Where the part of that name and hash lies or will lie."""
    return paths.cache() / f"{name}-{digest}"


def part(name: str, digest: str, make: Callable[[Path], None]) -> Path:
    """The folder of a part; ``make(folder)`` fills it if it is not there yet.

    A part appears under its name only when it is whole (renamed as the last act),
    and two calls at once build it once.
    """
    wanted = place(name, digest)
    if wanted.is_dir():
        return wanted
    with lock(paths.cache() / f".{name}.lock", f"the build of {name}"):
        if wanted.is_dir():
            return wanted
        for stale in paths.cache().glob(f".{name}.tmp-*"):
            shutil.rmtree(stale, ignore_errors=True)
        unfinished = Path(tempfile.mkdtemp(prefix=f".{name}.tmp-", dir=paths.cache()))
        try:
            unfinished.chmod(0o755)
            make(unfinished)
            unfinished.rename(wanted)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return wanted
