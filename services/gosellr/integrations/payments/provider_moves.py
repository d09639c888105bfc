"""What is the same wherever a provider is asked to take, return or let go of money.

A provider's own moves say how each is done there; here stands what an answer is where none can be
had, so that no exception leaves an adapter.
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable
from typing import ClassVar

from gosellr.integrations.payments.port import (
    CaptureRequest,
    MovementResult,
    Outcome,
    PaymentState,
    RefundRequest,
)
from gosellr.integrations.payments.results import Standing, without_movement


class ProviderMoves(ABC):
    """Captures, refunds and voids of one account, and what became of those that were asked for.

    `_silence` are the errors that leave open what the provider did; `_reused` says that under this
    key it has something else than what is asked for now.
    """

    _silence: ClassVar[tuple[type[Exception], ...]]
    _reused: ClassVar[type[Exception]]

    async def capture(self, request: CaptureRequest) -> MovementResult:
        """See `PaymentGateway.capture`."""
        return await self._answered(
            request.capture_id, self._capture(request), currency=request.currency
        )

    async def lookup_capture(
        self, *, capture_id: str, attempt_id: str, gateway_reference: str | None = None
    ) -> MovementResult:
        """See `PaymentGateway.lookup_capture`."""
        return await self._answered(
            capture_id, self._capture_made(capture_id, attempt_id, gateway_reference)
        )

    async def void(
        self, *, attempt_id: str, gateway_reference: str | None = None
    ) -> MovementResult:
        """See `PaymentGateway.void`."""
        return await self._answered(attempt_id, self._void(attempt_id, gateway_reference))

    async def refund(self, request: RefundRequest) -> MovementResult:
        """See `PaymentGateway.refund`."""
        return await self._answered(
            request.refund_id, self._refund(request), currency=request.currency
        )

    async def lookup_refund(
        self,
        *,
        refund_id: str,
        attempt_id: str | None = None,
        gateway_reference: str | None = None,
    ) -> MovementResult:
        """See `PaymentGateway.lookup_refund`. A refund is known by its payment alone."""
        if attempt_id is None:
            return without_movement(Outcome.UNKNOWN, refund_id)
        return await self._answered(
            refund_id, self._refund_made(refund_id, attempt_id, gateway_reference)
        )

    @abstractmethod
    async def _capture(self, request: CaptureRequest) -> MovementResult:
        """Take money, once under its key. This and the others raise what the errors above are."""

    @abstractmethod
    async def _capture_made(
        self, capture_id: str, attempt_id: str, reference: str | None
    ) -> MovementResult:
        """What was taken under a key."""

    @abstractmethod
    async def _void(self, attempt_id: str, reference: str | None) -> MovementResult:
        """Let go of what was set aside, and take nothing any more."""

    @abstractmethod
    async def _refund(self, request: RefundRequest) -> MovementResult:
        """Give money back, once under its key."""

    @abstractmethod
    async def _refund_made(
        self, refund_id: str, attempt_id: str, reference: str | None
    ) -> MovementResult:
        """What was given back under a key."""

    async def _answered(
        self, movement_id: str, work: Awaitable[MovementResult], *, currency: str | None = None
    ) -> MovementResult:
        """The answer, or the value that says why there is none. What was never sent may have
        been sent before: it stays open."""
        try:
            return await work
        except self._reused:
            return without_movement(Outcome.REFUSED, movement_id, currency)
        except self._silence:
            return without_movement(Outcome.UNKNOWN, movement_id, currency)


def capture_objection(request: CaptureRequest, charge: Standing, *, left_minor: int) -> str | None:
    """Why so much can't be taken of a charge of which so much is left, if it can't."""
    if charge.state is not PaymentState.AUTHORIZED:
        return "not_authorized"
    if charge.currency != request.currency:
        return "currency_mismatch"
    if request.amount_minor > left_minor:
        return "amount_exceeds_authorized"
    return None
