"""What a builder of images must be able to do; Docker and Buildah do it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from .catalogue import Image


class Engine(Protocol):
    """Builds images into archives."""

    @property
    def uses_public_images(self) -> bool:
        """Whether the public images can be pulled, so that no stand-in is needed."""
        ...

    @property
    def base_key(self) -> str:
        """What the base image is, for the content key of all others."""
        ...

    def prepare(self) -> None:
        """Make ready what every build needs (programs, the base image)."""
        ...

    def build(self, image: Image, staged: Path, secrets: Mapping[str, Path], archive: Path) -> None:
        """Build `image` from the `staged` Dockerfile and context into a docker-archive, under all its tags."""
        ...

    def fetch(self, reference: str, archive: Path) -> None:
        """Save a public image as a docker-archive."""
        ...
