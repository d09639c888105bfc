"""Money on its way to sellers: the intent is committed, the provider told, its answer committed.

A payout is sent under its own id as the key, so sending it twice moves money once. Before that it
is written down that it may have left; whatever a crash cuts off then is asked after later, and sent
again only if the provider has never heard of it.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from gosellr.core.clock import Clock
from gosellr.core.db import Database
from gosellr.core.encryption import Vault
from gosellr.core.transact import ask, transact
from gosellr.flows.found_transfers import if_it_is_this, status_of
from gosellr.flows.one_by_one import Sweep
from gosellr.integrations.payouts.port import (
    PayoutProvider,
    TransferOutcome,
    TransferRequest,
    TransferResult,
)
from gosellr.models.payout_values import Payout, PayoutInstruction
from gosellr.services import (
    bank_file_outcome,
    idempotency_service,
    payout_outcome,
    payout_questions,
    payout_service,
    payout_verdicts,
)
from gosellr.services.idempotency_service import EarlierRequest, IdempotencyInProgress, RequestKey
from gosellr.services.payout_opening import Opened
from gosellr.services.payout_outcome import PayoutAnswer
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.payouts import BY_FILE, PayoutStatus, funding_account
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.sepa import Debtor
from gosellr.utils.viewer import Viewer

# For so long an unanswered first request counts as still running; then it was cut off.
_RUNNING_FOR = timedelta(seconds=15)

_MAY_BE_ASKED = {PayoutStatus.PENDING, PayoutStatus.UNKNOWN, PayoutStatus.SENT, PayoutStatus.PAID}


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutPowers:
    """What paying sellers needs of its process."""

    db: Database
    providers: Mapping[str, PayoutProvider]
    clock: Clock
    policy: MarketPolicy
    vault: Vault
    # The market's own bank account, where payouts by bank file are debited.
    debtor: Debtor | None = None

    def now(self) -> datetime:
        """The moment, by the process's clock."""
        return self.clock.now()

    def read_account(self, sealed: bytes, *, destination_id: UUID) -> Mapping[str, str]:
        """An account in clear: its `holder`, and its number under the name of its kind."""
        account: Mapping[str, str] = json.loads(
            self.vault.decrypt(sealed, place=account_place(destination_id))
        )
        return account


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedPayout:
    """The payout as it stands, or the first answer to the same request."""

    payout: Payout | None = None
    answered: EarlierRequest | None = None


def account_place(destination_id: UUID) -> str:
    """Where an encrypted account stands, and the only place where it can be read."""
    return f"payout_destination:account_encrypted:{destination_id}"


async def request_payout(
    powers: PayoutPowers,
    *,
    viewer: Viewer,
    seller_id: UUID | None,
    currency: str,
    key: RequestKey,
) -> RequestedPayout:
    """Pay a seller all that is available in a currency and can be sent, and say how far that went.

    Raises:
        IdempotencyInProgress, and what `payout_service.open_payout` raises.
    """
    opened = await transact(
        powers.db,
        payout_service.open_payout,
        viewer=viewer,
        seller_id=seller_id,
        currency=currency,
        key=key,
        policy=powers.policy,
        now=powers.now(),
    )
    return await _answered(powers, opened, viewer=viewer)


async def retry_payout(
    powers: PayoutPowers, *, viewer: Viewer, payout_id: UUID, key: RequestKey
) -> RequestedPayout:
    """Make a new payout in place of one that failed.

    Raises:
        IdempotencyInProgress, and what `payout_service.open_again` raises.
    """
    opened = await transact(
        powers.db,
        payout_service.open_again,
        viewer=viewer,
        payout_id=payout_id,
        key=key,
        policy=powers.policy,
        now=powers.now(),
    )
    return await _answered(powers, opened, viewer=viewer)


async def _answered(
    powers: PayoutPowers, opened: Opened | EarlierRequest, *, viewer: Viewer
) -> RequestedPayout:
    if isinstance(opened, EarlierRequest):
        if opened.status is not None:
            return RequestedPayout(answered=opened)
        payout_id = cut_off(powers, opened)
        await send_payout(powers, payout_id=payout_id)
    else:
        payout_id = opened.payout_id
        if opened.may_be_sent:
            await send_payout(powers, payout_id=payout_id)
    payout = await ask(powers.db, payout_questions.find_payout, viewer=viewer, payout_id=payout_id)
    return RequestedPayout(payout=payout)


def cut_off(powers: PayoutPowers, earlier: EarlierRequest) -> UUID:
    """What an unanswered first request was about, once it can't be running any more.

    Raises:
        IdempotencyInProgress: it may.
    """
    if earlier.resource_id is None or powers.now() - earlier.created_at < _RUNNING_FOR:
        raise IdempotencyInProgress
    return UUID(earlier.resource_id)


async def keep_answer(powers: PayoutPowers, *, key: RequestKey, status: int, body: bytes) -> None:
    """Keep what the first request was answered, for whoever asks again."""
    await transact(
        powers.db,
        idempotency_service.finish,
        request=key,
        status=status,
        body=body,
        now=powers.now(),
    )


async def approve_payout(powers: PayoutPowers, *, viewer: Viewer, payout_id: UUID) -> Payout:
    """Let a large payout go, and send it.

    Raises:
        What `payout_service.approve` raises.
    """
    await transact(
        powers.db,
        payout_service.approve,
        viewer=viewer,
        payout_id=payout_id,
        now=powers.now(),
    )
    await send_payout(powers, payout_id=payout_id)
    return await ask(powers.db, payout_questions.find_payout, viewer=viewer, payout_id=payout_id)


