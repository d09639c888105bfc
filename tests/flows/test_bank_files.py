"""Payouts by the market's bank: put into one file, paid when it is executed, else free again."""

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4
from xml.etree import ElementTree as ET

import pytest

from gosellr.config_fields import BankAccount
from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.errors import InvalidInput, NotAllowed, NotFound
from gosellr.core.identity import new_id
from gosellr.core.transact import transact
from gosellr.flows import bank_files, payout_accounts, payouts
from gosellr.flows.bank_files import NoBankAccount
from gosellr.flows.payout_accounts import TypedAccount
from gosellr.flows.payouts import account_place
from gosellr.integrations.payouts.bank_file import BankFilePayouts
from gosellr.models.payout_values import Payout
from gosellr.resources import Resources
from gosellr.services import bank_file_outcome, payout_settings_service
from gosellr.services.bank_file_outcome import (
    BankFileContradicted,
    BankFileDecided,
    PayoutNotByFile,
)
from gosellr.services.bank_file_service import MadeFile, NothingToFile
from gosellr.services.payout_settings_service import NewDestination
from gosellr.services.payout_terms import CurrencyNotPaid
from gosellr.utils.payouts import PayoutStatus
from gosellr.utils.sepa import NAMESPACE
from tests.factories.payouts import an_operator, earn, pay, reread, set_account, wrong_with
from tests.factories.sales import Shop, a_key, balances, make_shop, seller_owes

STATUS = PayoutStatus
IBAN = "NL91ABNA0417164300"


@pytest.fixture
def market(resources: Resources) -> Resources:
    """A market with a bank account of its own."""
    return with_bank(resources)


def with_bank(resources: Resources) -> Resources:
    """The same market, with a bank account of its own."""
    account = BankAccount(iban="DE89370400440532013000", bic="COBADEFFXXX", holder="GoSellr")
    own = {"bank_accounts": {"EUR": account}, "bank_payouts": True}
    return replace(
        resources,
        settings=resources.settings.model_copy(update=own),
        payout_providers={**resources.payout_providers, "bank": BankFilePayouts()},
    )


async def a_shop(connection: Connection, market: Resources, holder: str = "Łucja Ñandú") -> Shop:
    """It is paid by bank, and has sold something for 10.00."""
    shop = await make_shop(connection, price_minor=1000)
    await set_bank(market, shop, holder)
    await earn(market, shop)
    return shop


async def set_bank(market: Resources, shop: Shop, holder: str = "Łucja Ñandú") -> None:
    """Pay the shop by bank."""
    destination_id = new_id()
    plain = json.dumps({"holder": holder, "iban": IBAN}).encode()
    await transact(
        market.db,
        payout_settings_service.change_destination,
        viewer=shop.viewer,
        seller_id=shop.seller.id,
        new=NewDestination(
            destination_id=destination_id,
            method="bank",
            account_encrypted=market.vault.encrypt(plain, place=account_place(destination_id)),
            last_four=IBAN[-4:],
        ),
        policy=market.policy,
        now=market.clock.now(),
    )


async def make(market: Resources, key: str | None = None, **more: Any) -> MadeFile:
    more.setdefault("viewer", an_operator())
    return await bank_files.make_file(market.payouts, key=a_key(key), **more)


async def execute(market: Resources, file_id: UUID, **failed: str) -> Any:
    return await bank_files.execute_file(
        market.payouts,
        viewer=an_operator(),
        file_id=file_id,
        failed={UUID(payout_id): reason for payout_id, reason in failed.items()},
    )


async def fail(market: Resources, payout: Payout, reason: str = "account closed") -> Payout:
    return await bank_files.fail_payout(
        market.payouts, viewer=an_operator(), payout_id=payout.id, reason=reason
    )


def payments(content: bytes) -> dict[str, tuple[str | None, ...]]:
    """(amount, name, account) of each payment by its id."""
    space = {"": NAMESPACE}
    root = ET.fromstring(content)  # noqa: S314 - it was written a moment ago
    return {
        str(one.findtext("PmtId/EndToEndId", namespaces=space)): (
            one.findtext("Amt/InstdAmt", namespaces=space),
            one.findtext("Cdtr/Nm", namespaces=space),
            one.findtext("CdtrAcct/Id/IBAN", namespaces=space),
        )
        for one in root.iter(f"{{{NAMESPACE}}}CdtTrfTxInf")
    }


