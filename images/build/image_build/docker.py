"""Builds with Docker, where its daemon answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .catalogue import BASE, Image
from .run import Runner

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")


@dataclass(frozen=True, slots=True)
class Docker:
    """The Docker command line."""

    run: Runner
    environment: Mapping[str, str]
    uses_public_images: bool = True
    base_key: str = BASE

    def prepare(self) -> None:
        """Nothing: Docker pulls the base image by itself."""

    def build(self, image: Image, staged: Path, secrets: Mapping[str, Path], archive: Path) -> None:
        """Build by BuildKit and save under all tags."""
        self.run(build_command(image, staged, secrets, self.environment), {**self.environment, "DOCKER_BUILDKIT": "1"})
        self.run(["docker", "save", "--output", str(archive), *image.tags])

    def fetch(self, reference: str, archive: Path) -> None:
        """Pull and save."""
        self.run(["docker", "pull", "--quiet", reference])
        self.run(["docker", "save", "--output", str(archive), reference])


def build_command(image: Image, staged: Path, secrets: Mapping[str, Path], environment: Mapping[str, str]) -> list[str]:
    """`docker build` for one image; proxies are predefined arguments that stay out of the image's history."""
    command = ["docker", "build", "--file", str(staged / "Dockerfile")]
    for name, value in image.build_args:
        command += ["--build-arg", f"{name}={value}"]
    for name in _PROXIES:
        if environment.get(name):
            command += ["--build-arg", name]
    for name, path in secrets.items():
        command += ["--secret", f"id={name},src={path}"]
    for tag in image.tags:
        command += ["--tag", tag]
    return [*command, str(staged / "context")]
