"""The sandbox gateway that ships: a whole payment provider in one SQLite file.

It outlives the application and the database, answers every idempotency key the same way for ever,
loses answers on demand, and reports each change by a signed webhook. `sandbox_script.TOKENS` lists
its test tokens.
"""

from asyncio import sleep
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

from gosellr.core.clock import Clock, SystemClock
from gosellr.integrations.payments import sandbox_store as store
from gosellr.integrations.payments import sandbox_webhooks as webhooks
from gosellr.integrations.payments import signatures
from gosellr.integrations.payments.port import (
    BadSignature,
    ChargeRequest,
    ChargeResult,
    DisputeEvidence,
    GatewayDispute,
    GatewayEvent,
    GatewayMovement,
    Outcome,
    PaymentState,
)
from gosellr.integrations.payments.report_port import DisputedCharge
from gosellr.integrations.payments.results import without_charge
from gosellr.integrations.payments.rules_port import GatewayRules, InParts
from gosellr.integrations.payments.sandbox_disputes import SandboxDisputes
from gosellr.integrations.payments.sandbox_engine import (
    TERM,
    ChargeMissing,
    KeyReused,
    SandboxEngine,
)
from gosellr.integrations.payments.sandbox_movements import TellsTransfers, movements_after
from gosellr.integrations.payments.sandbox_moves import SandboxMoves
from gosellr.integrations.payments.sandbox_results import charge_result
from gosellr.integrations.payments.sandbox_script import (
    TOKENS,
    UNKNOWN_TOKEN,
    ChargeBehaviour,
    SandboxScript,
)
from gosellr.integrations.payments.sandbox_store import Charge
from gosellr.integrations.sqlite_file import FileBusy, SqliteFile

FILE_NAME = "sandbox_gateway.sqlite"


class SandboxForbidden(RuntimeError):
    """The sandbox gateway was asked for in production without being allowed by name."""


class SandboxGateway(SandboxMoves):
    """A `PaymentGateway` over the file `<home>/sandbox_gateway.sqlite`.

    Safe from several processes at once. A file that stays locked for `timeout_seconds` gives
    `UNKNOWN`. The fee of each capture is `fee_bps` of it (half-up) plus `fee_fixed_minor`, at most
    the capture itself, and isn't given back by a refund; both are 0 unless configured. `transfers`
    tells what was paid to sellers out of the balance here.
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
        transfers: TellsTransfers | None = None,
        clock: Clock | None = None,
        timeout_seconds: float = 5.0,
    ) -> None:
        if production and not allowed_in_production:
            raise SandboxForbidden("the sandbox gateway takes no real money: not for production")
        file = SqliteFile(home / FILE_NAME, schema=store.SCHEMA, timeout_seconds=timeout_seconds)
        script = script or SandboxScript()
        super().__init__(
            file,
            engine=SandboxEngine(fee_bps=fee_bps, fee_fixed_minor=fee_fixed_minor, script=script),
            script=script,
            now=(clock or SystemClock()).now,
        )
        if webhook_secrets is None:
            webhook_secrets = (file.write_now(webhooks.own_secret),)
        self._keys = tuple(signatures.secret_bytes(secret) for secret in webhook_secrets)
        self._transfers = transfers
        self.disputes = SandboxDisputes(self._file, script=self._script, now=self._now)

    @property
    def rules(self) -> GatewayRules:
        """See `HasRules.rules`: one of its cards is taken once."""
        return GatewayRules(takes_later=True, in_parts=InParts.IF_ALLOWED, holds_for=TERM)

    async def charge(self, request: ChargeRequest) -> ChargeResult:
        """See `PaymentGateway.charge`."""
        token = request.token if request.token in TOKENS else UNKNOWN_TOKEN
        unanswered = without_charge(Outcome.UNKNOWN, request.attempt_id, request=request)
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
            return without_charge(Outcome.REFUSED, request.attempt_id)
        if fresh and TOKENS[token].seconds:
            await sleep(TOKENS[token].seconds)
        if fresh and not TOKENS[token].answered:
            await self._lose_answer()
            return unanswered
        if not fresh:
            return await self.lookup(attempt_id=charge.attempt_id)
        until = charge.created_at + TERM
        return charge_result(charge, until=until, now=charge.created_at)

    async def complete_action(self, *, attempt_id: str, approve: bool) -> ChargeResult:
        """The buyer's answer on the sandbox's payment page; a finished charge stays as it is."""
        now = self._now()
        try:
            await self._file.write(
                lambda file: self._engine.complete(file, attempt_id, approve=approve, now=now)
            )
        except FileBusy:
            return without_charge(Outcome.UNKNOWN, attempt_id)
        except ChargeMissing:
            return without_charge(Outcome.NOT_FOUND, attempt_id)
        return await self.lookup(attempt_id=attempt_id)

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

    async def attempt_of(self, *, gateway_reference: str) -> str | None:
        """See `DisputingGateway.attempt_of`."""
        return await self.disputes.attempt_of(gateway_reference)

    async def disputed_since(self, moment: datetime) -> Sequence[DisputedCharge] | None:
        """See `TellsDisputes.disputed_since`."""
        return await self.disputes.since(moment)

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
        await self.mark_all_delivered(sequences=[sequence])

    async def mark_all_delivered(self, *, sequences: Sequence[int]) -> None:
        """One copy of each was answered with 2xx."""
        await self._file.write(lambda file: webhooks.delivered(file, sequences))

    async def mark_failed(self, *, sequence: int) -> None:
        """One copy wasn't; it comes back after a growing pause."""
        await self._file.write(lambda file: webhooks.failed(file, sequence, self._now()))

    async def journal(self, *, after_reference: str = "", limit: int = 1000) -> list[Charge]:
        """The gateway's truth for reconciliation, a page at a time by `gateway_reference`."""
        return await self._file.read(lambda file: store.charges_after(file, after_reference, limit))

    async def movements(self, *, after: str = "", limit: int = 1000) -> list[GatewayMovement]:
        """See `TellsMovements.movements`."""
        return await movements_after(self._file, after, limit, transfers=self._transfers)

    async def totals(self) -> list[store.CurrencyTotal]:
        """Captured, refunded and fee of everything, per currency."""
        return await self._file.read(store.currency_totals)

    def close(self) -> None:
        """Closes this process's hold on the journal."""
        self._file.close()

    async def aclose(self) -> None:
        """See `PaymentGateway.aclose`."""
        self.close()
