"""The command lines of Docker and Buildah."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from images.build.image_build.buildah import Buildah
from images.build.image_build.cache import Cache
from images.build.image_build.catalogue import BASE, select
from images.build.image_build.docker import Docker, build_command
from images.build.image_build.errors import BuildError
from images.build.image_build.packages import install_missing
from images.build.image_build.run import run

(OPERATOR, BAD) = select(("operator", "backend-never-healthy"))


class Recorder:
    """Takes commands down instead of running them."""

    def __init__(self) -> None:
        self.commands: list[list[str]] = []

    def __call__(self, command: Sequence[str], env: Mapping[str, str] | None = None) -> str:
        self.commands.append(list(command))
        del env
        return ""


def test_docker_gets_arguments_secrets_proxies_and_all_tags() -> None:
    environment = {"https_proxy": "http://user:pw@proxy.example", "HOME": "/home/x"}
    command = build_command(BAD, Path("/w"), {"pip": Path("/s/pip")}, environment)
    assert command[:4] == ["docker", "build", "--file", "/w/Dockerfile"]
    assert "MEMO_FAULT=never-healthy" in command
    assert "id=pip,src=/s/pip" in command
    assert command[-1] == "/w/context"
    assert "https_proxy" in command
    assert not any("proxy.example" in part for part in command)  # its password stays out of argv


def test_docker_saves_what_it_built_and_pulls_what_is_public(tmp_path: Path) -> None:
    recorder = Recorder()
    docker = Docker(recorder, {})
    assert docker.uses_public_images
    docker.build(OPERATOR, tmp_path, {}, tmp_path / "o.tar")
    docker.fetch("docker.io/library/redis:8", tmp_path / "r.tar")
    assert [command[:2] for command in recorder.commands] == [
        ["docker", "build"],
        ["docker", "save"],
        ["docker", "pull"],
        ["docker", "save"],
    ]
    assert recorder.commands[1][-2:] == list(OPERATOR.tags)


def test_buildah_uses_a_storage_of_its_own_and_pulls_nothing(tmp_path: Path) -> None:
    class Built(Exception):  # noqa: N818
        pass

    class Once(Recorder):
        def __call__(self, command: Sequence[str], env: Mapping[str, str] | None = None) -> str:
            super().__call__(command, env)
            raise Built

    recorder = Once()
    buildah = Buildah(recorder, Cache(tmp_path), {})
    assert not buildah.uses_public_images
    with pytest.raises(Built):
        buildah.build(BAD, tmp_path, {"ca": Path("/s/ca")}, tmp_path / "b.tar")
    (command,) = recorder.commands
    assert command[command.index("--root") + 1].startswith(str(tmp_path))
    assert command[command.index("--runroot") + 1].startswith(str(tmp_path))
    assert "--pull-never" in command
    assert "id=ca,src=/s/ca" in command


def test_the_recipe_of_the_base_is_part_of_the_key(tmp_path: Path) -> None:
    assert Buildah(Recorder(), Cache(tmp_path), {}).base_key != Docker(Recorder(), {}).base_key == BASE


def test_packages_are_installed_only_where_the_program_is_missing() -> None:
    recorder = Recorder()
    install_missing(recorder, {"sh": "dash"})
    assert recorder.commands == []


def test_a_program_that_fails_is_named_in_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BuildError, match=r"^sh ended with status 3 .*$"):
        run(["sh", "-c", "echo the reason; exit 3"])
    assert "the reason" in capfd.readouterr().err
    with pytest.raises(BuildError, match="no-such-program is not installed"):
        run(["no-such-program"])
