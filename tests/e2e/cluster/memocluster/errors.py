"""Errors that end a command with one line and exit code 2."""

from pathlib import Path


class ClusterError(Exception):
    """A condition the user can act on; its text is the whole message, one line."""


class CommandError(ClusterError):
    """A program ended with an error; the text names the last line it wrote and the log."""

    def __init__(self, program: str, code: int, output: str, log: Path) -> None:
        lines = [line.strip() for line in output.splitlines() if line.strip()]
        last = lines[-1][:300] if lines else "no output"
        super().__init__(f"{program} failed (exit {code}): {last} (all output: {log})")
        self.code = code
        self.output = output
