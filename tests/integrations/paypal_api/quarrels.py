"""Disputes at the account in memory: opened, answered, accepted, decided, and listed."""

from typing import Any

from tests.integrations.paypal_api.account import MERCHANT, Account, Document, PayPalSays

DUE = "2026-03-12T12:00:00Z"
PER_PAGE = 2
_HREF = "https://api-m.paypal.com/v1/customer/disputes"
SELF = [{"rel": "self", "href": _HREF}]


def quarrel(account: Account, capture: Document, **more: Any) -> Document:
    """A dispute about a capture, for all of it."""
    now = account.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    name = f"PP-D-{len(account.disputes) + 1}"
    links = [
        {"rel": rel, "href": f"{_HREF}/{name}/{rel}"}
        for rel in ("provide_evidence", "accept_claim")
    ]
    dispute = {
        "dispute_id": name, "create_time": now, "update_time": now,
        "disputed_transactions": [
            {
                "seller_transaction_id": capture["id"], "custom": capture["custom_id"],
                "seller": {"merchant_id": MERCHANT},
            }
        ],
        "reason": "MERCHANDISE_OR_SERVICE_NOT_RECEIVED", "status": "WAITING_FOR_SELLER_RESPONSE",
        "dispute_amount": capture["amount"], "dispute_life_cycle_stage": "CHARGEBACK",
        "dispute_channel": "INTERNAL", "seller_response_due_date": DUE, "links": links,
        "money_movements": [
            {
                "affected_party": "SELLER", "type": "DEBIT", "reason": "CHARGEBACK_FEE",
                "amount": {"currency_code": capture["amount"]["currency_code"], "value": "15.00"},
            }
        ],
        **more,
    }  # fmt: skip
    account.note_dispute("CREATED", dispute)
    return dispute


def decide(
    account: Account, dispute: Document, outcome: str, *, refunded: Document | None = None
) -> None:
    """PayPal, or the bank, has decided."""
    said: Document = {"outcome_code": outcome}
    if refunded is not None:
        said["amount_refunded"] = refunded
    dispute |= {"status": "RESOLVED", "dispute_outcome": said, "links": SELF}
    account.note_dispute("RESOLVED", dispute)


def answer(account: Account, dispute: Document, said: Document) -> Document:
    """Take evidence, once."""
    _allow(dispute, "provide_evidence")
    rows = [one | {"source": "SUBMITTED_BY_SELLER"} for one in said["input"]["evidences"]]
    dispute |= {"status": "UNDER_REVIEW", "evidences": rows, "links": SELF}
    account.note_dispute("UPDATED", dispute)
    return {"links": [{"rel": "self", "href": _HREF}]}


def accept(account: Account, dispute: Document) -> Document:
    """The seller gives in: the buyer is paid."""
    _allow(dispute, "accept_claim")
    decide(account, dispute, "ACCEPTED", refunded=dispute["dispute_amount"])
    return {"links": [{"rel": "self", "href": _HREF}]}


def listed(account: Account, asked: dict[str, str]) -> Document:
    """Rows that name no payment, a page at a time."""
    chosen = [
        one
        for one in account.disputes.values()
        if asked.get("update_time_after", "") <= one["update_time"]
        and asked.get("disputed_transaction_id")
        in {None, *(row["seller_transaction_id"] for row in one["disputed_transactions"])}
    ]
    start = int(asked.get("next_page_token", "0"))
    shown = chosen[start : start + PER_PAGE]
    names = (
        "dispute_id", "create_time", "update_time", "reason", "status", "dispute_amount",
        "dispute_life_cycle_stage", "dispute_channel",
    )  # fmt: skip
    links = [{"rel": "self", "href": _HREF}]
    if start + PER_PAGE < len(chosen):
        links.append({"rel": "next", "href": f"{_HREF}?next_page_token={start + PER_PAGE}"})
    rows = [{name: one[name] for name in names} for one in shown]
    return {"links": links, **({"items": rows} if rows else {})}


def _allow(dispute: Document, relation: str) -> None:
    if relation not in {one["rel"] for one in dispute["links"]}:
        raise PayPalSays(422, "ACTION_NOT_ALLOWED_IN_CURRENT_DISPUTE_STATE")
