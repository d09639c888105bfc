"""Death at every step of a bank statement, and of what people decide about it: each cent once."""

from contextlib import suppress
from uuid import uuid4

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict
from gosellr.core.transact import ask
from gosellr.flows import bank_transfers
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.services.hand_refund_service import SentTransfer
from gosellr.utils.bank_lines import BankLine
from tests.factories.sales import buy, read
from tests.factories.stored_value import operator
from tests.factories.transfers import BY_TRANSFER, VALUE_DATE, transfer_of
from tests.flows.test_bank_files import with_bank
from tests.simulate.stage import PRICE, Scene, Stage, die_everywhere, sweep

IN_SUSPENSE = """
SELECT COALESCE(sum(CASE entry.direction WHEN 'credit' THEN entry.amount_minor
                    ELSE -entry.amount_minor END), 0)::bigint
FROM ledger_entry AS entry WHERE entry.account = 'suspense'
"""


def offline(stage: Stage) -> None:
    """Let the market, and each process of it, take bank transfers."""
    stage.market = with_bank(stage.market)
    stage.market = stage.restarted()


async def asked(stage: Stage) -> tuple[Order, str]:
    """An order that waits for a transfer, and under which reference."""
    order = await buy(stage.market, (stage.shop, 1), tenders=BY_TRANSFER)
    return order, transfer_of(order).gateway_reference or ""


def line(amount_minor: int, text: str) -> BankLine:
    return BankLine(
        transaction_id=uuid4().hex, amount_minor=amount_minor, currency="EUR",
        value_date=VALUE_DATE, text=text, payer_name="Ada", payer_iban="AT611904300234573201",
    )  # fmt: skip


async def in_suspense(connection: Connection) -> int:
    minor: int = await connection.fetchval(IN_SUSPENSE)
    return minor


async def check_paid(market: Resources, *orders: Order) -> None:
    for order in orders:
        after = await read(market, order)
        assert (after.status, after.captured_minor) == ("paid", PRICE)


async def test_a_statement_cut_off_anywhere_counts_each_line_once(stage: Stage) -> None:
    offline(stage)
    viewer = await operator(stage.market)

    async def scene() -> Scene:
        (whole, first), (parts, second) = await asked(stage), await asked(stage)
        before = await ask(stage.market.db, in_suspense)
        lines = [
            line(PRICE, first),
            line(PRICE - 100, second),
            line(300, second),
            line(77, "no idea"),
            line(-1, "it left"),
        ]

        async def play(market: Resources) -> None:
            await bank_transfers.take_statement(market.transfers, viewer=viewer, lines=lines)

        async def check(market: Resources) -> None:
            await play(market)
            again = await bank_transfers.take_statement(
                market.transfers, viewer=viewer, lines=lines
            )
            assert [one.known for one in again.taken] == [True] * 4
            await sweep(stage, market)
            await check_paid(market, whole, parts)
            # What came on top, and what nobody knows.
            assert await ask(market.db, in_suspense) == before + 200 + 77

        return Scene(play, check)

    assert await die_everywhere(stage, scene) >= 40


async def test_a_transfer_s_order_named_late_cut_off_anywhere(stage: Stage) -> None:
    offline(stage)
    viewer = await operator(stage.market)

    async def scene() -> Scene:
        order, reference = await asked(stage)
        before = await ask(stage.market.db, in_suspense)
        lost = await bank_transfers.take_receipt(
            stage.market.transfers, viewer=viewer, line=line(PRICE + 5, "lamps")
        )

        async def play(market: Resources) -> None:
            with suppress(Conflict):
                await bank_transfers.assign(
                    market.transfers, receipt_id=lost.id, reference=reference
                )

        async def check(market: Resources) -> None:
            await play(market)
            await sweep(stage, market)
            await check_paid(market, order)
            assert await ask(market.db, in_suspense) == before + 5

        return Scene(play, check)

    assert await die_everywhere(stage, scene) >= 15


async def test_a_transfer_sent_back_cut_off_anywhere_leaves_once(stage: Stage) -> None:
    offline(stage)
    viewer = await operator(stage.market)

    async def scene() -> Scene:
        before = await ask(stage.market.db, in_suspense)
        lost = await bank_transfers.take_receipt(
            stage.market.transfers, viewer=viewer, line=line(40, "lamps")
        )
        sent = SentTransfer(transaction_id=uuid4().hex, sent_at=VALUE_DATE)

        async def play(market: Resources) -> None:
            with suppress(Conflict):
                await bank_transfers.give_back(
                    market.transfers, viewer=viewer, receipt_id=lost.id, sent=sent
                )

        async def check(market: Resources) -> None:
            await play(market)
            assert await ask(market.db, in_suspense) == before

        return Scene(play, check)

    assert await die_everywhere(stage, scene) >= 8
