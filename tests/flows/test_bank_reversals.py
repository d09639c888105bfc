"""Whose statement it is, and what its bank undid: refused, or left to a person."""

from dataclasses import replace

import pytest

from gosellr.core.db import Connection
from gosellr.core.errors import InvalidInput
from gosellr.core.transact import transact
from gosellr.flows import bank_transfers, told_files
from gosellr.flows.bank_transfers import TakenStatement
from gosellr.integrations.payments.by_hand import BankTransfer
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.services import reconciliation_service
from gosellr.services.reconciliation_service import MovementContradicted
from gosellr.utils.reconciliation import Resolution
from tests.factories.payouts import wrong_with
from tests.factories.sales import Shop, balances, buy, make_commission, make_shop, read
from tests.factories.stored_value import operator
from tests.factories.transfers import BY_TRANSFER, IBAN, PAYER_IBAN, offline, transfer_of

ENTRY = """<Ntry><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{way}</CdtDbtInd>{undone}<Sts>BOOK</Sts>
<ValDt><Dt>2026-03-03</Dt></ValDt><AcctSvcrRef>{name}</AcctSvcrRef>
<NtryDtls><TxDtls><RmtInf><Ustrd>{text}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"""
UNDONE = "<RvslInd>true</RvslInd>"


@pytest.fixture
def market(resources: Resources) -> Resources:
    return offline(resources)


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    """50.00 a piece, 10 % commission and 20 % tax on that."""
    await make_commission(connection)
    return await make_shop(connection)


def entry(
    amount: str, *, text: str, name: str = "B1", way: str = "CRDT", undone: str = UNDONE
) -> str:
    return ENTRY.format(amount=amount, text=text, name=name, way=way, undone=undone)


def camt(*entries: str, iban: str = IBAN) -> bytes:
    account = f"<Acct><Id><IBAN>{iban}</IBAN></Id></Acct>"
    told = f"<Stmt><Id>1</Id>{account}{''.join(entries)}</Stmt>"
    return f"<Document><BkToCstmrStmt>{told}</BkToCstmrStmt></Document>".encode()


async def take(market: Resources, content: bytes) -> TakenStatement:
    return await bank_transfers.take_statement(
        market.transfers, viewer=await operator(market), lines=told_files.bank_lines_of(content)
    )


async def movements(connection: Connection) -> list[tuple[object, ...]]:
    rows = await connection.fetch(
        "SELECT reference, kind, status, unexplained_minor, related FROM provider_movement"
        " ORDER BY reference"
    )
    return [tuple(row) for row in rows]


def reference_of(order: Order) -> str:
    return transfer_of(order).gateway_reference or ""


@pytest.mark.parametrize("is_known", [True, False])
async def test_another_account_s_statement_pays_for_nothing(
    market: Resources, connection: Connection, shop: Shop, is_known: bool
) -> None:
    order = await buy(market, (shop, 1), tenders=BY_TRANSFER)
    told = entry("50.00", text=reference_of(order), undone="")
    if is_known:
        content, code = camt(told, iban=PAYER_IBAN), "account_differs"
    else:
        market = replace(market, gateways={**market.gateways, "bank_transfer": BankTransfer({})})
        content, code = camt(told), "no_bank_account"
    with pytest.raises(InvalidInput) as refused:
        await take(market, content)
    assert [(one.field, one.code) for one in refused.value.errors] == [("file", code)]
    assert await movements(connection) == []
    assert await connection.fetchval("SELECT count(*) FROM provider_statement") == 0
    assert (await read(market, order)).status == "pending_payment"
    await take(offline(market), camt(told))
    assert (await read(market, order)).status == "paid"


async def test_what_came_back_to_us_is_no_fresh_payment(
    market: Resources, connection: Connection, shop: Shop
) -> None:
    order = await buy(market, (shop, 1), tenders=BY_TRANSFER)
    told = camt(entry("50.00", text=reference_of(order)))
    for _ in range(2):
        taken = await take(market, told)
        assert (taken.taken, taken.skipped_count, taken.reversed_count) == ([], 0, 1)
        assert (await read(market, order)).status == "pending_payment"
        assert await movements(connection) == [
            ("B1", "other", "unmatched", 5000, reference_of(order))
        ]
    assert await balances(connection) == {}
    assert await wrong_with(connection, market) == []


async def test_a_credit_that_was_taken_back_waits_for_a_person(
    market: Resources, connection: Connection, shop: Shop
) -> None:
    order = await buy(market, (shop, 1), tenders=BY_TRANSFER)
    credit = entry("50.00", text=reference_of(order), undone="")
    undone = entry("50.00", text=reference_of(order), name="B2", way="DBIT")
    before = await take(market, camt(credit))
    assert before.reversed_count == 0
    booked = await balances(connection)
    taken = await take(market, camt(credit, undone))
    assert ([one.known for one in taken.taken], taken.reversed_count) == ([True], 1)
    assert (await read(market, order)).status == "paid"
    assert (await movements(connection))[1] == (
        "B2", "other", "unmatched", -5000, reference_of(order)
    )  # fmt: skip
    assert await balances(connection) == booked
    assert await wrong_with(connection, market) == []
    with pytest.raises(MovementContradicted):
        await take(market, camt(undone.replace("50.00", "49.00")))

    movement_id = await connection.fetchval(
        "SELECT id FROM provider_movement WHERE reference = 'B2'"
    )
    await transact(
        market.db,
        reconciliation_service.resolve,
        viewer=await operator(market),
        movement_id=movement_id,
        resolution=Resolution.SUSPENSE,
        note="taken back by the bank",
        policy=market.policy,
        now=market.clock.now(),
    )
    after = await balances(connection)
    assert after["suspense"] == 5000
    assert after.get("gateway_clearing", 0) == booked.get("gateway_clearing", 0) - 5000
    assert await wrong_with(connection, market) == []
