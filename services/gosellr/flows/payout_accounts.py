"""Where a seller is paid to: changed only by whoever proves again who they are."""

import json
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from uuid import UUID

from gosellr.core.db import Connection, Database
from gosellr.core.encryption import Vault
from gosellr.core.errors import InvalidInput, NotFound
from gosellr.core.identity import new_id
from gosellr.core.passwords import LENGTH_MAX, Passwords
from gosellr.core.transact import ask, transact
from gosellr.flows.payouts import PayoutPowers, account_place
from gosellr.integrations.payouts.port import AccountKind
from gosellr.models.payout_values import PayoutDestination
from gosellr.services import (
    account_service,
    connected_account_service,
    idempotency_service,
    payout_settings_service,
)
from gosellr.services.idempotency_service import EarlierRequest, RequestKey
from gosellr.services.payout_settings_service import NewDestination
from gosellr.services.seller_scope import require_of_shop
from gosellr.utils.iban import InvalidIban, last_four, parse_iban
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.payouts import BY_FILE
from gosellr.utils.sepa import NAME_LENGTH_MAX, NotSepa, sepa_iban, sepa_text
from gosellr.utils.viewer import Viewer

# The longest that a provider takes.
_EMAIL_LENGTH_MAX = 127


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedAccount:
    """An account as its owner typed it, with the password that proves who types."""

    method: str
    holder: str
    password: str
    iban: str | None = None
    email: str | None = None

    def __repr__(self) -> str:
        return f"TypedAccount(method={self.method!r})"


async def change_destination(
    powers: PayoutPowers,
    passwords: Passwords,
    *,
    viewer: Viewer,
    seller_id: UUID,
    typed: TypedAccount,
    key: RequestKey | None = None,
) -> PayoutDestination:
    """Pay a seller to another account, under the same key once. The password is checked in a
    thread, before the write.

    Raises:
        NotFound, NotAllowed: that isn't for the viewer to do.
        InvalidInput: the password or the account is wrong, or nobody pays to such.
        IdempotencyKeyReused: the key stands for another account.
    """
    require_of_shop(viewer, seller_id=seller_id)
    provider = powers.providers.get(typed.method)
    if provider is None:
        raise InvalidInput.at("method", "method_unknown", "We don't pay in this way")
    kind = provider.account_kind
    if kind is AccountKind.CONNECTED:
        account, shown = await _connected(powers, viewer, seller_id=seller_id, typed=typed)
    else:
        account, shown = _account(kind, typed)
    await prove(powers.db, passwords, viewer=viewer, password=typed.password)
    destination_id = new_id()
    new = NewDestination(
        destination_id=destination_id,
        method=typed.method,
        account_encrypted=_sealed(
            powers.vault, destination_id, {"holder": typed.holder, kind.value: account}
        ),
        last_four=shown,
    )
    change: Callable[[Connection], Awaitable[PayoutDestination]] = partial(
        payout_settings_service.change_destination,
        viewer=viewer,
        seller_id=seller_id,
        new=new,
        policy=powers.policy,
        now=powers.now(),
    )
    if key is None:
        return await transact(powers.db, change)
    made = await transact(
        powers.db,
        idempotency_service.once,
        change,
        request=key,
        made=_id_of,
        now=powers.now(),
        kept_for=powers.policy.idempotency_kept_for,
    )
    if not isinstance(made, EarlierRequest):
        return made
    return await ask(
        powers.db, payout_settings_service.find_destination, viewer=viewer, seller_id=seller_id
    )


def _id_of(destination: PayoutDestination) -> str:
    return str(destination.id)


async def _connected(
    powers: PayoutPowers, viewer: Viewer, *, seller_id: UUID, typed: TypedAccount
) -> tuple[str, str]:
    """The account that the provider keeps for the seller: nobody types its name."""
    if typed.iban is not None or typed.email is not None:
        raise InvalidInput.at("method", "account_not_typed", "This way pays to its own account")
    try:
        account = await ask(
            powers.db,
            connected_account_service.find_account,
            viewer=viewer,
            seller_id=seller_id,
            provider=typed.method,
        )
    except NotFound:
        account = None
    if account is None or account.reference is None:
        raise InvalidInput.at("method", "account_not_opened", "Open an account there first")
    return account.reference, account.reference[-4:]


def _account(kind: AccountKind, typed: TypedAccount) -> tuple[str, str]:
    """The account of the kind that is paid to, and the four characters ever shown of it."""
    if kind is AccountKind.EMAIL:
        if typed.email is None or len(typed.email) > _EMAIL_LENGTH_MAX:
            raise InvalidInput.at("email", "email_wrong", "This way pays to an e-mail address")
        name, _, host = typed.email.rpartition("@")
        return typed.email, f"{name[:1]}…@{host[:1]}"
    try:
        iban = parse_iban(typed.iban or "")
    except InvalidIban:
        raise InvalidInput.at("iban", "iban_wrong", "Look at the number once more") from None
    if typed.method in BY_FILE:
        _check_sepa(iban, typed.holder)
    return iban, last_four(iban)


def _check_sepa(iban: str, holder: str) -> None:
    """Before it is kept, so that no payout waits for an account that no file can name."""
    try:
        sepa_iban(iban)
    except NotSepa as error:
        raise InvalidInput.at("iban", "iban_not_sepa", str(error)) from None
    try:
        sepa_text(holder, length_max=NAME_LENGTH_MAX)
    except NotSepa as error:
        raise InvalidInput.at("holder", "name_not_sepa", str(error)) from None


def _sealed(vault: Vault, destination_id: UUID, account: Mapping[str, str]) -> bytes:
    return vault.encrypt(json.dumps(account).encode(), place=account_place(destination_id))


async def prove(db: Database, passwords: Passwords, *, viewer: Viewer, password: str) -> None:
    """Whoever holds a stolen session still doesn't know the password."""
    found = await ask(db, account_service.find_credentials, email=viewer.email)
    is_own = found is not None and found.user_id == viewer.user_id
    kept_hash = found.password_hash if found is not None and is_own else None
    verdict = await passwords.verify(password[:LENGTH_MAX], kept_hash)
    if not verdict.is_right or len(password) > LENGTH_MAX:
        raise InvalidInput.at("password", "password_wrong", "This isn't your password")
