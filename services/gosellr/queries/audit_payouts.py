"""What must always be true of payouts, as questions that find rows only where it isn't."""

from collections.abc import Sequence
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.queries.audit import MOVING, Offence, find_offences, first, of_kind
from gosellr.utils.lazy_dataclasses import dataclass

_CREDITED = (
    "CASE entry.direction WHEN 'credit' THEN entry.amount_minor ELSE -entry.amount_minor END"
)
_SIGNED = "CASE entry.direction WHEN 'debit' THEN entry.amount_minor ELSE -entry.amount_minor END"
_OVER = "('failed', 'cancelled')"

# Both legs of a payout bear its id, so its entries sum to zero, and a claim can't stand twice.
LEGS_MATCH = first(f"""
SELECT 'payout ' || entry.payout_id, 'debits less credits are ' || sum({_SIGNED}) || ' '
       || entry.currency
FROM ledger_entry AS entry WHERE entry.payout_id IS NOT NULL
GROUP BY entry.payout_id, entry.currency HAVING sum({_SIGNED}) <> 0
""")

CLAIMS_SUM = first(f"""
WITH claimed AS (
    SELECT claim.payout_id,
           count(*) FILTER (WHERE claim.released_at IS NULL) AS held,
           count(*) FILTER (WHERE claim.released_at IS NOT NULL) AS freed,
           sum({_CREDITED}) FILTER (WHERE claim.released_at IS NULL) AS held_minor,
           sum({_CREDITED}) FILTER (WHERE claim.released_at IS NOT NULL) AS freed_minor
    FROM payout_entry AS claim JOIN ledger_entry AS entry ON entry.id = claim.entry_id
    GROUP BY claim.payout_id
)
SELECT 'payout ' || payout.id, 'is ' || payout.status || ' with ' || payout.amount_minor || ' '
       || payout.currency || '; it holds claims on ' || COALESCE(held_minor, 0)
       || ' and gave back ' || COALESCE(freed_minor, 0)
FROM payout LEFT JOIN claimed ON claimed.payout_id = payout.id
WHERE CASE WHEN payout.status IN {_OVER}
      THEN held > 0 OR COALESCE(freed_minor, 0) <> payout.amount_minor
      ELSE freed > 0 OR COALESCE(held_minor, 0) <> payout.amount_minor END
""")

CLAIMED_ONCE = first("""
SELECT 'ledger_entry ' || entry_id, 'is claimed by ' || count(*) || ' payouts'
FROM payout_entry WHERE released_at IS NULL GROUP BY entry_id HAVING count(*) > 1
UNION ALL
SELECT 'payout ' || payout.id, 'claims entry ' || entry.id || ' of ' || entry.account || ' in '
       || entry.currency
FROM payout_entry AS claim JOIN payout ON payout.id = claim.payout_id
JOIN ledger_entry AS entry ON entry.id = claim.entry_id
WHERE entry.account <> 'seller_available:' || payout.seller_id
   OR entry.currency <> payout.currency OR entry.payout_id IS NOT NULL
""")

# In transit as long as it is on its way, and out of what is available as long as it isn't over.
BOOKED_AS_THEY_STAND = first(f"""
WITH booked AS (
    SELECT entry.payout_id, split_part(entry.account, ':', 1) AS kind,
           split_part(entry.account, ':', 2) AS owner, entry.currency, sum({_CREDITED}) AS net
    FROM ledger_entry AS entry
    WHERE entry.payout_id IS NOT NULL
      AND {of_kind("entry.account", "payout_in_transit", "seller_available")}
    GROUP BY 1, 2, 3, 4
), due AS (
    SELECT id AS payout_id, 'payout_in_transit' AS kind, seller_id::text AS owner, currency,
           CASE WHEN status IN ('paid', 'failed', 'cancelled') THEN 0 ELSE amount_minor END AS net
    FROM payout
    UNION ALL
    SELECT id, 'seller_available', seller_id::text, currency,
           CASE WHEN status IN {_OVER} THEN 0 ELSE -amount_minor END
    FROM payout
)
SELECT 'payout ' || payout_id, 'has ' || COALESCE(booked.net, 0) || ' ' || currency || ' on '
       || kind || ', not ' || COALESCE(due.net, 0)
FROM booked FULL JOIN due USING (payout_id, kind, owner, currency)
WHERE COALESCE(booked.net, 0) <> COALESCE(due.net, 0)
""")

