"""What is left on gift cards that ran out: owed no more after the market's time, and owed again."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.errors import InvalidInput, NotAllowed
from gosellr.core.transact import ask, transact
from gosellr.flows import card_releases
from gosellr.models.stored_value_values import GiftCard
from gosellr.queries import ledger
from gosellr.resources import Resources
from gosellr.services import card_release_service, gift_sale_service, stored_value_service
from gosellr.services.card_release_service import GiftCardStopped
from gosellr.services.stored_value_tender import GiftCardRefused
from gosellr.utils.explanations import explain
from tests.factories.disputes import bank_decides, take_back
from tests.factories.gift_sales import buy_card, code_of, offer_cards, purchase_of
from tests.factories.payouts import wrong_with
from tests.factories.sales import balances, buy, make_buyer, make_commission, make_shop, refund
from tests.factories.stored_value import by_card, credit_of, left_on, make_card, operator

DAY = timedelta(days=1)


async def policy(resources: Resources, released_after_days: int | None = 30) -> None:
    """Cards on sale that are good for 10 days, and owed no more so long after."""
    offer = await offer_cards(resources, valid_days=10)
    await transact(
        resources.db,
        gift_sale_service.set_offer,
        viewer=await operator(resources),
        offer=replace(offer, released_after_days=released_after_days),
    )


async def run(resources: Resources) -> int:
    return await card_releases.release_due(db=resources.db, clock=resources.clock)


async def extend(resources: Resources, card_id: UUID, *, days: int | None = 100) -> GiftCard:
    now = resources.clock.now()
    return await transact(
        resources.db,
        card_release_service.extend,
        viewer=await operator(resources),
        card_id=card_id,
        expires_at=None if days is None else now + timedelta(days=days),
        now=now,
    )


async def test_what_was_sold_is_income_once_its_time_is_over(
    resources: Resources, connection: Connection, clock: ManualClock
) -> None:
    await policy(resources)
    await make_commission(connection)
    shop = await make_shop(connection, price_minor=1000)
    bought = await buy_card(resources, 5000)
    code = await code_of(resources, bought)
    await buy(resources, (shop, 1), tenders=(by_card(code),))
    before = await balances(connection)
    clock.advance(40 * DAY - timedelta(seconds=1))
    assert await run(resources) == 0
    assert await balances(connection) == before
    clock.advance(timedelta(seconds=1))
    assert await run(resources) == 1
    assert await run(resources) == 0
    card_id = (await purchase_of(resources, bought)).card_id
    assert card_id is not None
    assert await left_on(resources, card_id) == 0
    assert await balances(connection) == {
        "gateway_clearing": 5000,
        "breakage": -4000,
        "seller_pending": -880,
        "commission": -100,
        "tax_payable": -20,
    }
    [booked] = await ledger.find_of_key(
        connection,
        kinds=["gift_card_released"],
        idempotency_key=str(await connection.fetchval("SELECT id FROM gift_card_release")),
    )
    assert explain(booked.kind, booked.entries) == (
        "The gift card ran out with 40.00 EUR on it, which is owed no more: it is income."
    )
    assert await wrong_with(connection, resources) == []


async def test_what_was_given_away_has_cost_less(
    resources: Resources, connection: Connection, clock: ManualClock
) -> None:
    await policy(resources, 0)
    await make_card(resources, 700, expires_at=clock.now() + DAY)
    await make_card(resources, 800)
    clock.advance(DAY)
    assert await run(resources) == 1
    assert await balances(connection) == {"promotion_cost": 800, "gift_card": -800}
    assert await wrong_with(connection, resources) == []


async def test_without_a_policy_it_stays_owed_for_ever(
    resources: Resources, connection: Connection, clock: ManualClock
) -> None:
    await make_card(resources, 700, expires_at=clock.now() + DAY)
    clock.advance(10_000 * DAY)
    assert await run(resources) == 0
    await policy(resources, None)
    assert await run(resources) == 0
    assert await balances(connection) == {"promotion_cost": 700, "gift_card": -700}


async def test_an_extended_card_is_good_for_all_that_it_was(
    resources: Resources, connection: Connection, clock: ManualClock
) -> None:
    await policy(resources, 30)
    bought = await buy_card(resources, 5000)
    code = await code_of(resources, bought)
    clock.advance(41 * DAY)
    await run(resources)
    await make_commission(connection)
    shop = await make_shop(connection, price_minor=1000)
    with pytest.raises(GiftCardRefused):
        await buy(resources, (shop, 1), tenders=(by_card(code),))
    card_id = (await purchase_of(resources, bought)).card_id
    assert card_id is not None
    card = await extend(resources, card_id)
    assert (card.balance_minor, card.status_at(clock.now())) == (5000, "active")
    assert await balances(connection) == {"gateway_clearing": 5000, "gift_card": -5000}
    order = await buy(resources, (shop, 1), tenders=(by_card(code),))
    assert order.status == "paid"
    assert await wrong_with(connection, resources) == []
    # What is left runs out again, and is released again.
    clock.advance(130 * DAY)
    assert await run(resources) == 1
    assert (await balances(connection))["breakage"] == -4000
    rows = await connection.fetch(
        "SELECT amount_minor, restored_at IS NULL FROM gift_card_release ORDER BY id"
    )
    assert [tuple(row) for row in rows] == [(5000, False), (4000, True)]
    assert await wrong_with(connection, resources) == []


async def booked_of(connection: Connection, kind: str) -> list[tuple[UUID, UUID | None]]:
    """What was booked of this kind, and what each corrects, oldest first."""
    rows = await connection.fetch(
        "SELECT id, corrects_id FROM ledger_transaction WHERE kind = $1 ORDER BY id", kind
    )
    return [(row["id"], row["corrects_id"]) for row in rows]


async def test_each_release_is_restored_once_and_names_what_it_takes_back(
    resources: Resources, connection: Connection, clock: ManualClock
) -> None:
    await policy(resources, 0)
    card_id, _ = await make_card(resources, 700, expires_at=clock.now() + DAY)
    clock.advance(DAY)
    await run(resources)
    await extend(resources, card_id, days=10)
    first = await connection.fetchrow("SELECT * FROM gift_card_release")
    clock.advance(DAY)
    # Extended again, there is nothing more to be restored.
    await extend(resources, card_id, days=10)
    assert await connection.fetchrow("SELECT * FROM gift_card_release") == first
    facts = "SELECT count(*) FROM outbox_event WHERE type = 'gift_card.restored'"
    assert await connection.fetchval(facts) == 1
    assert await left_on(resources, card_id) == 700
    clock.advance(10 * DAY)
    assert await run(resources) == 1
    assert await ask(resources.db, card_release_service.standing) == [("EUR", True, 700)]
    await extend(resources, card_id, days=10)
    assert await ask(resources.db, card_release_service.standing) == []
    assert await left_on(resources, card_id) == 700
    assert first == await connection.fetchrow("SELECT * FROM gift_card_release ORDER BY id LIMIT 1")
    [(first_id, _), (second_id, _)] = await booked_of(connection, "gift_card_released")
    restored = await booked_of(connection, "gift_card_restored")
    assert [corrects_id for _, corrects_id in restored] == [first_id, second_id]
    assert await balances(connection) == {"promotion_cost": 700, "gift_card": -700}
    assert await wrong_with(connection, resources) == []


async def test_a_refund_to_a_card_that_was_restored_stays_on_it(
    resources: Resources, connection: Connection, clock: ManualClock
) -> None:
    await policy(resources, 0)
    await make_commission(connection)
    shop = await make_shop(connection, price_minor=1000)
    buyer = await make_buyer(connection)
    card_id, code = await make_card(resources, 1500, expires_at=clock.now() + DAY)
    order = await buy(resources, (shop, 1), buyer=buyer, tenders=(by_card(code),))
    clock.advance(DAY)
    await run(resources)
    await extend(resources, card_id)
    await refund(resources, order, shop, units=1)
    assert await left_on(resources, card_id) == 1500
    assert await credit_of(resources, buyer) == {}
    assert await wrong_with(connection, resources) == []


async def test_a_card_that_ran_out_is_extended_beyond_today(
    resources: Resources, connection: Connection, clock: ManualClock
) -> None:
    await policy(resources, 0)
    card_id, _ = await make_card(resources, 700, expires_at=clock.now() + DAY)
    clock.advance(10 * DAY)
    await run(resources)
    # Later than it was good for, and over already.
    for days in (-1, 0):
        with pytest.raises(InvalidInput):
            await extend(resources, card_id, days=days)
    assert await left_on(resources, card_id) == 0
    assert await balances(connection) == {}
    card = await extend(resources, card_id, days=1)
    assert (card.balance_minor, card.expires_at) == (700, clock.now() + DAY)


async def test_a_card_is_extended_and_never_cut(
    resources: Resources, connection: Connection, clock: ManualClock
) -> None:
    card_id, _ = await make_card(resources, 700, expires_at=clock.now() + 10 * DAY)
    endless, _ = await make_card(resources, 700)
    for whose, days in ((card_id, 10), (card_id, -1), (endless, 100)):
        with pytest.raises(InvalidInput):
            await extend(resources, whose, days=days)
    with pytest.raises(NotAllowed):
        await transact(
            resources.db,
            card_release_service.extend,
            viewer=(await make_buyer(connection)).viewer,
            card_id=card_id,
            expires_at=None,
            now=clock.now(),
        )
    assert (await extend(resources, card_id, days=None)).expires_at is None
    await transact(
        resources.db,
        stored_value_service.deactivate,
        viewer=await operator(resources),
        card_id=endless,
        now=clock.now(),
    )
    with pytest.raises(GiftCardStopped):
        await extend(resources, endless, days=None)


async def test_a_refund_to_a_card_that_is_released_goes_on(
    resources: Resources, connection: Connection, clock: ManualClock
) -> None:
    await policy(resources, 0)
    await make_commission(connection)
    shop = await make_shop(connection, price_minor=1000)
    buyer = await make_buyer(connection)
    card_id, code = await make_card(resources, 1500, expires_at=clock.now() + DAY)
    order = await buy(resources, (shop, 1), buyer=buyer, tenders=(by_card(code),))
    clock.advance(DAY)
    await run(resources)
    await refund(resources, order, shop, units=1)
    assert await credit_of(resources, buyer) == {"EUR": 1000}
    assert await balances(connection) == {"promotion_cost": 1000, "store_credit": -1000}
    assert await left_on(resources, card_id) == 0
    card = await ask(resources.db, stored_value_service.find, card_id=card_id)
    assert card.status_at(clock.now()) == "expired"
    assert await wrong_with(connection, resources) == []


async def test_the_audit_names_what_is_released_and_can_be_spent(
    resources: Resources, connection: Connection, clock: ManualClock
) -> None:
    await policy(resources, 0)
    card_id, _ = await make_card(resources, 700, expires_at=clock.now() + DAY)
    clock.advance(DAY)
    await run(resources)
    assert await wrong_with(connection, resources) == []
    await connection.execute("UPDATE gift_card SET expires_at = NULL WHERE id = $1", card_id)
    assert [one.number for one in await wrong_with(connection, resources)] == [8]
    await connection.execute(
        "UPDATE gift_card SET expires_at = $2 WHERE id = $1", card_id, clock.now()
    )
    await connection.execute("UPDATE gift_card_release SET amount_minor = 600")
    assert [one.number for one in await wrong_with(connection, resources)] == [8, 19]


async def test_what_a_bank_disputes_is_released_when_that_is_decided(
    resources: Resources, connection: Connection, clock: ManualClock
) -> None:
    await policy(resources, 0)
    bought = await buy_card(resources, 5000)
    reference = await take_back(resources, bought)
    clock.advance(11 * DAY)
    assert await run(resources) == 0
    await bank_decides(resources, bought, reference, won=True)
    assert await run(resources) == 1
    assert await balances(connection) == {"gateway_clearing": 5000, "breakage": -5000}
    assert await wrong_with(connection, resources) == []


async def test_the_database_keeps_releases_whole(
    resources: Resources, connection: Connection, clock: ManualClock
) -> None:
    await policy(resources, 0)
    await make_card(resources, 700, expires_at=clock.now() + DAY)
    clock.advance(DAY)
    assert await run(resources) == 1
    another = (
        "INSERT INTO gift_card_release (id, card_id, amount_minor, currency, is_issued, expired_at,"
        " released_at, restored_at, restored_by) SELECT gen_random_uuid(), card_id, {}, currency,"
        " is_issued, {}, released_at, {}, {} FROM gift_card_release"
    )
    person = (await operator(resources)).user_id
    for values, name in (
        (("1", "expired_at", "NULL", "NULL"), "uq_gift_card_release_standing"),
        (("0", "expired_at", "now()", "NULL"), "amount_positive"),
        (("1", "released_at + interval '1 s'", "now()", "NULL"), "expired_before"),
        (("1", "expired_at", "NULL", f"'{person}'::uuid"), "restored_by_somebody"),
    ):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError, match=name):
            async with connection.transaction():
                await connection.execute(another.format(*values))
    with pytest.raises(asyncpg.CheckViolationError, match="released_after_days"):
        await policy(resources, -1)