async def test_what_waits_for_the_bank_is_filed_once_and_paid_when_it_is_executed(
    connection: Connection, market: Resources, clock: ManualClock
) -> None:
    one, two = await a_shop(connection, market), await a_shop(connection, market)
    paid = [await pay(market, shop) for shop in (one, two)]
    assert {each.status for each in paid} == {STATUS.PENDING}
    clock.advance(timedelta(hours=1))
    assert await payouts.resume_payouts(market.payouts) == 0
    made = await make(market, "once")
    file = made.value
    assert (file.status, file.payment_count, file.amount_minor) == ("made", 2, 2000)
    assert (file.message_id, made.unfit) == (file.id.hex, [])
    assert file.pay_on >= clock.now().date() > date(2026, 1, 1)
    again = await make(market, "once")
    assert (again.value, again.existed) == (file, True)
    with pytest.raises(NothingToFile):
        await make(market)
    content = await bank_files.read_file(market.payouts, file_id=file.id)
    assert payments(content) == {each.id.hex: ("10.00", "Lucja Nandu", IBAN) for each in paid}
    clock.advance(timedelta(days=1))
    assert await bank_files.read_file(market.payouts, file_id=file.id) == content
    stored = await connection.fetchval("SELECT content_encrypted FROM bank_file")
    assert IBAN.encode() not in stored
    assert {(await reread(market, each)).status for each in paid} == {STATUS.SENT}
    assert await seller_owes(connection, one) == {"payout_in_transit": 1000}
    assert await wrong_with(connection, market) == []
    before = await balances(connection)
    for _ in range(2):
        executed = await execute(market, file.id)
        assert executed.status == "executed"
    assert {(await reread(market, each)).status for each in paid} == {STATUS.PAID}
    assert await seller_owes(connection, one) == await seller_owes(connection, two) == {}
    after = await balances(connection)
    assert (after["bank"], "payout_in_transit" in after) == (-2000, False)
    assert before["gateway_clearing"] == after["gateway_clearing"]
    for _ in range(6):
        clock.advance(timedelta(days=1))
        await payouts.resume_payouts(market.payouts)
    assert await connection.fetchval("SELECT count(check_at) FROM payout") == 0
    assert await wrong_with(connection, market) == []


async def test_what_the_bank_refuses_is_available_again_one_by_one_or_all(
    connection: Connection, market: Resources, clock: ManualClock
) -> None:
    shops = [await a_shop(connection, market) for _ in range(3)]
    paid = [await pay(market, shop) for shop in shops]
    file = (await make(market)).value
    for each in paid:
        # While the bank has the file, nobody can say what it does.
        with pytest.raises(PayoutNotByFile):
            await fail(market, each)
    with pytest.raises(InvalidInput):
        await execute(market, file.id, **{str(uuid4()): "unknown"})
    await execute(market, file.id, **{str(paid[0].id): "account closed"})
    first, second, third = [await reread(market, each) for each in paid]
    assert (first.status, first.failure_reason) == (STATUS.FAILED, "account closed")
    assert {second.status, third.status} == {STATUS.PAID}
    for _ in range(2):
        back = await fail(market, second, "returned")
        assert (back.status, back.failure_reason) == (STATUS.FAILED, "returned")
    owed = [await seller_owes(connection, shop) for shop in shops]
    assert owed == [{"available": 1000}, {"available": 1000}, {}]
    assert (await balances(connection))["bank"] == -1000
    with pytest.raises(BankFileDecided):
        await bank_files.reject_file(
            market.payouts, viewer=an_operator(), file_id=file.id, reason="no"
        )
    assert await wrong_with(connection, market) == []

    again = [await pay(market, shop) for shop in shops[:2]]
    other = (await make(market)).value
    rejected = await bank_files.reject_file(
        market.payouts, viewer=an_operator(), file_id=other.id, reason="wrong date"
    )
    assert (rejected.status, rejected.reason) == ("rejected", "wrong date")
    assert {(await reread(market, each)).failure_reason for each in again} == {"wrong date"}
    assert [await seller_owes(connection, shop) for shop in shops[:2]] == owed[:2]
    with pytest.raises(BankFileDecided):
        await execute(market, other.id)
    assert await wrong_with(connection, market) == []


