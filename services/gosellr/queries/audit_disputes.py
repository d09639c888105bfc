"""What must always be true of cases, as questions that find rows only where it isn't."""

from gosellr.queries.audit import first, of_kind

_CREDITED = (
    "CASE entry.direction WHEN 'credit' THEN entry.amount_minor ELSE -entry.amount_minor END"
)
_FROZEN = (
    "from_pending_minor + from_available_minor + from_reserve_minor + from_receivable_minor"
    " - spent_minor"
)
_RESERVE = of_kind("entry.account", "seller_reserve")
_TAKEN_BACK = of_kind("entry.account", "dispute_receivable")

# What a case says is frozen is what its own bookings, and those of its refunds, have left in the
# reserve; a case that is closed has left nothing there. What a rule had kept back is frozen without
# a booking, and what a refund took of holds besides isn't the case's: both are told by themselves.
FROZEN_IS_ENTRIES = first(f"""
WITH booked AS (
    SELECT head.cause_id AS dispute_id, entry.account, sum({_CREDITED}) AS net
    FROM ledger_transaction AS head JOIN ledger_entry AS entry ON entry.transaction_id = head.id
    WHERE head.cause_type = 'dispute' AND {_RESERVE}
    GROUP BY 1, 2
    UNION ALL
    SELECT refund.dispute_id, entry.account, sum({_CREDITED})
    FROM refund
    JOIN ledger_transaction AS head ON head.cause_id = refund.id AND head.cause_type = 'refund'
    JOIN ledger_entry AS entry ON entry.transaction_id = head.id
    WHERE refund.dispute_id IS NOT NULL
      AND {_RESERVE}
    GROUP BY 1, 2
    UNION ALL
    SELECT id, 'seller_reserve:' || seller_id, from_reserve_minor FROM dispute
    UNION ALL
    SELECT dispute_id, 'seller_reserve:' || seller_id,
           (effects -> 'seller' ->> 'reserve_minor')::bigint
    FROM refund WHERE dispute_id IS NOT NULL AND status <> 'failed'
), left_there AS (
    SELECT dispute_id, split_part(account, ':', 2) AS seller, sum(net) AS net
    FROM booked GROUP BY 1, 2
)
SELECT 'dispute ' || COALESCE(dispute.id, left_there.dispute_id),
       'is ' || COALESCE(dispute.status, 'gone') || ' with ' || COALESCE({_FROZEN}, 0)
       || ' frozen; its entries make ' || COALESCE(left_there.net, 0)
FROM dispute FULL JOIN left_there
  ON left_there.dispute_id = dispute.id AND left_there.seller = dispute.seller_id::text
WHERE COALESCE({_FROZEN}, 0) <> COALESCE(left_there.net, 0)
   OR (dispute.status = 'closed' AND {_FROZEN} <> 0)
""")

OPEN_CASES_COUNTED = first("""
SELECT 'order ' || orders.id, 'counts ' || orders.open_dispute_count || ' open cases, has '
       || COALESCE(cases.count, 0) || ', and its money is ' || orders.payment_status
FROM orders LEFT JOIN (
    SELECT order_id, count(*) AS count FROM dispute WHERE status <> 'closed' GROUP BY order_id
) AS cases ON cases.order_id = orders.id
WHERE orders.open_dispute_count <> COALESCE(cases.count, 0)
   OR (orders.payment_status = 'disputed') <> (COALESCE(cases.count, 0) > 0)
""")

# A network's money is out while it decides, and out for good once it has decided for the buyer.
TAKEN_BACK_IS_ENTRIES = first(f"""
WITH booked AS (
    SELECT head.order_id, split_part(entry.account, ':', 2) AS gateway, entry.currency,
           -sum({_CREDITED}) AS net
    FROM ledger_transaction AS head JOIN ledger_entry AS entry ON entry.transaction_id = head.id
    WHERE {_TAKEN_BACK}
    GROUP BY 1, 2, 3
), due AS (
    SELECT order_id, gateway, currency,
           COALESCE(sum(amount_minor) FILTER (WHERE status = 'open'), 0) AS net
    FROM chargeback GROUP BY 1, 2, 3
)
SELECT 'order ' || order_id, 'has ' || COALESCE(booked.net, 0) || ' ' || currency
       || ' taken back at ' || gateway || ', its open chargebacks ' || COALESCE(due.net, 0)
FROM booked FULL JOIN due USING (order_id, gateway, currency)
WHERE COALESCE(booked.net, 0) <> COALESCE(due.net, 0)
UNION ALL
SELECT 'payment ' || payment.id, 'says ' || payment.disputed_minor
       || ' was taken back, its chargebacks ' || COALESCE(taken.minor, 0)
FROM payment LEFT JOIN (
    SELECT payment_id, sum(amount_minor - reinstated_minor) AS minor FROM chargeback
    WHERE status <> 'won' GROUP BY payment_id
) AS taken ON taken.payment_id = payment.id
WHERE payment.disputed_minor <> COALESCE(taken.minor, 0)
""")

