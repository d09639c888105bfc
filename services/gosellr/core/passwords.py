"""Passwords: argon2id in a thread, a few at a time, and the same answer time for everybody."""

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Self, TypeVar, TypeVarTuple

from pwdlib.hashers.argon2 import Argon2Hasher

from gosellr.core.common_passwords import COMMON_PASSWORDS
from gosellr.core.errors import InvalidInput, ServiceUnavailable
from gosellr.utils.lazy_dataclasses import dataclass

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

LENGTH_MIN = 8
LENGTH_MAX = 128
_QUEUE_MAX = 64


@dataclass(frozen=True, slots=True)
class PasswordCosts:
    """What one hash costs. The defaults are RFC 9106's second recommendation."""

    rounds: int = 3
    memory_kib: int = 65_536
    lanes: int = 4


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a password is right, and its new hash where the old one is out of date."""

    is_right: bool
    renewed_hash: str | None = None


def check_new_password(password: str, *, about: tuple[str, ...] = ()) -> None:
    """Refuse a password that is short, endless, common, or the person's own name or address.

    Raises:
        InvalidInput: at the field `password`.
    """
    plain = unicodedata.normalize("NFKC", password)
    if not LENGTH_MIN <= len(plain) <= LENGTH_MAX:
        raise InvalidInput.at(
            "password", "password_length", f"Take {LENGTH_MIN} to {LENGTH_MAX} characters"
        )
    folded = plain.casefold()
    if folded in COMMON_PASSWORDS or len(set(folded)) < 3:
        raise InvalidInput.at("password", "password_common", "This password is easily guessed")
    if any(folded in (word.casefold(), word.casefold().split("@")[0]) for word in about):
        raise InvalidInput.at(
            "password", "password_personal", "Don't use your name or e-mail address"
        )


class Passwords:
    """Hashes and verifies. Each hash takes 64 MiB, so that few run at once and the rest wait."""

    def __init__(self, costs: PasswordCosts | None = None, *, concurrency: int = 2) -> None:
        costs = costs or PasswordCosts()
        self._hasher = Argon2Hasher(
            time_cost=costs.rounds, memory_cost=costs.memory_kib, parallelism=costs.lanes
        )
        self._threads = ThreadPoolExecutor(concurrency, thread_name_prefix="password")
        self._waiting = 0
        self._decoy: str | None = None

    async def hash(self, password: str) -> str:
        """The hash to keep, with its salt and costs in it."""
        return await self._in_thread(self._hash, password)

    async def verify(self, password: str, kept_hash: str | None) -> Verdict:
        """Tell whether the password is right. Without a hash it takes as long to say no."""
        return await self._in_thread(self._verify, password, kept_hash)

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _hash(self, password: str) -> str:
        return self._hasher.hash(unicodedata.normalize("NFKC", password))

    def _verify(self, password: str, kept_hash: str | None) -> Verdict:
        if self._decoy is None:
            self._decoy = self._hasher.hash("nobody's password")
        if kept_hash is None:
            self._hasher.verify(password, self._decoy)
            return Verdict(is_right=False)
        if not self._hasher.verify(unicodedata.normalize("NFKC", password), kept_hash):
            return Verdict(is_right=False)
        outdated = self._hasher.check_needs_rehash(kept_hash)
        return Verdict(is_right=True, renewed_hash=self._hash(password) if outdated else None)

    async def _in_thread(self, work: Callable[[*Ts], T], *arguments: *Ts) -> T:
        if self._waiting >= _QUEUE_MAX:
            raise ServiceUnavailable("Too many people sign in right now", retry_after_seconds=2)
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, work, *arguments)
        finally:
            self._waiting -= 1
