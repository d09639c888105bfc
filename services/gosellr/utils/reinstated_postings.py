"""What is booked when a bank gives back what it had taken for good, and when one takes that again.

Each bank gives what it holds, and takes what nobody holds: so no two of them ever give or take the
same, and whoever gave has all of it back once no bank holds anything. What a bank holds are all
entries of its own, added up; what came back is what all of them gave back and took since.

The seller's side went out of a case's reserve, which is no more: what comes back is owed no more
first, and can be paid out beyond that. Taken again by the same chargeback, it is a debt, since it
may have been paid out; by another one it is taken of what can still be paid out, then a debt.
"""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from gosellr.utils.lazy_dataclasses import replace
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
# What others have, and what is told by itself.
_OUTSIDE = frozenset({"dispute_receivable", "gateway_clearing", "chargeback_loss"})


def chargeback_reinstated(
    taken: Sequence[Entry],
    *,
    gateway: str,
    amount_minor: int,
    currency: str,
    owed_minor: Mapping[UUID, int],
) -> TransactionDraft:
    """Recipe 7: so much of a lost chargeback comes back, to those who had borne it: to the market
    first, as if the bank had never taken that much, then to all others in proportion.

    `taken` are all entries of that chargeback by now: by which it was lost, came back and took
    again. `owed_minor` is what each seller owes now. Raises ValueError for nothing, or more than
    is still taken.
    """
    borne = held_of(taken)
    loss_minor = loss_minor_of(taken)
    most_minor = loss_minor - held_minor_of(borne)
    if not 0 < amount_minor <= most_minor:
        raise ValueError(f"{amount_minor} of {most_minor} that are taken can't come back")
    made_good_minor = min(amount_minor, max(0, loss_minor))
    # A chargeback is lost by one refund of each part.
    refunds = {one.seller_order_id: one.refund_id for one in taken if one.refund_id}
    left = dict(owed_minor)
    entries = [
        _clearing(gateway, Direction.DEBIT, amount_minor, currency),
        *_loss(Direction.CREDIT, made_good_minor, currency),
    ]
    for share_of in _portion(borne, Direction.DEBIT, amount_minor=amount_minor - made_good_minor):
        entry = replace(share_of, refund_id=refunds.get(share_of.seller_order_id))
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
    came_back: Iterable[Entry],
    *,
    own: Iterable[Entry],
    gateway: str,
    amount_minor: int,
    currency: str,
) -> TransactionDraft:
    """Recipe 7: what had come back is taken once more, by the bank that had given it.

    `came_back` are all entries by which money of the payment came back and was taken since, `own`
    those by which this bank gave it: of the parts that it gave to it takes first. What nobody has
    any more is the market's loss. Raises ValueError for nothing.
    """
    if amount_minor <= 0:
        raise ValueError(f"{amount_minor} can't be taken again")
    held = held_of(came_back)
    held_minor = min(amount_minor, max(0, held_minor_of(held)))
    entries = [_clearing(gateway, Direction.CREDIT, amount_minor, currency)]
    # A seller's accounts are one here: what it owes.
    entries += _portion(
        held, Direction.CREDIT, amount_minor=held_minor, first=_net_of_parts(held_of(own))
    )
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
    """Recipe 7: another chargeback, which is lost, takes so much of what had come back to its
    payment, from those who had got it; or that makes good what the market bore of it, because
    nothing had come back before (`was_borne`).

    `came_back` as above, `available_minor` what can be paid out to each seller, which goes before
    a debt. Raises ValueError for nothing, or more than is left of it.
    """
    held = held_of(came_back)
    if not 0 < amount_minor <= held_minor_of(held):
        raise ValueError(f"{amount_minor} of {held_minor_of(held)} that came back can't be taken")
    left = dict(available_minor)
    entries: list[Entry] = []
    for entry in _portion(held, Direction.CREDIT, amount_minor=amount_minor):
        if not _is_sellers(entry) or entry.direction is Direction.CREDIT:
            entries.append(entry)
            continue
        seller_id = _seller_of(entry)
        ready_minor = min(entry.amount_minor, max(0, left.get(seller_id, 0)))
        left[seller_id] = left.get(seller_id, 0) - ready_minor
        entries += _at(entry, seller_available(seller_id), ready_minor)
        entries += _at(entry, seller_receivable(seller_id), entry.amount_minor - ready_minor)
    taken = CHARGEBACK_LOSS if was_borne else dispute_receivable(gateway)
    entries.append(Entry(taken, Direction.CREDIT, amount_minor, currency))
    return TransactionDraft(TransactionKind.CHARGEBACK_LOST_AGAIN, tuple(entries))


