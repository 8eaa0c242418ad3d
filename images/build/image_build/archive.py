"""Docker archives: tar files with layers, configurations and one `manifest.json`."""

import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

_MANIFEST = "manifest.json"


def retag(source: Path, target: Path, tags: Sequence[str]) -> None:
    """Copy the one-image archive `source` to `target` under `tags`.

    Only what the manifest names is copied; the rest is the layout of Docker before 1.10.
    """
    with tarfile.open(source) as old, tarfile.open(target, "w") as new:
        entry = json.load(_content(old, _MANIFEST))[0]
        for name in (entry["Config"], *dict.fromkeys(entry["Layers"])):
            new.addfile(old.getmember(name), _content(old, name))
        text = json.dumps([{**entry, "RepoTags": list(tags)}]).encode()
        member = tarfile.TarInfo(_MANIFEST)
        member.size = len(text)
        new.addfile(member, io.BytesIO(text))


def _content(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    content = archive.extractfile(name)
    if content is None:
        raise tarfile.ReadError(f"{name} is not a file")
    return content
