"""What sellers owe: told by its age, paid back by plan, given up by two; and entries by hand."""

from datetime import timedelta
from random import Random
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.errors import InvalidInput, NotAllowed, NotFound
from gosellr.core.transact import ask, transact
from gosellr.flows import refunds
from gosellr.models.balance_values import SellerDebt
from gosellr.resources import Resources
from gosellr.services import (
    adjustment_service,
    explanation_service,
    history_service,
    period_figures,
    recovery_service,
)
from gosellr.services.adjustment_entries import MoreThanOwed
from gosellr.services.adjustment_service import AdjustmentNotOpen
from gosellr.services.basket_service import Tender
from gosellr.services.history_service import JournalFilter
from gosellr.services.ledger_service import InsufficientBalance
from gosellr.services.recovery_service import NothingOwed
from gosellr.utils.explanations import explain
from gosellr.utils.permissions import MemberRole, Role
from gosellr.utils.viewer import Viewer
from tests.factories.balances import agree, approve, prepare, write_off
from tests.factories.payouts import an_operator, earn, pay, set_account, wrong_with
from tests.factories.sales import (
    Shop,
    balances,
    make_commission,
    make_shop,
    refund,
    seller_owes,
)
from tests.factories.terms import make_tax

DAY = timedelta(days=1)
NET = 10_800


@pytest.fixture
async def shop(connection: Connection, resources: Resources) -> Shop:
    """Each piece that it sells brings it `NET`; it is paid to an account."""
    await make_tax(connection, rate_bps=2000)
    await make_commission(connection)
    shop = await make_shop(connection, price_minor=12_000)
    await set_account(resources, shop)
    return shop


async def owe(resources: Resources, shop: Shop, units: int = 1) -> None:
    """Be paid, and then give everything back."""
    order = await earn(resources, shop, units)
    await pay(resources, shop)
    await refund(resources, order, shop, units=units)


async def report(resources: Resources, **more: Any) -> list[SellerDebt]:
    page = await ask(
        resources.db, recovery_service.ageing_report, now=resources.clock.now(),
        **{"seller_id": None, "cursor": None, "limit": 100, **more},
    )  # fmt: skip
    return page.items


async def test_debts_are_told_by_the_age_of_what_made_them(
    connection: Connection, resources: Resources, clock: ManualClock, shop: Shop
) -> None:
    """The oldest is paid first: held against the same reckoned booking by booking."""
    chance = Random(6)
    start, made, credited = clock.now(), [], 0
    for _ in range(14):
        minor = chance.randrange(1, 900)
        owed = sum(one for one, _ in made) - credited
        if chance.random() < 0.35 and owed > 2:
            minor = min(minor, owed - 1)
            entries = ("seller_receivable", "credit"), ("bad_debt", "debit")
            credited += minor
        else:
            entries = ("seller_receivable", "debit"), ("fee_income", "credit")
            made.append((minor, clock.now()))
        found = await prepare(resources, *(
            (f"{account}:{shop.seller.id}" if account[0] == "s" else account, side, minor)
            for account, side in entries
        ))  # fmt: skip
        await approve(resources, found.id)
        clock.advance(chance.randrange(1, 14) * DAY + timedelta(minutes=1))
    left = {"days_0_30": 0, "days_31_60": 0, "days_61_90": 0, "days_over_90": 0}
    paid, oldest = credited, None
    for minor, moment in made:
        open_minor = minor - min(paid, minor)
        paid -= minor - open_minor
        days = (clock.now() - moment).days
        left[[*left][(days > 30) + (days > 60) + (days > 90)]] += open_minor
        oldest = oldest or (moment if open_minor else None)
    [debt] = await report(resources)
    assert {name: getattr(debt.ageing, name) for name in left} == left
    assert min(left.values()) > 0
    assert (debt.seller_id, debt.currency) == (shop.seller.id, "EUR")
    assert (debt.oldest_at, debt.plan_kind) == (oldest, None)
    assert await seller_owes(connection, shop) == {"receivable": debt.ageing.total_minor}
    assert clock.now() > start
    assert await report(resources, seller_id=uuid4()) == []
    assert await wrong_with(connection, resources) == []


