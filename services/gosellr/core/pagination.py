"""Keyset pagination: a cursor names the last row seen, so pages are stable under writes."""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

import orjson

from gosellr.core.errors import InvalidInput
from gosellr.utils.lazy_dataclasses import dataclass

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
        or not all(_is_key(key, kind) for key, kind in zip(keys, kinds, strict=True))
    ):
        raise InvalidInput.at("cursor", "cursor_unknown", "This cursor isn't one of ours")
    return tuple(keys)


def _is_key(key: object, kind: type) -> bool:
    """Whether it is of this kind, and something that a database could hold."""
    if isinstance(key, bool) or not isinstance(key, kind):
        return False
    if isinstance(key, str):
        return "\0" not in key
    return not isinstance(key, int) or -(2**63) <= key < 2**63


def decode_moment_cursor(cursor: str) -> tuple[datetime, UUID]:
    """A cursor of ours that holds a moment and an id.

    Raises:
        InvalidInput: when it isn't one.
    """
    moment, identity = decode_cursor(cursor, kinds=(str, str))
    try:
        at = datetime.fromisoformat(moment)
        # The first and the last hours of time have no counterpart in UTC.
        position = (at.astimezone(UTC), UUID(identity)) if at.tzinfo else None
    except (ValueError, OverflowError):
        position = None
    if position is None:
        raise InvalidInput.at("cursor", "cursor_unknown", "This cursor isn't one of ours")
    return position


def after_moment(cursor: str | None) -> tuple[datetime, UUID] | None:
    """Where the page before ended, in a list by a moment; None for the first page.

    Raises:
        InvalidInput: when the cursor isn't one of ours.
    """
    return None if cursor is None else decode_moment_cursor(cursor)


def page_by_moment(
    found: Sequence[T], *, limit: int, key_of: Callable[[T], tuple[datetime, UUID]]
) -> Page[T]:
    """A page of what was found, in the order of a moment and an id, by looking one further than
    `limit`."""
    items = list(found[:limit])
    if len(found) <= limit:
        return Page(items, None)
    moment, identity = key_of(items[-1])
    return Page(items, encode_cursor(moment.isoformat(), str(identity)))
