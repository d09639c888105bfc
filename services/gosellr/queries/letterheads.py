"""What sellers want on their papers."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection, Record
from gosellr.models.letterhead_values import KeptLetterhead
from gosellr.utils.letterhead import Letterhead

_TEXTS = ("line1", "line2", "postal_code", "city", "region", "tax_id", "registration_number",
          "email")  # fmt: skip
# For the statements of others as well, which read a seller anyway. Its own e-mail address, which is
# the market's alone, has that name there.
LISTED = ", ".join(f"letterhead.{name} AS letterhead_{name}" for name in _TEXTS)
JOIN = "LEFT JOIN seller_letterhead AS letterhead ON letterhead.seller_id = seller.id"

FIND = f"""
SELECT seller.id AS seller_id, seller.legal_name, seller.country::text, letterhead.version,
       letterhead.updated_at, {LISTED}
FROM seller {JOIN} WHERE seller.id = $1
"""

# One statement decides: whoever meant another version writes nothing.
ADD = f"""
INSERT INTO seller_letterhead (seller_id, changed_by, created_at, updated_at, {", ".join(_TEXTS)})
VALUES ($1, $2, $3, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (seller_id) DO NOTHING
RETURNING version
"""
CHANGE = f"""
UPDATE seller_letterhead
SET version = version + 1, changed_by = $2, updated_at = $3,
    {", ".join(f"{name} = ${place}" for place, name in enumerate(_TEXTS, 4))}
WHERE seller_id = $1 AND version = ${len(_TEXTS) + 4}
RETURNING version
"""

NAMES_WITH = """
SELECT seller.id, seller.name,
       EXISTS (SELECT FROM seller_letterhead WHERE seller_id = seller.id) AS is_said
FROM seller WHERE seller.id = ANY($1::uuid[])
"""


def letterhead_of(row: Record) -> Letterhead | None:
    """The letterhead of a row that has its columns; None where nothing was said."""
    if row["letterhead_line1"] is None:
        return None
    return Letterhead(**{name: row[f"letterhead_{name}"] for name in _TEXTS})


async def find(connection: Connection, *, seller_id: UUID) -> KeptLetterhead | None:
    """A seller as its papers name it; None where there is no such seller."""
    row = await connection.fetchrow(FIND, seller_id)
    if row is None:
        return None
    return KeptLetterhead(
        seller_id=row["seller_id"],
        legal_name=row["legal_name"],
        country=row["country"],
        letterhead=letterhead_of(row),
        version=row["version"],
        updated_at=row["updated_at"],
    )


async def add(
    connection: Connection,
    *,
    seller_id: UUID,
    letterhead: Letterhead,
    changed_by: UUID | None,
    now: datetime,
) -> int | None:
    """Keep the first; gives its version, None where there is one."""
    version: int | None = await connection.fetchval(
        ADD, seller_id, changed_by, now, *_texts(letterhead)
    )
    return version


async def change(
    connection: Connection,
    *,
    seller_id: UUID,
    letterhead: Letterhead,
    changed_by: UUID | None,
    expected_version: int,
    now: datetime,
) -> int | None:
    """Keep another in place of the one of this version; None where it isn't there any more."""
    version: int | None = await connection.fetchval(
        CHANGE, seller_id, changed_by, now, *_texts(letterhead), expected_version
    )
    return version


async def names_with(
    connection: Connection, *, seller_ids: Sequence[UUID]
) -> dict[UUID, tuple[str, bool]]:
    """The names of sellers, and whether each has said what is to stand on its papers."""
    rows = await connection.fetch(NAMES_WITH, list(seller_ids))
    return {row["id"]: (row["name"], row["is_said"]) for row in rows}


def _texts(letterhead: Letterhead) -> list[str]:
    return [getattr(letterhead, name) for name in _TEXTS]
