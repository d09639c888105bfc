"""The books as they were: what was booked by a moment, and nothing that came later."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.transact import ask
from gosellr.resources import Resources
from gosellr.services import explanation_service, ledger_service
from gosellr.services.explanation_service import Explanation
from gosellr.services.statement_service import POTS
from gosellr.utils.ids import order_number
from gosellr.utils.moments import InvalidMoment, end_of
from gosellr.utils.postings import SellerSources
from tests.conftest import START
from tests.factories.accounts import bearer, make_operator, make_seller
from tests.factories.ledger import Sold
from tests.factories.payouts import earn, pay, set_account
from tests.factories.sales import make_commission, make_shop, refund

V1 = "/api/v1"


async def told_at(resources: Resources, subject: object, at: datetime | None) -> Explanation:
    return await ask(
        resources.db, explanation_service.explain, subject=str(subject), limit=100, at=at
    )


def held(told: Explanation) -> dict[tuple[str, str], int]:
    """What a story's entries sum to, by account."""
    sums: dict[tuple[str, str], int] = {}
    for booked in told.transactions:
        for one in booked.entries:
            key = (one.account, one.currency)
            sums[key] = sums.get(key, 0) + one.balance_change_minor
    return sums


async def pots_now(resources: Resources, seller_id: UUID) -> dict[str, int]:
    """What the ledger's own balances say: a debt counts against what is owed."""
    accounts = {of(seller_id): pot for pot, of in POTS.items()}
    now = await ask(resources.db, ledger_service.balances, accounts=list(accounts))
    return {
        accounts[account]: -minor if accounts[account] == "receivable" else minor
        for (account, _), minor in now.items()
    }


def pots_of(told: Explanation) -> dict[str, int]:
    for balance in told.balances:
        assert balance.owed_minor == sum(pot.minor for pot in balance.pots)
        for pot in balance.pots:
            assert pot.minor == sum(part.change_minor for part in pot.parts)
    return {pot.pot: pot.minor for balance in told.balances for pot in balance.pots}


async def test_at_every_step_of_a_life_the_past_is_what_it_was(
    connection: Connection, resources: Resources, clock: ManualClock
) -> None:
    await make_commission(connection)
    shop = await make_shop(connection, price_minor=12_000)
    await set_account(resources, shop)
    seen: list[tuple[datetime, dict[str, int], dict[tuple[str, str], int], list[str]]] = []

    async def look(number: str) -> None:
        now = await told_at(resources, number, None)
        pots = await pots_now(resources, shop.seller.id)
        seen.append((clock.now(), pots, held(now), [one.kind for one in now.transactions]))
        clock.advance(timedelta(seconds=1))

    order = await earn(resources, shop)
    number = order_number(order.number)
    await look(number)
    payout = await pay(resources, shop)
    await look(number)
    await refund(resources, order, shop, units=1)
    await look(number)

    for at, pots, owners, kinds in seen:
        whole = await told_at(resources, shop.seller.id, at)
        assert pots_of(whole) == pots
        assert whole.movements[0].balance_minor == sum(pots.values())
        assert all(one.booked_at <= at for one in whole.movements)
        story = await told_at(resources, number, at)
        assert (held(story), [one.kind for one in story.transactions]) == (owners, kinds)
    paid_by = [
        [one.kind for one in (await told_at(resources, payout.id, at)).transactions]
        for at, *_ in seen
    ]
    assert paid_by == [[], ["payout_intent", "payout_confirmed"], [*paid_by[1]]]
    before = seen[0][0] - timedelta(days=30)
    for subject in (number, shop.seller.id, payout.id, "commission"):
        nothing = await told_at(resources, subject, before)
        assert (nothing.transactions, nothing.movements, nothing.balances) == ((), (), ())
        # What became of it since isn't told.
        assert ": " not in nothing.title


