"""Chargebacks: heard of, asked after at the gateway, and answered with what the sellers say."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from itertools import zip_longest
from uuid import UUID

from gosellr.core.transact import ask, transact
from gosellr.flows.disputes import DisputePowers
from gosellr.flows.one_by_one import NoAnswer, Sweep, one_by_one
from gosellr.flows.refunds import RefundPowers
from gosellr.integrations.payments.port import (
    DisputeEvidence,
    DisputingGateway,
    EvidenceFile,
    GatewayDispute,
    Outcome,
)
from gosellr.integrations.payments.report_port import AcceptsClaims, TellsDisputes
from gosellr.models.dispute_values import (
    Chargeback,
    DisputeFolder,
    ListedChargeback,
    ReportedChargeback,
)
from gosellr.services import (
    chargeback_cases,
    chargeback_fees,
    chargeback_service,
    dispute_questions,
    reconciliation_service,
)
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.permissions import Role
from gosellr.utils.viewer import Viewer

# What a bank reads of it at most.
STATEMENT_LENGTH_MAX = 20_000
FILES_MAX = 8
_BETWEEN = "\n\n"

_MARKET = Viewer(roles=frozenset({Role.SUPPORT}))
_TAKEN = {
    Outcome.ACCEPTED: True,
    Outcome.DECLINED: False,
    Outcome.NOT_FOUND: False,
    Outcome.REFUSED: True,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputedPayment:
    """A payment of which a gateway has told something."""

    payment_id: UUID
    method: str
    gateway_reference: str | None


async def hear(powers: RefundPowers, *, payment: DisputedPayment) -> int:
    """A gateway told of a chargeback: ask it how all of that payment stand, and write it down;
    gives for how many that was news.

    Raises:
        NoAnswer: it was silent, or can't be asked; nothing was changed.
    """
    gateway = powers.gateways.get(payment.method)
    if not isinstance(gateway, DisputingGateway):
        raise NoAnswer(f"{payment.method} can't be asked about disputes")
    found = await gateway.disputes_of(
        attempt_id=str(payment.payment_id), gateway_reference=payment.gateway_reference
    )
    if found is None:
        raise NoAnswer(f"{payment.method} doesn't answer")
    changed = 0
    for one in found:
        changed += await transact(
            powers.db,
            chargeback_service.record,
            reported=_reported(payment, one),
            policy=powers.policy,
            now=powers.now(),
        )
    return changed


def _reported(payment: DisputedPayment, found: GatewayDispute) -> ReportedChargeback:
    return ReportedChargeback(
        payment_id=payment.payment_id,
        gateway=payment.method,
        gateway_reference=found.reference,
        amount_minor=found.amount_minor,
        currency=found.currency,
        fee_minor=found.fee_minor,
        reason=found.reason,
        status=found.state.value,
        evidence_due_at=found.evidence_due_at,
        opened_at=found.opened_at,
        stage=found.stage,
        charges=found.charges,
        fee_returned=found.fee_returned,
        is_withdrawn=found.is_withdrawn,
        kept_minor=found.kept_minor,
    )


async def send_due_evidence(powers: DisputePowers, *, limit: int = 50) -> int:
    """Hand in the evidence of chargebacks whose sellers have said all, or had their time; gives
    for how many."""

    async def send(chargeback: Chargeback) -> bool:
        await transact(
            powers.refunds.db,
            chargeback_cases.note_evidence,
            chargeback=chargeback,
            taken=await _handed_in(powers, chargeback),
            now=powers.refunds.now(),
        )
        return True

    db, now = powers.refunds.db, powers.refunds.now()
    sweep = Sweep(
        name="evidence",
        db=db,
        now=now,
        due=lambda: ask(db, dispute_questions.due_evidence, now=now, limit=limit),
        item=lambda one: str(one.id),
    )
    return await sweep.run(send, story="sending evidence")


async def _handed_in(powers: DisputePowers, chargeback: Chargeback) -> bool | None:
    """Whether the gateway took it; None where it didn't say. With nothing to say, nothing is."""
    gateway = powers.refunds.gateways.get(chargeback.gateway)
    folders = await ask(
        powers.refunds.db,
        dispute_questions.cases_of_chargeback,
        viewer=_MARKET,
        chargeback_id=chargeback.id,
    )
    speaking = [folder for folder in folders if not _conceded(folder)]
    if folders and not speaking and isinstance(gateway, AcceptsClaims):
        accepted = await gateway.accept_claim(reference=chargeback.gateway_reference)
        # Nothing was handed in; without an answer it is said again.
        return None if accepted is Outcome.UNKNOWN else False
    if not isinstance(gateway, DisputingGateway) or not speaking:
        return False
    parcels = [parcel for folder in speaking for parcel in folder.tracking]
    tracked = next((one for one in parcels if one["tracking_number"]), None)
    outcome = await gateway.submit_evidence(
        DisputeEvidence(
            evidence_id=str(chargeback.id),
            reference=chargeback.gateway_reference,
            statement=_statement(speaking),
            carrier=None if tracked is None else tracked["carrier"],
            tracking_number=None if tracked is None else tracked["tracking_number"],
            files=await _files(powers, speaking),
        )
    )
    return _TAKEN.get(outcome)


