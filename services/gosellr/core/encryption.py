"""Secrets at rest: keys derived per purpose, fields encrypted for the one place they stand in.

An envelope is one version byte, four bytes that name the key, a nonce of twelve bytes, and the
AES-256-GCM ciphertext with its tag. The place (`table:column:row`) is authenticated with it, so
that a value copied into another row or column can't be read there.
"""

import base64
import hashlib
import hmac
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_VERSION = b"\x01"
_KEY_ID_LENGTH = 4
_NONCE_LENGTH = 12
_HEAD_LENGTH = 1 + _KEY_ID_LENGTH + _NONCE_LENGTH


class UnreadableSecret(Exception):
    """An envelope that none of the keys opens: another secret, another place, or damage."""


def derive_key(secret: str, *, purpose: str) -> bytes:
    """32 bytes for one purpose (HKDF-SHA256, RFC 5869); purposes tell nothing of each other."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode()).derive(
        secret.encode()
    )


class Vault:
    """Encrypts under the first secret and reads what any of them wrote."""

    def __init__(self, secrets: Sequence[str]) -> None:
        keys = [derive_key(secret, purpose="gosellr field encryption") for secret in secrets]
        self._by_id = {hashlib.sha256(key).digest()[:_KEY_ID_LENGTH]: AESGCM(key) for key in keys}
        self._current_id = next(iter(self._by_id))
        self._blind_key = derive_key(secrets[0], purpose="gosellr blind index")
        self._chain_key = derive_key(secrets[0], purpose="gosellr token chain")

    def encrypt(self, plain: bytes, *, place: str) -> bytes:
        """An envelope that only opens at this place."""
        head = _VERSION + self._current_id
        nonce = os.urandom(_NONCE_LENGTH)
        sealed = self._by_id[self._current_id].encrypt(nonce, plain, head + place.encode())
        return head + nonce + sealed

    def decrypt(self, envelope: bytes, *, place: str) -> bytes:
        """What was encrypted for this place.

        Raises:
            UnreadableSecret: when no key of ours opens it here.
        """
        head, nonce = envelope[: 1 + _KEY_ID_LENGTH], envelope[1 + _KEY_ID_LENGTH : _HEAD_LENGTH]
        cipher = self._by_id.get(head[1:])
        if head[:1] != _VERSION or cipher is None or len(nonce) != _NONCE_LENGTH:
            raise UnreadableSecret(f"no key for {place}")
        try:
            return cipher.decrypt(nonce, envelope[_HEAD_LENGTH:], head + place.encode())
        except InvalidTag:
            raise UnreadableSecret(f"{place} can't be decrypted") from None

    def blind_index(self, value: str, *, purpose: str) -> bytes:
        """A keyed hash to look an encrypted value up by, 16 bytes."""
        message = f"{purpose}\0{value}".encode()
        return hmac.new(self._blind_key, message, hashlib.sha256).digest()[:16]

    def successor_of(self, token: str) -> str:
        """The token that follows this one: the same for everybody who asks, known to nobody
        without our secret, and so in no need of being stored."""
        digest = hmac.new(self._chain_key, token.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")
