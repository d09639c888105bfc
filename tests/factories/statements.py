"""The statements that run on a connection."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gosellr.core.db import Connection

# In what the driver asks about a type, the first time that a connection meets it.
_OF_THE_DRIVER = ("typeinfo_tree", "set_config('jit'")


@contextmanager
def heard(connection: Connection) -> Iterator[list[Any]]:
    """What runs from now on, each statement a turn of the loop later.

    Without what the driver asks for itself: that depends on which tests had the connection before.
    """
    seen: list[Any] = []

    def note(query: Any) -> None:
        if not any(mark in query.query for mark in _OF_THE_DRIVER):
            seen.append(query)

    connection.add_query_logger(note)
    try:
        yield seen
    finally:
        connection.remove_query_logger(note)
