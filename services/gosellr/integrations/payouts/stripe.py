"""Payouts by Stripe: a transfer from the market's balance to an account that Stripe keeps for each
seller and pays out from to its bank.

Charges and transfers are separate: a payout belongs to no single charge. A transfer is looked for
by its group before it is sent, and sent under a key, so that a lost answer moves nothing twice.
"""

import logging
from datetime import timedelta

import httpx2

from gosellr.core.clock import Clock
from gosellr.integrations.payments.stripe_amounts import STEPS_MINOR, NotExpressible, to_stripe
from gosellr.integrations.payments.stripe_answers import Unreadable
from gosellr.integrations.payments.stripe_api import (
    TIMEOUT_SECONDS,
    KeyReused,
    Refused,
    StripeApi,
    Unanswered,
)
from gosellr.integrations.payouts import stripe_accounts as accounts
from gosellr.integrations.payouts.port import (
    AccountKind,
    AccountRequest,
    AccountResult,
    ConnectedAccount,
    LinkResult,
    TransferOutcome,
    TransferRequest,
    TransferResult,
)
from gosellr.integrations.payouts.stripe_accounts import Transfer, read_account, read_transfer

_log = logging.getLogger("gosellr.stripe")

CALLED_BACK = "called_back"
_CLOCKS_APART = timedelta(minutes=5)
_PAGES_MAX = 20
_SILENCE = (Unanswered, Unreadable)


