"""The outside: the Kubernetes API, PostgreSQL, Redis, HTTP, HAProxy."""
