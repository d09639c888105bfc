"""What must always be true of reserves, plans, adjustments and bank files, as questions that find
rows only where it isn't."""

from gosellr.queries.audit import first, of_kind

_CREDITED = (
    "CASE entry.direction WHEN 'credit' THEN entry.amount_minor ELSE -entry.amount_minor END"
)
_RESERVE = of_kind("entry.account", "seller_reserve")

# Every cent of a reserve stands for a case or for a sale that it was kept back of.
RESERVE_IS_HOLDS = first(f"""
WITH booked AS (
    SELECT split_part(entry.account, ':', 2) AS seller, entry.currency, sum({_CREDITED}) AS net
    FROM ledger_entry AS entry
    WHERE {_RESERVE}
    GROUP BY 1, 2
), counted AS (
    SELECT seller, currency, sum(minor) AS minor FROM (
        SELECT seller_id::text AS seller, currency,
               amount_minor - taken_minor - released_minor AS minor
        FROM reserve_hold
        UNION ALL
        SELECT seller_id::text, currency, from_pending_minor + from_available_minor
               + from_reserve_minor + from_receivable_minor - spent_minor
        FROM dispute
    ) AS each GROUP BY seller, currency
)
SELECT 'reserve of seller ' || seller || ' ' || currency, 'its entries make '
       || COALESCE(net, 0) || ', its holds and cases ' || COALESCE(minor, 0)
FROM booked FULL JOIN counted USING (seller, currency)
WHERE COALESCE(net, 0) <> COALESCE(minor, 0)
""")

# What was kept back is what the sale's release booked, what was released what its own bookings did.
HOLDS_AS_BOOKED = first(f"""
WITH kept AS (
    SELECT entry.seller_order_id, entry.currency, sum({_CREDITED}) AS minor
    FROM ledger_transaction AS head JOIN ledger_entry AS entry ON entry.transaction_id = head.id
    WHERE head.kind = 'release' AND {_RESERVE}
    GROUP BY 1, 2
), freed AS (
    SELECT head.cause_id AS hold_id, -sum({_CREDITED}) AS minor,
           count(DISTINCT head.id) AS booking_count
    FROM ledger_transaction AS head JOIN ledger_entry AS entry ON entry.transaction_id = head.id
    WHERE head.kind = 'reserve_released'
      AND {_RESERVE}
    GROUP BY 1
)
SELECT 'reserve_hold ' || COALESCE(hold.id::text, 'of seller_order ' || kept.seller_order_id),
       'says that ' || COALESCE(hold.amount_minor, 0) || ' was kept back, the release booked '
       || COALESCE(kept.minor, 0)
FROM reserve_hold AS hold FULL JOIN kept
  ON kept.seller_order_id = hold.seller_order_id AND kept.currency = hold.currency
WHERE COALESCE(hold.amount_minor, 0) <> COALESCE(kept.minor, 0)
UNION ALL
SELECT 'reserve_hold ' || COALESCE(hold.id, freed.hold_id), 'says that '
       || COALESCE(hold.released_minor, 0) || ' was released, booked were '
       || COALESCE(freed.minor, 0)
FROM reserve_hold AS hold FULL JOIN freed ON freed.hold_id = hold.id
WHERE COALESCE(hold.released_minor, 0) <> COALESCE(freed.minor, 0)
   OR COALESCE(hold.release_count, 0) <> COALESCE(freed.booking_count, 0)
""")

# What holds have given is what refunds took of them and cases froze, each counting its own.
HOLDS_GIVE = first("""
WITH given AS (
    SELECT seller_id, currency, sum(taken_minor) AS minor FROM reserve_hold GROUP BY 1, 2
), had AS (
    SELECT seller_id, currency, sum(minor) AS minor FROM (
        SELECT seller_id, currency, (effects -> 'seller' ->> 'reserve_minor')::bigint AS minor
        FROM refund WHERE status <> 'failed'
        UNION ALL
        SELECT seller_id, currency, from_reserve_minor FROM dispute
    ) AS each GROUP BY 1, 2
)
SELECT 'reserve of seller ' || seller_id || ' ' || currency, 'its holds gave '
       || COALESCE(given.minor, 0) || ', refunds and cases had ' || COALESCE(had.minor, 0)
FROM given FULL JOIN had USING (seller_id, currency)
WHERE COALESCE(given.minor, 0) <> COALESCE(had.minor, 0)
""")

