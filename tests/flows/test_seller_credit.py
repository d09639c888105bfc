"""Store credit that a shop gives its buyer: its own money, never more than there is of it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.errors import InvalidInput, NotAllowed, NotFound
from gosellr.core.transact import ask, transact
from gosellr.models.proposal_values import Proposal
from gosellr.resources import Resources
from gosellr.services import (
    explanation_service,
    history_service,
    payout_settings_service,
    period_figures,
    seller_credit_service,
    seller_service,
    statement_service,
)
from gosellr.services.idempotency_service import IdempotencyKeyReused
from gosellr.services.ledger_service import InsufficientBalance
from gosellr.services.payout_terms import NothingToPayOut, PayoutsHeld
from gosellr.services.refund_plan import NotPaid
from gosellr.services.seller_service import SellerStep
from gosellr.utils.explanations import explain
from gosellr.utils.payouts import PayoutStatus
from gosellr.utils.permissions import MemberRole
from gosellr.utils.statements import describe, describe_to_holder
from gosellr.utils.viewer import Viewer
from tests.factories.accounts import User, add_member
from tests.factories.balances import approve, prepare
from tests.factories.letters import mails, open_room, send, text_of, write
from tests.factories.payouts import an_operator, earn, pay, set_account, wrong_with
from tests.factories.sales import (
    NOW,
    Shop,
    a_key,
    balances,
    buy,
    make_buyer,
    make_commission,
    make_shop,
    part_of,
    seller_owes,
)
from tests.factories.stored_value import (
    ask_to_give,
    by_bank,
    by_credit,
    credit_of,
    give_credit,
)

NET = 880


@pytest.fixture
async def shop(connection: Connection, resources: Resources) -> Shop:
    """10.00 a piece, of which 8.80 are the shop's; it is paid to an account."""
    await make_commission(connection)
    shop = await make_shop(connection, price_minor=1000)
    await set_account(resources, shop)
    return shop


@pytest.fixture
async def buyer(connection: Connection) -> User:
    return await make_buyer(connection)


async def test_a_shop_gives_its_own_money_and_everybody_reads_of_it(
    connection: Connection, resources: Resources, clock: ManualClock, shop: Shop, buyer: User
) -> None:
    order = await earn(resources, shop, 3, buyer=buyer)
    before = await balances(connection)
    given = await give_credit(resources, order, shop, 500)
    assert (given.user_id, given.seller_id, given.granted_by) == (
        buyer.id, shop.seller.id, shop.seller.owner.id,
    )  # fmt: skip
    assert await seller_owes(connection, shop) == {"available": 3 * NET - 500}
    assert await credit_of(resources, buyer) == {"EUR": 500}
    after = await balances(connection)
    assert after == {
        **before, "seller_available": before["seller_available"] + 500, "store_credit": -500,
    }  # fmt: skip

    # The shop reads it among its transactions, and in its month.
    [move, *_] = (
        await ask(
            resources.db, statement_service.seller_movements, viewer=shop.viewer,
            seller_id=shop.seller.id, currency="EUR", pot=None, cursor=None, limit=10,
        )
    ).items  # fmt: skip
    assert (move.kind, move.order_id, move.change_minor) == (
        "seller_credit_granted", order.id, -500,
    )  # fmt: skip
    words = describe(kind=move.kind, account=move.account, is_credit=False)
    assert words == "Store credit given to a buyer"
    [month] = await period_figures.read(
        connection, seller_id=shop.seller.id, since=NOW, until=clock.now() + timedelta(days=1),
        vat_jurisdiction="DE",
    )  # fmt: skip
    told = {group.key: group.amount_minor for group in month.figures.groups}
    assert told["seller_credit_granted"] == -500
    assert month.figures.closing_minor == 3 * NET - 500
    # And so do its buyer, and whoever explains the order.
    [got] = (
        await ask(
            resources.db, history_service.credit_movements, viewer=buyer.viewer, currency=None,
            cursor=None, limit=10,
        )
    ).items  # fmt: skip
    assert (describe_to_holder(got.kind), got.change_minor) == ("Given by a shop", 500)
    explained = await ask(
        resources.db, explanation_service.explain, subject=str(order.id), limit=50
    )
    [gift] = [one for one in explained.transactions if one.kind == "seller_credit_granted"]
    assert explain(gift.kind, gift.entries) == (
        "A buyer was granted 5.00 EUR of store credit at a shop's cost."
    )
    assert gift.facts["reason"] == "Sorry for the scratch"

    # Spent elsewhere it is that shop's sale; what is left of the money is paid out.
    other = await make_shop(connection, price_minor=500)
    spent = await buy(resources, (other, 1), buyer=buyer, tenders=(by_credit(),))
    assert spent.status == "paid"
    paid = await pay(resources, shop)
    assert (paid.status, paid.amount_minor) == (PayoutStatus.PAID, 3 * NET - 500)
    assert await seller_owes(connection, shop) == {}
    assert await wrong_with(connection, resources) == []


