"""From a token to a viewer: first what the token says, then what we know of its owner."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Database
from gosellr.core.tokens import InvalidToken, TrustedIssuer, VerifiedToken, verify
from gosellr.core.transact import ask, transact
from gosellr.integrations.main_system.port import (
    Profile,
    RoleMapping,
    is_access_token,
    read_profile,
)
from gosellr.services import account_service
from gosellr.utils.accounts import Identity
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.permissions import Role
from gosellr.utils.viewer import Viewer


@dataclass(frozen=True, slots=True)
class LocalProof:
    """What only a token of our own says."""

    user_id: UUID
    session_id: UUID
    token_version: int
    kid: str


@dataclass(frozen=True, slots=True)
class Claims:
    """A verified token, as far as the door must know it.

    `roles` are those that its owner can have: a buyer may have become a seller since, and that
    counts at once. The viewer's roles say what they have.
    """

    issuer: str
    subject: str
    roles: frozenset[Role]
    local: LocalProof | None
    profile: Profile | None


class Gate:
    """Knows the issuers that are believed here."""

    def __init__(
        self,
        *,
        local: TrustedIssuer,
        main_system: TrustedIssuer | None = None,
        role_mapping: RoleMapping | None = None,
    ) -> None:
        trusted = [local] if main_system is None else [local, main_system]
        self._issuers = {issuer.name: issuer for issuer in trusted}
        self._local_name = local.name
        self._role_mapping = role_mapping or RoleMapping("roles")

    async def verify(self, token: str, *, now: datetime) -> Claims:
        """What a token says, without asking the database who it is about.

        Raises:
            InvalidToken: when it proves nothing.
            ServiceUnavailable: when the main system's keys can't be had.
        """
        verified = await verify(token, issuers=self._issuers, now=now)
        if verified.issuer == self._local_name:
            return _local_claims(verified)
        if not is_access_token(verified.claims):
            raise InvalidToken("This isn't an access token")
        profile = read_profile(verified.claims, self._role_mapping)
        return Claims(
            issuer=verified.issuer,
            subject=verified.subject,
            roles=_possible(profile.roles),
            local=None,
            profile=profile,
        )


async def find_viewer(
    db: Database, claims: Claims, *, now: datetime, guest: Mapping[str, Any]
) -> Viewer:
    """The owner of a token as they are now: one read, or three at somebody's first visit.

    Raises:
        InvalidToken: when the account, the session or the key is no longer good.
    """
    if claims.local is not None:
        identity = await ask(
            db,
            account_service.identify_local,
            user_id=claims.local.user_id,
            session_id=claims.local.session_id,
            kid=claims.local.kid,
            now=now,
        )
        if identity is None or identity.token_version != claims.local.token_version:
            raise InvalidToken("This sign-in has ended")
        return viewer_of_identity(identity, roles=identity.account.roles, guest=guest)
    if claims.profile is None:
        raise InvalidToken
    foreign = {"issuer": claims.issuer, "subject": claims.subject}
    identity = await ask(db, account_service.identify_foreign, **foreign)
    if identity is None:
        await transact(
            db,
            account_service.provision,
            **foreign,
            email=claims.profile.email,
            name=claims.profile.name,
            roles=sorted(claims.profile.roles),
            now=now,
        )
        identity = await ask(db, account_service.identify_foreign, **foreign)
    if identity is None:
        raise InvalidToken
    # The main system decides what its people may do, each time anew.
    return viewer_of_identity(identity, roles=claims.profile.roles, guest=guest)


async def find_viewer_of_cookie(
    db: Database, token: str, *, now: datetime, guest: Mapping[str, Any]
) -> Viewer | None:
    """The owner of a browser's session; None when it has ended."""
    identity = await ask(db, account_service.identify_cookie, token=token, now=now)
    if identity is None or identity.status != "active" or not identity.session_is_open:
        return None
    return viewer_of_identity(identity, roles=identity.account.roles, guest=guest)


def viewer_of_identity(
    identity: Identity, *, roles: frozenset[Role], guest: Mapping[str, Any]
) -> Viewer:
    """The viewer, if their account, session and key still hold.

    Raises:
        InvalidToken: when they don't.
    """
    if identity.status != "active" or not identity.session_is_open or not identity.key_is_good:
        raise InvalidToken("This sign-in has ended")
    account = identity.account
    acting = frozenset({Role.SELLER}) if account.memberships else frozenset()
    return Viewer(
        user_id=account.id,
        roles=roles | acting,
        memberships=account.memberships,
        name=account.name,
        email=account.email,
        session_id=identity.session_id,
        **guest,
    )


def _local_claims(token: VerifiedToken) -> Claims:
    try:
        proof = LocalProof(
            user_id=UUID(token.subject),
            session_id=UUID(token.claims["sid"]),
            token_version=int(token.claims["ver"]),
            kid=str(token.kid),
        )
        roles = frozenset(Role(role) for role in token.claims["roles"])
    except (KeyError, ValueError, TypeError, AttributeError):
        raise InvalidToken from None
    return Claims(
        issuer=token.issuer,
        subject=token.subject,
        roles=_possible(roles),
        local=proof,
        profile=None,
    )


def _possible(roles: frozenset[Role]) -> frozenset[Role]:
    return roles | {Role.SELLER} if Role.BUYER in roles else roles
