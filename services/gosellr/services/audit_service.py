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
from dataclasses import field
from datetime import datetime
from functools import partial
from itertools import chain
from types import MappingProxyType
from typing import Any, Final, TypeAlias, TypeVar

from gosellr.core.db import Connection
from gosellr.queries import audit as money
from gosellr.queries import audit_market as market
from gosellr.queries import audit_payouts, audit_vouching
from gosellr.queries.audit import Offence
from gosellr.queries.audit_payouts import ProviderTransfer
from gosellr.services import audit_journal, audit_papers
from gosellr.services.audit_providers import GatewayCharge, compare_charges
from gosellr.services.audit_questions import USUAL_LIMITS, AuditLimits, questions
from gosellr.utils.lazy_dataclasses import dataclass

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
    limits: AuditLimits = USUAL_LIMITS,
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
    does. `watch` surrounds every question.
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
    for number, query, arguments in questions(told.now, told.limits):
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


async def _first(found: AsyncIterator[T], limit: int) -> AsyncIterator[T]:
    count = 0
    async for each in found:
        yield each
        count += 1
        if count == limit:
            return
