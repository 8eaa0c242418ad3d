"""The field reference tells every field, and what holds for it."""

from __future__ import annotations

from memoapp_operator.api.v1alpha1.memoapp import CRD

from tests.unit.api.walk import nodes
from tools.crd.reference import as_markdown

TEXT = as_markdown(CRD)


def section(path: str) -> str:
    """The part of the reference about one object."""
    return TEXT.split(f"## `{path}`\n", 1)[1].split("\n## ", 1)[0]


def row(path: str, field: str) -> str:
    return next(line for line in section(path).splitlines() if line.startswith(f"| `{field}` |"))


def test_every_field_has_a_row_in_the_section_of_its_object() -> None:
    for path, node in nodes():
        if "properties" in node:
            assert all(row(path, field) for field in node["properties"])


def test_a_row_tells_type_default_limits_and_description() -> None:
    assert row("spec.backend", "replicas") == (
        "| `replicas` | integer | `2` | 1 to 100 | "
        "Number of pods. A change scales in place and is no release. It does not count where autoscaling is declared. |"
    )


def test_what_must_be_written_is_marked() -> None:
    assert "| required |" in row("spec", "backend")
    assert "required" not in row("spec", "redis")


def test_maps_and_lists_tell_about_their_values() -> None:
    assert "list of object" in row("spec.backend", "env")
    assert "unique by `name`" in row("spec.backend", "env")
    assert "map of integer or string" in row("spec.traffic.resources", "limits")


def test_a_bar_in_a_pattern_does_not_end_the_cell() -> None:
    assert r"(m\|k\|M" in row("spec.database.managed.storage", "size")


def test_rules_stand_above_the_table_in_words() -> None:
    assert "- name is immutable\n" in section("spec.database")
    assert "oldSelf" not in TEXT


def test_the_page_says_that_it_is_generated() -> None:
    assert TEXT.startswith("<!-- Generated")
