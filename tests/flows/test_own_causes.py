"""Nobody decides their own cause, whatever else they are in the market."""

from dataclasses import replace

import pytest

from gosellr.core.db import Connection
from gosellr.core.errors import NotAllowed, NotFound
from gosellr.core.transact import ask, transact
from gosellr.flows import bank_files
from gosellr.resources import Resources
from gosellr.services import (
    connected_account_service,
    dispute_preview,
    dispute_questions,
    payout_settings_service,
    recovery_service,
    value_requests,
)
from gosellr.services.dispute_argument import Award
from gosellr.services.dispute_steps import DisputeStepRefused
from gosellr.services.order_steps import TransitionRefused
from gosellr.utils.order_states import OrderStatus
from gosellr.utils.permissions import MemberRole, Role
from gosellr.utils.viewer import Viewer
from tests.factories.accounts import make_operator
from tests.factories.disputes import accept, decide, delivered, open_case, reread, say
from tests.factories.payouts import an_operator, pay, set_account
from tests.factories.payouts import reread as payout_now
from tests.factories.sales import (
    a_key,
    make_buyer,
    make_shop,
    read,
    refund,
    seller_owes,
    step,
)
from tests.flows.test_bank_files import a_shop, make, with_bank


def at_work(viewer: Viewer) -> Viewer:
    """The same person, running the market as well."""
    return replace(viewer, roles=viewer.roles | {Role.OPERATOR})


@pytest.mark.parametrize("side", ["buyer", "owner", "viewer"])
async def test_an_operator_is_a_party_to_their_own_case_and_nothing_else(
    resources: Resources, connection: Connection, side: str
) -> None:
    shop = await make_shop(connection, price_minor=5000)
    buyer = await make_buyer(connection)
    order = await delivered(resources, (shop, 1), buyer=buyer)
    case = await open_case(resources, order, shop, viewer=buyer.viewer)
    member = replace(an_operator(), memberships={shop.seller.id: MemberRole.VIEWER})
    judge = {
        "buyer": at_work(buyer.viewer), "owner": at_work(shop.viewer), "viewer": member,
    }[side]  # fmt: skip
    with pytest.raises((DisputeStepRefused, NotAllowed)):
        await decide(resources, case, share_bps=10_000, viewer=judge)
    with pytest.raises((DisputeStepRefused, NotAllowed)):
        await ask(
            resources.db,
            dispute_preview.preview_award,
            viewer=judge,
            dispute_id=case.dispute.id,
            award=Award(share_bps=1, reason="of my own"),
            policy=resources.policy,
        )
    after = await reread(resources, case)
    assert after.dispute == case.dispute
    shown = dispute_questions.actions_of(judge, dispute=after.dispute, is_buyer=side == "buyer")
    assert "decide" not in shown
    if side != "viewer":
        said = await say(resources, case, viewer=judge)
        assert said.messages[-1].author == {"buyer": "buyer", "owner": "seller"}[side]
        closed = await accept(resources, case, viewer=judge)
        assert closed.dispute.outcome == {"buyer": "withdrawn", "owner": "accepted"}[side]
    else:
        assert (await decide(resources, case, share_bps=0)).dispute.status == "decided"
    assert (await read(resources, order)).number == order.number


async def test_an_operator_decides_nothing_about_the_debts_and_payouts_of_their_own_shop(
    resources: Resources, connection: Connection
) -> None:
    shop = await make_shop(connection)
    own, now = at_work(shop.viewer), resources.clock.now()
    about = {"viewer": own, "seller_id": shop.seller.id, "now": now}
    for command, more in (
        (payout_settings_service.hold, {"reason": None}),
        (payout_settings_service.hold, {"reason": "mine"}),
        (recovery_service.end_plan, {"currency": "EUR"}),
        (
            recovery_service.agree,
            {
                "currency": "EUR",
                "terms": {"kind": "share", "share_bps": 1},
                "starts_at": None,
                "note": "",
            },
        ),
    ):
        with pytest.raises(NotAllowed, match="own shop"):
            await transact(resources.db, command, **about, **more)
    assert await connection.fetchval("SELECT count(*) FROM payout_settings") == 0


async def test_nobody_grants_credit_to_themselves(
    resources: Resources, connection: Connection
) -> None:
    now = resources.clock.now()
    operator = await make_operator(connection, now=now)
    with pytest.raises(NotAllowed, match="themselves"):
        await transact(
            resources.db,
            value_requests.grant,
            viewer=operator.viewer,
            user_id=operator.id,
            amount_minor=100,
            currency="EUR",
            reason="for me",
            key=a_key(),
            policy=resources.policy,
            now=now,
        )
    assert await connection.fetchval("SELECT count(*) FROM store_credit_grant") == 0


