"""Chargebacks: heard in any order, frozen once, undone when won, booked when lost."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.errors import NotFound
from gosellr.core.transact import transact
from gosellr.flows import webhooks
from gosellr.integrations.payments.port import Outcome
from gosellr.integrations.payments.sandbox_script import SandboxScript
from gosellr.jobs import upkeep
from gosellr.queries.marketplace_stats import read_figures
from gosellr.resources import Resources
from gosellr.services.checkout_service import Tender
from gosellr.services.dispute_steps import DisputeStepRefused
from gosellr.services.refund_plan import RefundTooLarge
from gosellr.services.refund_ways import UnderChargeback
from gosellr.services.release_service import release_due
from tests.factories.accounts import User
from tests.factories.disputes import (
    accept,
    bank_decides,
    cases_of,
    delivered,
    hand_in,
    hear,
    network,
    open_case,
    pass_deadline,
    reread,
    say,
    take_back,
)
from tests.factories.payouts import HOLD, wrong_with
from tests.factories.sales import (
    Shop,
    balances,
    buy,
    cancel,
    make_buyer,
    make_commission,
    make_shop,
    pay_out,
    read,
    refund,
    seller_owes,
)
from tests.factories.terms import make_tax

NET = 10_800


async def told_refunded(connection: Connection) -> int:
    """What the market's statistics say has gone back to buyers."""
    [money] = (await read_figures(connection)).money
    return money.refunded_minor


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    await make_tax(connection, rate_bps=2000)
    await make_commission(connection)
    return await make_shop(connection, price_minor=12_000)


@pytest.fixture
async def buyer(connection: Connection) -> User:
    return await make_buyer(connection)


async def test_opened_freezes_and_won_undoes_it(
    resources: Resources, connection: Connection, shop: Shop, buyer: User
) -> None:
    order = await delivered(resources, (shop, 1), buyer=buyer)
    before = await balances(connection), await seller_owes(connection, shop)
    reference = await take_back(resources, order, fee_minor=1500)
    [case] = await cases_of(resources, order)
    assert (case.dispute.kind, case.dispute.status) == ("chargeback", "awaiting_seller")
    assert (case.dispute.amount_minor, case.dispute.frozen_minor) == (12_000, NET)
    assert await seller_owes(connection, shop) == {"reserve": NET}
    owned = await balances(connection)
    assert owned["dispute_receivable"] == 12_000
    assert owned["gateway_fee"] == 1500
    assert owned["gateway_clearing"] == -1500
    standing = await read(resources, order)
    assert (standing.payment_status, standing.payments[0].disputed_minor) == ("disputed", 12_000)
    assert standing.events[-1].kind == "chargeback_opened"
    assert await wrong_with(connection, resources) == []
    await bank_decides(resources, order, reference, won=True)
    [case] = await cases_of(resources, order)
    assert (case.dispute.status, case.dispute.outcome) == ("closed", "for_seller")
    assert case.chargeback is not None
    assert case.chargeback.status == "won"
    assert await seller_owes(connection, shop) == before[1]
    after = await balances(connection)
    assert after == before[0] | {"gateway_fee": 1500, "gateway_clearing": 12_000 - 1500}
    standing = await read(resources, order)
    assert (standing.payment_status, standing.payments[0].disputed_minor) == ("paid", 0)
    assert await wrong_with(connection, resources) == []


async def test_lost_is_a_refund_that_the_bank_has_made(
    resources: Resources, connection: Connection, shop: Shop, buyer: User
) -> None:
    order = await delivered(resources, (shop, 1), buyer=buyer)
    reference = await take_back(resources, order)
    await bank_decides(resources, order, reference, won=False)
    [case] = await cases_of(resources, order)
    assert (case.dispute.status, case.dispute.outcome, case.dispute.decided_by) == (
        "closed", "for_buyer", "provider",
    )  # fmt: skip
    after = await read(resources, order)
    assert (after.payment_status, after.refunded_minor) == ("refunded", 12_000)
    assert (after.lines[0].refunded_quantity, after.payments[0].refunded_minor) == (1, 0)
    # Everybody has given back their share, and nothing is left on the way.
    assert await balances(connection) == {}
    [given] = after.refunds
    assert (given.status, given.effects["seller"]["case_reserve_minor"]) == ("succeeded", NET)
    assert given.effects["commission_minor"] == 1000
    assert await wrong_with(connection, resources) == []


