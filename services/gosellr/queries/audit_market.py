"""What must always be true of orders, goods and facts; asked in the same way as in `audit`."""

from gosellr.queries.audit import first

PARTS_SUM_TO_ORDER = first("""
SELECT 'order ' || orders.id, CASE WHEN parts.order_id IS NULL THEN 'has no parts'
       ELSE 'its parts make ' || parts.total || ' and their tax ' || parts.tax
       || ', itself says ' || orders.total_minor || ' and ' || orders.tax_minor END
FROM orders LEFT JOIN (
    SELECT order_id, sum(subtotal_minor) AS subtotal, sum(discount_minor) AS discount,
           sum(shipping_minor) AS shipping, sum(tax_minor) AS tax, sum(total_minor) AS total
    FROM seller_order GROUP BY order_id
    -- A gift card is bought of no seller: it is all that its order is about.
    UNION ALL
    SELECT order_id, amount_minor, 0, 0, 0, amount_minor FROM gift_card_purchase
) AS parts ON parts.order_id = orders.id
WHERE parts.order_id IS NULL
   OR (parts.subtotal, parts.discount, parts.shipping, parts.tax, parts.total)
   <> (orders.subtotal_minor, orders.discount_minor, orders.shipping_minor, orders.tax_minor,
       orders.total_minor)
UNION ALL
SELECT 'seller_order ' || part.id, 'its lines and delivery make ' || part.shipping_total_minor
       + lines.total || ', itself says ' || part.total_minor
FROM seller_order AS part JOIN (
    SELECT seller_order_id, sum(gross_minor) AS gross, sum(tax_minor) AS tax,
           sum(total_minor) AS total, sum(commission_minor) AS commission
    FROM order_line GROUP BY seller_order_id
) AS lines ON lines.seller_order_id = part.id
WHERE (lines.gross, lines.tax + part.shipping_tax_minor, lines.total + part.shipping_total_minor,
       lines.commission + part.shipping_commission_minor)
   <> (part.subtotal_minor, part.tax_minor, part.total_minor, part.commission_minor)
""")

STOCK_CONSERVED = first("""
WITH moved AS (
    SELECT variant_id, location_id, bucket, sum(delta) AS units
    FROM stock_movement GROUP BY 1, 2, 3
), held AS (
    SELECT variant_id, location_id, bucket,
           sum(quantity - shipped_quantity - released_quantity) AS units
    -- Not the condition of the index, through which all of them would be looked up one by one.
    FROM stock_reservation WHERE quantity - shipped_quantity - released_quantity > 0
    GROUP BY 1, 2, 3
)
SELECT 'stock_level ' || variant_id || ' at ' || location_id || ' bucket ' || bucket,
       'has ' || COALESCE(on_hand, 0) || ' and holds ' || COALESCE(reserved, 0)
       || '; its movements make ' || COALESCE(moved.units, 0) || ', its holds '
       || COALESCE(held.units, 0)
FROM stock_level FULL JOIN moved USING (variant_id, location_id, bucket)
FULL JOIN held USING (variant_id, location_id, bucket)
WHERE COALESCE(on_hand, 0) <> COALESCE(moved.units, 0)
   OR COALESCE(reserved, 0) <> COALESCE(held.units, 0)
""")

# $1 is the moment before which a hold that has run out had to be given back.
HOLDS_RESOLVED = first("""
SELECT 'stock_level ' || variant_id || ' at ' || location_id || ' bucket ' || bucket,
       'holds ' || reserved || ' of ' || on_hand
FROM stock_level WHERE reserved < 0 OR reserved > on_hand
UNION ALL
SELECT 'stock_reservation ' || id, CASE WHEN shipped_quantity + released_quantity < quantity
       AND expires_at < $1 THEN 'ran out at ' || expires_at || ' and is still held'
       ELSE 'of ' || quantity || ' units ' || shipped_quantity || ' were shipped and '
       || released_quantity || ' released' END
FROM stock_reservation
WHERE shipped_quantity < 0 OR released_quantity < 0
   OR shipped_quantity + released_quantity > quantity
   OR (expires_at < $1 AND shipped_quantity + released_quantity < quantity)
""")

