"""What went on from gift cards that can't be spent, as their buyer sees it."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from gosellr.models.stored_value_values import ValueMove
from gosellr.utils.ids import order_number
from gosellr.utils.money import Money
from gosellr.web.binding.orders import order_href
from gosellr.web.gift_sale_views import ReplacementCardView
from gosellr.web.order_views import MovedView


def on_order(moves: Sequence[ValueMove], *, number: int) -> tuple[MovedView, ...]:
    """Where everything is now, a row for each place."""
    sums: defaultdict[UUID | None, int] = defaultdict(int)
    for move in moves:
        sums[move.to_card_id] += move.amount_minor
    return tuple(
        MovedView(
            label="Store credit" if card_id is None else "A new gift card",
            amount=Money(amount_minor, moves[0].currency),
            href="/account" if card_id is None else _href(number, card_id),
            link="Your credit" if card_id is None else "Look at the card",
        )
        for card_id, amount_minor in sums.items()
    )


def card(
    moves: Sequence[ValueMove], *, number: int, may_ask: bool, code: str = "", refusal: str = ""
) -> ReplacementCardView:
    """A card that was made in place of another; `moves` are those to it, at least one."""
    last, said = moves[-1], order_number(number)
    card_id = last.to_card_id
    if card_id is None:
        raise ValueError(f"move {last.id} went to no card")
    return ReplacementCardView(
        number=said,
        order_href=order_href(said),
        href=_href(number, card_id),
        amount=Money(sum(move.amount_minor for move in moves), last.currency),
        balance=Money(last.balance_minor or 0, last.currency),
        last_four=(last.last_four or "") if last.code_told else "",
        code=code,
        may_ask=may_ask and not last.code_told,
        refusal=refusal,
    )


def _href(number: int, card_id: UUID) -> str:
    return f"{order_href(order_number(number))}/replacement-cards/{card_id}"
