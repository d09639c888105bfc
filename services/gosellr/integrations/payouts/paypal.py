"""Payouts by PayPal: each transfer is a batch of one, sent to an e-mail address.

PayPal refuses a batch whose sender's id it has seen within thirty days and names the batch that
has it, so sending again finds what an answer was lost of and moves nothing twice.
"""

import logging
import re
from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

from gosellr.core.clock import Clock
from gosellr.integrations.payments.paypal_amounts import (
    STEPS_MINOR,
    NotExpressible,
    from_paypal,
    to_paypal,
)
from gosellr.integrations.payments.paypal_api import Missing, PayPalApi, Refused, Unanswered
from gosellr.integrations.payouts.port import (
    AccountKind,
    TransferOutcome,
    TransferRequest,
    TransferResult,
)
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.paypal_movements import our_id, read_our_id

_log = logging.getLogger("gosellr.paypal")

# PayPal forgets a sender's id after thirty days; whatever is nearly as old isn't sent any more.
SENT_WITHIN: Final = timedelta(days=25)

_SUBJECT: Final = "You have been paid"
_BATCH_ID: Final = re.compile(r"[A-Za-z0-9]{1,30}")
_REMEMBERED_MAX: Final = 10_000
_ITEMS: Final = {
    "SUCCESS": TransferOutcome.ACCEPTED,
    "FAILED": TransferOutcome.DECLINED,
    "RETURNED": TransferOutcome.DECLINED,
    "BLOCKED": TransferOutcome.DECLINED,
    "REFUNDED": TransferOutcome.DECLINED,
    "REVERSED": TransferOutcome.DECLINED,
}
_BATCHES_OVER: Final = frozenset({"DENIED", "CANCELED"})


class _Unreadable(ValueError):
    """A batch that lacks what it has to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    """A batch of one. `receiver` is None before PayPal has looked at its item."""

    id: str
    transfer_id: str
    outcome: TransferOutcome
    reason: str | None
    amount_minor: int | None
    currency: str | None
    receiver: str | None


class PayPalPayouts:
    """A `PayoutProvider` over one account at PayPal, and out of its balance.

    Amount and receiver are told from an instruction's own batch, never from what was asked.
    """

    name = "paypal"
    paid_from = "paypal"
    account_kind = AccountKind.EMAIL
    # What is begun by then is sent while it may be.
    forgets_after = SENT_WITHIN - timedelta(days=1)
    steps_minor = STEPS_MINOR

    def __init__(self, api: PayPalApi, *, clock: Clock) -> None:
        self._api = api
        self._clock = clock
        self._batches: OrderedDict[str, str] = OrderedDict()

    async def send(self, request: TransferRequest) -> TransferResult:
        """See `PayoutProvider.send`. What is older than PayPal's memory isn't sent: a person
        has to look whether it was before."""
        transfer_id = request.transfer_id
        if _is_old(transfer_id, now=self._clock.now()):
            _log.error("transfer %s is too old to be sent safely", transfer_id)
            return _open(transfer_id)
        try:
            batch_id = await self._sent(request)
        except Refused as refusal:
            return TransferResult(
                outcome=TransferOutcome.DECLINED,
                transfer_id=transfer_id,
                reason=refusal.code.lower(),
            )
        except (Unanswered, _Unreadable):
            return _open(transfer_id)
        batch = await self._asked(batch_id)
        if batch is None or batch.transfer_id != transfer_id:
            return _open(transfer_id, batch_id)
        told = (batch.amount_minor, batch.currency, (batch.receiver or "").casefold())
        asked = (request.amount_minor, request.currency, request.account.casefold())
        if batch.amount_minor is not None and told != asked:
            return TransferResult(
                outcome=TransferOutcome.REFUSED,
                transfer_id=transfer_id,
                reason="idempotency_key_reused",
            )
        return _result(batch)

    async def lookup(
        self, *, transfer_id: str, provider_reference: str | None = None
    ) -> TransferResult:
        """See `PayoutProvider.lookup`. PayPal finds a batch by its own name of it alone."""
        batch_id = provider_reference or self._batches.get(transfer_id)
        if batch_id is None:
            return TransferResult(outcome=TransferOutcome.NOT_FOUND, transfer_id=transfer_id)
        batch = await self._asked(batch_id)
        if batch is None or batch.transfer_id != transfer_id:
            return _open(transfer_id, batch_id)
        return _result(batch)

    async def aclose(self) -> None:
        """End the connections."""
        await self._api.close()

    async def _sent(self, request: TransferRequest) -> str:
        """PayPal's name of the batch, made now or before under the same id.

        Raises:
            Refused, Unanswered, _Unreadable.
        """
        key = our_id(request.transfer_id)
        try:
            value = to_paypal(request.amount_minor, request.currency)
        except NotExpressible:
            raise Refused("amount_not_expressible") from None
        item = {
            "recipient_type": "EMAIL",
            "receiver": request.account,
            "amount": {"value": value, "currency": request.currency},
            "note": request.reference,
            "sender_item_id": key,
        }
        header = {"sender_batch_id": key, "email_subject": _SUBJECT}
        body = {"sender_batch_header": header, "items": [item]}
        try:
            said = await self._api.call(
                "payout", "POST", "/v1/payments/payouts", body=body, key=f"gosellr-payout-{key}"
            )
            batch_id = _named(said)
        except Refused as refusal:
            batch_id = _known_batch(refusal)
        self._batches[request.transfer_id] = batch_id
        if len(self._batches) > _REMEMBERED_MAX:
            self._batches.popitem(last=False)
        return batch_id

    async def _asked(self, batch_id: str) -> _Batch | None:
        """A batch as it stands now; None where PayPal can't or won't say."""
        path = f"/v1/payments/payouts/{quote(batch_id, safe='')}"
        try:
            return _read(await self._api.call("payout batch", "GET", path))
        except (Unanswered, Refused, _Unreadable):
            return None


def _named(said: dict[str, Any]) -> str:
    try:
        batch_id = said["batch_header"]["payout_batch_id"]
    except (KeyError, TypeError):
        raise _Unreadable("no batch that we can read") from None
    if not isinstance(batch_id, str) or not _BATCH_ID.fullmatch(batch_id):
        raise _Unreadable("a batch without a name")
    return batch_id


def _known_batch(refusal: Refused) -> str:
    """The batch that has this sender's id already. Raises the refusal where it is another one."""
    if "sender_batch_id" not in refusal.code.lower():
        if isinstance(refusal, Missing):
            raise Unanswered(refusal.code)
        raise refusal
    batch_id = refusal.links.get("self", "").partition("?")[0].rpartition("/")[2]
    if not _BATCH_ID.fullmatch(batch_id):
        raise Unanswered("PayPal knows the batch and doesn't name it")
    return batch_id


