"""Write a docker archive: layers from plain files, images that share layers."""

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

SEARCH_PATH: Final = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Layer:
    """Files (path in the image -> file here), links (path -> target) and folders."""

    files: Mapping[str, Path] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    folders: Sequence[str] = ("tmp",)


@dataclass(frozen=True, slots=True)
class Image:
    """A name with its tag, the layers by name (lowest first) and what it runs."""

    tag: str
    layers: tuple[str, ...]
    entrypoint: str


def write(target: Path, layers: Mapping[str, Layer], images: Sequence[Image]) -> None:
    """Write all images into one archive; the same input gives the same layer digests."""
    with tarfile.open(target, "w") as archive:
        digests: dict[str, str] = {}
        for name, layer in layers.items():
            content = packed(layer)
            digests[name] = hashlib.sha256(content).hexdigest()
            _add(archive, f"{digests[name]}.tar", content)
        manifest = []
        for image in images:
            content = configuration(image, digests)
            config = f"{hashlib.sha256(content).hexdigest()}.json"
            _add(archive, config, content)
            stack = [f"{digests[name]}.tar" for name in image.layers]
            manifest.append({"Config": config, "RepoTags": [image.tag], "Layers": stack})
        _add(archive, "manifest.json", json.dumps(manifest).encode())


def configuration(image: Image, digests: Mapping[str, str]) -> bytes:
    """The image's configuration as the archive stores it."""
    content = {
        "architecture": architecture(platform.machine()),
        "os": "linux",
        "config": {"Entrypoint": [image.entrypoint], "Env": [SEARCH_PATH]},
        "rootfs": {
            "type": "layers",
            "diff_ids": [f"sha256:{digests[name]}" for name in image.layers],
        },
        "history": [{"created_by": "node image build"} for _ in image.layers],
    }
    return json.dumps(content).encode()


def architecture(machine: str) -> str:
    """What images call the processor that ``platform.machine()`` names."""
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def packed(layer: Layer) -> bytes:
    """The layer as an uncompressed tar, parent folders before what they hold."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        made: set[str] = set()
        for name in layer.folders:
            _folder(tar, name, made)
        for name, source in layer.files.items():
            _folder(tar, str(Path(name).parent), made)
            entry = tarfile.TarInfo(name)
            entry.mode, entry.size = 0o755, source.stat().st_size
            with source.open("rb") as content:
                tar.addfile(entry, content)
        for name, to in layer.links.items():
            _folder(tar, str(Path(name).parent), made)
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, to
            tar.addfile(entry)
    return buffer.getvalue()


def _folder(tar: tarfile.TarFile, name: str, made: set[str]) -> None:
    if name in ("", ".") or name in made:
        return
    _folder(tar, str(Path(name).parent), made)
    made.add(name)
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
    tar.addfile(entry)


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))
