"""What a gateway may keep of all that ever was, for whoever holds it against the books."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from gosellr.utils.lazy_dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalCharge:
    """A charge as its gateway has it: all that was captured, given back, and kept as a fee."""

    attempt_id: str
    gateway_reference: str
    currency: str
    captured_minor: int
    refunded_minor: int
    fee_minor: int


class JournalUnread(Exception):
    """A gateway's journal can't be read now; that says nothing about the books."""


@runtime_checkable
class KeepsJournal(Protocol):
    """A gateway that shows all it has, so that it can be held against the books."""

    async def journal(
        self, *, after_reference: str = "", limit: int = 1000
    ) -> Sequence[JournalCharge]:
        """Every charge that took money, a page at a time by `gateway_reference`; an empty page is
        behind the last one. Raises `JournalUnread`."""