def held_of(entries: Iterable[Entry]) -> list[Entry]:
    """What all these entries come to by whom it is of, but for the market's loss.

    Credits are what somebody got or has, debits what somebody gave or bears. A seller's accounts
    count as one, by part and line, because debts were paid and money was paid out since.
    """
    sums: dict[Entry, int] = {}
    for entry in entries:
        if account_kind(entry.account).name in _OUTSIDE:
            continue
        account = seller_receivable(_seller_of(entry)) if _is_sellers(entry) else entry.account
        # Whose refund it was is told by the loss, and by what comes back of it.
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
    """How much of a payment's money that is; below zero where it is given."""
    return -sum(entry.signed_minor for entry in held)


def loss_minor_of(entries: Iterable[Entry]) -> int:
    """What the market bears by all these entries."""
    return sum(entry.signed_minor for entry in entries if entry.account == CHARGEBACK_LOSS)


def taken_of_parts(
    came_back: Iterable[Entry], *, amount_minor: int, before_minor: int = 0
) -> dict[UUID, tuple[int, int]]:
    """What another chargeback of so much takes of each seller's part, once others have taken
    `before_minor`: in the buyer's money, and of it from its seller. Never more than is left of
    what came back."""
    held = held_of(came_back)
    first_minor = min(before_minor, max(0, held_minor_of(held)))
    held = held_of([*held, *_portion(held, Direction.CREDIT, amount_minor=first_minor)])
    parts: dict[UUID, tuple[int, int]] = {}
    most_minor = min(amount_minor, max(0, held_minor_of(held)))
    for entry in _portion(held, Direction.CREDIT, amount_minor=most_minor):
        if entry.seller_order_id is None:
            continue
        paid_minor, sellers_minor = parts.get(entry.seller_order_id, (0, 0))
        sellers_minor += entry.signed_minor if _is_sellers(entry) else 0
        parts[entry.seller_order_id] = (paid_minor + entry.signed_minor, sellers_minor)
    return parts


def sellers_of(entries: Iterable[Entry]) -> list[UUID]:
    """Whose money was taken, or came back, in order."""
    return sorted({_seller_of(entry) for entry in entries if _is_sellers(entry)})


def _portion(
    entries: Sequence[Entry],
    main: Direction,
    *,
    amount_minor: int,
    first: Mapping[UUID | None, int] | None = None,
) -> list[Entry]:
    """So much of what these entries come to, the other way round; `main` is the side that is
    larger by all of it. Each part of the order gives its own share of it and never more than it
    has, however its entries round, because its papers say so; up to so much of each part goes
    `first`."""
    if not amount_minor:
        return []
    parts: dict[UUID | None, list[Entry]] = {}
    for entry in entries:
        parts.setdefault(entry.seller_order_id, []).append(entry)
    have = [max(0, _net_minor(some, main)) for some in parts.values()]
    before = [
        min(has_minor, max(0, (first or {}).get(part_id, 0)))
        for part_id, has_minor in zip(parts, have, strict=True)
    ]
    first_minor = min(amount_minor, sum(before))
    after = [has_minor - minor for has_minor, minor in zip(have, before, strict=True)]
    shares = zip(
        parts.values(),
        have,
        split(first_minor, before),
        split(amount_minor - first_minor, after),
        strict=True,
    )
    portion: list[Entry] = []
    for some, has_minor, of_first_minor, of_rest_minor in shares:
        minor = of_first_minor + of_rest_minor
        along = (minor, has_minor) if has_minor else (amount_minor, sum(have))
        portion += _of_part(some, main, amount_minor=minor, along=along)
    return portion


def _net_of_parts(held: Iterable[Entry]) -> dict[UUID | None, int]:
    nets: dict[UUID | None, int] = {}
    for entry in held:
        nets[entry.seller_order_id] = nets.get(entry.seller_order_id, 0) - entry.signed_minor
    return nets


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