# $1 and $2 are the listed steps.
HISTORY_GAPLESS = first("""
SELECT 'dispute ' || dispute.id, 'counts ' || dispute.event_count || ' events, has '
       || COALESCE(events.count, 0) || ' up to ' || COALESCE(events.last, 0)
FROM dispute LEFT JOIN (
    SELECT dispute_id, count(*) AS count, max(sequence) AS last FROM dispute_event
    GROUP BY dispute_id
) AS events ON events.dispute_id = dispute.id
WHERE COALESCE(events.count, 0) <> dispute.event_count
   OR COALESCE(events.last, 0) <> dispute.event_count
UNION ALL
SELECT 'dispute_event ' || event.id, 'goes from ' || event.from_status || ' to '
       || event.to_status
FROM dispute_event AS event
WHERE event.from_status IS NOT NULL AND NOT EXISTS (
    SELECT FROM unnest($1::text[], $2::text[]) AS step (source, target)
    WHERE step.source = event.from_status AND step.target = event.to_status)
""")

# What was shipped and went back to its buyer out of a case is what that case decided, and no more;
# what a closed case awarded went back, unless it had done so before, as goodwill or otherwise.
CASES_GIVE_AS_DECIDED = first("""
WITH given AS (
    SELECT dispute_id, sum(amount_minor) AS minor,
           sum(amount_minor + (effects ->> 'goodwill_returned_minor')::bigint) AS whole_minor
    FROM refund
    WHERE dispute_id IS NOT NULL AND status <> 'failed' GROUP BY dispute_id
)
SELECT 'dispute ' || dispute.id, 'is ' || dispute.status || ' and awarded '
       || COALESCE(dispute.award_minor, 0) || ', ' || given.minor || ' went back out of it'
FROM dispute JOIN given ON given.dispute_id = dispute.id
WHERE given.minor > COALESCE(dispute.award_minor, 0)
UNION ALL
SELECT 'dispute ' || dispute.id, 'is closed and awarded ' || dispute.award_minor
       || ', and its line can still be refunded'
FROM dispute JOIN order_line AS line ON line.id = dispute.order_line_id
LEFT JOIN given ON given.dispute_id = dispute.id
WHERE dispute.status = 'closed' AND dispute.award_minor > COALESCE(given.whole_minor, 0)
  AND line.refunded_minor + dispute.award_minor - COALESCE(given.whole_minor, 0)
      <= line.total_minor
UNION ALL
SELECT 'seller_order ' || part.id, 'is cancelled and gave all back, and a case of its buyer still'
       || ' holds money'
FROM seller_order AS part JOIN dispute ON dispute.seller_order_id = part.id
WHERE part.status = 'cancelled' AND dispute.kind = 'buyer' AND dispute.status <> 'closed'
  AND dispute.spent_minor < dispute.from_pending_minor + dispute.from_available_minor
                            + dispute.from_reserve_minor + dispute.from_receivable_minor
""")

# $1 is the moment before which a deadline had to be acted on.
NOTHING_LATE = first("""
SELECT 'dispute ' || id, 'is ' || status || ', and its deadline was ' || due_at
FROM dispute
WHERE status IN ('awaiting_seller', 'awaiting_buyer', 'decided') AND due_at < $1
""")

# $1 is the moment before which a bank had to decide.
NOTHING_STUCK = first(f"""
SELECT entry.account || COALESCE(' order ' || head.order_id, ''),
       'still holds ' || -sum({_CREDITED}) || ' ' || entry.currency
FROM ledger_entry AS entry JOIN ledger_transaction AS head ON head.id = entry.transaction_id
WHERE {_TAKEN_BACK}
GROUP BY entry.account, entry.currency, head.order_id
HAVING sum({_CREDITED}) <> 0 AND max(head.booked_at) < $1
""")
