"""The key of an archive: everything that makes an image changes it, nothing else does."""

from dataclasses import replace
from pathlib import Path

import pytest

from images.build.image_build.catalogue import Image
from images.build.image_build.context import content_key, stage

IMAGE = Image(
    name="sample",
    tags=("registry.example/sample:1",),
    dockerfile="sample/Dockerfile",
    context="sample",
    inputs=("requirements.lock", "code"),
    build_args=(("VERSION", "1"),),
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    code = tmp_path / "root" / "sample" / "code"
    code.mkdir(parents=True)
    (code / "main.py").write_text("print('one')\n")
    (code.parent / "Dockerfile").write_text("FROM scratch\n")
    (code.parent / "requirements.lock").write_text("kopf==1\n")
    (code.parent / "unrelated.md").write_text("nothing\n")
    return tmp_path / "root"


def key(root: Path, tmp_path: Path, image: Image = IMAGE, base: str = "base") -> str:
    staged = tmp_path / f"staged-{len(list(tmp_path.iterdir()))}"
    staged.mkdir()
    stage(image, root, staged)
    return content_key(image, staged, base)


def test_the_same_inputs_give_the_same_key(root: Path, tmp_path: Path) -> None:
    assert key(root, tmp_path) == key(root, tmp_path)


@pytest.mark.parametrize("path", ["Dockerfile", "requirements.lock", "code/main.py", "code/new.py"])
def test_a_changed_or_new_input_changes_the_key(root: Path, tmp_path: Path, path: str) -> None:
    before = key(root, tmp_path)
    (root / "sample" / path).write_text("changed\n")
    assert key(root, tmp_path) != before


def test_a_renamed_input_changes_the_key(root: Path, tmp_path: Path) -> None:
    before = key(root, tmp_path)
    (root / "sample/code/main.py").rename(root / "sample/code/other.py")
    assert key(root, tmp_path) != before


def test_an_input_that_becomes_executable_changes_the_key(root: Path, tmp_path: Path) -> None:
    before = key(root, tmp_path)
    (root / "sample/code/main.py").chmod(0o755)
    assert key(root, tmp_path) != before


@pytest.mark.parametrize(
    "image",
    [
        replace(IMAGE, tags=("registry.example/sample:2",)),
        replace(IMAGE, build_args=(("VERSION", "2"),)),
    ],
)
def test_tags_and_arguments_change_the_key(root: Path, tmp_path: Path, image: Image) -> None:
    assert key(root, tmp_path, image) != key(root, tmp_path)


def test_another_base_changes_the_key(root: Path, tmp_path: Path) -> None:
    assert key(root, tmp_path, base="newer") != key(root, tmp_path)


@pytest.mark.parametrize("path", ["unrelated.md", "code/__pycache__/main.cpython-313.pyc", "code/old.pyc"])
def test_what_is_no_input_neither_changes_the_key_nor_reaches_the_build(root: Path, tmp_path: Path, path: str) -> None:
    before = key(root, tmp_path)
    (root / "sample" / path).parent.mkdir(exist_ok=True)
    (root / "sample" / path).write_text("other\n")
    assert key(root, tmp_path) == before
    assert not list(tmp_path.glob(f"staged-*/context/{path}"))


def test_the_umask_of_a_checkout_does_not_matter(root: Path, tmp_path: Path) -> None:
    before = key(root, tmp_path)
    (root / "sample/code/main.py").chmod(0o600)
    assert key(root, tmp_path) == before


def test_a_missing_input_is_named(root: Path, tmp_path: Path) -> None:
    (root / "sample/requirements.lock").unlink()
    with pytest.raises(FileNotFoundError, match=r"sample/requirements\.lock"):
        key(root, tmp_path)
