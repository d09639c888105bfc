"""Accounts and sessions as values."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.permissions import MemberRole, Role


@dataclass(frozen=True, slots=True)
class Account:
    """A person who may sign in."""

    id: UUID
    email: str
    name: str
    roles: frozenset[Role]
    memberships: Mapping[UUID, MemberRole]


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a token or a cookie belongs to, and whether that still holds."""

    account: Account
    status: str
    token_version: int
    session_id: UUID | None
    session_is_open: bool
    key_is_good: bool


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a password is checked against."""

    user_id: UUID
    password_hash: str | None


@dataclass(frozen=True, slots=True)
class Session:
    """A sign-in that is open, and what a token for it must say."""

    id: UUID
    account: Account
    token_version: int
    expires_at: datetime
    issued_at: datetime
    signing_kid: str | None


@dataclass(frozen=True, slots=True)
class SpentToken:
    """A refresh token that can't be rotated; `rotated_at` is None if it never was."""

    session_id: UUID
    user_id: UUID
    rotated_at: datetime | None
    session: Session | None
    """The session, while it is open."""
