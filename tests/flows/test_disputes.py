"""Cases between a buyer and a seller, from the complaint to the last cent."""

from datetime import timedelta
from typing import Any

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.errors import InvalidInput, NotAllowed, NotFound
from gosellr.core.transact import transact
from gosellr.jobs import upkeep
from gosellr.resources import Resources
from gosellr.services.checkout_service import Tender
from gosellr.services.dispute_service import (
    DisputeDecidedBefore,
    DisputeExists,
    DisputeTooEarly,
    DisputeTooLate,
)
from gosellr.services.dispute_steps import DisputeStepRefused
from gosellr.services.refund_plan import AlreadyRefunded, NotPaid, RefundTooLarge
from gosellr.services.release_service import release_due
from gosellr.utils.disputes import DisputeReason
from tests.factories.accounts import User
from tests.factories.disputes import (
    accept,
    decide,
    delivered,
    escalate,
    open_case,
    pass_deadline,
    reread,
    say,
)
from tests.factories.payouts import HOLD, wrong_with
from tests.factories.sales import (
    Shop,
    buy,
    cancel,
    make_buyer,
    make_commission,
    make_shop,
    part_of,
    pay_out,
    read,
    refund,
    seller_owes,
    ship,
)
from tests.factories.terms import make_tax

NET = 10_800  # 120.00 less 10 % of 100.00 and 20 % VAT on that


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    await make_tax(connection, rate_bps=2000)
    await make_commission(connection)
    return await make_shop(connection, price_minor=12_000)


@pytest.fixture
async def buyer(connection: Connection) -> User:
    return await make_buyer(connection)


async def test_opening_freezes_what_a_refund_would_take(
    resources: Resources, connection: Connection, shop: Shop, buyer: User
) -> None:
    order = await delivered(resources, (shop, 2), buyer=buyer)
    case = await open_case(resources, order, shop, viewer=buyer.viewer, units=1)
    dispute = case.dispute
    assert (dispute.status, dispute.amount_minor, dispute.frozen_minor) == (
        "awaiting_seller", 12_000, NET,
    )  # fmt: skip
    # Opened on a Monday: three business days.
    assert dispute.due_at == resources.clock.now() + timedelta(days=3)
    assert await seller_owes(connection, shop) == {"pending": NET, "reserve": NET}
    after = await read(resources, order)
    assert (after.payment_status, after.open_dispute_count) == ("disputed", 1)
    assert after.events[-1].kind == "dispute_opened"
    assert part_of(after, shop).pending_minor == NET
    assert [one.body for one in case.messages] == ["It arrived broken"]
    assert [one["tracking_number"] for one in case.tracking] == ["JD0001"]
    assert await wrong_with(connection, resources) == []


async def test_the_frozen_money_is_neither_released_nor_paid_out(
    resources: Resources, connection: Connection, shop: Shop, buyer: User, clock: ManualClock
) -> None:
    order = await delivered(resources, (shop, 2), buyer=buyer)
    await open_case(resources, order, shop, viewer=buyer.viewer, units=1)
    clock.advance(HOLD)
    await transact(resources.db, release_due, now=clock.now())
    assert await seller_owes(connection, shop) == {"available": NET, "reserve": NET}


async def test_what_was_paid_out_before_is_owed_while_the_case_lasts(
    resources: Resources, connection: Connection, shop: Shop, buyer: User, clock: ManualClock
) -> None:
    order = await delivered(resources, (shop, 1), buyer=buyer)
    clock.advance(HOLD)
    await transact(resources.db, release_due, now=clock.now())
    await pay_out(resources, shop, 10_000)
    case = await open_case(resources, order, shop, viewer=buyer.viewer)
    pots = case.dispute.frozen_from
    assert (pots.pending_minor, pots.available_minor, pots.receivable_minor) == (0, 800, 10_000)
    in_transit = {"payout_in_transit": 10_000}
    assert await seller_owes(connection, shop) == {
        "reserve": NET, "receivable": 10_000, **in_transit,
    }  # fmt: skip
    await accept(resources, case, viewer=buyer.viewer)
    assert await seller_owes(connection, shop) == {"available": 800, **in_transit}
    assert (await read(resources, order)).payment_status == "paid"