async def test_no_more_is_given_than_is_there(
    connection: Connection, resources: Resources, shop: Shop, buyer: User
) -> None:
    order = await earn(resources, shop, buyer=buyer)
    # What isn't released yet is no money to give away.
    await buy(resources, (shop, 5), buyer=buyer)
    with pytest.raises(InsufficientBalance) as refused:
        await give_credit(resources, order, shop, NET + 1)
    assert refused.value.extras == {"left": {"amount": NET, "currency": "EUR"}}
    with pytest.raises(InsufficientBalance):
        await give_credit(resources, order, shop, 1, currency="USD")
    for amount in (0, -1):
        with pytest.raises(InvalidInput):
            await give_credit(resources, order, shop, amount)
    assert await credit_of(resources, buyer) == {}
    await give_credit(resources, order, shop, NET)
    with pytest.raises(NothingToPayOut):
        await pay(resources, shop)
    with pytest.raises(InsufficientBalance):
        await give_credit(resources, order, shop, 1)
    assert await credit_of(resources, buyer) == {"EUR": NET}
    assert await wrong_with(connection, resources) == []


async def test_debts_come_first(
    connection: Connection, resources: Resources, shop: Shop, buyer: User
) -> None:
    order = await earn(resources, shop, buyer=buyer)
    debt = f"seller_receivable:{shop.seller.id}"
    charged = await prepare(resources, (debt, "debit", 300), ("fee_income", "credit", 300))
    await approve(resources, charged.id)
    assert await seller_owes(connection, shop) == {"available": NET, "receivable": 300}
    with pytest.raises(InsufficientBalance) as refused:
        await give_credit(resources, order, shop, NET - 299)
    assert refused.value.extras == {"left": {"amount": NET - 300, "currency": "EUR"}}
    await give_credit(resources, order, shop, NET - 300)
    # What is left is just what a payout takes for the debt.
    with pytest.raises(NothingToPayOut):
        await pay(resources, shop)
    assert await credit_of(resources, buyer) == {"EUR": NET - 300}
    assert await wrong_with(connection, resources) == []


async def test_the_same_request_is_one_gift(resources: Resources, shop: Shop, buyer: User) -> None:
    order = await earn(resources, shop, buyer=buyer)
    once = await give_credit(resources, order, shop, 100, key="once")
    assert await give_credit(resources, order, shop, 100, key="once") == once
    assert await credit_of(resources, buyer) == {"EUR": 100}


async def test_whom_it_may_not_come_from_or_go_to(
    connection: Connection, resources: Resources, shop: Shop, buyer: User
) -> None:
    order = await earn(resources, shop, buyer=buyer)
    other = await make_shop(connection, price_minor=1000)
    manager, finance = [
        await add_member(connection, now=NOW, seller=shop.seller, role=role)
        for role in (MemberRole.MANAGER, MemberRole.FINANCE)
    ]

    async def as_member(user: User, role: MemberRole) -> Viewer:
        return replace(user.viewer, memberships={shop.seller.id: role})

    for viewer, refusal in (
        (an_operator(), NotAllowed),
        (await as_member(manager, MemberRole.MANAGER), NotAllowed),
        (other.viewer, NotFound),
        (buyer.viewer, NotFound),
    ):
        with pytest.raises(refusal):
            await give_credit(resources, order, shop, 100, viewer=viewer)
    # Not to oneself, nor to anybody of the shop, whoever gives it.
    for own in (shop.seller.owner, manager, finance):
        bought = await buy(resources, (shop, 1), buyer=own)
        with pytest.raises(NotAllowed, match="its own people"):
            await give_credit(resources, bought, shop, 100)
    guests = await buy(resources, (shop, 1))
    with pytest.raises(InvalidInput, match="no account"):
        await give_credit(resources, guests, shop, 100)
    await give_credit(
        resources, order, shop, 100, viewer=await as_member(finance, MemberRole.FINANCE)
    )
    assert await credit_of(resources, buyer) == {"EUR": 100}
    assert await wrong_with(connection, resources) == []


