"""What the sandbox gateway decides, inside one transaction of its journal."""

import sqlite3
from datetime import datetime, timedelta

from gosellr.integrations.payments import sandbox_store as store
from gosellr.integrations.payments.port import EventKind, Outcome, PaymentState
from gosellr.integrations.payments.sandbox_script import TOKENS, ChargeBehaviour, SandboxScript
from gosellr.integrations.payments.sandbox_store import (
    Charge,
    EventFacts,
    Movement,
    MovementKind,
)
from gosellr.utils.lazy_dataclasses import dataclass, replace

TERM = timedelta(days=7)
"""For so long money stays set aside."""

_OPEN_STATES = {PaymentState.ACTION_REQUIRED, PaymentState.AUTHORIZED}

Decision = tuple[Charge, Movement | None, EventFacts]


class KeyReused(Exception):
    """An idempotency key came back with another body; nothing was written."""


class ChargeMissing(Exception):
    """The journal has no such charge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxEngine:
    """The rules of the sandbox: fees, faults, and what may follow what."""

    fee_bps: int
    fee_fixed_minor: int
    script: SandboxScript

    def charge(self, file: sqlite3.Connection, new: Charge) -> tuple[Charge, bool]:
        """The charge on record, and whether this call put it there. Raises `KeyReused`."""
        known = store.find_charge(file, new.attempt_id)
        if known is not None:
            if not _same_request(known, new):
                raise KeyReused
            return known, False
        behaviour = TOKENS[new.token]
        if behaviour.charge is ChargeBehaviour.ASK_BUYER:
            decision: Decision = (new, None, _facts(new, EventKind.PAYMENT_ACTION_REQUIRED))
        elif behaviour.charge is ChargeBehaviour.DECLINE:
            decision = _declined(new, behaviour.decline_code)
        else:
            decision = self._approved(new, now=new.created_at)
        charge, movement, facts = decision
        store.insert_charge(file, charge)
        self._record(file, charge, movement, facts, now=new.created_at)
        return charge, True

    def complete(
        self, file: sqlite3.Connection, attempt_id: str, *, approve: bool, now: datetime
    ) -> Charge:
        """The buyer's answer; a finished charge stays as it is. Raises `ChargeMissing`."""
        charge = _existing(file, attempt_id)
        if charge.state is not PaymentState.ACTION_REQUIRED:
            return charge
        charge, movement, facts = (
            self._approved(charge, now=now)
            if approve
            else _declined(charge, "authentication_failed")
        )
        store.update_charge(file, charge)
        self._record(file, charge, movement, facts, now=now)
        return charge

    def capture(self, file: sqlite3.Connection, asked: Movement) -> tuple[Charge, Movement, bool]:
        """Takes authorised money, and whether this call did it. Raises `ChargeMissing` and
        `KeyReused`."""
        charge = _existing(file, asked.attempt_id)
        known = _known_movement(file, asked)
        if known is not None:
            return charge, known, False
        until = authorized_until(file, charge)
        code = _capture_objection(charge, asked, is_over=asked.occurred_at >= until)
        if code is not None:
            # The key remembers the refusal; no event, since the charge stands where it stood.
            done = replace(asked, outcome=Outcome.DECLINED, decline_code=code)
            self._record(file, charge, done, None, now=asked.occurred_at)
            return charge, done, True
        amount_minor = _taken_minor(charge, asked.amount_minor)
        done = replace(asked, amount_minor=amount_minor, fee_minor=self._fee_minor(amount_minor))
        charge = _captured(charge, done)
        store.update_charge(file, charge)
        self._record(file, charge, done, _movement_facts(done), now=asked.occurred_at)
        return charge, done, True

    def reauthorize(
        self, file: sqlite3.Connection, attempt_id: str, *, now: datetime
    ) -> tuple[Charge, datetime]:
        """Keeps money aside for another term, where the token lets it; gives until when it is.

        Raises `ChargeMissing`.
        """
        charge = _existing(file, attempt_id)
        until = authorized_until(file, charge)
        kept = charge.state is PaymentState.AUTHORIZED and now < until
        if kept and TOKENS[charge.token].reauthorizes:
            until = now + TERM
            store.extend(file, attempt_id, until)
        return charge, until

    def refund(self, file: sqlite3.Connection, asked: Movement) -> tuple[Charge, Movement, bool]:
        """Gives back, and whether this call did it. Raises `ChargeMissing` and `KeyReused`."""
        charge = _existing(file, asked.attempt_id)
        known = _known_movement(file, asked)
        if known is not None:
            return charge, known, False
        code = _refund_objection(charge, asked)
        if code is None:
            done = asked
            charge = replace(charge, refunded_minor=charge.refunded_minor + asked.amount_minor)
            store.update_charge(file, charge)
        else:
            done = replace(asked, outcome=Outcome.DECLINED, decline_code=code)
        self._record(file, charge, done, _movement_facts(done), now=asked.occurred_at)
        return charge, done, True

    def void(
        self, file: sqlite3.Connection, attempt_id: str, *, now: datetime
    ) -> tuple[Charge, Movement | None]:
        """Gives back what is authorised and not captured; None where nothing is left to give.

        Raises `ChargeMissing`.
        """
        charge = _existing(file, attempt_id)
        known = store.find_movement(file, MovementKind.VOID, attempt_id)
        if known is not None or charge.state not in _OPEN_STATES:
            return charge, known
        movement = Movement(
            kind=MovementKind.VOID,
            movement_id=attempt_id,
            attempt_id=attempt_id,
            outcome=Outcome.ACCEPTED,
            amount_minor=charge.amount_minor - charge.captured_minor,
            currency=charge.currency,
            occurred_at=now,
        )
        state = PaymentState.CAPTURED if charge.captured_minor else PaymentState.VOIDED
        charge = replace(charge, state=state)
        store.update_charge(file, charge)
        self._record(file, charge, movement, _movement_facts(movement), now=now)
        return charge, movement

    def _approved(self, charge: Charge, *, now: datetime) -> Decision:
        if not charge.capture:
            charge = replace(charge, state=PaymentState.AUTHORIZED)
            return charge, None, _facts(charge, EventKind.PAYMENT_AUTHORIZED)
        amount_minor = _taken_minor(charge, charge.amount_minor)
        movement = Movement(
            kind=MovementKind.CAPTURE,
            movement_id=charge.attempt_id,
            attempt_id=charge.attempt_id,
            outcome=Outcome.ACCEPTED,
            amount_minor=amount_minor,
            currency=charge.currency,
            fee_minor=self._fee_minor(amount_minor),
            occurred_at=now,
        )
        return _captured(charge, movement), movement, _movement_facts(movement)

    def _record(
        self,
        file: sqlite3.Connection,
        charge: Charge,
        movement: Movement | None,
        facts: EventFacts | None,
        *,
        now: datetime,
    ) -> None:
        if movement is not None:
            store.insert_movement(file, movement)
        if facts is not None:
            store.queue_event(file, charge=charge, facts=facts, script=self.script, occurred_at=now)

    def _fee_minor(self, amount_minor: int) -> int:
        """The share is rounded half-up; a fee never exceeds what it is taken from."""
        share_minor = (amount_minor * self.fee_bps + 5_000) // 10_000
        return min(share_minor + self.fee_fixed_minor, amount_minor)