async def test_a_seller_gives_in_and_the_buyer_has_it_back(
    resources: Resources, connection: Connection, shop: Shop, buyer: User
) -> None:
    order = await delivered(resources, (shop, 2), buyer=buyer)
    case = await open_case(resources, order, shop, viewer=buyer.viewer, units=1)
    after = await accept(resources, case, viewer=shop.viewer)
    assert (after.dispute.status, after.dispute.outcome) == ("closed", "accepted")
    assert after.dispute.frozen_minor == 0
    assert [(one.status, one.amount_minor) for one in after.refunds] == [("succeeded", 12_000)]
    assert await seller_owes(connection, shop) == {"pending": NET}
    now = await read(resources, order)
    assert (now.payment_status, now.refunded_minor) == ("partially_refunded", 12_000)
    assert (now.lines[0].refunded_quantity, now.open_dispute_count) == (1, 0)
    assert now.refunds[0].effects["seller"]["case_reserve_minor"] == NET
    assert now.events[-1].kind == "dispute_closed"
    with pytest.raises(DisputeStepRefused):
        await accept(resources, case, viewer=shop.viewer)
    assert await wrong_with(connection, resources) == []


async def test_a_buyer_takes_it_back_and_may_complain_again(
    resources: Resources, connection: Connection, shop: Shop, buyer: User
) -> None:
    order = await delivered(resources, (shop, 1), buyer=buyer)
    case = await open_case(resources, order, shop, viewer=buyer.viewer)
    after = await accept(resources, case, viewer=buyer.viewer)
    assert (after.dispute.status, after.dispute.outcome) == ("closed", "withdrawn")
    assert await seller_owes(connection, shop) == {"pending": NET}
    assert (await read(resources, order)).payment_status == "paid"
    again = await open_case(resources, order, shop, viewer=buyer.viewer)
    assert again.dispute.frozen_minor == NET
    assert await wrong_with(connection, resources) == []


async def test_a_sellers_silence_decides_for_the_buyer_after_the_appeal(
    resources: Resources, connection: Connection, shop: Shop, buyer: User
) -> None:
    order = await delivered(resources, (shop, 1), buyer=buyer)
    case = await open_case(resources, order, shop, viewer=buyer.viewer)
    decided = (await pass_deadline(resources, case)).dispute
    assert (decided.status, decided.outcome, decided.decided_by) == (
        "decided", "for_buyer", "system",
    )  # fmt: skip
    assert (await read(resources, order)).refunded_minor == 0
    # Working the deadlines off once more does nothing more.
    await upkeep.work_off_disputes(resources)
    assert (await reread(resources, case)).dispute == decided
    closed = (await pass_deadline(resources, case)).dispute
    assert (closed.status, closed.award_minor, closed.frozen_minor) == ("closed", 12_000, 0)
    assert (await read(resources, order)).payment_status == "refunded"
    assert await seller_owes(connection, shop) == {}
    await upkeep.work_off_disputes(resources)
    assert (await reread(resources, case)).dispute == closed
    assert await wrong_with(connection, resources) == []


async def test_a_buyers_silence_after_the_answer_decides_for_the_seller(
    resources: Resources, connection: Connection, shop: Shop, buyer: User
) -> None:
    order = await delivered(resources, (shop, 1), buyer=buyer)
    case = await open_case(resources, order, shop, viewer=buyer.viewer)
    answered = await say(resources, case, viewer=shop.viewer, answer=True)
    assert answered.dispute.status == "awaiting_buyer"
    decided = (await pass_deadline(resources, case)).dispute
    assert (decided.status, decided.outcome) == ("decided", "for_seller")
    closed = (await pass_deadline(resources, case)).dispute
    assert (closed.status, closed.award_minor, closed.frozen_minor) == ("closed", 0, 0)
    # The hold had passed, but no release ran meanwhile: the money pends as before.
    assert await seller_owes(connection, shop) == {"pending": NET}
    with pytest.raises(DisputeDecidedBefore):
        await open_case(resources, order, shop, viewer=buyer.viewer)
    assert await wrong_with(connection, resources) == []


@pytest.mark.parametrize(
    ("share_bps", "award", "kept"),
    [(10_000, 12_000, 0), (5000, 6000, 5400), (3333, 4000, 7200), (1, 1, 10_799), (0, 0, NET)],
)
async def test_an_operator_splits_it_and_award_and_rest_are_what_was_frozen(
    resources: Resources,
    connection: Connection,
    shop: Shop,
    buyer: User,
    share_bps: int,
    award: int,
    kept: int,
) -> None:
    order = await delivered(resources, (shop, 1), buyer=buyer)
    case = await open_case(resources, order, shop, viewer=buyer.viewer)
    await say(resources, case, viewer=shop.viewer, answer=True)
    await escalate(resources, case, viewer=buyer.viewer)
    decided = await decide(resources, case, share_bps=share_bps)
    assert (decided.dispute.status, decided.dispute.award_minor) == ("decided", award)
    closed = await pass_deadline(resources, case)
    assert closed.dispute.status == "closed"
    assert (await read(resources, order)).refunded_minor == award
    owned = await seller_owes(connection, shop)
    assert owned == ({"pending": kept} if kept else {})
    assert await wrong_with(connection, resources) == []