LINES_COVERED = first("""
WITH held AS (
    SELECT order_line_id, sum(quantity - shipped_quantity - released_quantity) AS live,
           sum(shipped_quantity) AS shipped
    FROM stock_reservation GROUP BY 1
), sent AS (
    SELECT order_line_id, sum(quantity) AS units FROM shipment_item GROUP BY 1
)
SELECT 'order_line ' || line.id, 'of ' || line.quantity || ' units ' || COALESCE(held.live, 0)
       || ' are held, ' || COALESCE(held.shipped, 0) || ' left the stock, '
       || line.shipped_quantity || ' are called shipped, ' || COALESCE(sent.units, 0)
       || ' are in parcels, ' || line.withdrawn_quantity || ' are withdrawn'
FROM order_line AS line JOIN seller_order AS part ON part.id = line.seller_order_id
LEFT JOIN held ON held.order_line_id = line.id
LEFT JOIN sent ON sent.order_line_id = line.id
WHERE line.shipped_quantity <> COALESCE(held.shipped, 0)
   OR line.shipped_quantity <> COALESCE(sent.units, 0)
   OR COALESCE(held.live, 0) + line.shipped_quantity > line.quantity
   OR CASE part.status
          WHEN 'cancelled' THEN COALESCE(held.live, 0) > 0
          ELSE COALESCE(held.live, 0) + line.shipped_quantity + line.withdrawn_quantity
               <> line.quantity
      END
""")

# $1 and $2 list the allowed steps of a seller order, from and to.
HISTORY_GAPLESS = first("""
SELECT 'order ' || orders.id, 'counts ' || orders.event_count || ' events, has '
       || COALESCE(told.events, 0) || ', the last is number ' || COALESCE(told.last, 0)
FROM orders LEFT JOIN (
    SELECT order_id, count(*) AS events, min(sequence) AS first, max(sequence) AS last
    FROM order_event GROUP BY 1
) AS told ON told.order_id = orders.id
WHERE COALESCE(told.events, 0) <> orders.event_count OR COALESCE(told.last, 0) <> told.events
   OR told.first <> 1
""")

STEPS_ALLOWED = first("""
WITH step AS (
    SELECT event.id, event.seller_order_id, event.from_status, event.to_status,
           lag(event.to_status, 1, 'pending_payment') OVER own AS was,
           lead(event.id) OVER own IS NULL AS is_last
    FROM order_event AS event
    WHERE event.seller_order_id IS NOT NULL AND event.to_status IS NOT NULL
    WINDOW own AS (PARTITION BY event.seller_order_id ORDER BY event.sequence)
)
SELECT 'order_event ' || id, 'takes seller_order ' || seller_order_id || ' from '
       || COALESCE(from_status, '?') || ' to ' || to_status || ' when it was ' || was
FROM step
WHERE from_status IS DISTINCT FROM was OR NOT EXISTS (
    SELECT FROM unnest($1::text[], $2::text[]) AS listed (source, target)
    WHERE listed.source = step.from_status AND listed.target = step.to_status)
UNION ALL
SELECT 'seller_order ' || part.id, 'is ' || part.status || ', its history ends with '
       || COALESCE(step.to_status, 'pending_payment')
FROM seller_order AS part LEFT JOIN step ON step.seller_order_id = part.id AND step.is_last
WHERE part.status <> COALESCE(step.to_status, 'pending_payment')
""")

# $1 lists the statuses from the first to the last but `cancelled`.
ORDER_STATUS_DERIVED = first("""
SELECT 'order ' || id, 'is ' || status || ', its parts make it ' || derived
FROM (
    SELECT orders.id, orders.status, CASE
        WHEN count(*) FILTER (WHERE part.status <> 'cancelled') = 0 THEN 'cancelled'
        WHEN bool_or(place >= begun) AND NOT bool_and(place > begun) THEN 'partially_shipped'
        ELSE ($1::text[])[min(place)] END AS derived
    FROM orders JOIN seller_order AS part ON part.order_id = orders.id
    CROSS JOIN (SELECT array_position($1::text[], 'partially_shipped')) AS mark (begun)
    CROSS JOIN LATERAL (SELECT array_position($1::text[], part.status)) AS rank (place)
    GROUP BY orders.id, orders.status
) AS counted
WHERE status <> derived
""")

