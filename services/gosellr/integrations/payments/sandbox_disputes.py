"""The sandbox's card network: it takes money back, hears the sellers, and decides as it is told.

A chargeback changes nothing of its charge: what was captured and refunded stays as it was, and
the journal says beside it what the network holds or has kept.
"""

import hashlib
import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import orjson

from gosellr.integrations.payments import sandbox_store as store
from gosellr.integrations.payments.port import (
    DisputeEvidence,
    DisputeState,
    EventKind,
    GatewayDispute,
    Outcome,
)
from gosellr.integrations.payments.report_port import DisputedCharge
from gosellr.integrations.payments.sandbox_script import SandboxScript
from gosellr.integrations.payments.sandbox_store import Charge, EventFacts, instant
from gosellr.integrations.sqlite_file import FileBusy, SqliteFile
from gosellr.utils.disputes import ChargebackStage

EVIDENCE_TIME = timedelta(days=10)

_EVENTS = {
    DisputeState.OPEN: EventKind.DISPUTE_OPENED,
    DisputeState.WON: EventKind.DISPUTE_WON,
    DisputeState.LOST: EventKind.DISPUTE_LOST,
}
_COLUMNS = (
    "dispute.reference, dispute.attempt_id, dispute.state, dispute.amount_minor, charge.currency,"
    " dispute.fee_minor, dispute.reason, dispute.evidence_due_at, dispute.opened_at"
)
_READ = f"SELECT {_COLUMNS} FROM dispute JOIN charge USING (attempt_id)"  # noqa: S608 - a constant


class NothingToDispute(ValueError):
    """The charge took no money, or less than that, or the dispute is none."""


class SandboxDisputes:
    """Opens and decides chargebacks, and answers what became of them."""

    def __init__(
        self, file: SqliteFile, *, script: SandboxScript, now: Callable[[], datetime]
    ) -> None:
        self._file = file
        self._script = script
        self._now = now

    async def open(
        self,
        *,
        attempt_id: str,
        amount_minor: int | None = None,
        reason: str = "fraudulent",
        fee_minor: int = 0,
    ) -> str:
        """The buyer's bank takes back all that it hasn't yet, or so much; gives its reference.

        Raises `NothingToDispute`.
        """
        now = self._now()
        return await self._file.write(
            lambda file: _open(
                file, attempt_id, amount_minor, reason, fee_minor, script=self._script, now=now
            )
        )

    async def charges(self, *, after: str, limit: int) -> list[store.ChargeAmounts]:
        """All charges in short, a page at a time by attempt, for whoever holds the whole journal
        and what `taken_back` says of it against books."""
        return await self._file.read(lambda file: store.amounts_after(file, after, limit))

    async def decide(self, *, reference: str, won: bool) -> DisputeState:
        """The bank decides, once; gives how it stands, which saying it again doesn't change.

        Raises `NothingToDispute`.
        """
        now = self._now()
        state = DisputeState.WON if won else DisputeState.LOST
        return await self._file.write(
            lambda file: _decide(file, reference, state, script=self._script, now=now)
        )

    async def reinstate(self, *, reference: str) -> DisputeState:
        """The bank gives back what it had kept; saying it again changes nothing.

        Raises `NothingToDispute` for one that isn't lost.
        """
        now = self._now()
        return await self._file.write(
            lambda file: _reinstate(file, reference, script=self._script, now=now)
        )

    async def of_charge(self, attempt_id: str) -> Sequence[GatewayDispute] | None:
        """See `DisputingGateway.disputes_of`."""
        try:
            return await self._file.read(lambda file: _of_charge(file, attempt_id))
        except FileBusy:
            return None

    async def since(self, moment: datetime) -> Sequence[DisputedCharge] | None:
        """See `TellsDisputes.disputed_since`."""
        try:
            return await self._file.read(lambda file: _since(file, moment))
        except FileBusy:
            return None

    async def attempt_of(self, gateway_reference: str) -> str | None:
        """See `DisputingGateway.attempt_of`."""
        try:
            return await self._file.read(lambda file: _attempt_of(file, gateway_reference))
        except FileBusy:
            return None

    async def submit(self, evidence: DisputeEvidence) -> Outcome:
        """See `DisputingGateway.submit_evidence`."""
        now = self._now()
        try:
            return await self._file.write(lambda file: _submit(file, evidence, now=now))
        except FileBusy:
            return Outcome.UNKNOWN

    async def evidence(self, *, reference: str) -> dict[str, object] | None:
        """What was handed in."""
        return await self._file.read(lambda file: _evidence(file, reference))

    async def taken_back(self) -> dict[str, int]:
        """What the network holds or has kept, by attempt."""
        return await self._file.read(_taken_back)