async def test_a_decision_is_appealed_once_by_either_side(
    resources: Resources, connection: Connection, shop: Shop, buyer: User
) -> None:
    order = await delivered(resources, (shop, 1), buyer=buyer)
    case = await open_case(resources, order, shop, viewer=buyer.viewer)
    await decide(resources, case, amount_minor=12_000)
    appealed = await escalate(resources, case, viewer=shop.viewer)
    assert (appealed.dispute.status, appealed.dispute.appealed_by) == ("appealed", "seller")
    with pytest.raises(DisputeStepRefused):
        await escalate(resources, case, viewer=buyer.viewer)
    final = await decide(resources, case, amount_minor=2000)
    assert (final.dispute.status, final.dispute.award_minor) == ("closed", 2000)
    assert (await read(resources, order)).refunded_minor == 2000
    assert await seller_owes(connection, shop) == {"pending": NET - 1800}
    assert await wrong_with(connection, resources) == []


async def test_a_refused_refund_stays_frozen_until_an_operator_speaks_again(
    resources: Resources, connection: Connection, shop: Shop, buyer: User
) -> None:
    tender = Tender(method="sandbox", token="tok_refund_declined")
    order = await delivered(resources, (shop, 1), buyer=buyer, tenders=[tender])
    case = await open_case(resources, order, shop, viewer=buyer.viewer)
    stuck = await accept(resources, case, viewer=shop.viewer)
    assert (stuck.dispute.status, stuck.dispute.is_final) == ("under_review", True)
    assert stuck.dispute.frozen_minor == NET
    assert [one.status for one in stuck.refunds] == ["failed"]
    assert await seller_owes(connection, shop) == {"reserve": NET}
    assert (await read(resources, order)).refunded_minor == 0
    with pytest.raises(DisputeStepRefused):
        await accept(resources, case, viewer=buyer.viewer)
    over = await decide(resources, case, share_bps=0)
    assert (over.dispute.status, over.dispute.frozen_minor) == ("closed", 0)
    assert await seller_owes(connection, shop) == {"pending": NET}
    assert await wrong_with(connection, resources) == []


async def test_a_lost_answer_closes_the_case_when_it_is_found(
    resources: Resources, connection: Connection, shop: Shop, buyer: User, clock: ManualClock
) -> None:
    tender = Tender(method="sandbox", token="tok_refund_timeout_then_ok")
    order = await delivered(resources, (shop, 1), buyer=buyer, tenders=[tender])
    case = await open_case(resources, order, shop, viewer=buyer.viewer)
    waiting = await accept(resources, case, viewer=shop.viewer)
    assert (waiting.dispute.status, waiting.dispute.frozen_minor) == ("settling", 0)
    await upkeep.work_off_disputes(resources)
    assert (await reread(resources, case)).dispute.status == "settling"
    clock.advance(timedelta(minutes=1))
    await upkeep.resume_refunds(resources)
    await upkeep.work_off_disputes(resources)
    closed = (await reread(resources, case)).dispute
    assert (closed.status, closed.outcome) == ("closed", "accepted")
    assert (await read(resources, order)).payment_status == "refunded"
    assert await wrong_with(connection, resources) == []


async def test_an_ordinary_refund_takes_what_was_frozen_for_it(
    resources: Resources, connection: Connection, shop: Shop, buyer: User
) -> None:
    """The seller refunds beside the case: the buyer gets it once, the seller gives it once."""
    order = await delivered(resources, (shop, 2), buyer=buyer)
    case = await open_case(resources, order, shop, viewer=buyer.viewer, units=2)
    assert case.dispute.frozen_minor == 2 * NET
    await refund(resources, order, shop, units=1)
    assert (await reread(resources, case)).dispute.frozen_minor == NET
    assert await seller_owes(connection, shop) == {"reserve": NET}
    closed = await accept(resources, case, viewer=shop.viewer)
    assert closed.dispute.status == "closed"
    assert (await read(resources, order)).refunded_minor == 24_000
    assert await seller_owes(connection, shop) == {}
    assert await wrong_with(connection, resources) == []


