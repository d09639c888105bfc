"""Who sellers are to the tax authorities; all of it is sealed."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.tax_identity_values import KeptForReport, KeptTaxIdentity

FIND = """
SELECT seller_id, identity_encrypted, version, updated_at
FROM seller_tax_identity WHERE seller_id = $1
"""

# One statement decides: whoever meant another version writes nothing.
ADD = """
INSERT INTO seller_tax_identity (seller_id, identity_encrypted, changed_by, created_at, updated_at)
VALUES ($1, $2, $3, $4, $4)
ON CONFLICT (seller_id) DO NOTHING
RETURNING version
"""
CHANGE = """
UPDATE seller_tax_identity
SET identity_encrypted = $2, changed_by = $3, updated_at = $4, version = version + 1
WHERE seller_id = $1 AND version = $5
RETURNING version
"""

FOR_REPORT = """
SELECT seller.id AS seller_id, identity.identity_encrypted, destination.id AS destination_id,
       destination.account_encrypted
FROM seller
LEFT JOIN seller_tax_identity AS identity ON identity.seller_id = seller.id
LEFT JOIN payout_destination AS destination
       ON destination.seller_id = seller.id AND destination.replaced_at IS NULL
WHERE seller.id = ANY($1::uuid[])
"""


async def find(connection: Connection, *, seller_id: UUID) -> KeptTaxIdentity | None:
    """What is kept of a seller."""
    row = await connection.fetchrow(FIND, seller_id)
    return None if row is None else KeptTaxIdentity(**dict(row))


async def add(
    connection: Connection,
    *,
    seller_id: UUID,
    identity_encrypted: bytes,
    changed_by: UUID | None,
    now: datetime,
) -> int | None:
    """Keep the first; gives its version, None where there is one."""
    version: int | None = await connection.fetchval(
        ADD, seller_id, identity_encrypted, changed_by, now
    )
    return version


async def change(
    connection: Connection,
    *,
    seller_id: UUID,
    identity_encrypted: bytes,
    changed_by: UUID | None,
    expected_version: int,
    now: datetime,
) -> int | None:
    """Keep another in place of the one of this version; None where it isn't there any more."""
    version: int | None = await connection.fetchval(
        CHANGE, seller_id, identity_encrypted, changed_by, now, expected_version
    )
    return version


async def for_report(connection: Connection, *, seller_ids: Sequence[UUID]) -> list[KeptForReport]:
    """What is kept of these sellers, with the account that each is paid to now."""
    rows = await connection.fetch(FOR_REPORT, list(seller_ids))
    return [KeptForReport(**dict(row)) for row in rows]