# $1 is the moment before which a cancelled sale had to be refunded.
CANCELLED_GIVES_BACK = first("""
SELECT 'order_line ' || line.id, 'was shipped, and its part is cancelled'
FROM order_line AS line JOIN seller_order AS part ON part.id = line.seller_order_id
WHERE part.status = 'cancelled' AND line.shipped_quantity > 0
  -- What was refused at the door came back.
  AND NOT COALESCE((SELECT bool_and(shipment.status = 'returned') FROM shipment
                    WHERE shipment.seller_order_id = part.id), false)
UNION ALL
SELECT 'seller_order ' || part.id, 'was paid and cancelled, and ' || part.refunded_minor
       || ' of ' || part.total_minor || ' went back'
FROM seller_order AS part JOIN orders ON orders.id = part.order_id
WHERE part.status = 'cancelled' AND part.cancelled_at < $1
  AND CASE orders.capture_at WHEN 'at_order' THEN orders.paid_at IS NOT NULL
      ELSE part.captured_at IS NOT NULL END
  AND part.refunded_minor < part.total_minor
  AND NOT EXISTS (SELECT FROM payment
                  WHERE payment.seller_order_id = part.id AND payment.status = 'voided')
UNION ALL
SELECT 'seller_order ' || part.id, 'is cancelled, and ' || part.pending_minor
       || ' of its sale are still the seller''s'
FROM seller_order AS part
WHERE part.status = 'cancelled' AND part.pending_minor <> 0 AND NOT EXISTS (
    SELECT FROM refund
    WHERE refund.seller_order_id = part.id
      -- One of several payments that refused leaves its share there.
      AND (refund.status <> 'succeeded' OR EXISTS (
          SELECT FROM refund_part AS back
          WHERE back.refund_id = refund.id AND back.status = 'failed')))
""")

LIMITS_HOLD = first("""
WITH used AS (
    SELECT coupon_id, customer_key, count(*) AS uses FROM coupon_redemption
    WHERE status <> 'released' GROUP BY 1, 2
)
SELECT 'coupon ' || coupon.id, 'counts ' || coupon.used_count || ' uses, has '
       || COALESCE(sum(used.uses), 0) || ', may have ' || COALESCE(coupon.limit_total::text, 'any')
FROM coupon LEFT JOIN used ON used.coupon_id = coupon.id
GROUP BY coupon.id
HAVING coupon.used_count <> COALESCE(sum(used.uses), 0)
    OR COALESCE(sum(used.uses), 0) > coupon.limit_total
UNION ALL
SELECT 'coupon_customer ' || coupon_id || ' ' || customer_key, 'counts '
       || COALESCE(known.used_count, 0) || ' uses, has ' || COALESCE(used.uses, 0)
       || ', may have ' || COALESCE(coupon.limit_per_customer::text, 'any')
FROM coupon_customer AS known FULL JOIN used USING (coupon_id, customer_key)
JOIN coupon ON coupon.id = coupon_id
WHERE COALESCE(known.used_count, 0) <> COALESCE(used.uses, 0)
   OR COALESCE(used.uses, 0) > coupon.limit_per_customer
""")

# $1 is the moment before which every question to a gateway had to be answered, and asked again.
# A key that names what it made needs no stored answer: it can be given again at any time.
NOTHING_UNKNOWN = first("""
SELECT 'ledger_transaction ' || min(id::text), kind || ' ' || idempotency_key || ' is booked '
       || count(*) || ' times'
FROM ledger_transaction GROUP BY kind, idempotency_key HAVING count(*) > 1
UNION ALL
SELECT 'idempotency_key ' || scope || ' ' || key, 'was claimed at ' || created_at
       || ' and never answered'
FROM idempotency_key WHERE finished_at IS NULL AND resource_id IS NULL AND created_at < $1
UNION ALL
SELECT 'payment ' || id, 'is ' || status || ' since ' || created_at
FROM payment WHERE (status = 'unknown' AND created_at < $1) OR check_at < $1
UNION ALL
SELECT 'refund_part ' || id, 'is ' || status || ' since ' || created_at
FROM refund_part WHERE (status = 'unknown' AND created_at < $1) OR check_at < $1
UNION ALL
SELECT 'payment_return ' || id, 'is ' || status || ' since ' || created_at
FROM payment_return WHERE (status = 'unknown' AND created_at < $1) OR check_at < $1
""")

