"""Properties have no deadline: a loaded machine is no defect. No test begins with an event loop that nobody closes."""

import asyncio

from hypothesis import settings

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

# Before each test, synchronous ones too, looptime asks for the current event loop; where none was ever set, asking
# makes one, and its collection is a warning in some later test.
asyncio.set_event_loop(None)
