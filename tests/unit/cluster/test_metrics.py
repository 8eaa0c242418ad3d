"""metrics-server: its manifests fit the image that is loaded, and each other."""

from collections.abc import Iterator
from typing import Any

import yaml
from memocluster import metrics, nodeimage, versions

Manifest = dict[str, Any]


def manifests() -> Iterator[Manifest]:
    for path in metrics.MANIFESTS:
        yield from yaml.safe_load_all(path.read_text())


def the(kind: str) -> Manifest:
    (found,) = [manifest for manifest in manifests() if manifest["kind"] == kind]
    return found


def container() -> Manifest:
    (found,) = the("Deployment")["spec"]["template"]["spec"]["containers"]
    assert isinstance(found, dict)
    return found


def arguments() -> dict[str, str]:
    return {name: value for name, _, value in (argument.partition("=") for argument in container()["args"])}


def seconds(text: str) -> int:
    return int(text.removesuffix("s"))


def test_every_manifest_beside_them_is_applied() -> None:
    assert set(metrics.MANIFESTS) == set(metrics.FOLDER.iterdir())


def test_the_pod_runs_the_image_that_was_loaded_and_asks_no_registry() -> None:
    assert container()["image"] == metrics.IMAGE == f"localhost/metrics-server:{versions.METRICS_SERVER}"
    assert container()["imagePullPolicy"] == "Never"


def test_measurements_come_often_enough_for_an_autoscaler() -> None:
    assert 10 <= seconds(arguments()["--metric-resolution"]) <= 15
    assert seconds(arguments()["--kubelet-request-timeout"]) <= 0.9 * seconds(arguments()["--metric-resolution"])
    assert "--kubelet-insecure-tls" in arguments()


def test_the_api_leads_to_the_pod() -> None:
    service, deployment = the("Service"), the("Deployment")
    template = deployment["spec"]["template"]
    assert the("APIService")["spec"]["service"] == {key: service["metadata"][key] for key in ("name", "namespace")}
    assert service["spec"]["selector"].items() <= template["metadata"]["labels"].items()
    assert service["spec"]["ports"][0]["targetPort"] == container()["ports"][0]["name"]
    assert arguments()["--secure-port"] == str(container()["ports"][0]["containerPort"])


def test_all_rights_are_those_of_its_own_account() -> None:
    bindings = [manifest for manifest in manifests() if manifest["kind"] in {"RoleBinding", "ClusterRoleBinding"}]
    account = {"kind": "ServiceAccount", **the("ServiceAccount")["metadata"]}
    assert [binding["subjects"] for binding in bindings] == [[account]] * 3
    assert the("Deployment")["spec"]["template"]["spec"]["serviceAccountName"] == account["name"]


def test_the_node_image_does_not_depend_on_the_manifests() -> None:
    assert all(source.is_dir() for source in nodeimage.SOURCES)
    assert metrics.FOLDER not in nodeimage.SOURCES
