"""What must hold at every write of the operator, in every test of this folder."""

from __future__ import annotations

from memoapp_operator.domain.farewell import FINALIZER
from memoapp_operator.domain.manifest import (
    MAINTENANCE_WINDOW,
    MEMO_APP,
    MEMO_BACKUP,
    MEMO_RESTORE,
    SECRET,
    VOLUME_CLAIM,
    Manifest,
    Ref,
)
from memoapp_operator.domain.names import MANAGED_BY, MANAGED_BY_LABEL

from .cluster import SimCluster
from .kinds import ref_of


def watch_over(cluster: SimCluster) -> None:
    """Fail as soon as a write breaks a promise."""

    def changed(before: Manifest | None, after: Manifest | None) -> None:
        about = after or before or {}
        if about["kind"] == MEMO_APP.kind and before is not None and after is not None:
            _transition_times_move_with_the_status_alone(before, after)
        if cluster.writing is None:
            return
        if about["kind"] in {MEMO_APP.kind, MAINTENANCE_WINDOW.kind}:
            _only_the_status(before, after)
        elif about["kind"] in {MEMO_BACKUP.kind, MEMO_RESTORE.kind}:
            assert before is None or after is None or before["spec"] == after["spec"]
        elif before is not None:
            _ours(before)
            _data_is_kept(before, after)
        if about["kind"] == SECRET.kind:
            _no_new_password_for_data_that_is_there(cluster, before, after)

    cluster.listeners.append(changed)


def _only_the_status(before: Manifest | None, after: Manifest | None) -> None:
    """Promise 7."""
    assert before is not None
    if after is None:
        assert before["metadata"].get("deletionTimestamp"), "a person deleted it, and the finalizer held it"
        return
    assert {**before, "status": None, "metadata": _lasting(before)} == {
        **after,
        "status": None,
        "metadata": _lasting(after),
    }


def _lasting(manifest: Manifest) -> Manifest:
    """Metadata but for what the server counts, and the one finalizer that the operator sets."""
    steady = {key: value for key, value in manifest["metadata"].items() if key != "resourceVersion"}
    others = [item for item in steady.pop("finalizers", []) if item != FINALIZER]
    return {**steady, "finalizers": others}


def _ours(before: Manifest) -> None:
    """Nothing of somebody else's is changed or deleted."""
    metadata = before["metadata"]
    owned = any(owner["kind"] == MEMO_APP.kind for owner in metadata.get("ownerReferences", []))
    labelled = metadata.get("labels", {}).get(MANAGED_BY_LABEL) == MANAGED_BY
    assert owned or labelled, f"{ref_of(before)} is not ours"


def _data_is_kept(before: Manifest, after: Manifest | None) -> None:
    """Promise 5: a volume goes only where the MemoApp owns it, which is how deletionPolicy Delete shows."""
    if before["kind"] == VOLUME_CLAIM.kind and after is None:
        assert before["metadata"].get("ownerReferences"), f"{ref_of(before)} was to be kept"


def _no_new_password_for_data_that_is_there(
    cluster: SimCluster, before: Manifest | None, after: Manifest | None
) -> None:
    """Promise 5: neither a second password, nor the first one taken away."""
    about = after or before or {}
    name = about["metadata"]["name"]
    if name.endswith("-database") and cluster.find(Ref(VOLUME_CLAIM, name)) is not None:
        assert before is not None, "a database password was made while the volume is there"
        assert after is not None, "a database password was deleted while the volume is there"
        assert before["data"] == after["data"], "a database password was changed"


def _transition_times_move_with_the_status_alone(before: Manifest, after: Manifest) -> None:
    """metav1.Condition: lastTransitionTime changes exactly when status does."""
    old = {item["type"]: item for item in (before.get("status") or {}).get("conditions", [])}
    for item in (after.get("status") or {}).get("conditions", []):
        was = old.get(item["type"])
        if was is not None and was["status"] == item["status"]:
            assert was["lastTransitionTime"] == item["lastTransitionTime"], item
