"""What PayPal's objects say, read into values of ours, and where a charge stands by them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from gosellr.integrations.payments.paypal_amounts import from_money
from gosellr.integrations.payments.port import PaymentState
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.paypal_movements import read_our_id

VOIDED = "voided"
DECLINED = "declined"

AUTHORIZE = "AUTHORIZE"
CAPTURE = "CAPTURE"

_TAKEN = frozenset({"COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED"})
_NOT_TAKEN = frozenset({"DECLINED", "FAILED"})
_SET_ASIDE = frozenset({"CREATED", "CAPTURED", "PARTIALLY_CAPTURED"})
_MORE = frozenset({"CREATED", "PARTIALLY_CAPTURED"})
TERM = timedelta(days=7)
_AUTHORIZATIONS = {
    "CREATED": PaymentState.AUTHORIZED,
    "VOIDED": PaymentState.VOIDED,
    "EXPIRED": PaymentState.VOIDED,
    "DENIED": PaymentState.DECLINED,
}
# Of orders about which nothing was done yet. One that its buyer said yes to may be captured.
_ORDERS = {
    "CREATED": PaymentState.ACTION_REQUIRED,
    "SAVED": PaymentState.ACTION_REQUIRED,
    "PAYER_ACTION_REQUIRED": PaymentState.ACTION_REQUIRED,
    "APPROVED": PaymentState.AUTHORIZED,
    "VOIDED": PaymentState.VOIDED,
}
# Orders made with a wallet in mind have the first, others the second.
_ACTION_LINKS = ("payer-action", "approve")


class Unreadable(ValueError):
    """An answer of PayPal's that lacks what it has to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """Money that was set aside."""

    id: str
    status: str
    amount_minor: int
    currency: str
    # PayPal answers for it for a few days, and tries for a month. We count on it for a week, as
    # on a card, and have it renewed before.
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """Money that was taken, or is to be; `fee_minor` is what PayPal kept of it.

    `invoice_id` is our key of it, where it isn't the only one, and after a `final` one nothing is
    set aside any more.
    """

    id: str
    status: str
    amount_minor: int
    currency: str
    fee_minor: int
    invoice_id: str | None = None
    final: bool = True

    @property
    def is_taken(self) -> bool:
        """The money is here, whatever of it went back since."""
        return self.status in _TAKEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Money on its way back; `refund_id` is our key of it, where it has one."""

    id: str
    status: str
    amount_minor: int
    currency: str
    attempt_id: str
    refund_id: str
    reason: str | None
    capture_id: str | None = None

    @property
    def is_back(self) -> bool:
        """It went back, or is on its way."""
        return self.status in {"COMPLETED", "PENDING"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order at PayPal with everything that was taken and given back through it.

    `payee` holds the names under which PayPal knows who is paid, as far as it tells them.
    `closed_as` is the word by which an order of ours is never captured any more, and `is_marked`
    says that it stands at PayPal, for every process to see.
    """

    id: str
    status: str
    intent: str
    amount_minor: int
    currency: str
    attempt_id: str
    closed_as: str | None
    is_marked: bool
    payee: frozenset[str]
    action_url: str | None
    authorizations: Sequence[Authorization]
    captures: Sequence[Capture]
    refunds: Sequence[Refund]

    @property
    def reference(self) -> str:
        """PayPal's own name of it."""
        return self.id

    @property
    def captured_minor(self) -> int:
        """What was really taken."""
        return sum(one.amount_minor for one in self.captures if one.is_taken)

    @property
    def refunded_minor(self) -> int:
        """What went back, or is on its way."""
        return sum(one.amount_minor for one in self.refunds if one.is_back)

    @property
    def fee_minor(self) -> int:
        """What PayPal kept of the captures."""
        return sum(one.fee_minor for one in self.captures if one.is_taken)

    @property
    def capture(self) -> Capture | None:
        """The capture that took the money; the first, where there are several."""
        return next((one for one in self.captures if one.is_taken), None)

    def captured_under(self, capture_id: str) -> Capture | None:
        """The capture that bears a key of ours, whatever became of it."""
        return next((one for one in self.captures if one.invoice_id == capture_id), None)

    @property
    def authorized_until(self) -> datetime | None:
        """Until when its money is set aside, if it is."""
        aside = self.authorization if self.state is PaymentState.AUTHORIZED else None
        return None if aside is None else aside.until

    @property
    def authorization(self) -> Authorization | None:
        """The money that is set aside now."""
        latest_first = reversed(self.authorizations)
        return next((one for one in latest_first if one.status in _SET_ASIDE), None)

    @property
    def is_of_other_money(self) -> bool:
        """What was set aside, taken or given back isn't in its currency, or all that was set aside
        isn't its amount."""
        currencies = {
            *(one.currency for one in self.authorizations),
            *(one.currency for one in self.captures),
            *(one.currency for one in self.refunds),
        }
        aside = None if self.captures else self.authorization
        other = aside is not None and aside.amount_minor != self.amount_minor
        return other or not currencies <= {self.currency}

    @property
    def waits_for_us(self) -> bool:
        """The buyer has said yes, and nothing was done about it yet."""
        return self.status == "APPROVED" and self.closed_as is None

    @property
    def may_be_closed(self) -> bool:
        """Nothing was done about it, and it doesn't say yet that nothing will be."""
        is_open = _ORDERS.get(self.status) not in {None, PaymentState.VOIDED}
        return is_open and not (self.captures or self.authorizations or self.is_marked)

    @property
    def decline_code(self) -> str | None:
        """Why nothing was paid, as far as the order itself tells."""
        if self.state is PaymentState.DECLINED:
            return DECLINED
        if self.state is PaymentState.VOIDED:
            return DECLINED if self.captures or self.closed_as == DECLINED else VOIDED
        return None

    @property
    def state(self) -> PaymentState:
        """Where the charge stands. Money that takes its time leaves it open.

        A buyer's yes counts as money set aside. So where money can't be taken after it, that yes
        is void; only a no to money being set aside is a decline.
        """
        if self.captures:
            return self._captured_state()
        if self.authorizations:
            return _AUTHORIZATIONS.get(self.authorizations[-1].status, PaymentState.UNKNOWN)
        if self.closed_as is not None:
            declined = self.closed_as == DECLINED and self.intent == AUTHORIZE
            return PaymentState.DECLINED if declined else PaymentState.VOIDED
        return _ORDERS.get(self.status, PaymentState.UNKNOWN)

    @property
    def _has_more(self) -> bool:
        """Whether more may be taken than was."""
        last = self.authorizations[-1].status if self.authorizations else ""
        ended = any(one.final for one in self.captures if one.is_taken)
        return last in _MORE and not ended and self.captured_minor < self.amount_minor

    def _captured_state(self) -> PaymentState:
        if any(one.is_taken for one in self.captures):
            return PaymentState.AUTHORIZED if self._has_more else PaymentState.CAPTURED
        if all(one.status in _NOT_TAKEN for one in self.captures):
            return PaymentState.VOIDED
        return PaymentState.UNKNOWN