async def test_support_reads_no_secret_of_a_shop_by_having_one_of_its_own(
    resources: Resources, connection: Connection
) -> None:
    shop, own = await make_shop(connection), await make_shop(connection)
    await set_account(resources, shop)
    await set_account(resources, own)
    await transact(
        resources.db,
        connected_account_service.begin,
        viewer=shop.viewer,
        seller_id=shop.seller.id,
        provider="stripe",
        now=resources.clock.now(),
    )
    helper = replace(own.viewer, roles=own.viewer.roles | {Role.SUPPORT})
    find = payout_settings_service.find_destination
    with pytest.raises(NotFound):
        await ask(resources.db, find, viewer=helper, seller_id=shop.seller.id)
    with pytest.raises(NotFound):
        await ask(
            resources.db,
            connected_account_service.find_account,
            viewer=helper,
            seller_id=shop.seller.id,
            provider="stripe",
        )
    # What is their own they read as its owner, and when payouts come as helpers.
    assert (await ask(resources.db, find, viewer=helper, seller_id=own.seller.id)).last_four
    settings = payout_settings_service.find_settings
    assert await ask(resources.db, settings, viewer=helper, seller_id=shop.seller.id)
    operator = at_work(own.viewer)
    assert await ask(resources.db, find, viewer=operator, seller_id=shop.seller.id)


async def test_an_operator_frees_no_money_of_their_own_shop_before_its_time(
    resources: Resources, connection: Connection
) -> None:
    shop = await make_shop(connection, price_minor=5000)
    order = await delivered(resources, (shop, 1), buyer=await make_buyer(connection))
    with pytest.raises(TransitionRefused):
        await step(resources, order, OrderStatus.COMPLETED, viewer=at_work(shop.viewer))
    assert await seller_owes(connection, shop) == {"pending": 5000}
    await step(resources, order, OrderStatus.COMPLETED, viewer=an_operator())
    assert await seller_owes(connection, shop) == {"available": 5000}


@pytest.mark.parametrize("by_marketplace", [False, True])
async def test_an_operator_refunds_nothing_that_they_bought_themselves(
    resources: Resources, connection: Connection, by_marketplace: bool
) -> None:
    shop = await make_shop(connection, price_minor=5000)
    buyer = await make_buyer(connection)
    order = await delivered(resources, (shop, 1), buyer=buyer)
    asked = {"amount_minor": 100, "by_marketplace": by_marketplace}
    with pytest.raises(NotAllowed, match="bought"):
        await refund(resources, order, shop, viewer=at_work(buyer.viewer), **asked)
    assert (await read(resources, order)).refunded_minor == 0
    # A shop gives back what it likes, also to those who belong to it.
    member = replace(at_work(buyer.viewer), memberships=shop.viewer.memberships)
    if by_marketplace:
        with pytest.raises(NotAllowed, match="bought"):
            await refund(resources, order, shop, viewer=member, **asked)
    else:
        await refund(resources, order, shop, viewer=member, **asked)
    other = (await make_operator(connection, now=resources.clock.now())).viewer
    await refund(resources, order, shop, viewer=other, **asked)


async def test_an_operator_lets_the_market_pay_for_no_refund_of_their_own_shop(
    resources: Resources, connection: Connection
) -> None:
    shop = await make_shop(connection, price_minor=5000)
    order = await delivered(resources, (shop, 1), buyer=await make_buyer(connection))
    own = at_work(shop.viewer)
    with pytest.raises(NotAllowed, match="own shop"):
        await refund(resources, order, shop, viewer=own, amount_minor=100, by_marketplace=True)
    assert (await read(resources, order)).refunded_minor == 0
    given = await refund(resources, order, shop, viewer=own, amount_minor=100)
    assert (given.borne_by, given.amount_minor) == ("seller", 100)
    assert await seller_owes(connection, shop) == {"pending": 4900}


async def test_an_operator_says_of_no_payout_of_their_own_shop_that_it_failed(
    resources: Resources, connection: Connection
) -> None:
    market = with_bank(resources)
    shop = await a_shop(connection, market)
    paid = await pay(market, shop)
    file_id = (await make(market)).value.id
    own = at_work(shop.viewer)
    with pytest.raises(NotAllowed, match="own shop"):
        await bank_files.execute_file(
            market.payouts, viewer=own, file_id=file_id, failed={paid.id: "it came back"}
        )
    with pytest.raises(NotAllowed, match="own shop"):
        await bank_files.reject_file(
            market.payouts, viewer=own, file_id=file_id, reason="never sent"
        )
    await bank_files.execute_file(market.payouts, viewer=own, file_id=file_id, failed={})
    with pytest.raises(NotAllowed, match="own shop"):
        await bank_files.fail_payout(
            market.payouts, viewer=own, payout_id=paid.id, reason="it came back"
        )
    assert (await payout_now(market, paid)).status == "paid"
    failed = await bank_files.fail_payout(
        market.payouts, viewer=an_operator(), payout_id=paid.id, reason="it came back"
    )
    assert failed.status == "failed"
