"""How it looks in Kubernetes: pure builders, one file a child kind."""
