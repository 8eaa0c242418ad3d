"""The table of images, and the names that the demo and the tests use."""

import pytest

from images.build.image_build.catalogue import IMAGES, names, repository_root, select

NEEDED = {"operator", "frontend", "backend", "postgres", "redis", "haproxy"}


def test_names_are_complete() -> None:
    assert names(public=False).keys() >= NEEDED
    assert names(public=True).keys() == names(public=False).keys()


def test_public_images_are_used_where_they_can_be_pulled() -> None:
    found = names(public=True)
    assert found["postgres"] == "docker.io/library/postgres:17"
    assert found["redis"] == "docker.io/library/redis:8"
    assert found["haproxy"] == "docker.io/library/haproxy:3.0"
    assert found["operator"] == "docker.io/memoapp/operator:0.1.0"


def test_stand_ins_are_used_where_they_cannot() -> None:
    found = names(public=False)
    assert found["postgres"] == "docker.io/memoapp/standin-postgres:17"
    assert found["redis"] == "docker.io/memoapp/standin-redis:8"
    assert found["haproxy"] == "docker.io/memoapp/standin-haproxy:3.0"


def test_names_and_tags_are_unique() -> None:
    assert len({image.name for image in IMAGES}) == len(IMAGES)
    tags = [tag for image in IMAGES for tag in image.tags]
    assert len(set(tags)) == len(tags)


def test_the_bad_version_is_an_image() -> None:
    (bad,) = select(("backend-never-healthy",))
    assert bad.tags == ("docker.io/memoapp/sample-backend:1.0.0-never-healthy",)
    assert dict(bad.build_args)["MEMO_FAULT"] == "never-healthy"


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.name)
def test_dockerfile_and_inputs_are_there(image: object) -> None:
    root = repository_root()
    assert (root / image.dockerfile).is_file()  # type: ignore[attr-defined]
    assert all((root / image.context / path).exists() for path in image.inputs)  # type: ignore[attr-defined]


def test_selecting_keeps_the_order_of_the_table() -> None:
    assert [image.name for image in select(("redis", "operator"))] == ["operator", "redis"]
    assert select(()) == IMAGES


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(KeyError, match="mysql"):
        select(("mysql",))
