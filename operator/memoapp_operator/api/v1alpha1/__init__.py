"""Group memoapp.dev, version v1alpha1."""

GROUP = "memoapp.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