async def cancel_payout(
    powers: PayoutPowers, *, viewer: Viewer, payout_id: UUID, reason: str
) -> Payout:
    """Call back a payout that waits for approval.

    Raises:
        What `payout_service.cancel` raises.
    """
    await transact(
        powers.db,
        payout_service.cancel,
        viewer=viewer,
        payout_id=payout_id,
        reason=reason,
        now=powers.now(),
    )
    return await ask(powers.db, payout_questions.find_payout, viewer=viewer, payout_id=payout_id)


async def pay_scheduled(powers: PayoutPowers, *, limit: int = 100) -> int:
    """Pay the sellers whose schedule says so; gives for how many payouts were made."""

    async def pay(seller_id: UUID) -> bool:
        opened = await transact(
            powers.db,
            payout_service.open_scheduled,
            seller_id=seller_id,
            policy=powers.policy,
            now=powers.now(),
        )
        for one in opened:
            if one.may_be_sent:
                await send_payout(powers, payout_id=one.payout_id)
        return bool(opened)

    now = powers.now()
    sweep = Sweep(
        name="schedules",
        db=powers.db,
        now=now,
        due=lambda: ask(powers.db, payout_service.due_sellers, now=now, limit=limit),
    )
    return await sweep.run(pay, story="paying a seller")


async def resume_payouts(powers: PayoutPowers, *, limit: int = 100) -> int:
    """Send or ask after every payout whose time has come; gives how many were looked at."""

    async def resume(payout_id: UUID) -> bool:
        await send_payout(powers, payout_id=payout_id)
        return True

    now = powers.now()
    sweep = Sweep(
        name="payouts",
        db=powers.db,
        now=now,
        due=lambda: ask(powers.db, payout_outcome.due_payouts, now=now, limit=limit),
    )
    return await sweep.run(resume, story="resuming a payout")


async def send_payout(powers: PayoutPowers, *, payout_id: UUID) -> None:
    """Bring a payout as far as it goes now. Safe to call at any time, twice too."""
    told = await ask(powers.db, payout_outcome.find_instruction, payout_id=payout_id)
    if told is None or not (told.status in _MAY_BE_ASKED or told.is_denied):
        return
    if told.provider in BY_FILE:
        await transact(powers.db, bank_file_outcome.follow, payout_id=payout_id, now=powers.now())
        return
    provider = powers.providers.get(told.provider)
    funding = funding_account(None if provider is None else provider.paid_from)
    if told.status is PayoutStatus.PENDING and not await transact(
        powers.db,
        payout_outcome.begin,
        payout_id=payout_id,
        sent_within=None if provider is None else provider.forgets_after,
        funding=funding,
        now=powers.now(),
    ):
        return
    result = None if provider is None else await _moved(powers, provider, told)
    await transact(
        powers.db,
        payout_outcome.record_answer,
        payout_id=payout_id,
        answer=PayoutAnswer(
            status=status_of(result, told),
            funding=funding,
            provider_reference=None if result is None else result.provider_reference,
            reason=None if result is None else result.reason,
        ),
        now=powers.now(),
    )


async def _moved(
    powers: PayoutPowers, provider: PayoutProvider, told: PayoutInstruction
) -> TransferResult:
    """Send what was never sent; of all else ask what became of it, and send it again where nobody
    has heard of it."""
    transfer_id = str(told.payout_id)
    destination = powers.read_account(told.account_encrypted, destination_id=told.destination_id)
    account = destination[provider.account_kind.value]
    if told.status is not PayoutStatus.PENDING:
        earlier = await provider.lookup(
            transfer_id=transfer_id, provider_reference=told.provider_reference
        )
        is_unheard = earlier.outcome is TransferOutcome.NOT_FOUND
        if not is_unheard or told.status is not PayoutStatus.UNKNOWN:
            return if_it_is_this(told, earlier, account=account, kind=provider.account_kind)
        if kept := await _kept_back(powers, provider, told):
            return kept
    result = await provider.send(
        TransferRequest(
            transfer_id=transfer_id,
            amount_minor=told.amount_minor,
            currency=told.currency,
            holder=destination["holder"],
            account=account,
            reference=f"GoSellr {transfer_id[-12:]}",
        )
    )
    if result.outcome is TransferOutcome.REFUSED:
        result = await provider.lookup(
            transfer_id=transfer_id, provider_reference=told.provider_reference
        )
    return if_it_is_this(told, result, account=account, kind=provider.account_kind)


async def _kept_back(
    powers: PayoutPowers, provider: PayoutProvider, told: PayoutInstruction
) -> TransferResult | None:
    """What stands for the answer where a seller may not be paid any more: a no, if surely nothing
    was sent. Else nobody sends it again, and it stays open; so does what somebody said was never
    sent, or was paid, until another one has answered that."""
    reason = await ask(
        powers.db, payout_outcome.find_obstacle, payout_id=told.payout_id, now=powers.now()
    )
    surely = reason is not None and provider.forgets_after is None
    if reason is None and not await ask(
        powers.db, payout_verdicts.is_proposed, payout_id=told.payout_id
    ):
        return None
    return TransferResult(
        outcome=TransferOutcome.DECLINED if surely else TransferOutcome.UNKNOWN,
        transfer_id=str(told.payout_id),
        reason=reason,
    )
