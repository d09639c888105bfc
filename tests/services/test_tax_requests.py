"""Sellers who don't say who they are to the tax authorities: asked, reminded, and paid later."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.errors import NotAllowed, NotFound
from gosellr.core.transact import transact
from gosellr.flows import tax_identities
from gosellr.jobs import upkeep
from gosellr.models.tax_identity_values import TaxRequest
from gosellr.resources import Resources
from gosellr.services import (
    cash_terms_service,
    payout_settings_service,
    payout_withdrawal_service,
    tax_identity_service,
    tax_request_service,
)
from gosellr.services.basket_service import Tender
from gosellr.services.payout_settings_service import TaxHoldStays
from gosellr.services.payout_terms import PayoutsHeld
from gosellr.utils.order_states import OrderStatus
from gosellr.utils.permissions import Role
from gosellr.utils.tax_identity import PrimaryAddress, TaxIdentity, TaxpayerKind
from gosellr.utils.tax_requests import TAX_HOLD_REASON
from gosellr.utils.viewer import Viewer
from tests.factories.accounts import make_operator
from tests.factories.letters import mails, open_room, send, text_of, write
from tests.factories.payouts import an_operator, earn, pay, set_account, wrong_with
from tests.factories.sales import NOW, Shop, buy, make_commission, make_shop, ship, step
from tests.factories.transfers import offline

NET = 8_800
IDENTITY = TaxIdentity(
    kind=TaxpayerKind.ENTITY,
    legal_name="Lampo Werke GmbH",
    address=PrimaryAddress(line1="Lindenallee 4", city="Berlin", country="DE"),
    no_tax_number=True,
    no_registration_number=True,
)


@pytest.fixture
async def shop(resources: Resources, connection: Connection) -> Shop:
    await make_commission(connection)
    shop = await make_shop(connection, price_minor=10_000)
    await set_account(resources, shop)
    return shop


def in_mode(resources: Resources, mode: str) -> Resources:
    settings = resources.settings.model_copy(update={"tax_identity_requests": mode})
    return replace(resources, settings=settings)


@pytest.fixture
def strict(resources: Resources) -> Resources:
    return in_mode(resources, "withhold")


async def steps(connection: Connection) -> list[str]:
    rows = await connection.fetch(
        "SELECT data FROM outbox_event WHERE type = 'seller.tax_identity_asked' ORDER BY sequence"
    )
    return [row["data"]["step"] for row in rows]


async def hold_of(connection: Connection, shop: Shop) -> str | None:
    reason: str | None = await connection.fetchval(
        "SELECT hold_reason FROM payout_settings WHERE seller_id = $1", shop.seller.id
    )
    return reason


async def say(resources: Resources, shop: Shop) -> None:
    await transact(
        resources.db,
        tax_identity_service.save,
        viewer=shop.viewer,
        seller_id=shop.seller.id,
        identity_encrypted=tax_identities.sealed(
            resources.vault, IDENTITY, seller_id=shop.seller.id
        ),
        fields=["kind"],
        expected_version=None,
        now=resources.clock.now(),
    )


async def days(market: Resources, clock: ManualClock, count: int, times: int = 1) -> None:
    """So many days go by, and then the job runs, as often as it is said."""
    clock.advance(timedelta(days=count))
    for _ in range(times):
        await upkeep.ask_tax_identities(market)


async def withheld(market: Resources, clock: ManualClock) -> None:
    """A first request, two reminders, and 60 days."""
    await upkeep.ask_tax_identities(market)
    for count in (21, 21, 18):
        await days(market, clock, count)


async def test_who_sold_something_is_asked_reminded_twice_and_paid_nothing_after_60_days(
    strict: Resources, connection: Connection, clock: ManualClock, shop: Shop
) -> None:
    await make_shop(connection)
    await days(strict, clock, 0)
    # Nobody sold anything: nobody will be reported.
    assert await steps(connection) == []
    await earn(strict, shop)
    await days(strict, clock, 0, times=3)
    assert await steps(connection) == ["asked"]
    await days(strict, clock, 20)
    assert await steps(connection) == ["asked"]
    await days(strict, clock, 1, times=2)
    assert await steps(connection) == ["asked", "reminded"]
    await days(strict, clock, 21, times=2)
    assert await steps(connection) == ["asked", "reminded", "reminded_again"]
    await days(strict, clock, 17)
    assert await hold_of(connection, shop) is None
    await days(strict, clock, 1, times=2)
    assert await steps(connection) == ["asked", "reminded", "reminded_again", "withheld"]
    assert await hold_of(connection, shop) == TAX_HOLD_REASON
    with pytest.raises(PayoutsHeld, match="asked three times"):
        await pay(strict, shop)
    await say(strict, shop)
    assert await hold_of(connection, shop) is None
    assert (await pay(strict, shop)).amount_minor == NET
    await days(strict, clock, 100, times=2)
    assert (await steps(connection))[4:] == ["let_go"]
    assert await wrong_with(connection, strict) == []


async def test_a_market_that_stood_still_skips_no_reminder_and_leaves_time_after_the_second(
    strict: Resources, connection: Connection, clock: ManualClock, shop: Shop
) -> None:
    await earn(strict, shop)
    await days(strict, clock, 0)
    await days(strict, clock, 300, times=3)
    assert await steps(connection) == ["asked", "reminded"]
    await days(strict, clock, 200, times=3)
    assert await steps(connection) == ["asked", "reminded", "reminded_again"]
    await days(strict, clock, 13, times=2)
    assert len(await steps(connection)) == 3
    await days(strict, clock, 1)
    assert (await steps(connection))[3:] == ["withheld"]


async def test_who_has_said_it_or_sold_too_long_ago_is_never_asked(
    strict: Resources, connection: Connection, clock: ManualClock, shop: Shop
) -> None:
    other = await make_shop(connection, price_minor=10_000)
    await buy(strict, (shop, 1))
    await buy(strict, (other, 1))
    await say(strict, shop)
    # Two New Years later what was sold has been reported.
    clock.set(datetime(2028, 1, 2, tzinfo=UTC))
    await days(strict, clock, 0)
    assert await steps(connection) == []
    clock.set(datetime(2028, 1, 2, tzinfo=UTC))
    await buy(strict, (other, 1))
    await days(strict, clock, 0)
    rows = await connection.fetch("SELECT seller_id FROM tax_identity_request")
    assert [row["seller_id"] for row in rows] == [other.seller.id]


async def test_cash_at_the_door_counts_though_no_account_moves(
    strict: Resources, connection: Connection, clock: ManualClock
) -> None:
    market = offline(strict)
    free = await make_shop(connection, price_minor=10_000)
    await transact(
        market.db,
        cash_terms_service.change_terms,
        viewer=free.viewer,
        seller_id=free.seller.id,
        limits_minor={"EUR": 50_000},
        now=clock.now(),
    )
    order = await buy(market, (free, 1), tenders=(Tender(method="cash_on_delivery"),))
    await ship(market, order, free)
    await days(market, clock, 0)
    assert await steps(connection) == []
    await step(market, order, OrderStatus.DELIVERED, viewer=free.viewer)
    await days(market, clock, 0)
    assert await steps(connection) == ["asked"]
    accounts = await connection.fetch(
        "SELECT account FROM ledger_entry WHERE account LIKE $1", f"%{free.seller.id}"
    )
    assert accounts == []


async def test_by_default_nothing_is_withheld_and_what_was_goes_on_where_a_market_stops(
    resources: Resources, strict: Resources, connection: Connection, clock: ManualClock, shop: Shop
) -> None:
    assert resources.settings.tax_identity_requests == "remind"
    await earn(resources, shop)
    await withheld(resources, clock)
    await days(resources, clock, 100)
    assert await steps(connection) == ["asked", "reminded", "reminded_again"]
    await days(strict, clock, 0)
    assert await hold_of(connection, shop) == TAX_HOLD_REASON
    await days(resources, clock, 0, times=2)
    assert await hold_of(connection, shop) is None
    assert (await steps(connection))[3:] == ["withheld", "let_go"]
    other = await make_shop(connection, price_minor=10_000)
    await buy(resources, (other, 1))
    await days(in_mode(resources, "off"), clock, 0)
    assert len(await steps(connection)) == 5


async def test_a_person_s_hold_and_this_one_don_t_lift_each_other(
    strict: Resources, connection: Connection, clock: ManualClock, shop: Shop
) -> None:
    operator = (await make_operator(connection, now=NOW)).viewer

    async def hold(reason: str | None) -> None:
        await transact(
            strict.db,
            payout_settings_service.hold,
            viewer=operator,
            seller_id=shop.seller.id,
            reason=reason,
            now=clock.now(),
        )

    await earn(strict, shop)
    await hold("We look into complaints")
    await withheld(strict, clock)
    assert await hold_of(connection, shop) == "We look into complaints"
    await hold(None)
    assert await hold_of(connection, shop) == TAX_HOLD_REASON
    # Nobody pays past it by lifting it.
    with pytest.raises(TaxHoldStays):
        await hold(None)
    assert await hold_of(connection, shop) == TAX_HOLD_REASON
    await hold("We look into complaints")
    await say(strict, shop)
    assert await hold_of(connection, shop) == "We look into complaints"
    await hold(None)
    assert await hold_of(connection, shop) is None


async def test_a_change_of_account_that_was_withdrawn_holds_beside_it(
    strict: Resources, connection: Connection, clock: ManualClock, shop: Shop
) -> None:
    await earn(strict, shop)
    await withheld(strict, clock)
    destination = await set_account(strict, shop)
    await transact(
        strict.db,
        payout_withdrawal_service.withdraw,
        destination_id=destination.id,
        now=clock.now(),
    )
    await say(strict, shop)
    assert "withdrawn" in (await hold_of(connection, shop) or "")


async def test_letters_reach_owner_and_shop_once_and_say_when_payouts_wait(
    strict: Resources, connection: Connection, clock: ManualClock, shop: Shop
) -> None:
    await earn(strict, shop)
    await open_room(strict, connection)
    await upkeep.ask_tax_identities(strict)
    await upkeep.ask_tax_identities(strict)
    letters: list[dict[str, Any]] = await write(strict, connection)
    await write(strict, connection)
    assert {one["kind"] for one in letters} == {"tax_identity_asked"}
    assert len(letters) == len({one["recipient"] for one in letters})
    await send(strict)
    for count in (21, 21, 18):
        await days(strict, clock, count)
        await write(strict, connection)
        await send(strict)
    await say(strict, shop)
    await write(strict, connection)
    await send(strict)
    found = [one for one in mails(strict) if one["To"] == letters[0]["recipient"]]
    assert sorted(one["Subject"] for one in found) == sorted(
        [
            "Please say who you are to the tax authorities",
            "Reminder: please say who you are to the tax authorities",
            "Second reminder: please say who you are to the tax authorities",
            "Payouts wait until you say who you are",
            "Payouts go on",
        ]
    )
    first = next(one for one in found if one["Subject"].startswith("Please"))
    assert f"/seller/{shop.seller.id}/tax-identity" in text_of(first)
    assert "Payouts wait from" in text_of(first)


async def lift(
    market: Resources, shop: Shop, viewer: Viewer, *, reason: str = "We saw the papers"
) -> TaxRequest:
    return await transact(
        market.db,
        tax_request_service.lift,
        viewer=viewer,
        seller_id=shop.seller.id,
        reason=reason,
        now=market.clock.now(),
    )


async def restore(
    market: Resources, shop: Shop, viewer: Viewer, *, withholds: bool = True
) -> TaxRequest:
    return await transact(
        market.db,
        tax_request_service.restore,
        viewer=viewer,
        seller_id=shop.seller.id,
        withholds=withholds,
        now=market.clock.now(),
    )


async def test_an_operator_lets_payouts_of_one_seller_go_on_until_that_is_taken_back(
    strict: Resources, connection: Connection, clock: ManualClock, shop: Shop
) -> None:
    operator = an_operator()
    await earn(strict, shop)
    await withheld(strict, clock)
    lifted = await lift(strict, shop, operator)
    assert (lifted.lifted_by, lifted.lift_reason) == (operator.user_id, "We saw the papers")
    assert (lifted.lifted_at, lifted.withheld_at) == (clock.now(), None)
    # Whoever says so again changes nothing; nor does the clock.
    assert await lift(strict, shop, an_operator(), reason="Me too") == lifted
    await days(strict, clock, 100, times=2)
    assert await hold_of(connection, shop) is None
    assert (await steps(connection))[3:] == ["withheld", "let_go"]
    assert (await pay(strict, shop)).amount_minor == NET
    assert (await restore(strict, shop, operator)).withheld_at == clock.now()
    assert (await restore(strict, shop, operator)).lifted_at is None
    assert await hold_of(connection, shop) == TAX_HOLD_REASON
    assert (await steps(connection))[3:] == ["withheld", "let_go", "withheld"]
    told = await connection.fetch(
        "SELECT type, data FROM outbox_event WHERE type LIKE 'seller.tax_hold%' ORDER BY sequence"
    )
    by = str(operator.user_id)
    assert [(row["type"], row["data"]) for row in told] == [
        ("seller.tax_hold_lifted", {"by": by, "reason": "We saw the papers"}),
        ("seller.tax_hold_restored", {"by": by}),
    ]
    await say(strict, shop)
    assert await hold_of(connection, shop) is None
    with pytest.raises(NotFound):
        await lift(strict, shop, operator)
    assert await wrong_with(connection, strict) == []


async def test_who_is_let_go_before_its_time_is_reminded_and_never_withheld(
    strict: Resources, connection: Connection, clock: ManualClock, shop: Shop
) -> None:
    await earn(strict, shop)
    await days(strict, clock, 0)
    await lift(strict, shop, an_operator())
    for count in (21, 21, 18, 100):
        await days(strict, clock, count)
    assert await steps(connection) == ["asked", "reminded", "reminded_again"]
    untold = await connection.fetchval(
        "SELECT count(*) FROM outbox_event WHERE type = 'seller.tax_identity_asked'"
        " AND data ->> 'withheld_from' IS NULL"
    )
    assert untold == 2
    # Where the market withholds nothing, nothing is withheld by taking it back.
    assert (await restore(strict, shop, an_operator(), withholds=False)).withheld_at is None
    assert await hold_of(connection, shop) is None
    await days(strict, clock, 0)
    assert await hold_of(connection, shop) == TAX_HOLD_REASON


async def test_letting_go_what_waits_for_taxes_lifts_no_hold_of_a_person(
    strict: Resources, connection: Connection, clock: ManualClock, shop: Shop
) -> None:
    operator = an_operator()

    async def hold(reason: str | None) -> None:
        await transact(
            strict.db,
            payout_settings_service.hold,
            viewer=operator,
            seller_id=shop.seller.id,
            reason=reason,
            now=clock.now(),
        )

    await earn(strict, shop)
    await withheld(strict, clock)
    await hold("We look into complaints")
    await lift(strict, shop, operator)
    assert await hold_of(connection, shop) == "We look into complaints"
    assert "let_go" not in await steps(connection)
    await hold(None)
    assert await hold_of(connection, shop) is None


async def test_only_an_operator_without_a_part_in_the_shop_lets_its_payouts_go(
    strict: Resources, connection: Connection, clock: ManualClock, shop: Shop
) -> None:
    await earn(strict, shop)
    with pytest.raises(NotFound):
        await lift(strict, shop, an_operator())
    await withheld(strict, clock)
    both = replace(shop.viewer, roles=frozenset({Role.OPERATOR, Role.SELLER}))
    for viewer in (shop.viewer, both):
        for act in (lift, restore):
            with pytest.raises(NotAllowed):
                await act(strict, shop, viewer)
    assert await hold_of(connection, shop) == TAX_HOLD_REASON
