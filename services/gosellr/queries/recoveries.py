"""What sellers owe: how old it is, told by the bookings that made it, and plans to pay it back.

A plan is read and changed only while what is available to its seller is held.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection, Record
from gosellr.models.balance_values import KeptPlan, SellerDebt
from gosellr.utils.recovery import Ageing, PlanKind, RecoveryPlan

_PLAN = """
SELECT id, seller_id, currency::text, kind, share_bps, instalment_minor, every_days, note,
       recovered_minor, starts_at, ended_at, end_reason, created_by, created_at
FROM recovery_plan
"""
RUNNING = f"{_PLAN} WHERE seller_id = ANY($1::uuid[]) AND currency = $2 AND ended_at IS NULL"
OF_SELLER = f"""{_PLAN}
WHERE seller_id = $1 AND ended_at IS NULL ORDER BY currency LIMIT 200"""
FIND = f"{_PLAN} WHERE id = $1"

ADD = """
INSERT INTO recovery_plan (id, seller_id, currency, kind, share_bps, instalment_minor, every_days,
                           note, starts_at, created_by, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""
COUNT_RECOVERED = """
UPDATE recovery_plan SET recovered_minor = recovered_minor + $2
WHERE id = $1 AND ended_at IS NULL
RETURNING id
"""
END = """
UPDATE recovery_plan SET ended_at = $3, end_reason = $4
WHERE seller_id = $1 AND currency = $2 AND ended_at IS NULL
RETURNING id
"""

# The oldest debt is paid first: of each, what is above all that was ever paid is still open.
# $1 is the moment of the report, $2 a seller or none, $3 and $4 the last one that was shown.
AGEING = """
WITH entry AS (
    SELECT split_part(own.account, ':', 2)::uuid AS seller_id, own.currency::text AS currency,
           own.direction, own.amount_minor, own.id, head.booked_at
    FROM seller AS debtor
    JOIN ledger_entry AS own ON own.account = 'seller_receivable:' || debtor.id
    JOIN ledger_transaction AS head ON head.id = own.transaction_id
    WHERE ($2::uuid IS NULL OR debtor.id = $2) AND ($3::uuid IS NULL OR debtor.id >= $3)
), credited AS (
    SELECT seller_id, currency, COALESCE(sum(amount_minor) FILTER (WHERE direction = 'credit'), 0)
           AS minor
    FROM entry GROUP BY seller_id, currency
), debt AS (
    SELECT entry.seller_id, entry.currency, entry.booked_at,
           least(entry.amount_minor, greatest(
               sum(entry.amount_minor) OVER (
                   PARTITION BY entry.seller_id, entry.currency
                   ORDER BY entry.booked_at, entry.id) - credited.minor, 0)) AS open_minor
    FROM entry JOIN credited USING (seller_id, currency)
    WHERE entry.direction = 'debit'
), aged AS (
    SELECT seller_id, currency, open_minor, booked_at,
           floor(extract(epoch FROM $1::timestamptz - booked_at) / 86400) AS days
    FROM debt WHERE open_minor > 0
)
SELECT aged.seller_id, seller.name, aged.currency,
       COALESCE(sum(open_minor) FILTER (WHERE days <= 30), 0)::bigint,
       COALESCE(sum(open_minor) FILTER (WHERE days > 30 AND days <= 60), 0)::bigint,
       COALESCE(sum(open_minor) FILTER (WHERE days > 60 AND days <= 90), 0)::bigint,
       COALESCE(sum(open_minor) FILTER (WHERE days > 90), 0)::bigint,
       min(booked_at), plan.kind
FROM aged JOIN seller ON seller.id = aged.seller_id
LEFT JOIN recovery_plan AS plan ON plan.seller_id = aged.seller_id
      AND plan.currency = aged.currency AND plan.ended_at IS NULL
WHERE $3::uuid IS NULL OR (aged.seller_id, aged.currency) > ($3, $4::text)
GROUP BY aged.seller_id, seller.name, aged.currency, plan.kind
ORDER BY aged.seller_id, aged.currency
LIMIT $5
"""


# The oldest debt is paid first, as above: each booking of a debt and each that lowers one takes its
# stretch of all that was ever owed, and where they meet, that debt was lowered by that. $3 are the
# causes of an order, $4, by which the debt was made; a chargeback's fee is none of it. What was
# recovered of it before says so. Of whom nothing was ever written off, no debts are read: whoever
# takes cash has one of each sale.
LET_OFF = """
WITH own AS (
    SELECT entry.id, entry.direction, entry.amount_minor, head.kind,
           head.order_id IS NOT DISTINCT FROM $4 AND head.cause_id = ANY($3::uuid[])
               AND head.kind NOT IN ('chargeback_opened', 'chargeback_fee') AS is_meant
    FROM ledger_entry AS entry JOIN ledger_transaction AS head ON head.id = entry.transaction_id
    WHERE entry.account = 'seller_receivable:' || $1::uuid AND entry.currency = $2
      AND EXISTS (SELECT FROM adjustment
                  WHERE seller_id = $1 AND kind = 'write_off' AND status = 'approved')
), stretch AS (
    SELECT direction, kind, is_meant, amount_minor,
           sum(amount_minor) OVER (PARTITION BY direction ORDER BY id) AS until
    FROM own
)
SELECT (COALESCE((
    SELECT sum(greatest(least(made.until, gone.until) - greatest(
        made.until - made.amount_minor, gone.until - gone.amount_minor), 0))
    FROM stretch AS made CROSS JOIN stretch AS gone
    WHERE made.direction = 'debit' AND made.is_meant
      AND gone.direction = 'credit' AND gone.kind = 'debt_written_off'), 0)
- COALESCE((
    SELECT sum(entry.amount_minor)
    FROM ledger_transaction AS head JOIN ledger_entry AS entry ON entry.transaction_id = head.id
    WHERE head.order_id = $4 AND head.kind = 'write_off_recovered'
      AND head.facts -> 'debts_of' ?| ($3::uuid[])::text[]
      AND entry.account = 'seller_available:' || $1::uuid AND entry.currency = $2), 0))::bigint
    AS written_off_minor,
COALESCE((
    SELECT sum(greatest(least(made.amount_minor, made.until - gone.minor), 0))
    FROM stretch AS made CROSS JOIN (
        SELECT COALESCE(sum(amount_minor), 0) AS minor FROM own WHERE direction = 'credit') AS gone
    WHERE made.direction = 'debit' AND made.is_meant), 0)::bigint AS open_minor
"""


def _kept(row: Record) -> KeptPlan:
    return KeptPlan(
        plan=RecoveryPlan(
            id=row["id"],
            kind=PlanKind(row["kind"]),
            starts_at=row["starts_at"],
            share_bps=row["share_bps"],
            instalment_minor=row["instalment_minor"],
            every_days=row["every_days"],
            recovered_minor=row["recovered_minor"],
        ),
        **{
            name: row[name]
            for name in (
                "seller_id", "currency", "note", "ended_at", "end_reason", "created_by",
                "created_at",
            )
        },
    )  # fmt: skip


async def running(
    connection: Connection, *, seller_ids: list[UUID], currency: str
) -> dict[UUID, RecoveryPlan]:
    """The plans in force in one currency, by seller."""
    rows = await connection.fetch(RUNNING, seller_ids, currency)
    return {row["seller_id"]: _kept(row).plan for row in rows}


async def of_seller(connection: Connection, *, seller_id: UUID) -> list[KeptPlan]:
    """A seller's plans in force, by currency."""
    return [_kept(row) for row in await connection.fetch(OF_SELLER, seller_id)]


async def find(connection: Connection, *, plan_id: UUID) -> KeptPlan | None:
    """A plan, whether or not it is in force."""
    row = await connection.fetchrow(FIND, plan_id)
    return None if row is None else _kept(row)


async def add(
    connection: Connection,
    *,
    plan: RecoveryPlan,
    seller_id: UUID,
    currency: str,
    note: str,
    user_id: UUID | None,
    now: datetime,
) -> None:
    """Keep a new plan."""
    terms: tuple[Any, ...] = (plan.share_bps, plan.instalment_minor, plan.every_days)
    await connection.execute(
        ADD, plan.id, seller_id, currency, plan.kind.value, *terms, note, plan.starts_at, user_id,
        now,
    )  # fmt: skip


async def count_recovered(connection: Connection, *, plan_id: UUID, amount_minor: int) -> bool:
    """So much more went to the debt under a plan; False when it isn't in force."""
    return await connection.fetchval(COUNT_RECOVERED, plan_id, amount_minor) is not None


async def end(
    connection: Connection, *, seller_id: UUID, currency: str, reason: str, now: datetime
) -> bool:
    """End a seller's plan in a currency; False when none is in force."""
    return await connection.fetchval(END, seller_id, currency, now, reason) is not None


async def ageing(
    connection: Connection,
    *,
    now: datetime,
    seller_id: UUID | None,
    after: tuple[UUID, str] | None,
    limit: int,
) -> list[SellerDebt]:
    """What sellers owe by the age of what made it, by seller and currency."""
    rows = await connection.fetch(AGEING, now, seller_id, *(after or (None, None)), limit)
    return [
        SellerDebt(
            seller_id=row[0],
            seller_name=row[1],
            currency=row[2],
            ageing=Ageing(
                days_0_30=row[3], days_31_60=row[4], days_61_90=row[5], days_over_90=row[6]
            ),
            oldest_at=row[7],
            plan_kind=None if row[8] is None else PlanKind(row[8]),
        )
        for row in rows
    ]


async def let_off(
    connection: Connection,
    *,
    seller_id: UUID,
    currency: str,
    causes: Sequence[UUID],
    order_id: UUID,
) -> tuple[int, int]:
    """How much of the debt that came of these causes of an order was written off, less what was
    recovered of it; and how much of it is still owed, which isn't counted where nothing was ever
    written off of that seller's debts."""
    row = await connection.fetchrow(LET_OFF, seller_id, currency, list(causes), order_id)
    if row is None:
        raise RuntimeError("sums have no row")
    return row["written_off_minor"], row["open_minor"]
