"""The sandbox gateway that ships: a whole payment provider in one SQLite file.

It outlives the application and the database, answers every idempotency key the same way for ever,
loses answers on demand, and reports each change by a signed webhook. `sandbox_script.TOKENS` lists
its test tokens.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from gosellr.core.clock import Clock, SystemClock
from gosellr.integrations.payments import sandbox_store as store
from gosellr.integrations.payments import sandbox_webhooks as webhooks
from gosellr.integrations.payments import signatures
from gosellr.integrations.payments.port import (
    BadSignature,
    CaptureRequest,
    ChargeRequest,
    ChargeResult,
    DisputeEvidence,
    GatewayDispute,
    GatewayEvent,
    GatewayMovement,
    MovementResult,
    Outcome,
    PaymentState,
    RefundRequest,
)
from gosellr.integrations.payments.sandbox_disputes import SandboxDisputes
from gosellr.integrations.payments.sandbox_engine import (
    OUTCOMES,
    ChargeMissing,
    KeyReused,
    SandboxEngine,
)
from gosellr.integrations.payments.sandbox_movements import movements_after
from gosellr.integrations.payments.sandbox_script import (
    TOKENS,
    UNKNOWN_TOKEN,
    ChargeBehaviour,
    SandboxScript,
)
from gosellr.integrations.payments.sandbox_store import Charge, Movement, MovementKind
from gosellr.integrations.sqlite_file import FileBusy, SqliteFile

FILE_NAME = "sandbox_gateway.sqlite"

Answer = TypeVar("Answer")


class SandboxForbidden(RuntimeError):
    """The sandbox gateway was asked for in production without being allowed by name."""


def action_path(attempt_id: str) -> str:
    """The path of the page on which the buyer of this attempt says yes or no."""
    return f"/sandbox/pay/{quote(attempt_id, safe='')}"


class SandboxGateway:
    """A `PaymentGateway` over the file `<home>/sandbox_gateway.sqlite`.

    Safe from several processes at once. A file that stays locked for `timeout_seconds` gives
    `UNKNOWN`. The fee of each capture is `fee_bps` of it (half-up) plus `fee_fixed_minor`, at most
    the capture itself, and isn't given back by a refund; both are 0 unless configured.
    `webhook_secrets=None` uses the secret which the journal made for itself at birth; an empty
    tuple signs nothing and verifies nothing. Raises `SandboxForbidden` in production unless
    `allowed_in_production`, and ValueError for a malformed secret.
    """

    name = "sandbox"

    def __init__(
        self,
        home: Path,
        *,
        production: bool,
        allowed_in_production: bool = False,
        webhook_secrets: tuple[str, ...] | None = None,
        fee_bps: int = 0,
        fee_fixed_minor: int = 0,
        script: SandboxScript | None = None,
        clock: Clock | None = None,
        timeout_seconds: float = 5.0,
    ) -> None:
        if production and not allowed_in_production:
            raise SandboxForbidden("the sandbox gateway takes no real money: not for production")
        self._file = SqliteFile(
            home / FILE_NAME, schema=store.SCHEMA, timeout_seconds=timeout_seconds
        )
        if webhook_secrets is None:
            webhook_secrets = (self._file.write_now(webhooks.own_secret),)
        self._keys = tuple(signatures.secret_bytes(secret) for secret in webhook_secrets)
        self._script = script or SandboxScript()
        self._engine = SandboxEngine(
            fee_bps=fee_bps, fee_fixed_minor=fee_fixed_minor, script=self._script
        )
        self._now = (clock or SystemClock()).now
        self.disputes = SandboxDisputes(self._file, script=self._script, now=self._now)

    async def charge(self, request: ChargeRequest) -> ChargeResult:
        """See `PaymentGateway.charge`."""
        token = request.token if request.token in TOKENS else UNKNOWN_TOKEN
        unanswered = _without_charge(
            Outcome.UNKNOWN,
            request.attempt_id,
            amount_minor=request.amount_minor,
            currency=request.currency,
        )
        if TOKENS[token].charge is ChargeBehaviour.LOSE_REQUEST:
            await self._lose_answer()
            return unanswered
        new = Charge(
            attempt_id=request.attempt_id,
            gateway_reference=store.reference_of(request.attempt_id),
            reference=request.reference,
            token=token,
            currency=request.currency,
            amount_minor=request.amount_minor,
            capture=request.capture,
            state=PaymentState.ACTION_REQUIRED,
            created_at=self._now(),
        )
        try:
            charge, fresh = await self._file.write(lambda file: self._engine.charge(file, new))
        except FileBusy:
            return unanswered
        except KeyReused:
            return _without_charge(Outcome.REFUSED, request.attempt_id)
        if fresh and not TOKENS[token].answered:
            await self._lose_answer()
            return unanswered
        return _charge_result(charge)

    async def lookup(
        self,
        *,
        attempt_id: str,
        gateway_reference: str | None = None,  # noqa: ARG002 - the journal knows our own key
    ) -> ChargeResult:
        """See `PaymentGateway.lookup`."""
        try:
            charge = await self._file.read(lambda file: store.find_charge(file, attempt_id))
        except FileBusy:
            return _without_charge(Outcome.UNKNOWN, attempt_id)
        if charge is None:
            return _without_charge(Outcome.NOT_FOUND, attempt_id)
        return _charge_result(charge)

    async def complete_action(self, *, attempt_id: str, approve: bool) -> ChargeResult:
        """The buyer's answer on the sandbox's payment page; a finished charge stays as it is."""
        now = self._now()
        try:
            charge = await self._file.write(
                lambda file: self._engine.complete(file, attempt_id, approve=approve, now=now)
            )
        except FileBusy:
            return _without_charge(Outcome.UNKNOWN, attempt_id)
        except ChargeMissing:
            return _without_charge(Outcome.NOT_FOUND, attempt_id)
        return _charge_result(charge)

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
        moved = await self._move(
            lambda file: self._engine.capture(file, asked), request.capture_id, request.currency
        )
        return moved if isinstance(moved, MovementResult) else _movement_result(*moved)

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
            return _without_movement(Outcome.UNKNOWN, request.refund_id, request.currency)
        return _movement_result(charge, movement)

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
            return _movement_result(charge, movement)
        return MovementResult(
            outcome=Outcome.DECLINED,
            state=charge.state,
            movement_id=attempt_id,
            gateway_reference=charge.gateway_reference,
            amount_minor=0,
            currency=charge.currency,
            decline_code=f"already_{charge.state}",
        )

    async def lookup_refund(
        self,
        *,
        refund_id: str,
        attempt_id: str | None = None,  # noqa: ARG002 - the journal knows refunds by their key
        gateway_reference: str | None = None,  # noqa: ARG002
    ) -> MovementResult:
        """See `PaymentGateway.lookup_refund`."""
        try:
            found = await self._file.read(
                lambda file: store.find_with_charge(file, MovementKind.REFUND, refund_id)
            )
        except FileBusy:
            return _without_movement(Outcome.UNKNOWN, refund_id, None)
        if found is None:
            return _without_movement(Outcome.NOT_FOUND, refund_id, None)
        return _movement_result(*found)

    async def prepare_webhook(self, headers: Mapping[str, str]) -> None:
        """See `PaymentGateway.prepare_webhook`: all that proves a report is here already."""

    async def disputes_of(
        self,
        *,
        attempt_id: str,
        gateway_reference: str | None = None,  # noqa: ARG002 - the journal knows our own key
    ) -> Sequence[GatewayDispute] | None:
        """See `DisputingGateway.disputes_of`."""
        return await self.disputes.of_charge(attempt_id)

    async def attempt_of(self, *, gateway_reference: str) -> str | None:  # noqa: ARG002
        """See `DisputingGateway.attempt_of`: its reports name each attempt by our own key."""
        return ""

    async def submit_evidence(self, evidence: DisputeEvidence) -> Outcome:
        """See `DisputingGateway.submit_evidence`."""
        return await self.disputes.submit(evidence)

    def parse_webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> GatewayEvent:
        """See `PaymentGateway.parse_webhook`."""
        if len(body) > webhooks.LARGEST_BODY_BYTES:
            raise BadSignature("the body is larger than anything this gateway sends")
        event_id = signatures.verify(headers, body, keys=self._keys, now=now)
        return webhooks.read_event(event_id, body)

    async def pending_webhooks(self, *, limit: int = 100) -> list[webhooks.WebhookDelivery]:
        """What is due to be posted now, signed now; raises `FileBusy` like all that follows."""
        return await self._file.read(
            partial(
                webhooks.due_deliveries,
                keys=self._keys,
                script=self._script,
                now=self._now(),
                limit=limit,
            )
        )

    async def mark_delivered(self, *, sequence: int) -> None:
        """One copy was answered with 2xx."""
        await self._file.write(lambda file: webhooks.delivered(file, sequence))

    async def mark_failed(self, *, sequence: int) -> None:
        """One copy wasn't; it comes back after a growing pause."""
        await self._file.write(lambda file: webhooks.failed(file, sequence, self._now()))

    async def journal(self, *, after_reference: str = "", limit: int = 1000) -> list[Charge]:
        """The gateway's truth for reconciliation, a page at a time by `gateway_reference`."""
        return await self._file.read(lambda file: store.charges_after(file, after_reference, limit))

    async def movements(self, *, after: str = "", limit: int = 1000) -> list[GatewayMovement]:
        """See `TellsMovements.movements`."""
        return await self._file.read(lambda file: movements_after(file, after, limit))

    async def totals(self) -> list[store.CurrencyTotal]:
        """Captured, refunded and fee of everything, per currency."""
        return await self._file.read(store.currency_totals)

    def close(self) -> None:
        """Closes this process's hold on the journal."""
        self._file.close()

    async def aclose(self) -> None:
        """See `PaymentGateway.aclose`."""
        self.close()

    async def _move(
        self, work: Callable[[sqlite3.Connection], Answer], movement_id: str, currency: str | None
    ) -> Answer | MovementResult:
        """The engine's answer, or the value that says why there is none."""
        try:
            return await self._file.write(work)
        except FileBusy:
            return _without_movement(Outcome.UNKNOWN, movement_id, currency)
        except ChargeMissing:
            return _without_movement(Outcome.NOT_FOUND, movement_id, currency)
        except KeyReused:
            return _without_movement(Outcome.REFUSED, movement_id, currency)

    async def _lose_answer(self) -> None:
        if self._script.lose_answer is not None:
            await self._script.lose_answer()


