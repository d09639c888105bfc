"""The payments of an order: cut to its total, as many as an order may have, vouchers as gift cards.

A voucher of the data becomes a gift card of exactly its value, which is issued before the first
order and pays beside what a gateway takes. Cards, slips and debits are all played by the sandbox
gateway, one charge each.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bench.replay.source import Tender

PARTS_MAX = 32
"""As many parts as the market takes for one order."""
NO_KIND = "none"
VOUCHER = "voucher"
GIFT_CARD = "gift_card"
SANDBOX = "sandbox"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One payment of an order, with the data's word for its kind."""

    kind: str
    amount_minor: int
    by_gift_card: bool = False

    @property
    def is_voucher(self) -> bool:
        """Whether somebody had paid for it before."""
        return self.kind == VOUCHER

    @property
    def method(self) -> str:
        """What the market calls the way it is paid by."""
        return GIFT_CARD if self.by_gift_card else SANDBOX


def settle(tenders: Iterable[Tender], *, total_minor: int) -> tuple[Part, ...]:
    """Payment parts that sum to the total: what differs goes to the part that bears interest.

    That is the one with the most instalments, the largest among equals; where it isn't large
    enough for what is too much, the next one gives the rest. Parts over nothing fall away, and
    an order over nothing has none.
    """
    if not total_minor:
        return ()
    tenders = [tender for tender in tenders if tender.amount_minor]
    if not tenders:
        return (Part(kind=NO_KIND, amount_minor=total_minor),)
    missing_minor = total_minor - sum(tender.amount_minor for tender in tenders)
    amounts = [tender.amount_minor for tender in tenders]
    bearers = sorted(
        range(len(tenders)),
        key=lambda index: (-tenders[index].instalments, -tenders[index].amount_minor, index),
    )
    for index in bearers:
        change_minor = max(missing_minor, -amounts[index])
        amounts[index] += change_minor
        missing_minor -= change_minor
    return tuple(
        Part(kind=tender.kind, amount_minor=amount_minor)
        for tender, amount_minor in zip(tenders, amounts, strict=True)
        if amount_minor
    )


def put_together(parts: Iterable[Part], *, most: int = PARTS_MAX) -> tuple[Part, ...]:
    """At most so many parts: of the kind that has the most, the two smallest become one."""
    merged = list(parts)
    while len(merged) > most:
        kind, _ = Counter(part.kind for part in merged).most_common(1)[0]
        smallest, next_smallest = sorted(
            (part for part in merged if part.kind == kind), key=lambda part: part.amount_minor
        )[:2]
        merged.remove(smallest)
        place = merged.index(next_smallest)
        merged[place] = Part(
            kind=kind, amount_minor=smallest.amount_minor + next_smallest.amount_minor
        )
    return tuple(merged)


def with_gift_cards(parts: Sequence[Part], *, is_paid: bool) -> tuple[Part, ...]:
    """The parts with every voucher on a gift card, where the market can do that.

    Beside stored value it takes one gateway's part. Stored value alone pays at once, so an order
    that stays unpaid keeps its vouchers at the gateway unless another part is waited for.
    """
    others = sum(not part.is_voucher for part in parts)
    if others > 1 or not (is_paid or others):
        return tuple(parts)
    return tuple(replace(part, by_gift_card=part.is_voucher) for part in parts)
