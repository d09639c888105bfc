"""How large the market is, as far as a process has heard of it."""


class MarketSize:
    """Whether so much is on sale that a search does better to ask for each word by itself.

    Every search hears it along with its hits, for those that come after it: a process that has
    heard of nothing asks as in a small market, and finds the same.
    """

    __slots__ = ("is_large",)

    def __init__(self) -> None:
        self.is_large = False
