"""Archives get their tags, and are merged."""

import io
import json
import tarfile
from pathlib import Path

from images.build.image_build.archive import merge, retag


def write(path: Path, members: dict[str, bytes]) -> None:
    with tarfile.open(path, "w") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def manifest(*tags: str) -> bytes:
    return json.dumps([{"Config": "c.json", "RepoTags": list(tags), "Layers": ["l.tar"]}]).encode()


def test_tags_are_replaced_and_what_the_manifest_names_stays(tmp_path: Path) -> None:
    old, new = tmp_path / "old.tar", tmp_path / "new.tar"
    members = {"x/json": b"{}", "l.tar": b"layer" * 1000, "manifest.json": manifest("a:1"), "c.json": b"{}"}
    write(old, {**members, "repositories": b"{}"})
    retag(old, new, ["b:1", "b:dev"])
    with tarfile.open(new) as archive:
        content = {name: file.read() for name in archive.getnames() if (file := archive.extractfile(name))}
    assert content == {"c.json": b"{}", "l.tar": b"layer" * 1000, "manifest.json": manifest("b:1", "b:dev")}


def test_merged_archives_hold_a_shared_layer_once(tmp_path: Path) -> None:
    one, two, both = tmp_path / "1.tar", tmp_path / "2.tar", tmp_path / "both.tar"
    write(one, {"l.tar": b"shared", "c.json": b"{}", "manifest.json": manifest("a:1")})
    second = json.dumps([{"Config": "d.json", "RepoTags": ["b:1"], "Layers": ["l.tar", "m.tar"]}]).encode()
    write(two, {"l.tar": b"shared", "m.tar": b"own", "d.json": b"{}", "manifest.json": second})
    merge([one, two], both)
    with tarfile.open(both) as archive:
        assert archive.getnames() == ["c.json", "l.tar", "d.json", "m.tar", "manifest.json"]
        content = archive.extractfile("manifest.json")
        assert content
        assert json.load(content) == json.loads(manifest("a:1")) + json.loads(second)
