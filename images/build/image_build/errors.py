"""What can go wrong in a way that a person can act on."""


class BuildError(Exception):
    """A build cannot go on. The message is one line and says what to do."""
