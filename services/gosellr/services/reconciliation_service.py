"""Reconciliation: what providers say is imported once, matched, and what is left is explained.

Settlements to the bank are booked as they are told; nobody else tells of them. Everything else
only confirms what is booked already, or waits for a person.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from gosellr.core.identity import new_id
from gosellr.models.reconciliation_values import ImportedStatement, Movement, NewMovement
from gosellr.queries import chargeback_movements, reconciliation, reconciliation_subjects
from gosellr.queries.reconciliation import Judgement
from gosellr.queries.reconciliation_subjects import KnownSubject
from gosellr.services import ledger_service, movement_books
from gosellr.services.ledger_service import Booking
from gosellr.services.reconciliation_questions import find_movement
from gosellr.utils.lazy_dataclasses import replace
from gosellr.utils.movement_csv import ONLY_REFUNDS_RETURN_FEES
from gosellr.utils.offline import BANK_TRANSFER
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.postings import settlement
from gosellr.utils.reconciliation import (
    Clearing,
    MovementAmounts,
    MovementKind,
    MovementStatus,
    Resolution,
    Verdict,
    explained,
    judge_best,
    suspense_reverted,
    tolerance_minor,
)
from gosellr.utils.viewer import Viewer

MOVEMENTS_MAX = 5_000
# At most so many of a provider are held against the books at once; each of more has its turn.
OPEN_MAX = 20_000


class MovementContradicted(Conflict):
    """A provider's reference stands for something else already."""

    code = "movement_contradicted"
    title = "A movement of that name was imported with other figures"


class MovementNotOpen(Conflict):
    """Somebody else was quicker, or it was matched."""

    code = "movement_not_open"
    title = "This movement doesn't wait for that"


class PayoutsStopped(Conflict):
    """More is unexplained at the providers than the market tolerates."""

    code = "payouts_stopped"
    title = "Payouts wait until the provider's figures are explained"


async def import_movements(
    connection: Connection,
    *,
    gateway: str,
    source: str,
    movements: Sequence[NewMovement],
    imported_by: UUID | None,
    now: datetime,
) -> ImportedStatement:
    """Import a provider's movements, each once, and match all that wait of this provider.

    Raises:
        InvalidInput: a reference stands there twice, or a movement moves nothing.
        MovementContradicted: one was imported with other figures; then nothing is imported.
    """
    if len({one.reference for one in movements}) != len(movements):
        raise InvalidInput.at("movements", "reference_repeated", "A reference stands there twice")
    for index, one in enumerate(movements):
        if gateway == BANK_TRANSFER and one.kind in (MovementKind.CHARGE, MovementKind.REFUND):
            # Whoever only imported them would leave the orders that they pay unpaid.
            place = f"movements.{index}.kind"
            raise InvalidInput.at(place, "statement_needed", "Take these from a bank statement")
        if one.amount_minor == 0 and one.fee_minor == 0:
            place = f"movements.{index}.amount.amount"
            raise InvalidInput.at(place, "nothing_moved", "This movement moves nothing")
        if one.fee_minor < 0 and one.kind is not MovementKind.REFUND:
            place = f"movements.{index}.fee"
            raise InvalidInput.at(place, "fee_below_zero", ONLY_REFUNDS_RETURN_FEES)
    await reconciliation.take_gateway(connection, gateway=gateway)
    contradicted = await reconciliation.find_contradicted(
        connection, gateway=gateway, movements=movements
    )
    if contradicted is not None:
        raise MovementContradicted(extras={"reference": contradicted})
    statement_id = new_id()
    new_count = await reconciliation.insert(
        connection,
        statement_id=statement_id,
        gateway=gateway,
        source=source,
        movements=[(new_id(), one) for one in movements],
        imported_by=imported_by,
        now=now,
    )
    matched, waiting = await _match_open(connection, gateway=gateway, now=now)
    return ImportedStatement(
        id=statement_id,
        gateway=gateway,
        movements=len(movements),
        known=len(movements) - new_count,
        matched=matched,
        waiting=waiting,
    )


async def match_again(
    connection: Connection, *, gateway: str, now: datetime, limit: int = OPEN_MAX
) -> int:
    """Hold what waits of a provider against the books as they are now; gives how many matched."""
    await reconciliation.take_gateway(connection, gateway=gateway)
    matched, _ = await _match_open(connection, gateway=gateway, now=now, limit=limit)
    return matched


