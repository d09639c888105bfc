"""The sandbox payout provider that ships: sends no real money, remembers in one SQLite file.

It outlives the application and the database, and answers every key the same way for ever, until
a scripted return. `TEST_ACCOUNTS` lists the bank accounts that fail; all others are paid at once.
"""

import hashlib
import sqlite3
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from gosellr.core.clock import Clock, SystemClock
from gosellr.integrations.payments.port import GatewayMovement
from gosellr.integrations.payouts.port import (
    EVERY_AMOUNT,
    AccountKind,
    TransferOutcome,
    TransferRequest,
    TransferResult,
)
from gosellr.integrations.sqlite_file import FileBusy, SqliteFile
from gosellr.utils.lazy_dataclasses import dataclass

FILE_NAME = "sandbox_payouts.sqlite"

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS transfer (
        transfer_id TEXT NOT NULL PRIMARY KEY,
        provider_reference TEXT NOT NULL UNIQUE,
        instruction BLOB NOT NULL,
        amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
        currency TEXT NOT NULL CHECK (length(currency) = 3),
        behaviour TEXT NOT NULL,
        created_at TEXT NOT NULL
    ) WITHOUT ROWID""",
)
_FIND = "SELECT * FROM transfer WHERE transfer_id = ?"
_ALL = "SELECT * FROM transfer"
_INSERT = "INSERT INTO transfer VALUES (?, ?, ?, ?, ?, ?, ?)"
_AFTER = "SELECT * FROM transfer WHERE transfer_id > ? ORDER BY transfer_id LIMIT ?"

SLOW_FOR = timedelta(days=1)
RETURNED_AFTER = timedelta(days=2)


class Behaviour(StrEnum):
    """What the sandbox does with an instruction before it answers, or fails to."""

    PAY = "pay"
    DECLINE = "decline"
    # Paid a day later.
    SLOW = "slow"
    # Paid, and the answer lost, as by a time-out.
    LOSE_ANSWER = "lose_answer"
    LOSE_ANSWER_THEN_DECLINE = "lose_answer_then_decline"
    # The instruction never arrives the first time; sent again, it is paid.
    LOSE_REQUEST = "lose_request"
    # Paid, and two days later sent back by the seller's bank.
    RETURN = "return"


TEST_ACCOUNTS: dict[str, Behaviour] = {
    "DE93999999990000000001": Behaviour.DECLINE,
    "DE66999999990000000002": Behaviour.SLOW,
    "DE39999999990000000003": Behaviour.LOSE_ANSWER,
    "DE12999999990000000004": Behaviour.LOSE_ANSWER_THEN_DECLINE,
    "DE82999999990000000005": Behaviour.RETURN,
    "DE55999999990000000006": Behaviour.LOSE_REQUEST,
}

ABOUT = {
    Behaviour.DECLINE: "refuses the money",
    Behaviour.SLOW: "is paid a day later",
    Behaviour.LOSE_ANSWER: "is paid, and the answer is lost",
    Behaviour.LOSE_ANSWER_THEN_DECLINE: "refuses the money, and the answer is lost",
    Behaviour.LOSE_REQUEST: "is paid when it is sent again: the first request is lost",
    Behaviour.RETURN: "is paid, and sends the money back two days later",
}

_UNANSWERED = {Behaviour.LOSE_ANSWER, Behaviour.LOSE_ANSWER_THEN_DECLINE}
_DECLINED = {Behaviour.DECLINE, Behaviour.LOSE_ANSWER_THEN_DECLINE}


@dataclass(frozen=True, slots=True)
class Transfer:
    """An instruction as the provider has it. The account stands in it as a digest only."""

    transfer_id: str
    provider_reference: str
    instruction: bytes
    amount_minor: int
    currency: str
    behaviour: Behaviour
    created_at: datetime


class _KeyReused(Exception):
    """A key came back with another instruction; nothing was written."""


class SandboxPayouts:
    """A `PayoutProvider` over the file `<home>/sandbox_payouts.sqlite`.

    Safe from several processes at once. A file that stays locked for `timeout_seconds` gives
    `UNKNOWN`. `lose_answer` is awaited before an answer is lost.
    """

    name = "sandbox"
    # The sandbox gateway settles with no bank: what it captured stays there to be paid out.
    paid_from = "sandbox"
    account_kind = AccountKind.IBAN
    forgets_after = None
    steps_minor = EVERY_AMOUNT

    def __init__(
        self,
        home: Path,
        *,
        clock: Clock | None = None,
        lose_answer: Callable[[], Awaitable[None]] | None = None,
        timeout_seconds: float = 5.0,
    ) -> None:
        self._file = SqliteFile(home / FILE_NAME, schema=SCHEMA, timeout_seconds=timeout_seconds)
        self._now = (clock or SystemClock()).now
        self._lose_answer = lose_answer
        self._lost_requests: set[str] = set()

    async def send(self, request: TransferRequest) -> TransferResult:
        """See `PayoutProvider.send`."""
        behaviour = TEST_ACCOUNTS.get(request.account, Behaviour.PAY)
        unknown = TransferResult(outcome=TransferOutcome.UNKNOWN, transfer_id=request.transfer_id)
        if behaviour is Behaviour.LOSE_REQUEST and request.transfer_id not in self._lost_requests:
            self._lost_requests.add(request.transfer_id)
            return unknown
        new = Transfer(
            transfer_id=request.transfer_id,
            provider_reference=_digest(request.transfer_id, size=12).hex(),
            instruction=_digest(
                request.account, request.holder, str(request.amount_minor), request.currency
            ),
            amount_minor=request.amount_minor,
            currency=request.currency,
            behaviour=behaviour,
            created_at=self._now(),
        )
        try:
            transfer, fresh = await self._file.write(lambda file: _take(file, new))
        except FileBusy:
            return unknown
        except _KeyReused:
            return TransferResult(
                outcome=TransferOutcome.REFUSED,
                transfer_id=request.transfer_id,
                reason="idempotency_key_reused",
            )
        if fresh and behaviour in _UNANSWERED:
            if self._lose_answer is not None:
                await self._lose_answer()
            return unknown
        return self._result(transfer)

    async def lookup(
        self,
        *,
        transfer_id: str,
        provider_reference: str | None = None,  # noqa: ARG002 - the file knows our own key
    ) -> TransferResult:
        """See `PayoutProvider.lookup`."""
        try:
            transfer = await self._file.read(lambda file: _find(file, transfer_id))
        except FileBusy:
            return TransferResult(outcome=TransferOutcome.UNKNOWN, transfer_id=transfer_id)
        if transfer is None:
            return TransferResult(outcome=TransferOutcome.NOT_FOUND, transfer_id=transfer_id)
        return self._result(transfer)

    async def journal(self, *, after: str = "", limit: int = 1000) -> list[TransferResult]:
        """The provider's truth, a page at a time by `transfer_id`; raises `FileBusy`."""
        rows = await self._file.read(lambda file: file.execute(_AFTER, (after, limit)).fetchall())
        return [self._result(_transfer(row)) for row in rows]

    async def taken(self) -> list[GatewayMovement]:
        """What this provider took out of the sandbox gateway's balance until now, and what came
        back there; raises `FileBusy`."""
        rows = await self._file.read(lambda file: file.execute(_ALL).fetchall())
        now = self._now()
        moves = (move for row in rows for move in _moves(_transfer(row)))
        return [move for move in moves if move.occurred_at <= now]

    def close(self) -> None:
        """Closes this process's hold on the file."""
        self._file.close()

    async def aclose(self) -> None:
        """See `PayoutProvider.aclose`."""
        self.close()

    def _result(self, transfer: Transfer) -> TransferResult:
        age = self._now() - transfer.created_at
        outcome, reason = TransferOutcome.ACCEPTED, None
        if transfer.behaviour in _DECLINED:
            outcome, reason = TransferOutcome.DECLINED, "account_closed"
        elif transfer.behaviour is Behaviour.SLOW and age < SLOW_FOR:
            outcome = TransferOutcome.PENDING
        elif transfer.behaviour is Behaviour.RETURN and age >= RETURNED_AFTER:
            outcome, reason = TransferOutcome.DECLINED, "returned_by_bank"
        return TransferResult(
            outcome=outcome,
            transfer_id=transfer.transfer_id,
            amount_minor=transfer.amount_minor,
            currency=transfer.currency,
            provider_reference=transfer.provider_reference,
            reason=reason,
        )


