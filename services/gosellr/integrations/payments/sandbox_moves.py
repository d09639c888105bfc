"""What the sandbox gateway does with money that it was asked for before: take, return, let go."""

import sqlite3
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from gosellr.integrations.payments import sandbox_store as store
from gosellr.integrations.payments.port import (
    CaptureRequest,
    ChargeResult,
    MovementResult,
    Outcome,
    RefundRequest,
)
from gosellr.integrations.payments.results import without_charge, without_movement
from gosellr.integrations.payments.sandbox_engine import (
    ChargeMissing,
    KeyReused,
    SandboxEngine,
    authorized_until,
)
from gosellr.integrations.payments.sandbox_results import charge_result, movement_result
from gosellr.integrations.payments.sandbox_script import TOKENS, SandboxScript
from gosellr.integrations.payments.sandbox_store import Movement, MovementKind
from gosellr.integrations.sqlite_file import FileBusy, SqliteFile

Answer = TypeVar("Answer")


class SandboxMoves:
    """Captures, refunds and voids over one journal."""

    def __init__(
        self,
        file: SqliteFile,
        *,
        engine: SandboxEngine,
        script: SandboxScript,
        now: Callable[[], datetime],
    ) -> None:
        self._file = file
        self._engine = engine
        self._script = script
        self._now = now
        self._lost: set[str] = set()

    async def lookup(
        self,
        *,
        attempt_id: str,
        gateway_reference: str | None = None,  # noqa: ARG002 - the journal knows our own key
    ) -> ChargeResult:
        """See `PaymentGateway.lookup`."""

        def look(file: sqlite3.Connection) -> ChargeResult | None:
            charge = store.find_charge(file, attempt_id)
            if charge is None:
                return None
            until = authorized_until(file, charge)
            return charge_result(charge, until=until, now=self._now())

        try:
            found = await self._file.read(look)
        except FileBusy:
            return without_charge(Outcome.UNKNOWN, attempt_id)
        return found or without_charge(Outcome.NOT_FOUND, attempt_id)

    async def reauthorize(
        self,
        *,
        attempt_id: str,
        gateway_reference: str | None = None,  # noqa: ARG002 - the journal knows our own key
    ) -> ChargeResult:
        """See `Reauthorizes.reauthorize`."""
        now = self._now()
        try:
            charge, until = await self._file.write(
                lambda file: self._engine.reauthorize(file, attempt_id, now=now)
            )
        except FileBusy:
            return without_charge(Outcome.UNKNOWN, attempt_id)
        except ChargeMissing:
            return without_charge(Outcome.NOT_FOUND, attempt_id)
        return charge_result(charge, until=until, now=now)

    async def capture(self, request: CaptureRequest) -> MovementResult:
        """See `PaymentGateway.capture`."""
        asked = Movement(
            kind=MovementKind.CAPTURE,
            movement_id=request.capture_id,
            attempt_id=request.attempt_id,
            outcome=Outcome.ACCEPTED,
            amount_minor=request.amount_minor,
            currency=request.currency,
            final=request.final,
            occurred_at=self._now(),
        )
        unanswered = without_movement(Outcome.UNKNOWN, request.capture_id, request.currency)
        if await self._is_lost(request):
            return unanswered
        moved = await self._move(
            lambda file: self._engine.capture(file, asked), request.capture_id, request.currency
        )
        if isinstance(moved, MovementResult):
            return moved
        charge, movement, fresh = moved
        if fresh and not TOKENS[charge.token].capture_answered:
            await self._lose_answer()
            return unanswered
        return movement_result(charge, movement)

    async def lookup_capture(
        self,
        *,
        capture_id: str,
        attempt_id: str,  # noqa: ARG002 - the journal knows captures by their key
        gateway_reference: str | None = None,  # noqa: ARG002
    ) -> MovementResult:
        """See `PaymentGateway.lookup_capture`."""
        return await self._look_up(MovementKind.CAPTURE, capture_id)

    async def refund(self, request: RefundRequest) -> MovementResult:
        """See `PaymentGateway.refund`."""
        asked = Movement(
            kind=MovementKind.REFUND,
            movement_id=request.refund_id,
            attempt_id=request.attempt_id,
            outcome=Outcome.ACCEPTED,
            amount_minor=request.amount_minor,
            currency=request.currency,
            occurred_at=self._now(),
        )
        moved = await self._move(
            lambda file: self._engine.refund(file, asked), request.refund_id, request.currency
        )
        if isinstance(moved, MovementResult):
            return moved
        charge, movement, fresh = moved
        if fresh and not TOKENS[charge.token].refund_answered:
            await self._lose_answer()
            return without_movement(Outcome.UNKNOWN, request.refund_id, request.currency)
        return movement_result(charge, movement)

    async def lookup_refund(
        self,
        *,
        refund_id: str,
        attempt_id: str | None = None,  # noqa: ARG002 - the journal knows refunds by their key
        gateway_reference: str | None = None,  # noqa: ARG002
    ) -> MovementResult:
        """See `PaymentGateway.lookup_refund`."""
        return await self._look_up(MovementKind.REFUND, refund_id)

    async def void(
        self,
        *,
        attempt_id: str,
        gateway_reference: str | None = None,  # noqa: ARG002 - the journal knows our own key
    ) -> MovementResult:
        """See `PaymentGateway.void`. An action that the buyer never finished can be voided too."""
        now = self._now()
        moved = await self._move(
            lambda file: self._engine.void(file, attempt_id, now=now), attempt_id, None
        )
        if isinstance(moved, MovementResult):
            return moved
        charge, movement = moved
        if movement is not None:
            return movement_result(charge, movement)
        return MovementResult(
            outcome=Outcome.DECLINED,
            state=charge.state,
            movement_id=attempt_id,
            gateway_reference=charge.gateway_reference,
            amount_minor=0,
            currency=charge.currency,
            decline_code=f"already_{charge.state}",
        )

    async def _is_lost(self, request: CaptureRequest) -> bool:
        """Whether the request never arrives: the first one of its token does not."""
        if request.capture_id in self._lost:
            return False
        try:
            charge = await self._file.read(lambda file: store.find_charge(file, request.attempt_id))
        except FileBusy:
            return True
        if charge is None or TOKENS[charge.token].capture_arrives:
            return False
        self._lost.add(request.capture_id)
        await self._lose_answer()
        return True

    async def _look_up(self, kind: MovementKind, movement_id: str) -> MovementResult:
        try:
            found = await self._file.read(
                lambda file: store.find_with_charge(file, kind, movement_id)
            )
        except FileBusy:
            return without_movement(Outcome.UNKNOWN, movement_id)
        if found is None:
            return without_movement(Outcome.NOT_FOUND, movement_id)
        return movement_result(*found)

    async def _move(
        self, work: Callable[[sqlite3.Connection], Answer], movement_id: str, currency: str | None
    ) -> Answer | MovementResult:
        """The engine's answer, or the value that says why there is none."""
        try:
            return await self._file.write(work)
        except FileBusy:
            return without_movement(Outcome.UNKNOWN, movement_id, currency)
        except ChargeMissing:
            return without_movement(Outcome.NOT_FOUND, movement_id, currency)
        except KeyReused:
            return without_movement(Outcome.REFUSED, movement_id, currency)

    async def _lose_answer(self) -> None:
        if self._script.lose_answer is not None:
            await self._script.lose_answer()
