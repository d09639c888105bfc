"""The sandbox payout provider: one transfer per key, whatever is answered and whoever asks."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gosellr.core.clock import ManualClock
from gosellr.integrations.payments.sandbox import SandboxGateway
from gosellr.integrations.payouts.port import (
    PayoutProvider,
    TransferOutcome,
    TransferRequest,
    TransferResult,
)
from gosellr.integrations.payouts.sandbox import (
    FILE_NAME,
    TEST_ACCOUNTS,
    Behaviour,
    SandboxPayouts,
)
from gosellr.utils.iban import parse_iban

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ACCOUNTS = {behaviour: account for account, behaviour in TEST_ACCOUNTS.items()}
REQUEST = TransferRequest(
    transfer_id="payout-1",
    amount_minor=1234,
    currency="EUR",
    holder="Ada Lovelace",
    account="DE89370400440532013000",
    reference="GoSellr",
)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
def provider(tmp_path: Path, clock: ManualClock) -> Iterator[SandboxPayouts]:
    provider = SandboxPayouts(tmp_path, clock=clock)
    yield provider
    provider.close()


def to(behaviour: Behaviour) -> TransferRequest:
    return replace(REQUEST, account=ACCOUNTS[behaviour])


async def outcome(provider: PayoutProvider) -> TransferOutcome:
    return (await provider.lookup(transfer_id="payout-1")).outcome


async def test_it_pays_once_per_key_for_ever(tmp_path: Path, provider: SandboxPayouts) -> None:
    first = await provider.send(REQUEST)
    assert first == TransferResult(
        outcome=TransferOutcome.ACCEPTED,
        transfer_id="payout-1",
        amount_minor=1234,
        currency="EUR",
        provider_reference=first.provider_reference,
    )
    other = SandboxPayouts(tmp_path, clock=ManualClock(NOON + timedelta(days=400)))
    answers = await asyncio.gather(
        *(one.send(REQUEST) for one in (provider, other) for _ in range(4)),
        provider.lookup(transfer_id="payout-1"),
    )
    assert set(answers) == {first}
    assert await other.journal() == [first]
    other.close()


@pytest.mark.parametrize("changed", [{"amount_minor": 1235}, {"currency": "USD"}, {"holder": "B"}])
async def test_a_key_belongs_to_one_instruction(
    provider: SandboxPayouts, changed: dict[str, object]
) -> None:
    await provider.send(REQUEST)
    refused = await provider.send(replace(REQUEST, **changed))  # type: ignore[arg-type]
    assert (refused.outcome, refused.amount_minor) == (TransferOutcome.REFUSED, None)
    assert [one.amount_minor for one in await provider.journal()] == [1234]


@pytest.mark.parametrize(
    ("behaviour", "answered", "found"),
    [
        (Behaviour.DECLINE, TransferOutcome.DECLINED, TransferOutcome.DECLINED),
        (Behaviour.LOSE_ANSWER, TransferOutcome.UNKNOWN, TransferOutcome.ACCEPTED),
        (Behaviour.LOSE_ANSWER_THEN_DECLINE, TransferOutcome.UNKNOWN, TransferOutcome.DECLINED),
        (Behaviour.LOSE_REQUEST, TransferOutcome.UNKNOWN, TransferOutcome.NOT_FOUND),
        (Behaviour.SLOW, TransferOutcome.PENDING, TransferOutcome.PENDING),
        (Behaviour.RETURN, TransferOutcome.ACCEPTED, TransferOutcome.ACCEPTED),
    ],
)
async def test_faults(
    provider: SandboxPayouts,
    behaviour: Behaviour,
    answered: TransferOutcome,
    found: TransferOutcome,
) -> None:
    assert (await provider.send(to(behaviour))).outcome is answered
    assert await outcome(provider) is found


async def test_time_goes_on_at_the_provider_too(
    provider: SandboxPayouts, clock: ManualClock
) -> None:
    await provider.send(to(Behaviour.SLOW))
    clock.advance(timedelta(days=1))
    assert await outcome(provider) is TransferOutcome.ACCEPTED
    await provider.send(replace(to(Behaviour.RETURN), transfer_id="payout-2"))
    clock.advance(timedelta(days=2))
    back = await provider.lookup(transfer_id="payout-2")
    assert (back.outcome, back.reason) == (TransferOutcome.DECLINED, "returned_by_bank")


async def test_an_instruction_that_was_lost_is_paid_when_sent_again(
    provider: SandboxPayouts,
) -> None:
    await provider.send(to(Behaviour.LOSE_REQUEST))
    assert (await provider.send(to(Behaviour.LOSE_REQUEST))).outcome is TransferOutcome.ACCEPTED


async def test_it_says_what_it_took_and_what_came_back(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    provider = SandboxPayouts(tmp_path, clock=clock)
    gateway = SandboxGateway(tmp_path, production=False, transfers=provider, clock=clock)
    for number, behaviour in enumerate(Behaviour):
        account = ACCOUNTS.get(behaviour, REQUEST.account)
        await provider.send(
            replace(REQUEST, transfer_id=f"p{number}", account=account, amount_minor=100 + number)
        )

    async def told() -> list[tuple[str, int]]:
        found: list[tuple[str, int]] = []
        after = ""
        while page := await gateway.movements(after=after, limit=2):
            found += [(one.reference, one.amount_minor) for one in page]
            after = page[-1].cursor
        return found

    paid, slow, lost, returned = "p0", "p2", "p3", "p6"
    at_once = [
        (f"payout:{paid}:sent", -100),
        (f"payout:{lost}:sent", -103),
        (f"payout:{returned}:sent", -106),
    ]
    assert await told() == at_once
    clock.advance(timedelta(days=1))
    assert await told() == [*at_once, (f"payout:{slow}:sent", -102)]
    clock.advance(timedelta(days=1))
    assert await told() == [
        *at_once, (f"payout:{slow}:sent", -102), (f"payout:{returned}:returned", 106)
    ]  # fmt: skip


def test_the_account_stands_nowhere(provider: SandboxPayouts, tmp_path: Path) -> None:
    asyncio.run(provider.send(REQUEST))
    provider.close()
    written = b"".join(path.read_bytes() for path in tmp_path.glob(f"{FILE_NAME}*"))
    assert b"payout-1" in written
    assert REQUEST.account.encode() not in written
    assert REQUEST.account not in repr(REQUEST)
    assert REQUEST.holder not in repr(REQUEST)


def test_test_accounts_have_the_form_of_real_ones() -> None:
    assert [parse_iban(account) for account in TEST_ACCOUNTS] == list(TEST_ACCOUNTS)
    assert set(Behaviour) - {Behaviour.PAY} == set(TEST_ACCOUNTS.values())
