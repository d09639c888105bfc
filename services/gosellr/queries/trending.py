"""What is bought right now: popularity that decays with time and that one buyer can't inflate.

The score is that of `utils.ranking.trending_score`, kept as its logarithm against a fixed origin:
`2 ^ (key / 1e6 - now / half-life)` is the score at any moment. All scores fade at one pace, so
the order of such keys stays true while time passes, and a card is only written anew when somebody
has bought the product or a purchase has left the window.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.utils.lazy_dataclasses import dataclass

# The products of $1 by what was bought of them in each span of $3 to $5 (name, start (exclusive)
# and half-life in seconds) up to $2, and by what was sold in all their life: refunds take back. A
# buyer is an account, or an e-mail address whatever its case and its "+tag"; of an account its
# address. One look at the lines serves all spans, because of a buyer the latest order counts. What
# is looked up one by one is so on purpose: the planner would rather read all orders than a part.
# Products are locked before their cards, as everywhere; the scores of span $6 are on the cards.
REFRESH = """
WITH line AS MATERIALIZED (
    SELECT wanted.product_id, line.quantity - line.refunded_quantity AS kept,
           placed.placed_at, placed.email, placed.user_id
    FROM unnest($1::uuid[]) AS wanted (product_id)
    CROSS JOIN LATERAL (
        SELECT * FROM order_line WHERE product_id = wanted.product_id OFFSET 0) AS line
    CROSS JOIN LATERAL (
        SELECT status FROM seller_order WHERE id = line.seller_order_id OFFSET 0) AS part
    CROSS JOIN LATERAL (
        SELECT placed_at, email, user_id FROM orders WHERE id = line.order_id OFFSET 0) AS placed
    WHERE part.status NOT IN ('pending_payment', 'cancelled')
), sales AS (
    SELECT product_id, sum(kept)::bigint AS number FROM line GROUP BY product_id
), span AS (
    SELECT * FROM unnest($3::text[], $4::timestamptz[], $5::float8[])
                  AS span (name, since, half_life)
), bought AS MATERIALIZED (
    SELECT line.product_id,
           regexp_replace(lower(coalesce(account.email, line.email)), '[+][^@]*@', '@') AS buyer,
           max(line.placed_at) AS latest
    FROM line LEFT JOIN user_account AS account ON account.id = line.user_id
    WHERE line.kept > 0 AND line.placed_at <= $2
      AND line.placed_at > (SELECT min(since) FROM span)
    GROUP BY line.product_id, buyer
), dated AS (
    SELECT span.name, span.half_life, bought.product_id, bought.latest,
           max(bought.latest) OVER (PARTITION BY span.name, bought.product_id) AS newest
    FROM span JOIN bought ON bought.latest > span.since
), scored AS MATERIALIZED (
    SELECT dated.name, dated.product_id, round(1000000 * (
               extract(epoch FROM dated.newest)::float8 / dated.half_life
               + ln(sum(power(2, extract(epoch FROM dated.latest - dated.newest)::float8
                                 / dated.half_life))) / ln(2::float8)))::bigint AS key
    FROM dated GROUP BY dated.name, dated.half_life, dated.product_id, dated.newest
), counted AS (
    SELECT product.id, coalesce(scored.key, 0) AS key, coalesce(sales.number, 0) AS number
    FROM product
    LEFT JOIN product_card AS card ON card.product_id = product.id
    LEFT JOIN scored ON scored.product_id = product.id AND scored.name = $6
    LEFT JOIN sales ON sales.product_id = product.id
    WHERE product.id = ANY($1::uuid[])
      AND (product.sold_count <> coalesce(sales.number, 0)
           OR card.trending_score <> coalesce(scored.key, 0))
    ORDER BY product.id FOR NO KEY UPDATE OF product
), on_card AS (
    UPDATE product_card AS card
    SET sold_count = counted.number, trending_score = counted.key
    FROM counted WHERE card.product_id = counted.id
), gone AS (
    DELETE FROM product_trend AS trend
    WHERE trend.product_id = ANY($1::uuid[]) AND NOT EXISTS (
        SELECT FROM scored
        WHERE scored.name = trend.span AND scored.product_id = trend.product_id)
), trending AS (
    INSERT INTO product_trend AS trend (span, product_id, key)
    SELECT name, product_id, key FROM scored WHERE name <> $6 ORDER BY name, product_id
    ON CONFLICT (span, product_id) DO UPDATE SET key = excluded.key WHERE trend.key <> excluded.key
)
UPDATE product SET sold_count = counted.number
FROM counted WHERE product.id = counted.id AND product.sold_count <> counted.number
"""

# Of what is bought all the time a million lines may be counted, for which nobody waits.
TAKE_TIME = "SET LOCAL statement_timeout = '5min'"

MARK = "SELECT position, looked_at, due_at FROM popularity_mark"

# What an order's standing, a part's or a refund says may have changed its products; and since the
# last look purchases have left the window, which nothing tells. An order that was placed only
# counts when it is paid for. Lines are looked up order by order for the same reason as above.
CHANGED = """
WITH told AS (
    SELECT feed.position, event.aggregate_type, event.aggregate_id
    FROM outbox_feed AS feed JOIN outbox_event AS event ON event.sequence = feed.event_sequence
    WHERE feed.position > $1 AND feed.position <= $1 + $2::bigint
      AND event.aggregate_type IN ('order', 'seller_order', 'refund')
      AND event.type <> 'order.placed'
), touched AS (
    SELECT line.product_id FROM told CROSS JOIN LATERAL (
        SELECT product_id FROM order_line WHERE order_id = told.aggregate_id OFFSET 0) AS line
    WHERE told.aggregate_type = 'order'
    UNION
    SELECT line.product_id FROM told CROSS JOIN LATERAL (
        SELECT product_id FROM order_line WHERE seller_order_id = told.aggregate_id OFFSET 0
    ) AS line
    WHERE told.aggregate_type = 'seller_order'
    UNION
    SELECT line.product_id FROM told JOIN refund ON refund.id = told.aggregate_id
    CROSS JOIN LATERAL (
        SELECT product_id FROM order_line WHERE order_id = refund.order_id OFFSET 0) AS line
    WHERE told.aggregate_type = 'refund'
    UNION
    SELECT line.product_id
    FROM unnest($3::timestamptz[], $4::timestamptz[]) AS span (since, until)
    CROSS JOIN LATERAL (
        SELECT id FROM orders WHERE placed_at > span.since AND placed_at <= span.until OFFSET 0
    ) AS placed
    CROSS JOIN LATERAL (
        SELECT product_id FROM order_line WHERE order_id = placed.id OFFSET 0) AS line
)
SELECT (SELECT max(position) FROM outbox_feed
        WHERE position > $1 AND position <= $1 + $2::bigint) AS position,
       (SELECT array_agg(product_id ORDER BY product_id) FROM touched) AS product_ids
