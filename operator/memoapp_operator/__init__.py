"""The MemoApp operator: a runbook as Kubernetes resources that carry themselves out."""

__version__ = "0.1.0"
