"""Banks that decide about one payment in any order, in the books alone: nobody has more back than
was given, the market's loss is never below zero, and what all banks give back is all there was."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from uuid import UUID

import pytest

from gosellr.utils.ledger import (
    CHARGEBACK_LOSS,
    COMMISSION,
    PROMOTION_COST,
    Direction,
    Entry,
    dispute_receivable,
    seller_reserve,
    tax_payable,
)
from gosellr.utils.reinstated_postings import (
    chargeback_lost_again,
    chargeback_reinstated,
    chargeback_taken_again,
    held_minor_of,
    held_of,
    loss_minor_of,
)

GATEWAY, CURRENCY = "sandbox", "EUR"
PARTS = [UUID(int=number) for number in range(1, 4)]


def places(entries: Iterable[Entry]) -> Counter[tuple[str, UUID | None]]:
    """What was given of each place, debits positive; the market's loss is none."""
    sums: Counter[tuple[str, UUID | None]] = Counter()
    for one in held_of(entries):
        sums[one.account, one.seller_order_id] += one.signed_minor
    return sums


@dataclass
class Books:
    """Of one payment: what each bank asks of the sale when it wins, and what moved since."""

    chance: Random
    asks: dict[str, list[Entry]]
    lost: dict[str, list[Entry]] = field(default_factory=dict)
    back: list[tuple[str, bool, list[Entry]]] = field(default_factory=list)
    came_back: dict[str, int] = field(default_factory=dict)

    def all_back(self) -> list[Entry]:
        return [one for _, _, entries in self.back for one in entries]

    def taken_by(self, bank: str) -> list[Entry]:
        moved = [one for by, _, entries in self.back if by == bank for one in entries]
        return [*self.lost[bank], *moved]

    def lose(self, bank: str) -> None:
        """It takes its share of the sale, then what had come back, then what nobody has."""
        self.lost[bank], self.came_back[bank] = list(self.asks[bank]), 0
        more_minor = self.chance.choice((0, self.chance.randint(0, 300)))
        again_minor = min(more_minor, held_minor_of(held_of(self.all_back())))
        if again_minor:
            self.take(bank, again_minor, was_borne=False)
        if more_minor > again_minor:
            borne = Entry(CHARGEBACK_LOSS, Direction.DEBIT, more_minor - again_minor, CURRENCY)
            self.lost[bank].append(borne)

    def take(self, bank: str, minor: int, *, was_borne: bool) -> None:
        draft = chargeback_lost_again(
            self.all_back(), gateway=GATEWAY, amount_minor=minor, currency=CURRENCY,
            available_minor={}, was_borne=was_borne,
        )  # fmt: skip
        self.back.append((bank, False, list(draft.entries)))

    def turn(self, bank: str, minor: int) -> None:
        """So much of it stands as given back, and makes good what the market bore."""
        if before_minor := self.came_back[bank]:
            own = [one for by, given, rows in self.back if by == bank and given for one in rows]
            taken = chargeback_taken_again(
                self.all_back(), own=own, gateway=GATEWAY, amount_minor=before_minor,
                currency=CURRENCY,
            )  # fmt: skip
            self.back.append((bank, True, list(taken.entries)))
        if minor:
            given = chargeback_reinstated(
                self.taken_by(bank), gateway=GATEWAY, amount_minor=minor, currency=CURRENCY,
                owed_minor={},
            )  # fmt: skip
            self.back.append((bank, True, list(given.entries)))
        self.came_back[bank] = minor
        for one in self.lost:
            borne_minor = loss_minor_of(self.taken_by(one))
            good_minor = min(borne_minor, held_minor_of(held_of(self.all_back())))
            if good_minor > 0:
                self.take(one, good_minor, was_borne=True)

    def most_minor(self, bank: str) -> int:
        """What a bank holds, and has given back."""
        taken = self.taken_by(bank)
        return loss_minor_of(taken) - held_minor_of(held_of(taken)) + self.came_back[bank]

    def are_whole(self) -> None:
        given = places(one for entries in self.lost.values() for one in entries)
        back = places(self.all_back())
        assert all(
            min(0, minor) <= minor + back[place] <= max(0, minor) for place, minor in given.items()
        )
        assert set(back) <= set(given)
        losses = [loss_minor_of(self.taken_by(bank)) for bank in self.lost]
        assert min(losses, default=0) >= 0
        # Nothing is the market's loss while somebody has what could make it good.
        assert not (sum(losses) and held_minor_of(held_of(self.all_back())))


def asks_of(chance: Random) -> list[Entry]:
    """Of some parts: what the seller, commission, tax and the market's discount come to."""
    entries: list[Entry] = []
    for part_id in chance.sample(PARTS, chance.randint(0, len(PARTS))):
        price_minor = chance.randint(1, 400)
        fee_minor = price_minor // 9
        tax_minor = fee_minor // 5
        promotion_minor = price_minor * chance.choice((0, 15, 97)) // 100
        sides = (
            (seller_reserve(part_id), Direction.DEBIT, price_minor - fee_minor - tax_minor),
            (COMMISSION, Direction.DEBIT, fee_minor),
            (tax_payable("marketplace"), Direction.DEBIT, tax_minor),
            (PROMOTION_COST, Direction.CREDIT, promotion_minor),
            (dispute_receivable(GATEWAY), Direction.CREDIT, price_minor - promotion_minor),
        )
        entries += [
            Entry(account, side, minor, CURRENCY, part_id)
            for account, side, minor in sides
            if minor
        ]
    return entries


@pytest.mark.parametrize("seed", range(8))
def test_all_comes_back_whatever_banks_did_before(seed: int) -> None:
    for story in range(25):
        chance = Random(100 * seed + story)
        banks = [f"bank-{number}" for number in range(chance.randint(2, 4))]
        books = Books(chance, {bank: asks_of(chance) for bank in banks})
        for _ in range(20):
            bank = chance.choice(banks)
            if bank not in books.lost:
                books.lose(bank)
            else:
                most_minor = books.most_minor(bank)
                books.turn(bank, chance.choice((0, most_minor, chance.randint(0, most_minor))))
            books.are_whole()
        for bank in chance.sample(sorted(books.lost), len(books.lost)):
            books.turn(bank, books.most_minor(bank))
            books.are_whole()
        everything = [one for bank in books.lost for one in books.taken_by(bank)]
        assert held_of(everything) == []
        assert loss_minor_of(everything) == 0
