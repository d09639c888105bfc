"""What Stripe's objects say, read into values of ours, and where a charge stands by them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from gosellr.integrations.payments.port import PaymentState
from gosellr.integrations.payments.stripe_amounts import fee_from_stripe, from_stripe, to_stripe
from gosellr.utils.lazy_dataclasses import dataclass

# Under these names our identifiers stand in the metadata of Stripe's objects.
ATTEMPT = "gosellr_attempt"
ORDER = "gosellr_order"
CAPTURE = "gosellr_capture"
REFUND = "gosellr_refund"
WAY = "gosellr_way"
_PART = "gsc_"

HOSTED = "hosted"
"""The way of an attempt that is paid on Stripe's page; else the card was confirmed at once."""

_INTENT_STATES = {
    "requires_action": PaymentState.ACTION_REQUIRED,
    "requires_capture": PaymentState.AUTHORIZED,
    "succeeded": PaymentState.CAPTURED,
    "canceled": PaymentState.VOIDED,
    # We confirm as we create and give nobody the means to confirm again.
    "requires_payment_method": PaymentState.DECLINED,
}
# A page that is over takes nothing more, whatever became of the tries on it.
_NOTHING_TAKEN = frozenset(
    {"requires_payment_method", "requires_action", "requires_confirmation", "canceled"}
)
_DECLINE_CODES = {"payment_intent_authentication_failure": "authentication_failed"}


class Unreadable(ValueError):
    """An answer of Stripe's that lacks what it has to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A payment intent; amounts in our minor units."""

    id: str
    status: str
    currency: str
    amount_minor: int
    captured_minor: int
    refunded_minor: int
    fee_minor: int
    decline_code: str | None
    action_url: str | None
    metadata: Mapping[str, str]
    charge_id: str | None = None
    # Of money that is set aside: until when, and whether it may be taken piece by piece.
    capture_before: datetime | None = None
    captures_many: bool = False

    @property
    def is_taken_in_parts(self) -> bool:
        """Whether captures of it stand beside each other."""
        return any(name.startswith(_PART) for name in self.metadata)

    def captured_under(self, capture_id: str) -> int | None:
        """What was taken under a key of ours; None where nothing was."""
        if self.metadata.get(CAPTURE) == capture_id:
            return self.captured_minor
        part = self.metadata.get(part_of_capture(capture_id))
        return None if part is None else int(part)


