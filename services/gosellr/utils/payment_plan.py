"""What to ask the gateways next, so that an order ends paid in full or not at all.

One rule serves the first run, the resumption after a crash, a webhook and an expiry: look at
the attempts as they are written down, ask, write down the answers, look again.
"""

from collections.abc import Collection, Iterable, Sequence
from enum import StrEnum
from uuid import UUID

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.states import PAYMENT_STATES, PaymentStatus


class AskKind(StrEnum):
    """A question or an instruction to a gateway."""

    CHARGE = "charge"
    AUTHORIZE = "authorize"
    CAPTURE = "capture"
    VOID = "void"
    LOOKUP = "lookup"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt to pay a part, in minor units. `returned` money pays for nothing.

    `sent_count` says how often it is known to have been sent to its gateway.
    Attempts of one `tender` were made together, to pay the whole total between them. `stored`
    is value of a gift card or store credit: set aside with the attempt itself, it pays beside
    whichever tender brings the rest, and no gateway is ever asked about it.
    `secures` are the states in which an attempt stands for its money though not all of it was
    taken, where that waits for the goods to leave; None where money is taken at once.
    whichever tender brings the rest, and no gateway is ever asked about it. Cash that is paid
    `on_delivery` is its seller's to collect, so nobody is asked about that either.
    """

    id: UUID
    amount_minor: int
    status: PaymentStatus
    captured_minor: int = 0
    returned: bool = False
    tender: int = 0
    sent_count: int = 0
    stored: bool = False
    secures: frozenset[PaymentStatus] | None = None
    on_delivery: bool = False

    @property
    def pays_in_full(self) -> bool:
        """It brought exactly what it was to bring."""
        if self.stored:
            return self.status in _SET_ASIDE and not self.returned
        if self.secures is not None:
            return self.status in self.secures and not self.returned
        return (
            self.status is PaymentStatus.CAPTURED
            and not self.returned
            and self.captured_minor == self.amount_minor
        )


@dataclass(frozen=True, slots=True)
class Ask:
    """What to ask about which attempt; `otherwise` is for what the gateway never heard of."""

    kind: AskKind
    attempt_id: UUID
    otherwise: AskKind | None = None


DEAD = frozenset({PaymentStatus.DECLINED, PaymentStatus.VOIDED, PaymentStatus.EXPIRED})
_UNANSWERED = frozenset({PaymentStatus.CREATED, PaymentStatus.UNKNOWN})
_SET_ASIDE = frozenset({PaymentStatus.AUTHORIZED, PaymentStatus.CAPTURED})
# What got lost on its way twice would get lost again; the buyer may pay another way.
SENDS_MAX = 2


def live(attempts: Sequence[Attempt]) -> list[Attempt]:
    """The attempts that have paid or still may."""
    return [one for one in attempts if one.status not in DEAD and not one.returned]


def under_way(*, total_minor: int, attempts: Sequence[Attempt]) -> bool:
    """Whether the attempts have paid the total or still may.

    Stored value alone waits for the rest, and brings it about only where there is none.
    """
    current = live(attempts)
    held_minor = sum(one.amount_minor for one in current if one.stored)
    at_gateways = any(not one.stored for one in current)
    return at_gateways or bool(held_minor and held_minor == total_minor)


def paying(*, total_minor: int, attempts: Sequence[Attempt]) -> tuple[Attempt, ...] | None:
    """The full captures of the tender that paid the total; None while none has.

    Money may come twice, when an attempt that was given up succeeds after all: then the earlier
    tender pays, and the other captures go back.
    """
    return _making_up(total_minor, [one for one in attempts if one.pays_in_full])


def next_asks(
    *,
    wanted: bool,
    total_minor: int,
    attempts: Sequence[Attempt],
    fresh: Collection[UUID] = (),
    waiting_is_over: bool = False,
    curious: bool = False,
    reported: Collection[UUID] = (),
    may_send: bool = False,
    rest_wanted: bool = True,
) -> list[Ask]:
    """The next questions; empty when there is nothing to do but wait, or nothing at all.

    `wanted` says that the order still wants its money. `fresh` attempts were never sent, so
    they are charged; other unanswered ones are asked after first, since an earlier run may
    have sent them. `waiting_is_over` gives up on buyers who still owe the gateway an action;
    `curious` asks whether they have acted by now. Of `reported` attempts a gateway had news:
    what was given up and succeeded after all is looked at once more, and called back where
    nothing was taken yet. `may_send` says that the goods are still held: then what a gateway
    never heard of is sent (again), since its buyer may have been told that it is under way.
    `rest_wanted=False` calls back what is still set aside though all that is wanted was taken.
    """
    current = live(attempts)
    at_gateways = [one for one in current if not (one.stored or one.on_delivery)]
    unanswered = [one for one in at_gateways if one.status in _UNANSWERED]
    if curious:
        unanswered += [one for one in at_gateways if one.status is PaymentStatus.ACTION_REQUIRED]
    late = [one for one in attempts if one.id in reported and one.status in DEAD and not one.stored]
    paid = paying(total_minor=total_minor, attempts=attempts)
    if not wanted or paid is not None:
        kept = [one for one in paid or () if wanted and rest_wanted and not one.stored]
        lookups = [Ask(AskKind.LOOKUP, one.id) for one in [*unanswered, *_news(kept, reported)]]
        return [*lookups, *_voids(one for one in at_gateways if one not in kept), *_late(late)]
    if unanswered or late:
        # Beside what is set aside nothing can go wrong that would have to be undone.
        alone = len(at_gateways) == 1 and _sum(current) == total_minor
        at_once = alone and at_gateways[0].secures is None
        charge = AskKind.CHARGE if at_once else AskKind.AUTHORIZE
        may_send = may_send and not waiting_is_over
        unheard = _to_send(total_minor, current) if may_send else []
        return [
            *(Ask(charge, one.id) for one in unanswered if one.id in fresh),
            *(
                Ask(AskKind.LOOKUP, one.id, charge if one in unheard else None)
                for one in unanswered
                if one.id not in fresh
            ),
            *_late(late),
        ]
    hopeful = _hopeful(total_minor, current)
    if hopeful is None:
        return _voids(at_gateways)
    if any(one.status is PaymentStatus.ACTION_REQUIRED for one in hopeful):
        return _voids(at_gateways) if waiting_is_over else []
    return [
        Ask(AskKind.CAPTURE, one.id)
        for one in hopeful
        if one.status is PaymentStatus.AUTHORIZED and one in at_gateways
    ]


def to_return(*, wanted: bool, total_minor: int, attempts: Sequence[Attempt]) -> list[Attempt]:
    """Captures that pay for nothing and have to go back.

    A capture of the wrong amount always does, and what came on top of a total that is paid;
    the others do when the order no longer wants them, or when another part of the same tender
    has failed for good.
    """
    current = live(attempts)
    captured = [
        one
        for one in current
        if one.status is PaymentStatus.CAPTURED
        # A charge that its gateway closed may have brought nothing that counts.
        and one.captured_minor
        and not (one.stored or one.on_delivery)
    ]
    if not wanted:
        return captured
    paid = paying(total_minor=total_minor, attempts=current)
    if paid is not None:
        return [one for one in captured if one not in paid]
    undecided = any(one.status in _UNANSWERED for one in current)
    if not undecided and _hopeful(total_minor, current) is None:
        return captured
    return [one for one in captured if not one.pays_in_full]


def _hopeful(total_minor: int, current: Sequence[Attempt]) -> tuple[Attempt, ...] | None:
    """The live attempts of a tender that can still pay, of several tenders the furthest on."""
    able = [one for one in current if one.pays_in_full or one.status is not PaymentStatus.CAPTURED]
    able.sort(key=lambda one: PAYMENT_STATES.states.index(one.status), reverse=True)
    return _making_up(total_minor, able)


def _making_up(total_minor: int, attempts: Sequence[Attempt]) -> tuple[Attempt, ...] | None:
    """The attempts of the first tender that makes up the total; `attempts` say which is first.

    All stored value pays beside it, whenever it was set aside.
    """
    held = tuple(one for one in attempts if one.stored)
    left_minor = total_minor - _sum(held)
    tenders: dict[int, list[Attempt]] = {}
    for one in attempts:
        if not one.stored:
            tenders.setdefault(one.tender, []).append(one)
    for together in tenders.values():
        if _sum(together) == left_minor:
            return (*held, *together)
    return None if left_minor else held


def _sum(attempts: Sequence[Attempt]) -> int:
    return sum(one.amount_minor for one in attempts)


def _to_send(total_minor: int, current: Sequence[Attempt]) -> list[Attempt]:
    """What may be sent, should its gateway know nothing of it: the rest has to be able to pay."""
    return [
        one
        for one in _hopeful(total_minor, current) or ()
        if one.status in _UNANSWERED and one.sent_count < SENDS_MAX
    ]


def _late(attempts: Sequence[Attempt]) -> list[Ask]:
    """A declined card may have been followed by a good one; anything else was given up."""
    return [
        Ask(AskKind.LOOKUP if one.status is PaymentStatus.DECLINED else AskKind.VOID, one.id)
        for one in attempts
    ]


def _news(kept: Sequence[Attempt], reported: Collection[UUID]) -> list[Attempt]:
    """What stands for an order's money, and may not any more."""
    return [one for one in kept if one.id in reported and one.status is PaymentStatus.AUTHORIZED]


def _voids(attempts: Iterable[Attempt]) -> list[Ask]:
    open_states = {PaymentStatus.ACTION_REQUIRED, PaymentStatus.AUTHORIZED}
    return [Ask(AskKind.VOID, one.id) for one in attempts if one.status in open_states]
