"""What goes into a build: a private copy of an image's inputs, and the key of its content."""

import hashlib
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from .catalogue import Image

_SKIPPED = {"__pycache__"}
_MODES = (0o644, 0o755)


def stage(image: Image, root: Path, target: Path) -> Path:
    """Copy the Dockerfile and the inputs of `image` below `target`; give the copy's Dockerfile.

    A copy, so that a file edited meanwhile cannot be in the image and not in its key.

    Raises:
        FileNotFoundError: an input that is not there.
    """
    context = target / "context"
    for source in _files(image, root):
        _copy(source, context / source.relative_to(root / image.context))
    dockerfile = target / "Dockerfile"
    shutil.copyfile(root / image.dockerfile, dockerfile)
    return dockerfile


def content_key(image: Image, staged: Path, base: str) -> str:
    """A short hash over everything that makes the image: Dockerfile, inputs, arguments, tags and base."""
    digest = hashlib.sha256()
    for fact in (base, *image.tags, *(f"{name}={value}" for name, value in image.build_args)):
        digest.update(fact.encode() + b"\0")
    for path in sorted(item for item in staged.rglob("*") if item.is_file()):
        mode = path.stat().st_mode & 0o777
        digest.update(f"{path.relative_to(staged)}\0{mode:o}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _files(image: Image, root: Path) -> Iterator[Path]:
    context = root / image.context
    for name in image.inputs:
        path = context / name
        if not path.exists():
            raise FileNotFoundError(path.relative_to(root))
        yield from _tree(path)


def _tree(path: Path) -> Iterable[Path]:
    if path.is_file():
        return [path]
    found = (item for item in path.rglob("*") if item.is_file())
    return sorted(item for item in found if not _SKIPPED & set(item.parts) and item.suffix != ".pyc")


def _copy(source: Path, target: Path) -> None:
    """Copy the content; the mode becomes 644 or 755, whatever the umask of the checkout was."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(_MODES[bool(source.stat().st_mode & 0o100)])
