"""The audit of a whole market, also while it runs: gateways' journals, then one snapshot."""

from collections.abc import Awaitable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import field, fields
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Protocol, TypeVar
from uuid import UUID

import structlog

from gosellr.core.db import Connection, Database
from gosellr.core.transact import ask, snapshot, transact
from gosellr.integrations.payments.journal_port import JournalUnread, KeepsJournal
from gosellr.integrations.payments.port import PaymentGateway
from gosellr.integrations.payments.sandbox import SandboxGateway
from gosellr.integrations.payouts.port import PayoutProvider
from gosellr.integrations.payouts.sandbox import SandboxPayouts
from gosellr.resources import Resources
from gosellr.services import past_service, work_queue_service
from gosellr.services.audit_questions import USUAL_LIMITS
from gosellr.services.audit_service import (
    AT_PROVIDERS,
    NAMES,
    AuditInput,
    AuditLimits,
    Finding,
    GatewayCharge,
    Offence,
    ProviderTransfer,
    Watch,
    look_at_providers,
)
from gosellr.services.audit_service import look as audit_look
from gosellr.services.work_queue_service import AuditResult
from gosellr.utils.lazy_dataclasses import dataclass, replace

T = TypeVar("T", covariant=True)  # noqa: PLC0105

_log = structlog.get_logger("gosellr.audit")

_PAGE = 1_000
# So many rows of each broken invariant stand in the log; the command has them all.
_TOLD_ROWS = 5
# A file on this machine gives more at a time than a provider's API.
_SANDBOX_PAGE = 10_000
_NONE: Mapping[str, PayoutProvider] = MappingProxyType({})
# Each takes as long as the journals do; only a market in full swing needs more than two.
_LOOKS_AGAIN = 6
_NEVER = timedelta(days=1_000)
_NEVER_LATE = AuditLimits(**{limit.name: _NEVER for limit in fields(AuditLimits)})


class _Question(Protocol[T]):
    """What is asked over one snapshot."""

    def __call__(
        self, connections: Sequence[Connection], *, told: AuditInput, watch: Watch
    ) -> Awaitable[T]: ...


async def audit_market(
    db: Database,
    *,
    gateways: Mapping[str, PaymentGateway],
    payout_providers: Mapping[str, PayoutProvider] = _NONE,
    now: datetime,
    connections: int = 1,
    watch: Watch = nullcontext,
    settled_within: timedelta = USUAL_LIMITS.settlement,
) -> list[Finding]:
    """Everything that is wrong with a market; nothing when all is well.

    So many `connections` of the database ask at once. `watch` surrounds each question by the
    number of its invariant; 0 is the reading of the journals. What a gateway holds has to be
    settled within `settled_within`.

    A payment or payout that settles between the reading of its journal and the snapshot looks
    like a difference once, so journals are looked at again until nothing moves: what looks agree
    on is real.
    """
    limits = replace(USUAL_LIMITS, settlement=settled_within)
    audited = _Audited(db, gateways, payout_providers, now, connections, watch, limits)
    seen = await audited.look(audit_look)
    if seen.at_providers:
        seen = replace(seen, at_providers=await _lasting(audited, seen.at_providers))
    return _with_unread(seen.listed(), audited.unread)


async def _lasting(audited: "_Audited", seen: Sequence[Offence]) -> list[Offence]:
    """What stays of these differences, each as it looked last."""
    lasting = list(seen)
    for _ in range(_LOOKS_AGAIN):
        again = await audited.look(look_at_providers)
        if set(lasting) <= set(again):
            break
        rows = {one.row for one in lasting}
        lasting = [one for one in again if one.row in rows]
    return lasting


async def audit_and_remember(
    db: Database,
    *,
    gateways: Mapping[str, PaymentGateway],
    payout_providers: Mapping[str, PayoutProvider] = _NONE,
    now: datetime,
    connections: int = 1,
    watch: Watch = nullcontext,
    tells: bool = False,
    settled_within: timedelta = USUAL_LIMITS.settlement,
) -> list[Finding]:
    """The same, kept for whoever asks what the last audit said; told as a fact where `tells`."""
    found = await audit_market(
        db,
        gateways=gateways,
        payout_providers=payout_providers,
        now=now,
        connections=connections,
        watch=watch,
        settled_within=settled_within,
    )
    result = AuditResult(at=now, findings={one.name: len(one.rows) for one in found})
    await transact(db, work_queue_service.remember_audit, result=result, tells=tells)
    return found


