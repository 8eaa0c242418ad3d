"""Docker archives: readable by their manifest, and byte for byte the same from the same input."""

import hashlib
import io
import json
import tarfile
from pathlib import Path

from memocluster import archive, images
from memocluster.archive import Image, Layer


def written(tmp_path: Path, name: str = "images.tar") -> Path:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    layers = {
        "base": Layer({"usr/bin/program": program}),
        "links": Layer(links={"bin/other": "program"}),
    }
    target = tmp_path / name
    archive.write(target, layers, [Image("localhost/thing:1", ("base", "links"), "/usr/bin/program")])
    return target


def test_the_manifest_leads_to_configuration_and_layers(tmp_path: Path) -> None:
    with tarfile.open(written(tmp_path)) as tar:
        files = {name: tar.extractfile(name) for name in tar.getnames()}
        content = {name: file.read() for name, file in files.items() if file}
    (image,) = json.loads(content["manifest.json"])
    assert image["RepoTags"] == ["localhost/thing:1"]
    config = json.loads(content[image["Config"]])
    assert config["config"]["Entrypoint"] == ["/usr/bin/program"]
    digests = [f"sha256:{hashlib.sha256(content[name]).hexdigest()}" for name in image["Layers"]]
    assert config["rootfs"]["diff_ids"] == digests


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    assert written(tmp_path, "one.tar").read_bytes() == written(tmp_path, "two.tar").read_bytes()


def test_the_processor_is_called_as_images_call_it() -> None:
    assert [archive.architecture(machine) for machine in ("x86_64", "aarch64")] == ["amd64", "arm64"]


def test_parents_come_before_what_they_hold_and_tmp_is_open_to_all(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("")
    content = archive.packed(Layer({"a/b/program": program}, {"a/link": "b"}))
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        assert tar.getnames() == ["tmp", "a", "a/b", "a/b/program", "a/link"]
        assert tar.getmember("tmp").mode == 0o1777
        assert tar.getmember("a/b/program").mode == 0o755


def test_each_preloaded_image_has_a_tag_of_its_own() -> None:
    tags = [image.tag for image in images.catalogue()]
    assert len(set(tags)) == len(tags)
    assert "registry.k8s.io/kube-apiserver:v1.36.3" in tags
    assert "registry.k8s.io/coredns/coredns:v1.14.2" in tags


def test_links_are_followed_inside_the_root(tmp_path: Path) -> None:
    (tmp_path / "usr/lib").mkdir(parents=True)
    (tmp_path / "usr/lib/libx.so.1.2").write_text("")
    (tmp_path / "usr/lib/libx.so.1").symlink_to("libx.so.1.2")
    (tmp_path / "usr/lib/libx.so").symlink_to("/usr/lib/libx.so.1")
    assert images.inside(tmp_path, "usr/lib/libx.so") == tmp_path / "usr/lib/libx.so.1.2"
