"""An account at PayPal in memory: what is ordered, captured, given back, paid out, and reported.

A capture costs 2 % and 35 of the smallest unit; nobody settles in another currency.
"""

import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from gosellr.core.clock import Clock

MERCHANT = "MERCHANT234AB"
SITE = "https://www.sandbox.paypal.com"
_WITHOUT_DECIMALS = {"HUF", "JPY", "TWD"}
_OPEN = {"CREATED", "PARTIALLY_CAPTURED"}
_TAKEN = {"COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED"}

Document = dict[str, Any]


class PayPalSays(Exception):
    """An error answer."""

    def __init__(self, status: int, issue: str, **more: Any) -> None:
        super().__init__(issue)
        self.status = status
        names = {404: "RESOURCE_NOT_FOUND", 422: "UNPROCESSABLE_ENTITY"}
        self.body = {
            "name": names.get(status, "INVALID_REQUEST"), "message": "No.", "debug_id": "f00d",
            "details": [{"issue": issue, "description": "No.", **more}],
        }  # fmt: skip


def missing() -> PayPalSays:
    """There is nothing of that name."""
    return PayPalSays(404, "INVALID_RESOURCE_ID")


def units(money: Document) -> int:
    """An amount as PayPal reckons, in units of its own."""
    value: str = money["value"]
    if money["currency_code"] in _WITHOUT_DECIMALS:
        if "." in value:
            raise PayPalSays(422, "DECIMALS_NOT_SUPPORTED")
        return int(value)
    whole, _, part = value.partition(".")
    if len(part) > 2:
        raise PayPalSays(422, "DECIMAL_PRECISION")
    return int(whole + part.ljust(2, "0"))


def money(amount: int, currency: str) -> Document:
    """The same on the wire."""
    if currency in _WITHOUT_DECIMALS:
        return {"currency_code": currency, "value": str(amount)}
    return {"currency_code": currency, "value": f"{amount // 100}.{amount % 100:02d}"}


