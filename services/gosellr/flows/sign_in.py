"""Signing in: passwords are checked in a thread, never while a transaction is open."""

from datetime import datetime
from typing import Literal
from uuid import UUID, uuid5

from gosellr.core.db import Database
from gosellr.core.encryption import Vault
from gosellr.core.errors import InvalidInput
from gosellr.core.identity import new_secret
from gosellr.core.passwords import LENGTH_MAX, Passwords, check_new_password
from gosellr.core.tokens import ACCESS_TOKEN_LIFETIME, InvalidToken, sign
from gosellr.core.transact import ask, transact
from gosellr.flows.key_ring import KeyRing
from gosellr.services import account_service
from gosellr.services.account_service import Device, Refusal, WrongCredentials
from gosellr.utils.accounts import Account, Session
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.viewer import Viewer

_TOKEN_IDS = UUID("5a0d9b0e-3f6c-5b0e-9f5e-6f1d8a1c7e42")


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What somebody who signed in is given."""

    account: Account
    access_token: str
    refresh_token: str
    expires_in_seconds: int


@dataclass(frozen=True, slots=True)
class SignIn:
    """The stories of signing in, and the powers they need."""

    db: Database
    passwords: Passwords
    vault: Vault
    ring: KeyRing
    issuer: str
    audience: str

    async def register(
        self, *, email: str, name: str, password: str, device: Device, now: datetime
    ) -> TokenPair:
        """Make an account and sign it in.

        Raises:
            InvalidInput: when the password is easily guessed.
            EmailTaken: when the address has an account.
        """
        token = new_secret()
        session = await self.register_session(
            email=email, name=name, password=password, token=token, device=device, now=now
        )
        return await self.pair_for(session, refresh_token=token, now=now)

    async def register_session(
        self,
        *,
        email: str,
        name: str,
        password: str,
        token: str,
        device: Device,
        now: datetime,
        kind: Literal["api", "web"] = "api",
    ) -> Session:
        """Make an account and a session that `token` belongs to; errors as in `register`."""
        check_new_password(password, about=(email, name))
        return await transact(
            self.db,
            account_service.register_and_open,
            email=email,
            name=name,
            password_hash=await self.passwords.hash(password),
            token=token,
            device=device,
            now=now,
            kind=kind,
        )

    async def sign_in(
        self, *, email: str, password: str, device: Device, now: datetime
    ) -> TokenPair:
        """Sign in by password.

        Raises:
            WrongCredentials: whatever is wrong, after the same time.
        """
        token = new_secret()
        session = await self.open_session(
            email=email, password=password, token=token, device=device, now=now
        )
        return await self.pair_for(session, refresh_token=token, now=now)

    async def open_session(
        self,
        *,
        email: str,
        password: str,
        token: str,
        device: Device,
        now: datetime,
        kind: Literal["api", "web"] = "api",
    ) -> Session:
        """Open a session that `token` belongs to; a browser keeps it as its cookie.

        Raises:
            WrongCredentials: whatever is wrong, after the same time.
        """
        found = await ask(self.db, account_service.find_credentials, email=email)
        kept_hash = found.password_hash if found else None
        verdict = await self.passwords.verify(password[:LENGTH_MAX], kept_hash)
        if found is None or not verdict.is_right or len(password) > LENGTH_MAX:
            raise WrongCredentials
        return await transact(
            self.db,
            account_service.open_session,
            user_id=found.user_id,
            token=token,
            checked_hash=kept_hash,
            renewed_hash=verdict.renewed_hash,
            device=device,
            now=now,
            kind=kind,
        )

    async def change_password(
        self, *, viewer: Viewer, current: str, new: str, now: datetime
    ) -> None:
        """Another password for the viewer's own account, which is signed out everywhere by it.

        Raises:
            InvalidInput: the current one is wrong, or the new one easily guessed.
            WrongCredentials: it was changed meanwhile.
        """
        found = await ask(self.db, account_service.find_credentials, email=viewer.email)
        is_own = found is not None and found.user_id == viewer.user_id
        kept_hash = found.password_hash if found is not None and is_own else None
        verdict = await self.passwords.verify(current[:LENGTH_MAX], kept_hash)
        if found is None or kept_hash is None or not verdict.is_right or len(current) > LENGTH_MAX:
            raise InvalidInput.at("current_password", "password_wrong", "This isn't your password")
        try:
            check_new_password(new, about=(viewer.email, viewer.name))
        except InvalidInput as refusal:
            raise InvalidInput.at(
                "new_password", refusal.errors[0].code, refusal.errors[0].message
            ) from None
        await transact(
            self.db,
            account_service.change_password,
            user_id=found.user_id,
            checked_hash=kept_hash,
            password_hash=await self.passwords.hash(new),
            now=now,
        )

    async def refresh(self, *, refresh_token: str, now: datetime) -> TokenPair:
        """The next pair. Whoever asks with the same token within the grace gets the same pair.

        Raises:
            InvalidToken: when the token is unknown, its session has ended, or it was used before.
        """
        successor = self.vault.successor_of(refresh_token)
        outcome = await transact(
            self.db,
            account_service.rotate_session,
            token=refresh_token,
            successor=successor,
            now=now,
        )
        if isinstance(outcome, Refusal):
            raise InvalidToken("Sign in again")
        return await self.pair_for(outcome, refresh_token=successor, now=now)

    async def pair_for(self, session: Session, *, refresh_token: str, now: datetime) -> TokenPair:
        """The tokens of a session that was just opened or refreshed."""
        key = await self.ring.signing_key(session.signing_kid, now=now)
        issued_at = int(session.issued_at.timestamp())
        expires_at = min(
            issued_at + int(ACCESS_TOKEN_LIFETIME.total_seconds()),
            int(session.expires_at.timestamp()),
        )
        # Nothing here is random or of this moment, so that a repeated refresh repeats the token.
        claims = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": str(session.account.id),
            "sid": str(session.id),
            "ver": session.token_version,
            "roles": sorted(session.account.roles),
            "iat": issued_at,
            "exp": expires_at,
            "jti": str(uuid5(_TOKEN_IDS, self.vault.successor_of(refresh_token))),
        }
        return TokenPair(
            account=session.account,
            access_token=sign(claims, key),
            refresh_token=refresh_token,
            expires_in_seconds=max(0, expires_at - int(now.timestamp())),
        )