async def test_who_has_not_paid_is_no_buyer(resources: Resources, shop: Shop, buyer: User) -> None:
    await earn(resources, shop, buyer=buyer)
    waits = await buy(resources, (shop, 1), buyer=buyer, tenders=(by_bank("tok_declined"),))
    with pytest.raises(NotPaid):
        await give_credit(resources, waits, shop, 100)


async def test_what_holds_payouts_holds_gifts(
    connection: Connection, resources: Resources, clock: ManualClock, shop: Shop, buyer: User
) -> None:
    order = await earn(resources, shop, buyer=buyer)
    hold: Any = {"viewer": an_operator(), "seller_id": shop.seller.id, "now": clock.now()}
    await transact(resources.db, payout_settings_service.hold, reason="papers", **hold)
    with pytest.raises(PayoutsHeld, match="papers"):
        await give_credit(resources, order, shop, 100)
    await transact(resources.db, payout_settings_service.hold, reason=None, **hold)
    await give_credit(resources, order, shop, 100)
    await transact(
        resources.db, seller_service.move_seller, step=SellerStep.SUSPEND, reason="x", **hold
    )
    with pytest.raises(PayoutsHeld, match="suspended"):
        await give_credit(resources, order, shop, 100)
    assert await credit_of(resources, buyer) == {"EUR": 100}
    assert await wrong_with(connection, resources) == []


async def test_gifts_and_payouts_of_a_day_count_together(
    connection: Connection, resources: Resources, clock: ManualClock, shop: Shop, buyer: User
) -> None:
    order = await earn(resources, shop, 3, buyer=buyer)
    limit = {"payout_approval_over": {"EUR": 1000}}
    careful = replace(resources, settings=resources.settings.model_copy(update=limit))
    await give_credit(careful, order, shop, 400)
    made = await ask_to_give(careful, order, shop, 601)
    assert isinstance(made, Proposal), "what is above it takes two"
    await give_credit(careful, order, shop, 600)
    # Neither does the rest leave as a payout on one person's word.
    assert (await pay(careful, shop)).status is PayoutStatus.AWAITING_APPROVAL
    assert await wrong_with(connection, resources) == []
    later = await earn(careful, shop, buyer=buyer)
    await give_credit(careful, later, shop, NET)
    assert await credit_of(resources, buyer) == {"EUR": 1000 + NET}


async def test_a_key_stands_for_one_gift(resources: Resources, shop: Shop, buyer: User) -> None:
    order = await earn(resources, shop, buyer=buyer)
    key = a_key("k")
    asked: Any = {
        "viewer": shop.viewer, "order_id": order.id, "seller_order_id": part_of(order, shop).id,
        "currency": "EUR", "reason": "x", "policy": resources.policy,
        "now": resources.clock.now(),
    }  # fmt: skip
    await transact(resources.db, seller_credit_service.give, amount_minor=1, key=key, **asked)
    with pytest.raises(IdempotencyKeyReused):
        await transact(
            resources.db, seller_credit_service.give, amount_minor=2,
            key=replace(key, request_hash=b"another"), **asked,
        )  # fmt: skip
    assert await credit_of(resources, buyer) == {"EUR": 1}


async def test_its_buyer_gets_one_letter(
    connection: Connection, resources: Resources, shop: Shop, buyer: User
) -> None:
    order = await earn(resources, shop, buyer=buyer)
    await open_room(resources, connection)
    for _ in range(2):
        await give_credit(resources, order, shop, 500, key="once")
    [letter] = [one for one in await write(resources, connection) if one["kind"] != "welcome"]
    assert (letter["kind"], letter["recipient"]) == ("credit_given", order.email)
    await send(resources)
    [mail] = [one for one in mails(resources) if "gives you" in one["Subject"]]
    text = text_of(mail)
    for words in (shop.seller.name, "€5.00", "Sorry for the scratch"):
        assert words in text, words