async def test_a_refund_that_fails_is_frozen_again(
    resources: Resources, connection: Connection, shop: Shop, buyer: User
) -> None:
    tender = Tender(method="sandbox", token="tok_refund_declined")
    order = await delivered(resources, (shop, 2), buyer=buyer, tenders=[tender])
    case = await open_case(resources, order, shop, viewer=buyer.viewer, units=2)
    given = await refund(resources, order, shop, units=1)
    assert given.status == "failed"
    assert (await reread(resources, case)).dispute.frozen_minor == 2 * NET
    assert await seller_owes(connection, shop) == {"reserve": 2 * NET}
    assert await wrong_with(connection, resources) == []


async def test_another_sales_refund_takes_nothing_of_what_is_frozen(
    resources: Resources, connection: Connection, shop: Shop, buyer: User, clock: ManualClock
) -> None:
    other = await delivered(resources, (shop, 1), buyer=buyer)
    clock.advance(HOLD)
    await transact(resources.db, release_due, now=clock.now())
    await pay_out(resources, shop, NET)
    order = await delivered(resources, (shop, 1), buyer=buyer)
    case = await open_case(resources, order, shop, viewer=buyer.viewer)
    given = await refund(resources, other, shop, units=1)
    assert given.effects["seller"]["receivable_minor"] == NET
    assert given.effects["seller"]["reserve_minor"] == 0
    assert (await reread(resources, case)).dispute.frozen_minor == NET
    assert (await seller_owes(connection, shop))["reserve"] == NET
    assert await wrong_with(connection, resources) == []


async def test_what_never_came_is_cancelled_out_of_the_frozen_money(
    resources: Resources, connection: Connection, shop: Shop, buyer: User, clock: ManualClock
) -> None:
    order = await buy(resources, (shop, 1), buyer=buyer)
    never = {"viewer": buyer.viewer, "reason": DisputeReason.NOT_DELIVERED}
    with pytest.raises(DisputeTooEarly) as refusal:
        await open_case(resources, order, shop, **never)  # type: ignore[arg-type]
    # Three days to send it, and at most five on its way.
    opens_at = clock.now() + timedelta(days=3 + 5)
    assert refusal.value.extras["opens_at"] == opens_at.isoformat().replace("+00:00", "Z")
    assert await seller_owes(connection, shop) == {"pending": NET}
    clock.advance(timedelta(days=8))
    case = await open_case(resources, order, shop, **never)  # type: ignore[arg-type]
    await cancel(resources, order, viewer=shop.viewer, shop=shop)
    assert (await reread(resources, case)).dispute.frozen_minor == 0
    assert await seller_owes(connection, shop) == {}
    closed = await decide(resources, case, share_bps=10_000)
    assert closed.dispute.status == "decided"
    assert (await pass_deadline(resources, case)).dispute.status == "closed"
    after = await read(resources, order)
    assert (after.status, after.payment_status, after.refunded_minor) == (
        "cancelled", "refunded", 12_000,
    )  # fmt: skip
    assert await wrong_with(connection, resources) == []


async def test_a_case_for_what_never_left_cancels_the_sale(
    resources: Resources, connection: Connection, shop: Shop, buyer: User, clock: ManualClock
) -> None:
    order = await buy(resources, (shop, 1), buyer=buyer)
    clock.advance(timedelta(days=8))
    case = await open_case(
        resources, order, shop, viewer=buyer.viewer, reason=DisputeReason.NOT_DELIVERED
    )
    await accept(resources, case, viewer=shop.viewer)
    after = await read(resources, order)
    assert (after.status, after.payment_status) == ("cancelled", "refunded")
    assert await wrong_with(connection, resources) == []


async def test_one_case_at_a_time_about_a_line(
    resources: Resources, connection: Connection, shop: Shop, buyer: User
) -> None:
    order = await delivered(resources, (shop, 2), buyer=buyer)
    case = await open_case(resources, order, shop, viewer=buyer.viewer, units=1, key="once")
    before = await seller_owes(connection, shop)
    same = await open_case(resources, order, shop, viewer=buyer.viewer, units=1, key="once")
    assert same.dispute.id == case.dispute.id
    with pytest.raises(DisputeExists) as refusal:
        await open_case(resources, order, shop, viewer=buyer.viewer, units=1)
    assert refusal.value.extras == {"dispute_id": str(case.dispute.id)}
    assert await seller_owes(connection, shop) == before
    assert await connection.fetchval("SELECT count(*) FROM dispute") == 1