def _read(document: dict[str, Any]) -> _Batch:
    """A batch; raises `_Unreadable`."""
    try:
        header = document["batch_header"]
        status = header["batch_status"]
        transfer_id, _ = read_our_id(header["sender_batch_header"]["sender_batch_id"])
        items = document.get("items") or []
        item = items[0] if items else {}
        told = item.get("payout_item") or {}
        amount = told.get("amount") or {}
        currency = amount.get("currency")
        outcome = _ITEMS.get(item.get("transaction_status", ""), TransferOutcome.PENDING)
        if status in _BATCHES_OVER:
            outcome = TransferOutcome.DECLINED
        errors = item.get("errors") or {}
        reason = errors.get("name") or item.get("transaction_status") or status
        return _Batch(
            id=_named(document),
            transfer_id=transfer_id,
            outcome=outcome,
            reason=str(reason).lower() if outcome is not TransferOutcome.ACCEPTED else None,
            amount_minor=None if currency is None else from_paypal(amount["value"], currency),
            currency=currency,
            receiver=told.get("receiver"),
        )
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        raise _Unreadable("no batch that we can read") from error


def _result(batch: _Batch) -> TransferResult:
    """What a batch says; before PayPal tells an amount, nothing is sure of it."""
    outcome = batch.outcome
    if batch.amount_minor is None and outcome is not TransferOutcome.DECLINED:
        outcome = TransferOutcome.UNKNOWN
    return TransferResult(
        outcome=outcome,
        transfer_id=batch.transfer_id,
        amount_minor=batch.amount_minor,
        currency=batch.currency,
        provider_reference=batch.id,
        reason=batch.reason,
        account=batch.receiver,
    )


def _open(transfer_id: str, batch_id: str | None = None) -> TransferResult:
    return TransferResult(
        outcome=TransferOutcome.UNKNOWN, transfer_id=transfer_id, provider_reference=batch_id
    )


def _is_old(transfer_id: str, *, now: datetime) -> bool:
    """Whether a time-ordered identifier was made too long ago; of another, nobody knows."""
    try:
        identifier = UUID(transfer_id)
    except ValueError:
        return False
    if identifier.version != 7:
        return False
    return now - datetime.fromtimestamp((identifier.int >> 80) / 1000, UTC) > SENT_WITHIN
