"""Recipe 10: stored value is owed from when it is there until it is spent, and never twice."""

from hypothesis import given
from hypothesis import strategies as st

from gosellr.utils.postings import refund_confirmed, refund_failed
from gosellr.utils.value_postings import (
    gift_card_charged_back,
    gift_card_issued,
    gift_card_loss_made_good,
    gift_card_price_came_back,
    gift_card_price_taken_again,
    gift_card_released,
    gift_card_restored,
    gift_card_sold,
    gift_card_taken_back,
    store_credit_given,
    store_credit_granted,
    stored_value_hold,
    stored_value_moved,
    stored_value_return,
)
from tests.utils.books import (
    AMOUNTS,
    ANN,
    BUYER,
    CARD,
    CURRENCIES,
    GATEWAYS,
    MAYBE,
    ORDER,
    OTHER_CARD,
    REFUND,
    changes,
    moved,
)

ON_CARD, CREDIT, HELD = f"gift_card:{CARD}", f"store_credit:{BUYER}", f"stored_value_held:{ORDER}"
ON_OTHER = f"gift_card:{OTHER_CARD}"


@given(currency=CURRENCIES, gateway=GATEWAYS, amount=AMOUNTS)
def test_a_card_that_is_sold_is_owed_and_no_income(
    currency: str, gateway: str, amount: int
) -> None:
    sold = gift_card_sold(card_id=CARD, gateway=gateway, amount_minor=amount, currency=currency)
    clearing = f"gateway_clearing:{gateway}"
    assert changes(sold) == moved(currency, debited={clearing: amount}, credited={ON_CARD: amount})


@given(currency=CURRENCIES, amount=AMOUNTS)
def test_what_the_marketplace_gives_away_is_its_promotion(currency: str, amount: int) -> None:
    card = gift_card_issued(card_id=CARD, amount_minor=amount, currency=currency)
    cost = {"promotion_cost": amount}
    assert changes(card) == moved(currency, debited=cost, credited={ON_CARD: amount})
    credit = store_credit_granted(user_id=BUYER, amount_minor=amount, currency=currency)
    assert changes(credit) == moved(currency, debited=cost, credited={CREDIT: amount})


@given(currency=CURRENCIES, amount=AMOUNTS)
def test_what_a_shop_gives_away_is_its_own_money(currency: str, amount: int) -> None:
    given_away = store_credit_given(
        seller_id=ANN, user_id=BUYER, amount_minor=amount, currency=currency
    )
    own = {f"seller_available:{ANN}": amount}
    assert changes(given_away) == moved(currency, debited=own, credited={CREDIT: amount})


@given(currency=CURRENCIES, account=st.sampled_from([ON_CARD, CREDIT]), amount=AMOUNTS)
def test_what_is_set_aside_goes_back_to_the_unit(currency: str, account: str, amount: int) -> None:
    hold = stored_value_hold(
        order_id=ORDER, account=account, amount_minor=amount, currency=currency
    )
    back = stored_value_return(
        order_id=ORDER, account=account, amount_minor=amount, currency=currency
    )
    assert changes(hold) == moved(currency, debited={account: amount}, credited={HELD: amount})
    assert changes(hold, back) == {}