async def test_what_was_paid_out_is_owed(
    resources: Resources, connection: Connection, shop: Shop, buyer: User, clock: ManualClock
) -> None:
    order = await delivered(resources, (shop, 1), buyer=buyer)
    clock.advance(HOLD)
    await transact(resources.db, release_due, now=clock.now())
    await pay_out(resources, shop, NET)
    reference = await take_back(resources, order)
    assert await seller_owes(connection, shop) == {
        "reserve": NET, "receivable": NET, "payout_in_transit": NET,
    }  # fmt: skip
    await bank_decides(resources, order, reference, won=False)
    assert await seller_owes(connection, shop) == {"receivable": NET, "payout_in_transit": NET}


@pytest.mark.parametrize(
    "heard",
    [
        ["opened", "decided"],
        ["decided"],  # the first report was lost
        ["decided", "opened", "opened"],
        ["opened", "opened", "decided", "decided", "opened"],
    ],
    ids=["in order", "one lost", "late", "repeated"],
)
@pytest.mark.parametrize("won", [True, False])
async def test_reports_in_any_order_lead_to_the_same_books(
    resources: Resources,
    connection: Connection,
    shop: Shop,
    buyer: User,
    heard: list[str],
    won: bool,
) -> None:
    order = await delivered(resources, (shop, 1), buyer=buyer)
    reference = await take_back(resources, order, fee_minor=1500, heard=False)
    decided = False
    for report in heard:
        if report == "decided" and not decided:
            await bank_decides(resources, order, reference, won=won, heard=False)
            decided = True
        await hear(resources, order)
    assert await seller_owes(connection, shop) == ({"pending": NET} if won else {})
    kinds = await connection.fetch(
        "SELECT kind FROM ledger_transaction WHERE kind LIKE 'chargeback%' ORDER BY kind"
    )
    end = "chargeback_won" if won else "chargeback_lost"
    assert sorted(row["kind"] for row in kinds) == sorted(["chargeback_opened", end])
    assert await wrong_with(connection, resources) == []


async def test_signed_reports_come_in_by_the_door_late_and_twice(
    resources: Resources, connection: Connection, shop: Shop, buyer: User
) -> None:
    order = await delivered(resources, (shop, 1), buyer=buyer)
    gateway = network(resources)
    gateway._script = SandboxScript(extra_copies=2, reorder=True, seed=3)
    gateway.disputes._script = gateway._script
    reference = await take_back(resources, order, heard=False)
    await bank_decides(resources, order, reference, won=False, heard=False)
    kinds = []
    while deliveries := await gateway.pending_webhooks():
        kinds += [kind_of(one.body) for one in deliveries]
        await upkeep.deliver_sandbox_reports(resources)
    assert kinds.count("dispute.opened") == kinds.count("dispute.lost") == 3
    assert (await read(resources, order)).payment_status == "refunded"
    waiting = "SELECT count(*) FROM webhook_event WHERE applied_at IS NULL"
    assert await connection.fetchval(waiting) == 0
    assert await wrong_with(connection, resources) == []


def kind_of(body: bytes) -> str:
    kind: str = json.loads(body)["type"]
    return kind


async def test_a_silent_gateway_is_asked_again(
    resources: Resources, connection: Connection, shop: Shop, buyer: User
) -> None:
    order = await delivered(resources, (shop, 1), buyer=buyer)
    await upkeep.deliver_sandbox_reports(resources)

    class Silent:
        """A gateway whose disputes nobody hears of for now."""

        def __getattr__(self, name: str) -> object:
            return getattr(network(resources), name)

        name = "sandbox"

        async def disputes_of(self, **_: object) -> None:
            return None

        async def submit_evidence(self, _evidence: object) -> Outcome:
            return Outcome.UNKNOWN

    deaf = replace(resources, gateways={"sandbox": Silent()})  # type: ignore[dict-item]
    await take_back(resources, order, heard=False)
    [delivery] = await network(resources).pending_webhooks()
    await webhooks.receive(
        db=deaf.db, gateways=deaf.gateways, clock=deaf.clock, policy=deaf.policy,
        payout_powers=deaf.payouts, gateway="sandbox", headers=delivery.headers, body=delivery.body,
    )  # fmt: skip
    assert (await read(resources, order)).payment_status == "paid"
    await upkeep.apply_parked_reports(resources)
    assert (await read(resources, order)).payment_status == "disputed"


