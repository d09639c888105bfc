"""Sellers as people name them: by the name of the shop, or its address."""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.queries import sellers
from gosellr.queries.sellers import NamedSeller

__all__ = ["LISTED_MAX", "NamedSeller", "first_by_name", "meant_by", "named"]

LISTED_MAX: Final = 200
"""So many are offered where somebody chooses one; the others are found by what is typed."""
_NAMED_MAX: Final = 4


async def first_by_name(connection: Connection) -> list[NamedSeller]:
    """The first sellers by name, at most `LISTED_MAX`, of any status."""
    return await sellers.first_by_name(connection, limit=LISTED_MAX)


async def named(connection: Connection, *, seller_ids: Iterable[UUID]) -> dict[UUID, NamedSeller]:
    """Sellers by their ids; who isn't one is left out."""
    return await sellers.named(connection, seller_ids=sorted(set(seller_ids)))


async def meant_by(
    connection: Connection, *, texts: Iterable[str]
) -> dict[str, tuple[NamedSeller, ...]]:
    """Whom each text means: an id, a slug, a name or a part of one.

    Only what fits best counts, a slug before a name before a part. None is nobody, and of several
    the first are given.
    """
    found: dict[str, tuple[NamedSeller, ...]] = {}
    for text in sorted(set(texts)):
        by_id = _uuid(text)
        if by_id is None:
            found[text] = tuple(await sellers.called(connection, text=text, limit=_NAMED_MAX))
        else:
            found[text] = tuple((await named(connection, seller_ids=[by_id])).values())
    return found


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
