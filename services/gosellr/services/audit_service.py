"""Every invariant of the books and of the market, checked against the rows as they are."""

import asyncio
from collections import defaultdict
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import chain
from types import MappingProxyType
from typing import Any, Final, TypeAlias, TypeVar

from gosellr.core.db import Connection
from gosellr.queries import audit as money
from gosellr.queries import (
    audit_balances,
    audit_captures,
    audit_disputes,
    audit_documents,
    audit_offline,
    audit_payouts,
    audit_stored_value,
    audit_transit,
    audit_vouching,
)
from gosellr.queries import audit_market as market
from gosellr.queries.audit import Offence
from gosellr.queries.audit_payouts import ProviderTransfer
from gosellr.services import audit_journal, audit_papers
from gosellr.services.audit_providers import GatewayCharge, compare_charges
from gosellr.utils.disputes import DISPUTE_STATES
from gosellr.utils.order_states import OrderStatus, transition_pairs

__all__ = [
    "AuditInput",
    "AuditLimits",
    "Finding",
    "GatewayCharge",
    "Look",
    "Offence",
    "ProviderTransfer",
    "Watch",
    "audit",
    "audit_over",
    "look",
    "look_at_providers",
]

T = TypeVar("T")
Step: TypeAlias = Callable[[Connection], Awaitable[list[Offence]]]
Watch: TypeAlias = Callable[[int], AbstractContextManager[object]]
"""Made with the number of an invariant for each question about it, and left with its answer."""

ROWS_SHOWN: Final = 20
AT_PROVIDERS: Final = 7
_LONG: Final = frozenset({7, 8, 12, 14, 16, 17, 21, 22})

JOURNALS: Final = (
    "ledger_transaction",
    "ledger_entry",
    "ledger_seal",
    "ledger_sealed",
    "stock_movement",
    "order_event",
    "document",
    "dispute_message",
    "dispute_file",
    "dispute_event",
)

NAMES: Final[Mapping[int, str]] = {
    1: "each transaction sums to zero",
    2: "the whole ledger sums to zero",
    3: "cached balances are their entries",
    4: "the journal is unchanged and its seals chain",
    5: "guarded balances are never negative",
    6: "every captured cent has one owner",
    7: "the gateway's journal is our clearing account",
    8: "paid means captured",
    9: "each part is captured once",
    10: "refunds stay within what was captured",
    11: "parts sum to their order",
    12: "shown is authorised is booked",
    13: "a payout is the entries it claims",
    14: "stock is conserved",
    15: "holds are covered and resolved once",
    16: "open lines are covered",
    17: "history is gapless, on listed steps",
    18: "what is cancelled goes back",
    19: "limits of coupons, gift cards and credit hold",
    20: "one effect per key, nothing unknown for long",
    21: "the outbox is complete and in order",
    22: "every row reaches one seller",
    23: "nothing secret stands in clear",
    24: "nothing is stuck on its way",
    25: "each card says what its listing is",
    26: "documents are unchanged, numbered without a gap, and as booked",
    27: "what is booked by hand, two people wanted",
}