async def test_a_charge_over_several_sellers_splits_by_share(
    resources: Resources, connection: Connection, shop: Shop, buyer: User
) -> None:
    small = await make_shop(connection, price_minor=4000)
    order = await delivered(resources, (shop, 1), (small, 1), buyer=buyer)
    fees = resources.settings.model_copy(update={"chargeback_fee_borne_by": "seller"})
    market = replace(resources, settings=fees)
    reference = await take_back(market, order, amount_minor=8000, fee_minor=1001)
    cases = {one.dispute.seller_id: one.dispute for one in await cases_of(market, order)}
    assert cases[shop.seller.id].amount_minor == 6000
    assert cases[small.seller.id].amount_minor == 2000
    assert cases[shop.seller.id].frozen_minor == 5400
    assert (await seller_owes(connection, shop))["receivable"] == 751
    assert (await seller_owes(connection, small))["receivable"] == 250
    await bank_decides(market, order, reference, won=False)
    after = await read(market, order)
    assert (after.refunded_minor, after.payment_status) == (8000, "partially_refunded")
    assert await seller_owes(connection, shop) == {"pending": NET - 5400, "receivable": 751}
    # What the bank kept can't be refunded once more, and the rest can.
    assert await told_refunded(connection) == 8000
    assert (await refund(market, order, small, amount_minor=2000)).status == "succeeded"
    assert await told_refunded(connection) == 10_000
    assert await wrong_with(connection, market) == []


async def test_what_was_refunded_before_is_the_markets_loss_and_never_the_sellers(
    resources: Resources, connection: Connection, shop: Shop, buyer: User
) -> None:
    order = await delivered(resources, (shop, 1), buyer=buyer)
    await refund(resources, order, shop, amount_minor=9000)
    reference = await take_back(resources, order)
    [case] = await cases_of(resources, order)
    assert (case.dispute.amount_minor, case.dispute.frozen_minor) == (3000, 2700)
    assert await seller_owes(connection, shop) == {"reserve": 2700}
    await bank_decides(resources, order, reference, won=False)
    assert await seller_owes(connection, shop) == {}
    assert await balances(connection) == {"chargeback_loss": 9000, "gateway_clearing": -9000}
    assert await told_refunded(connection) == 12_000
    assert (await read(resources, order)).refunded_minor == 12_000
    assert await wrong_with(connection, resources) == []


async def test_of_what_was_refunded_wholly_nothing_is_frozen(
    resources: Resources, connection: Connection, shop: Shop, buyer: User
) -> None:
    order = await delivered(resources, (shop, 1), buyer=buyer)
    await refund(resources, order, shop, units=1)
    reference = await take_back(resources, order)
    [case] = await cases_of(resources, order)
    assert (case.dispute.amount_minor, case.dispute.frozen_minor) == (0, 0)
    assert await seller_owes(connection, shop) == {}
    await bank_decides(resources, order, reference, won=False)
    assert (await balances(connection))["chargeback_loss"] == 12_000
    assert (await read(resources, order)).payment_status == "refunded"
    assert await wrong_with(connection, resources) == []


@pytest.mark.parametrize("won", [True, False])
async def test_the_buyers_own_case_goes_into_the_banks(
    resources: Resources, connection: Connection, shop: Shop, buyer: User, won: bool
) -> None:
    order = await delivered(resources, (shop, 2), buyer=buyer)
    own = await open_case(resources, order, shop, viewer=buyer.viewer, units=1)
    reference = await take_back(resources, order)
    after = await reread(resources, own)
    assert (after.dispute.status, after.dispute.outcome) == ("closed", "superseded")
    assert await seller_owes(connection, shop) == {"reserve": 2 * NET}
    with pytest.raises(UnderChargeback):
        await open_case(resources, order, shop, viewer=buyer.viewer)
    await bank_decides(resources, order, reference, won=won)
    assert await seller_owes(connection, shop) == ({"pending": 2 * NET} if won else {})
    assert await wrong_with(connection, resources) == []
    if won:
        await open_case(resources, order, shop, viewer=buyer.viewer)


async def test_while_the_bank_decides_nothing_is_refunded_or_cancelled(
    resources: Resources, connection: Connection, shop: Shop, buyer: User
) -> None:
    order = await buy(resources, (shop, 1), buyer=buyer)
    reference = await take_back(resources, order)
    before = await balances(connection)
    with pytest.raises(UnderChargeback):
        await refund(resources, order, shop, units=1)
    with pytest.raises(UnderChargeback):
        await cancel(resources, order, viewer=shop.viewer, shop=shop)
    assert await balances(connection) == before
    assert (await read(resources, order)).status == "paid"
    # Lost before it was sent: it never will be.
    await bank_decides(resources, order, reference, won=False)
    assert (await read(resources, order)).status == "cancelled"
    assert await wrong_with(connection, resources) == []


