"""An account at Stripe in memory: what is charged, captured, given back, and reported.

Its objects are copies of Stripe's own fixtures with the fields that matter filled in.
"""

import copy
import json
from dataclasses import dataclass, field
from typing import Any

from gosellr.core.clock import Clock
from tests.integrations.stripe_api import excerpt

GOOD = "pm_card_visa"
DECLINED = "pm_card_chargeDeclined"
ASKS_BUYER = "pm_card_authenticationRequired"
_CARDS = {GOOD, DECLINED, ASKS_BUYER}
_THOUSANDTHS = {"bhd", "jod", "kwd", "omr", "tnd"}
_ZERO_HUNDREDTHS = {"isk", "ugx"}
_CANCELABLE = {"requires_payment_method", "requires_action", "requires_capture", "processing"}

Document = dict[str, Any]


class StripeSays(Exception):
    """An error answer."""

    def __init__(self, status: int, kind: str, code: str | None = None, **more: Any) -> None:
        super().__init__(kind, code)
        self.status = status
        self.body = {"error": {"type": kind, "code": code, "message": "No.", **more}}


def refuse(code: str | None, **more: Any) -> StripeSays:
    """A request that makes no sense."""
    return StripeSays(400, "invalid_request_error", code, **more)


@dataclass
class Account:
    """Settles in the currency of each charge, unless `settles_in` names another and its worth in
    hundredths. A capture costs 2 % and 25. `multicapture` lets money be taken piece by piece."""

    clock: Clock
    settles_in: tuple[str, int] | None = None
    refund_status: str = "succeeded"
    multicapture: bool = False
    intents: dict[str, Document] = field(default_factory=dict)
    charges: dict[str, Document] = field(default_factory=dict)
    sessions: dict[str, Document] = field(default_factory=dict)
    refunds: dict[str, Document] = field(default_factory=dict)
    disputes: dict[str, Document] = field(default_factory=dict)
    transfers: dict[str, Document] = field(default_factory=dict)
    files: dict[str, Document] = field(default_factory=dict)
    events: list[Document] = field(default_factory=list)
    movements: dict[str, Document] = field(default_factory=dict)
    _made: int = 0
    _fixtures: Document = field(default_factory=lambda: json.loads(excerpt.FIXTURES.read_text()))

    def create_session(self, form: Document) -> Document:
        """A page, open for a day."""
        [line] = form["line_items"]
        price = line["price_data"]
        amount = price["unit_amount"] * line["quantity"]
        self._check_amount(amount, price["currency"])
        session = self._new("checkout.session", "cs_test_", metadata=form.get("metadata", {}))
        session |= {
            "amount_total": amount,
            "currency": price["currency"],
            "client_reference_id": form.get("client_reference_id"),
            "payment_intent": None,
            "payment_status": "unpaid",
            "status": "open",
            "url": f"https://checkout.stripe.com/c/pay/{session['id']}",
            "asked": form["payment_intent_data"],
        }
        self.sessions[session["id"]] = session
        return session

    def pay_page(self, session: Document, card: str = GOOD) -> None:
        """The buyer of an open page hands in a card."""
        assert session["status"] == "open"
        if session["payment_intent"] is None:
            asked = {
                "amount": session["amount_total"], "currency": session["currency"],
                **session["asked"],
            }  # fmt: skip
            session["payment_intent"] = self._new_intent(asked)["id"]
        intent = self.intents[session["payment_intent"]]
        try:
            self._confirm(intent, card)
        except StripeSays:
            return
        if intent["status"] != "requires_action":
            paid = "paid" if intent["status"] == "succeeded" else "unpaid"
            session |= {"status": "complete", "payment_status": paid, "url": None}
            self._report("checkout.session.completed", session)

    def expire_session(self, session: Document) -> Document:
        """Close an open page."""
        if session["status"] != "open":
            raise refuse("resource_invalid_state")
        session |= {"status": "expired", "url": None}
        if session["payment_intent"] is not None:
            self.cancel(self.intents[session["payment_intent"]])
        self._report("checkout.session.expired", session)
        return session

    def create_intent(self, form: Document) -> Document:
        """A payment, confirmed at once."""
        self._check_amount(form["amount"], form["currency"])
        if form["payment_method"] not in _CARDS:
            raise refuse("resource_missing", param="payment_method")
        intent = self._new_intent(form)
        self._confirm(intent, form["payment_method"])
        return intent

    def answer_bank(self, intent: Document, *, approve: bool) -> None:
        """What the buyer says to the bank's question."""
        assert intent["status"] == "requires_action"
        if approve:
            self._succeed(intent)
            return
        intent["status"] = "requires_payment_method"
        intent["last_payment_error"] = {
            "type": "invalid_request_error", "code": "payment_intent_authentication_failure",
        }  # fmt: skip
        self._report("payment_intent.payment_failed", intent)

    def capture(self, intent: Document, form: Document) -> Document:
        """Up to what was set aside; more than once, where that is allowed and asked for."""
        if intent["status"] != "requires_capture":
            raise refuse("payment_intent_unexpected_state")
        amount = form.get("amount_to_capture", intent["amount_capturable"])
        if amount > intent["amount_capturable"]:
            raise refuse("amount_too_large")
        final = form.get("final_capture", True)
        if not (final or self.multicapture):
            raise refuse("parameter_invalid", param="final_capture")
        intent["metadata"] |= form.get("metadata", {})
        self._take(intent, amount, final=final)
        return intent

    def cancel(self, intent: Document) -> Document:
        """Give back what was set aside."""
        if intent["status"] not in _CANCELABLE:
            raise refuse("payment_intent_unexpected_state")
        intent |= {"status": "canceled", "amount_capturable": 0, "next_action": None}
        self._report("payment_intent.canceled", intent)
        return intent

    def refund(self, form: Document) -> Document:
        """Never more than is left."""
        intent = self.intents[form["payment_intent"]]
        charge = self.charges[intent["latest_charge"]]
        if form["amount"] > charge["amount_captured"] - charge["amount_refunded"]:
            raise refuse(None)
        charge["amount_refunded"] += form["amount"]
        refund = self._new("refund", "re_", metadata=form.get("metadata", {}))
        refund |= {
            "amount": form["amount"],
            "charge": charge["id"],
            "currency": charge["currency"],
            "payment_intent": intent["id"],
            "status": self.refund_status,
        }
        self.refunds[refund["id"]] = refund
        self.keep_movement("refund", -form["amount"], charge["currency"], refund)
        self._report("refund.created", refund)
        return refund

    def finish_refund(self, refund: Document, status: str) -> None:
        """A refund that took its time has come to an end."""
        refund["status"] = status
        if status == "failed":
            refund["failure_reason"] = "lost_or_stolen_card"
            self.charges[refund["charge"]]["amount_refunded"] -= refund["amount"]
        self._report("refund.updated", refund)

    def dispute(self, intent: Document, *, status: str = "needs_response") -> Document:
        """The buyer's bank takes all of it back, or with a warning only asks."""
        self._made += 1
        created = int(self.clock.now().timestamp())
        taken = {"amount": -intent["amount"], "currency": intent["currency"], "fee": 1500}
        dispute: Document = {
            "id": f"du_{self._made:08d}",
            "object": "dispute",
            "amount": intent["amount"],
            "balance_transactions": [] if status.startswith("warning") else [taken],
            "charge": intent["latest_charge"],
            "created": created,
            "currency": intent["currency"],
            "evidence": {},
            "evidence_details": {"due_by": created + 7 * 86_400, "submission_count": 0},
            "metadata": {},
            "payment_intent": intent["id"],
            "reason": "product_not_received",
            "status": status,
        }
        self.disputes[dispute["id"]] = dispute
        if dispute["balance_transactions"]:
            self.keep_movement(
                "adjustment", -intent["amount"], intent["currency"], dispute, fee=1500,
                category="dispute",
            )  # fmt: skip
        self._report("charge.dispute.created", dispute)
        return dispute

    def hand_in(self, dispute: Document, form: Document) -> Document:
        """Evidence, once and as long as it is wanted."""
        if dispute["status"] != "needs_response":
            raise refuse("resource_invalid_state")
        dispute |= {"evidence": form["evidence"], "status": "under_review"}
        dispute["metadata"] |= form.get("metadata", {})
        dispute["evidence_details"]["submission_count"] += 1
        return dispute

    def keep_file(self, form: Document) -> Document:
        """A file that somebody handed in."""
        self._made += 1
        file = {"id": f"file_{self._made:08d}", "object": "file", "purpose": form["purpose"],
                "size": len(form["file"]), "content": form["file"]}  # fmt: skip
        self.files[file["id"]] = file
        return {name: value for name, value in file.items() if name != "content"}

    def close_dispute(self, dispute: Document, status: str) -> None:
        """The bank has decided."""
        dispute["status"] = status
        if status == "won":
            self.keep_movement(
                "adjustment", dispute["amount"], dispute["currency"], dispute,
                category="dispute_reversal",
            )  # fmt: skip
        self._report("charge.dispute.closed", dispute)

    def reinstate(self, dispute: Document, amount: int) -> None:
        """The bank gives back so much of what it had won, and the dispute is called as before."""
        dispute["balance_transactions"].append(
            {"amount": amount, "currency": dispute["currency"], "fee": 0}
        )
        self.keep_movement(
            "adjustment", amount, dispute["currency"], dispute, category="dispute_reversal"
        )
        self._report("charge.dispute.funds_reinstated", dispute)

    def shown_intent(self, intent: Document, *, whole: bool) -> Document:
        """A payment as it is answered; `whole` with its charge and what that cost."""
        shown = copy.deepcopy(intent)
        if whole and intent["latest_charge"] is not None:
            shown["latest_charge"] = copy.deepcopy(self.charges[intent["latest_charge"]])
        return shown

    def shown_session(self, session: Document, *, whole: bool) -> Document:
        """A page as it is answered."""
        shown = {name: value for name, value in session.items() if name != "asked"}
        if whole and session["payment_intent"] is not None:
            intent = self.intents[session["payment_intent"]]
            shown["payment_intent"] = self.shown_intent(intent, whole=True)
        return copy.deepcopy(shown)

    def _confirm(self, intent: Document, card: str) -> None:
        intent["last_payment_error"] = None
        if card == DECLINED:
            error = {"type": "card_error", "code": "card_declined", "decline_code": "do_not_honor"}
            intent |= {"status": "requires_payment_method", "last_payment_error": error}
            self._report("payment_intent.payment_failed", intent)
            raise StripeSays(
                402, "card_error", "card_declined", decline_code="do_not_honor",
                payment_intent=self.shown_intent(intent, whole=False),
            )  # fmt: skip
        if card == ASKS_BUYER:
            url = f"https://hooks.stripe.com/3d_secure_2/hosted?payment_intent={intent['id']}"
            intent["status"] = "requires_action"
            intent["next_action"] = {"type": "redirect_to_url", "redirect_to_url": {"url": url}}
            self._report("payment_intent.requires_action", intent)
            return
        self._succeed(intent)

    def _succeed(self, intent: Document) -> None:
        charge = self._new("charge", "ch_", metadata=intent["metadata"])
        charge |= {
            "amount": intent["amount"], "amount_captured": 0, "amount_refunded": 0,
            "balance_transaction": None, "captured": False, "currency": intent["currency"],
            "payment_intent": intent["id"],
        }  # fmt: skip
        charge["payment_method_details"] = {
            "type": "card",
            "card": {
                "capture_before": int(self.clock.now().timestamp()) + 7 * 86_400,
                "multicapture": {"status": "available" if self.multicapture else "unavailable"},
            },
        }
        self.charges[charge["id"]] = charge
        intent |= {"latest_charge": charge["id"], "next_action": None}
        if intent["capture_method"] == "manual":
            intent |= {"status": "requires_capture", "amount_capturable": intent["amount"]}
            self._report("payment_intent.amount_capturable_updated", intent)
        else:
            self._take(intent, intent["amount"])

    def _take(self, intent: Document, amount: int, *, final: bool = True) -> None:
        charge = self.charges[intent["latest_charge"]]
        currency, hundredths = self.settles_in or (charge["currency"], 100)
        settled = amount * hundredths // 100
        balance = self.keep_movement(
            "charge", settled, currency, charge, fee=settled * 2 // 100 + 25
        )
        taken = charge["amount_captured"] + amount
        ended = final or taken == intent["amount"]
        charge |= {"amount_captured": taken, "captured": ended, "balance_transaction": balance}
        intent |= {
            "status": "succeeded" if ended else "requires_capture", "amount_received": taken,
            "amount_capturable": 0 if ended else intent["amount"] - taken,
        }  # fmt: skip
        if ended:
            self._report("payment_intent.succeeded", intent)

    def _new_intent(self, form: Document) -> Document:
        intent = self._new("payment_intent", "pi_", metadata=form.get("metadata", {}))
        intent |= {
            "amount": form["amount"],
            "amount_received": 0,
            "capture_method": form.get("capture_method", "automatic_async"),
            "currency": form["currency"],
            "description": form.get("description"),
            "last_payment_error": None,
            "latest_charge": None,
            "next_action": None,
            "status": "requires_payment_method",
        }
        self.intents[intent["id"]] = intent
        return intent

    def _check_amount(self, amount: int, currency: str) -> None:
        if amount < 1:
            raise refuse("parameter_invalid_integer")
        if currency in _THOUSANDTHS and amount % 10:
            raise refuse("invalid_charge_amount")
        if currency in _ZERO_HUNDREDTHS and amount % 100:
            raise refuse("invalid_charge_amount")

    def keep_movement(
        self,
        kind: str,
        amount: int,
        currency: str,
        source: Document | None,
        *,
        fee: int = 0,
        category: str | None = None,
    ) -> Document:
        """Write down what moved the balance."""
        row = self._new("balance_transaction", "txn_")
        row |= {
            "amount": amount, "currency": currency, "fee": fee, "net": amount - fee,
            "reporting_category": category or kind, "source": source and source["id"],
            "type": kind,
        }  # fmt: skip
        self.movements[row["id"]] = row
        return row

    def source_of(self, name: str | None) -> Document | None:
        """What a movement is about, by its name."""
        for rows in (self.charges, self.refunds, self.disputes, self.transfers):
            if name in rows:
                return rows[name]
        return None

    def _new(self, kind: str, prefix: str, **fields: Any) -> Document:
        self._made += 1
        created = int(self.clock.now().timestamp())
        return copy.deepcopy(self._fixtures[kind]) | {
            "id": f"{prefix}{self._made:08d}", "created": created, **copy.deepcopy(fields),
        }  # fmt: skip

    def _report(self, kind: str, subject: Document) -> None:
        event = self._new("event", "evt_")
        shown = {name: value for name, value in subject.items() if name != "asked"}
        event |= {"type": kind, "data": {"object": copy.deepcopy(shown)}}
        self.events.append(event)
