"""The module that builds Kubernetes from its published parts."""

from memocluster.kube import link_flags, render_module


def test_the_module_pins_each_staging_module_to_the_same_release() -> None:
    assert render_module("1.36.3", "1.26.0", ["k8s.io/api", "k8s.io/client-go"]) == (
        "module kube\n"
        "\n"
        "go 1.26.0\n"
        "\n"
        "godebug default=go1.26\n"
        "\n"
        "require k8s.io/kubernetes v1.36.3\n"
        "\n"
        "replace (\n"
        "\tk8s.io/api => k8s.io/api v0.36.3\n"
        "\tk8s.io/client-go => k8s.io/client-go v0.36.3\n"
        ")\n"
    )


def test_components_report_the_version() -> None:
    flags = link_flags("1.36.3")
    package = "k8s.io/component-base/version"
    assert f"-X {package}.gitVersion=v1.36.3" in flags
    assert f"-X {package}.gitMajor=1" in flags
    assert f"-X {package}.gitMinor=36" in flags
