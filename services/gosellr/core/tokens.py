"""Access tokens (RFC 9068): signing ours, and believing those of issuers we trust.

The header of a token is written by whoever sends it. So the algorithm comes from our key and
never from the token, `kid` only picks among keys we already have, and `jku`, `x5u`, `jwk` and
`x5c` are not looked at.
"""

import base64
import hashlib
import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from jwt.algorithms import RSAAlgorithm

from gosellr.core.errors import NotAuthenticated
from gosellr.utils.lazy_dataclasses import dataclass

ALGORITHM = "RS256"
ACCESS_TOKEN_TYPE = "at+jwt"  # noqa: S105
ACCESS_TOKEN_LIFETIME = timedelta(minutes=15)
_RSA_BITS = 2048
_TOKEN_LENGTH_MAX = 8192
_SUBJECT_LENGTH_MAX = 255

_TIMES_ARE_OURS: Any = {
    # The library would ask the machine's clock; time is handed in here.
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "require": ["exp", "iss", "sub", "aud"],
}


class InvalidToken(NotAuthenticated):
    """The token proves nothing: forged, expired, revoked, or meant for somebody else."""

    code = "token_invalid"
    title = "This token isn't valid"

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A key that checks signatures, and the only algorithm it may be used with."""

    key: Any
    algorithm: str


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key and its name."""

    kid: str
    private_key: rsa.RSAPrivateKey
    algorithm: str = ALGORITHM


@dataclass(frozen=True, slots=True)
class NewKeyPair:
    """A pair that was just made, as text."""

    kid: str
    public_pem: str
    private_pem: bytes
    algorithm: str = ALGORITHM


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A signing key as it is kept: its private half encrypted."""

    kid: str
    algorithm: str
    public_pem: str
    private_pem_encrypted: bytes
    created_at: datetime
    retired_at: datetime | None
    revoked_at: datetime | None


class KeySource(Protocol):
    """Where the keys of an issuer come from."""

    async def find(self, kid: str | None, *, now: datetime) -> VerificationKey | None:
        """The key of this name, or None when the issuer has none such."""
        ...


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """An issuer, and what its access tokens look like."""

    name: str
    audience: str
    keys: KeySource
    algorithms: frozenset[str]
    types: frozenset[str | None]
    skew_seconds: int


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    """What a token says, now that it is known who says it."""

    issuer: str
    subject: str
    kid: str | None
    claims: Mapping[str, Any]


def new_key_pair() -> NewKeyPair:
    """A key pair for RS256; takes a good part of a second of one core."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS)
    public = private.public_key()
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    kid = base64.urlsafe_b64encode(hashlib.sha256(der).digest()[:12]).decode()
    return NewKeyPair(
        kid=kid,
        public_pem=public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
        private_pem=private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    )


def read_signing_key(kid: str, private_pem: bytes) -> SigningKey:
    """A private key from its text."""
    private = load_pem_private_key(private_pem, password=None)
    if not isinstance(private, rsa.RSAPrivateKey):
        raise TypeError(f"signing key {kid} is no RSA key")
    return SigningKey(kid, private)


def read_verification_key(public_pem: str, *, algorithm: str) -> VerificationKey:
    """A public key from its text."""
    return VerificationKey(load_pem_public_key(public_pem.encode()), algorithm)


def public_jwk(kid: str, public_pem: str, *, algorithm: str) -> dict[str, Any]:
    """A public key as JSON (RFC 7517)."""
    public = load_pem_public_key(public_pem.encode())
    if not isinstance(public, rsa.RSAPublicKey):
        raise TypeError(f"signing key {kid} is no RSA key")
    key = RSAAlgorithm.to_jwk(public, as_dict=True)
    return {
        "kty": "RSA", "use": "sig", "alg": algorithm, "kid": kid, "n": key["n"], "e": key["e"],
    }  # fmt: skip


def sign(claims: Mapping[str, Any], key: SigningKey) -> str:
    """An access token. The same claims under the same key give the same token."""
    return jwt.encode(
        dict(claims),
        key.private_key,
        algorithm=key.algorithm,
        headers={"kid": key.kid, "typ": ACCESS_TOKEN_TYPE},
    )


async def verify(
    token: str, *, issuers: Mapping[str, TrustedIssuer], now: datetime
) -> VerifiedToken:
    """Believe a token, or not.

    Raises:
        InvalidToken: whatever is wrong with it; the answer tells a forger no more than that.
    """
    header, issuer = _unverified(token, issuers)
    kid = header.get("kid")
    if kid is not None and not isinstance(kid, str):
        raise InvalidToken
    kind = header.get("typ")
    normal_kind = kind.lower().removeprefix("application/") if isinstance(kind, str) else None
    if normal_kind not in issuer.types:
        raise InvalidToken("This isn't an access token")
    key = await issuer.keys.find(kid, now=now)
    if key is None or key.algorithm not in issuer.algorithms:
        raise InvalidToken
    try:
        claims = jwt.decode(
            token,
            key.key,
            algorithms=[key.algorithm],
            audience=issuer.audience,
            issuer=issuer.name,
            options=_TIMES_ARE_OURS,
        )
    except (jwt.PyJWTError, ValueError, TypeError):
        raise InvalidToken from None
    _check_times(claims, now=now, skew_seconds=issuer.skew_seconds)
    subject = claims["sub"]
    if not 0 < len(subject) <= _SUBJECT_LENGTH_MAX or not subject.isprintable():
        raise InvalidToken
    return VerifiedToken(issuer.name, subject, kid, claims)


def _unverified(
    token: str, issuers: Mapping[str, TrustedIssuer]
) -> tuple[dict[str, Any], TrustedIssuer]:
    """The header, and the issuer that the token claims to come from: enough to pick a key."""
    if len(token) > _TOKEN_LENGTH_MAX:
        raise InvalidToken
    try:
        parts = jwt.decode_complete(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, TypeError):
        raise InvalidToken from None
    name = parts["payload"].get("iss")
    issuer = issuers.get(name) if isinstance(name, str) else None
    if issuer is None:
        raise InvalidToken("Tokens of this issuer aren't accepted here")
    return parts["header"], issuer


def _check_times(claims: Mapping[str, Any], *, now: datetime, skew_seconds: int) -> None:
    at = now.timestamp()
    if at >= _moment(claims, "exp") + skew_seconds:
        raise InvalidToken("This token has expired")
    for name in ("nbf", "iat"):
        if name in claims and _moment(claims, name) > at + skew_seconds:
            raise InvalidToken("This token isn't valid yet")


def _moment(claims: Mapping[str, Any], name: str) -> float:
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InvalidToken
    return float(value)


def one_family(algorithms: Sequence[str]) -> frozenset[str]:
    """These algorithms, checked to be all of secrets or all of key pairs.

    Raises:
        ValueError: when both kinds are among them: a public key could be used as a secret.
    """
    if len({name.startswith("HS") for name in algorithms}) != 1 or "none" in algorithms:
        raise ValueError("one issuer signs with one family of keys")
    return frozenset(algorithms)