async def _match_open(
    connection: Connection, *, gateway: str, now: datetime, limit: int = OPEN_MAX
) -> tuple[int, int]:
    """Gives how many were matched, and how many wait after that."""
    waiting = await reconciliation.find_open(connection, gateway=gateway, limit=limit)
    subjects = await reconciliation_subjects.known_subjects(
        connection, gateway=gateway, movements=waiting
    )
    taken: set[UUID] = set()
    judgements, bookings = [], []
    for movement in waiting:
        subject, verdict = _best(movement, subjects.get(movement.id, ()), taken=taken)
        if verdict.is_matched:
            if subject is not None:
                taken.add(subject.subject_id)
            bookings += _at_once(movement, verdict, now=now)
        judgements.append(
            Judgement(
                movement_id=movement.id,
                status=MovementStatus.MATCHED if verdict.is_matched else MovementStatus.UNMATCHED,
                mismatch=verdict.mismatch,
                unexplained_minor=verdict.unexplained_minor,
                subject_id=None if subject is None else subject.subject_id,
            )
        )
    await reconciliation.write_judgements(connection, judgements, now=now)
    await ledger_service.book(connection, bookings=bookings, now=now)
    matched = sum(one.status is MovementStatus.MATCHED for one in judgements)
    matched += await _match_together(connection, gateway=gateway, now=now)
    return matched, await reconciliation.count_open(connection, gateway=gateway)


async def _match_together(connection: Connection, *, gateway: str, now: datetime) -> int:
    """Match what only together tells what the books have of a payment's chargebacks, and take out
    of suspense what of it waited there; gives how many are matched."""
    judgements, bookings = [], []
    for told in await chargeback_movements.told_together(connection, gateway=gateway):
        judgements += [_as_told(movement_id) for movement_id in told.waiting]
        for movement_id in told.suspended:
            movement = await _locked(connection, movement_id)
            draft = suspense_reverted(
                gateway=gateway,
                unexplained_minor=movement.unexplained_minor,
                currency=movement.currency,
            )
            bookings.append(
                movement_books.booking(movement, draft, actor=f"gateway:{gateway}", now=now)
            )
            if not await reconciliation.clear(
                connection, movement_id=movement_id, resolution=Clearing.CHARGEBACK, user_id=None,
                now=now,
            ):  # fmt: skip
                raise RuntimeError(f"movement {movement_id} was cleared under its lock")
    await reconciliation.write_judgements(connection, judgements, now=now)
    await ledger_service.book(connection, bookings=bookings, now=now)
    return len(judgements)


def _as_told(movement_id: UUID) -> Judgement:
    return Judgement(
        movement_id=movement_id, status=MovementStatus.MATCHED, mismatch=None, unexplained_minor=0,
        subject_id=None,
    )  # fmt: skip


def _best(
    movement: Movement, subjects: Sequence[KnownSubject], *, taken: Collection[UUID]
) -> tuple[KnownSubject | None, Verdict]:
    """What a movement is about, and how the two agree."""
    known = [
        replace(one.known, is_taken=one.known.is_taken or one.subject_id in taken)
        for one in subjects
    ]
    said = MovementAmounts(
        currency=movement.currency,
        amount_minor=movement.amount_minor,
        fee_minor=movement.fee_minor,
    )
    index, verdict = judge_best(movement.kind, said, known)
    return None if index is None else subjects[index], verdict


def _at_once(movement: Movement, verdict: Verdict, *, now: datetime) -> list[Booking]:
    """What nobody is asked about: what went to the bank, and a fee that came back with a refund."""
    gateway, draft = movement.gateway, None
    if movement.kind is MovementKind.SETTLEMENT:
        draft = settlement(
            gateway=gateway, amount_minor=-movement.amount_minor, currency=movement.currency
        )
    else:
        draft = explained(
            gateway=gateway, unexplained_minor=verdict.given_back_minor,
            currency=movement.currency, resolution=Resolution.FEE,
        )  # fmt: skip
    actor = f"gateway:{gateway}"
    return [] if draft is None else [movement_books.booking(movement, draft, actor=actor, now=now)]


