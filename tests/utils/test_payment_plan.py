"""The payment plan: whatever gateways answer, in any order, the money is all there or all back."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid5

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gosellr.utils.payment_plan import (
    DEAD,
    SENDS_MAX,
    Ask,
    AskKind,
    Attempt,
    live,
    next_asks,
    paying,
    to_return,
    under_way,
)
from gosellr.utils.states import PAYMENT_STATES, PaymentStatus

ROOM = UUID(int=7)
TOTAL = 2500
SPLITS = ((2500,), (2000, 500), (500, 2000), (1000, 1000, 500))
# What gift cards pay beside it.
VALUES = st.sampled_from((0, 0, 0, 1, 500, 2000, 2500))
ROUNDS = 6
# Even: dead before a round asks; odd: after it asked.
HALF_ROUNDS = st.integers(0, 8)
CHARGES = ("approve", "approve", "decline", "act", "half", "lost", "unheard")

P = PaymentStatus


def attempt(number: int, amount_minor: int, status: P, **more: object) -> Attempt:
    captured = amount_minor if status is P.CAPTURED else 0
    return Attempt(
        id=uuid5(ROOM, str(number)),
        amount_minor=amount_minor,
        status=status,
        **{"captured_minor": captured, **more},  # type: ignore[arg-type]
    )


def kinds(asks: list[Ask]) -> list[str]:
    return [one.kind.value for one in asks]


def test_one_tender_is_charged_at_once_and_several_are_authorised_first() -> None:
    alone = attempt(1, 2500, P.CREATED)
    asks = next_asks(wanted=True, total_minor=2500, attempts=[alone], fresh=[alone.id])
    assert kinds(asks) == ["charge"]
    both = [attempt(1, 2000, P.CREATED), attempt(2, 500, P.CREATED)]
    asks = next_asks(wanted=True, total_minor=2500, attempts=both, fresh=[one.id for one in both])
    assert kinds(asks) == ["authorize", "authorize"]


@pytest.mark.parametrize("status", [P.CREATED, P.UNKNOWN])
def test_what_may_have_been_sent_is_asked_after_first(status: P) -> None:
    asks = next_asks(wanted=True, total_minor=2500, attempts=[attempt(1, 2500, status)])
    assert kinds(asks) == ["lookup"]


def test_what_its_gateway_never_heard_of_is_sent_while_the_goods_are_held() -> None:
    alone = attempt(1, 2500, P.CREATED)

    def otherwise(*attempts: Attempt, **more: Any) -> list[AskKind | None]:
        asks = next_asks(**{"wanted": True, "total_minor": 2500, "attempts": attempts, **more})
        return [one.otherwise for one in asks if one.kind is AskKind.LOOKUP]

    assert otherwise(alone, may_send=True) == [AskKind.CHARGE]
    assert otherwise(attempt(1, 2500, P.UNKNOWN, sent_count=1), may_send=True) == [AskKind.CHARGE]
    parts = attempt(1, 2000, P.CREATED), attempt(2, 500, P.AUTHORIZED)
    assert otherwise(*parts, may_send=True) == [AskKind.AUTHORIZE]
    # Not after the hold, not for ever, not for an order that is over, paid, or can't be paid so.
    assert otherwise(alone) == [None]
    assert otherwise(alone, may_send=True, waiting_is_over=True) == [None]
    lost = attempt(1, 2500, P.UNKNOWN, sent_count=SENDS_MAX)
    assert otherwise(lost, may_send=True) == [None]
    assert otherwise(alone, may_send=True, wanted=False) == [None]
    paid = attempt(2, 2500, P.CAPTURED, tender=1)
    assert otherwise(alone, paid, may_send=True) == [None]
    hopeless = attempt(1, 2000, P.CREATED), attempt(2, 500, P.DECLINED)
    assert otherwise(*hopeless, may_send=True) == [None]


def test_a_cancelled_order_sends_nothing_and_calls_everything_back() -> None:
    attempts = [
        attempt(1, 500, P.CREATED),
        attempt(2, 1000, P.AUTHORIZED),
        attempt(3, 500, P.ACTION_REQUIRED),
        attempt(4, 500, P.CAPTURED),
    ]
    asks = next_asks(wanted=False, total_minor=2500, attempts=attempts, fresh=[attempts[0].id])
    assert kinds(asks) == ["lookup", "void", "void"]
    assert to_return(wanted=False, total_minor=2500, attempts=attempts) == [attempts[3]]


def test_money_that_comes_twice_pays_once_and_goes_back_once() -> None:
    first = attempt(1, 2500, P.CAPTURED)
    second = attempt(2, 2500, P.CAPTURED, tender=1)
    assert paying(total_minor=2500, attempts=[first, second]) == (first,)
    assert to_return(wanted=True, total_minor=2500, attempts=[first, second]) == [second]
    assert next_asks(wanted=True, total_minor=2500, attempts=[first, second]) == []


def test_an_authorised_part_is_never_captured_on_top_of_a_paid_total() -> None:
    attempts = [attempt(1, 2500, P.CAPTURED), attempt(2, 2500, P.AUTHORIZED, tender=1)]
    assert kinds(next_asks(wanted=True, total_minor=2500, attempts=attempts)) == ["void"]


def test_parts_that_can_t_make_up_the_total_are_called_back() -> None:
    attempts = [attempt(1, 2000, P.CAPTURED), attempt(2, 2000, P.AUTHORIZED)]
    assert kinds(next_asks(wanted=True, total_minor=2500, attempts=attempts)) == ["void"]
    assert to_return(wanted=True, total_minor=2500, attempts=attempts) == [attempts[0]]


@pytest.mark.case(27)
def test_case_27_a_short_capture_pays_for_nothing() -> None:
    short = attempt(1, 2500, P.CAPTURED, captured_minor=1250)
    assert paying(total_minor=2500, attempts=[short]) is None
    assert to_return(wanted=True, total_minor=2500, attempts=[short]) == [short]


@pytest.mark.parametrize(("status", "asked"), [(P.DECLINED, "lookup"), (P.EXPIRED, "void")])
def test_news_of_a_given_up_attempt_is_followed(status: P, asked: str) -> None:
    one = attempt(1, 2500, status)
    assert next_asks(wanted=True, total_minor=2500, attempts=[one]) == []
    asks = next_asks(wanted=True, total_minor=2500, attempts=[one], reported=[one.id])
    assert kinds(asks) == [asked]


def value(number: int, amount_minor: int, **more: object) -> Attempt:
    return attempt(number, amount_minor, P.AUTHORIZED, stored=True, **more)


def test_beside_value_that_is_set_aside_one_card_is_charged_at_once() -> None:
    card = attempt(2, 1500, P.CREATED)
    attempts = [value(1, 1000), card]
    asks = next_asks(wanted=True, total_minor=2500, attempts=attempts, fresh=[card.id])
    assert asks == [Ask(AskKind.CHARGE, card.id)]


def test_value_alone_asks_nobody_and_pays_at_once() -> None:
    attempts = [value(1, 2000), value(2, 500)]
    assert next_asks(wanted=True, total_minor=2500, attempts=attempts) == []
    assert paying(total_minor=2500, attempts=attempts) == tuple(attempts)
    assert under_way(total_minor=2500, attempts=attempts)


def test_value_waits_for_another_card_and_pays_beside_it() -> None:
    held, declined = value(1, 1000), attempt(2, 1500, P.DECLINED)
    assert not under_way(total_minor=2500, attempts=[held, declined])
    assert next_asks(wanted=True, total_minor=2500, attempts=[held, declined]) == []
    second = attempt(3, 1500, P.CAPTURED, tender=1)
    assert paying(total_minor=2500, attempts=[held, declined, second]) == (held, second)


def test_a_late_success_goes_back_once_more_value_was_set_aside_for_another_card() -> None:
    late = attempt(2, 1500, P.CAPTURED)
    attempts = [value(1, 1000), late, value(3, 500, tender=1)]
    assert paying(total_minor=2500, attempts=attempts) is None
    assert to_return(wanted=True, total_minor=2500, attempts=attempts) == [late]
    assert to_return(wanted=False, total_minor=2500, attempts=attempts) == [late]


def test_value_is_neither_called_back_nor_sent_back_by_a_gateway() -> None:
    attempts = [value(1, 1000), attempt(2, 1500, P.AUTHORIZED)]
    told = [one.id for one in attempts]
    asks = next_asks(wanted=False, total_minor=2500, attempts=attempts, reported=told)
    assert asks == [Ask(AskKind.VOID, attempts[1].id)]
    given_back = replace(attempts[0], status=P.VOIDED)
    assert next_asks(wanted=False, total_minor=2500, attempts=[given_back], reported=told) == []


@dataclass(slots=True)
class Charge:
    """What the gateway knows of an attempt."""

    state: P
    amount_minor: int
    capture: bool
    half: bool = False
    captured_minor: int = 0
    refunded_minor: int = 0


class Market(RuleBasedStateMachine):
    """An order, its attempts as written down, and a gateway that loses requests and answers,
    and takes what comes twice under one key once.

    The rules play buyers, gateways, crashes, reports and sweepers in any order. At the end
    everything is asked for once more, and the money has to be whole.
    """

    def __init__(self) -> None:
        super().__init__()
        self.attempts: list[Attempt] = []
        self.status = "pending"
        self.charges: dict[UUID, Charge] = {}
        self.under_way: dict[UUID, Charge] = {}
        self.sent: list[UUID] = []
        self.deaths = 0
        self.is_held = True
        self.reports: list[UUID] = []
        self.draw: Callable[[tuple[str, ...]], str] = lambda options: options[0]

    # What happens.

    @precondition(lambda self: self.status == "pending" and not self._is_under_way())
    @rule(data=st.data(), split=st.sampled_from(SPLITS), value=VALUES, dies=HALF_ROUNDS)
    def pay(self, data: st.DataObject, split: tuple[int, ...], value: int, dies: int) -> None:
        """A buyer tries a tender; the process may die in any round. Value that is set aside stays
        so, and further tries pay what is left."""
        tender = 1 + max((one.tender for one in self.attempts), default=-1)
        left = TOTAL - sum(one.amount_minor for one in live(self.attempts) if one.stored)
        value = min(value, left)
        if value:
            self.attempts.append(
                attempt(len(self.attempts), value, P.AUTHORIZED, tender=tender, stored=True)
            )
            left -= value
        if left < TOTAL:
            half = left // 2
            split = tuple(one for one in (half, left - half) if one)
        made = [
            attempt(len(self.attempts) + number, amount_minor, P.CREATED, tender=tender)
            for number, amount_minor in enumerate(split)
        ]
        self.attempts += made
        self._advance(data, fresh=[one.id for one in made], dies=dies)

    @rule(data=st.data(), curious=st.booleans(), dies=HALF_ROUNDS)
    def sweep(self, data: st.DataObject, curious: bool, dies: int) -> None:
        """What was cut off is asked after."""
        self._advance(data, curious=curious, dies=dies)

    @precondition(lambda self: self.reports)
    @rule(data=st.data(), dies=HALF_ROUNDS)
    def hear(self, data: st.DataObject, dies: int) -> None:
        """Some report arrives, in any order, perhaps again."""
        told = data.draw(st.sampled_from(self.reports))
        self._advance(data, curious=True, reported=[told], dies=dies)

    @precondition(lambda self: self.status == "pending")
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        """The buyer changes their mind while money may be under way."""
        self._give_up()
        self._advance(data)

    @precondition(lambda self: self.status == "pending")
    @rule(data=st.data())
    def expire(self, data: st.DataObject) -> None:
        """The hold has run out."""
        self.is_held = False
        self._advance(data, waiting_is_over=True)
        if self.status == "pending" and not self._is_under_way():
            self._give_up()

    @rule(data=st.data(), approves=st.booleans())
    def act(self, data: st.DataObject, approves: bool) -> None:
        """The buyer answers the bank, when there is a question."""
        asked = [key for key, one in self.charges.items() if one.state is P.ACTION_REQUIRED]
        if asked:
            key = data.draw(st.sampled_from(asked))
            self._decide(key, approves=approves)

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def arrive_late(self, data: st.DataObject) -> None:
        """A request that nobody waits for any more reaches the gateway, and succeeds."""
        key = data.draw(st.sampled_from(sorted(self.under_way)))
        late = self.under_way.pop(key)
        if key not in self.charges:
            self.charges[key] = late
            self._decide(key, approves=True)

    # What must hold.

    @invariant()
    def nothing_is_sent_again_and_again(self) -> None:
        # Whoever died before it could write down that it had sent is sent for once more.
        for one in set(self.sent):
            assert self.sent.count(one) <= SENDS_MAX + self.deaths

    @invariant()
    def a_paid_order_keeps_its_money(self) -> None:
        if self.status == "paid":
            kept = [one for one in self.attempts if one.pays_in_full]
            assert sum(one.amount_minor for one in kept) == TOTAL

    def teardown(self) -> None:
        """Every report arrives, every sweeper runs, and the gateway answers."""
        self.draw = lambda options: options[0]
        for told in dict.fromkeys(self.reports):
            self._advance(None, curious=True, reported=[told])
        self._advance(None, curious=True)
        if self.status == "pending":
            self.is_held = False
            self._advance(None, waiting_is_over=True)
            assert self.status == "paid" or not self._is_under_way()
        if self.status == "pending":
            self._give_up()
        for one in self.attempts:
            if one.returned:
                self.charges[one.id].refunded_minor = one.captured_minor
        kept = sum(one.captured_minor - one.refunded_minor for one in self.charges.values())
        value = [one for one in self.attempts if one.stored]
        assert {one.status for one in value} <= {P.CAPTURED, P.VOIDED}
        assert not any(one.returned for one in value)
        spent = sum(one.captured_minor for one in value)
        assert kept + spent == (TOTAL if self.status == "paid" else 0)
        assert not [one for one in self.charges.values() if one.state is P.AUTHORIZED]
        for one in self.attempts:
            if one.stored:
                assert one.id not in self.sent
                continue
            known = self.charges.get(one.id)
            assert one.captured_minor == (known.captured_minor if known else 0)

    def _is_under_way(self) -> bool:
        return under_way(total_minor=TOTAL, attempts=self.attempts)

    def _give_up(self) -> None:
        """The order is over, and what was set aside for it goes back."""
        self.status = "cancelled"
        self.attempts = [
            replace(one, status=P.VOIDED) if one.stored else one for one in self.attempts
        ]

    # How the loop of `flows.payments` and the record of `payment_service` play it.

    def _advance(
        self,
        data: st.DataObject | None,
        *,
        fresh: Collection[UUID] = (),
        reported: Collection[UUID] = (),
        waiting_is_over: bool = False,
        curious: bool = False,
        dies: int | None = None,
    ) -> None:
        if data is not None:
            self.draw = lambda options: data.draw(st.sampled_from(options))
        unsent, silent = set(fresh), set[UUID]()
        for number in range(ROUNDS):
            if dies == 2 * number:
                self.deaths += 1
                return
            asks = next_asks(
                wanted=self.status != "cancelled",
                total_minor=TOTAL,
                attempts=self.attempts,
                fresh=unsent,
                waiting_is_over=waiting_is_over,
                curious=curious,
                reported=reported,
                may_send=self.is_held and self.status == "pending",
            )
            curious, reported = False, ()
            asks = [ask for ask in asks if ask.attempt_id not in silent]
            sent_before = len(self.sent)
            answers = {ask.attempt_id: self._put(ask) for ask in asks}
            unsent -= answers.keys()
            silent |= {key for key, answer in answers.items() if answer is None}
            if dies == 2 * number + 1:
                # Asked, and dead before the answers were written down.
                self.deaths += 1
                return
            before = list(self.attempts), self.status
            self._record(answers, self.sent[sent_before:])
            if not asks and before == (self.attempts, self.status):
                return

    def _record(
        self, answers: dict[UUID, tuple[P, int] | None], sent: Collection[UUID] = ()
    ) -> None:
        captured_before = {one.id for one in self.attempts if one.status is P.CAPTURED}
        for index, one in enumerate(self.attempts):
            if one.id in answers:
                status, captured_minor = answers[one.id] or (P.UNKNOWN, 0)
                self.attempts[index] = replace(
                    one,
                    status=PAYMENT_STATES.settle(one.status, status),
                    captured_minor=max(one.captured_minor, captured_minor),
                    sent_count=one.sent_count + (one.id in sent),
                )
        if self.status == "paid":
            stray = [
                one
                for one in self.attempts
                if one.status is P.CAPTURED and one.id not in captured_before
            ]
        else:
            wanted = self.status != "cancelled"
            stray = to_return(wanted=wanted, total_minor=TOTAL, attempts=self.attempts)
            if wanted and paying(total_minor=TOTAL, attempts=self.attempts) is not None:
                self.status = "paid"
                self.attempts = [
                    replace(one, status=P.CAPTURED, captured_minor=one.amount_minor)
                    if one.stored
                    else one
                    for one in self.attempts
                ]
        gone = {one.id for one in stray}
        self.attempts = [
            replace(one, returned=True) if one.id in gone else one for one in self.attempts
        ]

    def _put(self, ask: Ask) -> tuple[P, int] | None:
        if ask.kind in (AskKind.CHARGE, AskKind.AUTHORIZE):
            return self._charge(ask)
        fate = self.draw(("heard", "heard", "lost", "unheard"))
        known = self.charges.get(ask.attempt_id)
        if fate == "unheard":
            return None
        if known is None and fate == "heard" and ask.otherwise is not None:
            return self._charge(replace(ask, kind=ask.otherwise))
        if known is None:
            # What was still under way may arrive even after this.
            return (P.EXPIRED, 0) if fate == "heard" else None
        if ask.kind is AskKind.CAPTURE and known.state is P.AUTHORIZED:
            if self.draw(("approve", "approve", "lapsed")) == "lapsed":
                known.state = P.VOIDED
                return known.state, 0
            known.state, known.captured_minor = P.CAPTURED, known.amount_minor
            self.reports.append(ask.attempt_id)
        if ask.kind is AskKind.VOID and known.state in (P.AUTHORIZED, P.ACTION_REQUIRED):
            known.state = P.VOIDED
        return (known.state, known.captured_minor) if fate == "heard" else None

    def _charge(self, ask: Ask) -> tuple[P, int] | None:
        self.sent.append(ask.attempt_id)
        [own] = [one for one in self.attempts if one.id == ask.attempt_id]
        fate = self.draw(CHARGES)
        if ask.attempt_id in self.charges and fate != "unheard":
            known = self.charges[ask.attempt_id]
            return None if fate == "lost" else (known.state, known.captured_minor)
        charge = Charge(P.ACTION_REQUIRED, own.amount_minor, ask.kind is AskKind.CHARGE)
        charge.half = fate == "half"
        if fate == "unheard":
            self.under_way[ask.attempt_id] = charge
            return None
        self.charges[ask.attempt_id] = charge
        if fate != "act":
            self._decide(ask.attempt_id, approves=fate != "decline")
        return None if fate == "lost" else (charge.state, charge.captured_minor)

    def _decide(self, key: UUID, *, approves: bool) -> None:
        charge = self.charges[key]
        self.reports.append(key)
        if not approves:
            charge.state = P.DECLINED
        elif charge.capture:
            charge.state = P.CAPTURED
            charge.captured_minor = charge.amount_minor // 2 if charge.half else charge.amount_minor
        else:
            charge.state = P.AUTHORIZED


TestMarket = Market.TestCase
TestMarket.settings = settings(max_examples=300, stateful_step_count=25, deadline=None)


@pytest.mark.parametrize("status", sorted(DEAD))
def test_what_is_given_up_neither_pays_nor_is_asked_after(status: P) -> None:
    one = attempt(1, 2500, P(status))
    assert live([one]) == []
    assert next_asks(wanted=True, total_minor=2500, attempts=[one], curious=True) == []