def _conceded(folder: DisputeFolder) -> bool:
    return any(event.data.get("conceded") for event in folder.events)


def _statement(folders: Sequence[DisputeFolder]) -> str:
    """What every seller says, one after the other; the longest is cut first where it is too much,
    so that nobody's words or parcels push another's out."""
    left = STATEMENT_LENGTH_MAX - len(_BETWEEN) * (len(folders) - 1)
    told: dict[UUID, str] = {}
    for waiting, folder in zip(
        range(len(folders), 0, -1),
        sorted(folders, key=lambda one: len(_told_by(one, length_max=STATEMENT_LENGTH_MAX))),
        strict=True,
    ):
        told[folder.dispute.id] = _told_by(folder, length_max=left // waiting)
        left -= len(told[folder.dispute.id])
    return _BETWEEN.join(told[folder.dispute.id] for folder in folders)


def _told_by(folder: DisputeFolder, *, length_max: int) -> str:
    """A seller's words, as far as its parcels leave room for them."""
    said = _BETWEEN.join(
        message.body for message in folder.messages if message.author in {"seller", "operator"}
    )
    sent = _BETWEEN.join(
        f"Parcel by {parcel['carrier']}, {parcel['tracking_number'] or 'without a number'}:"
        f" {parcel['status']}, shipped {parcel['shipped_at']},"
        f" delivered {parcel['delivered_at'] or 'not yet'}"
        for parcel in folder.tracking
    )[:length_max]
    room = max(0, length_max - len(sent) - len(_BETWEEN)) if sent else length_max
    return _BETWEEN.join(part for part in (said[:room], sent) if part)


async def _files(
    powers: DisputePowers, folders: Sequence[DisputeFolder]
) -> tuple[EvidenceFile, ...]:
    """A file of each seller's in turn, as many as there is room for."""
    found = []
    turns = zip_longest(*(folder.files for folder in folders))
    for file in [one for turn in turns for one in turn if one is not None][:FILES_MAX]:
        opened = await powers.files.open(file.storage_key)
        if opened is not None:
            with opened:
                content = await asyncio.to_thread(opened.read)
            found.append(
                EvidenceFile(name=file.name, content_type=file.content_type, content=content)
            )
    return tuple(found)


async def find_unheard(powers: RefundPowers, *, since: datetime) -> int:
    """Ask every gateway for the chargebacks opened since, and after those that stand otherwise
    there than here; gives for how many of them that was news.

    A report that was lost is made up for by this, without anybody's doing.
    """

    async def find(name: str) -> int:
        gateway = powers.gateways[name]
        listed = None
        if isinstance(gateway, TellsDisputes):
            listed = await gateway.disputed_since(since)
        if listed is None or not isinstance(gateway, TellsDisputes):
            raise NoAnswer(f"{name} doesn't list its disputes")
        standing = {
            one.reference: ListedChargeback(
                one.state.value, stage=one.stage, fee_minor=one.fee_minor
            )
            for one in listed
        }
        strange = await ask(
            powers.db, dispute_questions.chargebacks_otherwise, gateway=name, standing=standing
        )
        charges = dict.fromkeys(one.charge_reference for one in listed if one.reference in strange)
        return await one_by_one(
            list(charges),
            lambda charge: _hear_of_charge(powers, gateway, name, charge),
            story="asking after a chargeback",
        )

    telling = [name for name, one in powers.gateways.items() if isinstance(one, TellsDisputes)]
    return await one_by_one(telling, find, story="looking for chargebacks")


async def book_fees_told(powers: RefundPowers) -> int:
    """Book the fees that providers' movements tell and nobody else has; gives of how many
    chargebacks. What waited for them is matched with that."""

    async def book(chargeback_id: UUID) -> bool:
        return await transact(
            powers.db,
            chargeback_fees.book_told,
            chargeback_id=chargeback_id,
            policy=powers.policy,
            now=powers.now(),
        )

    booked = 0
    for name in powers.gateways:
        told = await ask(powers.db, chargeback_fees.told_apart, gateway=name)
        new = await one_by_one(told, book, story="booking a chargeback's fee")
        if new:
            await transact(
                powers.db, reconciliation_service.match_again, gateway=name, now=powers.now()
            )
        booked += new
    return booked


async def _hear_of_charge(
    powers: RefundPowers, gateway: TellsDisputes, name: str, charge: str
) -> int:
    attempt_id = await gateway.attempt_of(gateway_reference=charge)
    if attempt_id is None:
        raise NoAnswer(f"{name} doesn't say whose charge this is")
    try:
        payment_id = UUID(attempt_id)
    except ValueError:
        # Others may use the same account.
        return 0
    payment = DisputedPayment(payment_id=payment_id, method=name, gateway_reference=charge)
    return await hear(powers, payment=payment)
