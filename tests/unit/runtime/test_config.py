"""The operator's settings: out of the environment, and what is said where they are wrong."""

from __future__ import annotations

import pytest
from memoapp_operator.__main__ import main
from memoapp_operator.config import from_environment
from pydantic import ValidationError

IMAGE = {"MEMOAPP_OPERATOR_IMAGE": "example/operator:1"}


def test_the_image_alone_is_enough() -> None:
    found = from_environment(IMAGE)
    assert (found.workers, found.resync_seconds, found.lease_seconds, found.port) == (4, 30, 15, 8080)
    assert (found.pod_name, found.pod_namespace, found.log_level) == ("operator", "default", "INFO")
    assert found.namespaces == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", ()), ("a", ("a",)), ("a,b", ("a", "b")), (" a , b ,", ("a", "b")), (",", ())],
)
def test_namespaces_are_a_list_with_commas(text: str, expected: tuple[str, ...]) -> None:
    assert from_environment({**IMAGE, "MEMOAPP_WATCH_NAMESPACES": text}).namespaces == expected


def test_the_log_level_may_be_written_in_any_case() -> None:
    assert from_environment({**IMAGE, "MEMOAPP_LOG_LEVEL": "debug"}).log_level == "DEBUG"


def test_other_variables_are_left_alone() -> None:
    assert from_environment({**IMAGE, "PATH": "/bin", "MEMOAPP_LATER": "x"}).workers == 4


WRONG = {
    "MEMOAPP_OPERATOR_IMAGE": "",
    "MEMOAPP_RESYNC_SECONDS": "61",
    "MEMOAPP_WORKERS": "0",
    "MEMOAPP_LEASE_SECONDS": "5",
    "MEMOAPP_LOG_LEVEL": "chatty",
    "MEMOAPP_PORT": "http",
}


@pytest.mark.parametrize(("name", "value"), WRONG.items())
def test_a_wrong_setting_is_named_by_its_variable(name: str, value: str) -> None:
    with pytest.raises(ValidationError) as caught:
        from_environment({**IMAGE, name: value})
    assert [item["loc"] for item in caught.value.errors()] == [(name,)]


def test_a_process_with_wrong_settings_names_them_all_and_ends_with_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("MEMOAPP_OPERATOR_IMAGE", raising=False)
    monkeypatch.setenv("MEMOAPP_WORKERS", "many")
    assert main() == 2
    lines = capsys.readouterr().err.splitlines()
    assert sorted(line.partition(":")[0] for line in lines) == ["MEMOAPP_OPERATOR_IMAGE", "MEMOAPP_WORKERS"]
