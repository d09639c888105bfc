"""What is booked of gift cards that are sold: balanced, and undone to the cent."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gosellr.utils.explanations import explain
from gosellr.utils.ledger import Direction, gift_card, imbalance, store_credit
from gosellr.utils.postings import refund_failed
from gosellr.utils.value_postings import (
    gift_card_charged_back,
    gift_card_released,
    gift_card_restored,
    gift_card_sold,
    gift_card_taken_back,
    stored_value_moved,
)
from tests.utils.books import CURRENCIES

CARD = UUID(int=1)
REFUND = UUID(int=2)
AMOUNT = st.integers(1, 10**12)


@given(AMOUNT, CURRENCIES)
def test_what_is_sold_is_owed(amount_minor: int, currency: str) -> None:
    draft = gift_card_sold(
        card_id=CARD, gateway="sandbox", amount_minor=amount_minor, currency=currency
    )
    assert {each.currency for each in draft.entries} == {currency}
    assert {(each.account, each.direction, each.amount_minor) for each in draft.entries} == {
        ("gateway_clearing:sandbox", Direction.DEBIT, amount_minor),
        (gift_card(CARD), Direction.CREDIT, amount_minor),
    }


@given(AMOUNT, CURRENCIES)
def test_a_refusal_puts_back_what_was_taken_off(amount_minor: int, currency: str) -> None:
    taken = gift_card_taken_back(
        card_id=CARD,
        refund_id=REFUND,
        gateway="sandbox",
        amount_minor=amount_minor,
        currency=currency,
    )
    both = (*taken.entries, *refund_failed(taken.entries).entries)
    assert imbalance(both) == {}
    for account in (gift_card(CARD), "refund_in_transit:sandbox"):
        assert sum(each.signed_minor for each in both if each.account == account) == 0


@given(st.integers(0, 10**12), st.integers(0, 10**12))
def test_a_bank_takes_what_is_left_and_the_market_bears_the_rest(taken: int, borne: int) -> None:
    draft = gift_card_charged_back(
        card_id=CARD, gateway="sandbox", taken_minor=taken, borne_minor=borne, currency="EUR"
    )
    sides = {each.account: each.signed_minor for each in draft.entries}
    assert sides.get(gift_card(CARD), 0) == taken
    assert sides.get("chargeback_loss", 0) == borne
    assert sides.get("dispute_receivable:sandbox", 0) == -(taken + borne)


@given(AMOUNT, st.booleans())
def test_what_is_released_is_restored_to_the_cent(amount_minor: int, is_issued: bool) -> None:
    made = {"card_id": CARD, "is_issued": is_issued, "amount_minor": amount_minor}
    released = gift_card_released(currency="JPY", **made)  # type: ignore[arg-type]
    restored = gift_card_restored(currency="JPY", **made)  # type: ignore[arg-type]
    to = "promotion_cost" if is_issued else "breakage"
    sides = {each.account: each.signed_minor for each in released.entries}
    assert sides == {gift_card(CARD): amount_minor, to: -amount_minor}
    assert {each.account: each.signed_minor for each in restored.entries} == {
        gift_card(CARD): -amount_minor,
        to: amount_minor,
    }


@given(AMOUNT, st.booleans())
def test_what_moves_on_is_value_again(amount_minor: int, is_credit: bool) -> None:
    credited = store_credit(REFUND) if is_credit else gift_card(REFUND)
    draft = stored_value_moved(
        card_id=CARD, credited=credited, amount_minor=amount_minor, currency="KWD"
    )
    sides = {each.account: each.signed_minor for each in draft.entries}
    assert sides == {gift_card(CARD): amount_minor, credited: -amount_minor}
    words = "as store credit." if is_credit else "as a new gift card."
    assert explain(draft.kind, draft.entries).endswith(words)


def test_nothing_moves_from_a_card_to_itself() -> None:
    with pytest.raises(ValueError, match="can't go on to it"):
        stored_value_moved(
            card_id=CARD, credited=gift_card(CARD), amount_minor=1000, currency="EUR"
        )


def test_it_is_told_in_words() -> None:
    sold = gift_card_sold(card_id=CARD, gateway="sandbox", amount_minor=5000, currency="EUR")
    assert explain(sold.kind, sold.entries) == (
        "A gift card over 50.00 EUR was sold; so much is owed to whoever holds it."
    )
    taken = gift_card_taken_back(
        card_id=CARD, refund_id=REFUND, gateway="sandbox", amount_minor=3000, currency="EUR"
    )
    assert explain(taken.kind, taken.entries) == (
        "Refund of 30.00 EUR on its way: 30.00 EUR is taken off the gift card."
    )
    lost = gift_card_charged_back(
        card_id=CARD, gateway="sandbox", taken_minor=3000, borne_minor=2000, currency="EUR"
    )
    assert explain(lost.kind, lost.entries) == (
        "The chargeback of 50.00 EUR is lost: 30.00 EUR is taken off the gift card, "
        "the marketplace bears 20.00 EUR."
    )