"""

MOVE_MARK = "UPDATE popularity_mark SET position = $1, looked_at = $2, due_at = $3"

_LISTED = """
SELECT convert_to('[' || coalesce(string_agg(
           page.card, ',' ORDER BY page.key DESC, page.product_id DESC), '') || ']', 'UTF8')
FROM ({}) AS page
"""

# Ids grow with time, so among those of equal sales the newest comes first.
_BEST_SELLING = """(
    SELECT card.product_id, card.card, card.sold_count AS key FROM product_card AS card
    WHERE card.visible AND NOT EXISTS ({})
    ORDER BY card.sold_count DESC, card.product_id DESC LIMIT {})"""

_ON_CARDS = """(
    SELECT card.product_id, card.card, card.trending_score AS key FROM product_card AS card
    WHERE card.visible AND card.trending_score > 0
    ORDER BY card.trending_score DESC, card.product_id DESC LIMIT $1)"""

_ANY_ON_CARDS = "SELECT FROM product_card AS hot WHERE hot.visible AND hot.trending_score > 0"

TRENDING_ON_CARDS = _LISTED.format(
    f"{_ON_CARDS} UNION ALL {_BEST_SELLING.format(_ANY_ON_CARDS, '$1')}"
)

_BY_SCORE = """(
    SELECT card.product_id, card.card, trend.key
    FROM product_trend AS trend JOIN product_card AS card ON card.product_id = trend.product_id
    WHERE trend.span = $2 AND card.visible
    ORDER BY trend.key DESC, trend.product_id DESC LIMIT $1)"""

_ANY_BY_SCORE = """SELECT FROM product_trend AS trend JOIN product_card AS hot
    ON hot.product_id = trend.product_id WHERE trend.span = $2 AND hot.visible"""

TRENDING_IN_WINDOW = _LISTED.format(
    f"{_BY_SCORE} UNION ALL {_BEST_SELLING.format(_ANY_BY_SCORE, '$1')}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Orders after `since` count; half of a buyer's weight is gone after the half-life."""

    name: str
    since: datetime
    half_life_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """The last fact and the moment that the cards know of, and when to look again."""

    position: int
    looked_at: datetime | None
    due_at: datetime | None


async def mark(connection: Connection) -> Mark:
    """How far the cards know what is bought."""
    row = await connection.fetchrow(MARK)
    if row is None:
        raise LookupError("the mark of popularity is missing")
    return Mark(**row)


async def changed(
    connection: Connection,
    *,
    after: int,
    facts: int,
    spans: Sequence[tuple[datetime, datetime]],
) -> tuple[int, list[UUID]]:
    """The products that the next facts of the feed are about, and those that were bought in
    `spans` (after the first moment, up to the second); and the number of the last of these facts.
    """
    since, until = [one for one, _ in spans], [one for _, one in spans]
    row = await connection.fetchrow(CHANGED, after, facts, since, until)
    if row is None:
        return after, []
    return row["position"] or after, row["product_ids"] or []


async def refresh(
    connection: Connection,
    *,
    product_ids: Sequence[UUID],
    spans: Sequence[Span],
    on_cards: str,
    until: datetime,
) -> None:
    """Count anew what was bought of products in each span and sold of them ever, and write what
    differs; the span `on_cards` stands on the cards. May take longer than a request is allowed to.
    """
    await connection.execute(TAKE_TIME)
    await connection.execute(
        REFRESH,
        product_ids,
        until,
        [span.name for span in spans],
        [span.since for span in spans],
        [span.half_life_seconds for span in spans],
        on_cards,
    )


async def move_mark(
    connection: Connection, *, position: int, looked_at: datetime, due_at: datetime
) -> None:
    """The cards know what is bought, up to there."""
    await connection.execute(MOVE_MARK, position, looked_at, due_at)


async def trending_on_cards(connection: Connection, *, limit: int) -> bytes:
    """Cards by the score they bear, as a JSON list; the best sellers where nobody bought."""
    items: bytes = await connection.fetchval(TRENDING_ON_CARDS, limit)
    return items


async def trending_in_window(connection: Connection, *, window: str, limit: int) -> bytes:
    """Cards by their score over another window; the best sellers where nobody bought."""
    items: bytes = await connection.fetchval(TRENDING_IN_WINDOW, limit, window)
    return items