@dataclass
class Account:
    """`decline` is what a wallet answers from now on; `pending` makes captures take their time."""

    clock: Clock
    decline: str | None = None
    pending: bool = False
    refund_status: str = "COMPLETED"
    refund_kind: str = "REFUNDED"
    # The amount that PayPal sets aside anew, where it isn't the one that it was asked for.
    reauthorized_as: str = ""
    transfer_status: str = "SUCCESS"
    orders: dict[str, Document] = field(default_factory=dict)
    batches: dict[str, Document] = field(default_factory=dict)
    disputes: dict[str, Document] = field(default_factory=dict)
    events: list[Document] = field(default_factory=list)
    _made: int = 0

    def create_order(self, body: Document) -> Document:
        """An order that waits for its buyer."""
        [asked] = body["purchase_units"]
        if units(asked["amount"]) <= 0:
            raise PayPalSays(422, "CANNOT_BE_ZERO_OR_NEGATIVE")
        order_id = self._name("ORDER")
        order = {
            "id": order_id,
            "intent": body["intent"],
            "status": "PAYER_ACTION_REQUIRED",
            "create_time": self._now(),
            "purchase_units": [
                {
                    "reference_id": "default",
                    **{key: asked[key] for key in asked if key != "payee"},
                    "payee": {"email_address": "shop@example.com", "merchant_id": MERCHANT},
                }
            ],
            "links": [
                {"rel": "self", "href": f"https://api-m.paypal.com/v2/checkout/orders/{order_id}"},
                {"rel": "payer-action", "href": f"{SITE}/checkoutnow?token={order_id}"},
            ],
        }
        self.orders[order_id] = order
        return order

    def approve(self, order: Document) -> None:
        """The buyer says yes."""
        assert order["status"] == "PAYER_ACTION_REQUIRED"
        order["status"] = "APPROVED"
        self._report("CHECKOUT.ORDER.APPROVED", "checkout-order", order)

    def forget(self, order: Document) -> None:
        """Hours went by, and nobody paid."""
        del self.orders[order["id"]]

    def patch(self, order: Document, changes: list[Document]) -> None:
        """Only what waits, and only after its buyer said yes."""
        if order["status"] == "COMPLETED":
            raise PayPalSays(422, "ORDER_ALREADY_COMPLETED")
        if order["status"] not in {"CREATED", "APPROVED"}:
            raise PayPalSays(422, "NOT_PATCHABLE")
        [change] = changes
        assert change["path"] == "/purchase_units/@reference_id=='default'/custom_id"
        order["purchase_units"][0]["custom_id"] = change["value"]

    def authorize(self, order: Document) -> Document:
        """Set the money aside."""
        self._check_approved(order, "AUTHORIZE", "ORDER_ALREADY_AUTHORIZED")
        ends = self.clock.now() + timedelta(days=29)
        authorization = self._payment("AUTH", order) | {
            "status": "CREATED", "expiration_time": ends.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }  # fmt: skip
        self._payments(order)["authorizations"] = [authorization]
        order["status"] = "COMPLETED"
        self._report("PAYMENT.AUTHORIZATION.CREATED", "authorization", authorization)
        return order

    def capture_order(self, order: Document) -> Document:
        """Take the money at once."""
        self._check_approved(order, "CAPTURE", "ORDER_ALREADY_CAPTURED")
        self._take(order, units(order["purchase_units"][0]["amount"]))
        order["status"] = "COMPLETED"
        return order

    def capture_authorization(self, authorization_id: str, body: Document) -> Document:
        """Take what was set aside, or a part of it."""
        order, authorization = self._paid("authorizations", authorization_id)
        if authorization["status"] == "VOIDED":
            raise PayPalSays(422, "AUTHORIZATION_VOIDED")
        if authorization["status"] not in _OPEN:
            raise PayPalSays(422, "AUTHORIZATION_ALREADY_CAPTURED")
        if self.decline is not None:
            raise PayPalSays(422, self.decline)
        whole = units(order["purchase_units"][0]["amount"])
        taken = sum(units(one["amount"]) for one in self._payments(order).get("captures", []))
        if units(body["amount"]) > whole - taken:
            raise PayPalSays(422, "MAX_CAPTURE_AMOUNT_EXCEEDED")
        ended = body["final_capture"] or taken + units(body["amount"]) == whole
        authorization["status"] = "CAPTURED" if ended else "PARTIALLY_CAPTURED"
        capture = self._take(order, units(body["amount"]))
        capture["final_capture"] = body["final_capture"]
        capture["invoice_id"] = body.get("invoice_id", capture["invoice_id"])
        return capture

    def reauthorize(self, authorization_id: str, body: Document) -> Document:
        """Set the rest aside anew, from the fourth day on."""
        order, before = self._paid("authorizations", authorization_id)
        made = datetime.fromisoformat(before["create_time"])
        if self.clock.now() < made + timedelta(days=4):
            raise PayPalSays(422, "REAUTHORIZATION_TOO_SOON")
        authorization = self._payment("AUTH", order) | {
            "status": before["status"],
            "amount": {
                **body["amount"], "value": self.reauthorized_as or body["amount"]["value"],
            },
            "expiration_time": before["expiration_time"],
        }  # fmt: skip
        self._payments(order)["authorizations"].append(authorization)
        return authorization

    def void(self, authorization_id: str) -> Document:
        """Give back what was set aside."""
        _, authorization = self._paid("authorizations", authorization_id)
        if authorization["status"] not in _OPEN:
            wrong = {"VOIDED": "PREVIOUSLY_VOIDED"}.get(authorization["status"])
            raise PayPalSays(422, wrong or "PREVIOUSLY_CAPTURED")
        authorization["status"] = "VOIDED"
        self._report("PAYMENT.AUTHORIZATION.VOIDED", "authorization", authorization)
        return authorization

    def finish_capture(self, capture: Document, status: str) -> None:
        """Money that took its time is here, or never comes."""
        capture["status"] = status
        if status == "COMPLETED":
            capture["seller_receivable_breakdown"] = _breakdown(capture["amount"])
        kind = "COMPLETED" if status == "COMPLETED" else "DENIED"
        self._report(f"PAYMENT.CAPTURE.{kind}", "capture", capture)

    def refund(self, capture_id: str, body: Document) -> Document:
        """Never more than is left."""
        order, capture = self._paid("captures", capture_id)
        if capture["status"] not in _TAKEN:
            raise PayPalSays(422, "PENDING_CAPTURE")
        currency = capture["amount"]["currency_code"]
        if body["amount"]["currency_code"] != currency:
            raise PayPalSays(422, "REFUND_CAPTURE_CURRENCY_MISMATCH")
        refunds = self._payments(order).setdefault("refunds", [])
        above = {"rel": "up", "href": f"https://api.paypal.com/v2/payments/captures/{capture_id}"}
        gone = sum(
            units(one["amount"])
            for one in refunds
            if one["status"] != "FAILED" and above in one["links"]
        )
        asked, taken = units(body["amount"]), units(capture["amount"])
        if gone + asked > taken:
            raise PayPalSays(422, "REFUND_AMOUNT_EXCEEDED")
        capture["status"] = "REFUNDED" if gone + asked == taken else "PARTIALLY_REFUNDED"
        refund = {
            "id": self._name("REFUND"), "status": self.refund_status, "amount": body["amount"],
            "create_time": self._now(), "links": [above],
            **({"custom_id": body["custom_id"]} if "custom_id" in body else {}),
        }  # fmt: skip
        refunds.append(refund)
        if self.refund_status == "COMPLETED":
            self._report(f"PAYMENT.CAPTURE.{self.refund_kind}", "refund", refund)
        return refund

    def finish_refund(self, refund: Document, status: str) -> None:
        """A refund that took its time has come to an end."""
        refund["status"] = status
        kind = "CAPTURE.REFUNDED" if status == "COMPLETED" else "REFUND.FAILED"
        self._report(f"PAYMENT.{kind}", "refund", refund)

    def pay_out(self, body: Document) -> Document:
        """A batch of one; its sender's id is good for once."""
        sender_id = body["sender_batch_header"]["sender_batch_id"]
        for known in self.batches.values():
            header = known["batch_header"]
            same = header["sender_batch_header"]["sender_batch_id"] == sender_id
            if same and header["batch_status"] != "DENIED":
                url = f"https://api.paypal.com/v1/payments/payouts/{header['payout_batch_id']}"
                raise PayPalSays(
                    400, "Batch with given sender_batch_id already exists",
                    field="SENDER_BATCH_ID",
                    link=[{"href": url, "rel": "self", "method": "GET"}],
                )  # fmt: skip
        [item] = body["items"]
        if "@" not in item["receiver"]:
            raise PayPalSays(400, "Receiver is invalid or does not match with type")
        if (
            units({"value": item["amount"]["value"], "currency_code": item["amount"]["currency"]})
            <= 0
        ):
            raise PayPalSays(400, "Amount is invalid")
        batch_id, item_id = self._name("BATCH"), self._name("ITEM")
        header = {
            "payout_batch_id": batch_id, "batch_status": "PENDING", "time_created": self._now(),
            "sender_batch_header": body["sender_batch_header"],
        }  # fmt: skip
        self.batches[batch_id] = {
            "batch_header": header,
            "items": [
                {
                    "payout_item_id": item_id, "payout_batch_id": batch_id,
                    "transaction_status": self.transfer_status,
                    "payout_item": {**item, "recipient_wallet": "PAYPAL"},
                }
            ],
        }  # fmt: skip
        if self.transfer_status != "PENDING":
            header["batch_status"] = "SUCCESS"
        return {"batch_header": {**header, "batch_status": "PENDING"}}

    def change_transfer(self, batch: Document, status: str, *, error: str | None = None) -> None:
        """What became of a payout since."""
        [item] = batch["items"]
        item["transaction_status"] = status
        batch["batch_header"]["batch_status"] = "DENIED" if status == "FAILED" else "SUCCESS"
        if error is not None:
            item["errors"] = {"name": error, "message": "No.", "debug_id": "f00d"}
        kind = {"SUCCESS": "SUCCEEDED"}.get(status, status)
        self._report(f"PAYMENT.PAYOUTS-ITEM.{kind}", "payouts_item", item)

    def order_of_capture(self, capture_id: str) -> Document:
        """The order that a capture belongs to."""
        return self._paid("captures", capture_id)[0]

    def captures(self) -> list[Document]:
        """Every capture of the account."""
        return [
            one
            for order in self.orders.values()
            for one in self._payments(order).get("captures", [])
        ]

    def refunds(self) -> list[Document]:
        """Every refund of the account."""
        return [
            one
            for order in self.orders.values()
            for one in self._payments(order).get("refunds", [])
        ]

    def capture(self, capture_id: str) -> Document:
        """A capture, with the name of its order."""
        order, capture = self._paid("captures", capture_id)
        return capture | {"supplementary_data": {"related_ids": {"order_id": order["id"]}}}

    def note_dispute(self, what: str, dispute: Document) -> None:
        """Keep a dispute as it stands now, and report it."""
        self.disputes[dispute["dispute_id"]] = dispute
        self._report(f"CUSTOMER.DISPUTE.{what}", "dispute", dispute)

    def _check_approved(self, order: Document, intent: str, done: str) -> None:
        if order["intent"] != intent:
            raise PayPalSays(422, "ACTION_DOES_NOT_MATCH_INTENT")
        if order["status"] == "COMPLETED":
            raise PayPalSays(422, done)
        if order["status"] != "APPROVED":
            raise PayPalSays(422, "ORDER_NOT_APPROVED")
        if self.decline is not None:
            raise PayPalSays(422, self.decline)

    def _take(self, order: Document, amount: int) -> Document:
        currency = order["purchase_units"][0]["amount"]["currency_code"]
        capture = self._payment("CAPTURE", order) | {
            "amount": money(amount, currency), "status": "COMPLETED", "final_capture": True,
        }  # fmt: skip
        if self.pending:
            capture["status"] = "PENDING"
            capture["status_details"] = {"reason": "PENDING_REVIEW"}
        else:
            capture["seller_receivable_breakdown"] = _breakdown(capture["amount"])
        self._payments(order).setdefault("captures", []).append(capture)
        kind = "PENDING" if self.pending else "COMPLETED"
        self._report(f"PAYMENT.CAPTURE.{kind}", "capture", capture)
        return capture

    def _payment(self, prefix: str, order: Document) -> Document:
        [unit] = order["purchase_units"]
        return {
            "id": self._name(prefix), "amount": copy.deepcopy(unit["amount"]),
            "custom_id": unit["custom_id"], "invoice_id": unit["invoice_id"],
            "create_time": self._now(),
        }  # fmt: skip

    def _payments(self, order: Document) -> Document:
        payments: Document = order["purchase_units"][0].setdefault("payments", {})
        return payments

    def _paid(self, kind: str, name: str) -> tuple[Document, Document]:
        for order in self.orders.values():
            for one in self._payments(order).get(kind, []):
                if one["id"] == name:
                    return order, one
        raise missing()

    def _name(self, prefix: str) -> str:
        self._made += 1
        return f"{prefix}{self._made:08d}"

    def _now(self) -> str:
        return self.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")

    def _report(self, kind: str, resource_type: str, subject: Document) -> None:
        self._made += 1
        resource = copy.deepcopy(subject)
        for order in self.orders.values():
            payments = self._payments(order)
            if any(one is subject for rows in payments.values() for one in rows):
                resource["supplementary_data"] = {"related_ids": {"order_id": order["id"]}}
        self.events.append(
            {
                "id": f"WH-{self._made:08d}", "event_type": kind, "resource_type": resource_type,
                "create_time": self._now(), "event_version": "1.0", "resource": resource,
            }
        )  # fmt: skip


def _breakdown(gross: Document) -> Document:
    amount, currency = units(gross), gross["currency_code"]
    fee = min(amount * 2 // 100 + 35, amount)
    return {
        "gross_amount": gross,
        "paypal_fee": money(fee, currency),
        "net_amount": money(amount - fee, currency),
    }