# $1 is the moment before which an answer had to come.
NOTHING_UNKNOWN = first("""
SELECT 'payout ' || id, 'is ' || status || ' since ' || created_at
FROM payout
WHERE (status = 'unknown' AND created_at < $1) OR (status <> 'paid' AND check_at < $1)
""")

ONE_SELLER = first("""
SELECT 'payout ' || payout.id, 'of seller ' || payout.seller_id || ' goes to an account of '
       || destination.seller_id
FROM payout JOIN payout_destination AS destination ON destination.id = payout.destination_id
WHERE destination.seller_id <> payout.seller_id
""")

# An envelope begins with its version, and is longer than its head and tag.
NOTHING_IN_CLEAR = first("""
SELECT 'payout_destination ' || id, 'holds an account that is not encrypted'
FROM payout_destination
WHERE length(account_encrypted) < 40 OR get_byte(account_encrypted, 0) <> 1
UNION ALL
SELECT 'seller_tax_identity ' || seller_id, 'holds an identity that is not encrypted'
FROM seller_tax_identity
WHERE length(identity_encrypted) < 40 OR get_byte(identity_encrypted, 0) <> 1
""")

# $1 a provider, the others its transfers. One whose answer we still wait for may differ.
TRANSFERS_MATCH = first(
    """
WITH transfer AS (
    SELECT * FROM unnest($2::uuid[], $3::bigint[], $4::text[], $5::text[])
         AS transfer (id, amount_minor, currency, outcome)
)
SELECT 'payout ' || transfer.id, CASE
    WHEN payout.id IS NULL THEN $1 || ' sent a payout that we never asked for'
    ELSE $1 || ' has ' || transfer.amount_minor || ' ' || transfer.currency || ' '
         || transfer.outcome || '; we wrote ' || payout.amount_minor || ' ' || payout.currency
         || ' ' || payout.status END
FROM transfer LEFT JOIN payout ON payout.id = transfer.id AND payout.provider = $1
WHERE payout.id IS NULL
   OR (payout.amount_minor, payout.currency::text) <> (transfer.amount_minor, transfer.currency)
   OR transfer.outcome = 'accepted'
      AND payout.status IN ('awaiting_approval', 'failed', 'cancelled')
   OR transfer.outcome = 'declined' AND payout.status = 'paid' AND payout.check_at IS NULL
UNION ALL
SELECT 'payout ' || payout.id, 'is paid, and ' || $1 || ' knows nothing of it'
FROM payout WHERE payout.provider = $1 AND payout.status = 'paid'
  AND NOT EXISTS (SELECT FROM transfer WHERE transfer.id = payout.id)
""",
    rows=MOVING,
)


@dataclass(frozen=True, slots=True)
class ProviderTransfer:
    """A transfer as its provider's journal has it; `id` is our payout's."""

    id: UUID
    amount_minor: int
    currency: str
    outcome: str


async def find_transfer_offences(
    connection: Connection, *, provider: str, transfers: Sequence[ProviderTransfer]
) -> list[Offence]:
    """Both ways: no transfer without its payout, no paid payout without its transfer."""
    return await find_offences(
        connection,
        TRANSFERS_MATCH,
        provider,
        [one.id for one in transfers],
        [one.amount_minor for one in transfers],
        [one.currency for one in transfers],
        [one.outcome for one in transfers],
    )
