"""The amounts of one transaction, as the sentences that explain it say them."""

from collections import defaultdict
from collections.abc import Iterable

from gosellr.utils.ledger import Direction, Entry, account_kind
from gosellr.utils.money import to_decimal_string


class Figures:
    """The debits and credits of one transaction by kind of account, ready to be spoken."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._sums: defaultdict[tuple[str, Direction], int] = defaultdict(int)
        self.currency = ""
        for entry in entries:
            self._sums[account_kind(entry.account).name, entry.direction] += entry.amount_minor
            self.currency = entry.currency

    def debit(self, *kinds: str) -> int:
        """What accounts of these kinds were debited with, in minor units."""
        return sum(self._sums[kind, Direction.DEBIT] for kind in kinds)

    def credit(self, *kinds: str) -> int:
        """What they were credited with."""
        return sum(self._sums[kind, Direction.CREDIT] for kind in kinds)

    def say(self, minor: int) -> str:
        """An amount with its currency."""
        return f"{to_decimal_string(minor, self.currency)} {self.currency}"

    def clauses(self, *pairs: tuple[int, str]) -> str:
        """The clauses whose amount isn't zero, each with its amount in place of {}."""
        return ", ".join(text.format(self.say(minor)) for minor, text in pairs if minor)
