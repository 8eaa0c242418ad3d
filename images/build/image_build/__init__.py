"""Builds MemoApp's images, with Docker or from Debian packages alone, into archives that a cluster can load."""
