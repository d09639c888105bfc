"""What is booked when a bank gives back what it had taken for good: the lost chargeback's own
entries the other way round, in proportion where it gives back less.

The seller's side went out of a case's reserve, which is no more: what comes back is owed no more
first, and can be paid out beyond that. Taken again by the same chargeback, it is a debt, since it
may have been paid out; by another one it is taken of what can still be paid out, then a debt.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from gosellr.utils.ledger import (
    CHARGEBACK_LOSS,
    Direction,
    Entry,
    TransactionDraft,
    TransactionKind,
    account_kind,
    account_owner,
    dispute_receivable,
    gateway_clearing,
    seller_available,
    seller_receivable,
)
from gosellr.utils.money import share, split

_SELLERS = frozenset({"seller_pending", "seller_available", "seller_reserve", "seller_receivable"})
_TAKEN = "dispute_receivable"
_OUTSIDE = frozenset({_TAKEN, "gateway_clearing"})


def chargeback_reinstated(
    lost: Sequence[Entry],
    *,
    gateway: str,
    amount_minor: int,
    currency: str,
    owed_minor: Mapping[UUID, int],
    made_good_minor: int = 0,
) -> TransactionDraft:
    """Recipe 7: so much of a lost chargeback comes back, to those who had borne it.

    `lost` are all entries by which it was lost, `owed_minor` what each seller owes now, and
    `made_good_minor` what the market bore of it in their stead, which it gets first. Raises
    ValueError for nothing, or more than was taken.
    """
    left = dict(owed_minor)
    shares = _shares(lost, amount_minor, made_good_minor)
    entries = [
        _clearing(gateway, Direction.DEBIT, amount_minor, currency),
        *_loss(Direction.CREDIT, made_good_minor, currency),
    ]
    for entry in shares:
        if not _is_sellers(entry):
            entries.append(entry)
            continue
        seller_id = _seller_of(entry)
        forgiven_minor = min(entry.amount_minor, max(0, left.get(seller_id, 0)))
        left[seller_id] = left.get(seller_id, 0) - forgiven_minor
        rest_minor = entry.amount_minor - forgiven_minor
        entries += _at(entry, seller_receivable(seller_id), forgiven_minor)
        entries += _at(entry, seller_available(seller_id), rest_minor)
    return TransactionDraft(TransactionKind.CHARGEBACK_REINSTATED, tuple(entries))


def chargeback_taken_again(
    came_back: Iterable[Entry], *, gateway: str, amount_minor: int, currency: str
) -> TransactionDraft:
    """Recipe 7: what had come back is taken once more, by the bank that had given it.

    `came_back` are all entries by which it came back and was taken since. What another chargeback
    has taken of it nobody has any more: that is the market's loss. Raises ValueError for nothing.
    """
    if amount_minor <= 0:
        raise ValueError(f"{amount_minor} can't be taken again")
    held = held_of(came_back)
    held_minor = min(amount_minor, max(0, held_minor_of(held)))
    entries = [_clearing(gateway, Direction.CREDIT, amount_minor, currency)]
    # A seller's accounts are one here: what it owes.
    entries += _taken(held, held_minor)
    entries += _loss(Direction.DEBIT, amount_minor - held_minor, currency)
    return TransactionDraft(TransactionKind.CHARGEBACK_REINSTATED, tuple(entries))


def chargeback_lost_again(
    came_back: Iterable[Entry],
    *,
    gateway: str,
    amount_minor: int,
    currency: str,
    available_minor: Mapping[UUID, int],
    was_borne: bool = False,
) -> TransactionDraft:
    """Recipe 7: another chargeback, which is lost, takes so much of what had come back of one
    before, from those who had got it; or makes that good which the market bore of it before
    anything had come back (`was_borne`).

    `came_back` as above, `available_minor` what can be paid out to each seller, which goes before
    a debt. Raises ValueError for nothing, or more than is left of it.
    """
    held = held_of(came_back)
    if not 0 < amount_minor <= held_minor_of(held):
        raise ValueError(f"{amount_minor} of {held_minor_of(held)} that came back can't be taken")
    left = dict(available_minor)
    entries: list[Entry] = []
    for entry in _taken(held, amount_minor):
        if not _is_sellers(entry) or entry.direction is Direction.CREDIT:
            entries.append(entry)
            continue
        seller_id = _seller_of(entry)
        ready_minor = min(entry.amount_minor, max(0, left.get(seller_id, 0)))
        left[seller_id] = left.get(seller_id, 0) - ready_minor
        entries += _at(entry, seller_available(seller_id), ready_minor)
        entries += _at(entry, seller_receivable(seller_id), entry.amount_minor - ready_minor)
    # Last, so that it can be told from what the market has of it, or bears.
    taken = CHARGEBACK_LOSS if was_borne else dispute_receivable(gateway)
    entries.append(Entry(taken, Direction.CREDIT, amount_minor, currency))
    return TransactionDraft(TransactionKind.CHARGEBACK_LOST_AGAIN, tuple(entries))


def held_of(came_back: Iterable[Entry]) -> list[Entry]:
    """What of money that came back is still with whom: all its entries so far, added up.

    Credits are what somebody has, debits what somebody bears. A seller's accounts count as one, by
    part and line, because debts were paid and money was paid out since.
    """
    sums: dict[Entry, int] = {}
    for entry in came_back:
        if account_kind(entry.account).name in _OUTSIDE:
            continue
        account = seller_receivable(_seller_of(entry)) if _is_sellers(entry) else entry.account
        # Whose refund it was is told by the loss alone.
        place = replace(
            entry, account=account, direction=Direction.CREDIT, amount_minor=1, refund_id=None
        )
        sums[place] = sums.get(place, 0) - entry.signed_minor
    return [
        replace(
            place, amount_minor=abs(minor),
            direction=Direction.CREDIT if minor > 0 else Direction.DEBIT,
        )
        for place, minor in sums.items()
        if minor
    ]  # fmt: skip


def held_minor_of(held: Iterable[Entry]) -> int:
    """How much of a payment's money that is; below zero where the market bears something of it."""
    return -sum(entry.signed_minor for entry in held)


