"""What to ask the gateways next, so that an order ends paid in full or not at all.

One rule serves the first run, the resumption after a crash, a webhook and an expiry: look at
the attempts as they are written down, ask, write down the answers, look again.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from gosellr.utils.states import PaymentStatus


class AskKind(StrEnum):
    """A question or an instruction to a gateway."""

    CHARGE = "charge"
    AUTHORIZE = "authorize"
    CAPTURE = "capture"
    VOID = "void"
    LOOKUP = "lookup"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt to pay a part, in minor units. `returned` money pays for nothing."""

    id: UUID
    amount_minor: int
    status: PaymentStatus
    captured_minor: int = 0
    returned: bool = False

    @property
    def pays_in_full(self) -> bool:
        """It brought exactly what it was to bring."""
        return (
            self.status is PaymentStatus.CAPTURED
            and not self.returned
            and self.captured_minor == self.amount_minor
        )


@dataclass(frozen=True, slots=True)
class Ask:
    """What to ask about which attempt."""

    kind: AskKind
    attempt_id: UUID


_DEAD = frozenset({PaymentStatus.DECLINED, PaymentStatus.VOIDED, PaymentStatus.EXPIRED})
_UNANSWERED = frozenset({PaymentStatus.CREATED, PaymentStatus.UNKNOWN})


def live(attempts: Sequence[Attempt]) -> list[Attempt]:
    """The attempts that have paid or still may."""
    return [one for one in attempts if one.status not in _DEAD and not one.returned]


def is_paid(*, total_minor: int, attempts: Sequence[Attempt]) -> bool:
    """Whether full captures make up the total exactly."""
    return sum(one.amount_minor for one in attempts if one.pays_in_full) == total_minor


def next_asks(
    *,
    wanted: bool,
    total_minor: int,
    attempts: Sequence[Attempt],
    fresh: Collection[UUID] = (),
    waiting_is_over: bool = False,
    curious: bool = False,
) -> list[Ask]:
    """The next questions; empty when there is nothing to do but wait, or nothing at all.

    `wanted` says that the order still wants its money. `fresh` attempts were never sent, so
    they are charged; other unanswered ones are asked after first, since an earlier run may
    have sent them. `waiting_is_over` gives up on buyers who still owe the gateway an action;
    `curious` asks whether they have acted by now.
    """
    current = live(attempts)
    unanswered = [one for one in current if one.status in _UNANSWERED]
    if curious:
        unanswered += [one for one in current if one.status is PaymentStatus.ACTION_REQUIRED]
    if not wanted:
        return [*_lookups(unanswered, ()), *_voids(current)]
    if unanswered:
        alone = len(current) == 1 and current[0].amount_minor == total_minor
        charge = AskKind.CHARGE if alone else AskKind.AUTHORIZE
        return [
            *(Ask(charge, one.id) for one in unanswered if one.id in fresh),
            *_lookups(unanswered, fresh),
        ]
    if sum(one.amount_minor for one in current) < total_minor:
        return _voids(current)
    if any(one.status is PaymentStatus.ACTION_REQUIRED for one in current):
        return _voids(current) if waiting_is_over else []
    return [
        Ask(AskKind.CAPTURE, one.id) for one in current if one.status is PaymentStatus.AUTHORIZED
    ]


def to_return(*, wanted: bool, total_minor: int, attempts: Sequence[Attempt]) -> list[Attempt]:
    """Captures that pay for nothing and have to go back.

    A capture of the wrong amount always does; the others do when the order no longer wants
    them, or when another part of the same tender has failed for good.
    """
    current = live(attempts)
    captured = [one for one in current if one.status is PaymentStatus.CAPTURED]
    if not wanted:
        return captured
    undecided = any(one.status in _UNANSWERED for one in current)
    falls_short = sum(one.amount_minor for one in current) < total_minor
    if falls_short and not undecided:
        return captured
    return [one for one in captured if not one.pays_in_full]


def _lookups(attempts: Sequence[Attempt], fresh: Collection[UUID]) -> list[Ask]:
    return [Ask(AskKind.LOOKUP, one.id) for one in attempts if one.id not in fresh]


def _voids(attempts: Sequence[Attempt]) -> list[Ask]:
    open_states = {PaymentStatus.ACTION_REQUIRED, PaymentStatus.AUTHORIZED}
    return [Ask(AskKind.VOID, one.id) for one in attempts if one.status in open_states]
