"""Keyset pagination: a cursor names the last row seen, so pages are stable under writes."""

import base64
import binascii
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import orjson

from gosellr.core.errors import InvalidInput

T = TypeVar("T")

DEFAULT_LIMIT = 24
MAX_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list, and the way to the next."""

    items: list[T]
    next_cursor: str | None


def encode_cursor(*keys: Any) -> str:
    """An opaque cursor from the sort keys of the last row."""
    return base64.urlsafe_b64encode(orjson.dumps(keys)).decode().rstrip("=")


def decode_cursor(cursor: str, *, kinds: tuple[type, ...]) -> tuple[Any, ...]:
    """The sort keys that a cursor of ours holds.

    Raises:
        InvalidInput: when it isn't one.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        keys = orjson.loads(base64.urlsafe_b64decode(padded))
    except (ValueError, binascii.Error):
        keys = None
    if (
        not isinstance(keys, list)
        or len(keys) != len(kinds)
        or any(
            not isinstance(key, kind) or isinstance(key, bool)
            for key, kind in zip(keys, kinds, strict=True)
        )
    ):
        raise InvalidInput.at("cursor", "cursor_unknown", "This cursor isn't one of ours")
    return tuple(keys)
