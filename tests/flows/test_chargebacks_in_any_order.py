"""Chargebacks of one payment, told, decided and turned round in any order, with refunds between:
the books and the papers stay whole, nobody ever has more back than was given, and all ends with
what it had been."""

from random import Random
from typing import Any

import pytest

from gosellr.core.db import Connection
from gosellr.core.errors import DomainError
from gosellr.flows import documents as flow
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.services.audit_service import audit
from tests.factories.accounts import User
from tests.factories.disputes import OPERATOR, delivered, told_as
from tests.factories.sales import (
    Shop,
    balances,
    make_buyer,
    make_commission,
    make_shop,
    read,
    refund,
)
from tests.factories.terms import make_coupon, make_tax


@pytest.fixture
async def buyer(connection: Connection) -> User:
    await make_commission(connection)
    return await make_buyer(connection)


@pytest.fixture
async def shops(connection: Connection, buyer: User) -> list[Shop]:
    await make_tax(connection, rate_bps=2000)
    return [await make_shop(connection, price_minor=minor) for minor in (7_001, 4_999)]


class Bank:
    """What banks have of a payment, by the names of their chargebacks."""

    def __init__(
        self,
        resources: Resources,
        order: Order,
        chance: Random,
        names: tuple[str, ...],
        amounts: dict[str, int] | None = None,
    ) -> None:
        self.resources, self.order, self.chance, self.names = resources, order, chance, names
        total = order.total_minor
        self.amounts = amounts or {
            name: chance.choice((total, chance.randint(1, total))) for name in names
        }
        self.stands: dict[str, str] = {}
        self.taken = dict.fromkeys(names, 0)

    async def tell(self, name: str, status: str, kept_minor: int = 0) -> None:
        amount = self.amounts[name]
        before = self.stands.get(name)
        was_lost = before == "lost"
        if status == "open" and before not in (None, "open"):
            return
        if not was_lost:
            kept_minor = 0
        self.taken[name] = kept_minor if status == "won" else amount
        await told_as(
            self.resources, self.order, name, status, amount_minor=amount, kept_minor=kept_minor
        )
        # Once lost, what comes back of it is told of that.
        self.stands[name] = "lost" if was_lost else status

    async def anything(self) -> str:
        name = self.chance.choice(self.names)
        status = self.chance.choice(("open", "lost", "lost", "won", "won"))
        kept = self.chance.choice((0, 0, self.chance.randint(0, self.amounts[name])))
        await self.tell(name, status, kept)
        return f"{name} {status} of {self.amounts[name]} kept {kept}"


async def papers_follow(resources: Resources, order: Order) -> None:
    await flow.issue_invoices(resources.documents, order_ids=[order.id])
    for given in (await read(resources, order)).refunds:
        await flow.issue_credit_note(resources.documents, refund_id=given.id)
    await flow.issue_paid_again(resources.documents, order_id=order.id)


async def give(resources: Resources, order: Order, shops: list[Shop], chance: Random) -> int:
    """A refund, where there is anything left that can be; gives how much."""
    try:
        given = await refund(
            resources, order, chance.choice(shops), viewer=OPERATOR,
            amount_minor=chance.randint(1, 4_000), by_marketplace=chance.random() < 0.3,
        )  # fmt: skip
    except DomainError:
        return 0
    return given.amount_minor


async def is_whole(
    resources: Resources, connection: Connection, bank: Bank, given_minor: int, story: list[str]
) -> dict[str, int]:
    kept = await balances(connection)
    taken = sum(bank.taken.values())
    assert kept.get("gateway_clearing", 0) == bank.order.total_minor - given_minor - taken, (
        "; ".join(story)
    )
    assert "suspense" not in kept, "; ".join(story)
    open_minor = sum(bank.taken[name] for name, status in bank.stands.items() if status == "open")
    assert kept.get("dispute_receivable", 0) == open_minor, "; ".join(story)
    if not open_minor:
        assert "seller_reserve" not in kept, "; ".join(story)
    assert await audit(connection, now=resources.clock.now(), gateway_journals={}) == [], "; ".join(
        story
    )
    for whose, given, still_out in await of_banks(connection):
        about = (whose, given, still_out, "; ".join(story))
        if whose[0] == "chargeback_loss":
            # What came back and is gone once more may be the market's beyond what it bore first.
            assert still_out >= 0, about
        else:
            assert min(0, given) <= still_out <= max(0, given), about
    return kept


async def play(
    resources: Resources,
    connection: Connection,
    order: Order,
    shops: list[Shop],
    bank: Bank,
    *,
    refunds: bool,
) -> dict[str, int]:
    """Anything, and then banks give all of it back; gives the balances after that."""
    chance, given_minor = bank.chance, 0
    story: list[str] = []
    for _ in range(9):
        if refunds and chance.random() < 0.25:
            minor = await give(resources, order, shops, chance)
            given_minor += minor
            story.append(f"refund {minor}")
        else:
            story.append(await bank.anything())
        await papers_follow(resources, order)
        await is_whole(resources, connection, bank, given_minor, story)
    for name in chance.sample(sorted(bank.stands), len(bank.stands)):
        await bank.tell(name, "won")
        story.append(f"{name} won")
        await papers_follow(resources, order)
    return await is_whole(resources, connection, bank, given_minor, story)


