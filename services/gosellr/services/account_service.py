"""Accounts and their sessions."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, NotAuthenticated, NotFound
from gosellr.core.identity import fingerprint, new_id
from gosellr.models.events import Fact, FactType
from gosellr.queries import accounts, outbox, sessions
from gosellr.utils.accounts import Account, Credentials, Identity, Session
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.permissions import Role
from gosellr.utils.viewer import Viewer

SESSION_LIFETIME = timedelta(days=30)
# Within it, whoever lost the race for a new pair, or its answer, gets that very pair again.
REFRESH_GRACE = timedelta(seconds=30)


class EmailTaken(Conflict):
    """Somebody has an account with this address."""

    code = "email_taken"
    title = "There is an account with this e-mail address"


class WrongCredentials(NotAuthenticated):
    """Unknown address, wrong password, closed account: nobody is told which."""

    code = "wrong_credentials"
    title = "The e-mail address or the password is wrong"


@dataclass(frozen=True, slots=True)
class Device:
    """What a session was opened from."""

    user_agent: str | None = None
    ip_address: str | None = None


class Refusal(StrEnum):
    """Why a refresh token gives nothing."""

    UNKNOWN = "unknown"
    ENDED = "ended"
    REUSED = "reused"


async def register_account(
    connection: Connection,
    *,
    email: str,
    name: str,
    password_hash: str,
    now: datetime,
    roles: Sequence[Role] = (Role.BUYER,),
) -> Account:
    """Make an account.

    Raises:
        EmailTaken: when the address has one.
    """
    user_id = new_id()
    is_new = await accounts.create_account(
        connection,
        user_id=user_id,
        email=email,
        name=name,
        password_hash=password_hash,
        roles=roles,
        now=now,
    )
    if not is_new:
        raise EmailTaken
    await outbox.append(connection, [Fact(FactType.ACCOUNT_REGISTERED, user_id)], now=now)
    return Account(id=user_id, email=email, name=name, roles=frozenset(roles), memberships={})


async def create_operator(
    connection: Connection, *, email: str, name: str, password_hash: str, now: datetime
) -> tuple[Account, bool]:
    """Make an operator, out of the account of this address if there is one (its sessions end).

    Tells whether the account is new.
    """
    roles = (Role.BUYER, Role.OPERATOR)
    try:
        account = await register_account(
            connection, email=email, name=name, password_hash=password_hash, now=now, roles=roles
        )
    except EmailTaken:
        found = await accounts.find_local_by_email(connection, email=email)
        if found is None:
            raise
        await accounts.set_password(
            connection, user_id=found.id, password_hash=password_hash, now=now
        )
        changed = Fact(FactType.ACCOUNT_PASSWORD_CHANGED, found.id)
        await outbox.append(connection, [changed], now=now)
        await accounts.grant_role(connection, user_id=found.id, role=Role.OPERATOR, now=now)
        await end_all_sessions(connection, user_id=found.id, reason="role_changed", now=now)
        return found, False
    return account, True


async def find_credentials(connection: Connection, *, email: str) -> Credentials | None:
    """What a password is checked against; None when nobody open has this address."""
    return await accounts.find_credentials(connection, email=email)


async def find_person(connection: Connection, *, email: str) -> Account | None:
    """The active account with this address. For operators, who look somebody up."""
    return await accounts.find_by_email(connection, email=email)


async def address_of(connection: Connection, *, user_id: UUID) -> str:
    """The address of an account, empty where it has none. For operators."""
    return await accounts.address_of(connection, user_id=user_id) or ""


async def open_session(
    connection: Connection,
    *,
    user_id: UUID,
    token: str,
    checked_hash: str | None,
    device: Device,
    now: datetime,
    kind: Literal["api", "web"] = "api",
    renewed_hash: str | None = None,
) -> Session:
    """Open a session that `token` belongs to, if the password is still the one just checked.

    Raises:
        WrongCredentials: when the account was closed or its password changed meanwhile.
    """
    session = await sessions.open_session(
        connection,
        user_id=user_id,
        session_id=new_id(),
        kind=kind,
        token_hash=fingerprint(token),
        expires_at=now + SESSION_LIFETIME,
        checked_hash=checked_hash,
        renewed_hash=renewed_hash,
        user_agent=device.user_agent,
        ip_address=device.ip_address,
        now=now,
    )
    if session is None:
        raise WrongCredentials
    return session


async def register_and_open(
    connection: Connection,
    *,
    email: str,
    name: str,
    password_hash: str,
    token: str,
    device: Device,
    now: datetime,
    kind: Literal["api", "web"] = "api",
) -> Session:
    """Make an account and sign it in.

    Raises:
        EmailTaken: when the address has one.
    """
    account = await register_account(
        connection, email=email, name=name, password_hash=password_hash, now=now
    )
    return await open_session(
        connection,
        user_id=account.id,
        token=token,
        checked_hash=password_hash,
        device=device,
        now=now,
        kind=kind,
    )


async def change_password(
    connection: Connection, *, user_id: UUID, checked_hash: str, password_hash: str, now: datetime
) -> None:
    """Replace a password that was just checked, and sign its owner out everywhere.

    Raises:
        WrongCredentials: the account was closed or its password changed meanwhile.
    """
    if not await accounts.change_own_password(
        connection, user_id=user_id, checked_hash=checked_hash, password_hash=password_hash, now=now
    ):
        raise WrongCredentials
    await outbox.append(connection, [Fact(FactType.ACCOUNT_PASSWORD_CHANGED, user_id)], now=now)
    await end_all_sessions(connection, user_id=user_id, reason="password_changed", now=now)


async def rotate_session(
    connection: Connection, *, token: str, successor: str, now: datetime
) -> Session | Refusal:
    """Replace a refresh token by its successor.

    A token that was replaced a moment ago gives the same session and moment again: its owner
    asked twice at once, or never got the answer. Later than that it was stolen, from its owner
    or by them, and the whole family ends. That has to be committed, so it is no error here.
    """
    token_hash = fingerprint(token)
    session = await sessions.rotate_token(
        connection, token_hash=token_hash, successor_hash=fingerprint(successor), now=now
    )
    if session is not None:
        return session
    spent = await sessions.find_spent_token(connection, token_hash=token_hash, now=now)
    if spent is None:
        return Refusal.UNKNOWN
    if spent.session is None or spent.rotated_at is None:
        return Refusal.ENDED
    if now - spent.rotated_at <= REFRESH_GRACE:
        return spent.session
    await end_session(
        connection,
        session_id=spent.session_id,
        user_id=spent.user_id,
        reason="refresh_token_reused",
        now=now,
    )
    return Refusal.REUSED


async def end_session(
    connection: Connection, *, session_id: UUID, user_id: UUID, now: datetime, reason: str
) -> None:
    """End one session; done already is as good."""
    ended = await sessions.revoke_session(
        connection, session_id=session_id, user_id=user_id, reason=reason, now=now
    )
    if ended:
        data = {"session_id": str(session_id), "reason": reason}
        fact = Fact(FactType.ACCOUNT_SESSIONS_REVOKED, user_id, data)
        await outbox.append(connection, [fact], now=now)


async def end_all_sessions(
    connection: Connection, *, user_id: UUID, now: datetime, reason: str
) -> None:
    """Sign somebody out everywhere: no token of theirs is worth anything from now on."""
    await sessions.revoke_all_sessions(connection, user_id=user_id, reason=reason, now=now)
    fact = Fact(FactType.ACCOUNT_SESSIONS_REVOKED, user_id, {"reason": reason})
    await outbox.append(connection, [fact], now=now)


async def sign_out(
    connection: Connection, *, viewer: Viewer, everywhere: bool, now: datetime
) -> None:
    """End the viewer's own session, or all of them.

    A token of the main system has no session here: the main system ends it.
    """
    if viewer.user_id is None:
        raise NotAuthenticated
    if everywhere:
        await end_all_sessions(connection, user_id=viewer.user_id, reason="signed_out", now=now)
    elif viewer.session_id is not None:
        await end_session(
            connection,
            session_id=viewer.session_id,
            user_id=viewer.user_id,
            reason="signed_out",
            now=now,
        )


async def ban_account(connection: Connection, *, user_id: UUID, now: datetime) -> None:
    """Close an account and sign it out everywhere.

    Raises:
        NotFound: when there is no such account that is open.
    """
    if not await accounts.set_status(connection, user_id=user_id, status="banned", now=now):
        raise NotFound
    await end_all_sessions(connection, user_id=user_id, reason="banned", now=now)


async def provision(
    connection: Connection,
    *,
    issuer: str,
    subject: str,
    email: str,
    name: str,
    roles: Sequence[Role],
    now: datetime,
) -> None:
    """Make the account of somebody whom the main system vouches for, at their first visit."""
    user_id = new_id()
    is_new = await accounts.provision_account(
        connection,
        user_id=user_id,
        issuer=issuer,
        subject=subject,
        email=email,
        name=name,
        roles=roles,
        now=now,
    )
    if is_new:
        fact = Fact(FactType.ACCOUNT_REGISTERED, user_id, {"issuer": issuer})
        await outbox.append(connection, [fact], now=now)


async def identify_local(
    connection: Connection, *, user_id: UUID, session_id: UUID, kid: str, now: datetime
) -> Identity | None:
    """Whoever a token of ours belongs to."""
    return await accounts.identify_local(
        connection, user_id=user_id, session_id=session_id, kid=kid, now=now
    )


async def identify_foreign(connection: Connection, *, issuer: str, subject: str) -> Identity | None:
    """Whoever a token of the main system belongs to; None at their first visit."""
    return await accounts.identify_foreign(connection, issuer=issuer, subject=subject)


async def identify_cookie(connection: Connection, *, token: str, now: datetime) -> Identity | None:
    """Whoever a browser's session belongs to."""
    return await accounts.identify_cookie(connection, token_hash=fingerprint(token), now=now)


async def forget_sessions(connection: Connection, *, now: datetime, limit: int = 1000) -> int:
    """Delete sessions that expired a month ago, some at a time; tells how many."""
    return await sessions.forget_sessions(connection, now=now - timedelta(days=30), limit=limit)