def read_order(document: Mapping[str, Any]) -> Order:
    """An order of ours; raises `Unreadable`. It has one purchase unit."""
    try:
        [unit] = document["purchase_units"]
        amount_minor, currency = from_money(unit["amount"])
        attempt_id, closed_as = read_our_id(unit.get("custom_id"))
        payments = unit.get("payments") or {}
        return Order(
            id=_text(document["id"]),
            status=_text(document["status"]),
            intent=document.get("intent") or CAPTURE,
            amount_minor=amount_minor,
            currency=currency,
            attempt_id=attempt_id,
            closed_as=closed_as or None,
            is_marked=bool(closed_as),
            payee=frozenset(_payee(unit.get("payee") or {})),
            action_url=_action_url(document.get("links") or []),
            authorizations=[
                read_authorization(one) for one in payments.get("authorizations") or []
            ],
            captures=[read_capture(one) for one in payments.get("captures") or []],
            refunds=[read_refund(one) for one in payments.get("refunds") or []],
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Unreadable("no order that we can read") from error


def read_authorization(document: Mapping[str, Any]) -> Authorization:
    """An authorisation; raises `Unreadable`."""
    try:
        amount_minor, currency = from_money(document["amount"])
        return Authorization(
            id=_text(document["id"]),
            status=_text(document["status"]),
            amount_minor=amount_minor,
            currency=currency,
            until=_until(document),
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Unreadable("no authorisation that we can read") from error


def read_capture(document: Mapping[str, Any]) -> Capture:
    """A capture; raises `Unreadable`. While it is pending, PayPal tells no fee."""
    try:
        amount_minor, currency = from_money(document["amount"])
        breakdown = document.get("seller_receivable_breakdown") or {}
        return Capture(
            id=_text(document["id"]),
            status=_text(document["status"]),
            amount_minor=amount_minor,
            currency=currency,
            fee_minor=_fee_minor(breakdown.get("paypal_fee"), currency),
            invoice_id=document.get("invoice_id"),
            final=document.get("final_capture", True),
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Unreadable("no capture that we can read") from error


def read_refund(document: Mapping[str, Any]) -> Refund:
    """A refund; raises `Unreadable`."""
    try:
        amount_minor, currency = from_money(document["amount"])
        details = document.get("status_details") or {}
        attempt_id, refund_id = read_our_id(document.get("custom_id"))
        return Refund(
            id=_text(document["id"]),
            status=_text(document["status"]),
            amount_minor=amount_minor,
            currency=currency,
            attempt_id=attempt_id,
            refund_id=refund_id,
            reason=details.get("reason"),
            capture_id=capture_of(document.get("links") or []),
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Unreadable("no refund that we can read") from error


def _fee_minor(fee: object, currency: str) -> int:
    """A fee in the currency of its capture; one in another isn't ours to convert."""
    if fee is None:
        return 0
    fee_minor, fee_currency = from_money(fee)
    return fee_minor if fee_currency == currency else 0


def _until(document: Mapping[str, Any]) -> datetime | None:
    """The end of a week, or what PayPal says, whichever is earlier."""
    made, ends = document.get("create_time"), document.get("expiration_time")
    moments = [] if made is None else [datetime.fromisoformat(made) + TERM]
    moments += [] if ends is None else [datetime.fromisoformat(ends)]
    return min(moments, default=None)


def capture_of(links: Sequence[Mapping[str, Any]]) -> str | None:
    """The capture that a refund says it belongs to."""
    above = next((one.get("href") for one in links if one.get("rel") == "up"), None)
    return None if above is None else str(above).rpartition("/")[2]


def _payee(payee: Mapping[str, Any]) -> list[str]:
    named = (payee.get("merchant_id"), payee.get("email_address"))
    return [name for name in named if isinstance(name, str) and name]


def _action_url(links: Sequence[Mapping[str, Any]]) -> str | None:
    by_relation = {link.get("rel"): link.get("href") for link in links}
    return next((by_relation[rel] for rel in _ACTION_LINKS if by_relation.get(rel)), None)


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError("not a word")
    return value
