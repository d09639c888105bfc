"""Sellers' accounts at providers: opened there, looked at again, and what is reported of them.

The intent is committed under an id of ours, the account is opened under that id as its key, and
the provider's name of it is written down. Where that was cut off, asking again goes on.
"""

from dataclasses import field
from datetime import datetime
from typing import Final
from uuid import UUID

from gosellr.core.errors import Conflict, InvalidInput, ServiceUnavailable
from gosellr.core.transact import ask, transact
from gosellr.flows.payouts import PayoutPowers
from gosellr.integrations.payouts.port import (
    AccountRequest,
    AccountResult,
    ConnectedAccount,
    ConnectsSellers,
    TransferOutcome,
)
from gosellr.models.connected_values import DEAUTHORIZED, SellerAccount, ToldAccount
from gosellr.services import connected_account_service
from gosellr.services.seller_scope import require_of_shop
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.viewer import Viewer

# While others write down what they were told, an account is asked after so often.
_QUESTIONS_MAX: Final = 5


class AccountRefused(Conflict):
    """The provider won't have it; the detail says why in its own word."""

    code = "payout_account_refused"
    title = "The provider refuses this account"


class AccountNotOpened(Conflict):
    """The provider hasn't named it yet: ask for it once more."""

    code = "payout_account_not_opened"
    title = "This account isn't opened yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Onboarding:
    """A seller's account, and the page on which it says what is missing."""

    account: SellerAccount
    url: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class WaysBack:
    """Where a provider's page leads to, behind the market's own address."""

    base_url: str

    def returning(self, account_id: UUID) -> str:
        """After the page was left."""
        return f"{self.base_url}/payout-accounts/{account_id}/return"

    def refreshing(self, account_id: UUID) -> str:
        """Where the page was used up."""
        return f"{self.base_url}/payout-accounts/{account_id}/onboarding"


def provider_of(powers: PayoutPowers, name: str) -> ConnectsSellers:
    """The provider that keeps accounts for sellers.

    Raises:
        InvalidInput: this one doesn't, or isn't offered.
    """
    provider = powers.providers.get(name)
    if not isinstance(provider, ConnectsSellers):
        raise InvalidInput.at("provider", "provider_unknown", "It keeps no accounts for sellers")
    return provider


async def connect(
    powers: PayoutPowers, ways: WaysBack, *, viewer: Viewer, seller_id: UUID, provider: str
) -> Onboarding:
    """Open a seller's account at a provider, or go on with the one there is.

    Raises:
        NotFound, NotAllowed, InvalidInput, AccountRefused.
        ServiceUnavailable: the provider gives no answer; asking again goes on.
    """
    require_of_shop(viewer, seller_id=seller_id)
    power = provider_of(powers, provider)
    account = await transact(
        powers.db,
        connected_account_service.begin,
        viewer=viewer,
        seller_id=seller_id,
        provider=provider,
        now=powers.now(),
    )
    account = await _opened(powers, power, account)
    return await onboard(powers, ways, account=account)


async def onboard(powers: PayoutPowers, ways: WaysBack, *, account: SellerAccount) -> Onboarding:
    """A fresh page on which the seller says what is missing.

    Raises:
        InvalidInput, AccountNotOpened, AccountRefused, ServiceUnavailable.
    """
    if account.reference is None:
        raise AccountNotOpened
    answer = await provider_of(powers, account.provider).onboarding_link(
        reference=account.reference,
        return_url=ways.returning(account.id),
        refresh_url=ways.refreshing(account.id),
    )
    if answer.outcome is TransferOutcome.DECLINED:
        raise AccountRefused(answer.reason or "")
    if answer.url is None:
        raise ServiceUnavailable("The provider doesn't answer")
    return Onboarding(account=account, url=answer.url)


async def look_again(powers: PayoutPowers, *, account: SellerAccount) -> SellerAccount:
    """Ask the provider how an account stands, and write it down.

    Raises:
        InvalidInput, AccountNotOpened, AccountRefused, ServiceUnavailable.
    """
    return await _asked_again(powers, account=account)


async def hear(powers: PayoutPowers, *, provider: str, reference: str, lost: bool) -> None:
    """A provider reported of an account: it is asked how it stands now, so that reports may come
    in any order. What is `lost` can't be asked after any more, and takes nothing from then on.

    Raises:
        ServiceUnavailable: it gives no answer; it will report once more.
    """
    account = await ask(
        powers.db, connected_account_service.find_reported, provider=provider, reference=reference
    )
    if account is not None:
        await _asked_again(powers, account=account, may_be_lost=lost)


async def _asked_again(
    powers: PayoutPowers, *, account: SellerAccount, may_be_lost: bool = False
) -> SellerAccount:
    """Ask how an account stands until nothing else was written down between question and answer."""
    for _ in range(_QUESTIONS_MAX):
        if account.reference is None:
            raise AccountNotOpened
        power = provider_of(powers, account.provider)
        answer = await power.find_account(reference=account.reference)
        if may_be_lost and answer.outcome is TransferOutcome.NOT_FOUND:
            told = ToldAccount(
                reference=account.reference,
                is_complete=account.is_complete,
                may_receive=False,
                may_pay_out=False,
                disabled_reason=DEAUTHORIZED,
            )
            noted = await _note(powers, account, told)
        else:
            noted = await _noted(powers, account, answer)
        if noted is not None:
            return noted
        account = await ask(powers.db, connected_account_service.load, account_id=account.id)
    raise ServiceUnavailable("This account is asked after by others at the moment")


async def hear_of_bank(
    powers: PayoutPowers, *, provider: str, reference: str, failure: str | None, told_at: datetime
) -> None:
    """A provider reported what an account's bank did with its money, and at `told_at` that it
    did."""
    account = await ask(
        powers.db, connected_account_service.find_reported, provider=provider, reference=reference
    )
    if account is not None:
        await transact(
            powers.db,
            connected_account_service.note_bank,
            account_id=account.id,
            failure=failure,
            told_at=told_at,
            now=powers.now(),
        )


async def _opened(
    powers: PayoutPowers, power: ConnectsSellers, account: SellerAccount
) -> SellerAccount:
    if account.reference is not None:
        return account
    email, name = await ask(
        powers.db, connected_account_service.seller_contact, seller_id=account.seller_id
    )
    answer = await power.open_account(
        AccountRequest(
            account_id=str(account.id),
            asked_at=account.created_at,
            country=account.country,
            email=email,
            name=name,
        )
    )
    noted = await _noted(powers, account, answer)
    if noted is not None:
        return noted
    # Somebody else opened it at the same time, under the same key.
    named = await ask(powers.db, connected_account_service.load, account_id=account.id)
    return await _asked_again(powers, account=named)


async def _noted(
    powers: PayoutPowers, account: SellerAccount, answer: AccountResult
) -> SellerAccount | None:
    if answer.outcome is TransferOutcome.UNKNOWN:
        raise ServiceUnavailable("The provider doesn't answer")
    if answer.account is None:
        raise AccountRefused(answer.reason or "")
    return await _note(powers, account, _told(answer.account))


async def _note(
    powers: PayoutPowers, account: SellerAccount, told: ToldAccount
) -> SellerAccount | None:
    return await transact(
        powers.db, connected_account_service.note, seen=account, told=told, now=powers.now()
    )


def _told(account: ConnectedAccount) -> ToldAccount:
    return ToldAccount(
        reference=account.reference,
        is_complete=account.is_complete,
        may_receive=account.may_receive,
        may_pay_out=account.may_pay_out,
        missing=account.missing,
        due_at=account.due_at,
        disabled_reason=account.disabled_reason,
    )
