"""Death at every step of a second person's word, and of a change that is withdrawn: done once."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from gosellr.core.errors import Conflict
from gosellr.core.identity import derived_token
from gosellr.core.transact import transact
from gosellr.flows import bank_transfers, payout_withdrawals, proposals, refunds, told_by_hand
from gosellr.flows.payout_withdrawals import WITHDRAWAL_TOKEN_PURPOSE
from gosellr.integrations.payouts.sandbox import Behaviour
from gosellr.models.proposal_values import Proposal
from gosellr.resources import Resources
from gosellr.services.hand_refund_service import SentTransfer
from gosellr.services.payout_withdrawal_service import TooLateToWithdraw
from gosellr.services.refund_plan import RefundRequest
from gosellr.utils.bank_lines import BankLine
from tests.factories.payouts import ACCOUNTS, set_account
from tests.factories.sales import a_key, buy, make_shop, part_of, read, refund
from tests.factories.stored_value import operator
from tests.factories.transfers import BY_TRANSFER, VALUE_DATE, arrive, offline, transfer_of
from tests.simulate.stage import PRICE, Scene, Stage, die_everywhere, sweep


class ByTransfer(Stage):
    """A market that takes bank transfers, each of which takes two people."""

    def restarted(self) -> Resources:
        market = offline(Stage.restarted(self))
        limits: dict[str, Any] = {"transfer_approval_over": {"EUR": 0}}
        return replace(market, settings=market.settings.model_copy(update=limits))


@pytest.mark.parametrize("kind", ["receipt", "hand_refund_sent"])
async def test_a_second_word_about_money_cut_off_anywhere_is_booked_once(
    stage: Stage, kind: str
) -> None:
    stage = ByTransfer(stage.market, stage.clock, stage.shop)
    market = stage.restarted()
    one, second = await operator(market), await operator(market)

    async def scene() -> Scene:
        order = await buy(market, (stage.shop, 1), tenders=BY_TRANSFER)
        reference = transfer_of(order).gateway_reference or ""
        made: object
        if kind == "receipt":
            line = BankLine(
                transaction_id=uuid4().hex,
                amount_minor=PRICE,
                currency="EUR",
                value_date=VALUE_DATE,
                text=reference,
            )
            made = await told_by_hand.take_receipt(market.transfers, viewer=one, line=line)
        else:
            await arrive(market, PRICE, text=reference)
            await refund(market, order, stage.shop, units=1)
            waiting = await bank_transfers.list_to_send(market.transfers, cursor=None, limit=100)
            made = await bank_transfers.mark_sent(
                market.transfers,
                viewer=one,
                hand_refund_id=waiting.items[-1].refund.id,
                sent=SentTransfer(transaction_id=uuid4().hex, sent_at=VALUE_DATE),
                account=None,
            )
        assert isinstance(made, Proposal)
        proposal_id = made.id

        async def play(market: Resources) -> None:
            await proposals.approve(
                market.transfers,
                market.payouts,
                market.refunds,
                viewer=second,
                proposal_id=proposal_id,
            )

        async def check(market: Resources) -> None:
            await play(market)
            await sweep(stage, market)
            after = await read(market, order)
            assert (after.captured_minor, after.paid_at is None) == (PRICE, False)
            async with market.db.connection() as connection:
                moved = await connection.fetch(
                    "SELECT kind, amount_minor FROM provider_movement WHERE reference = $1",
                    made.wish["transaction_id"],
                )
            if kind == "receipt":
                assert [tuple(row) for row in moved] == [("charge", PRICE)]
                return
            assert [tuple(row) for row in moved] == [("refund", -PRICE)]
            assert [one.status for one in after.refunds] == ["succeeded"]

        return Scene(play, check)

    assert await die_everywhere(stage, scene) >= 10


class LargeRefunds(Stage):
    """A market in which each refund by an operator takes two people."""

    def restarted(self) -> Resources:
        market = Stage.restarted(self)
        limits: dict[str, Any] = {"refund_approval_over": {"EUR": 0}}
        return replace(market, settings=market.settings.model_copy(update=limits))


async def test_a_large_refund_cut_off_anywhere_is_given_once(stage: Stage) -> None:
    stage = LargeRefunds(stage.market, stage.clock, stage.shop)
    market = stage.restarted()
    one, second = await operator(market), await operator(market)

    async def scene() -> Scene:
        order = await buy(market, (stage.shop, 1))
        part = part_of(order, stage.shop)
        key = a_key()

        async def play(market: Resources) -> None:
            request = RefundRequest(
                seller_order_id=part.id, reason="broken", items=((part.lines[0].id, 1),)
            )
            asked = await refunds.request_refund(
                market.refunds, viewer=one, order_id=order.id, request=request, key=key
            )
            # Whoever was cut off before an answer asks again, and is told the same.
            assert asked.proposal is not None or asked.refund is not None
            made = asked.proposal.id if asked.proposal is not None else asked.refund.id
            await proposals.approve(
                market.transfers, market.payouts, market.refunds, viewer=second, proposal_id=made
            )

        async def check(market: Resources) -> None:
            stage.clock.advance(timedelta(seconds=20))
            await play(market)
            await sweep(stage, market)
            after = await read(market, order)
            assert [(each.status, each.amount_minor) for each in after.refunds] == [
                ("succeeded", PRICE)
            ]
            assert after.refunded_minor == PRICE

        return Scene(play, check)

    assert await die_everywhere(stage, scene) >= 10


async def test_a_withdrawal_cut_off_anywhere_holds_once(stage: Stage) -> None:
    async def scene() -> Scene:
        market = stage.market
        shop = await transact(market.db, make_shop)
        await set_account(market, shop, Behaviour.PAY)
        changed = await set_account(market, shop, Behaviour.SLOW)
        token = derived_token(
            market.secret_key, purpose=WITHDRAWAL_TOKEN_PURPOSE, subject=changed.id
        )

        async def play(market: Resources) -> None:
            await payout_withdrawals.withdraw(
                market.payouts, market.secret_key, destination_id=changed.id, token=token
            )

        async def check(market: Resources) -> None:
            with suppress(TooLateToWithdraw):
                await play(market)
            with pytest.raises(Conflict):
                await play(market)
            async with market.db.connection() as connection:
                kept = await connection.fetch(
                    "SELECT last_four FROM payout_destination"
                    " WHERE seller_id = $1 AND replaced_at IS NULL",
                    shop.seller.id,
                )
                facts = await connection.fetchval(
                    "SELECT count(*) FROM outbox_event WHERE aggregate_id = $1"
                    " AND type = 'payout_destination.withdrawn'",
                    changed.id,
                )
                held = await connection.fetchval(
                    "SELECT held_at IS NOT NULL FROM payout_settings WHERE seller_id = $1",
                    shop.seller.id,
                )
            assert [row["last_four"] for row in kept] == [ACCOUNTS[Behaviour.PAY][-4:]]
            assert (facts, held) == (1, True)

        return Scene(play, check)

    assert await die_everywhere(stage, scene) >= 8