async def bought(
    resources: Resources, connection: Connection, shops: list[Shop], buyer: User, chance: Random
) -> Order:
    """Some units of each shop, with or without a discount of the market."""
    more: dict[str, Any] = {}
    value_bps = chance.choice((0, 1_500, 9_700))
    if value_bps:
        more["coupons"] = (await make_coupon(connection, code="MARKET", value_bps=value_bps),)
    items = [(shop, chance.randint(1, 2)) for shop in shops]
    return await delivered(resources, *items, buyer=buyer, **more)


# A seller's accounts are one here, since debts are paid and money is paid out.
_WHOSE = """
SELECT CASE WHEN entry.account LIKE 'seller\\_%' THEN 'seller' ELSE entry.account END AS account,
       entry.seller_order_id, entry.order_line_id,
       COALESCE(sum(CASE direction WHEN 'debit' THEN amount_minor ELSE -amount_minor END)
                FILTER (WHERE head.kind = 'chargeback_lost'), 0)::bigint AS given,
       COALESCE(sum(CASE direction WHEN 'debit' THEN amount_minor ELSE -amount_minor END)
                FILTER (WHERE head.kind = ANY ($1)), 0)::bigint AS still_out,
       sum(CASE direction WHEN 'debit' THEN amount_minor ELSE -amount_minor END)::bigint AS net
FROM ledger_entry AS entry JOIN ledger_transaction AS head ON head.id = entry.transaction_id
WHERE split_part(entry.account, ':', 1) NOT IN ('gateway_clearing', 'dispute_receivable')
GROUP BY 1, 2, 3
"""
_BANKS = ["chargeback_lost", "chargeback_reinstated", "chargeback_lost_again"]


async def of_banks(connection: Connection) -> list[tuple[tuple[Any, ...], int, int]]:
    """Account, part and line, what was given there when chargebacks were lost, and what of that
    is still with banks; what lowers a cost is below zero."""
    return [
        (tuple(row[:3]), row["given"], row["still_out"])
        for row in await connection.fetch(_WHOSE, _BANKS)
    ]


async def stands(connection: Connection) -> dict[tuple[Any, ...], int]:
    """What stands at each account, part and line."""
    rows = await connection.fetch(_WHOSE, _BANKS)
    return {tuple(row[:3]): row["net"] for row in rows if row["net"]}


@pytest.mark.parametrize("seed", [0, 1, 4, 10, 18, 34])
async def test_two_banks_that_give_all_back_leave_everybody_what_it_had(
    resources: Resources, connection: Connection, shops: list[Shop], buyer: User, seed: int
) -> None:
    chance = Random(seed)
    order = await bought(resources, connection, shops, buyer, chance)
    sold = await stands(connection)
    bank = Bank(resources, order, chance, ("sdp_one", "sdp_two"))
    await play(resources, connection, order, shops, bank, refunds=False)
    assert await stands(connection) == sold


async def test_three_banks_that_take_more_than_the_payment_leave_everybody_what_it_had(
    resources: Resources, connection: Connection, shops: list[Shop], buyer: User
) -> None:
    coupon = await make_coupon(connection, code="MARKET", value_bps=9_700)
    order = await delivered(
        resources, *((shop, 1) for shop in shops), buyer=buyer, coupons=(coupon,)
    )
    sold = await stands(connection)
    assert order.total_minor == 360
    amounts = {"one": 360, "two": 66, "three": 360}
    bank = Bank(resources, order, Random(0), tuple(amounts), amounts)
    story: list[str] = []
    for name, status, kept_minor in (
        ("three", "won", 0), ("two", "lost", 0), ("one", "lost", 0), ("one", "won", 0),
        ("three", "lost", 0), ("one", "won", 22), ("one", "won", 307), ("two", "won", 0),
        ("three", "won", 0), ("one", "won", 0),
    ):  # fmt: skip
        await bank.tell(name, status, kept_minor)
        story.append(f"{name} {status} kept {kept_minor}")
        await papers_follow(resources, order)
        await is_whole(resources, connection, bank, 0, story)
    assert await stands(connection) == sold


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_banks_and_refunds_do_the_books_are_whole(
    resources: Resources, connection: Connection, shops: list[Shop], buyer: User, seed: int
) -> None:
    chance = Random(1_000 + seed)
    order = await bought(resources, connection, shops, buyer, chance)
    bank = Bank(resources, order, chance, ("sdp_one", "sdp_two", "sdp_three"))
    await play(resources, connection, order, shops, bank, refunds=True)
    assert not any(still_out for _, _, still_out in await of_banks(connection))
