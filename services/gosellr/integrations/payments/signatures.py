"""Signed webhooks in the form of the Standard Webhooks specification (standardwebhooks.com).

The signature is HMAC-SHA256 over `id.timestamp.body`, the body taken as raw bytes, and stands
base64-encoded behind `v1,` in `webhook-signature`. Several space-separated signatures, made with
several active secrets, let a secret be changed without a gap.
"""

import base64
import binascii
import hashlib
import hmac
import secrets as randomness
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from gosellr.integrations.payments.port import BadSignature

TOLERANCE = timedelta(minutes=5)
SECRET_PREFIX = "whsec_"  # noqa: S105 - the public prefix of the format, not a secret
_SMALLEST_SECRET_BYTES = 24
_MOST_SIGNATURES = 16


def new_secret() -> str:
    """A fresh 32-byte secret in its printable form."""
    return SECRET_PREFIX + base64.b64encode(randomness.token_bytes(32)).decode()


def secret_bytes(secret: str) -> bytes:
    """The key behind a printable secret; raises ValueError where it is malformed or too short."""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("a webhook secret is base64 behind the prefix whsec_") from error
    if len(key) < _SMALLEST_SECRET_BYTES:
        raise ValueError(f"a webhook secret has at least {_SMALLEST_SECRET_BYTES} bytes")
    return key


def signed_headers(
    *, event_id: str, body: bytes, keys: Sequence[bytes], now: datetime
) -> dict[str, str]:
    """The three headers that prove `body` to everyone who holds one of `keys`."""
    timestamp = str(int(now.timestamp()))
    return {
        "webhook-id": event_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(
            "v1," + base64.b64encode(_mac(key, event_id, timestamp, body)).decode() for key in keys
        ),
    }


def verify(headers: Mapping[str, str], body: bytes, *, keys: Sequence[bytes], now: datetime) -> str:
    """Returns the proven `webhook-id`.

    Raises `BadSignature` where no key is set, a header is missing or malformed, the timestamp is
    more than five minutes away from `now` in either direction, or no signature fits any key.
    """
    if now.tzinfo is None:
        raise ValueError("now must know its time zone")
    if not keys:
        raise BadSignature("no webhook secret is set")
    lowered = {name.lower(): value for name, value in headers.items()}
    event_id = lowered.get("webhook-id", "")
    timestamp = lowered.get("webhook-timestamp", "")
    if not (event_id and event_id.isascii()) or not _is_recent(timestamp, now):
        raise BadSignature("the webhook has no id, or its timestamp is missing or stale")
    offered = _offered_signatures(lowered.get("webhook-signature", ""))
    matches = 0
    # Every key meets every signature, so that the time taken doesn't tell which one nearly fitted.
    for key in keys:
        expected = _mac(key, event_id, timestamp, body)
        for signature in offered:
            matches += hmac.compare_digest(expected, signature)
    if not matches:
        raise BadSignature("no signature fits")
    return event_id


def _mac(key: bytes, event_id: str, timestamp: str, body: bytes) -> bytes:
    head = f"{event_id}.{timestamp}.".encode()
    return hmac.new(key, head + body, hashlib.sha256).digest()


def _is_recent(timestamp: str, now: datetime) -> bool:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        return False
    return abs(int(timestamp) - now.timestamp()) <= TOLERANCE.total_seconds()


def _offered_signatures(header: str) -> list[bytes]:
    offered = []
    for part in header.split(" ")[:_MOST_SIGNATURES]:
        version, _, encoded = part.partition(",")
        if version != "v1":
            continue
        try:
            offered.append(base64.b64decode(encoded, validate=True))
        except ValueError:  # not base64, or not even ASCII
            continue
    return offered
