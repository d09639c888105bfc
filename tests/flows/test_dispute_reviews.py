"""Cases that operators leave lying: reminded of, put first, told, decided by nobody's silence."""

from datetime import timedelta

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.transact import ask
from gosellr.jobs import upkeep
from gosellr.resources import Resources
from gosellr.services import dispute_questions
from gosellr.services.dispute_questions import DisputeFilters
from gosellr.utils.viewer import Viewer
from tests.factories.accounts import User
from tests.factories.disputes import accept, decide, delivered, escalate, open_case, reread
from tests.factories.payouts import an_operator, wrong_with
from tests.factories.sales import Shop, make_buyer, make_shop, seller_owes
from tests.factories.stored_value import by_bank

DAY = timedelta(days=1)


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    return await make_shop(connection, price_minor=12_000)


@pytest.fixture
async def buyer(connection: Connection) -> User:
    return await make_buyer(connection)


async def queue(resources: Resources, viewer: Viewer) -> list[object]:
    """All cases in the order that somebody sees them in, one by one."""
    found: list[object] = []
    cursor: str | None = None
    while True:
        page = await ask(
            resources.db, dispute_questions.list_cases, viewer=viewer, filters=DisputeFilters(),
            cursor=cursor, limit=1,
        )  # fmt: skip
        found += [one.dispute.id for one in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return found


async def told(connection: Connection) -> list[str]:
    rows = await connection.fetch(
        "SELECT type FROM outbox_event WHERE type LIKE 'dispute.review%' ORDER BY sequence"
    )
    return [row["type"] for row in rows]


async def test_a_review_is_reminded_of_put_first_and_decided_by_an_operator_alone(
    resources: Resources, connection: Connection, clock: ManualClock, shop: Shop, buyer: User
) -> None:
    order = await delivered(resources, (shop, 3), buyer=buyer)
    other = await make_shop(connection, price_minor=500)
    case = await open_case(resources, order, shop, viewer=buyer.viewer)
    case = await escalate(resources, case, viewer=shop.viewer)
    due_at = case.dispute.due_at
    assert due_at is not None
    second = await delivered(resources, (other, 1), buyer=buyer)
    clock.advance(timedelta(minutes=1))
    younger = await open_case(resources, second, other, viewer=buyer.viewer)
    assert await queue(resources, an_operator()) == [younger.dispute.id, case.dispute.id]
    clock.advance(due_at - DAY - clock.now() - timedelta(seconds=1))
    await upkeep.work_off_disputes(resources)
    assert await told(connection) == []
    clock.advance(timedelta(seconds=1))
    for _ in range(2):
        await upkeep.work_off_disputes(resources)
    assert await told(connection) == ["dispute.review_due"]
    assert not (await reread(resources, case)).dispute.review_overdue_at
    clock.advance(DAY)
    for _ in range(2):
        await upkeep.work_off_disputes(resources)
    assert await told(connection) == ["dispute.review_due", "dispute.review_overdue"]
    overdue = await reread(resources, case)
    assert overdue.dispute.review_overdue_at == clock.now()
    # Nobody's silence has decided: the money is where it was.
    assert (overdue.dispute.status, overdue.dispute.due_at) == ("under_review", due_at)
    assert (await seller_owes(connection, shop))["reserve"] == 36_000
    assert [one.kind for one in overdue.events][-2:] == ["review_reminded", "review_overdue"]
    assert await queue(resources, an_operator()) == [case.dispute.id, younger.dispute.id]
    # Parties see theirs as ever.
    assert await queue(resources, buyer.viewer) == [younger.dispute.id, case.dispute.id]
    after = await decide(resources, overdue, share_bps=10_000)
    assert (after.dispute.status, after.dispute.review_overdue_at) == ("decided", None)
    # The other's seller was silent, and its case was decided by that.
    assert await queue(resources, an_operator()) == [younger.dispute.id, case.dispute.id]
    appealed = await escalate(resources, after, viewer=shop.viewer)
    assert appealed.dispute.review_reminded_at is None
    clock.advance(timedelta(days=30))
    for _ in range(2):
        await upkeep.work_off_disputes(resources)
    assert await told(connection) == [
        "dispute.review_due", "dispute.review_overdue", "dispute.review_overdue",
    ]  # fmt: skip
    assert (await reread(resources, case)).dispute.status == "appealed"
    assert await wrong_with(connection, resources) == []


async def test_what_a_gateway_refused_of_an_award_is_looked_at_in_time_as_well(
    resources: Resources, connection: Connection, clock: ManualClock, shop: Shop, buyer: User
) -> None:
    tenders = (by_bank("tok_refund_declined"),)
    order = await delivered(resources, (shop, 1), buyer=buyer, tenders=tenders)
    case = await open_case(resources, order, shop, viewer=buyer.viewer)
    refused = (await accept(resources, case, viewer=shop.viewer)).dispute
    assert (refused.status, refused.is_final) == ("under_review", True)
    # Five business days from a Monday.
    assert refused.due_at == clock.now() + timedelta(days=7)
    clock.advance(timedelta(days=6))
    await upkeep.work_off_disputes(resources)
    assert await told(connection) == ["dispute.review_due"]
    clock.advance(DAY)
    await upkeep.work_off_disputes(resources)
    assert await told(connection) == ["dispute.review_due", "dispute.review_overdue"]
    overdue = await reread(resources, case)
    assert (overdue.dispute.status, overdue.dispute.review_overdue_at) == (
        "under_review", clock.now(),
    )  # fmt: skip
    # Refused once more, the market has as long again.
    again = (await decide(resources, overdue, share_bps=10_000)).dispute
    assert (again.status, again.due_at) == ("under_review", clock.now() + timedelta(days=7))
    assert (again.review_reminded_at, again.review_overdue_at) == (None, None)
    assert await wrong_with(connection, resources) == []
