"""What refunds of goods that left rest on; asked in the same way as in `audit`."""

from gosellr.queries.audit import first

# $1: on whose word alone goods are given away. The journal says whose it was, since its rows are
# hashed. Units that were withdrawn before they left took no goods with them.
SHIPPED_RESTS_ON_SOMETHING = first("""
SELECT 'seller_order ' || part.id, 'was shipped and is given back whole, and refund ' || refund.id
       || ' rests on no return, no case, no bank and nobody who may give it away: it was asked by '
       || COALESCE(asked.actor, 'nobody')
FROM seller_order AS part JOIN refund ON refund.seller_order_id = part.id
LEFT JOIN LATERAL (
    SELECT head.actor FROM ledger_transaction AS head
    WHERE head.order_id = part.order_id AND head.cause_type = 'refund'
      AND head.cause_id = refund.id
    ORDER BY head.id LIMIT 1
) AS asked ON true
WHERE part.refunded_minor >= part.total_minor AND part.total_minor > 0
  AND refund.status <> 'failed' AND refund.dispute_id IS NULL
  AND COALESCE(split_part(asked.actor, ':', 1), '') <> ALL($1::text[])
  AND EXISTS (
      SELECT FROM refund_line AS back JOIN order_line AS line ON line.id = back.order_line_id
      WHERE back.refund_id = refund.id AND line.shipped_quantity > 0
        AND (back.quantity = 0 OR back.quantity > line.withdrawn_quantity))
  -- What was refused at the door came back.
  AND NOT COALESCE((SELECT bool_and(shipment.status = 'returned') FROM shipment
                    WHERE shipment.seller_order_id = part.id), false)
""")