async def test_too_late_too_much_not_theirs_and_nothing_changes(
    resources: Resources, connection: Connection, shop: Shop, buyer: User, clock: ManualClock
) -> None:
    order = await delivered(resources, (shop, 1), buyer=buyer)
    stranger = await make_buyer(connection)
    opening: Any = {"viewer": buyer.viewer}
    for error, changed in (
        (RefundTooLarge, {"units": 2}),
        (NotFound, {"viewer": stranger.viewer}),
        (NotFound, {"viewer": shop.viewer}),
    ):
        with pytest.raises(error):
            await open_case(resources, order, shop, **(opening | changed))
    unsent = await buy(resources, (shop, 1), buyer=buyer)
    with pytest.raises(InvalidInput):
        await open_case(resources, unsent, shop, viewer=buyer.viewer)
    unpaid = await buy(
        resources, (shop, 1), buyer=buyer,
        tenders=[Tender(method="sandbox", token="tok_requires_action")],
    )  # fmt: skip
    clock.advance(timedelta(days=31))
    with pytest.raises(DisputeTooLate):
        await open_case(resources, order, shop, viewer=buyer.viewer)
    with pytest.raises(NotPaid):
        await open_case(
            resources, unpaid, shop, viewer=buyer.viewer, reason=DisputeReason.NOT_DELIVERED
        )
    await refund(resources, unsent, shop, units=1)
    with pytest.raises((AlreadyRefunded, RefundTooLarge)):
        await open_case(
            resources, unsent, shop, viewer=buyer.viewer, reason=DisputeReason.NOT_DELIVERED
        )
    assert await connection.fetchval("SELECT count(*) FROM dispute") == 0
    assert (await seller_owes(connection, shop)).get("reserve") is None


async def test_more_than_is_argued_about_is_no_decision(
    resources: Resources, connection: Connection, shop: Shop, buyer: User
) -> None:
    order = await delivered(resources, (shop, 1), buyer=buyer)
    case = await open_case(resources, order, shop, viewer=buyer.viewer)
    with pytest.raises(InvalidInput):
        await decide(resources, case, amount_minor=12_001)
    for nobody in (buyer.viewer, shop.viewer):
        with pytest.raises((DisputeStepRefused, NotAllowed)):
            await decide(resources, case, share_bps=1, viewer=nobody)
    assert (await reread(resources, case)).dispute.status == "awaiting_seller"


async def test_a_sibling_keeps_its_money(
    resources: Resources, connection: Connection, shop: Shop, buyer: User
) -> None:
    other = await make_shop(connection, price_minor=700)
    order = await delivered(resources, (shop, 1), (other, 1), buyer=buyer)
    before = await seller_owes(connection, other)
    case = await open_case(resources, order, shop, viewer=buyer.viewer)
    with pytest.raises(NotFound):
        await reread(resources, case, viewer=other.viewer)
    with pytest.raises(NotFound):
        await accept(resources, case, viewer=other.viewer)
    await accept(resources, case, viewer=shop.viewer)
    assert await seller_owes(connection, other) == before
    assert (await read(resources, order)).payment_status == "partially_refunded"


async def test_every_step_is_on_the_log(resources: Resources, shop: Shop, buyer: User) -> None:
    order = await delivered(resources, (shop, 1), buyer=buyer)
    case = await open_case(resources, order, shop, viewer=buyer.viewer)
    await say(resources, case, viewer=shop.viewer, answer=True)
    await escalate(resources, case, viewer=buyer.viewer)
    await decide(resources, case, share_bps=5000)
    await pass_deadline(resources, case)
    log = (await reread(resources, case)).events
    assert [(one.sequence, one.actor, one.to_status) for one in log] == [
        (1, "buyer", "awaiting_seller"),
        (2, "seller", "awaiting_buyer"),
        (3, "buyer", "under_review"),
        (4, "operator", "decided"),
        (5, "system", "settling"),
        (6, "system", "closed"),
    ]


async def test_a_parcel_that_leaves_while_a_case_waits_is_its_tracking(
    resources: Resources, shop: Shop, buyer: User, clock: ManualClock
) -> None:
    order = await buy(resources, (shop, 1), buyer=buyer)
    clock.advance(timedelta(days=8))
    case = await open_case(
        resources, order, shop, viewer=buyer.viewer, reason=DisputeReason.NOT_DELIVERED
    )
    assert case.tracking == ()
    await ship(resources, order, shop)
    [parcel] = (await reread(resources, case, viewer=buyer.viewer)).tracking
    assert parcel["tracking_number"] == "JD0001"