def _take(file: sqlite3.Connection, new: Transfer) -> tuple[Transfer, bool]:
    """The instruction on record, and whether this call put it there."""
    known = _find(file, new.transfer_id)
    if known is not None:
        if known.instruction != new.instruction:
            raise _KeyReused
        return known, False
    file.execute(
        _INSERT,
        (
            new.transfer_id,
            new.provider_reference,
            new.instruction,
            new.amount_minor,
            new.currency,
            new.behaviour,
            new.created_at.astimezone(UTC).isoformat(),
        ),
    )
    return new, True


def _find(file: sqlite3.Connection, transfer_id: str) -> Transfer | None:
    row = file.execute(_FIND, (transfer_id,)).fetchone()
    return None if row is None else _transfer(row)


def _transfer(row: tuple[Any, ...]) -> Transfer:
    return Transfer(
        row[0], row[1], row[2], row[3], row[4], Behaviour(row[5]), datetime.fromisoformat(row[6])
    )


def _moves(transfer: Transfer) -> list[GatewayMovement]:
    """When its money left, and when it came back."""
    if transfer.behaviour in _DECLINED:
        return []
    waits = SLOW_FOR if transfer.behaviour is Behaviour.SLOW else timedelta()
    moves = [_move(transfer, "sent", -transfer.amount_minor, transfer.created_at + waits)]
    if transfer.behaviour is Behaviour.RETURN:
        came = transfer.created_at + RETURNED_AFTER
        moves.append(_move(transfer, "returned", transfer.amount_minor, came))
    return moves


def _move(transfer: Transfer, name: str, amount_minor: int, at: datetime) -> GatewayMovement:
    moment = at.astimezone(UTC)
    reference = f"payout:{transfer.transfer_id}:{name}"
    return GatewayMovement(
        reference=reference,
        kind="payout",
        movement_id=transfer.transfer_id,
        gateway_reference=transfer.provider_reference,
        amount_minor=amount_minor,
        fee_minor=0,
        currency=transfer.currency,
        occurred_at=moment,
        cursor=f"{moment.isoformat(timespec='microseconds')} {reference}",
    )


def _digest(*parts: str, size: int = 32) -> bytes:
    return hashlib.blake2s("\x1f".join(parts).encode(), digest_size=size).digest()