async def test_a_clock_that_was_ahead_moves_no_earlier_balance(connection: Connection) -> None:
    """Written before a sale, yet booked after it: the order of writing isn't the order of time."""
    seller = await make_seller(connection, now=START)
    sold = Sold(seller_id=seller.id)
    late = START + timedelta(minutes=5)
    await ledger_service.book(connection, bookings=[sold.sale()], now=START)
    early_written = sold.refund(uuid4(), SellerSources(pending_minor=5_400))
    await ledger_service.book(connection, bookings=[early_written], now=late)
    other = Sold(seller_id=seller.id)
    await ledger_service.book(connection, bookings=[other.sale()], now=START)
    at = {
        moment: await explanation_service.explain(
            connection, subject=str(seller.id), limit=1, at=moment
        )
        for moment in (START, late)
    }
    # The newest movement alone is shown, and its balance is that of all by then.
    [told] = at[START].movements
    assert (told.change_minor, told.balance_minor) == (10_800, 21_600)
    assert pots_of(at[START]) == {"pending": 21_600}
    assert pots_of(at[late]) == {"pending": 16_200}


async def test_a_sellers_balance_through_the_door(
    client: httpx2.AsyncClient, connection: Connection, resources: Resources
) -> None:
    seller = await make_seller(connection, now=START)
    sold = Sold(seller_id=seller.id)
    await ledger_service.book(connection, bookings=[sold.sale()], now=START)
    day = timedelta(days=1)
    await ledger_service.book(connection, bookings=[sold.release()], now=START + day)
    headers = await bearer(resources, seller.owner)
    url = f"{V1}/sellers/{seller.id}/ledger"
    first = await client.get(url, headers=headers, params={"at": START.isoformat()})

    def money(minor: int) -> dict[str, object]:
        return {"amount": minor, "currency": "EUR"}

    sale = {
        "kind": "sale", "description": "Sale, held until release", "count": 1,
        "amount": money(10_800),
    }  # fmt: skip
    assert first.json() == {
        "as_of": "2026-03-02T09:00:00Z",
        "balances": [
            {
                "currency": "EUR",
                "owed": money(10_800),
                "accounts": [{"account": "pending", "amount": money(10_800), "made_of": [sale]}],
            }
        ],
    }
    later = await client.get(url, headers=headers, params={"at": (START + day).isoformat()})
    [balance] = later.json()["balances"]
    assert [(one["account"], one["amount"]["amount"]) for one in balance["accounts"]] == [
        ("pending", 0), ("available", 10_800),
    ]  # fmt: skip
    assert [one["amount"]["amount"] for one in balance["accounts"][0]["made_of"]] == [
        10_800, -10_800,
    ]  # fmt: skip
    assert (await client.get(f"{url}?at=2026-03-02", headers=headers)).status_code == 422
    stranger = await make_seller(connection, now=START, name="Other")
    refused = await client.get(url, headers=await bearer(resources, stranger.owner))
    assert refused.status_code == 404


async def test_an_orders_and_a_payouts_ledger_as_of_then(
    client: httpx2.AsyncClient, connection: Connection, resources: Resources, clock: ManualClock
) -> None:
    shop = await make_shop(connection, price_minor=5_000)
    await set_account(resources, shop)
    began = clock.now()
    order = await earn(resources, shop)
    payout = await pay(resources, shop)
    headers = await bearer(resources, await make_operator(connection, now=START))
    kinds = {
        (path, at): [
            one["kind"]
            for one in (
                await client.get(f"{V1}{path}/ledger", headers=headers, params={"at": at})
            ).json()["transactions"]
        ]
        for path in (f"/orders/{order.id}", f"/payouts/{payout.id}")
        for at in (began.isoformat(), clock.now().isoformat())
    }
    assert list(kinds.values()) == [
        ["sale"], ["sale", "release"], [], ["payout_intent", "payout_confirmed"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("2026-03-02", datetime(2026, 3, 2, 23, 59, 59, 999_999, tzinfo=UTC)),
        ("2026-03-02 09:00", datetime(2026, 3, 2, 9, 0, 59, 999_999, tzinfo=UTC)),
        ("2026-03-02T09:00:07+01:00", datetime(2026, 3, 2, 8, 0, 7, 999_999, tzinfo=UTC)),
        ("2026-03-02T09:00:07.5Z", datetime(2026, 3, 2, 9, 0, 7, 500_000, tzinfo=UTC)),
    ],
)
def test_all_of_the_day_minute_or_second_that_is_named(text: str, end: datetime) -> None:
    assert end_of(text) == end


@pytest.mark.parametrize("text", ["", "yesterday", "2026-02-30", "1026-03-02", "2026-03-02 9", "9"])
def test_what_names_no_moment(text: str) -> None:
    with pytest.raises(InvalidMoment):
        end_of(text)
