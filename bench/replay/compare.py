"""Holds what the market says against what the data says, figure by figure."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One figure. `unexpressed` is the listed part of `expected` that never reached the market."""

    name: str
    expected: int
    unexpressed: int
    actual: int

    @property
    def difference(self) -> int:
        """What nobody can explain; zero when all is well."""
        return self.actual - (self.expected - self.unexpressed)


def compare(
    *, expected: Mapping[str, int], unexpressed: Mapping[str, int], actual: Mapping[str, int]
) -> tuple[Comparison, ...]:
    """Every figure that any side knows of; one that a side doesn't know is zero there."""
    return tuple(
        Comparison(
            name=name,
            expected=expected.get(name, 0),
            unexpressed=unexpressed.get(name, 0),
            actual=actual.get(name, 0),
        )
        for name in sorted(expected.keys() | unexpressed.keys() | actual.keys())
    )
