"""Sellers' accounts at providers: opened by their owners, kept as the provider tells them.

Money goes there only once the provider says that it may be received and paid out; what it wants
to be told before that, the seller reads here.
"""

from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import NotFound
from gosellr.core.identity import new_id
from gosellr.models.connected_values import SellerAccount, ToldAccount
from gosellr.models.events import Fact, FactType
from gosellr.queries import connected_accounts, ledger, outbox
from gosellr.services.seller_scope import require_in_seller, require_of_shop
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer


async def begin(
    connection: Connection, *, viewer: Viewer, seller_id: UUID, provider: str, now: datetime
) -> SellerAccount:
    """The account that a seller has at a provider, or is to have from now on.

    Raises:
        NotFound, NotAllowed: that isn't for the viewer to do.
    """
    require_of_shop(viewer, seller_id=seller_id)
    await connected_accounts.ensure(
        connection,
        account_id=new_id(),
        seller_id=seller_id,
        provider=provider,
        user_id=viewer.user_id,
        now=now,
    )
    account = await connected_accounts.find(connection, seller_id=seller_id, provider=provider)
    if account is None:
        raise NotFound
    return account


async def find_account(
    connection: Connection, *, viewer: Viewer, seller_id: UUID, provider: str
) -> SellerAccount:
    """A seller's account at a provider.

    Raises:
        NotFound, NotAllowed: there is none, or that isn't for the viewer to know.
    """
    if not viewer.may_as_staff(Permission.PAYOUT_ACCOUNT_READ):
        require_in_seller(viewer, seller_id=seller_id, permission=Permission.PAYOUT_ACCOUNT_READ)
    elif not await ledger.seller_exists(connection, seller_id=seller_id):
        raise NotFound
    account = await connected_accounts.find(connection, seller_id=seller_id, provider=provider)
    if account is None:
        raise NotFound
    return account


async def find_own(connection: Connection, *, viewer: Viewer, account_id: UUID) -> SellerAccount:
    """An account by our own name of it, for those who may say where its seller's money goes.

    Raises:
        NotFound, NotAllowed: there is none for the viewer.
    """
    account = await connected_accounts.load(connection, account_id=account_id)
    if account is None or account.seller_id not in viewer.memberships:
        raise NotFound
    require_of_shop(viewer, seller_id=account.seller_id)
    return account


async def find_reported(
    connection: Connection, *, provider: str, reference: str
) -> SellerAccount | None:
    """The account that a provider reports about; None for somebody else's."""
    return await connected_accounts.by_reference(connection, provider=provider, reference=reference)


async def seller_contact(connection: Connection, *, seller_id: UUID) -> tuple[str, str]:
    """The e-mail address and the name that a provider is told of a seller.

    Raises:
        NotFound: there is no such seller.
    """
    contact = await connected_accounts.contact_of(connection, seller_id=seller_id)
    if contact is None:
        raise NotFound
    return contact


async def note(
    connection: Connection, *, seen: SellerAccount, told: ToldAccount, now: datetime
) -> SellerAccount | None:
    """Write down how an account stands; what that changes, the seller is told.

    `seen` is the account as it was known when the provider was asked. Gives None where something
    else was written down since: which of the two is older, nobody can say.

    Raises:
        NotFound: there is no such account.
        ValueError: the provider calls it by another name than before.
    """
    account_id = seen.id
    before = await connected_accounts.lock(connection, account_id=account_id)
    if before is None:
        raise NotFound
    if before.version != seen.version and (before.reference, *_standing(before)) != (
        told.reference, *_standing(told)
    ):  # fmt: skip
        return None
    if not await connected_accounts.note(connection, account_id=account_id, told=told, now=now):
        raise ValueError(f"account {account_id} bears another name already")
    after = await connected_accounts.load(connection, account_id=account_id)
    if after is None:
        raise RuntimeError(f"account {account_id} is gone")
    if _standing(after) != _standing(before):
        about = {
            "seller_id": str(after.seller_id),
            "provider": after.provider,
            "is_ready": after.is_ready,
            "missing": list(after.missing),
            "disabled_reason": after.disabled_reason,
        }
        fact = Fact(FactType.PAYOUT_ACCOUNT_CHANGED, after.id, about)
        await outbox.append(connection, [fact], now=now)
    return after


def _standing(account: SellerAccount | ToldAccount) -> tuple[object, ...]:
    return (
        account.is_complete, account.may_receive, account.may_pay_out, account.missing,
        account.due_at, account.disabled_reason,
    )  # fmt: skip


async def load(connection: Connection, *, account_id: UUID) -> SellerAccount:
    """An account as it stands now. Raises `NotFound`."""
    account = await connected_accounts.load(connection, account_id=account_id)
    if account is None:
        raise NotFound
    return account


async def note_bank(
    connection: Connection,
    *,
    account_id: UUID,
    failure: str | None,
    told_at: datetime,
    now: datetime,
) -> None:
    """A provider paid out to an account's bank: it took the money, or sent it back, and why. What
    is older than the last word changes nothing.

    The money is in the account either way, so nothing is booked; the seller is told of a failure.
    """
    account = await connected_accounts.lock(connection, account_id=account_id)
    if account is None:
        raise NotFound
    is_news = await connected_accounts.note_bank(
        connection, account_id=account_id, failure=failure, told_at=told_at, now=now
    )
    if is_news and failure is not None and failure != account.bank_failure:
        about = {
            "seller_id": str(account.seller_id), "provider": account.provider, "reason": failure,
        }  # fmt: skip
        fact = Fact(FactType.PAYOUT_ACCOUNT_BANK_FAILED, account.id, about)
        await outbox.append(connection, [fact], now=now)