@given(currency=CURRENCIES, gateway=GATEWAYS, face=AMOUNTS, left_bps=st.integers(1, 10_000))
def test_what_is_left_of_a_card_goes_back_or_stays(
    currency: str, gateway: str, face: int, left_bps: int
) -> None:
    left = max(1, face * left_bps // 10_000)
    intent = gift_card_taken_back(
        card_id=CARD, refund_id=REFUND, gateway=gateway, amount_minor=left, currency=currency
    )
    transit, clearing = f"refund_in_transit:{gateway}", f"gateway_clearing:{gateway}"
    assert changes(intent) == moved(currency, debited={ON_CARD: left}, credited={transit: left})
    assert {entry.refund_id for entry in intent.entries} == {REFUND}
    assert changes(intent, refund_failed(intent.entries)) == {}
    sold = gift_card_sold(card_id=CARD, gateway=gateway, amount_minor=face, currency=currency)
    paid = refund_confirmed(refund_id=REFUND, gateway=gateway, amount_minor=left, currency=currency)
    assert changes(sold, intent, paid) == moved(
        currency, debited={clearing: face - left}, credited={ON_CARD: face - left}
    )


@given(currency=CURRENCIES, gateway=GATEWAYS, taken=MAYBE, borne=MAYBE, back_bps=st.integers(0, 99))
def test_a_bank_takes_the_card_first_and_the_market_bears_the_rest(
    currency: str, gateway: str, taken: int, borne: int, back_bps: int
) -> None:
    lost = gift_card_charged_back(
        card_id=CARD, gateway=gateway, taken_minor=taken, borne_minor=borne, currency=currency
    )
    debited = {ON_CARD: taken, "chargeback_loss": borne}
    credited = {f"dispute_receivable:{gateway}": taken + borne}
    assert changes(lost) == moved(currency, debited=debited, credited=credited)
    # What comes back to the card later has nothing behind it: so much less was lost.
    back = borne * back_bps // 99
    if back:
        made_good = gift_card_loss_made_good(card_id=CARD, amount_minor=back, currency=currency)
        assert changes(made_good) == moved(
            currency, debited={ON_CARD: back}, credited={"chargeback_loss": back}
        )
        debited = {ON_CARD: taken + back, "chargeback_loss": borne - back}
        assert changes(lost, made_good) == moved(currency, debited=debited, credited=credited)


@given(
    currency=CURRENCIES, gateway=GATEWAYS, held=MAYBE, price=AMOUNTS, kept=MAYBE, again=MAYBE,
    good_bps=st.integers(0, 100),
)  # fmt: skip
def test_what_comes_back_of_a_price_is_as_if_the_bank_had_never_taken_it(
    currency: str, gateway: str, held: int, price: int, kept: int, again: int, good_bps: int
) -> None:
    kept, again = kept % price, 1 + again % price

    def left_by(amount: int) -> tuple[int, int]:
        return min(held, amount), amount - min(held, amount)

    taken, borne = left_by(price)
    good = borne * good_bps // 100  # Came back of what was bought, and made the loss good.
    back = gift_card_price_came_back(
        card_id=CARD, gateway=gateway, amount_minor=price - kept, loss_minor=borne - good,
        currency=currency,
    )  # fmt: skip
    on_card = price - kept - min(price - kept, borne - good)
    assert changes(back) == moved(
        currency, debited={f"gateway_clearing:{gateway}": price - kept},
        credited={"chargeback_loss": price - kept - on_card, ON_CARD: on_card},
    )  # fmt: skip
    # What is left on the card, and lost, is what it would be had only this much been taken.
    would_take, would_bear = left_by(kept)
    made_good = min(good, would_bear)
    assert held - taken + on_card == held - would_take + good - made_good
    assert borne - good - (price - kept - on_card) == would_bear - made_good
    once_more = gift_card_price_taken_again(
        card_id=CARD, gateway=gateway, taken_minor=min(on_card, again),
        borne_minor=again - min(on_card, again), currency=currency,
    )  # fmt: skip
    assert changes(once_more) == moved(
        currency,
        debited={ON_CARD: min(on_card, again), "chargeback_loss": again - min(on_card, again)},
        credited={f"gateway_clearing:{gateway}": again},
    )


@given(currency=CURRENCIES, amount=AMOUNTS, is_issued=st.booleans())
def test_what_an_expired_card_is_left_with_is_income_until_it_is_good_again(
    currency: str, amount: int, is_issued: bool
) -> None:
    gone = gift_card_released(
        card_id=CARD, is_issued=is_issued, amount_minor=amount, currency=currency
    )
    good = gift_card_restored(
        card_id=CARD, is_issued=is_issued, amount_minor=amount, currency=currency
    )
    gains = "promotion_cost" if is_issued else "breakage"
    assert changes(gone) == moved(currency, debited={ON_CARD: amount}, credited={gains: amount})
    assert changes(gone, good) == {}
    given_away = gift_card_issued(card_id=CARD, amount_minor=amount, currency=currency)
    if is_issued:
        assert changes(given_away, gone) == {}


@given(currency=CURRENCIES, amount=AMOUNTS, to=st.sampled_from([CREDIT, ON_OTHER]))
def test_what_moves_on_is_owed_once(currency: str, amount: int, to: str) -> None:
    draft = stored_value_moved(card_id=CARD, credited=to, amount_minor=amount, currency=currency)
    assert changes(draft) == moved(currency, debited={ON_CARD: amount}, credited={to: amount})
