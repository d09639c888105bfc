"""Two who decide at once, and one who says much at once: each thing is done once, and no more than
one person may say is said by one."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from gosellr.core.errors import VersionConflict
from gosellr.core.transact import transact
from gosellr.flows import bank_transfers, proposals, told_by_hand
from gosellr.jobs.audit import audit_market
from gosellr.models.order_values import Order
from gosellr.models.proposal_values import Proposal
from gosellr.resources import Resources
from gosellr.services import commission_proposals, commission_service, proposal_service
from gosellr.services.hand_refund_service import SentTransfer
from gosellr.services.receipt_service import TakenReceipt
from gosellr.utils.bank_lines import BankLine
from gosellr.utils.permissions import Role
from gosellr.utils.viewer import Viewer
from tests.factories.sales import Shop, buy, make_commission, make_shop, read, refund
from tests.factories.stored_value import operator
from tests.factories.transfers import BY_TRANSFER, VALUE_DATE, arrive, offline, transfer_of
from tests.races.test_payout_races import waits_or_ends
from tests.races.test_refund_races import outcomes

LIMIT = 4_999


@pytest.fixture
async def market(live: Resources) -> Resources:
    """Above 49.99 a second person has to agree; also to commission."""
    await transact(live.db, make_commission)
    market = offline(live)
    limits: dict[str, Any] = {"transfer_approval_over": {"EUR": LIMIT}, "commission_approval": True}
    return replace(market, settings=market.settings.model_copy(update=limits))


async def tell(
    market: Resources, viewer: Viewer, amount_minor: int, *, text: str = "", name: str | None = None
) -> TakenReceipt | Proposal:
    line = BankLine(
        transaction_id=name or uuid4().hex,
        amount_minor=amount_minor,
        currency="EUR",
        value_date=VALUE_DATE,
        text=text,
    )
    return await told_by_hand.take_receipt(market.transfers, viewer=viewer, line=line)


async def approve(market: Resources, viewer: Viewer, made: object) -> Proposal:
    assert isinstance(made, Proposal)
    return await proposals.approve(
        market.transfers, market.payouts, market.refunds, viewer=viewer, proposal_id=made.id
    )


async def reject(market: Resources, viewer: Viewer, made: object) -> Proposal:
    assert isinstance(made, Proposal)
    return await transact(
        market.db, proposal_service.reject, viewer=viewer, proposal_id=made.id, reason="no",
        now=market.clock.now(),
    )  # fmt: skip


async def taken(market: Resources) -> list[int]:
    async with market.db.connection() as connection:
        rows = await connection.fetch("SELECT amount_minor FROM provider_movement ORDER BY 1")
    return [row["amount_minor"] for row in rows]


async def is_sound(market: Resources) -> bool:
    return await audit_market(market.db, gateways=market.gateways, now=market.clock.now()) == []


async def ordered(market: Resources) -> tuple[Order, Shop, str]:
    """An order of 100.00 that waits for a transfer, its shop, and the transfer's reference."""
    shop = await transact(market.db, make_shop)
    order = await buy(market, (shop, 2), tenders=BY_TRANSFER)
    return order, shop, transfer_of(order).gateway_reference or ""


async def test_what_one_person_says_at_once_counts_together(market: Resources) -> None:
    one, other = await operator(market), await operator(market)

    async def at_once(*words: Awaitable[TakenReceipt | Proposal]) -> list[int]:
        told = await asyncio.gather(*words)
        return sorted(each.amount_minor for each in told if isinstance(each, TakenReceipt))

    # Of each person as much as 49.99 hold, when they have said nothing before and when they have.
    assert (
        await at_once(
            *(tell(market, one, 2_000) for _ in range(6)),
            *(tell(market, other, 1_500) for _ in range(5)),
        )
        == [1_500] * 3 + [2_000] * 2
    )
    assert await at_once(*(tell(market, one, 333) for _ in range(6))) == [333] * 3
    assert await at_once(*(tell(market, one, 1) for _ in range(3))) == []
    assert await is_sound(market)


async def test_refunds_and_receipts_said_at_once_count_together(market: Resources) -> None:
    viewer = await operator(market)
    order, shop, reference = await ordered(market)
    await arrive(market, 10_000, text=reference)
    for _ in range(3):
        await refund(market, order, shop, amount_minor=2_000)
    waiting = (await bank_transfers.list_to_send(market.transfers, cursor=None, limit=10)).items
    assert len(waiting) == 3
    said = await asyncio.gather(
        *(
            bank_transfers.mark_sent(
                market.transfers,
                viewer=viewer,
                hand_refund_id=one.refund.id,
                sent=SentTransfer(transaction_id=uuid4().hex, sent_at=VALUE_DATE),
                account=None,
            )
            for one in waiting
        ),
        *(tell(market, viewer, 2_000) for _ in range(3)),
    )
    assert sum(isinstance(one, Proposal) for one in said) == 4
    assert await is_sound(market)


