"""What to do: pure functions. No I/O, no clock, no asyncio, no kopf."""
