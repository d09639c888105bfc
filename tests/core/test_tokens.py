"""Access tokens: what is believed, and every known way of forging one."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gosellr.core.tokens import (
    InvalidToken,
    TrustedIssuer,
    VerificationKey,
    new_key_pair,
    one_family,
    public_jwk,
    read_signing_key,
    read_verification_key,
    sign,
    verify,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PAIR = new_key_pair()
OTHER = new_key_pair()
KEY = read_signing_key(PAIR.kid, PAIR.private_pem)
OTHER_KEY = read_signing_key(OTHER.kid, OTHER.private_pem)
SECRET = "a secret that two systems share, 48 characters.."


@dataclass
class Keys:
    """Keys by name, and which names were asked for."""

    known: dict[str | None, VerificationKey]
    asked: list[str | None] = field(default_factory=list)

    async def find(self, kid: str | None, *, now: datetime) -> VerificationKey | None:  # noqa: ARG002
        self.asked.append(kid)
        return self.known.get(kid)


def claims(**changes: Any) -> dict[str, Any]:
    at = int(NOW.timestamp())
    whole = {"iss": "us", "aud": "gosellr", "sub": "ada", "iat": at, "exp": at + 900, **changes}
    return {name: value for name, value in whole.items() if value is not ...}


def trusting(**changes: Any) -> dict[str, TrustedIssuer]:
    keys = Keys({PAIR.kid: read_verification_key(PAIR.public_pem, algorithm="RS256")})
    values: dict[str, Any] = {
        "name": "us",
        "audience": "gosellr",
        "keys": keys,
        "algorithms": one_family(["RS256"]),
        "types": frozenset({"at+jwt"}),
        "skew_seconds": 5,
        **changes,
    }
    return {"us": TrustedIssuer(**values)}


async def refused(token: str, issuers: dict[str, TrustedIssuer] | None = None) -> bool:
    try:
        await verify(token, issuers=issuers or trusting(), now=NOW)
    except InvalidToken as error:
        return error.status == 401
    return False


def encoded(part: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(part)).decode().rstrip("=")


def forged(header: dict[str, Any], body: dict[str, Any], secret: bytes | None) -> str:
    signed = f"{encoded(header)}.{encoded(body)}"
    if secret is None:
        return signed + "."
    digest = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


async def test_a_token_of_ours_is_believed() -> None:
    token = await verify(sign(claims(), KEY), issuers=trusting(), now=NOW)
    assert (token.issuer, token.subject, token.kid) == ("us", "ada", PAIR.kid)


def test_signing_the_same_twice_gives_the_same_token() -> None:
    assert sign(claims(), KEY) == sign(claims(), KEY)


def _public_forms() -> list[bytes]:
    public = KEY.private_key.public_key()
    jwk = public_jwk(PAIR.kid, PAIR.public_pem, algorithm="RS256")
    return [
        PAIR.public_pem.encode(),
        PAIR.public_pem.strip().encode(),
        public.public_bytes(Encoding.PEM, PublicFormat.PKCS1),
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.DER, PublicFormat.PKCS1),
        orjson.dumps(jwk),
        jwk["n"].encode(),
        b"",
    ]


@pytest.mark.case(69)
@pytest.mark.parametrize("number", range(8))
async def test_case_69_the_public_key_is_no_secret(number: int) -> None:
    header = {"alg": "HS256", "typ": "at+jwt", "kid": PAIR.kid}
    assert await refused(forged(header, claims(), _public_forms()[number]))


@pytest.mark.case(69)
@pytest.mark.parametrize(
    "algorithm", ["none", "None", "NONE", "", None, "RS256", "HS256", ["RS256"]]
)
async def test_case_69_an_unsigned_token_says_nothing(algorithm: Any) -> None:
    header = {"alg": algorithm, "typ": "at+jwt", "kid": PAIR.kid}
    assert await refused(forged(header, claims(), None))


@pytest.mark.case(69)
@pytest.mark.parametrize(
    "extra",
    [
        {"jwk": public_jwk(OTHER.kid, OTHER.public_pem, algorithm="RS256")},
        {"jku": "https://evil.example/jwks.json"},
        {"x5u": "https://evil.example/cert.pem"},
        {"x5c": ["MIIB"]},
        {"kid": "../../dev/null"},
        {"kid": "' OR 1=1 --"},
        {"kid": OTHER.kid},
        {"kid": 7},
        {"kid": None},
        {"crit": ["b64"], "b64": False},
    ],
)
async def test_case_69_the_header_brings_no_key(extra: dict[str, Any]) -> None:
    headers = {"kid": PAIR.kid, "typ": "at+jwt", **extra}
    headers = {name: value for name, value in headers.items() if value is not None}
    if isinstance(headers.get("kid"), int):
        token = forged({"alg": "RS256", **headers}, claims(), b"x")
    else:
        token = jwt.encode(claims(), OTHER_KEY.private_key, algorithm="RS256", headers=headers)
    assert await refused(token)


@pytest.mark.case(69)
async def test_case_69_our_key_under_another_algorithm_is_refused() -> None:
    headers = {"kid": PAIR.kid, "typ": "at+jwt"}
    for algorithm in ("RS512", "PS256"):
        token = jwt.encode(claims(), KEY.private_key, algorithm=algorithm, headers=headers)
        assert await refused(token)


@pytest.mark.case(69)
async def test_case_69_a_shared_secret_and_public_keys_never_mix() -> None:
    with pytest.raises(ValueError, match="one family"):
        one_family(["HS256", "RS256"])
    secret = trusting(
        keys=Keys({None: VerificationKey(SECRET.encode(), "HS256")}),
        algorithms=one_family(["HS256"]),
    )
    good = jwt.encode(claims(), SECRET, algorithm="HS256", headers={"typ": "at+jwt"})
    assert not await refused(good, secret)
    other = jwt.encode(claims(), KEY.private_key, algorithm="RS256", headers={"typ": "at+jwt"})
    assert await refused(other, secret)


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "them"}, {"iss": ...}, {"iss": ["us"]}, {"aud": "others"}, {"aud": ...},
        {"aud": []}, {"sub": ...}, {"sub": ""}, {"sub": 7}, {"sub": "a" * 256}, {"sub": "a\n"},
        {"exp": ...}, {"exp": "never"}, {"exp": True}, {"exp": 1e400},
        {"exp": int(NOW.timestamp()) - 5}, {"iat": int(NOW.timestamp()) + 6},
        {"nbf": int(NOW.timestamp()) + 6}, {"nbf": "soon"},
    ],
)  # fmt: skip
async def test_wrong_claims_are_refused(changes: dict[str, Any]) -> None:
    try:
        token = sign(claims(**changes), KEY)
    except TypeError:
        headers = {"alg": "RS256", "typ": "at+jwt", "kid": PAIR.kid}
        signed = f"{encoded(headers)}.{encoded(claims(**changes))}"
        digest = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256).sign(
            signed.encode(), KEY.private_key
        )
        token = f"{signed}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"
    assert await refused(token)


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": ["others", "gosellr"]},
        {"exp": int(NOW.timestamp()) - 4},
        {"iat": int(NOW.timestamp()) + 5},
        {"iat": ...},
    ],
)
async def test_clocks_may_differ_a_little(changes: dict[str, Any]) -> None:
    assert not await refused(sign(claims(**changes), KEY))


@pytest.mark.parametrize("kind", ["JWT", "refresh+jwt", "id+jwt", "", None, 7])
async def test_only_access_tokens_open_the_door(kind: Any) -> None:
    headers = {"kid": PAIR.kid, "typ": kind}
    token = jwt.encode(claims(), KEY.private_key, algorithm="RS256", headers=headers)
    assert await refused(token)


@pytest.mark.parametrize(
    "make",
    [
        lambda token: token[:-4] + "AAAA",
        lambda token: token + "=",
        lambda token: token.replace(".", "..", 1),
        lambda _token: "",
        lambda _token: "a.b.c",
        lambda token: token + "x" * 9000,
        lambda token: token.split(".")[0] + "." + encoded([1]) + "." + token.split(".")[2],
        lambda token: "é" + token,
    ],
)
async def test_damaged_tokens_are_refused(make: Callable[[str], str]) -> None:
    assert await refused(make(sign(claims(), KEY)))


async def test_unknown_issuers_cost_no_key_look_up() -> None:
    issuers = trusting()
    assert await refused(sign(claims(iss="them"), KEY), issuers)
    keys = issuers["us"].keys
    assert isinstance(keys, Keys)
    assert keys.asked == []


async def test_an_expired_token_says_so() -> None:
    with pytest.raises(InvalidToken, match="expired"):
        await verify(sign(claims(), KEY), issuers=trusting(), now=NOW + timedelta(minutes=16))