def _charge_result(charge: Charge) -> ChargeResult:
    needs_action = charge.state is PaymentState.ACTION_REQUIRED
    return ChargeResult(
        outcome=OUTCOMES[charge.state],
        state=charge.state,
        attempt_id=charge.attempt_id,
        gateway_reference=charge.gateway_reference,
        amount_minor=charge.amount_minor,
        captured_minor=charge.captured_minor,
        refunded_minor=charge.refunded_minor,
        currency=charge.currency,
        fee_minor=charge.fee_minor,
        decline_code="voided" if charge.state is PaymentState.VOIDED else charge.decline_code,
        action_url=action_path(charge.attempt_id) if needs_action else None,
    )


def _movement_result(charge: Charge, movement: Movement) -> MovementResult:
    return MovementResult(
        outcome=movement.outcome,
        state=charge.state,
        movement_id=movement.movement_id,
        gateway_reference=charge.gateway_reference,
        amount_minor=movement.amount_minor if movement.outcome is Outcome.ACCEPTED else 0,
        currency=movement.currency,
        fee_minor=movement.fee_minor,
        decline_code=movement.decline_code,
    )


def _without_charge(
    outcome: Outcome, attempt_id: str, *, amount_minor: int = 0, currency: str | None = None
) -> ChargeResult:
    return ChargeResult(
        outcome=outcome,
        state=_state_without_answer(outcome),
        attempt_id=attempt_id,
        gateway_reference=None,
        amount_minor=amount_minor,
        captured_minor=0,
        refunded_minor=0,
        currency=currency,
        fee_minor=0,
        decline_code=_code_without_answer(outcome),
    )


def _without_movement(outcome: Outcome, movement_id: str, currency: str | None) -> MovementResult:
    return MovementResult(
        outcome=outcome,
        state=_state_without_answer(outcome),
        movement_id=movement_id,
        gateway_reference=None,
        amount_minor=0,
        currency=currency,
        decline_code=_code_without_answer(outcome),
    )


def _state_without_answer(outcome: Outcome) -> PaymentState:
    return PaymentState.ABSENT if outcome is Outcome.NOT_FOUND else PaymentState.UNKNOWN


def _code_without_answer(outcome: Outcome) -> str | None:
    return "idempotency_key_reused" if outcome is Outcome.REFUSED else None
