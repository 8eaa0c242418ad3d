"""The engine: work queue, reconciler, leader lease, events, metrics, health."""
