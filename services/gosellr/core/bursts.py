"""Noticing that something happens often: counted in this process, forgotten within seconds."""

from collections import OrderedDict, deque
from collections.abc import Hashable
from datetime import datetime, timedelta


class Bursts:
    """Says when a key was met `amount` times within `window`, and then not again for `quiet`.

    Keeps the `keys_max` keys that were met last.
    """

    def __init__(
        self, *, amount: int, window: timedelta, quiet: timedelta, keys_max: int = 1000
    ) -> None:
        self._amount = amount
        self._window = window
        self._quiet = quiet
        self._keys_max = keys_max
        self._met: OrderedDict[Hashable, deque[datetime]] = OrderedDict()
        self._told: dict[Hashable, datetime] = {}

    def __len__(self) -> int:
        return len(self._met)

    def meet(self, key: Hashable, *, now: datetime) -> bool:
        """Count the key once; whether it is a burst, and one to tell of."""
        met = self._met.setdefault(key, deque(maxlen=self._amount))
        self._met.move_to_end(key)
        met.append(now)
        while len(self._met) > self._keys_max:
            forgotten, _ = self._met.popitem(last=False)
            self._told.pop(forgotten, None)
        if len(met) < self._amount or now - met[0] > self._window:
            return False
        told_at = self._told.get(key)
        if told_at is not None and now - told_at < self._quiet:
            return False
        self._told[key] = now
        return True
