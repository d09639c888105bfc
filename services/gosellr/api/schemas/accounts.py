"""Shapes of accounts and sign-ins."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from gosellr.api.schemas.common import AnswerModel, Email, Flag, Name, RequestModel, line
from gosellr.utils.permissions import MemberRole, Role

# How long a password may be is the domain's to say; this only bounds what is read.
Secret = Annotated[
    str,
    StringConstraints(min_length=1, max_length=1000),
    Field(json_schema_extra={"format": "password"}),
]


class RegisterIn(RequestModel):
    """A new account."""

    email: Email
    password: Secret
    name: Name


class PasswordChangeIn(RequestModel):
    """Another password, and the one before."""

    current_password: Secret
    new_password: Secret


class TokenForm(RequestModel):
    """The password form of OAuth 2 (RFC 6749, section 4.3); `username` is the e-mail address."""

    username: Annotated[str, line(254)]
    password: Secret
    grant_type: Literal["password"] = "password"
    scope: Annotated[str, StringConstraints(max_length=500)] = ""
    client_id: Annotated[str, StringConstraints(max_length=200)] | None = None
    client_secret: Annotated[str, StringConstraints(max_length=200)] | None = None


class RefreshIn(RequestModel):
    """The token to be replaced."""

    refresh_token: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class LogoutIn(RequestModel):
    """Whether to sign out on every device."""

    everywhere: Flag = False


class MembershipOut(AnswerModel):
    """A seller that somebody acts for."""

    seller_id: UUID
    role: MemberRole


class UserOut(AnswerModel):
    """Somebody who is signed in."""

    id: UUID
    email: str
    name: str
    roles: list[Role]
    memberships: list[MembershipOut]


class TokensOut(AnswerModel):
    """What to send from now on, and for how many seconds."""

    user: UserOut
    access_token: str
    refresh_token: str
    token_type: Literal["bearer"]
    expires_in: int


class PublicKeyOut(AnswerModel):
    """A public key (RFC 7517)."""

    kty: Literal["RSA"]
    use: Literal["sig"]
    alg: str
    kid: str
    n: str
    e: str


class KeySetOut(AnswerModel):
    """The keys that our access tokens can be checked with."""

    keys: list[PublicKeyOut]