def _open(
    file: sqlite3.Connection,
    attempt_id: str,
    amount_minor: int | None,
    reason: str,
    fee_minor: int,
    *,
    script: SandboxScript,
    now: datetime,
) -> str:
    charge = store.find_charge(file, attempt_id)
    if charge is None:
        raise NothingToDispute(f"the journal has no charge {attempt_id}")
    if not charge.captured_minor:
        raise NothingToDispute(f"{attempt_id} took no money")
    held = sum(
        one.amount_minor
        for one in _of_charge(file, attempt_id)
        if one.state is not DisputeState.WON
    )
    left = charge.captured_minor - held
    taken = left if amount_minor is None else amount_minor
    if not 0 < taken <= left:
        raise NothingToDispute(f"{taken} isn't what {attempt_id} took and still has")
    count = file.execute(
        "SELECT count(*) FROM dispute WHERE attempt_id = ?", (attempt_id,)
    ).fetchone()[0]
    name = f"{attempt_id}\x1f{count}"
    reference = "sdp_" + hashlib.blake2s(name.encode(), digest_size=12).hexdigest()
    file.execute(
        "INSERT INTO dispute VALUES (?, ?, 'open', ?, ?, ?, NULL, ?, ?)",
        (
            reference, attempt_id, taken, fee_minor, reason, instant(now + EVIDENCE_TIME),
            instant(now),
        ),
    )  # fmt: skip
    _report(file, charge, reference, script=script, now=now)
    return reference


def _decide(
    file: sqlite3.Connection,
    reference: str,
    state: DisputeState,
    *,
    script: SandboxScript,
    now: datetime,
) -> DisputeState:
    known = _find(file, reference)
    if known is None:
        raise NothingToDispute(f"there is no dispute {reference}")
    if known.state is not DisputeState.OPEN:
        return known.state
    file.execute("UPDATE dispute SET state = ? WHERE reference = ?", (state, reference))
    charge = store.find_charge(file, known.attempt_id)
    if charge is not None:
        _report(file, charge, reference, script=script, now=now)
    return state


def _reinstate(
    file: sqlite3.Connection, reference: str, *, script: SandboxScript, now: datetime
) -> DisputeState:
    known = _find(file, reference)
    if known is None or known.state is DisputeState.OPEN:
        raise NothingToDispute(f"there is no lost dispute {reference}")
    if known.state is DisputeState.LOST:
        file.execute("UPDATE dispute SET state = 'won' WHERE reference = ?", (reference,))
        charge = store.find_charge(file, known.attempt_id)
        if charge is not None:
            _report(file, charge, reference, script=script, now=now)
    return DisputeState.WON


def _report(
    file: sqlite3.Connection,
    charge: Charge,
    reference: str,
    *,
    script: SandboxScript,
    now: datetime,
) -> None:
    dispute = _find(file, reference)
    if dispute is None:
        return
    if dispute.state is DisputeState.WON:
        file.execute("INSERT INTO given_back VALUES (?, ?)", (reference, instant(now)))
    facts = EventFacts(
        kind=_EVENTS[dispute.state],
        movement_id=reference,
        amount_minor=dispute.amount_minor,
        fee_minor=dispute.fee_minor if dispute.state is DisputeState.OPEN else 0,
        decline_code=dispute.reason,
    )
    store.queue_event(file, charge=charge, facts=facts, script=script, occurred_at=now)