async def test_two_who_agree_at_once_do_it_once(market: Resources) -> None:
    one, *others = [await operator(market) for _ in range(5)]
    order, _, reference = await ordered(market)
    made = await tell(market, one, 10_000, text=reference)
    seen = await outcomes(*(approve(market, each, made) for each in (*others, *others)))
    # Whoever did it may say so again.
    assert seen == {"done": 2, "proposal_not_open": 6}
    assert (await taken(market), (await read(market, order)).status) == ([10_000], "paid")
    assert await is_sound(market)


async def test_agreed_to_or_turned_down_and_never_both(market: Resources) -> None:
    one, second, third = [await operator(market) for _ in range(3)]
    for number in range(4):
        before = await taken(market)
        made = await tell(market, one, 5_000)
        words = [approve(market, second, made), reject(market, third, made)]
        seen = await outcomes(*(words if number % 2 else reversed(words)))
        assert seen == {"done": 1, "proposal_not_open": 1}
        assert isinstance(made, Proposal)
        after = await proposal(market, made)
        assert len(await taken(market)) - len(before) == (after.status == "approved")
        assert after.decided_by == (second.user_id if after.status == "approved" else third.user_id)
    assert await is_sound(market)


async def proposal(market: Resources, made: Proposal) -> Proposal:
    async with market.db.connection() as connection:
        return await proposal_service.find(connection, proposal_id=made.id)


async def test_one_of_many_proposals_about_one_thing_waits(market: Resources) -> None:
    people = [await operator(market) for _ in range(5)]
    seen = await outcomes(*(tell(market, each, 5_000, name="IN-1") for each in people))
    assert seen == {"done": 1, "proposal_waits": 4}


async def test_two_transfers_for_one_order_agreed_to_at_once_pay_it_once(
    market: Resources,
) -> None:
    one, second, third = [await operator(market) for _ in range(3)]
    order, _, reference = await ordered(market)
    made = []
    for name in ("IN-1", "IN-2"):
        receipt = await tell(market, one, 10_000, name=name)
        await approve(market, second, receipt)
        assert isinstance(receipt, Proposal)
        made.append(
            await told_by_hand.assign(
                market.transfers, viewer=one, receipt_id=receipt.id, reference=reference
            )
        )
    seen = await outcomes(approve(market, second, made[0]), approve(market, third, made[1]))
    assert seen == {"done": 1, "transfer_not_asked": 1}
    paid = await read(market, order)
    assert (paid.status, paid.captured_minor) == ("paid", 10_000)
    statuses = [
        (await proposal(market, each)).status for each in made if isinstance(each, Proposal)
    ]
    assert sorted(statuses) == ["approved", "prepared"]
    assert await is_sound(market)


async def test_a_rule_is_changed_by_one_of_two_who_agree_to_it(market: Resources) -> None:
    one, *others = [await operator(market) for _ in range(4)]
    async with market.db.connection() as connection:
        rule_id = await connection.fetchval("SELECT id FROM commission_rule")
    made = await transact(
        market.db,
        commission_proposals.change,
        viewer=one,
        policy=market.policy,
        rule_id=rule_id,
        version=None,
        changes={"rate_bps": 900},
        reason="",
        now=market.clock.now(),
    )
    seen = await outcomes(*(approve(market, each, made) for each in others))
    assert seen == {"done": 1, "proposal_not_open": 2}
    async with market.db.connection() as connection:
        rows = await connection.fetch(
            "SELECT rate_bps, version FROM commission_rule WHERE archived_at IS NULL"
        )
    assert [tuple(row) for row in rows] == [(900, 2)]


@pytest.mark.parametrize("does_end", [True, False])
async def test_nobody_alone_touches_a_rule_that_has_just_become_their_own_shop_s(
    market: Resources, does_end: bool
) -> None:
    """Whose it is, is looked at before the rules are locked."""
    alone = replace(market.policy, commission_approval=False)
    shop, other = await transact(market.db, make_shop), await operator(market)
    own = replace(shop.viewer, roles=frozenset({Role.OPERATOR}))
    now = market.clock.now()
    async with market.db.connection() as connection:
        rule_id = await connection.fetchval(
            "SELECT id FROM commission_rule WHERE archived_at IS NULL"
        )

    async def touch() -> None:
        about = {"viewer": own, "policy": alone, "rule_id": rule_id, "reason": "", "now": now}
        if does_end:
            await transact(market.db, commission_proposals.end, **about)
        else:
            change = {"version": None, "changes": {"rate_bps": 1}}
            await transact(market.db, commission_proposals.change, **change, **about)

    async with market.db.connection() as connection, connection.transaction():
        moved = await commission_proposals.change(
            connection, viewer=other, policy=alone, rule_id=rule_id, version=None,
            changes={"seller_id": shop.seller.id}, reason="", now=now,
        )  # fmt: skip
        late = asyncio.create_task(touch())
        await waits_or_ends(market, late)
    with pytest.raises(VersionConflict):
        await late
    async with market.db.connection() as connection:
        assert await commission_service.find_rule(connection, rule_id=rule_id) == moved
