"""What PayPal says of a dispute, read into values of ours.

What buyer and seller talk over among themselves (an inquiry) takes no money and is none of ours,
unless it ends with the buyer being paid. A dispute that the buyer wins in part is told as two: the
whole of it was won back, and what the buyer got was lost, so that the books know only won and lost.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from gosellr.integrations.payments.paypal_amounts import from_money
from gosellr.integrations.payments.paypal_answers import Unreadable
from gosellr.integrations.payments.port import DisputeState, GatewayDispute
from gosellr.utils.disputes import ChargebackStage
from gosellr.utils.lazy_dataclasses import dataclass, replace
from gosellr.utils.paypal_movements import read_our_id

RESOLVED: Final = "RESOLVED"
INQUIRY: Final = "INQUIRY"
AWARDED: Final = "/awarded"
"""Behind the name of a dispute: what the buyer got of it, where that wasn't all."""

_WITHDRAWN: Final = "CANCELED_BY_BUYER"
_TO_THE_SELLER: Final = frozenset({"RESOLVED_SELLER_FAVOUR", _WITHDRAWN, "DENIED"})
_TO_THE_BUYER: Final = frozenset({"RESOLVED_BUYER_FAVOUR", "ACCEPTED"})
# PayPal protected one of them, or nothing came of it: whose money it was, its movements say.
_BY_MOVEMENTS: Final = frozenset({"RESOLVED_WITH_PAYOUT", "NONE"})
_FEES: Final = frozenset({"DISPUTE_FEE", "CHARGEBACK_FEE", "DISPUTE_SETTLEMENT_FEE"})
_SETTLED: Final = frozenset({"DISPUTE_SETTLEMENT"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PayPalDispute:
    """A dispute as it stands. `lost_minor` is what the buyer got; None while it isn't decided.

    `captures` are the names of the payments that it is about, `sellers` the accounts that were
    paid by them, as far as PayPal tells those, and `may` what may be done about it now.
    """

    reference: str
    status: str
    stage: ChargebackStage
    captures: frozenset[str]
    sellers: frozenset[str]
    attempt_id: str
    amount_minor: int
    currency: str
    fee_minor: int
    fee_returned: bool
    lost_minor: int | None
    is_withdrawn: bool
    reason: str
    due_at: datetime | None
    opened_at: datetime
    may: frozenset[str]
    notes: tuple[str, ...]

    @property
    def is_inquiry(self) -> bool:
        """They only talk."""
        return self.stage is ChargebackStage.INQUIRY

    @property
    def took_money(self) -> bool:
        """It is, or was, about money that left the market's account."""
        return not self.is_inquiry or bool(self.lost_minor)

    def told(self, *, attempt_id: str) -> list[GatewayDispute]:
        """What it is to the market: nothing, one chargeback, or one won and a part of it lost."""
        if not self.took_money:
            return []
        whole = GatewayDispute(
            reference=self.reference,
            attempt_id=attempt_id,
            state=DisputeState.OPEN,
            amount_minor=self.amount_minor,
            currency=self.currency,
            fee_minor=self.fee_minor,
            reason=self.reason,
            evidence_due_at=self.due_at,
            opened_at=self.opened_at,
            stage=self.stage,
            charges=tuple(sorted(self.captures)),
            fee_returned=self.fee_returned,
            is_withdrawn=self.is_withdrawn,
        )
        if self.lost_minor is None:
            return [whole]
        if self.lost_minor == self.amount_minor:
            return [replace(whole, state=DisputeState.LOST)]
        won = replace(whole, state=DisputeState.WON, kept_minor=self.lost_minor)
        if not self.lost_minor:
            return [won]
        lost = replace(
            whole,
            reference=f"{self.reference}{AWARDED}",
            state=DisputeState.LOST,
            amount_minor=self.lost_minor,
            fee_minor=0,
            fee_returned=False,
        )
        return [won, lost]


def read_dispute(document: Mapping[str, Any]) -> PayPalDispute:
    """A dispute in full. Raises `Unreadable`."""
    try:
        amount_minor, currency = from_money(document["dispute_amount"])
        rows = document["disputed_transactions"]
        due = document.get("seller_response_due_date")
        dispute = PayPalDispute(
            reference=_name(document["dispute_id"]),
            status=document["status"],
            stage=ChargebackStage(document["dispute_life_cycle_stage"].lower()),
            captures=frozenset(_name(row["seller_transaction_id"]) for row in rows),
            sellers=frozenset(
                row["seller"]["merchant_id"]
                for row in rows
                if "merchant_id" in (row.get("seller") or {})
            ),
            attempt_id=_attempt_id(rows),
            amount_minor=amount_minor,
            currency=currency,
            fee_minor=max(0, _taken_minor(document, currency, reasons=_FEES)),
            fee_returned=any(_touches(one, _FEES, "CREDIT") for one in _movements(document)),
            lost_minor=_lost_minor(document, amount_minor, currency),
            is_withdrawn=_is_withdrawn(document),
            reason=document["reason"].lower(),
            due_at=None if due is None else _moment(due),
            opened_at=_moment(document["create_time"]),
            may=frozenset(
                one["rel"].replace("-", "_").lower() for one in document.get("links") or ()
            ),
            notes=tuple(
                one.get("notes") or ""
                for one in document.get("evidences") or ()
                if one.get("source") == "SUBMITTED_BY_SELLER"
            ),
        )
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise Unreadable("no dispute that we can read") from error
    if not dispute.captures or not amount_minor:
        raise Unreadable("a dispute about nothing")
    return dispute


def _lost_minor(document: Mapping[str, Any], amount_minor: int, currency: str) -> int | None:
    if document["status"] != RESOLVED:
        return None
    outcome = document["dispute_outcome"]
    code = outcome["outcome_code"]
    if code in _TO_THE_SELLER:
        return 0
    if code in _BY_MOVEMENTS:
        lost_minor = max(0, _taken_minor(document, currency, reasons=_SETTLED))
    elif code in _TO_THE_BUYER:
        lost_minor = amount_minor
        if outcome.get("amount_refunded") is not None:
            lost_minor, refunded = from_money(outcome["amount_refunded"])
            if refunded != currency:
                raise Unreadable("a dispute decided in another currency than it is about")
    else:
        raise Unreadable(f"a dispute decided as {code}")
    if lost_minor > amount_minor:
        raise Unreadable("a dispute that cost more than it is about")
    return lost_minor


def _taken_minor(document: Mapping[str, Any], currency: str, *, reasons: frozenset[str]) -> int:
    """What was taken from the seller for such reasons, less what was given back."""
    taken = 0
    for one in _movements(document):
        if not _touches(one, reasons, "DEBIT", "CREDIT"):
            continue
        moved_minor, moved = from_money(one["amount"])
        if moved != currency:
            raise Unreadable("a dispute's movement in another currency than its own")
        taken += moved_minor if one["type"] == "DEBIT" else -moved_minor
    return taken


def _movements(document: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return document.get("money_movements") or ()


def _touches(movement: Mapping[str, Any], reasons: frozenset[str], *ways: str) -> bool:
    """Whether it took from the seller, or gave, for one of these reasons."""
    about_seller = movement.get("affected_party") == "SELLER" and movement.get("reason") in reasons
    return about_seller and movement["type"] in ways


def _is_withdrawn(document: Mapping[str, Any]) -> bool:
    outcome = document.get("dispute_outcome") or {}
    return bool(document["status"] == RESOLVED and outcome.get("outcome_code") == _WITHDRAWN)


def _attempt_id(rows: Any) -> str:
    """Which attempt of ours it is about; empty where it doesn't say."""
    named = {read_our_id(row.get("custom"))[0] for row in rows}
    return named.pop() if len(named) == 1 else ""


def _name(text: Any) -> str:
    if not isinstance(text, str) or not text:
        raise Unreadable("something without a name")
    return text


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise Unreadable("a time of no zone")
    return moment
