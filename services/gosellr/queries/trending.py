"""What is bought right now: popularity that decays with time and that one buyer can't inflate.

The score is that of `utils.ranking.trending_score`, kept as its logarithm against a fixed origin:
`2 ^ (key / 1e6 - now / half-life)` is the score at any moment. All scores fade at one pace, so
the order of such keys stays true while time passes, and a card is only written anew when somebody
has bought the product or a purchase has left the window.
"""

from dataclasses import dataclass
from datetime import datetime

from gosellr.core.db import Connection

# Arguments 1 to 3: the window's start (exclusive), now, and the half-life in seconds. A buyer is
# an account, or an e-mail address whatever its case and its "+tag"; of an account its address.
_SCORED = """
WITH bought AS (
    SELECT line.product_id,
           regexp_replace(lower(coalesce(account.email, placed.email)), '[+][^@]*@', '@') AS buyer,
           max(placed.placed_at) AS latest
    FROM orders AS placed
    JOIN seller_order AS part ON part.order_id = placed.id
    JOIN order_line AS line ON line.seller_order_id = part.id
    LEFT JOIN user_account AS account ON account.id = placed.user_id
    WHERE placed.placed_at > $1 AND placed.placed_at <= $2
      AND part.status NOT IN ('pending_payment', 'cancelled')
      AND line.quantity > line.refunded_quantity
    GROUP BY line.product_id, buyer
), dated AS (
    SELECT bought.product_id, bought.latest,
           max(bought.latest) OVER (PARTITION BY bought.product_id) AS newest
    FROM bought
), scored AS (
    SELECT dated.product_id, round(1000000 * (
               extract(epoch FROM dated.newest)::float8 / $3::float8
               + ln(sum(power(2, extract(epoch FROM dated.latest - dated.newest)::float8
                                 / $3::float8))) / ln(2::float8)))::bigint AS key
    FROM dated GROUP BY dated.product_id, dated.newest
)"""

REFRESH_SCORES = (
    _SCORED
    + """, changed AS (
    SELECT scored.product_id, scored.key
    FROM scored JOIN product_card AS card ON card.product_id = scored.product_id
    WHERE card.trending_score <> scored.key
    UNION ALL
    SELECT card.product_id, 0 FROM product_card AS card
    WHERE card.visible AND card.trending_score > 0
      AND card.product_id NOT IN (SELECT scored.product_id FROM scored)
), locked AS (
    SELECT card.product_id FROM product_card AS card
    WHERE card.product_id IN (SELECT changed.product_id FROM changed)
    ORDER BY card.product_id FOR UPDATE
)
UPDATE product_card AS card SET trending_score = changed.key
FROM changed JOIN locked ON locked.product_id = changed.product_id
WHERE card.product_id = changed.product_id
"""
)

# Every product that was ordered lately is counted over its whole life: refunds take back.
RECOUNT_SALES = """
WITH lately AS (
    SELECT DISTINCT line.product_id FROM orders AS placed
    JOIN order_line AS line ON line.order_id = placed.id
    WHERE placed.placed_at > $1 AND placed.placed_at <= $2
), counted AS (
    SELECT product.id, product.sold_count AS known, sales.number
    FROM lately JOIN product ON product.id = lately.product_id
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(line.quantity - line.refunded_quantity), 0)::bigint AS number
        FROM order_line AS line JOIN seller_order AS part ON part.id = line.seller_order_id
        WHERE line.product_id = product.id
          AND part.status NOT IN ('pending_payment', 'cancelled')
    ) AS sales
    WHERE product.sold_count <> sales.number
    ORDER BY product.id FOR NO KEY UPDATE OF product
), on_card AS (
    UPDATE product_card AS card SET sold_count = counted.number
    FROM counted WHERE card.product_id = counted.id
)
UPDATE product SET sold_count = counted.number FROM counted WHERE product.id = counted.id
"""

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
    SELECT card.product_id, card.card, scored.key
    FROM scored JOIN product_card AS card ON card.product_id = scored.product_id
    WHERE card.visible
    ORDER BY scored.key DESC, card.product_id DESC LIMIT $4)"""

_ANY_BY_SCORE = """SELECT FROM scored JOIN product_card AS hot
    ON hot.product_id = scored.product_id WHERE hot.visible"""

TRENDING_IN_WINDOW = _SCORED + _LISTED.format(
    f"{_BY_SCORE} UNION ALL {_BEST_SELLING.format(_ANY_BY_SCORE, '$4')}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The orders that count: after `since`, up to `until`; half of a buyer's weight is gone after
    the half-life."""

    since: datetime
    until: datetime
    half_life_seconds: float


async def refresh_scores(connection: Connection, *, span: Span) -> None:
    """Write the scores on the cards anew whose buyers have changed."""
    await connection.execute(REFRESH_SCORES, span.since, span.until, span.half_life_seconds)


async def recount_sales(connection: Connection, *, since: datetime, until: datetime) -> None:
    """Count the pieces sold of every product that was ordered in this time."""
    await connection.execute(RECOUNT_SALES, since, until)


async def trending_on_cards(connection: Connection, *, limit: int) -> bytes:
    """Cards by the score they bear, as a JSON list; the best sellers where nobody bought."""
    items: bytes = await connection.fetchval(TRENDING_ON_CARDS, limit)
    return items


async def trending_in_window(connection: Connection, *, span: Span, limit: int) -> bytes:
    """Cards by their score over a window, counted now; the best sellers where nobody bought."""
    items: bytes = await connection.fetchval(
        TRENDING_IN_WINDOW, span.since, span.until, span.half_life_seconds, limit
    )
    return items
