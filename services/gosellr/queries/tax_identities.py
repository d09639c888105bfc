"""Who sellers are to the tax authorities; all of it is sealed."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.tax_identity_values import KeptAccount, KeptForReport, KeptTaxIdentity

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

# Whoever was paid nothing in the year will be paid to the account that it has named by now.
FOR_REPORT = """
WITH paid AS (
    SELECT seller_id, destination_id, min(paid_at) AS first_at
    FROM payout
    WHERE seller_id = ANY($1::uuid[]) AND status = 'paid' AND paid_at >= $2 AND paid_at < $3
    GROUP BY seller_id, destination_id
)
SELECT seller.id AS seller_id, identity.identity_encrypted, destination.id AS destination_id,
       destination.account_encrypted
FROM seller
LEFT JOIN seller_tax_identity AS identity ON identity.seller_id = seller.id
LEFT JOIN (payout_destination AS destination
           LEFT JOIN paid ON paid.destination_id = destination.id)
       ON destination.seller_id = seller.id AND (
          paid.destination_id IS NOT NULL
          OR (destination.replaced_at IS NULL
              AND NOT EXISTS (SELECT FROM paid AS any_paid WHERE any_paid.seller_id = seller.id)))
WHERE seller.id = ANY($1::uuid[])
ORDER BY seller.id, paid.first_at, destination.id
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


async def for_report(
    connection: Connection, *, seller_ids: Sequence[UUID], since: datetime, until: datetime
) -> list[KeptForReport]:
    """What is kept of these sellers, with the accounts that each was paid to in the period, or,
    where none was, the one that it is paid to now."""
    rows = await connection.fetch(FOR_REPORT, list(seller_ids), since, until)
    return [
        KeptForReport(
            seller_id=seller_id,
            identity_encrypted=of_seller[0]["identity_encrypted"],
            accounts=tuple(
                KeptAccount(row["destination_id"], row["account_encrypted"])
                for row in of_seller
                if row["destination_id"] is not None
            ),
        )
        for seller_id, of_seller in (
            (seller_id, list(found))
            for seller_id, found in groupby(rows, key=lambda row: row["seller_id"])
        )
    ]