async def test_the_banks_word_stands_and_another_is_refused(
    connection: Connection, market: Resources
) -> None:
    shops = [await a_shop(connection, market) for _ in range(3)]
    paid = [await pay(market, shop) for shop in shops]
    file = (await make(market)).value
    told = {str(paid[0].id): "account closed"}
    await execute(market, file.id, **told)
    await fail(market, paid[1], "returned")
    before = await balances(connection)
    others: tuple[dict[str, str], ...] = (
        {},
        {**told, str(paid[2].id): "closed too"},
        {str(paid[2].id): "account closed"},
        {str(paid[0].id): "another reason"},
        {**told, str(paid[1].id): "returned"},
    )
    for other in others:
        with pytest.raises(BankFileContradicted):
            await execute(market, file.id, **other)
    again = await execute(market, file.id, **told)
    assert (again.id, again.status) == (file.id, "executed")
    states = [(await reread(market, each)).status for each in paid]
    assert states == [STATUS.FAILED, STATUS.FAILED, STATUS.PAID]
    assert await balances(connection) == before
    assert await wrong_with(connection, market) == []


async def test_what_no_file_can_hold_waits_behind_what_one_can(
    connection: Connection, market: Resources
) -> None:
    unfit = [await pay(market, await a_shop(connection, market, holder="Ада")) for _ in range(2)]
    fit = [await pay(market, await a_shop(connection, market)) for _ in range(3)]
    first, second = await make(market, limit=2), await make(market, limit=2)
    assert [first.value.payment_count, second.value.payment_count] == [2, 1]
    assert {one.payout_id for one in first.unfit} == {one.id for one in unfit}
    assert {(await reread(market, each)).status for each in fit} == {STATUS.SENT}
    with pytest.raises(NothingToFile):
        await make(market)


async def test_a_crash_after_the_banks_word_is_taken_up_by_the_sweeper(
    connection: Connection, market: Resources, clock: ManualClock
) -> None:
    paid = await pay(market, await a_shop(connection, market))
    file = (await make(market)).value
    await transact(
        market.db, bank_file_outcome.execute, viewer=an_operator(), file_id=file.id, failed={},
        now=clock.now(),
    )  # fmt: skip
    assert (await reread(market, paid)).status is STATUS.SENT
    assert await payouts.resume_payouts(market.payouts) == 1
    assert (await reread(market, paid)).status is STATUS.PAID
    assert await wrong_with(connection, market) == []


async def test_a_large_payout_is_filed_after_a_second_persons_word(
    connection: Connection, market: Resources, clock: ManualClock
) -> None:
    limit = {"payout_approval_over": {"EUR": 999}}
    careful = replace(market, settings=market.settings.model_copy(update=limit))
    paid = await pay(careful, await a_shop(connection, market))
    assert paid.status is STATUS.AWAITING_APPROVAL
    with pytest.raises(NothingToFile):
        await make(market)
    approved = await payouts.approve_payout(
        careful.payouts, viewer=an_operator(), payout_id=paid.id
    )
    assert approved.status is STATUS.PENDING
    clock.advance(timedelta(hours=2))
    assert await wrong_with(connection, market) == []
    assert (await make(market)).value.payment_count == 1


async def test_what_no_file_can_hold_stops_nobody(
    connection: Connection, market: Resources, resources: Resources, clock: ManualClock
) -> None:
    by_net = await make_shop(connection, price_minor=1000)
    await set_account(market, by_net)
    await earn(market, by_net)
    unreadable = await a_shop(connection, market, holder="Ада")
    shop = await a_shop(connection, market)
    left_out, _ = await pay(market, unreadable), await pay(market, shop)
    with pytest.raises(CurrencyNotPaid):
        await pay(market, shop, currency="USD")
    made = await make(market)
    assert made.value.payment_count == 1
    assert [one.payout_id for one in made.unfit] == [left_out.id]
    assert (await fail(market, left_out)).status is STATUS.FAILED
    assert await seller_owes(connection, unreadable) == {"available": 1000}
    with pytest.raises(PayoutNotByFile):
        await fail(market, await pay(market, by_net))
    with pytest.raises(NotAllowed):
        await make(market, viewer=shop.viewer)
    with pytest.raises(NoBankAccount):
        await make(resources)
    with pytest.raises(NotFound):
        await bank_files.read_file(market.payouts, file_id=uuid4())
    for typed, code in (
        ({"iban": "BR1800360305000010009795493C1"}, "iban_not_sepa"),
        ({"iban": IBAN, "holder": "Ада"}, "name_not_sepa"),
        ({"iban": "NL91ABNA0417164301"}, "iban_wrong"),
    ):
        account = {"method": "bank", "holder": "Ada", "password": "x", **typed}
        with pytest.raises(InvalidInput) as refused:
            await payout_accounts.change_destination(
                market.payouts, market.passwords, viewer=shop.viewer, seller_id=shop.seller.id,
                typed=TypedAccount(**account),
            )  # fmt: skip
        assert refused.value.errors[0].code == code
    assert await wrong_with(connection, market) == []
