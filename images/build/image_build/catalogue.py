"""Every image that this repository builds, as a table."""

from dataclasses import dataclass
from pathlib import Path

BASE = "docker.io/library/debian:trixie-slim"
OPERATOR_VERSION = "0.1.0"
SAMPLE_VERSIONS = ("1.0.0", "1.1.0")


@dataclass(frozen=True, slots=True)
class Image:
    """One image: what it is built from and what it is called.

    `context` is a folder of the repository; `inputs` are the paths inside it that the Dockerfile may copy (nothing
    else reaches the build, but the program of a Go `module`, which is built beside it). `public` names the public image
    that this one stands in for, if it does.
    """

    name: str
    tags: tuple[str, ...]
    dockerfile: str
    context: str
    inputs: tuple[str, ...]
    build_args: tuple[tuple[str, str], ...] = ()
    public: str | None = None
    module: str | None = None


def _standin(name: str, version: str, called: str | None = None) -> Image:
    folder = f"images/standin/{name}"
    return Image(
        name=called or name,
        tags=(f"docker.io/memoapp/standin-{name}:{version}",),
        dockerfile=f"{folder}/Dockerfile",
        context=folder,
        inputs=("docker-entrypoint.sh",),
        public=f"docker.io/library/{name}:{version}",
    )


def _backend(name: str, tag: str, fault: str = "") -> Image:
    folder = "examples/memoapp/backend"
    return Image(
        name=name,
        tags=(f"docker.io/memoapp/sample-backend:{tag}",),
        dockerfile=f"{folder}/Dockerfile",
        context=folder,
        inputs=("requirements.lock", "memo_backend"),
        build_args=(("MEMO_VERSION", tag), ("MEMO_FAULT", fault)),
    )


def _frontend(name: str, version: str) -> Image:
    folder = "examples/memoapp/frontend"
    return Image(
        name=name,
        tags=(f"docker.io/memoapp/sample-frontend:{version}",),
        dockerfile=f"{folder}/Dockerfile",
        context=folder,
        inputs=("nginx.conf", "site", "start.sh"),
        build_args=(("FRONTEND_VERSION", version),),
    )


_FIRST, _NEXT = SAMPLE_VERSIONS

IMAGES: tuple[Image, ...] = (
    Image(
        name="operator",
        tags=(
            f"docker.io/memoapp/operator:{OPERATOR_VERSION}",
            "docker.io/memoapp/operator:dev",
        ),
        dockerfile="images/operator/Dockerfile",
        context=".",
        inputs=("requirements.lock", "operator/memoapp_operator"),
    ),
    _frontend("frontend", _FIRST),
    _frontend("frontend-next", _NEXT),
    _backend("backend", _FIRST),
    _backend("backend-next", _NEXT),
    _backend("backend-never-healthy", f"{_FIRST}-never-healthy", fault="never-healthy"),
    _standin("postgres", "17"),
    _standin("postgres", "17-trixie", "postgres-next"),
    _standin("redis", "8"),
    _standin("haproxy", "3.0"),
    Image(
        name="objects",
        tags=("docker.io/memoapp/objects:1.8.0",),
        dockerfile="images/objects/Dockerfile",
        context="images/objects",
        inputs=(),
        module="github.com/versity/versitygw/cmd/versitygw@v1.8.0",
    ),
)


def repository_root() -> Path:
    """The checkout that holds this file."""
    return Path(__file__).resolve().parents[3]


def reference(image: Image, *, public: bool) -> str:
    """The name by which a manifest uses `image`; the public one where there is one and it can be pulled."""
    return image.public if public and image.public else image.tags[0]


def names(*, public: bool) -> dict[str, str]:
    """Image name -> reference, for the demo and the tests."""
    return {image.name: reference(image, public=public) for image in IMAGES}


def select(wanted: tuple[str, ...]) -> tuple[Image, ...]:
    """The images of those names, in the table's order; all where none is named.

    Raises:
        KeyError: a name that the table does not hold.
    """
    known = {image.name for image in IMAGES}
    for name in wanted:
        if name not in known:
            raise KeyError(name)
    return tuple(image for image in IMAGES if not wanted or image.name in wanted)