async def test_a_plan_goes_easier_on_a_seller_until_nothing_is_owed(
    connection: Connection, resources: Resources, clock: ManualClock, shop: Shop
) -> None:
    with pytest.raises(NothingOwed):
        await agree(resources, shop, share_bps=3000)
    await owe(resources, shop, 2)
    assert await seller_owes(connection, shop) == {"receivable": 2 * NET}
    with pytest.raises(InvalidInput):
        await agree(resources, shop, share_bps=3000, starts_at=clock.now() - DAY)
    await agree(resources, shop, share_bps=3000)
    await earn(resources, shop)
    # Thirty percent of 108.00; the payout keeps nothing back a second time.
    assert await seller_owes(connection, shop) == {"receivable": 18_360, "available": 7560}
    assert (await pay(resources, shop)).amount_minor == 7560
    [debt] = await report(resources)
    assert debt.plan_kind == "share"

    await agree(resources, shop, instalment_minor=5000, every_days=30)
    await earn(resources, shop)
    assert await seller_owes(connection, shop) == {"receivable": 13_360, "available": 5800}
    assert (await pay(resources, shop)).amount_minor == 5800
    clock.advance(24 * DAY)
    # The second instalment began meanwhile.
    await earn(resources, shop)
    assert await seller_owes(connection, shop) == {"receivable": 8360, "available": 5800}
    rows = await connection.fetch(
        "SELECT kind, recovered_minor, end_reason FROM recovery_plan ORDER BY created_at, id"
    )
    assert [tuple(row) for row in rows] == [
        ("share", 3240, "replaced"), ("instalments", 10_000, None),
    ]  # fmt: skip
    await transact(
        resources.db, recovery_service.end_plan, viewer=an_operator(), seller_id=shop.seller.id,
        currency="EUR", now=clock.now(),
    )  # fmt: skip
    await agree(resources, shop, share_bps=10_000)
    await earn(resources, shop)
    assert await seller_owes(connection, shop) == {"available": 5800 + NET - 8360}
    assert await connection.fetchval(
        "SELECT end_reason FROM recovery_plan WHERE share_bps = 10000"
    ) == "settled"  # fmt: skip
    with pytest.raises(NotFound):
        await transact(
            resources.db, recovery_service.end_plan, viewer=an_operator(),
            seller_id=shop.seller.id, currency="EUR", now=clock.now(),
        )  # fmt: skip
    assert await wrong_with(connection, resources) == []


async def test_a_plan_ends_with_its_debt_however_that_ends(
    connection: Connection, resources: Resources, clock: ManualClock, shop: Shop
) -> None:
    """The refund that made it fails. What is owed next was never agreed upon."""
    paid = await earn(resources, shop, 2)
    failing = (Tender(method="sandbox", token="tok_refund_timeout_then_declined"),)
    order = await earn(resources, shop, tenders=failing)
    await pay(resources, shop)
    await refund(resources, order, shop, units=1)
    await agree(resources, shop, instalment_minor=5_000, every_days=30)
    clock.advance(100 * DAY)
    plans = {"viewer": an_operator(), "seller_id": shop.seller.id}
    [plan] = await ask(resources.db, recovery_service.plans_of, **plans)
    # Never more is due than is owed.
    assert plan.due_minor(now=clock.now()) == plan.owed_minor == 10_800
    await refunds.resume_refunds(resources.refunds)
    assert await seller_owes(connection, shop) == {}
    assert await ask(resources.db, recovery_service.plans_of, **plans) == []
    await refund(resources, paid, shop, units=2)
    await earn(resources, shop)
    assert await seller_owes(connection, shop) == {"receivable": 10_800}
    assert await wrong_with(connection, resources) == []


async def test_a_debt_is_written_off_by_two_and_never_more_than_is_owed(
    connection: Connection, resources: Resources, clock: ManualClock, shop: Shop
) -> None:
    await owe(resources, shop)
    await agree(resources, shop, share_bps=100)
    with pytest.raises(MoreThanOwed) as refusal:
        await write_off(resources, shop, NET + 1)
    assert refusal.value.extras == {"owed": {"amount": NET, "currency": "EUR"}}
    first, second = an_operator(), an_operator()
    whole = await write_off(resources, shop, NET, viewer=first)
    part = await write_off(resources, shop, 800, viewer=first)
    assert (whole.kind, whole.status) == ("write_off", "prepared")
    for wrong in (first, shop.viewer, Viewer(user_id=uuid4(), roles=frozenset({Role.SUPPORT}))):
        with pytest.raises(NotAllowed):
            await approve(resources, part.id, viewer=wrong)
    assert await seller_owes(connection, shop) == {"receivable": NET}
    for _ in range(2):
        approved = await approve(resources, part.id, viewer=second)
        assert (approved.status, approved.decided_by) == ("approved", second.user_id)
    assert await seller_owes(connection, shop) == {"receivable": NET - 800}
    assert (await balances(connection))["bad_debt"] == 800
    with pytest.raises(MoreThanOwed):
        await approve(resources, whole.id, viewer=second)
    rest = await write_off(resources, shop, NET - 800, viewer=second)
    await approve(resources, rest.id, viewer=first)
    assert await seller_owes(connection, shop) == {}
    assert await connection.fetchval("SELECT end_reason FROM recovery_plan") == "settled"
    with pytest.raises(asyncpg.CheckViolationError, match="decided_by_another"):
        async with connection.transaction():
            await connection.execute(
                "UPDATE adjustment SET decided_by = prepared_by WHERE id = $1", rest.id
            )
    assert await wrong_with(connection, resources) == []