async def audit_nightly(resources: Resources) -> None:
    """Audit this market once a night, keep what was found, and cry out if anything was.

    A night that was missed is made up for at once. A market that was never audited waits for its
    first night.
    """
    now = resources.clock.now()
    last = await ask(resources.db, work_queue_service.last_audit)
    hour = resources.settings.audit_hour
    began = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    if now < began:
        began -= timedelta(days=1)
    if (last is None and now.hour == hour) or (last is not None and last.at < began):
        await audit_aloud(resources, now=now)


async def audit_aloud(resources: Resources, *, now: datetime) -> None:
    """Audit this market, keep what was found, and cry out which rows break what if any do."""
    found = await audit_and_remember(
        resources.db,
        gateways=resources.gateways,
        payout_providers=resources.payout_providers,
        now=now,
        tells=True,
        settled_within=timedelta(days=resources.settings.settlement_days),
    )
    for finding in found:
        _log.error(
            "invariant broken",
            number=finding.number,
            must_hold=finding.name,
            rows=len(finding.rows),
            first=[f"{row.row} {row.problem}" for row in finding.rows[:_TOLD_ROWS]],
        )


@dataclass(slots=True)
class _Audited:
    """A market, to be looked at once or several times."""

    db: Database
    gateways: Mapping[str, PaymentGateway]
    providers: Mapping[str, PayoutProvider]
    now: datetime
    connections: int
    watch: Watch
    limits: AuditLimits
    unread: list[Offence] = field(default_factory=list)

    async def look(self, question: _Question[T]) -> T:
        """Read the journals, then ask over one snapshot."""
        with self.watch(0):
            journals, self.unread = await read_journals(self.gateways)
            transfers = {
                name: await _transfers(provider)
                for name, provider in self.providers.items()
                if isinstance(provider, SandboxPayouts)
            }

        async def ask_all(shared: Sequence[Connection]) -> T:
            is_past = await past_service.is_being_written(shared[0], now=self.now)
            told = AuditInput(
                now=self.now,
                gateway_journals=journals,
                provider_journals=transfers,
                limits=_NEVER_LATE if is_past else self.limits,
            )
            return await question(shared, told=told, watch=self.watch)

        return await snapshot(self.db, ask_all, connections=self.connections)


async def read_journals(
    gateways: Mapping[str, PaymentGateway],
) -> tuple[dict[str, list[GatewayCharge]], list[Offence]]:
    """What every gateway that keeps a journal has, and whose journal can't be read now."""
    journals: dict[str, list[GatewayCharge]] = {}
    unread: list[Offence] = []
    for name, gateway in gateways.items():
        if isinstance(gateway, SandboxGateway | KeepsJournal):
            try:
                journals[name] = await _charges(gateway)
            except JournalUnread as error:
                unread.append(Offence(f"gateway {name}", str(error)))
    return journals, unread


def _with_unread(found: list[Finding], unread: list[Offence]) -> list[Finding]:
    """A journal that nobody could read proves nothing, and that is a finding too."""
    if not unread:
        return found
    others = [one for one in found if one.number != AT_PROVIDERS]
    known = [row for one in found if one.number == AT_PROVIDERS for row in one.rows]
    told = Finding(AT_PROVIDERS, NAMES[AT_PROVIDERS], (*unread, *known))
    return sorted([*others, told], key=lambda one: one.number)


async def _sandbox_charges(gateway: SandboxGateway) -> list[GatewayCharge]:
    taken_back = await gateway.disputes.taken_back()
    charges: list[GatewayCharge] = []
    after = ""
    while page := await gateway.disputes.charges(after=after, limit=_SANDBOX_PAGE):
        charges += [GatewayCharge(*row, taken_back.get(row[0], 0)) for row in page]
        after = page[-1][0]
    return charges


async def _charges(gateway: SandboxGateway | KeepsJournal) -> list[GatewayCharge]:
    if isinstance(gateway, SandboxGateway):
        return await _sandbox_charges(gateway)
    charges: list[GatewayCharge] = []
    after = ""
    while page := await gateway.journal(after_reference=after, limit=_PAGE):
        charges += [
            GatewayCharge(
                attempt_id=charge.attempt_id,
                currency=charge.currency,
                captured_minor=charge.captured_minor,
                refunded_minor=charge.refunded_minor,
                fee_minor=charge.fee_minor,
            )
            for charge in page
        ]
        after = page[-1].gateway_reference
    return charges


async def _transfers(provider: SandboxPayouts) -> list[ProviderTransfer]:
    transfers: list[ProviderTransfer] = []
    after = ""
    while page := await provider.journal(after=after, limit=_PAGE):
        transfers += [
            ProviderTransfer(
                UUID(one.transfer_id), one.amount_minor or 0, one.currency or "", one.outcome.value
            )
            for one in page
        ]
        after = page[-1].transfer_id
    return transfers
