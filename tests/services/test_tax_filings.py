"""Tax returns: handed in once, frozen, paid by two people, and held against the ledger."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.errors import NotAllowed, NotFound
from gosellr.core.transact import ask, transact
from gosellr.flows import documents
from gosellr.models.tax_return_values import FiledReturn
from gosellr.resources import Resources
from gosellr.services import adjustment_service, tax_filing_service
from gosellr.services.adjustment_entries import TaxPaidByHand
from gosellr.services.tax_filing_service import (
    TaxPaymentPrepared,
    TaxPeriodNotOver,
    TaxReturnFiled,
)
from gosellr.utils.tax_periods import parse_tax_period
from gosellr.utils.viewer import Viewer
from tests.factories.balances import approve, prepare
from tests.factories.disputes import bank_decides, take_back
from tests.factories.payouts import an_operator, wrong_with
from tests.factories.sales import Shop, buy, make_buyer, refund
from tests.factories.tax_returns import taxed

APRIL, JULY = datetime(2026, 4, 2, tzinfo=UTC), datetime(2026, 7, 2, tzinfo=UTC)


@pytest.fixture
async def lamps(connection: Connection) -> Shop:
    return await taxed(connection)


async def hand_in(
    resources: Resources, period: str, jurisdiction: str = "DE", viewer: Viewer | None = None
) -> FiledReturn:
    return await transact(
        resources.db,
        tax_filing_service.file,
        viewer=viewer or an_operator(),
        period=parse_tax_period(period),
        jurisdiction=jurisdiction,
        currency="EUR",
        reference="E-1",
        vat_jurisdiction=resources.policy.commission_vat_jurisdiction,
        now=resources.clock.now(),
    )


async def pay(resources: Resources, filed: FiledReturn, viewer: Viewer) -> FiledReturn:
    return await transact(
        resources.db,
        tax_filing_service.pay,
        viewer=viewer,
        tax_return_id=filed.id,
        kept_for=resources.policy.idempotency_kept_for,
        now=resources.clock.now(),
    )


async def find(resources: Resources, filed: FiledReturn) -> FiledReturn:
    return await ask(resources.db, tax_filing_service.find, tax_return_id=filed.id)


async def held(connection: Connection, account: str) -> int:
    """Credits less debits."""
    minor: int = await connection.fetchval(
        "SELECT COALESCE(sum(CASE direction WHEN 'credit' THEN amount_minor ELSE -amount_minor END)"
        ", 0)::bigint FROM ledger_entry WHERE account = $1",
        account,
    )
    return minor


def payment_of(filed: FiledReturn) -> UUID:
    assert filed.adjustment_id is not None
    return filed.adjustment_id


async def test_a_return_is_handed_in_once_and_paid_by_two_people(
    connection: Connection, resources: Resources, clock: ManualClock, lamps: Shop
) -> None:
    await buy(resources, (lamps, 1))
    with pytest.raises(TaxPeriodNotOver):
        await hand_in(resources, "2026-Q1")
    clock.set(APRIL)
    filed = await hand_in(resources, "2026-Q1")
    assert (filed.status, filed.due_minor, filed.reference) == ("filed", 2_050, "E-1")
    first = an_operator()
    prepared = await pay(resources, filed, first)
    assert prepared.status == "payment_prepared"
    # The same person says it again; another one is told, and nobody pays it twice.
    assert await pay(resources, filed, first) == prepared
    with pytest.raises(TaxPaymentPrepared):
        await pay(resources, filed, an_operator())
    assert await held(connection, "tax_payable:DE") == 2_050
    with pytest.raises(NotAllowed):
        await approve(resources, payment_of(prepared), viewer=first)
    await approve(resources, payment_of(prepared))
    assert (await find(resources, filed)).status == "paid"
    assert await held(connection, "tax_payable:DE") == 0
    assert await held(connection, "bank") == 2_050
    with pytest.raises(TaxPaymentPrepared):
        await pay(resources, filed, first)
    assert await wrong_with(connection, resources) == []


async def test_a_period_in_which_all_went_back_is_told_and_handed_in(
    connection: Connection, resources: Resources, clock: ManualClock, lamps: Shop
) -> None:
    order = await buy(resources, (lamps, 1), buyer=await make_buyer(connection))
    reference = await take_back(resources, order)
    await bank_decides(resources, order, reference, won=False)
    clock.set(APRIL)
    filed = await hand_in(resources, "2026-Q1")
    assert (filed.due_minor, filed.status) == (0, "paid")
    found = await documents.tax_return(resources.documents, period=parse_tax_period("2026-Q1"))
    told = {one["jurisdiction"]: one for one in found["jurisdictions"]}
    assert list(told) == ["DE", "marketplace"]
    assert [one["id"] for one in told["DE"]["filed"]] == [str(filed.id)]
    assert (told["DE"]["rates"], told["DE"]["closing_minor"]) == ([], 0)
    # In a period in which nothing happened nothing is handed in.
    clock.set(JULY)
    with pytest.raises(NotFound):
        await hand_in(resources, "2026-Q2")
    assert await wrong_with(connection, resources) == []


async def test_a_period_waits_for_what_began_before_its_end(
    connection: Connection, resources: Resources, clock: ManualClock, lamps: Shop
) -> None:
    await buy(resources, (lamps, 1))
    for moment in (datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 4, 1, 0, 59, 59, tzinfo=UTC)):
        clock.set(moment)
        with pytest.raises(TaxPeriodNotOver):
            await hand_in(resources, "2026-Q1")
        found = await documents.tax_return(resources.documents, period=parse_tax_period("2026-Q1"))
        assert found["is_over"] is False, "its figures still change"
    # A sale that had begun a second before midnight is committed a second after it.
    clock.set(datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC))
    await buy(resources, (lamps, 1))
    clock.set(datetime(2026, 4, 1, 1, tzinfo=UTC))
    found = await documents.tax_return(resources.documents, period=parse_tax_period("2026-Q1"))
    assert found["is_over"] is True
    assert (await hand_in(resources, "2026-Q1")).due_minor == 4_100
    assert await wrong_with(connection, resources) == []


@pytest.mark.parametrize(
    ("first", "second"),
    [("2026-Q1", "2026-Q1"), ("2026-Q1", "2026-03"), ("2026-03", "2026-Q1")],
)
async def test_no_month_is_handed_in_twice(
    connection: Connection, resources: Resources, clock: ManualClock, lamps: Shop,
    first: str, second: str,
) -> None:  # fmt: skip
    await buy(resources, (lamps, 1))
    clock.set(APRIL)
    await hand_in(resources, first)
    with pytest.raises(TaxReturnFiled):
        await hand_in(resources, second)
    # Nothing of the second one is left; another jurisdiction's is a return of its own.
    assert await connection.fetchval("SELECT count(*) FROM tax_return") == 1
    assert (
        await connection.fetchval("SELECT count(*) FROM tax_return_month")
        == parse_tax_period(first).month_count
    )
    assert (await hand_in(resources, second, "marketplace")).due_minor == 200


async def test_a_refund_after_it_was_handed_in_is_the_next_period_s_and_comes_back(
    connection: Connection, resources: Resources, clock: ManualClock, lamps: Shop
) -> None:
    order = await buy(resources, (lamps, 1))
    clock.set(APRIL)
    first = await hand_in(resources, "2026-Q1")
    await refund(resources, order, lamps, units=1)
    clock.set(JULY)
    second = await hand_in(resources, "2026-Q2")
    assert (first.due_minor, second.due_minor) == (2_050, -2_000)
    for filed in (first, second):
        await approve(resources, payment_of(await pay(resources, filed, an_operator())))
    assert await held(connection, "tax_payable:DE") == 0
    assert await held(connection, "bank") == 50
    assert await wrong_with(connection, resources) == []
    # What was paid since lowers what is owed, and is no tax of its period.
    clock.set(datetime(2026, 10, 2, tzinfo=UTC))
    third = await hand_in(resources, "2026-Q3")
    assert (third.due_minor, third.status) == (0, "paid")
    with pytest.raises(TaxPaymentPrepared):
        await pay(resources, third, an_operator())
    assert await wrong_with(connection, resources) == []


async def test_a_payment_that_is_turned_down_can_be_prepared_again(
    connection: Connection, resources: Resources, clock: ManualClock, lamps: Shop
) -> None:
    await buy(resources, (lamps, 1))
    clock.set(APRIL)
    filed, first = await hand_in(resources, "2026-Q1"), an_operator()
    prepared = await pay(resources, filed, first)
    await transact(
        resources.db,
        adjustment_service.reject,
        viewer=an_operator(),
        adjustment_id=payment_of(prepared),
        reason="The bank is closed",
        now=clock.now(),
    )
    assert (await find(resources, filed)).status == "filed"
    again = await pay(resources, filed, first)
    assert again.adjustment_id != prepared.adjustment_id
    await approve(resources, payment_of(again))
    assert await held(connection, "tax_payable:DE") == 0


async def by_hand(resources: Resources, minor: int) -> None:
    """Pay so much to DE by an ordinary adjustment; less than nothing comes back."""
    ways = ("debit", "credit") if minor > 0 else ("credit", "debit")
    prepared = await prepare(
        resources, ("tax_payable:DE", ways[0], abs(minor)), ("bank", ways[1], abs(minor))
    )
    await approve(resources, prepared.id)


async def test_what_was_paid_by_hand_isnt_paid_once_more(
    connection: Connection, resources: Resources, clock: ManualClock, lamps: Shop
) -> None:
    await buy(resources, (lamps, 1))
    clock.set(APRIL)
    filed, first = await hand_in(resources, "2026-Q1"), an_operator()
    # A part of it is enough: the rest is paid by hand as well.
    await by_hand(resources, 50)
    assert (await find(resources, filed)).status == "filed"
    with pytest.raises(TaxPaidByHand) as refusal:
        await pay(resources, filed, first)
    assert refusal.value.extras == {"left": {"amount": 2_000, "currency": "EUR"}}
    await by_hand(resources, 2_000)
    with pytest.raises(TaxPaidByHand) as refusal:
        await pay(resources, filed, first)
    assert refusal.value.extras == {"left": {"amount": 0, "currency": "EUR"}}
    assert (await find(resources, filed)).status == "paid_by_hand"
    # What is owed for later periods is paid by its returns as ever.
    await buy(resources, (lamps, 1))
    clock.set(JULY)
    second = await pay(resources, await hand_in(resources, "2026-Q2"), first)
    await approve(resources, payment_of(second))
    assert await held(connection, "tax_payable:DE") == 0
    assert await held(connection, "bank") == 4_100
    assert await wrong_with(connection, resources) == []


async def test_a_payment_that_waits_isnt_booked_once_it_was_paid_by_hand(
    connection: Connection, resources: Resources, clock: ManualClock, lamps: Shop
) -> None:
    await buy(resources, (lamps, 1))
    clock.set(APRIL)
    prepared = await pay(resources, await hand_in(resources, "2026-Q1"), an_operator())
    await by_hand(resources, 2_050)
    with pytest.raises(TaxPaidByHand):
        await approve(resources, payment_of(prepared))
    assert (await find(resources, prepared)).status == "payment_prepared"
    assert await held(connection, "tax_payable:DE") == 0
    # What was a mistake and is undone stands in nobody's way.
    await by_hand(resources, -2_050)
    await approve(resources, payment_of(prepared))
    assert (await find(resources, prepared)).status == "paid"
    assert await held(connection, "bank") == 2_050


async def test_what_came_back_by_hand_doesnt_come_back_once_more(
    connection: Connection, resources: Resources, clock: ManualClock, lamps: Shop
) -> None:
    order = await buy(resources, (lamps, 1))
    clock.set(APRIL)
    first = await hand_in(resources, "2026-Q1")
    await refund(resources, order, lamps, units=1)
    clock.set(JULY)
    second = await hand_in(resources, "2026-Q2")
    await by_hand(resources, -2_000)
    with pytest.raises(TaxPaidByHand):
        await pay(resources, second, an_operator())
    # The one before is still to be paid, though that isn't what is owed in all.
    await approve(resources, payment_of(await pay(resources, first, an_operator())))
    assert await held(connection, "tax_payable:DE") == 0
    assert await held(connection, "bank") == 50


async def test_what_was_paid_by_hand_before_a_period_began_was_paid_for_others(
    connection: Connection, resources: Resources, clock: ManualClock, lamps: Shop
) -> None:
    await buy(resources, (lamps, 1))
    clock.set(APRIL)
    await by_hand(resources, 2_050)
    await buy(resources, (lamps, 1))
    clock.set(JULY)
    # The first quarter was paid without ever being handed in.
    prepared = await pay(resources, await hand_in(resources, "2026-Q2"), an_operator())
    await approve(resources, payment_of(prepared))
    assert await held(connection, "bank") == 4_100
    with pytest.raises(TaxPaidByHand):
        await pay(resources, await hand_in(resources, "2026-Q1"), an_operator())


async def test_only_an_operator_hands_in_what_there_is(
    connection: Connection, resources: Resources, clock: ManualClock, lamps: Shop
) -> None:
    await buy(resources, (lamps, 1))
    clock.set(APRIL)
    for refusal, period, jurisdiction, viewer in (
        (NotAllowed, "2026-Q1", "DE", lamps.viewer),
        (NotFound, "2026-Q1", "FR", None),
        (NotFound, "2025-Q4", "DE", None),
    ):
        with pytest.raises(refusal):
            await hand_in(resources, period, jurisdiction, viewer)
    filed = await hand_in(resources, "2026-Q1")
    with pytest.raises(NotAllowed):
        await pay(resources, filed, lamps.viewer)
    assert await connection.fetchval("SELECT count(*) FROM adjustment") == 0


async def test_the_audit_names_a_return_that_isnt_what_the_ledger_has(
    connection: Connection, resources: Resources, clock: ManualClock, lamps: Shop
) -> None:
    await buy(resources, (lamps, 1))
    clock.set(APRIL)
    filed = await hand_in(resources, "2026-Q1")
    await approve(resources, payment_of(await pay(resources, filed, an_operator())))
    assert await wrong_with(connection, resources) == []
    await connection.execute("UPDATE tax_return SET due_minor = 2051")
    [finding] = await wrong_with(connection, resources)
    assert finding.number == 6
    assert {(one.row, one.problem) for one in finding.rows} == {
        (f"tax_return {filed.id}", "says that 2051 is due, booked are 2050"),
        (f"tax_return {filed.id}", "says that 2051 is due, its payment books 2050"),
    }
