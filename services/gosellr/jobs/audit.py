"""The audit of a whole market, also while it runs: gateways' journals, then one snapshot."""

from collections.abc import Mapping
from contextlib import nullcontext
from datetime import datetime, timedelta
from types import MappingProxyType
from uuid import UUID

import structlog

from gosellr.core.db import Database
from gosellr.core.transact import ask, snapshot, transact
from gosellr.integrations.payments.journal_port import JournalUnread, KeepsJournal
from gosellr.integrations.payments.port import PaymentGateway
from gosellr.integrations.payments.sandbox import SandboxGateway
from gosellr.integrations.payouts.port import PayoutProvider
from gosellr.integrations.payouts.sandbox import SandboxPayouts
from gosellr.resources import Resources
from gosellr.services import work_queue_service
from gosellr.services.audit_service import (
    NAMES,
    AuditInput,
    Finding,
    GatewayCharge,
    Offence,
    ProviderTransfer,
    Watch,
    audit_over,
)
from gosellr.services.work_queue_service import AuditResult

_log = structlog.get_logger("gosellr.audit")

_PAGE = 1_000
# When few buy, in UTC; an audit takes a processor for a while.
_AT_HOUR = 3
_ONCE_IN = timedelta(hours=20)
# So many rows of each broken invariant stand in the log; the command has them all.
_TOLD_ROWS = 5
# A file on this machine gives more at a time than a provider's API.
_SANDBOX_PAGE = 10_000
_NONE: Mapping[str, PayoutProvider] = MappingProxyType({})
_GATEWAY_INVARIANT = 7


async def audit_market(
    db: Database,
    *,
    gateways: Mapping[str, PaymentGateway],
    payout_providers: Mapping[str, PayoutProvider] = _NONE,
    now: datetime,
    connections: int = 1,
    watch: Watch = nullcontext,
) -> list[Finding]:
    """Everything that is wrong with a market; nothing when all is well.

    So many `connections` of the database ask at once. `watch` surrounds each question by the
    number of its invariant; 0 is the reading of the journals.

    A payment or payout that settles between the reading of its journal and the snapshot looks
    like a difference once, and never twice: what two looks agree on is real.
    """
    found = await _look(
        db, gateways, payout_providers, now=now, connections=connections, watch=watch
    )
    if all(finding.number != _GATEWAY_INVARIANT for finding in found):
        return found
    second = await _look(
        db, gateways, payout_providers, now=now, connections=connections, watch=watch
    )
    again = {row.row for one in second for row in one.rows}
    lasting = [
        Finding(one.number, one.name, tuple(row for row in one.rows if row.row in again))
        if one.number == _GATEWAY_INVARIANT
        else one
        for one in found
    ]
    return [one for one in lasting if one.rows]


async def audit_and_remember(
    db: Database,
    *,
    gateways: Mapping[str, PaymentGateway],
    payout_providers: Mapping[str, PayoutProvider] = _NONE,
    now: datetime,
    connections: int = 1,
    watch: Watch = nullcontext,
    tells: bool = False,
) -> list[Finding]:
    """The same, kept for whoever asks what the last audit said; told as a fact where `tells`."""
    found = await audit_market(
        db,
        gateways=gateways,
        payout_providers=payout_providers,
        now=now,
        connections=connections,
        watch=watch,
    )
    result = AuditResult(at=now, findings={one.name: len(one.rows) for one in found})
    await transact(db, work_queue_service.remember_audit, result=result, tells=tells)
    return found


async def audit_nightly(resources: Resources) -> None:
    """Audit this market once a night, keep what was found, and cry out if anything was."""
    now = resources.clock.now()
    last = await ask(resources.db, work_queue_service.last_audit)
    if now.hour != _AT_HOUR or (last is not None and now - last.at < _ONCE_IN):
        return
    found = await audit_and_remember(
        resources.db,
        gateways=resources.gateways,
        payout_providers=resources.payout_providers,
        now=now,
        tells=True,
    )
    for finding in found:
        _log.error(
            "invariant broken",
            number=finding.number,
            must_hold=finding.name,
            rows=len(finding.rows),
            first=[f"{row.row} {row.problem}" for row in finding.rows[:_TOLD_ROWS]],
        )


async def _look(
    db: Database,
    gateways: Mapping[str, PaymentGateway],
    providers: Mapping[str, PayoutProvider],
    *,
    now: datetime,
    connections: int,
    watch: Watch,
) -> list[Finding]:
    with watch(0):
        journals, unread = await read_journals(gateways)
        transfers = {
            name: await _transfers(provider)
            for name, provider in providers.items()
            if isinstance(provider, SandboxPayouts)
        }
    told = AuditInput(now=now, gateway_journals=journals, provider_journals=transfers)
    found = await snapshot(
        db, lambda shared: audit_over(shared, told=told, watch=watch), connections=connections
    )
    return _with_unread(found, unread)


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
    others = [one for one in found if one.number != _GATEWAY_INVARIANT]
    known = [row for one in found if one.number == _GATEWAY_INVARIANT for row in one.rows]
    told = Finding(_GATEWAY_INVARIANT, NAMES[_GATEWAY_INVARIANT], (*unread, *known))
    return sorted([*others, told], key=lambda one: one.number)


async def _sandbox_charges(gateway: SandboxGateway) -> list[GatewayCharge]:
    taken_back = await gateway.disputes.taken_back()
    charges: list[GatewayCharge] = []
    after = ""
    while page := await gateway.disputes.charges(after=after, limit=_SANDBOX_PAGE):
        charges += [
            GatewayCharge(
                attempt_id, currency, captured, refunded, fee, taken_back.get(attempt_id, 0)
            )
            for _, attempt_id, currency, captured, refunded, fee in page
        ]
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