# Whoever hashes all entries adds them up as well: these are asked by themselves only in doubt.
ANSWERED_WITH: Final[Mapping[int, int]] = {1: 4, 2: 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLimits:
    """For how long something may stay undecided before that is a finding."""

    unknown: timedelta = timedelta(hours=1)
    expired_hold: timedelta = timedelta(hours=1)
    cancelled_refund: timedelta = timedelta(hours=1)
    in_transit: timedelta = timedelta(days=3)
    late_card: timedelta = timedelta(hours=1)
    # A bank takes up to some months to decide.
    chargeback: timedelta = timedelta(days=150)
    late_case: timedelta = timedelta(hours=1)
    late_reserve: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Finding:
    """A broken invariant, with the first rows that break it."""

    number: int
    name: str
    rows: tuple[Offence, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """What one look found: by invariant in the rows themselves, and between them and journals.

    A journal can't be read at the snapshot's moment, so what it says otherwise may only have moved
    in between; `at_providers` has all of it, for whoever looks again.
    """

    rows: Mapping[int, Sequence[Offence]]
    at_providers: Sequence[Offence]

    def listed(self) -> list[Finding]:
        """The invariants that are broken, with their first rows."""
        found = {number: list(rows[:ROWS_SHOWN]) for number, rows in self.rows.items()}
        found[AT_PROVIDERS] = [*self.at_providers, *found.get(AT_PROVIDERS, [])][:ROWS_SHOWN]
        return [
            Finding(number, NAMES[number], tuple(rows))
            for number, rows in sorted(found.items())
            if rows
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditInput:
    """What an audit is made with. The journals of gateways and payout providers must have been
    read before its snapshot began, so that every charge and transfer in them has its row there."""

    now: datetime
    gateway_journals: Mapping[str, Iterable[GatewayCharge]]
    provider_journals: Mapping[str, Sequence[ProviderTransfer]] = field(default_factory=dict)
    limits: AuditLimits = field(default_factory=AuditLimits)


async def audit(
    connection: Connection,
    *,
    now: datetime,
    gateway_journals: Mapping[str, Iterable[GatewayCharge]],
    provider_journals: Mapping[str, Sequence[ProviderTransfer]] = MappingProxyType({}),
    limits: AuditLimits = AuditLimits(),
) -> list[Finding]:
    """Check everything over one connection, one question after the other; see `audit_over`."""
    return await audit_over(
        (connection,),
        told=AuditInput(
            now=now,
            gateway_journals=gateway_journals,
            provider_journals=provider_journals,
            limits=limits,
        ),
    )


async def audit_over(
    connections: Sequence[Connection], *, told: AuditInput, watch: Watch = nullcontext
) -> list[Finding]:
    """Check everything; gives the invariants that are broken, none when all is well; see `look`."""
    return (await look(connections, told=told, watch=watch)).listed()


async def look(
    connections: Sequence[Connection], *, told: AuditInput, watch: Watch = nullcontext
) -> Look:
    """Check everything, and keep apart what only journals say.

    The connections ask at once, each the next question that nobody has asked, and must share one
    snapshot: repeatable-read transactions, which may be read-only and may run while the market
    does. `watch` surrounds every question. The sandbox's settlement to a bank isn't played, so
    its clearing account never returns to zero and isn't counted as stuck.
    """
    journals = list(_of_journals(told))
    rows: defaultdict[int, list[Offence]] = defaultdict(list)
    # The longest first, so that nobody waits for one at the end.
    longest: list[tuple[int, Step]] = [
        (4, partial(_tampered, rows=rows)),
        (6, partial(_misbooked_parts, rows=rows)),
        (11, _wrong_sums),
    ]
    others = sorted(_of_rows(told), key=lambda step: step[0] not in _LONG)
    steps = [*longest, *journals, *others]
    answers = await _ask(connections, steps, watch)
    apart = range(len(longest), len(longest) + len(journals))
    for place, (number, _) in enumerate(steps):
        if place not in apart:
            rows[number] += answers[place]
    return Look(rows, list(chain.from_iterable(answers[place] for place in apart)))


async def look_at_providers(
    connections: Sequence[Connection], *, told: AuditInput, watch: Watch = nullcontext
) -> list[Offence]:
    """Only what journals say otherwise than our rows, all of it; see `look`."""
    answers = await _ask(connections, list(_of_journals(told)), watch)
    return list(chain.from_iterable(answers))


async def _ask(
    connections: Sequence[Connection], steps: Sequence[tuple[int, Step]], watch: Watch
) -> list[list[Offence]]:
    answers: list[list[Offence]] = [[] for _ in steps]
    waiting = iter(enumerate(steps))

    async def ask(connection: Connection) -> None:
        for place, (number, step) in waiting:
            with watch(number):
                answers[place] = await step(connection)

    try:
        async with asyncio.TaskGroup() as group:
            for connection in connections:
                group.create_task(ask(connection))
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return answers


def _of_journals(told: AuditInput) -> Iterator[tuple[int, Step]]:
    for gateway, charges in told.gateway_journals.items():
        yield AT_PROVIDERS, partial(compare_charges, gateway=gateway, charges=charges)
    for provider, transfers in told.provider_journals.items():
        yield (
            AT_PROVIDERS,
            partial(audit_payouts.find_transfer_offences, provider=provider, transfers=transfers),
        )


def _of_rows(told: AuditInput) -> Iterator[tuple[int, Step]]:
    for number, query, arguments in _questions(told.now, told.limits):
        yield number, partial(_offences, query=query, arguments=arguments)
    yield 26, _changed_papers


async def _offences(
    connection: Connection, *, query: str, arguments: tuple[Any, ...]
) -> list[Offence]:
    return await money.find_offences(connection, query, *arguments)


async def _tampered(connection: Connection, *, rows: Mapping[int, list[Offence]]) -> list[Offence]:
    seen = await audit_journal.verify(connection, limit=ROWS_SHOWN)
    found = [Offence(each.row, each.problem) for each in seen.tampering]
    if seen.sums_are_doubted:
        rows[1].extend(await money.find_offences(connection, money.TRANSACTIONS_BALANCE))
        rows[2].extend(await money.find_offences(connection, money.LEDGER_BALANCES))
    if seen.writers_are_doubted:
        found += await money.find_offences(connection, money.JOINED_LATER)
    return found


async def _misbooked_parts(
    connection: Connection, *, rows: Mapping[int, list[Offence]]
) -> list[Offence]:
    """Two questions about the entries of each part; the other's answer goes to its own rows."""
    if not await audit_vouching.parts_are_doubted(connection):
        return []
    rows[3].extend(await money.find_offences(connection, money.PENDING_CACHED))
    return await money.find_offences(connection, money.ONE_OWNER)


async def _wrong_sums(connection: Connection) -> list[Offence]:
    if not await audit_vouching.sums_are_doubted(connection):
        return []
    return await money.find_offences(connection, market.PARTS_SUM_TO_ORDER)


async def _changed_papers(connection: Connection) -> list[Offence]:
    return [each async for each in _first(audit_papers.verify(connection), ROWS_SHOWN)]


Question: TypeAlias = tuple[int, str, tuple[Any, ...]]


def _questions(now: datetime, limits: AuditLimits) -> Iterator[Question]:
    yield from _of_the_books()
    yield from _of_the_market(now, limits)


def _of_the_books() -> Iterator[Question]:
    yield 3, money.GUARDED_BALANCES_CACHED, ()
    yield 3, money.ROLLUPS_CACHED, ()
    yield 3, audit_disputes.FROZEN_IS_ENTRIES, ()
    yield 3, audit_disputes.OPEN_CASES_COUNTED, ()
    yield 3, audit_balances.RESERVE_IS_HOLDS, ()
    yield 3, audit_balances.HOLDS_AS_BOOKED, ()
    yield 3, audit_balances.HOLDS_GIVE, ()
    yield 4, money.JOURNAL_GUARDED, (list(JOURNALS),)
    yield 4, money.SEALED_WITHOUT_GAPS, ()
    yield 5, money.GUARDED_NOT_NEGATIVE, ()
    yield 6, audit_stored_value.HELD_FOR_ORDERS, ()
    yield 7, money.CLEARING_MATCHES_PAYMENTS, ()
    yield 7, audit_disputes.TAKEN_BACK_IS_ENTRIES, ()
    yield 6, audit_offline.RECEIPTS_WAIT, ()
    yield 6, audit_offline.CASH_IS_BOOKED, ()
    yield 7, audit_offline.RECEIPTS_PAY, ()
    yield 8, money.PAID_MEANS_CAPTURED, ()
    yield 8, audit_offline.CASH_FOLLOWS_PARTS, ()
    yield 8, audit_stored_value.SPENT_IS_SOLD, ()
    yield 8, audit_stored_value.SOLD_IS_PAID, ()
    yield 8, audit_stored_value.MOVED_IS_BOOKED, ()
    yield 8, audit_stored_value.RELEASED_IS_BOOKED, ()
    yield 9, money.CAPTURED_ONCE, ()
    yield 8, audit_captures.COUNTED, ()
    yield 9, audit_captures.TAKEN_ONCE, ()
    yield 10, money.REFUNDS_WITHIN_CAPTURED, ()
    yield 12, money.SHOWN_IS_BOOKED, ()
    yield 12, audit_captures.CALLED_OFF, ()
    yield 13, audit_payouts.LEGS_MATCH, ()
    yield 13, audit_payouts.CLAIMS_SUM, ()
    yield 13, audit_payouts.CLAIMED_ONCE, ()
    yield 13, audit_payouts.BOOKED_AS_THEY_STAND, ()
    yield 13, audit_balances.FILES_ARE_THEIR_PAYOUTS, ()


def _of_the_market(now: datetime, limits: AuditLimits) -> Iterator[Question]:
    sources, targets = zip(*transition_pairs(), strict=True)
    case_sources, case_targets = zip(*DISPUTE_STATES.pairs(), strict=True)
    ladder = [status.value for status in OrderStatus if status is not OrderStatus.CANCELLED]
    yield 14, market.STOCK_CONSERVED, ()
    yield 15, market.HOLDS_RESOLVED, (now - limits.expired_hold,)
    yield 16, market.LINES_COVERED, ()
    yield 17, market.HISTORY_GAPLESS, ()
    yield 17, market.STEPS_ALLOWED, (list(sources), list(targets))
    yield 17, market.ORDER_STATUS_DERIVED, (ladder,)
    yield 17, audit_disputes.HISTORY_GAPLESS, (list(case_sources), list(case_targets))
    yield 18, market.CANCELLED_GIVES_BACK, (now - limits.cancelled_refund,)
    yield 18, audit_disputes.CASES_GIVE_AS_DECIDED, ()
    yield 19, market.LIMITS_HOLD, ()
    yield 19, audit_stored_value.SPENT_WITHIN_ISSUED, ()
    yield 20, market.NOTHING_UNKNOWN, (now - limits.unknown,)
    yield 20, audit_captures.NOTHING_LEFT_OPEN, (now - limits.unknown,)
    yield 20, audit_payouts.NOTHING_UNKNOWN, (now - limits.unknown,)
    yield 20, audit_disputes.NOTHING_LATE, (now - limits.late_case,)
    yield 21, market.OUTBOX_IN_ORDER, ()
    yield 22, market.ONE_SELLER, ()
    yield 22, audit_payouts.ONE_SELLER, ()
    yield 23, market.NOTHING_IN_CLEAR, ()
    yield 23, audit_payouts.NOTHING_IN_CLEAR, ()
    yield 23, audit_stored_value.NOTHING_IN_CLEAR, ()
    yield 23, audit_offline.NOTHING_IN_CLEAR, ()
    yield 24, audit_transit.NOTHING_STUCK, (now - limits.in_transit,)
    yield 24, audit_disputes.NOTHING_STUCK, (now - limits.chargeback,)
    yield 23, audit_balances.NOTHING_IN_CLEAR, ()
    yield 24, audit_balances.NOTHING_LATE, (now - limits.late_reserve,)
    yield 25, market.CARDS_TRUE, (now - limits.late_card,)
    yield 26, audit_documents.NUMBERED_WITHOUT_GAPS, ()
    yield 26, audit_documents.INVOICES_AS_BOOKED, ()
    yield 26, audit_documents.CREDIT_NOTES_AS_BOOKED, ()
    yield 26, audit_documents.STATEMENTS_CHAIN, ()
    yield 27, audit_balances.TWO_PEOPLE, ()


async def _first(found: AsyncIterator[T], limit: int) -> AsyncIterator[T]:
    count = 0
    async for each in found:
        yield each
        count += 1
        if count == limit:
            return
