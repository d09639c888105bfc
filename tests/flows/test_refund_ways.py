"""A refund that goes back another way than the last to pay first: as it was said, to the cent."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.errors import InvalidInput, NotAllowed
from gosellr.core.transact import ask
from gosellr.integrations.payments.sandbox import SandboxGateway
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.services import refund_questions
from gosellr.services.refund_books import provider_fee_minor
from gosellr.services.refund_plan import RefundRequest
from gosellr.services.refund_ways import NamedPayment, Override, UnderChargeback
from gosellr.utils.viewer import Viewer
from tests.factories.accounts import User
from tests.factories.disputes import bank_decides, hear, take_back
from tests.factories.payouts import wrong_with
from tests.factories.sales import (
    Shop,
    balances,
    buy,
    make_buyer,
    make_commission,
    make_shop,
    part_of,
    read,
    refund,
    seller_owes,
    ship,
)
from tests.factories.stored_value import (
    by_bank,
    by_card,
    by_credit,
    credit_of,
    grant_credit,
    left_on,
    make_card,
    operator,
)


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    """10.00 a piece, 10 % commission and its VAT."""
    await make_commission(connection)
    return await make_shop(connection, price_minor=1000)


@pytest.fixture
async def buyer(connection: Connection) -> User:
    return await make_buyer(connection)


@pytest.fixture
async def desk(resources: Resources) -> Viewer:
    return await operator(resources)


def by(*payments: tuple[UUID, int | None]) -> Override:
    """Through these payments, and no other."""
    return Override(
        named=tuple(NamedPayment(payment_id=one, amount_minor=of) for one, of in payments)
    )


async def refunded(resources: Resources, order: Order) -> list[int]:
    """By payment, in order of payment."""
    return [one.refunded_minor for one in (await read(resources, order)).payments]


async def test_what_is_named_takes_it_and_the_books_follow(
    resources: Resources, connection: Connection, shop: Shop, buyer: User, desk: Viewer
) -> None:
    card_id, code = await make_card(resources, 2000)
    await grant_credit(resources, buyer, 1000)
    order = await buy(
        resources, (shop, 5), buyer=buyer, tenders=(by_card(code), by_credit(), by_bank())
    )
    await ship(resources, order, shop)
    card, credit, bank = (one.id for one in order.payments)
    before = await balances(connection)
    given_back = await refund(
        resources, order, shop, units=2, viewer=desk,
        override=by((bank, 300), (card, 1200), (credit, 500)),
    )  # fmt: skip
    assert (given_back.status, given_back.amount_minor) == ("succeeded", 2000)
    assert await refunded(resources, order) == [1200, 500, 300]
    assert (await left_on(resources, card_id), await credit_of(resources, buyer)) == (
        1200,
        {"EUR": 500},
    )
    after = await balances(connection)
    assert {key: after.get(key, 0) - before.get(key, 0) for key in after | before} == {
        **dict.fromkeys(after | before, 0),
        "gateway_clearing": -300, "gift_card": -1200, "store_credit": -500,
        "commission": 200, "tax_payable": 40, "seller_pending": 1760,
    }  # fmt: skip
    # In turn: the card has 800 left.
    await refund(
        resources, order, shop, units=1, viewer=desk, override=by((card, None), (bank, None))
    )
    assert await refunded(resources, order) == [2000, 500, 500]
    await refund(resources, order, shop, units=2)
    assert await refunded(resources, order) == [2000, 1000, 2000]
    assert (await read(resources, order)).payment_status == "refunded"
    assert await seller_owes(connection, shop) == {}
    assert await wrong_with(connection, resources) == []


async def test_a_shop_turns_the_order_round_and_names_no_payment(
    resources: Resources, connection: Connection, shop: Shop, buyer: User
) -> None:
    card_id, code = await make_card(resources, 1500)
    order = await buy(resources, (shop, 3), buyer=buyer, tenders=(by_card(code), by_bank()))
    await ship(resources, order, shop)
    with pytest.raises(NotAllowed):
        await refund(resources, order, shop, units=1, override=by((order.payments[0].id, None)))
    assert await refunded(resources, order) == [0, 0]
    await refund(resources, order, shop, units=2, override=Override(first_paid_first=True))
    assert await refunded(resources, order) == [1500, 500]
    assert await left_on(resources, card_id) == 1500
    assert await wrong_with(connection, resources) == []


async def test_what_is_left_of_a_payment_caps_it(
    resources: Resources, connection: Connection, shop: Shop, buyer: User, desk: Viewer
) -> None:
    _, code = await make_card(resources, 1500)
    order = await buy(resources, (shop, 3), buyer=buyer, tenders=(by_card(code), by_bank()))
    card, bank = (one.id for one in order.payments)
    await refund(resources, order, shop, units=1, viewer=desk, override=by((card, None)))
    before, owed = await balances(connection), await refunded(resources, order)
    assert owed == [1000, 0]

    async def wrong(override: Override, units: int = 1) -> tuple[str, str, dict[str, Any]]:
        with pytest.raises(InvalidInput) as refused:
            await refund(resources, order, shop, units=units, viewer=desk, override=override)
        [one] = refused.value.errors
        return one.field, one.code, refused.value.extras

    def eur(minor: int) -> dict[str, Any]:
        return {"amount": minor, "currency": "EUR"}

    assert await wrong(by((bank, 400), (card, 600))) == (
        "ways.1.amount", "exceeds_left", {"left": eur(500)},
    )  # fmt: skip
    assert await wrong(by((card, None))) == (
        "ways", "amounts_dont_sum", {"refund": eur(1000), "named": eur(500)},
    )  # fmt: skip
    assert await wrong(by((bank, 999))) == (
        "ways", "amounts_dont_sum", {"refund": eur(1000), "named": eur(999)},
    )  # fmt: skip
    assert await wrong(by((bank, 500), (bank, 500))) == ("ways", "invalid_ways", {})
    assert await wrong(by((bank, 0), (card, None))) == ("ways", "invalid_ways", {})
    assert await wrong(by((buyer.id, 1000))) == ("ways.0.payment_id", "no_such_payment", {})
    other = Override(named=(NamedPayment(payment_id=bank, amount_minor=1000, currency="USD"),))
    assert await wrong(other) == ("ways.0.amount.currency", "other_currency", {})
    assert (await balances(connection), await refunded(resources, order)) == (before, owed)


async def test_a_named_bank_that_refuses_gives_back_what_it_was_promised(
    resources: Resources, connection: Connection, shop: Shop, buyer: User, desk: Viewer
) -> None:
    _, code = await make_card(resources, 1500)
    order = await buy(
        resources, (shop, 3), buyer=buyer, tenders=(by_card(code), by_bank("tok_refund_declined"))
    )
    card, bank = (one.id for one in order.payments)
    failed = await refund(resources, order, shop, units=1, viewer=desk, override=by((bank, None)))
    assert (failed.status, await refunded(resources, order)) == ("failed", [0, 0])
    made = await refund(resources, order, shop, units=1, viewer=desk, override=by((card, None)))
    assert (made.status, await refunded(resources, order)) == ("succeeded", [1000, 0])
    assert await wrong_with(connection, resources) == []


async def test_what_a_bank_took_back_goes_back_through_no_name(
    resources: Resources, connection: Connection, shop: Shop, buyer: User, desk: Viewer
) -> None:
    _, code = await make_card(resources, 1500)
    order = await buy(resources, (shop, 3), buyer=buyer, tenders=(by_card(code), by_bank()))
    await ship(resources, order, shop)
    card, bank = (one.id for one in order.payments)
    reference = await take_back(resources, order, payment=1)
    asked = RefundRequest(
        seller_order_id=part_of(order, shop).id,
        reason="broken",
        amount_minor=100,
        override=by((bank, 100)),
    )
    with pytest.raises(UnderChargeback):
        await ask(
            resources.db, refund_questions.preview, viewer=desk, order_id=order.id, request=asked,
            policy=resources.policy,
        )  # fmt: skip
    with pytest.raises(UnderChargeback):
        await refund(
            resources, order, shop, amount_minor=100, viewer=desk, override=by((bank, 100))
        )
    assert await refunded(resources, order) == [0, 0]
    await bank_decides(resources, order, reference, won=False, heard=False)
    await hear(resources, order, payment=1)
    with pytest.raises(UnderChargeback):
        await refund(
            resources, order, shop, amount_minor=100, viewer=desk, override=by((bank, 100))
        )
    # Nor where no amount is said, and what else is named is too little.
    for named in (by((bank, None)), by((card, 50), (bank, None))):
        with pytest.raises(UnderChargeback):
            await refund(resources, order, shop, amount_minor=100, viewer=desk, override=named)
    with pytest.raises(InvalidInput):
        await refund(resources, order, shop, amount_minor=100, viewer=desk, override=by((card, 50)))
    await refund(resources, order, shop, amount_minor=100, viewer=desk, override=by((card, 100)))
    assert await wrong_with(connection, resources) == []


async def test_a_named_bank_can_give_credit_in_its_place(
    resources: Resources, connection: Connection, shop: Shop, buyer: User, desk: Viewer
) -> None:
    _, code = await make_card(resources, 1500)
    order = await buy(resources, (shop, 3), buyer=buyer, tenders=(by_card(code), by_bank()))
    card, bank = (one.id for one in order.payments)
    await refund(
        resources, order, shop, units=1, viewer=desk, to_store_credit=True,
        override=by((card, 600), (bank, None)),
    )  # fmt: skip
    assert await refunded(resources, order) == [600, 400]
    assert await credit_of(resources, buyer) == {"EUR": 400}
    assert await wrong_with(connection, resources) == []


async def test_the_fee_that_its_seller_bears_follows_the_payments_that_take_it(
    resources: Resources,
    connection: Connection,
    clock: ManualClock,
    shop: Shop,
    buyer: User,
    desk: Viewer,
) -> None:
    gateway = SandboxGateway(
        resources.settings.home, production=False, fee_bps=290, fee_fixed_minor=25, clock=clock
    )
    market = replace(
        resources,
        gateways={**resources.gateways, "sandbox": gateway},
        settings=resources.settings.model_copy(update={"refund_fee_borne_by": "seller"}),
    )
    _, code = await make_card(market, 1500)
    order = await buy(market, (shop, 3), buyer=buyer, tenders=(by_card(code), by_bank()))
    card, bank = order.payments
    assert (bank.captured_minor, bank.fee_minor) == (1500, 69)

    async def fee_of(*ways: tuple[UUID, int | None]) -> int:
        given = await refund(market, order, shop, units=1, viewer=desk, override=by(*ways))
        return provider_fee_minor(given.effects)

    assert await fee_of((card.id, None)) == 0
    # Half of what the bank took, and half of its fee; then the rest of both.
    assert await fee_of((bank.id, 750), (card.id, None)) == 35
    assert await fee_of((bank.id, 750), (card.id, None)) == 34
    assert await wrong_with(connection, market) == []


@settings(
    max_examples=15,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(currency=st.sampled_from(["JPY", "USD", "KWD"]), data=st.data())
async def test_any_way_back_ends_at_zero(
    resources: Resources, connection: Connection, currency: str, data: st.DataObject
) -> None:
    """Refunded by any named ways, each payment gets its whole and the books are as before."""
    attempt = connection.transaction()
    await attempt.start()
    try:
        await make_commission(
            connection,
            rate_bps=data.draw(st.integers(0, 3000)),
            vat_bps=data.draw(st.integers(0, 2700)),
        )
        await _buy_and_give_back(resources, connection, currency=currency, data=data)
    finally:
        await attempt.rollback()


async def _buy_and_give_back(
    resources: Resources, connection: Connection, *, currency: str, data: st.DataObject
) -> None:
    desk = await operator(resources)
    buyer = await make_buyer(connection)
    shop = await make_shop(
        connection, price_minor=data.draw(st.integers(3, 3000)), currency=currency
    )
    values = data.draw(st.lists(st.integers(1, 3000), min_size=1, max_size=2))
    cards = [await make_card(resources, value, currency=currency) for value in values]
    before = await balances(connection)
    order = await buy(
        resources,
        (shop, data.draw(st.integers(1, 4))),
        buyer=buyer,
        currency=currency,
        tenders=(*(by_card(code) for _, code in cards), by_bank()),
    )
    await ship(resources, order, shop)
    ids = [one.id for one in order.payments]
    left = [one.captured_minor for one in order.payments]
    while sum(left):
        amount_minor = data.draw(st.integers((sum(left) + 2) // 3, sum(left)))
        given_back = _some_way(amount_minor, left, data)
        named = [(ids[index], of) for index, of in given_back.items() if of]
        await refund(
            resources, order, shop, amount_minor=amount_minor, viewer=desk, override=by(*named)
        )
        left = [one - given_back.get(index, 0) for index, one in enumerate(left)]
        paid = [one.captured_minor for one in order.payments]
        assert await refunded(resources, order) == [
            whole - rest for whole, rest in zip(paid, left, strict=True)
        ]
    assert await balances(connection) == before
    for (card_id, _), value in zip(cards, values, strict=True):
        assert await left_on(resources, card_id) == value
    after = await read(resources, order)
    assert (part_of(after, shop).pending_minor, after.payment_status) == (0, "refunded")


def _some_way(amount_minor: int, left: list[int], data: st.DataObject) -> dict[int, int]:
    """How much of an amount each payment takes, in any order of them."""
    taken: dict[int, int] = {}
    order = data.draw(st.permutations(range(len(left))))
    for place, index in enumerate(order):
        open_minor = amount_minor - sum(taken.values())
        later = sum(left[one] for one in order[place + 1 :])
        taken[index] = data.draw(
            st.integers(max(0, open_minor - later), min(left[index], open_minor))
        )
    return taken