# Each transaction by hand is what somebody prepared and somebody else approved, and the other way
# round; nobody trusts the constraint that says so. What was written off is paid once at most.
TWO_PEOPLE = first("""
WITH booked AS (
    SELECT head.id, head.cause_id, head.actor, head.facts,
           (SELECT jsonb_agg(jsonb_build_object('account', account, 'direction', direction,
                   'amount_minor', amount_minor, 'currency', currency) ORDER BY position)
            FROM ledger_entry WHERE transaction_id = head.id) AS entries
    FROM ledger_transaction AS head WHERE head.kind IN ('adjusted', 'debt_written_off')
)
SELECT 'ledger_transaction ' || booked.id, 'was booked by hand, and its adjustment is '
       || COALESCE(adjustment.status, 'gone')
FROM booked LEFT JOIN adjustment ON adjustment.id = booked.cause_id
WHERE adjustment.status IS DISTINCT FROM 'approved'
   OR adjustment.transaction_id IS DISTINCT FROM booked.id
UNION ALL
SELECT 'adjustment ' || adjustment.id, 'was prepared by ' || adjustment.prepared_by
       || ' and approved by ' || COALESCE(adjustment.decided_by::text, 'nobody')
FROM adjustment LEFT JOIN booked ON booked.id = adjustment.transaction_id
WHERE adjustment.status = 'approved' AND (
    adjustment.decided_by IS NOT DISTINCT FROM adjustment.prepared_by
    OR booked.id IS NULL
    OR booked.actor <> 'user:' || adjustment.decided_by
    OR booked.facts ->> 'prepared_by' IS DISTINCT FROM adjustment.prepared_by::text
    OR booked.facts ->> 'approved_by' IS DISTINCT FROM adjustment.decided_by::text
    OR booked.facts ->> 'reason' IS DISTINCT FROM adjustment.reason
    OR booked.entries IS DISTINCT FROM adjustment.entries)
UNION ALL
SELECT 'proposal ' || id, 'was made and ' || status || ' by ' || prepared_by
FROM proposal WHERE decided_by = prepared_by
UNION ALL
SELECT 'proposal ' || id, 'is ' || status || ', by nobody or for nothing'
FROM proposal WHERE (status = 'prepared') <> (decided_by IS NULL)
UNION ALL
SELECT 'seller ' || seller_id || ' ' || currency, 'paid ' || recovered_minor
       || ' of debts that were written off, which were ' || written_off_minor
FROM (
    SELECT split_part(entry.account, ':', 2) AS seller_id, entry.currency::text AS currency,
           COALESCE(sum(entry.amount_minor) FILTER (
               WHERE head.kind = 'write_off_recovered'), 0) AS recovered_minor,
           COALESCE(sum(entry.amount_minor) FILTER (
               WHERE head.kind = 'debt_written_off'), 0) AS written_off_minor
    FROM ledger_transaction AS head JOIN ledger_entry AS entry ON entry.transaction_id = head.id
    WHERE head.kind IN ('write_off_recovered', 'debt_written_off')
      AND split_part(entry.account, ':', 1) IN ('seller_available', 'seller_receivable')
    GROUP BY 1, 2
) AS given_up WHERE recovered_minor > written_off_minor
""")

FILES_ARE_THEIR_PAYOUTS = first("""
WITH inside AS (
    SELECT bank_file_id, count(*) AS count, sum(amount_minor) AS minor,
           count(*) FILTER (WHERE provider <> 'bank') AS strange,
           count(DISTINCT currency) AS currencies, min(currency) AS currency,
           count(*) FILTER (WHERE status = 'paid') AS paid,
           count(*) FILTER (WHERE status = 'sent' AND check_at IS NULL) AS silent
    FROM payout WHERE bank_file_id IS NOT NULL GROUP BY bank_file_id
)
SELECT 'bank_file ' || file.id, 'is ' || file.status || ' with ' || file.payment_count
       || ' payments of ' || file.amount_minor || ' ' || file.currency || '; its payouts are '
       || COALESCE(inside.count, 0) || ' of ' || COALESCE(inside.minor, 0) || ', '
       || COALESCE(inside.paid, 0) || ' of them paid'
FROM bank_file AS file LEFT JOIN inside ON inside.bank_file_id = file.id
WHERE inside.count IS DISTINCT FROM file.payment_count
   OR inside.minor IS DISTINCT FROM file.amount_minor::numeric
   OR inside.strange > 0 OR inside.currencies > 1 OR inside.currency <> file.currency
   OR (file.status <> 'executed' AND inside.paid > 0)
   OR (file.status <> 'made' AND inside.silent > 0)
UNION ALL
SELECT 'payout ' || id, 'is ' || status || ' by bank, and no file names it'
FROM payout
WHERE provider = 'bank' AND bank_file_id IS NULL AND status IN ('sent', 'unknown', 'paid')
""")

# $1 is the moment before which what was due had to be released.
NOTHING_LATE = first("""
SELECT 'reserve_hold ' || id, 'still holds ' || amount_minor - taken_minor - released_minor
       || ' ' || currency || ', and was over at ' || release_at
FROM reserve_hold
WHERE release_at < $1 AND taken_minor + released_minor < amount_minor
""")

# An envelope begins with its version, and is longer than its head and tag.
NOTHING_IN_CLEAR = first("""
SELECT 'bank_file ' || id, 'holds accounts that are not encrypted'
FROM bank_file
WHERE length(content_encrypted) < 40 OR get_byte(content_encrypted, 0) <> 1
""")
