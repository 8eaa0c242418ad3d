"""Builds with Buildah, as root, in chroots: needs no daemon and no container registry, only Debian packages."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from . import archive as archives
from .base import RECIPE, make_base
from .cache import Cache
from .catalogue import BASE, Image
from .errors import BuildError
from .packages import install_missing
from .run import Runner, step, succeeds

_DRIVER = "overlay"  # where the file system under the cache cannot carry it: MEMOAPP_STORAGE_DRIVER=vfs


@dataclass(frozen=True, slots=True)
class Buildah:
    """The Buildah command line, with a storage of its own inside the cache."""

    run: Runner
    cache: Cache
    environment: Mapping[str, str]
    uses_public_images: bool = False

    @property
    def base_key(self) -> str:
        """Hash of the recipe of the base image."""
        return hashlib.sha256(RECIPE.encode()).hexdigest()[:16]

    def prepare(self) -> None:
        """Install what is missing and make the base image, once."""
        if os.geteuid() != 0:
            raise BuildError("without Docker the images are built by Buildah, which needs root here")
        install_missing(self.run, {"buildah": "buildah", "mmdebstrap": "mmdebstrap"})
        marker = f"localhost/memoapp-base:{self.base_key}"
        if not succeeds(self._buildah("inspect", "--type", "image", marker)):
            with step(f"base image {BASE} from Debian packages"):
                self._import_base(marker)

    def build(self, image: Image, staged: Path, secrets: Mapping[str, Path], archive: Path) -> None:
        """Build with layer cache and write one archive with all tags."""
        command = self._buildah("bud", "--isolation", "chroot", "--network", "host", "--layers", "--pull-never")
        for name, value in image.build_args:
            command += ["--build-arg", f"{name}={value}"]
        for name, path in secrets.items():
            command += ["--secret", f"id={name},src={path}"]
        command += ["--file", str(staged / "Dockerfile"), "--tag", image.tags[0], str(staged / "context")]
        self.run(command)
        pushed = staged / "pushed.tar"
        self.run(self._buildah("push", "--quiet", image.tags[0], f"docker-archive:{pushed}:{image.tags[0]}"))
        archives.retag(pushed, archive, image.tags)
        pushed.unlink()

    def fetch(self, reference: str, archive: Path) -> None:
        """Public images are not fetched this way: a stand-in is built instead."""
        raise BuildError(f"{reference} is not fetched without Docker ({archive.name})")

    def _import_base(self, marker: str) -> None:
        with TemporaryDirectory(dir=self.cache.root, prefix=".base-") as folder:
            tarball = Path(folder) / "base.tar"
            make_base(self.run, tarball)
            container = self.run(self._buildah("from", "scratch")).strip()
            self.run(self._buildah("add", "--quiet", container, str(tarball), "/"))
            self.run(self._buildah("config", "--cmd", "bash", container))
            self.run(self._buildah("commit", "--quiet", "--rm", container, BASE))
            self.run(self._buildah("tag", BASE, marker))

    def _buildah(self, *arguments: str) -> list[str]:
        storage = self.cache.storage
        return [
            "buildah",
            "--root",
            str(storage / "root"),
            "--runroot",
            str(storage / "run"),
            "--storage-driver",
            self.environment.get("MEMOAPP_STORAGE_DRIVER") or _DRIVER,
            *arguments,
        ]