def taken_of_parts(came_back: Iterable[Entry], *, amount_minor: int) -> dict[UUID, tuple[int, int]]:
    """What another chargeback of so much takes of each seller's part: in the buyer's money, and of
    it from its seller. Never more than is left of what came back."""
    held = held_of(came_back)
    parts: dict[UUID, tuple[int, int]] = {}
    for entry in _taken(held, min(amount_minor, max(0, held_minor_of(held)))):
        if entry.seller_order_id is None:
            continue
        paid_minor, sellers_minor = parts.get(entry.seller_order_id, (0, 0))
        sellers_minor += entry.signed_minor if _is_sellers(entry) else 0
        parts[entry.seller_order_id] = (paid_minor + entry.signed_minor, sellers_minor)
    return parts


def sellers_of(entries: Iterable[Entry]) -> list[UUID]:
    """Whose money was taken, or came back, in order."""
    return sorted({_seller_of(entry) for entry in entries if _is_sellers(entry)})


def _shares(lost: Sequence[Entry], amount_minor: int, made_good_minor: int) -> list[Entry]:
    """Everybody's share of so much of what was taken, the other way round."""
    taken_minor = sum(
        entry.amount_minor for entry in lost if account_kind(entry.account).name == _TAKEN
    )
    if not 0 < amount_minor <= taken_minor or not 0 <= made_good_minor <= amount_minor:
        raise ValueError(f"{amount_minor} of {taken_minor} that were taken can't come back")
    inside = [entry for entry in lost if account_kind(entry.account).name != _TAKEN]
    return _portion(
        inside, Direction.DEBIT, amount_minor=amount_minor - made_good_minor, of_minor=taken_minor
    )


def _taken(held: Sequence[Entry], amount_minor: int) -> list[Entry]:
    """Everybody's share of so much of what they have, the other way round."""
    return _portion(held, Direction.CREDIT, amount_minor=amount_minor, of_minor=held_minor_of(held))


def _portion(
    entries: Sequence[Entry], main: Direction, *, amount_minor: int, of_minor: int
) -> list[Entry]:
    """So much of what these entries come to, the other way round; `main` is the side that is
    larger by all of it. Each part of the order gives its own share of it and never more than it
    has, however its entries round, because its papers say so."""
    if not amount_minor:
        return []
    parts: dict[UUID | None, list[Entry]] = {}
    for entry in entries:
        parts.setdefault(entry.seller_order_id, []).append(entry)
    have = [_net_minor(some, main) for some in parts.values()]
    if min(have) < 0:
        return _of_part(entries, main, amount_minor=amount_minor, along=(amount_minor, of_minor))
    portion: list[Entry] = []
    shares = zip(parts.values(), have, split(amount_minor, have), strict=True)
    for some, has_minor, minor in shares:
        along = (minor, has_minor) if has_minor else (amount_minor, of_minor)
        portion += _of_part(some, main, amount_minor=minor, along=along)
    return portion


def _net_minor(entries: Iterable[Entry], main: Direction) -> int:
    return sum(
        entry.amount_minor if entry.direction is main else -entry.amount_minor for entry in entries
    )


def _of_part(
    entries: Sequence[Entry], main: Direction, *, amount_minor: int, along: tuple[int, int]
) -> list[Entry]:
    """So much of these entries, the other way round. What the market had saved by a loss (its
    discounts, goodwill) it bears once more, in the proportion of `along`."""
    large = [entry for entry in entries if entry.direction is main]
    small = [entry for entry in entries if entry.direction is not main]
    saved = [share(entry.amount_minor, *along) for entry in small]
    shares = split(amount_minor + sum(saved), [entry.amount_minor for entry in large])
    return [
        replace(entry, direction=entry.direction.opposite, amount_minor=minor)
        for entry, minor in zip([*large, *small], [*shares, *saved], strict=True)
        if minor
    ]


def _at(entry: Entry, account: str, amount_minor: int) -> list[Entry]:
    """The same at another account; none for nothing."""
    return [replace(entry, account=account, amount_minor=amount_minor)] if amount_minor else []


def _is_sellers(entry: Entry) -> bool:
    return account_kind(entry.account).name in _SELLERS


def _seller_of(entry: Entry) -> UUID:
    return UUID(account_owner(entry.account) or "")


def _clearing(gateway: str, direction: Direction, amount_minor: int, currency: str) -> Entry:
    return Entry(gateway_clearing(gateway), direction, amount_minor, currency)


def _loss(direction: Direction, amount_minor: int, currency: str) -> list[Entry]:
    if not amount_minor:
        return []
    return [Entry(CHARGEBACK_LOSS, direction, amount_minor, currency)]
