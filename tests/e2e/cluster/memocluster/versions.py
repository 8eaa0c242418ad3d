"""Every pinned version in one place."""

from typing import Final

KUBERNETES: Final = "1.36.3"
# The names `kubeadm config images list` gives for that Kubernetes version.
PAUSE_TAG: Final = "3.10.2"
ETCD_TAG: Final = "3.6.8-0"
COREDNS: Final = "1.14.2"

# 0.33.0 is the last release known to take cgroup v1.
KIND: Final = "0.33.0"
# The public node image that the release notes of that kind name.
PUBLIC_NODE_IMAGE: Final = (
    "kindest/node:v1.36.4@sha256:099e049362a1526b2db71494e1947aae99bd16290d7c895f2b7ea312e3cbfaed"
)

HELM: Final = "4.3.1"
CONTAINERD: Final = "2.2.1"
CNI_PLUGINS: Final = "1.9.0"
RUNC: Final = "1.3.4"
LOCAL_PATH_PROVISIONER: Final = "0.0.30"
# Built against Kubernetes 1.36.
METRICS_SERVER: Final = "0.9.0"

DEBIAN: Final = "bookworm"
BUSYBOX_TAG: Final = "1.35"
