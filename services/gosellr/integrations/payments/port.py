"""The port that every payment gateway speaks: values in, values out.

Amounts are integer minor units of an ISO 4217 currency and pass through unchanged. `attempt_id`,
`capture_id` and `refund_id` are idempotency keys: the same key with the same body gives the same
answer for ever, however often and from wherever it is asked.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol, runtime_checkable

from gosellr.utils.disputes import ChargebackStage
from gosellr.utils.lazy_dataclasses import dataclass


class Outcome(StrEnum):
    """What a gateway said. Only `UNKNOWN` leaves open whether money moved."""

    ACCEPTED = "accepted"
    DECLINED = "declined"
    """A final no: nothing moved, and the same key will be answered the same way."""
    ACTION_REQUIRED = "action_required"
    """The buyer has to visit `action_url`; nothing moved yet."""
    UNKNOWN = "unknown"
    """No answer within the time limit: money may or may not have moved. Ask by `lookup`."""
    NOT_FOUND = "not_found"
    """The gateway has never heard of this key, also where it surely wasn't sent: nothing moved."""
    BY_HAND = "by_hand"
    """No provider can be asked: a person does it, and says so when it's done."""
    REFUSED = "refused"
    """The key was used before with another body. What it did then still stands: look it up."""


class PaymentState(StrEnum):
    """Where a charge stands at the gateway."""

    ACTION_REQUIRED = "action_required"
    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    DECLINED = "declined"
    VOIDED = "voided"
    UNKNOWN = "unknown"
    ABSENT = "absent"


class EventKind(StrEnum):
    """What a gateway reports by webhook."""

    PAYMENT_ACTION_REQUIRED = "payment.action_required"
    PAYMENT_AUTHORIZED = "payment.authorized"
    PAYMENT_CAPTURED = "payment.captured"
    PAYMENT_DECLINED = "payment.declined"
    PAYMENT_VOIDED = "payment.voided"
    REFUND_SUCCEEDED = "refund.succeeded"
    REFUND_FAILED = "refund.failed"
    REFUND_ELSEWHERE = "refund.elsewhere"
    """Money went back that nobody here sent; `movement_id` is the gateway's own name of it."""
    PAYMENT_REVERSED = "payment.reversed"
    """The same, by the gateway itself."""
    TRANSFER_CHANGED = "transfer.changed"
    """Of a payout: `attempt_id` and `movement_id` are the transfer's key."""
    ACCOUNT_CHANGED = "account.changed"
    """Of a seller's account at the provider: `gateway_reference` is its name."""
    ACCOUNT_PAYOUT = "account.payout"
    """What left such an account for its bank: with a `decline_code`, it came back."""
    DISPUTE_OPENED = "dispute.opened"
    DISPUTE_WON = "dispute.won"
    DISPUTE_LOST = "dispute.lost"


class InvalidAmount(ValueError):
    """An amount that isn't a positive whole number of minor units, or a currency that isn't one."""


class BadSignature(ValueError):
    """A webhook whose sender isn't proven: missing, wrong, or stale signature, or no secret set."""


class MalformedEvent(ValueError):
    """A webhook with a good signature whose body isn't an event of this gateway."""


LARGEST_AMOUNT_MINOR = 2**63 - 1


