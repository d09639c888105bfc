"""Who a seller is to the tax authorities: sealed when it is said, opened when it is reported."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from uuid import UUID

from gosellr.core.db import Connection, Database
from gosellr.core.encryption import UnreadableSecret, Vault
from gosellr.core.errors import NotFound
from gosellr.core.passwords import Passwords
from gosellr.core.transact import ask, transact
from gosellr.flows.payout_accounts import prove
from gosellr.flows.payouts import PayoutPowers, account_place
from gosellr.models.tax_identity_values import KeptAccount, KeptForReport, KeptTaxIdentity
from gosellr.services import idempotency_service, tax_identity_service
from gosellr.services.idempotency_service import EarlierRequest, RequestKey
from gosellr.services.tax_report_service import KnownSeller, PaidAccount
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.tax_identity import TaxIdentity, changed_fields, document_of, identity_of
from gosellr.utils.viewer import Viewer


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidIdentity:
    """What a seller said, in clear, and which version of it that is. There is no identity where no
    key of ours opens what is kept: then the seller has to say it anew."""

    identity: TaxIdentity | None
    kept: KeptTaxIdentity


def identity_place(seller_id: UUID) -> str:
    """Where a sealed identity stands, and the only place where it can be read."""
    return f"seller_tax_identity:identity_encrypted:{seller_id}"


def sealed(vault: Vault, identity: TaxIdentity, *, seller_id: UUID) -> bytes:
    """An identity as it is kept."""
    plain = json.dumps(document_of(identity)).encode()
    return vault.encrypt(plain, place=identity_place(seller_id))


def _opened(vault: Vault, envelope: bytes, *, seller_id: UUID) -> TaxIdentity:
    return identity_of(json.loads(vault.decrypt(envelope, place=identity_place(seller_id))))


def _read(vault: Vault, kept: KeptTaxIdentity | KeptForReport) -> TaxIdentity | None:
    """An envelope that can't be opened is as if nobody had said anything."""
    if kept.identity_encrypted is None:
        return None
    try:
        return _opened(vault, kept.identity_encrypted, seller_id=kept.seller_id)
    except UnreadableSecret:
        return None


async def find(powers: PayoutPowers, *, viewer: Viewer, seller_id: UUID) -> SaidIdentity | None:
    """What a seller said; None where it hasn't said anything yet.

    Raises:
        NotFound, NotAllowed: as `tax_identity_service.find`.
    """
    kept = await ask(powers.db, tax_identity_service.find, viewer=viewer, seller_id=seller_id)
    if kept is None:
        return None
    return SaidIdentity(identity=_read(powers.vault, kept), kept=kept)


async def change(
    powers: PayoutPowers,
    passwords: Passwords,
    *,
    viewer: Viewer,
    seller_id: UUID,
    typed: TaxIdentity,
    password: str,
    expected_version: int | None,
    key: RequestKey | None = None,
) -> SaidIdentity:
    """Say who a seller is, in place of what it said before, under the same key once. The password
    is checked in a thread, before the write. `expected_version` is the one that was looked at, 0
    where there was none; without it, the newest is replaced.

    Raises:
        NotFound, NotAllowed: that isn't for the viewer to say.
        InvalidInput: the password is wrong, or what was typed can't be reported; each field is
            named.
        VersionConflict: another version was meant.
        IdempotencyKeyReused: the key stands for something else.
    """
    tax_identity_service.require_owner(viewer, seller_id=seller_id)
    identity = tax_identity_service.checked(typed, now=powers.now())
    await prove(powers.db, passwords, viewer=viewer, password=password)
    before = await find(powers, viewer=viewer, seller_id=seller_id)
    version = None if before is None else before.kept.version
    save: Callable[[Connection], Awaitable[KeptTaxIdentity]] = partial(
        tax_identity_service.save,
        viewer=viewer,
        seller_id=seller_id,
        identity_encrypted=sealed(powers.vault, identity, seller_id=seller_id),
        fields=changed_fields(None if before is None else before.identity, identity),
        expected_version=version if expected_version is None else expected_version,
        now=powers.now(),
    )
    if key is None:
        return SaidIdentity(identity=identity, kept=await transact(powers.db, save))
    made = await transact(
        powers.db,
        idempotency_service.once,
        save,
        request=key,
        made=lambda kept: str(kept.version),
        now=powers.now(),
        kept_for=powers.policy.idempotency_kept_for,
    )
    if not isinstance(made, EarlierRequest):
        return SaidIdentity(identity=identity, kept=made)
    found = await find(powers, viewer=viewer, seller_id=seller_id)
    if found is None:
        raise NotFound
    return found


async def known_of(
    db: Database, vault: Vault, *, seller_ids: Sequence[UUID], year: int
) -> dict[UUID, KnownSeller]:
    """What the report of a year may say of these sellers, in clear."""
    kept = await ask(db, tax_identity_service.kept_for_report, seller_ids=seller_ids, year=year)
    return {one.seller_id: _known(vault, one) for one in kept}


def _known(vault: Vault, kept: KeptForReport) -> KnownSeller:
    # One that was named twice is one account.
    accounts = dict.fromkeys(_account(vault, one) for one in kept.accounts)
    return KnownSeller(identity=_read(vault, kept), accounts=tuple(accounts))


def _account(vault: Vault, kept: KeptAccount) -> PaidAccount:
    """What can't be opened has to be asked for again, and the report says so instead of failing for
    everybody else."""
    try:
        place = account_place(kept.destination_id)
        account: Mapping[str, str] = json.loads(vault.decrypt(kept.account_encrypted, place=place))
    except UnreadableSecret:
        return PaidAccount("", "")
    number = next((value for name, value in account.items() if name != "holder"), "")
    return PaidAccount(number, account.get("holder", ""))