def authorized_until(file: sqlite3.Connection, charge: Charge) -> datetime:
    """Until when the money of a charge is set aside, if it is."""
    return store.extended_until(file, charge.attempt_id) or charge.created_at + TERM


def _existing(file: sqlite3.Connection, attempt_id: str) -> Charge:
    charge = store.find_charge(file, attempt_id)
    if charge is None:
        raise ChargeMissing
    return charge


def _known_movement(file: sqlite3.Connection, asked: Movement) -> Movement | None:
    known = store.find_movement(file, asked.kind, asked.movement_id)
    if known is not None and (
        (known.attempt_id, known.amount_minor, known.currency, known.final)
        != (asked.attempt_id, asked.amount_minor, asked.currency, asked.final)
    ):
        raise KeyReused
    return known


def _same_request(known: Charge, new: Charge) -> bool:
    return (known.amount_minor, known.currency, known.token, known.reference, known.capture) == (
        new.amount_minor,
        new.currency,
        new.token,
        new.reference,
        new.capture,
    )


def _capture_objection(charge: Charge, asked: Movement, *, is_over: bool) -> str | None:
    if charge.state is not PaymentState.AUTHORIZED:
        return "not_authorized"
    if is_over:
        return "authorization_expired"
    if charge.currency != asked.currency:
        return "currency_mismatch"
    if asked.amount_minor > charge.amount_minor - charge.captured_minor:
        return "amount_exceeds_authorized"
    if not (asked.final or TOKENS[charge.token].captures_many):
        return "captured_once_only"
    return TOKENS[charge.token].capture_decline_code


def _taken_minor(charge: Charge, asked_minor: int) -> int:
    """What the gateway takes when it is asked for so much."""
    if TOKENS[charge.token].charge is ChargeBehaviour.CAPTURE_HALF:
        return (asked_minor + 1) // 2
    return asked_minor


def _refund_objection(charge: Charge, asked: Movement) -> str | None:
    if charge.currency != asked.currency:
        return "currency_mismatch"
    if asked.amount_minor > charge.captured_minor - charge.refunded_minor:
        return "amount_exceeds_captured"
    return TOKENS[charge.token].refund_decline_code


def _captured(charge: Charge, movement: Movement) -> Charge:
    """The charge after a capture; a final one closes it, and the rest goes back to the buyer."""
    captured_minor = charge.captured_minor + movement.amount_minor
    closed = movement.final or captured_minor == charge.amount_minor
    return replace(
        charge,
        state=PaymentState.CAPTURED if closed else PaymentState.AUTHORIZED,
        captured_minor=captured_minor,
        fee_minor=charge.fee_minor + movement.fee_minor,
    )


def _declined(charge: Charge, decline_code: str | None) -> Decision:
    charge = replace(charge, state=PaymentState.DECLINED, decline_code=decline_code)
    return charge, None, _facts(charge, EventKind.PAYMENT_DECLINED)


def _facts(charge: Charge, kind: EventKind) -> EventFacts:
    return EventFacts(
        kind=kind,
        movement_id=charge.attempt_id,
        amount_minor=charge.amount_minor,
        decline_code=charge.decline_code,
    )


def _movement_facts(movement: Movement) -> EventFacts:
    kind = {
        (MovementKind.CAPTURE, Outcome.ACCEPTED): EventKind.PAYMENT_CAPTURED,
        (MovementKind.VOID, Outcome.ACCEPTED): EventKind.PAYMENT_VOIDED,
        (MovementKind.REFUND, Outcome.ACCEPTED): EventKind.REFUND_SUCCEEDED,
        (MovementKind.REFUND, Outcome.DECLINED): EventKind.REFUND_FAILED,
    }[movement.kind, movement.outcome]
    return EventFacts(
        kind=kind,
        movement_id=movement.movement_id,
        amount_minor=movement.amount_minor,
        fee_minor=movement.fee_minor,
        decline_code=movement.decline_code,
    )
