"""What every Dockerfile of the repository keeps to."""

import re
from pathlib import Path

import pytest

from images.build.image_build.catalogue import BASE, IMAGES, repository_root

ROOT = repository_root()
VENDOR = "debian"
DOCKERFILES = sorted({image.dockerfile for image in IMAGES})
BUILDER = sorted(
    path.relative_to(ROOT).as_posix() for path in (ROOT / "images").rglob("*") if path.suffix in {".py", ".sh"}
)
SECRETS = {"apt", "apt-sources", "ca", "pip"}


def text(name: str) -> str:
    return (ROOT / name).read_text()


def instructions(name: str, word: str) -> list[str]:
    """The arguments of one kind of instruction, with continued lines joined."""
    joined = re.sub(r"\\\n(\s*#.*\n)*", " ", text(name))
    return [line.partition(" ")[2].strip() for line in joined.splitlines() if line.startswith(f"{word} ")]


def test_every_dockerfile_of_the_repository_is_in_the_catalogue() -> None:
    found = {
        path.relative_to(ROOT).as_posix()
        for part in ("images", "examples")
        for path in (ROOT / part).rglob("Dockerfile")
    }
    assert found == set(DOCKERFILES)


@pytest.mark.parametrize("name", DOCKERFILES)
def test_the_last_user_is_numeric_and_not_root(name: str) -> None:
    """`runAsNonRoot` cannot judge a name."""
    user = instructions(name, "USER")[-1]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)


@pytest.mark.parametrize("name", DOCKERFILES)
def test_bases_are_the_one_pinned_base_or_an_earlier_stage(name: str) -> None:
    stages: set[str] = set()
    for line in instructions(name, "FROM"):
        base, _, stage = line.partition(" AS ")
        assert base == BASE or base in stages
        stages.add(stage)


@pytest.mark.parametrize("name", DOCKERFILES)
def test_nothing_is_added_from_an_address(name: str) -> None:
    assert not instructions(name, "ADD")
    assert "://" not in text(name)


@pytest.mark.parametrize("name", DOCKERFILES)
def test_package_lists_do_not_stay(name: str) -> None:
    final = text(name).rpartition("\nFROM ")[2]
    installing = [line for line in instructions(name, "RUN") if "apt-get install" in line]
    kept = [line for line in installing if "rm -rf /var/lib/apt/lists/*" not in line]
    assert all("python3-pip" in line for line in kept)  # a stage that is thrown away
    assert "python3-pip" not in final


@pytest.mark.parametrize("name", DOCKERFILES)
def test_installing_steps_mount_the_machines_settings_and_no_others(name: str) -> None:
    for line in instructions(name, "RUN"):
        mounted = set(re.findall(r"type=secret,id=([\w-]+)", line))
        assert mounted <= SECRETS
        if "apt-get" in line:
            assert {"apt", "apt-sources", "ca"} <= mounted
        if "pip install" in line:
            assert {"pip", "ca"} <= mounted


@pytest.mark.parametrize("name", DOCKERFILES)
def test_python_packages_are_pinned_by_hash(name: str) -> None:
    installs = [line for line in instructions(name, "RUN") if "-m pip" in line]
    assert all("--require-hashes" in line and "--only-binary :all:" in line for line in installs)


@pytest.mark.parametrize("name", DOCKERFILES)
def test_secrets_are_no_arguments(name: str) -> None:
    assert not re.search(r"(?i)^(ARG|ENV).*(passw|secret|token|index)", text(name), re.MULTILINE)


@pytest.mark.parametrize("lock", ["requirements.lock", "examples/memoapp/backend/requirements.lock"])
def test_locks_name_no_host(lock: str) -> None:
    assert "://" not in text(lock)
    assert not re.search(
        r"^\s*(-i|--index-url|--extra-index-url|--find-links|--trusted-host)", text(lock), re.MULTILINE
    )


@pytest.mark.parametrize("name", BUILDER)
def test_the_builder_names_no_host_but_debians_own(name: str) -> None:
    hosts = set(re.findall(r"\bhttps?://([\w.-]+\.\w+)", text(name)))
    assert hosts <= {f"deb.{VENDOR}.org"}


def test_only_two_things_reach_the_build_of_the_operator() -> None:
    ignored = Path(ROOT / "images/operator/Dockerfile.dockerignore").read_text().splitlines()
    assert ignored[0] == "*"
    assert {line.removeprefix("!") for line in ignored if line.startswith("!")} == set(
        next(image.inputs for image in IMAGES if image.name == "operator")
    )


@pytest.mark.parametrize("name", DOCKERFILES)
def test_every_build_argument_is_used_by_a_run(name: str) -> None:
    """Buildah keeps the layers of another argument's value otherwise: two versions would be one image."""
    runs = " ".join(instructions(name, "RUN"))
    for argument in instructions(name, "ARG"):
        assert f"${argument.partition('=')[0]}" in runs