async def test_an_adjustment_is_booked_by_two_and_told_everywhere(
    connection: Connection, resources: Resources, clock: ManualClock, shop: Shop
) -> None:
    await earn(resources, shop)
    own = f"seller_available:{shop.seller.id}"
    first, second = an_operator(), an_operator()
    entries = ("goodwill_cost", "debit", 700), (own, "credit", 500), ("bank", "credit", 200)
    found = await prepare(resources, *entries, viewer=first, key="once")
    assert (await prepare(resources, *entries, viewer=first, key="once")).id == found.id
    assert await seller_owes(connection, shop) == {"available": NET}
    member = Viewer(
        user_id=uuid4(),
        roles=frozenset({Role.OPERATOR}),
        memberships={shop.seller.id: MemberRole.VIEWER},
    )
    for wrong in (first, member):
        with pytest.raises(NotAllowed):
            await approve(resources, found.id, viewer=wrong)
    booked = await approve(resources, found.id, viewer=second)
    assert await seller_owes(connection, shop) == {"available": NET + 500}
    told = await ask(resources.db, explanation_service.explain, subject=str(found.id), limit=10)
    [transaction] = told.transactions
    assert transaction.id == booked.transaction_id
    assert transaction.facts == {
        "reason": "for a test", "prepared_by": str(first.user_id),
        "approved_by": str(second.user_id),
    }  # fmt: skip
    assert explain(transaction.kind, transaction.entries) == (
        "Adjusted by hand, by two people: debit goodwill_cost 7.00 EUR; "
        f"credit {own} 5.00 EUR; credit bank 2.00 EUR."
    )
    page = await ask(
        resources.db, history_service.market_movements, asked=JournalFilter(account=own),
        cursor=None, limit=5,
    )  # fmt: skip
    assert (page.items[0].kind, page.items[0].change_minor) == ("adjusted", 500)
    assert page.items[0].balance_minor == NET + 500
    # A payout claims it like any other movement, and the month says so to the cent.
    assert (await pay(resources, shop)).amount_minor == NET + 500
    [month] = await period_figures.read(
        connection, seller_id=shop.seller.id, since=clock.now() - 60 * DAY,
        until=clock.now() + DAY, vat_jurisdiction="marketplace",
    )  # fmt: skip
    groups = {one.key: one.amount_minor for one in month.figures.groups}
    assert groups["adjusted"] == 500
    assert month.figures.closing_minor == sum(groups.values()) == 0
    assert await wrong_with(connection, resources) == []


async def test_what_may_not_be_booked_is_refused_and_changes_nothing(
    connection: Connection, resources: Resources, clock: ManualClock, shop: Shop
) -> None:
    await earn(resources, shop)
    own = f"seller_available:{shop.seller.id}"
    for code, *entries in (
        ("unbalanced", ("bank", "debit", 5), ("commission", "credit", 4)),
        ("account_not_adjustable", (f"seller_reserve:{shop.seller.id}", "debit", 5),
         (own, "credit", 5)),
        ("account_not_adjustable", ("gateway_clearing:sandbox", "debit", 5), ("bank", "credit", 5)),
        ("account_not_adjustable", ("suspense", "debit", 5), ("bank", "credit", 5)),
        ("entry_wrong", ("nothing", "debit", 5), ("bank", "credit", 5)),
        ("entry_wrong", ("seller_available:x", "debit", 5), ("bank", "credit", 5)),
        ("entry_wrong", ("bank", "debit", 0), ("bank", "credit", 0)),
        ("amount_out_of_bounds", ("bank", "debit", 10**15), ("bank", "debit", 1),
         ("commission", "credit", 10**15), ("fee_income", "credit", 1)),
        ("seller_unknown", (f"seller_available:{uuid4()}", "debit", 5), ("bank", "credit", 5)),
    ):  # fmt: skip
        with pytest.raises(InvalidInput) as refusal:
            await prepare(resources, *entries)
        assert refusal.value.errors[0].code == code
    assert await connection.fetchval("SELECT count(*) FROM adjustment") == 0
    too_much = await prepare(resources, (own, "debit", NET + 1), ("fee_income", "credit", NET + 1))
    with pytest.raises(InsufficientBalance):
        await approve(resources, too_much.id)
    lowered = await prepare(
        resources, ("bank", "debit", 5), (f"seller_receivable:{shop.seller.id}", "credit", 5)
    )
    with pytest.raises(MoreThanOwed):
        await approve(resources, lowered.id)
    preparer = Viewer(user_id=too_much.prepared_by, roles=frozenset({Role.OPERATOR}))
    with pytest.raises(NotAllowed):
        await _reject(resources, too_much.id, preparer)
    rejected = await _reject(resources, too_much.id, an_operator())
    assert (rejected.status, rejected.decision_note) == ("rejected", "no")
    for decide in (approve(resources, too_much.id), _reject(resources, too_much.id, an_operator())):
        with pytest.raises(AdjustmentNotOpen):
            await decide
    assert await seller_owes(connection, shop) == {"available": NET}
    assert await wrong_with(connection, resources) == []


async def _reject(resources: Resources, adjustment_id: Any, viewer: Viewer) -> Any:
    return await transact(
        resources.db, adjustment_service.reject, viewer=viewer, adjustment_id=adjustment_id,
        reason="no", now=resources.clock.now(),
    )  # fmt: skip