async def resolve(
    connection: Connection,
    *,
    viewer: Viewer,
    movement_id: UUID,
    resolution: Resolution,
    note: str,
    policy: MarketPolicy,
    now: datetime,
) -> Movement:
    """Say what an unmatched movement is; above the tolerance a second person has to agree.

    Raises:
        NotFound: there is no such movement.
        InvalidInput: that contradicts the direction of the money.
        MovementNotOpen: it doesn't wait for that.
    """
    await movement_books.hold_order(connection, movement_id=movement_id)
    movement = await _locked(connection, movement_id)
    draft = movement_books.explanation(movement, resolution)
    if draft is None and resolution is Resolution.SUSPENSE:
        raise InvalidInput.at("resolution", "nothing_to_keep", "Nothing of it is unexplained")
    limit_minor = tolerance_minor(movement.currency, policy.reconciliation_tolerance)
    waits = abs(movement.unexplained_minor) > limit_minor
    done = await reconciliation.resolve(
        connection,
        movement_id=movement_id,
        status=MovementStatus.PROPOSED if waits else MovementStatus.RESOLVED,
        resolution=resolution,
        note=note,
        user_id=viewer.user_id,
        now=now,
    )
    if not done:
        raise MovementNotOpen
    if not waits:
        await movement_books.book_explained(
            connection, movement, resolution, viewer=viewer, now=now
        )
    return await find_movement(connection, movement_id=movement_id)


async def approve(
    connection: Connection, *, viewer: Viewer, movement_id: UUID, now: datetime
) -> Movement:
    """Let another's proposal stand, and book it.

    Raises:
        NotFound: there is no such movement.
        NotAllowed: it is the viewer's own proposal.
        MovementNotOpen: nothing is proposed.
    """
    await movement_books.hold_order(connection, movement_id=movement_id)
    movement = await find_movement(connection, movement_id=movement_id)
    done = await reconciliation.approve(connection, movement_id=movement_id, user_id=viewer.user_id)
    if not done:
        if movement.status is MovementStatus.PROPOSED and movement.resolved_by == viewer.user_id:
            raise NotAllowed("A second person has to agree")
        raise MovementNotOpen
    movement = await find_movement(connection, movement_id=movement_id)
    if movement.resolution is None:
        raise RuntimeError("what is resolved is resolved as something")
    await movement_books.book_explained(
        connection, movement, movement.resolution, viewer=viewer, now=now
    )
    return await find_movement(connection, movement_id=movement_id)


async def reject(connection: Connection, *, movement_id: UUID) -> Movement:
    """Drop a proposal; the movement waits again.

    Raises:
        NotFound: there is no such movement.
        MovementNotOpen: nothing is proposed.
    """
    await find_movement(connection, movement_id=movement_id)
    if not await reconciliation.reopen(connection, movement_id=movement_id):
        raise MovementNotOpen
    return await find_movement(connection, movement_id=movement_id)


async def clear_suspense(
    connection: Connection,
    *,
    viewer: Viewer,
    movement_id: UUID,
    resolution: Resolution,
    by_two: bool = False,
    now: datetime,
) -> Movement:
    """Say what it was that waited in suspense; suspense loses it. `by_two`: another one proposed
    what it was, so that whoever put it there may agree.

    Raises:
        NotFound: there is no such movement.
        NotAllowed: whoever put it into suspense can't take it out again alone.
        InvalidInput: that is no answer, or contradicts the direction of the money.
        MovementNotOpen: it doesn't wait in suspense.
    """
    await movement_books.hold_order(connection, movement_id=movement_id)
    movement = await _locked(connection, movement_id)
    own = movement.resolution is Resolution.SUSPENSE and movement.resolved_by == viewer.user_id
    if own and not by_two:
        raise NotAllowed("A second person has to say what it was")
    cleared_as, draft = await movement_books.taken_out(connection, movement, resolution)
    done = await reconciliation.clear(
        connection,
        movement_id=movement_id,
        resolution=cleared_as,
        user_id=viewer.user_id,
        now=now,
    )
    if not done:
        raise MovementNotOpen
    if draft is not None:
        booking = movement_books.booking(
            movement, draft, actor=movement_books.actor_of(viewer), now=now
        )
        await ledger_service.book(connection, bookings=[booking], now=now)
    return await find_movement(connection, movement_id=movement_id)


async def _locked(connection: Connection, movement_id: UUID) -> Movement:
    movement = await reconciliation.lock(connection, movement_id=movement_id)
    if movement is None:
        raise NotFound
    return movement


async def check_payouts(connection: Connection, *, currency: str, policy: MarketPolicy) -> None:
    """Whether money in this currency may leave.

    Raises:
        PayoutsStopped: more is unexplained than is tolerated.
    """
    left_minor = await reconciliation.unexplained_minor(connection, currency=currency)
    limit_minor = tolerance_minor(currency, policy.reconciliation_tolerance)
    if left_minor > limit_minor:
        raise PayoutsStopped(
            extras={
                "unexplained": {"amount": left_minor, "currency": currency},
                "tolerance": {"amount": limit_minor, "currency": currency},
            }
        )
