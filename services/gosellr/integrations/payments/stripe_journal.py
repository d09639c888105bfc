"""What Stripe has of every payment of ours, for whoever holds it against the books.

Payments are read in the currency that their buyers paid in, each with its fee. Stripe's own list of
balance transactions is in the currency that it settles in, and couldn't be compared.
"""

from typing import TYPE_CHECKING

import stripe

from gosellr.integrations.payments.journal_port import JournalCharge, JournalUnread
from gosellr.integrations.payments.stripe_answers import ATTEMPT, Unreadable, read_intent
from gosellr.integrations.payments.stripe_api import Refused, StripeApi, Unanswered
from gosellr.integrations.payments.stripe_moves import fee_of_captures

if TYPE_CHECKING:
    from stripe.params import PaymentIntentListParams

_PAGE_SIZE = 100
_WITH = ["data.latest_charge.balance_transaction"]


async def read_journal(api: StripeApi, *, after: str, limit: int) -> list[JournalCharge]:
    """Payments that took money, from the newest on, those behind a reference; none at the end.

    A page may hold others' payments alone, so there may be several requests, and more or less than
    `limit` payments. Raises `JournalUnread`.
    """
    charges: list[JournalCharge] = []
    more = True
    while more and not charges:
        rows, more = await _page(api, after=after, limit=min(limit, _PAGE_SIZE))
        for row in rows:
            after = row[0]
            if row[1] is not None:
                charges.append(row[1])
    return charges


async def _page(
    api: StripeApi, *, after: str, limit: int
) -> tuple[list[tuple[str, JournalCharge | None]], bool]:
    """Stripe's names of the payments on a page, with those of ours, and whether there are more."""
    params: PaymentIntentListParams = {"limit": limit, "expand": _WITH}
    if after:
        params["starting_after"] = after

    async def send(client: stripe.StripeClient) -> stripe.StripeObject:
        return await client.v1.payment_intents.list_async(params)

    try:
        document = (await api.call("journal", send)).document
        rows = [await _row(api, one) for one in document["data"]]
        return rows, bool(document.get("has_more"))
    except (Unanswered, Refused, Unreadable, KeyError, TypeError, AttributeError) as error:
        raise JournalUnread("Stripe's payments can't be read") from error


async def _row(api: StripeApi, document: dict[str, object]) -> tuple[str, JournalCharge | None]:
    name = document["id"]
    if not isinstance(name, str):
        raise Unreadable("a payment without a name")
    metadata = document.get("metadata")
    attempt_id = metadata.get(ATTEMPT) if isinstance(metadata, dict) else None
    if not attempt_id or not document.get("amount_received"):
        return name, None
    intent = read_intent(document)
    fee_minor = intent.fee_minor
    if intent.is_taken_in_parts:
        fee_minor = await fee_of_captures(api, intent)
    return name, JournalCharge(
        attempt_id=attempt_id,
        gateway_reference=name,
        currency=intent.currency,
        captured_minor=intent.captured_minor,
        refunded_minor=intent.refunded_minor,
        fee_minor=fee_minor,
    )