OUTBOX_IN_ORDER = first("""
SELECT 'outbox_feed ' || position, 'follows number ' || before
FROM (
    SELECT position, lag(position, 1, 0::bigint) OVER (ORDER BY position) AS before
    FROM outbox_feed
) AS numbered WHERE position <> before + 1
UNION ALL
SELECT 'outbox_event ' || told.sequence, 'is told after a later fact of its '
       || told.aggregate_type
FROM (
    SELECT event.sequence, event.aggregate_type,
           max(event.sequence) OVER (
               PARTITION BY event.aggregate_type, event.aggregate_id ORDER BY feed.position
           ) AS latest
    FROM outbox_feed AS feed JOIN outbox_event AS event ON event.sequence = feed.event_sequence
) AS told WHERE told.sequence < told.latest
UNION ALL
SELECT 'order ' || orders.id, 'has no fact order.placed'
FROM orders WHERE NOT EXISTS (
    SELECT FROM outbox_event WHERE aggregate_type = 'order' AND aggregate_id = orders.id
      AND type = 'order.placed')
UNION ALL
SELECT 'order ' || orders.id, 'is paid and has no fact order.paid'
FROM orders WHERE paid_at IS NOT NULL AND NOT EXISTS (
    SELECT FROM outbox_event WHERE aggregate_type = 'order' AND aggregate_id = orders.id
      AND type = 'order.paid')
""")

# $1, $2 and $3: of what stands in which status, or in any where that is empty, which fact was told.
EVERY_STATE_TOLD = first("""
SELECT stands.kind || ' ' || stands.id, 'is ' || stands.status || ' and has no fact ' || must.type
FROM (
    SELECT 'refund' AS kind, id, status FROM refund
    UNION ALL SELECT 'payout', id, status FROM payout
    UNION ALL SELECT 'shipment', id, status FROM shipment
    UNION ALL SELECT 'dispute', id, status FROM dispute
    UNION ALL SELECT 'chargeback', id, status FROM chargeback
) AS stands
JOIN unnest($1::text[], $2::text[], $3::text[]) AS must (kind, status, type)
  ON must.kind = stands.kind AND must.status IN ('', stands.status)
WHERE NOT EXISTS (
    SELECT FROM outbox_event AS told
    WHERE told.aggregate_type = stands.kind AND told.aggregate_id = stands.id
      AND told.type = must.type)
""")

# Accounts are few, and their entries many: each is found behind the one before.
ONE_SELLER = first(r"""
WITH RECURSIVE of_seller AS (
    (SELECT min(account) AS account FROM ledger_entry WHERE account LIKE 'seller\_%'
     UNION ALL
     SELECT min(account) FROM ledger_entry WHERE account LIKE 'payout\_%')
    UNION ALL
    SELECT CASE WHEN known.account LIKE 'seller\_%' THEN (
               SELECT min(account) FROM ledger_entry
               WHERE account > known.account AND account LIKE 'seller\_%')
           ELSE (SELECT min(account) FROM ledger_entry
                 WHERE account > known.account AND account LIKE 'payout\_%') END
    FROM of_seller AS known WHERE known.account IS NOT NULL
)
SELECT 'variant ' || variant.id, 'is of seller ' || variant.seller_id || ', its product of '
       || product.seller_id
FROM variant JOIN product ON product.id = variant.product_id
WHERE variant.seller_id <> product.seller_id
UNION ALL
SELECT 'stock_level ' || level.variant_id || ' at ' || level.location_id,
       'mixes the goods of ' || variant.seller_id || ' with a place of ' || place.seller_id
FROM stock_level AS level JOIN variant ON variant.id = level.variant_id
JOIN stock_location AS place ON place.id = level.location_id
WHERE variant.seller_id <> place.seller_id
UNION ALL
SELECT 'order_line ' || line.id, 'is of seller ' || line.seller_id || ', its part of '
       || part.seller_id || ', its variant of ' || variant.seller_id
FROM order_line AS line JOIN seller_order AS part ON part.id = line.seller_order_id
JOIN variant ON variant.id = line.variant_id
WHERE line.seller_id <> part.seller_id OR line.seller_id <> variant.seller_id
   OR line.order_id <> part.order_id
UNION ALL
SELECT 'shipment ' || parcel.id, 'is of seller ' || parcel.seller_id || ', its part of '
       || part.seller_id
FROM shipment AS parcel JOIN seller_order AS part ON part.id = parcel.seller_order_id
WHERE parcel.seller_id <> part.seller_id OR parcel.order_id <> part.order_id
UNION ALL
SELECT 'refund ' || refund.id, 'is of seller ' || refund.seller_id || ', its part of '
       || part.seller_id
FROM refund JOIN seller_order AS part ON part.id = refund.seller_order_id
WHERE refund.seller_id <> part.seller_id OR refund.order_id <> part.order_id
UNION ALL
SELECT 'review ' || review.id, 'is of seller ' || review.seller_id || ', its line of '
       || line.seller_id
FROM review JOIN order_line AS line ON line.id = review.order_line_id
WHERE review.seller_id <> line.seller_id OR review.product_id <> line.product_id
UNION ALL
SELECT 'account ' || account, 'belongs to no seller' FROM of_seller
WHERE account IS NOT NULL AND NOT EXISTS (
    SELECT FROM seller WHERE seller.id::text = split_part(account, ':', 2))
""")

