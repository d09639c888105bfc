"""Payouts through the provider: all that is available leaves once, whatever the provider says."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.errors import NotAllowed, NotFound
from gosellr.core.transact import transact
from gosellr.flows import payouts
from gosellr.integrations.payouts.port import TransferOutcome
from gosellr.integrations.payouts.sandbox import Behaviour
from gosellr.resources import Resources
from gosellr.services import payout_settings_service, seller_service
from gosellr.services.idempotency_service import IdempotencyInProgress
from gosellr.services.payout_service import PayoutNotFailed, PayoutNotWaiting
from gosellr.services.payout_terms import (
    BelowPayoutMinimum,
    DestinationTooNew,
    NoPayoutDestination,
    NothingToPayOut,
    PayoutsHeld,
)
from gosellr.services.seller_service import SellerStep
from gosellr.utils.payouts import PayoutStatus
from gosellr.utils.permissions import MemberRole
from gosellr.utils.viewer import Viewer
from tests.factories.ledger import Sold, booked
from tests.factories.payouts import (
    an_operator,
    earn,
    pay,
    reread,
    set_account,
    transfers,
    wrong_with,
)
from tests.factories.sales import (
    Shop,
    a_key,
    balances,
    buy,
    make_commission,
    make_shop,
    refund,
    seller_owes,
)
from tests.factories.terms import make_tax

STATUS = PayoutStatus


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    """120.00 a piece with 20 % tax inside, 10 % commission and its VAT: 108.00 for the seller."""
    await make_tax(connection, rate_bps=2000)
    await make_commission(connection)
    return await make_shop(connection, price_minor=12_000)


async def sweep(resources: Resources, clock: ManualClock, pause: timedelta) -> None:
    clock.advance(pause)
    await payouts.resume_payouts(resources.payouts)


async def facts_of(connection: Connection, payout_id: object) -> list[str]:
    rows = await connection.fetch(
        "SELECT type FROM outbox_event WHERE aggregate_id = $1 ORDER BY sequence", payout_id
    )
    return [row["type"] for row in rows]


async def live_claims(connection: Connection, payout_id: object) -> int:
    count: int = await connection.fetchval(
        "SELECT count(*) FROM payout_entry WHERE payout_id = $1 AND released_at IS NULL", payout_id
    )
    return count


async def test_all_that_is_available_leaves_to_the_cent(
    connection: Connection, resources: Resources, shop: Shop
) -> None:
    await set_account(resources, shop)
    await earn(resources, shop)
    await earn(resources, shop, 2)
    await buy(resources, (shop, 1))
    assert await seller_owes(connection, shop) == {"available": 32_400, "pending": 10_800}
    payout = await pay(resources, shop)
    assert (payout.status, payout.amount_minor, payout.entry_count) == (STATUS.PAID, 32_400, 2)
    assert (payout.last_four, payout.origin) == ("3000", "requested")
    assert payout.paid_at == payout.finished_at == resources.clock.now()
    assert await seller_owes(connection, shop) == {"pending": 10_800}
    assert await balances(connection) == {
        "gateway_clearing": 48_000 - 32_400,
        "commission": -4000,
        "tax_payable": -800,
        "seller_pending": -10_800,
    }
    [sent] = await transfers(resources)
    assert (sent.transfer_id, sent.amount_minor) == (str(payout.id), 32_400)
    assert await facts_of(connection, payout.id) == ["payout.requested", "payout.paid"]
    assert await wrong_with(connection, resources) == []


async def test_what_was_paid_is_not_paid_again_and_what_comes_later_is(
    connection: Connection, resources: Resources, shop: Shop
) -> None:
    await set_account(resources, shop)
    await earn(resources, shop)
    await pay(resources, shop)
    with pytest.raises(NothingToPayOut):
        await pay(resources, shop)
    await earn(resources, shop)
    assert (await pay(resources, shop)).amount_minor == 10_800
    assert [one.amount_minor for one in await transfers(resources)] == [10_800, 10_800]
    assert await wrong_with(connection, resources) == []


async def test_debits_are_claimed_with_the_rest(
    connection: Connection, resources: Resources, shop: Shop
) -> None:
    await set_account(resources, shop)
    order = await earn(resources, shop, 2)
    await refund(resources, order, shop, amount_minor=1200)
    payout = await pay(resources, shop)
    assert (payout.amount_minor, payout.entry_count) == (21_600 - 1080, 2)
    assert await seller_owes(connection, shop) == {}
    assert await wrong_with(connection, resources) == []


@pytest.mark.case(45)
async def test_case_45_a_refund_after_the_payout_is_owed_and_the_next_payout_nets_it(
    connection: Connection, resources: Resources, clock: ManualClock, shop: Shop
) -> None:
    await set_account(resources, shop, Behaviour.RETURN)
    order = await earn(resources, shop)
    first = await pay(resources, shop)
    given = await refund(resources, order, shop, units=1)
    assert given.effects["seller"]["receivable_minor"] == 10_800
    assert await seller_owes(connection, shop) == {"receivable": 10_800}
    # The bank sends the first one back: now there is money, and a debt that it covers.
    await sweep(resources, clock, timedelta(days=2))
    assert (await reread(resources, first)).status is STATUS.FAILED
    assert await seller_owes(connection, shop) == {"available": 10_800, "receivable": 10_800}
    with pytest.raises(NothingToPayOut):
        await pay(resources, shop)
    assert await seller_owes(connection, shop) == {"available": 10_800, "receivable": 10_800}
    # The release of another sale recovers the debt first, and leaves what had been returned.
    await set_account(resources, shop)
    clock.advance(timedelta(hours=72))
    await earn(resources, shop, 2)
    assert await seller_owes(connection, shop) == {"available": 21_600}
    assert (await pay(resources, shop)).amount_minor == 21_600
    assert await wrong_with(connection, resources) == []


async def test_what_is_owed_is_kept_back_from_a_payout(
    connection: Connection, resources: Resources, clock: ManualClock, shop: Shop
) -> None:
    await set_account(resources, shop, Behaviour.RETURN)
    order = await earn(resources, shop, 3)
    await pay(resources, shop)
    await refund(resources, order, shop, units=1)
    await sweep(resources, clock, timedelta(days=2))
    assert await seller_owes(connection, shop) == {"available": 32_400, "receivable": 10_800}
    second = await pay(resources, shop)
    assert (second.amount_minor, second.entry_count) == (21_600, 2)
    assert await seller_owes(connection, shop) == {}
    assert await wrong_with(connection, resources) == []


@pytest.mark.case(43)
@pytest.mark.parametrize("behaviour", [Behaviour.DECLINE, Behaviour.LOSE_ANSWER_THEN_DECLINE])
async def test_case_43_a_refused_payout_leaves_everything_free_for_the_next(
    connection: Connection,
    resources: Resources,
    clock: ManualClock,
    shop: Shop,
    behaviour: Behaviour,
) -> None:
    await set_account(resources, shop, behaviour)
    await earn(resources, shop)
    before = await balances(connection)
    payout = await pay(resources, shop)
    if payout.status is STATUS.UNKNOWN:
        assert await seller_owes(connection, shop) == {"payout_in_transit": 10_800}
        await sweep(resources, clock, timedelta(seconds=30))
    failed = await reread(resources, payout)
    assert (failed.status, failed.failure_reason) == (STATUS.FAILED, "account_closed")
    assert (failed.entry_count, await live_claims(connection, payout.id)) == (1, 0)
    assert await balances(connection) == before
    assert await facts_of(connection, payout.id) == ["payout.requested", "payout.failed"]
    assert await wrong_with(connection, resources) == []
    await set_account(resources, shop)
    clock.advance(timedelta(hours=72))
    again = await payouts.retry_payout(
        resources.payouts, viewer=an_operator(), payout_id=payout.id, key=a_key()
    )
    assert again.payout is not None
    assert (again.payout.status, again.payout.amount_minor) == (STATUS.PAID, 10_800)
    assert again.payout.id != payout.id
    assert await seller_owes(connection, shop) == {}
    assert await wrong_with(connection, resources) == []


@pytest.mark.case(43)
async def test_case_43_paid_and_then_sent_back_by_the_bank(
    connection: Connection, resources: Resources, clock: ManualClock, shop: Shop
) -> None:
    await set_account(resources, shop, Behaviour.RETURN)
    await earn(resources, shop)
    before = await balances(connection)
    payout = await pay(resources, shop)
    assert payout.status is STATUS.PAID
    await sweep(resources, clock, timedelta(days=1))
    assert (await reread(resources, payout)).status is STATUS.PAID
    await sweep(resources, clock, timedelta(days=1))
    after = await reread(resources, payout)
    assert (after.status, after.failure_reason) == (STATUS.FAILED, "returned_by_bank")
    assert after.paid_at == payout.paid_at
    assert after.finished_at == clock.now()
    assert await balances(connection) == before
    assert await facts_of(connection, payout.id) == [
        "payout.requested", "payout.paid", "payout.failed",
    ]  # fmt: skip
    assert await wrong_with(connection, resources) == []


async def test_what_was_paid_is_left_alone_after_five_days(
    connection: Connection, resources: Resources, clock: ManualClock, shop: Shop
) -> None:
    await set_account(resources, shop)
    await earn(resources, shop)
    payout = await pay(resources, shop)
    for _ in range(6):
        await sweep(resources, clock, timedelta(days=1))
    assert (await reread(resources, payout)).status is STATUS.PAID
    due = await connection.fetchval("SELECT check_at FROM payout WHERE id = $1", payout.id)
    assert due is None
    assert await wrong_with(connection, resources) == []


@pytest.mark.case(44)
@pytest.mark.parametrize("behaviour", [Behaviour.LOSE_ANSWER, Behaviour.LOSE_REQUEST])
async def test_case_44_an_answer_that_was_lost_is_one_transfer(
    connection: Connection,
    resources: Resources,
    clock: ManualClock,
    shop: Shop,
    behaviour: Behaviour,
) -> None:
    await set_account(resources, shop, behaviour)
    await earn(resources, shop)
    payout = await pay(resources, shop)
    assert payout.status is STATUS.UNKNOWN
    assert await seller_owes(connection, shop) == {"payout_in_transit": 10_800}
    with pytest.raises(NothingToPayOut):
        await pay(resources, shop)
    for _ in range(3):
        await sweep(resources, clock, timedelta(minutes=16))
    assert (await reread(resources, payout)).status is STATUS.PAID
    assert [one.outcome for one in await transfers(resources)] == [TransferOutcome.ACCEPTED]
    count = "SELECT count(*) FROM ledger_transaction WHERE kind = 'payout_confirmed'"
    assert await connection.fetchval(count) == 1
    assert await wrong_with(connection, resources) == []


async def test_a_slow_provider_is_asked_until_it_has_paid(
    connection: Connection, resources: Resources, clock: ManualClock, shop: Shop
) -> None:
    await set_account(resources, shop, Behaviour.SLOW)
    await earn(resources, shop)
    payout = await pay(resources, shop)
    assert payout.status is STATUS.SENT
    await sweep(resources, clock, timedelta(hours=2))
    assert (await reread(resources, payout)).status is STATUS.SENT
    assert await wrong_with(connection, resources) == []
    await sweep(resources, clock, timedelta(hours=22))
    paid = await reread(resources, payout)
    assert (paid.status, paid.paid_at) == (STATUS.PAID, clock.now())
    assert len(await transfers(resources)) == 1


async def test_a_provider_that_left_the_configuration_is_no_answer(
    connection: Connection, resources: Resources, clock: ManualClock, shop: Shop
) -> None:
    await set_account(resources, shop)
    await earn(resources, shop)
    payout = await pay(replace(resources, payout_providers={}), shop)
    assert payout.status is STATUS.UNKNOWN
    await sweep(resources, clock, timedelta(minutes=1))
    assert (await reread(resources, payout)).status is STATUS.PAID
    assert await wrong_with(connection, resources) == []


@pytest.mark.parametrize("currency", ["JPY", "USD", "KWD"])
async def test_each_currency_is_a_payout_of_its_own(
    connection: Connection, resources: Resources, shop: Shop, currency: str
) -> None:
    await set_account(resources, shop)
    await earn(resources, shop)
    with pytest.raises(NothingToPayOut):
        await pay(resources, shop, currency=currency)
    sold = Sold(seller_id=shop.seller.id, currency=currency)
    await booked(connection, sold.sale())
    await booked(connection, sold.release(available_minor=10_799, reserved_minor=1))
    payout = await pay(resources, shop, currency=currency)
    assert (payout.amount_minor, payout.currency) == (10_799, currency)
    assert await seller_owes(connection, shop) == {"available": 10_800, "reserve": 1}
    assert (await pay(resources, shop)).currency == "EUR"
    assert {(one.amount_minor, one.currency) for one in await transfers(resources)} == {
        (10_799, currency), (10_800, "EUR"),
    }  # fmt: skip
    # That the order of the other currency isn't in the market, and so nothing holds its reserve, is
    # all that is wrong.
    assert {one.number for one in await wrong_with(connection, resources)} <= {3, 6, 7}


async def test_one_request_pays_once_and_one_cut_off_is_taken_up(
    connection: Connection, resources: Resources, clock: ManualClock, shop: Shop
) -> None:
    await set_account(resources, shop)
    await earn(resources, shop)
    await earn(resources, shop)
    first = await pay(resources, shop, key="once")
    with pytest.raises(IdempotencyInProgress):
        await pay(resources, shop, key="once")
    clock.advance(timedelta(seconds=15))
    assert (await pay(resources, shop, key="once")).id == first.id
    await payouts.keep_answer(resources.payouts, key=a_key("once"), status=201, body=b"{}")
    again = await payouts.request_payout(
        resources.payouts,
        viewer=shop.viewer,
        seller_id=shop.seller.id,
        currency="EUR",
        key=a_key("once"),
    )
    assert again.answered is not None
    assert again.answered.body == b"{}"
    assert len(await transfers(resources)) == 1


async def hold(resources: Resources, shop: Shop, reason: str | None) -> None:
    await transact(
        resources.db,
        payout_settings_service.hold,
        viewer=an_operator(),
        seller_id=shop.seller.id,
        reason=reason,
        now=resources.clock.now(),
    )


async def test_nothing_leaves_that_may_not(
    connection: Connection, resources: Resources, clock: ManualClock, shop: Shop
) -> None:
    await earn(resources, shop)
    before = await seller_owes(connection, shop)
    with pytest.raises(NoPayoutDestination):
        await pay(resources, shop)
    await set_account(resources, shop)
    await hold(resources, shop, "papers are missing")
    with pytest.raises(PayoutsHeld, match="papers are missing"):
        await pay(resources, shop)
    await hold(resources, shop, None)
    await transact(
        resources.db,
        seller_service.move_seller,
        viewer=an_operator(),
        seller_id=shop.seller.id,
        step=SellerStep.SUSPEND,
        reason="for a test",
        now=clock.now(),
    )
    with pytest.raises(PayoutsHeld, match="suspended"):
        await pay(resources, shop)
    await transact(
        resources.db,
        seller_service.move_seller,
        viewer=an_operator(),
        seller_id=shop.seller.id,
        step=SellerStep.REINSTATE,
        reason="for a test",
        now=clock.now(),
    )
    await transact(
        resources.db,
        payout_settings_service.change_settings,
        viewer=shop.viewer,
        seller_id=shop.seller.id,
        changes={},
        minimums={"EUR": 10_801},
        expected_version=None,
        now=clock.now(),
    )
    with pytest.raises(BelowPayoutMinimum) as refusal:
        await pay(resources, shop)
    assert refusal.value.extras["minimum"] == {"amount": 10_801, "currency": "EUR"}
    assert await seller_owes(connection, shop) == before == {"available": 10_800}
    assert await connection.fetchval("SELECT count(*) FROM payout") == 0
    assert await transfers(resources) == []


async def test_a_new_account_waits_for_72_hours_in_place_of_another(
    connection: Connection, resources: Resources, clock: ManualClock, shop: Shop
) -> None:
    await set_account(resources, shop)
    await earn(resources, shop)
    changed = await set_account(resources, shop, Behaviour.SLOW)
    assert changed.usable_from == clock.now() + timedelta(hours=72)
    clock.advance(timedelta(hours=71, minutes=59))
    with pytest.raises(DestinationTooNew):
        await pay(resources, shop)
    clock.advance(timedelta(minutes=1))
    assert (await pay(resources, shop)).last_four == "0002"
    told = await connection.fetchval(
        "SELECT data FROM outbox_event WHERE aggregate_id = $1", changed.id
    )
    assert (told["previous_last_four"], told["last_four"]) == ("3000", "0002")
    assert told["seller_id"] == str(shop.seller.id)
    assert told["changed_by"] == str(shop.seller.owner.id)


async def test_only_those_who_may_are_paid_or_pay(
    connection: Connection, resources: Resources, shop: Shop
) -> None:
    await set_account(resources, shop)
    await earn(resources, shop)
    stranger = (await make_shop(connection)).viewer
    with pytest.raises(NotFound):
        await pay(resources, shop, viewer=stranger)
    manager = Viewer(memberships={shop.seller.id: MemberRole.MANAGER})
    with pytest.raises(NotAllowed):
        await pay(resources, shop, viewer=manager)
    finance = Viewer(memberships={shop.seller.id: MemberRole.FINANCE})
    assert (await pay(resources, shop, viewer=finance)).status is STATUS.PAID


async def test_a_large_payout_waits_for_a_second_person(
    connection: Connection, resources: Resources, clock: ManualClock, shop: Shop
) -> None:
    careful = replace(
        resources,
        settings=resources.settings.model_copy(update={"payout_approval_over": {"EUR": 10_799}}),
    )
    await set_account(resources, shop)
    await earn(resources, shop)
    first = an_operator()
    payout = await pay(careful, shop, viewer=first)
    assert payout.status is STATUS.AWAITING_APPROVAL
    await sweep(careful, clock, timedelta(hours=1))
    assert await transfers(resources) == []
    assert await seller_owes(connection, shop) == {"payout_in_transit": 10_800}
    member = replace(an_operator(), memberships={shop.seller.id: MemberRole.OWNER})
    for wrong in (first, member, shop.viewer):
        with pytest.raises(NotAllowed):
            await payouts.approve_payout(careful.payouts, viewer=wrong, payout_id=payout.id)
    assert await wrong_with(connection, resources) == []
    second = an_operator()
    for _ in range(2):
        approved = await payouts.approve_payout(careful.payouts, viewer=second, payout_id=payout.id)
        assert (approved.status, approved.approved_by) == (STATUS.PAID, second.user_id)
    with pytest.raises(PayoutNotWaiting):
        await payouts.approve_payout(careful.payouts, viewer=an_operator(), payout_id=payout.id)
    assert len(await transfers(resources)) == 1
    assert await wrong_with(connection, resources) == []


async def test_a_payout_that_waits_may_be_called_back(
    connection: Connection, resources: Resources, clock: ManualClock, shop: Shop
) -> None:
    careful = replace(
        resources,
        settings=resources.settings.model_copy(update={"payout_approval_over": {"EUR": 0}}),
    )
    await set_account(resources, shop)
    await earn(resources, shop)
    payout = await pay(careful, shop)
    called_back = await payouts.cancel_payout(
        resources.payouts, viewer=an_operator(), payout_id=payout.id, reason="too much"
    )
    assert (called_back.status, called_back.failure_reason) == (STATUS.CANCELLED, "too much")
    assert await seller_owes(connection, shop) == {"available": 10_800}
    with pytest.raises(PayoutNotWaiting):
        await payouts.cancel_payout(
            resources.payouts, viewer=an_operator(), payout_id=payout.id, reason="too much"
        )
    with pytest.raises(PayoutNotWaiting):
        await payouts.approve_payout(careful.payouts, viewer=an_operator(), payout_id=payout.id)
    with pytest.raises(PayoutNotFailed):
        await payouts.retry_payout(
            resources.payouts, viewer=an_operator(), payout_id=payout.id, key=a_key()
        )
    paid = await pay(resources, shop)
    assert (paid.status, paid.amount_minor) == (STATUS.PAID, 10_800)
    assert await wrong_with(connection, resources) == []