def part_of_capture(capture_id: str) -> str:
    """The name in the metadata under which a capture that isn't the only one says its amount;
    Stripe takes no longer names than forty letters."""
    return _PART + capture_id.replace("-", "")[:32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A hosted page. `intent_id` is None until its buyer has tried to pay."""

    id: str
    status: str
    currency: str
    amount_minor: int
    url: str | None
    intent_id: str | None
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Money on its way back."""

    id: str
    status: str
    currency: str
    amount_minor: int
    failure_reason: str | None
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What Stripe has of one attempt: a page, a payment intent, or both."""

    session: Session | None = None
    intent: Intent | None = None

    @property
    def _subject(self) -> Session | Intent:
        """The page as long as it's the buyer's turn there, and where nothing else is."""
        if self.session is not None and (self.session.status == "open" or self.intent is None):
            return self.session
        if self.intent is None:
            raise Unreadable("neither a page nor a payment intent")
        return self.intent

    @property
    def reference(self) -> str:
        """Stripe's own name of what there is."""
        return self._subject.id

    @property
    def amount_minor(self) -> int:
        """What was asked for."""
        return self._subject.amount_minor

    @property
    def currency(self) -> str:
        """In which currency."""
        return self._subject.currency

    @property
    def attempt_id(self) -> str | None:
        """Whose attempt it is."""
        return self._subject.metadata.get(ATTEMPT)

    @property
    def state(self) -> PaymentState:
        """Where the charge stands. Money that takes its time leaves it open."""
        page = None if self.session is None else self.session.status
        intent = None if self.intent is None else self.intent.status
        if page == "open":
            # A card that was declined there may be followed by a good one.
            return PaymentState.ACTION_REQUIRED
        if page == "expired" and (intent is None or intent in _NOTHING_TAKEN):
            return PaymentState.VOIDED
        if intent == "canceled" and self.intent is not None and self.intent.captured_minor:
            # What wasn't taken went back, and what was stays.
            return PaymentState.CAPTURED
        return _INTENT_STATES.get(intent or "", PaymentState.UNKNOWN)

    @property
    def action_url(self) -> str | None:
        """Where the buyer has to go."""
        if self.state is not PaymentState.ACTION_REQUIRED:
            return None
        if self.session is not None and self.session.status == "open":
            return self.session.url
        return None if self.intent is None else self.intent.action_url

    @property
    def decline_code(self) -> str | None:
        """Why nothing was paid."""
        if self.state is PaymentState.VOIDED:
            return "voided"
        if self.state is PaymentState.DECLINED and self.intent is not None:
            return self.intent.decline_code or "declined"
        return None


def read_intent(document: Mapping[str, Any]) -> Intent:
    """A payment intent; raises `Unreadable`. What isn't expanded counts as nothing."""
    try:
        currency = document["currency"].upper()
        captured = document["amount_received"]
        charge = document.get("latest_charge")
        charge = charge if isinstance(charge, dict) else {}
        error = document.get("last_payment_error") or {}
        code = error.get("decline_code") or error.get("code")
        to_url = (document.get("next_action") or {}).get("redirect_to_url") or {}
        card = (charge.get("payment_method_details") or {}).get("card") or {}
        before = card.get("capture_before")
        return Intent(
            id=document["id"],
            status=document["status"],
            currency=currency,
            amount_minor=from_stripe(document["amount"], currency),
            captured_minor=from_stripe(captured, currency),
            refunded_minor=from_stripe(charge.get("amount_refunded", 0), currency),
            fee_minor=_fee_minor(charge.get("balance_transaction"), currency, captured),
            decline_code=None if code is None else _DECLINE_CODES.get(code, code),
            action_url=to_url.get("url"),
            metadata=document.get("metadata") or {},
            charge_id=charge.get("id"),
            capture_before=None if before is None else datetime.fromtimestamp(before, UTC),
            captures_many=(card.get("multicapture") or {}).get("status") == "available",
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Unreadable("no payment intent that we can read") from error


def read_session(document: Mapping[str, Any]) -> Session:
    """A hosted page; raises `Unreadable`."""
    try:
        currency = document["currency"].upper()
        intent = document.get("payment_intent")
        return Session(
            id=document["id"],
            status=document["status"],
            currency=currency,
            amount_minor=from_stripe(document["amount_total"], currency),
            url=document.get("url"),
            intent_id=intent["id"] if isinstance(intent, dict) else intent,
            metadata=document.get("metadata") or {},
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Unreadable("no page that we can read") from error


def read_refund(document: Mapping[str, Any]) -> Refund:
    """A refund; raises `Unreadable`."""
    try:
        currency = document["currency"].upper()
        return Refund(
            id=document["id"],
            # Refunds of long ago have none; they were all done.
            status=document.get("status") or "succeeded",
            currency=currency,
            amount_minor=from_stripe(document["amount"], currency),
            failure_reason=document.get("failure_reason"),
            metadata=document.get("metadata") or {},
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Unreadable("no refund that we can read") from error


def read_fee(documents: Sequence[Mapping[str, Any]], intent: Intent) -> int:
    """What was kept of all captures of a payment together; raises `Unreadable`."""
    try:
        taken = [one for one in documents if one["type"] in ("charge", "payment")]
        if not taken:
            return intent.fee_minor
        return fee_from_stripe(
            sum(one["fee"] for one in taken),
            intent.currency,
            fee_currency=taken[0]["currency"].upper(),
            charged=to_stripe(intent.captured_minor, intent.currency),
            settled=sum(one["amount"] for one in taken),
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Unreadable("no fees that we can read") from error


def _fee_minor(transaction: object, currency: str, captured: int) -> int:
    if not isinstance(transaction, dict):
        return 0
    return fee_from_stripe(
        transaction["fee"],
        currency,
        fee_currency=transaction["currency"].upper(),
        charged=captured,
        settled=transaction["amount"],
    )