# $1 is the moment before which a seller's new name or standing had to be on the cards. The word for
# stock follows by a job and isn't looked at; an archived listing keeps its last card.
CARDS_TRUE = first("""
WITH listing AS (
    SELECT product.id, product.status, product.title, category.path AS category,
           product.status = 'active' AND seller.status = 'active' AS visible,
           seller.updated_at < $1 AS settled,
           (SELECT min(price.amount_minor)
            FROM variant JOIN variant_price AS price ON price.variant_id = variant.id
                 AND price.currency = product.currency
            WHERE variant.product_id = product.id AND variant.archived_at IS NULL) AS price_minor
    FROM product JOIN seller ON seller.id = product.seller_id
    JOIN category ON category.id = product.category_id
)
SELECT 'product_card ' || listing.id, 'is ' || CASE
       WHEN card.product_id IS NULL THEN 'missing'
       WHEN card.visible THEN 'shown' ELSE 'hidden' END
       || ' and says ' || COALESCE(said.status, '?') || ', ' || COALESCE(said.title, '?') || ', '
       || COALESCE(card.price_minor::text, '?') || '; the listing is ' || listing.status || ', '
       || listing.title || ', ' || COALESCE(listing.price_minor::text, '?')
FROM listing LEFT JOIN product_card AS card ON card.product_id = listing.id
LEFT JOIN LATERAL json_to_record(card.card::json) AS said (status text, title text, category json)
     ON true
WHERE CASE
    WHEN listing.status = 'archived' THEN card.visible OR said.status <> 'archived'
    WHEN listing.price_minor IS NULL THEN card.visible AND listing.status <> 'active'
    ELSE (said.status, said.title, said.category ->> 'path', card.price_minor)
         IS DISTINCT FROM (listing.status, listing.title, listing.category, listing.price_minor)
      OR card.visible AND listing.status <> 'active'
      OR card.visible <> listing.visible AND listing.settled
    END
UNION ALL
SELECT 'category_place ' || product_id || ' in ' || category_id, CASE
       WHEN place.currency IS NULL THEN 'is missing' ELSE 'is not that of a card on sale' END
FROM category_place AS place
FULL JOIN (
    SELECT product_id, category.id AS category_id, currency, price_minor, rating_hundredths,
           sold_count, created_at
    FROM product_card CROSS JOIN unnest(category_ids) AS category (id) WHERE visible
) AS card USING (product_id, category_id)
WHERE (place.currency, place.price_minor, place.rating_hundredths, place.sold_count,
       place.created_at)
      IS DISTINCT FROM (card.currency, card.price_minor, card.rating_hundredths, card.sold_count,
                        card.created_at)
""")

NOTHING_IN_CLEAR = first("""
SELECT 'signing_key ' || kid, 'holds a private key in clear'
FROM signing_key WHERE position('PRIVATE KEY'::bytea IN private_pem_encrypted) > 0
""")
