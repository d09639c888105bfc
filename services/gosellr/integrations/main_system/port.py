"""What we believe of the main system's tokens."""

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.permissions import Role

_NAME_LENGTH_MAX = 200
_EMAIL_LENGTH_MAX = 254


@dataclass(frozen=True, slots=True)
class Profile:
    """A person as the main system describes them."""

    name: str
    email: str
    roles: frozenset[Role]


@dataclass(frozen=True, slots=True)
class RoleMapping:
    """Where the roles stand in a token, and what they mean here.

    The claim may be a path, such as `realm_access.roles`, and hold one role, several in a list,
    or several with spaces between. Roles that aren't mapped make nobody more than a buyer.
    """

    claim: str
    roles: Mapping[str, str] = field(default_factory=dict)

    def read(self, claims: Mapping[str, Any]) -> frozenset[Role]:
        """Our roles of the token's bearer; everybody is a buyer at least."""
        value: Any = claims.get(self.claim)
        if value is None:
            value = claims
            for step in self.claim.split("."):
                value = value.get(step) if isinstance(value, dict) else None
        if isinstance(value, str):
            value = value.split()
        names = [name for name in value if isinstance(name, str)] if isinstance(value, list) else []
        return frozenset({Role.BUYER} | {Role(self.roles[n]) for n in names if n in self.roles})


def read_profile(claims: Mapping[str, Any], mapping: RoleMapping) -> Profile:
    """The person that a verified token describes (OpenID Connect's standard claims)."""
    email = _text(claims.get("email"), _EMAIL_LENGTH_MAX)
    name = _text(claims.get("name") or claims.get("preferred_username"), _NAME_LENGTH_MAX)
    verified = claims.get("email_verified", True) is True
    return Profile(name=name, email=email if verified else "", roles=mapping.read(claims))


def is_access_token(claims: Mapping[str, Any]) -> bool:
    """Whether nothing in the token says that it is one to refresh or to identify with.

    Systems older than RFC 9068 don't mark the type in the header, but often in a claim; an ID
    token is told by claims that no access token has.
    """
    if "nonce" in claims or "at_hash" in claims or "c_hash" in claims:
        return False
    kinds = [claims.get(name) for name in ("typ", "token_use", "token_type")]
    return all(kind is None or str(kind).lower() in {"access", "bearer"} for kind in kinds)


def _text(value: Any, length_max: int) -> str:
    if not isinstance(value, str):
        return ""
    return "".join(sign for sign in value if sign.isprintable()).strip()[:length_max]