def check_money(amount_minor: int, currency: str) -> None:
    """Raises `InvalidAmount` unless 0 < amount < 2⁶³ (no bool, no float) and the code is `AAA`."""
    if type(amount_minor) is not int or not 0 < amount_minor <= LARGEST_AMOUNT_MINOR:
        raise InvalidAmount(f"not a positive whole number of minor units: {amount_minor!r}")
    if not (
        len(currency) == 3 and currency.isascii() and currency.isalpha() and currency.isupper()
    ):
        raise InvalidAmount(f"not an ISO 4217 code: {currency!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeRequest:
    """Ask for `amount_minor`; `capture=False` only authorises. `reference` is the order's id."""

    attempt_id: str
    amount_minor: int
    currency: str
    token: str
    reference: str
    capture: bool = True
    return_url: str | None = None

    def __post_init__(self) -> None:
        check_money(self.amount_minor, self.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureRequest:
    """Take `amount_minor` of an authorisation. `final` gives the rest back to the buyer.

    `gateway_reference` is the gateway's own name of the charge, where it was heard.
    """

    capture_id: str
    attempt_id: str
    amount_minor: int
    currency: str
    final: bool = True
    gateway_reference: str | None = None

    def __post_init__(self) -> None:
        check_money(self.amount_minor, self.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRequest:
    """Give back `amount_minor` of what was captured under `attempt_id`.

    `gateway_reference` is the gateway's own name of the charge, where it was heard.
    """

    refund_id: str
    attempt_id: str
    amount_minor: int
    currency: str
    gateway_reference: str | None = None

    def __post_init__(self) -> None:
        check_money(self.amount_minor, self.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeResult:
    """The answer to `charge` and `lookup`.

    `amount_minor` is what was asked, `captured_minor` what was really taken: the caller compares
    both with its own total before it calls anything paid. `fee_minor` is the gateway's own fee on
    the captures so far. `gateway_reference` is None where the gateway gave no answer or knows
    nothing, and so is `currency` where only a lookup asked. Of money that is set aside,
    `authorized_until` says until when, where the gateway tells, and `captures_many` whether it may
    be taken piece by piece.
    """

    outcome: Outcome
    state: PaymentState
    attempt_id: str
    gateway_reference: str | None
    amount_minor: int
    captured_minor: int
    refunded_minor: int
    currency: str | None
    fee_minor: int
    decline_code: str | None = None
    action_url: str | None = None
    authorized_until: datetime | None = None
    captures_many: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MovementResult:
    """The answer to `capture`, `void`, `refund` and the look-ups of movements.

    `state` is where the whole charge stands; `amount_minor` and `fee_minor` belong to this movement
    alone and are 0 where nothing moved. A gateway that tells fees only of a charge as a whole
    gives `fee_total_minor` instead: all that it has kept so far.
    """

    outcome: Outcome
    state: PaymentState
    movement_id: str
    gateway_reference: str | None
    amount_minor: int
    currency: str | None
    fee_minor: int = 0
    decline_code: str | None = None
    fee_total_minor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayEvent:
    """One verified webhook. `event_id` is unique per gateway and equal in every redelivery.

    `amount_minor` is what this event moved or failed to move, not a running total. `movement_id` is
    the `capture_id` or `refund_id`; for a capture made by the charge itself, the `attempt_id`; for
    a dispute, the gateway's own name of it. `attempt_id` is empty where the gateway knows only its
    own `gateway_reference` of the charge.
    """

    event_id: str
    kind: EventKind
    attempt_id: str
    movement_id: str
    gateway_reference: str
    amount_minor: int
    currency: str
    fee_minor: int
    decline_code: str | None
    occurred_at: datetime


class DisputeState(StrEnum):
    """Where a chargeback stands at the gateway."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayDispute:
    """A chargeback as its gateway knows it. `fee_minor` is what it asks for it in all, less what
    it gave back of that, and then `fee_returned`; `charges` are its names of the payments, and
    `kept_minor` what the buyer keeps of one that is won."""

    reference: str
    attempt_id: str
    state: DisputeState
    amount_minor: int
    currency: str
    fee_minor: int
    reason: str
    evidence_due_at: datetime | None
    opened_at: datetime
    stage: ChargebackStage | None = None
    charges: tuple[str, ...] = ()
    fee_returned: bool = False
    is_withdrawn: bool = False
    kept_minor: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceFile:
    """A file that speaks for the seller."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeEvidence:
    """What sellers say to a chargeback, once and for all. `evidence_id` is an idempotency key."""

    evidence_id: str
    reference: str
    statement: str
    carrier: str | None = None
    tracking_number: str | None = None
    files: tuple[EvidenceFile, ...] = ()


class PaymentGateway(Protocol):
    """A power that moves money. Every method returns within its time limit and never raises for
    what the gateway said or failed to say."""

    @property
    def name(self) -> str:
        """The word that stands in `payment_method`, in URLs and in account names."""

    async def charge(self, request: ChargeRequest) -> ChargeResult:
        """Authorises, and captures unless told otherwise. Safe to repeat by `attempt_id`."""

    async def capture(self, request: CaptureRequest) -> MovementResult:
        """Takes authorised money. Safe to repeat by `capture_id`."""

    async def lookup_capture(
        self, *, capture_id: str, attempt_id: str, gateway_reference: str | None = None
    ) -> MovementResult:
        """What became of a capture of this attempt whose answer was lost; `gateway_reference` is
        the gateway's own name of the charge."""

    async def void(
        self, *, attempt_id: str, gateway_reference: str | None = None
    ) -> MovementResult:
        """Gives back what is authorised and not captured, also after a part was captured. Safe to
        repeat.

        `gateway_reference` is the gateway's own name of the charge, where it was heard: many
        gateways find a charge by it sooner than by our key.
        """

    async def refund(self, request: RefundRequest) -> MovementResult:
        """Gives back captured money, never more than is left. Safe to repeat by `refund_id`."""

    async def lookup(
        self, *, attempt_id: str, gateway_reference: str | None = None
    ) -> ChargeResult:
        """What became of an attempt whose answer was lost. `NOT_FOUND` means nothing happened."""

    async def lookup_refund(
        self,
        *,
        refund_id: str,
        attempt_id: str | None = None,
        gateway_reference: str | None = None,
    ) -> MovementResult:
        """What became of a refund of this attempt whose answer was lost; `gateway_reference` is
        the gateway's own name of the charge."""

    async def prepare_webhook(self, headers: Mapping[str, str]) -> None:
        """Fetches what it takes to verify a report with these headers, where it isn't here yet.

        Within the time limit, with no transaction open, and without raising: what is missing
        then, `parse_webhook` finds missing.
        """

    def parse_webhook(
        self, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> GatewayEvent | None:
        """Verifies the raw bytes before it reads them; None for an event that is no news here.

        Raises `BadSignature` where the sender isn't proven and `MalformedEvent` where the body
        isn't one of this gateway's events.
        """

    async def aclose(self) -> None:
        """Lets go of what the process holds of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayMovement:
    """What changed the gateway's balance with us. `amount_minor` is signed: a refund lowers it.

    `movement_id` is the key under which we asked for it, where we did; `reference` is unique per
    gateway for ever, and `cursor` says where to go on.
    """

    reference: str
    kind: Literal["charge", "refund", "chargeback", "payout", "fee", "settlement", "other"]
    movement_id: str | None
    gateway_reference: str | None
    amount_minor: int
    fee_minor: int
    currency: str
    occurred_at: datetime
    cursor: str


@runtime_checkable
class TellsMovements(Protocol):
    """A gateway that lists every movement of its balance with us, for reconciliation."""

    async def movements(self, *, after: str = "", limit: int = 1000) -> Sequence[GatewayMovement]:
        """A page of movements, oldest first; an empty one is behind the last.

        Raises `JournalUnread`.
        """


@runtime_checkable
class Reauthorizes(Protocol):
    """A gateway that can keep money aside for longer without asking the buyer again."""

    async def reauthorize(
        self, *, attempt_id: str, gateway_reference: str | None = None
    ) -> ChargeResult:
        """Sets what wasn't captured aside anew; the answer says until when it is aside now, and
        was never so for longer where the gateway says no. Safe to repeat."""


@runtime_checkable
class DisputingGateway(PaymentGateway, Protocol):
    """What a gateway may do besides, where its payments can be taken back by a bank."""

    async def disputes_of(
        self, *, attempt_id: str, gateway_reference: str | None = None
    ) -> Sequence[GatewayDispute] | None:
        """Every chargeback of a charge as it stands now; None for no answer."""

    async def submit_evidence(self, evidence: DisputeEvidence) -> Outcome:
        """Hands evidence in. Safe to repeat; declined where it comes too late."""

    async def attempt_of(self, *, gateway_reference: str) -> str | None:
        """Which attempt a charge is that a report names by `gateway_reference` alone; empty for
        one that isn't ours, None for no answer."""