async def test_another_tender_of_the_order_is_no_way_around_the_bank(
    resources: Resources, connection: Connection, shop: Shop, buyer: User
) -> None:
    two = [
        Tender(method="sandbox", token="tok_ok", amount_minor=5000),
        Tender(method="sandbox", token="tok_ok"),
    ]
    order = await delivered(resources, (shop, 1), buyer=buyer, tenders=two)
    reference = await take_back(resources, order)
    [case] = await cases_of(resources, order)
    assert (case.dispute.amount_minor, case.dispute.frozen_minor) == (5000, 4500)
    with pytest.raises(UnderChargeback):
        await refund(resources, order, shop, amount_minor=7000)
    await bank_decides(resources, order, reference, won=False)
    # Lost, what is left goes back through the other tender, and no more than that.
    with pytest.raises(RefundTooLarge):
        await refund(resources, order, shop, amount_minor=7001)
    await refund(resources, order, shop, amount_minor=7000)
    after = await read(resources, order)
    assert [one.refunded_minor for one in after.payments] == [0, 7000]
    assert await balances(connection) == {}
    assert await wrong_with(connection, resources) == []


async def test_sellers_words_files_and_parcels_go_to_the_bank_once(
    resources: Resources, connection: Connection, shop: Shop, buyer: User
) -> None:
    order = await delivered(resources, (shop, 1), buyer=buyer)
    reference = await take_back(resources, order)
    [case] = await cases_of(resources, order)
    with pytest.raises(NotFound):
        await say(resources, case, viewer=buyer.viewer)
    await hand_in(resources, case, viewer=shop.viewer)
    answered = await say(resources, case, viewer=shop.viewer, answer=True)
    assert answered.dispute.status == "awaiting_provider"
    assert await network(resources).disputes.evidence(reference=reference) is None
    for _ in range(2):
        await upkeep.send_dispute_evidence(resources)
    sent = await network(resources).disputes.evidence(reference=reference)
    assert sent is not None
    assert "It left us whole" in str(sent["statement"])
    assert sent["tracking_number"] == "JD0001"
    assert sent["files"] == [
        {"name": "receipt.pdf", "content_type": "application/pdf", "byte_size": 18}
    ]
    [case] = await cases_of(resources, order)
    assert case.chargeback is not None
    assert case.chargeback.evidence_sent_at == resources.clock.now()
    with pytest.raises(DisputeStepRefused):
        await hand_in(resources, case, viewer=shop.viewer)


async def test_a_sellers_silence_sends_what_there_is(
    resources: Resources, shop: Shop, buyer: User
) -> None:
    order = await delivered(resources, (shop, 1), buyer=buyer)
    reference = await take_back(resources, order)
    [case] = await cases_of(resources, order)
    after = await pass_deadline(resources, case)
    assert after.dispute.status == "awaiting_provider"
    await upkeep.send_dispute_evidence(resources)
    sent = await network(resources).disputes.evidence(reference=reference)
    assert sent is not None
    assert str(sent["statement"]).startswith("Parcel by dhl, JD0001: delivered")


async def test_who_concedes_hands_nothing_in(resources: Resources, shop: Shop, buyer: User) -> None:
    order = await delivered(resources, (shop, 1), buyer=buyer)
    reference = await take_back(resources, order)
    [case] = await cases_of(resources, order)
    await accept(resources, case, viewer=shop.viewer)
    await upkeep.send_dispute_evidence(resources)
    assert await network(resources).disputes.evidence(reference=reference) is None
    await bank_decides(resources, order, reference, won=False)
    [case] = await cases_of(resources, order)
    assert case.dispute.status == "closed"


async def test_a_second_chargeback_of_the_rest_is_one_of_its_own(
    resources: Resources, connection: Connection, shop: Shop, buyer: User
) -> None:
    order = await delivered(resources, (shop, 1), buyer=buyer)
    first = await take_back(resources, order, amount_minor=2000)
    await bank_decides(resources, order, first, won=False)
    second = await take_back(resources, order)
    [_, case] = await cases_of(resources, order)
    assert case.dispute.amount_minor == 10_000
    await bank_decides(resources, order, second, won=True)
    assert (await read(resources, order)).payment_status == "partially_refunded"
    assert await seller_owes(connection, shop) == {"pending": NET - 1800}
    assert await wrong_with(connection, resources) == []


async def test_money_that_a_bank_holds_for_too_long_is_stuck(
    resources: Resources, connection: Connection, shop: Shop, buyer: User, clock: ManualClock
) -> None:
    order = await delivered(resources, (shop, 1), buyer=buyer)
    await take_back(resources, order)
    [case] = await cases_of(resources, order)
    await accept(resources, case, viewer=shop.viewer)
    clock.advance(timedelta(days=151))
    found = {one.number: one for one in await wrong_with(connection, resources)}
    assert [one.row for one in found[24].rows] == [f"dispute_receivable:sandbox order {order.id}"]