class StripePayouts:
    """A `ConnectsSellers` over one account at Stripe, and out of its balance.

    A transfer is at the seller's as soon as Stripe has made it; when its bank gets it is between
    the two. One that was taken back in part still stands: a person has to look.
    """

    name = "stripe"
    paid_from = "stripe"
    account_kind = AccountKind.CONNECTED
    forgets_after = None
    steps_minor = STEPS_MINOR

    def __init__(
        self,
        secret_key: str,
        *,
        clock: Clock,
        transport: httpx2.AsyncBaseTransport | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._api = StripeApi(
            secret_key, clock=clock, transport=transport, timeout_seconds=timeout_seconds
        )

    async def send(self, request: TransferRequest) -> TransferResult:
        """See `PayoutProvider.send`. A balance that doesn't cover it is a final no: Stripe tries
        nothing again by itself."""
        transfer_id = request.transfer_id
        outcome, reason = TransferOutcome.UNKNOWN, None
        try:
            transfer = await self._made(request)
            told = (transfer.amount_minor, transfer.currency, transfer.destination)
            if told == (request.amount_minor, request.currency, request.account):
                return _result(transfer_id, transfer)
            outcome, reason = TransferOutcome.REFUSED, "idempotency_key_reused"
        except KeyReused:
            outcome, reason = TransferOutcome.REFUSED, "idempotency_key_reused"
        except Refused as refusal:
            outcome, reason = TransferOutcome.DECLINED, refusal.code
        except _SILENCE:
            pass
        return TransferResult(outcome=outcome, transfer_id=transfer_id, reason=reason)

    async def lookup(
        self, *, transfer_id: str, provider_reference: str | None = None
    ) -> TransferResult:
        """See `PayoutProvider.lookup`."""
        try:
            transfer = await self._found(transfer_id, provider_reference)
        except (*_SILENCE, Refused, KeyReused):
            return TransferResult(
                outcome=TransferOutcome.UNKNOWN,
                transfer_id=transfer_id,
                provider_reference=provider_reference,
            )
        if transfer is None:
            return TransferResult(outcome=TransferOutcome.NOT_FOUND, transfer_id=transfer_id)
        return _result(transfer_id, transfer)

    async def call_back(
        self, *, transfer_id: str, recall_id: str, provider_reference: str | None = None
    ) -> TransferResult:
        """See `ConnectsSellers.call_back`."""
        unknown = TransferResult(outcome=TransferOutcome.UNKNOWN, transfer_id=transfer_id)
        refused: str | None = None
        try:
            transfer = await self._found(transfer_id, provider_reference)
            if transfer is None:
                return TransferResult(outcome=TransferOutcome.NOT_FOUND, transfer_id=transfer_id)
            if transfer.reversed_minor:
                return _result(transfer_id, transfer, reason="partly_taken_back")
            send = accounts.take_back(transfer.id, transfer_id=transfer_id, recall_id=recall_id)
            try:
                await self._api.call("reversal", send)
            except Refused as refusal:
                # Perhaps because somebody else took it back in this moment.
                refused = refusal.code
            # What the answer was is no matter: the transfer itself says how it stands now.
            after = read_transfer(
                (await self._api.call("transfer", accounts.find_transfer(transfer.id))).document
            )
        except (*_SILENCE, KeyReused, Refused):
            return unknown
        if refused is None and not after.reversed_minor:
            # It was taken, and isn't to be seen yet.
            return unknown
        return _result(transfer_id, after, reason=refused)

    async def open_account(self, request: AccountRequest) -> AccountResult:
        """See `ConnectsSellers.open_account`. Stripe forgets keys after a day, and never an
        account: one whose answer was lost is looked for first."""
        try:
            known = await self._opened_before(request)
            if known is None:
                answer = await self._api.call("account", accounts.open_account(request))
                known = read_account(answer.document)
        except Refused as refusal:
            return AccountResult(outcome=TransferOutcome.DECLINED, reason=refusal.code)
        except KeyReused:
            return AccountResult(outcome=TransferOutcome.REFUSED, reason="idempotency_key_reused")
        except _SILENCE:
            return AccountResult(outcome=TransferOutcome.UNKNOWN)
        return AccountResult(outcome=TransferOutcome.ACCEPTED, account=known)

    async def find_account(self, *, reference: str) -> AccountResult:
        """See `ConnectsSellers.find_account`."""
        try:
            answer = await self._api.call("account", accounts.find_account(reference))
            account = read_account(answer.document)
        except Refused as refusal:
            return AccountResult(outcome=TransferOutcome.NOT_FOUND, reason=refusal.code)
        except (*_SILENCE, KeyReused):
            return AccountResult(outcome=TransferOutcome.UNKNOWN)
        return AccountResult(outcome=TransferOutcome.ACCEPTED, account=account)

    async def onboarding_link(
        self, *, reference: str, return_url: str, refresh_url: str
    ) -> LinkResult:
        """See `ConnectsSellers.onboarding_link`."""
        send = accounts.account_link(reference, return_url=return_url, refresh_url=refresh_url)
        try:
            url = (await self._api.call("account link", send)).document.get("url")
        except Refused as refusal:
            return LinkResult(outcome=TransferOutcome.DECLINED, reason=refusal.code)
        except (Unanswered, KeyReused):
            return LinkResult(outcome=TransferOutcome.UNKNOWN)
        if not isinstance(url, str):
            return LinkResult(outcome=TransferOutcome.UNKNOWN)
        return LinkResult(outcome=TransferOutcome.ACCEPTED, url=url)

    async def aclose(self) -> None:
        """End the connections."""
        await self._api.close()

    async def _made(self, request: TransferRequest) -> Transfer:
        """The transfer, made now or before under the same key."""
        known = await self._of_group(request.transfer_id)
        if known is not None:
            return known
        try:
            amount = to_stripe(request.amount_minor, request.currency)
        except NotExpressible:
            raise Refused("amount_not_expressible") from None
        answer = await self._api.call("transfer", accounts.send_transfer(request, amount=amount))
        return read_transfer(answer.document)

    async def _found(self, transfer_id: str, reference: str | None) -> Transfer | None:
        """What was sent under a key, by Stripe's own name of it where that was heard."""
        if reference is None:
            return await self._of_group(transfer_id)
        answer = await self._api.call("transfer", accounts.find_transfer(reference))
        transfer = read_transfer(answer.document)
        if transfer.transfer_id != transfer_id:
            raise Unreadable("this transfer isn't ours")
        return transfer

    async def _of_group(self, transfer_id: str) -> Transfer | None:
        answer = await self._api.call("list of transfers", accounts.list_transfers(transfer_id))
        found = [read_transfer(row) for row in accounts.rows_of(answer.document)]
        own = [one for one in found if one.transfer_id == transfer_id]
        if len(own) > 1:
            # Never made by us; whoever made it by hand has to say what it was.
            _log.error("payout %s has %d transfers at Stripe", transfer_id, len(own))
            raise Unreadable("one payout, several transfers")
        return own[0] if own else None

    async def _opened_before(self, request: AccountRequest) -> ConnectedAccount | None:
        since, after = request.asked_at - _CLOCKS_APART, None
        for _ in range(_PAGES_MAX):
            send = accounts.list_accounts(since=since, after=after)
            document = (await self._api.call("list of accounts", send)).document
            rows = accounts.rows_of(document)
            for row in rows:
                if accounts.is_for(row, request.account_id):
                    return read_account(row)
            if not rows or not document.get("has_more"):
                return None
            after = rows[-1]["id"]
        raise Unanswered("list of accounts")


def _result(transfer_id: str, transfer: Transfer, *, reason: str | None = None) -> TransferResult:
    """What a transfer says: it stands, or all of it was taken back."""
    if 0 < transfer.reversed_minor < transfer.amount_minor:
        _log.error("%s was taken back in part: it is left as it stands", transfer.id)
    back = transfer.is_back
    return TransferResult(
        outcome=TransferOutcome.DECLINED if back else TransferOutcome.ACCEPTED,
        transfer_id=transfer_id,
        amount_minor=transfer.amount_minor,
        currency=transfer.currency,
        provider_reference=transfer.id,
        reason=CALLED_BACK if back else reason,
        account=transfer.destination,
    )
