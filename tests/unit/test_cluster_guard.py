"""The tests touch the cluster that was made for them, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.cluster_guard import ForeignClusterError, kubeconfig, kubeconfig_or_stop


def written(folder: Path, context: object) -> str:
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Config", "current-context": context}))
    return str(path)


@pytest.mark.parametrize("context", ["kind-memoapp-test", "kind-memoapp-dev"])
def test_a_cluster_made_for_the_tests_is_taken(tmp_path: Path, context: str) -> None:
    path = written(tmp_path, context)
    assert kubeconfig({"MEMOAPP_KUBECONFIG": path}) == Path(path)


@pytest.mark.parametrize(
    "context", ["production", "kind-other", "my-kind-memoapp-x", "KIND-MEMOAPP-X", "", None, 7, ["kind-memoapp-x"]]
)
def test_any_other_context_is_refused(tmp_path: Path, context: object) -> None:
    with pytest.raises(ForeignClusterError, match="refusing to test on context"):
        kubeconfig({"MEMOAPP_KUBECONFIG": written(tmp_path, context)})


def test_a_foreign_context_is_taken_when_it_is_named_exactly(tmp_path: Path) -> None:
    path = written(tmp_path, "staging")
    assert kubeconfig({"MEMOAPP_KUBECONFIG": path, "MEMOAPP_E2E_CONTEXT": "staging"}) == Path(path)


@pytest.mark.parametrize("named", ["stag", "staging-2", "Staging", ""])
def test_a_foreign_context_is_refused_when_another_is_named(tmp_path: Path, named: str) -> None:
    with pytest.raises(ForeignClusterError, match="MEMOAPP_E2E_CONTEXT does not name it"):
        kubeconfig({"MEMOAPP_KUBECONFIG": written(tmp_path, "staging"), "MEMOAPP_E2E_CONTEXT": named})


@pytest.mark.parametrize("context", ["", None])
def test_a_nameless_context_cannot_be_named(tmp_path: Path, context: object) -> None:
    with pytest.raises(ForeignClusterError):
        kubeconfig({"MEMOAPP_KUBECONFIG": written(tmp_path, context), "MEMOAPP_E2E_CONTEXT": ""})


@pytest.mark.parametrize("environment", [{}, {"MEMOAPP_KUBECONFIG": ""}, {"KUBECONFIG": "/somewhere/config"}])
def test_without_the_variable_nothing_is_guessed(environment: dict[str, str]) -> None:
    with pytest.raises(ForeignClusterError, match="MEMOAPP_KUBECONFIG is not set"):
        kubeconfig(environment)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ForeignClusterError, match="is the cluster up"):
        kubeconfig({"MEMOAPP_KUBECONFIG": str(tmp_path / "absent")})


@pytest.mark.parametrize("content", [b"a: [", b"\xff\xfe", b"just text"])
def test_a_broken_file_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "kubeconfig"
    path.write_bytes(content)
    with pytest.raises(ForeignClusterError) as caught:
        kubeconfig({"MEMOAPP_KUBECONFIG": str(path)})
    assert "\n" not in str(caught.value)


class Session:
    """The part of pytest's session that the guard uses."""

    shouldstop: bool | str = False


def test_without_a_cluster_the_run_fails_and_never_skips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MEMOAPP_KUBECONFIG", raising=False)
    session = Session()
    with pytest.raises(pytest.fail.Exception, match="MEMOAPP_KUBECONFIG is not set"):
        kubeconfig_or_stop(session)
    assert "MEMOAPP_KUBECONFIG is not set" in str(session.shouldstop)


def test_with_a_cluster_the_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMOAPP_KUBECONFIG", written(tmp_path, "kind-memoapp-test"))
    session = Session()
    assert kubeconfig_or_stop(session) == tmp_path / "kubeconfig"
    assert session.shouldstop is False
