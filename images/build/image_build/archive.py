"""Docker archives: tar files with layers, configurations and one `manifest.json`."""

import io
import json
import tarfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO

_MANIFEST = "manifest.json"


def retag(source: Path, target: Path, tags: Sequence[str]) -> None:
    """Copy the one-image archive `source` to `target` under `tags`.

    Only what the manifest names is copied; the rest is the layout of Docker before 1.10.
    """
    with tarfile.open(source) as old, tarfile.open(target, "w") as new:
        entry = json.load(_content(old, _MANIFEST))[0]
        _copy(old, new, (entry["Config"], *entry["Layers"]), set())
        _add_manifest(new, [{**entry, "RepoTags": list(tags)}])


def merge(sources: Sequence[Path], target: Path) -> None:
    """Write all images of `sources` into one archive, each shared layer once."""
    entries: list[object] = []
    written: set[str] = set()
    with tarfile.open(target, "w") as new:
        for source in sources:
            with tarfile.open(source) as old:
                for entry in json.load(_content(old, _MANIFEST)):
                    entries.append(entry)
                    _copy(old, new, (entry["Config"], *entry["Layers"]), written)
        _add_manifest(new, entries)


def _copy(old: tarfile.TarFile, new: tarfile.TarFile, names: Iterable[str], written: set[str]) -> None:
    """Copy members that are not written yet; their names are digests of their content."""
    for name in names:
        if name not in written:
            new.addfile(old.getmember(name), _content(old, name))
            written.add(name)


def _add_manifest(archive: tarfile.TarFile, entries: Sequence[object]) -> None:
    text = json.dumps(entries).encode()
    member = tarfile.TarInfo(_MANIFEST)
    member.size = len(text)
    archive.addfile(member, io.BytesIO(text))


def _content(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    content = archive.extractfile(name)
    if content is None:
        raise tarfile.ReadError(f"{name} is not a file")
    return content
