"""Frozen dataclasses from JSON rows, by their annotations: UUIDs and times come back as such."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints
from uuid import UUID

T = TypeVar("T")

_READERS: dict[Any, Callable[[Any], Any]] = {UUID: UUID, datetime: datetime.fromisoformat}


@cache
def _conversions(kind: Any) -> tuple[tuple[str, Callable[[Any], Any] | None], ...]:
    hints = get_type_hints(kind)
    found = []
    for item in fields(kind):
        hint = hints[item.name]
        if get_origin(hint) in (Union, UnionType):
            hint = next(choice for choice in get_args(hint) if choice is not NoneType)
        found.append((item.name, _READERS.get(hint)))
    return tuple(found)


def from_row(kind: type[T], row: Mapping[str, Any], **further: Any) -> T:
    """A value of `kind` from a decoded JSON object; `further` gives fields it doesn't hold.

    Members of the object that the dataclass doesn't know are left out.
    """
    shape: Any = kind  # The checker takes a class of unknown kind for unhashable.
    values = {
        name: row[name] if read is None or row[name] is None else read(row[name])
        for name, read in _conversions(shape)
        if name not in further
    }
    return kind(**values, **further)
