"""Local Kubernetes clusters for the demo, the end-to-end tests and development."""
