"""Bank transfer and cash on delivery behind the port: nothing here leaves the process.

No provider keeps a journal of these payments; the market's own rows do. So neither gateway holds
any state: what it answers follows from what it is asked, and what arrived is told by people.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from gosellr.integrations.payments.port import (
    BadSignature,
    CaptureRequest,
    ChargeRequest,
    ChargeResult,
    GatewayEvent,
    MovementResult,
    Outcome,
    PaymentState,
    RefundRequest,
)
from gosellr.integrations.payments.results import without_charge, without_movement
from gosellr.integrations.payments.rules_port import GatewayRules, InParts, SendsRefunds
from gosellr.utils.creditor_reference import reference_of
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.money import Money
from gosellr.utils.offline import BANK_TRANSFER, CASH_ON_DELIVERY
from gosellr.utils.payto import Transfer


@dataclass(frozen=True, slots=True, kw_only=True)
class BankAccount:
    """Where transfers of one currency go."""

    iban: str
    bic: str
    holder: str


class _ByHand:
    """What both have in common."""

    name: ClassVar[str]

    async def void(
        self,
        *,
        attempt_id: str,
        gateway_reference: str | None = None,  # noqa: ARG002  (the port's signature)
    ) -> MovementResult:
        """Nothing is called back; what comes all the same is sent back by a person."""
        return without_movement(Outcome.BY_HAND, attempt_id)

    async def refund(self, request: RefundRequest) -> MovementResult:
        """A person sends it back."""
        return without_movement(Outcome.BY_HAND, request.refund_id, request.currency)

    async def lookup_refund(
        self,
        *,
        refund_id: str,
        attempt_id: str | None = None,  # noqa: ARG002  (the port's signature)
        gateway_reference: str | None = None,  # noqa: ARG002
    ) -> MovementResult:
        """A person sends it back, and says so."""
        return without_movement(Outcome.BY_HAND, refund_id)

    async def capture(self, request: CaptureRequest) -> MovementResult:
        """There is nothing to be captured: money is here, or it isn't."""
        return without_movement(Outcome.BY_HAND, request.capture_id, request.currency)

    async def lookup_capture(
        self,
        *,
        capture_id: str,
        attempt_id: str,  # noqa: ARG002  (the port's signature)
        gateway_reference: str | None = None,  # noqa: ARG002
    ) -> MovementResult:
        """As for `capture`."""
        return without_movement(Outcome.BY_HAND, capture_id)

    async def prepare_webhook(self, headers: Mapping[str, str]) -> None:
        """Nobody reports."""

    def parse_webhook(
        self,
        headers: Mapping[str, str],  # noqa: ARG002  (the port's signature)
        body: bytes,  # noqa: ARG002
        now: datetime,  # noqa: ARG002
    ) -> GatewayEvent | None:
        """Nobody reports: whoever does isn't believed."""
        raise BadSignature(f"{self.name} is told by people who have signed in")

    async def aclose(self) -> None:
        """There is nothing to be closed."""


class BankTransfer(_ByHand):
    """The buyer transfers the amount under the attempt's own reference."""

    name = BANK_TRANSFER

    def __init__(self, accounts: Mapping[str, BankAccount]) -> None:
        self._accounts = dict(accounts)

    @property
    def currencies(self) -> frozenset[str]:
        """In which currencies there is an account."""
        return frozenset(self._accounts)

    @property
    def rules(self) -> GatewayRules:
        """See `HasRules.rules`: what arrives is taken, all of it."""
        return GatewayRules(
            takes_later=False,
            in_parts=InParts.NEVER,
            sends_refunds=SendsRefunds.MARKET,
            currencies=self.currencies,
        )

    @property
    def ibans(self) -> frozenset[str]:
        """The accounts themselves."""
        return frozenset(account.iban for account in self._accounts.values())

    async def charge(self, request: ChargeRequest) -> ChargeResult:
        """Says where to pay; the same attempt is always told the same reference."""
        account = self._accounts.get(request.currency)
        if account is None:
            return without_charge(
                Outcome.DECLINED, request.attempt_id, request=request, code="currency_not_taken"
            )
        reference = reference_of(UUID(request.attempt_id))
        transfer = Transfer(
            iban=account.iban,
            bic=account.bic,
            holder=account.holder,
            amount=Money(request.amount_minor, request.currency),
            reference=reference,
        )
        return ChargeResult(
            outcome=Outcome.ACTION_REQUIRED,
            state=PaymentState.ACTION_REQUIRED,
            attempt_id=request.attempt_id,
            gateway_reference=reference,
            amount_minor=request.amount_minor,
            captured_minor=0,
            refunded_minor=0,
            currency=request.currency,
            fee_minor=0,
            action_url=transfer.as_uri(),
        )

    async def lookup(
        self, *, attempt_id: str, gateway_reference: str | None = None
    ) -> ChargeResult:
        """Whoever was told a reference may have paid; an attempt without one never began."""
        known = gateway_reference is not None
        return without_charge(Outcome.BY_HAND if known else Outcome.NOT_FOUND, attempt_id)


class CashOnDelivery(_ByHand):
    """The buyer promises to pay at the door; the order is confirmed with that, and the seller
    says when the cash is there."""

    name = CASH_ON_DELIVERY

    @property
    def rules(self) -> GatewayRules:
        """See `HasRules.rules`: each seller collects its own part at the door."""
        return GatewayRules(
            takes_later=False, in_parts=InParts.ALWAYS, sends_refunds=SendsRefunds.SELLER
        )

    async def charge(self, request: ChargeRequest) -> ChargeResult:
        """Takes the promise."""
        return ChargeResult(
            outcome=Outcome.ACCEPTED,
            state=PaymentState.AUTHORIZED,
            attempt_id=request.attempt_id,
            gateway_reference=None,
            amount_minor=request.amount_minor,
            captured_minor=0,
            refunded_minor=0,
            currency=request.currency,
            fee_minor=0,
        )

    async def lookup(
        self,
        *,
        attempt_id: str,
        gateway_reference: str | None = None,  # noqa: ARG002  (the port's signature)
    ) -> ChargeResult:
        """No cash was seen here."""
        return without_charge(Outcome.NOT_FOUND, attempt_id)
