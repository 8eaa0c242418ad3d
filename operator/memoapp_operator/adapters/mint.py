"""New secrets: passwords, and certificates for the routers' runtime API."""

from __future__ import annotations

import asyncio
import json
import secrets
import string
import sys
from collections.abc import Mapping
from datetime import datetime

PASSWORD_LENGTH = 32
"""32 letters and digits are 190 bits."""
_ALPHABET = string.ascii_letters + string.digits


class SystemMint:
    """The port ``Mint`` by the system's random source."""

    def password(self) -> str:
        """A new password; letters and digits only, so that it needs no quoting anywhere."""
        return "".join(secrets.choice(_ALPHABET) for _ in range(PASSWORD_LENGTH))

    async def router_certificates(self, dns_names: tuple[str, ...], now: datetime) -> Mapping[str, str]:
        """Made by a short-lived process: the library for it costs 8 MiB, and is needed once a year.

        The keys come back over a pipe; none stands in an argument or a file.
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "memoapp_operator.adapters.certificates",
            now.isoformat(),
            *dns_names,
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await process.communicate()
        if process.returncode != 0:
            raise RuntimeError(f"making certificates ended with {process.returncode}")
        found: dict[str, str] = json.loads(output)
        return found