def _submit(file: sqlite3.Connection, evidence: DisputeEvidence, *, now: datetime) -> Outcome:
    known = _find(file, evidence.reference)
    if known is None:
        return Outcome.NOT_FOUND
    stored = _evidence(file, evidence.reference)
    if stored is not None:
        same = stored["evidence_id"] == evidence.evidence_id
        return Outcome.ACCEPTED if same else Outcome.REFUSED
    late = known.evidence_due_at is not None and now > known.evidence_due_at
    if known.state is not DisputeState.OPEN or late:
        return Outcome.DECLINED
    said = {
        "evidence_id": evidence.evidence_id,
        "statement": evidence.statement,
        "carrier": evidence.carrier,
        "tracking_number": evidence.tracking_number,
        "files": [
            {"name": one.name, "content_type": one.content_type, "byte_size": len(one.content)}
            for one in evidence.files
        ],
    }
    file.execute(
        "UPDATE dispute SET evidence = ? WHERE reference = ?",
        (orjson.dumps(said).decode(), evidence.reference),
    )
    return Outcome.ACCEPTED


def _evidence(file: sqlite3.Connection, reference: str) -> dict[str, object] | None:
    row = file.execute("SELECT evidence FROM dispute WHERE reference = ?", (reference,)).fetchone()
    if row is None or row[0] is None:
        return None
    said: dict[str, object] = orjson.loads(row[0])
    return said


def _taken_back(file: sqlite3.Connection) -> dict[str, int]:
    rows = file.execute(
        "SELECT attempt_id, sum(amount_minor) FROM dispute WHERE state <> 'won' GROUP BY attempt_id"
    )
    return {row[0]: row[1] for row in rows}


def _find(file: sqlite3.Connection, reference: str) -> GatewayDispute | None:
    row = file.execute(f"{_READ} WHERE dispute.reference = ?", (reference,)).fetchone()
    return None if row is None else _dispute(row)


def _of_charge(file: sqlite3.Connection, attempt_id: str) -> list[GatewayDispute]:
    rows = file.execute(
        f"{_READ} WHERE dispute.attempt_id = ? ORDER BY dispute.opened_at, dispute.reference",
        (attempt_id,),
    )
    return [_dispute(row) for row in rows]


def _since(file: sqlite3.Connection, moment: datetime) -> list[DisputedCharge]:
    rows = file.execute(
        "SELECT dispute.reference, charge.gateway_reference, dispute.state"
        " FROM dispute JOIN charge USING (attempt_id) WHERE dispute.opened_at >= ?"
        " ORDER BY dispute.opened_at DESC, dispute.reference",
        (instant(moment),),
    )
    return [
        DisputedCharge(reference=reference, charge_reference=charge, state=DisputeState(state))
        for reference, charge, state in rows
    ]


def _attempt_of(file: sqlite3.Connection, gateway_reference: str) -> str:
    row = file.execute(
        "SELECT attempt_id FROM charge WHERE gateway_reference = ?", (gateway_reference,)
    ).fetchone()
    return "" if row is None else row[0]


def _dispute(row: tuple[str, str, str, int, str, int, str, str, str]) -> GatewayDispute:
    return GatewayDispute(
        reference=row[0],
        attempt_id=row[1],
        state=DisputeState(row[2]),
        amount_minor=row[3],
        currency=row[4],
        fee_minor=row[5],
        reason=row[6],
        evidence_due_at=datetime.fromisoformat(row[7]),
        opened_at=datetime.fromisoformat(row[8]),
        stage=ChargebackStage.CHARGEBACK,
        charges=(row[1],),
    )
