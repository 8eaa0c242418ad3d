"""What a request may say."""

import json
import re
from dataclasses import dataclass
from typing import Any

TEXT_LIMIT = 2000
BODY_LIMIT = 32 * 1024  # bytes; 2000 characters fit even when each is written as an escape
LIST_LIMIT = 200
_JOURNAL = re.compile(r"[A-Za-z0-9._:-]{1,100}")


class BadRequestError(ValueError):
    """The request is wrong; the message says how, for the client."""


@dataclass(frozen=True, slots=True)
class NewMemo:
    """A memo that somebody wants to add."""

    text: str
    journal: str | None


def parse_memo(body: bytes) -> NewMemo:
    """Read the body of a POST.

    Raises:
        BadRequestError: not JSON, or not of the form {"text": ..., "journal": ...}.
    """
    try:
        document: Any = json.loads(body)
    except (ValueError, RecursionError):
        raise BadRequestError("the body is not JSON") from None
    if not isinstance(document, dict) or not {"text"} <= document.keys() <= {"text", "journal"}:
        raise BadRequestError('the body must be an object with "text" and, if wanted, "journal"')
    return NewMemo(_text(document["text"]), _journal(document.get("journal")))


def parse_limit(text: str | None) -> int:
    """How many memos are wanted: 1 to 200, 50 where nothing is said."""
    if text is None:
        return 50
    if not text.isdecimal() or not 1 <= int(text[:6]) <= LIST_LIMIT:
        raise BadRequestError(f"limit must be a number from 1 to {LIST_LIMIT}")
    return int(text)


def parse_prefix(text: str | None) -> str:
    """The beginning of the journal ids that are asked for."""
    if text is None or not _JOURNAL.fullmatch(text):
        raise BadRequestError("prefix must be 1 to 100 letters, digits and ._:-")
    return text


def _text(value: object) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= TEXT_LIMIT or not value.strip():
        raise BadRequestError(f"text must be a string of 1 to {TEXT_LIMIT} characters")
    if "\0" in value or any(0xD800 <= ord(character) <= 0xDFFF for character in value):  # noqa: PLR2004 surrogates
        raise BadRequestError("text must not hold the null character or half a surrogate pair")
    return value


def _journal(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not _JOURNAL.fullmatch(value):
        raise BadRequestError("journal must be 1 to 100 letters, digits and ._:-")
    return value
