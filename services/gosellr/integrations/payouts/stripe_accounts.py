"""Sellers' accounts at Stripe, and what is sent there: the requests, and what Stripe answers.

A body depends on nothing but its request, so that the same request is the same body whenever and
wherever it is sent: Stripe refuses a key that comes with another.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import stripe

from gosellr.integrations.payments.stripe_amounts import from_stripe
from gosellr.integrations.payments.stripe_answers import Unreadable
from gosellr.integrations.payments.stripe_connect import ACCOUNT, PAYOUT, RECALL
from gosellr.integrations.payouts.port import AccountRequest, ConnectedAccount, TransferRequest
from gosellr.utils.lazy_dataclasses import dataclass

if TYPE_CHECKING:
    from stripe.params import (
        AccountCreateParams,
        AccountLinkCreateParams,
        AccountListParams,
        TransferCreateParams,
    )

Send = Callable[[stripe.StripeClient], Awaitable[stripe.StripeObject]]

PAGE_SIZE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Money that was moved to a seller's account; amounts in our minor units."""

    id: str
    transfer_id: str | None
    destination: str
    amount_minor: int
    currency: str
    reversed_minor: int

    @property
    def is_back(self) -> bool:
        """Whether all of it was taken back."""
        return self.reversed_minor == self.amount_minor


def open_account(request: AccountRequest) -> Send:
    """An account whose owner tells Stripe who it is, and that only takes transfers."""
    params: AccountCreateParams = {
        "type": "express",
        "country": request.country,
        "email": request.email,
        "capabilities": {"transfers": {"requested": True}},
        "business_profile": {"name": request.name},
        "metadata": {ACCOUNT: request.account_id},
    }
    key = _key("account", request.account_id)
    return lambda client: client.v1.accounts.create_async(params, key)


def find_account(reference: str) -> Send:
    """An account as it stands now."""
    return lambda client: client.v1.accounts.retrieve_async(reference)


def list_accounts(*, since: datetime, after: str | None) -> Send:
    """A page of the accounts that were opened lately, the newest first."""
    params: AccountListParams = {
        "created": {"gte": int(since.timestamp())}, "limit": PAGE_SIZE,
    }  # fmt: skip
    if after is not None:
        params["starting_after"] = after
    return lambda client: client.v1.accounts.list_async(params)


def account_link(reference: str, *, return_url: str, refresh_url: str) -> Send:
    """A page on which the account's owner says what is missing. A new one each time: without a
    key, since a link that was used is good for nothing."""
    params: AccountLinkCreateParams = {
        "account": reference,
        "type": "account_onboarding",
        "return_url": return_url,
        "refresh_url": refresh_url,
    }
    return lambda client: client.v1.account_links.create_async(params)


def send_transfer(request: TransferRequest, *, amount: int) -> Send:
    """Move money from the market's balance to a seller's account."""
    params: TransferCreateParams = {
        "amount": amount,
        "currency": request.currency.lower(),
        "destination": request.account,
        "description": request.reference,
        # By this it is found again: Stripe forgets keys after a day, and never a group.
        "transfer_group": group_of(request.transfer_id),
        "metadata": {PAYOUT: request.transfer_id},
    }
    key = _key("transfer", request.transfer_id)
    return lambda client: client.v1.transfers.create_async(params, key)


def find_transfer(reference: str) -> Send:
    """A transfer as it stands now."""
    return lambda client: client.v1.transfers.retrieve_async(reference)


def list_transfers(transfer_id: str) -> Send:
    """What was ever sent under a key of ours: one, or none."""
    return lambda client: client.v1.transfers.list_async(
        {"transfer_group": group_of(transfer_id), "limit": PAGE_SIZE}
    )


def take_back(reference: str, *, transfer_id: str, recall_id: str) -> Send:
    """Reverse a whole transfer. Stripe does so only where the account still has the money."""
    key = _key("recall", recall_id)
    return lambda client: client.v1.transfers.reversals.create_async(
        reference, {"metadata": {PAYOUT: transfer_id, RECALL: recall_id}}, key
    )


def group_of(transfer_id: str) -> str:
    """What Stripe calls everything that belongs to one payout."""
    return f"gosellr-payout-{transfer_id}"


def read_transfer(document: Mapping[str, Any]) -> Transfer:
    """A transfer; raises `Unreadable`."""
    try:
        currency = document["currency"].upper()
        destination = document["destination"]
        return Transfer(
            id=document["id"],
            transfer_id=(document.get("metadata") or {}).get(PAYOUT),
            destination=destination["id"] if isinstance(destination, dict) else destination,
            amount_minor=from_stripe(document["amount"], currency),
            currency=currency,
            reversed_minor=from_stripe(document["amount_reversed"], currency),
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Unreadable("no transfer that we can read") from error


def read_account(document: Mapping[str, Any]) -> ConnectedAccount:
    """An account; raises `Unreadable`. What is late is named first."""
    try:
        wanted = document.get("requirements") or {}
        late, due = wanted.get("past_due") or [], wanted.get("currently_due") or []
        deadline = wanted.get("current_deadline")
        capabilities = document.get("capabilities") or {}
        return ConnectedAccount(
            reference=document["id"],
            account_id=(document.get("metadata") or {}).get(ACCOUNT),
            is_complete=bool(document["details_submitted"]),
            may_receive=capabilities.get("transfers") == "active",
            may_pay_out=bool(document["payouts_enabled"]),
            missing=tuple(dict.fromkeys(str(one) for one in [*late, *due])),
            due_at=None if deadline is None else datetime.fromtimestamp(deadline, UTC),
            disabled_reason=wanted.get("disabled_reason"),
        )
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise Unreadable("no account that we can read") from error


def rows_of(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of a list, each with its name. Raises `Unreadable`."""
    rows = document.get("data")
    if not isinstance(rows, list) or not all(
        isinstance(row, dict) and isinstance(row.get("id"), str) for row in rows
    ):
        raise Unreadable("no list that we can read")
    return rows


def is_for(document: Mapping[str, Any], account_id: str) -> bool:
    """Whether an account was opened under this key of ours."""
    return (document.get("metadata") or {}).get(ACCOUNT) == account_id


def _key(deed: str, identifier: str) -> stripe.RequestOptions:
    return {"idempotency_key": f"gosellr-{deed}-{identifier}"}
