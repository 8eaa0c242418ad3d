"""The command line."""

import argparse
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from . import programs
from .archive import merge
from .buildah import Buildah
from .cache import Cache, cache_from, environment
from .catalogue import Image, names, reference, repository_root, select
from .context import content_key, stage
from .docker import Docker
from .engine import Engine
from .errors import BuildError
from .host import write_secrets
from .run import run, step, succeeds, tell


def main(arguments: Sequence[str]) -> int:
    """Run one command; 0 on success, 1 with one line of explanation otherwise."""
    options = _parser().parse_args(arguments)
    cache = cache_from(environment())
    try:
        engine = choose_engine(options.engine, cache)
        images = _selected(options.only)
        if options.command == "names":
            print(json.dumps(names(public=engine.uses_public_images), indent=2))
            return 0
        archives = build_all(images, engine, cache)
        if options.command == "archives":
            print("\n".join(map(str, archives)))
        elif options.command == "bundle":
            print(bundle(archives, cache))
    except BuildError as error:
        tell(f"images: {error}")
        return 1
    return 0


def choose_engine(wanted: str, cache: Cache) -> Engine:
    """Docker where its daemon answers (or is wanted), Buildah otherwise."""
    if wanted == "docker" or (wanted == "auto" and succeeds(["docker", "info"])):
        return Docker(run, environment())
    return Buildah(run, cache, environment())


def build_all(images: Sequence[Image], engine: Engine, cache: Cache) -> list[Path]:
    """Build what changed; give the archive of every image."""
    with cache.locked(), TemporaryDirectory(dir=cache.root, prefix=".work-") as folder:
        work = Path(folder)
        archives = [_stage(image, engine, cache, work) for image in images]
        todo = [(image, archive) for image, archive in zip(images, archives, strict=True) if not archive.exists()]
        if todo:
            engine.prepare()
            secrets = write_secrets(work, run, environment())
            for image, archive in todo:
                with step(f"{image.name}: {reference(image, public=engine.uses_public_images)}"):
                    _build(image, engine, work / image.name, secrets, archive)
                cache.forget_old(image.name, archive)
        tell(f"images: {len(todo)} built, {len(images) - len(todo)} unchanged")
    return archives


def _build(image: Image, engine: Engine, staged: Path, secrets: dict[str, Path], archive: Path) -> None:
    """Build into a part file and rename it: an archive is whole or is not there."""
    part = archive.with_name(f".{archive.name}.part")
    part.unlink(missing_ok=True)
    if image.public and engine.uses_public_images:
        engine.fetch(image.public, part)
    else:
        engine.build(image, staged, secrets, part)
    part.rename(archive)


def _stage(image: Image, engine: Engine, cache: Cache, work: Path) -> Path:
    """Copy the inputs below `work` and give the archive that they lead to."""
    staged = work / image.name
    staged.mkdir()
    try:
        stage(image, repository_root(), staged)
        if image.module is not None:
            programs.copy(programs.program(image.module, cache, run, environment()), staged / "context")
    except FileNotFoundError as error:
        raise BuildError(f"{image.name}: {error.filename or error} is missing") from None
    facts = f"{engine.base_key} public" if engine.uses_public_images else engine.base_key
    return cache.archive(image.name, content_key(image, staged, facts))


def bundle(archives: Sequence[Path], cache: Cache) -> Path:
    """One archive of all these, made if it is not there: much less to load than one each."""
    with cache.locked():
        target = cache.archive("bundle", hashlib.sha256("\n".join(map(str, archives)).encode()).hexdigest()[:16])
        if not target.exists():
            part = target.with_name(f".{target.name}.part")
            merge(archives, part)
            part.rename(target)
            cache.forget_old("bundle", target)
    return target


def _selected(only: Sequence[str]) -> tuple[Image, ...]:
    try:
        return select(tuple(only))
    except KeyError as error:
        known = ", ".join(image.name for image in select(()))
        raise BuildError(f"no image {error}; there are {known}") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="images/build", description="Build the images of MemoApp and its operator.")
    parser.add_argument("--engine", choices=["auto", "docker", "buildah"], default="auto")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("build", "build what changed, into archives"),
        ("archives", "build, then print the archive of every image (for `kind load image-archive`)"),
        ("bundle", "build, then print one archive that holds them all, shared layers once"),
        ("names", "print image name -> reference as JSON, for manifests"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these images only")
    return parser
