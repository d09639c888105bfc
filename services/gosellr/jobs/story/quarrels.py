"""Chapters 5 and 6: a case that an operator decides, and a chargeback that the bank does."""

from datetime import timedelta

from gosellr.core.transact import ask
from gosellr.flows import disputes
from gosellr.integrations.payments.sandbox import SandboxGateway
from gosellr.jobs import upkeep
from gosellr.jobs.story.acts import arrive, buy, left_on_gift_card, ship
from gosellr.jobs.story.pen import money
from gosellr.jobs.story.sales import FIRST
from gosellr.jobs.story.stage import CURRENCY, Stage
from gosellr.models.dispute_values import DisputeFolder
from gosellr.services import dispute_questions
from gosellr.services.dispute_argument import Award
from gosellr.services.dispute_questions import DisputeFilters
from gosellr.services.dispute_service import NewDispute
from gosellr.utils.disputes import DisputeReason

THIRD = "third"
_BANK_FEE_MINOR = 1500
_TO_BUYER_BPS = 6000


async def a_case(stage: Stage) -> None:
    """Ada complains of B's blanket; both have a point."""
    stage.pen.chapter(5, "A case about seller B's part, decided 60 to 40")
    b = stage.shops["B"]
    stage.wait(days=1, until=9)
    await ship(stage, FIRST, b)
    stage.wait(days=2, until=12)
    await arrive(stage, FIRST, b)
    stage.wait(days=1, until=10)
    line = (await stage.part(FIRST, b)).lines[0]
    opened = await disputes.open_dispute(
        stage.resources.disputes,
        viewer=stage.buyer,
        request=NewDispute(
            order_id=stage.orders[FIRST],
            order_line_id=line.id,
            quantity=None,
            reason=DisputeReason.DAMAGED,
            message="It came with a hole",
        ),
        key=stage.key(),
    )
    case = opened.folder.dispute
    await stage.follow(
        f"The {b.goods} came with a hole, says Ada, and opens a case over"
        f" {money(case.amount_minor, case.currency)}, which she paid for it. A full refund would"
        f" take {money(case.frozen_minor, case.currency)} from {b.name}, because the"
        " marketplace would get its share of the coupon back too: so much is frozen at once."
    )
    await stage.show_balances("What B has", [b])
    await _argue(stage, opened.folder)
    decided = await _decide(stage, opened.folder)
    await _settle(stage, decided)
    part = await stage.part(FIRST, b)
    if part.release_due_at is None:
        raise RuntimeError("what is delivered has a day of release")
    # A weekend among the days of appeal can be longer than what is left of the hold.
    stage.wait_for(part.release_due_at)
    await upkeep.release_sales(stage.resources)
    await stage.follow(f"The hold of the sale of {b.name} is over.")
    await stage.show_balances("What B has", [b])


async def _argue(stage: Stage, folder: DisputeFolder) -> None:
    powers, dispute_id = stage.resources.disputes, folder.dispute.id
    stage.wait(until=14)
    await disputes.say(
        powers,
        viewer=stage.shops["B"].owner,
        dispute_id=dispute_id,
        body="It left us whole, but we should have packed it better",
        is_answer=True,
    )
    stage.wait(until=17)
    await disputes.escalate(
        powers, viewer=stage.buyer, dispute_id=dispute_id, reason="We don't agree"
    )


async def _decide(stage: Stage, folder: DisputeFolder) -> DisputeFolder:
    stage.wait(days=3, until=10)
    decided = await disputes.decide(
        stage.resources.disputes,
        viewer=stage.operator,
        dispute_id=folder.dispute.id,
        award=Award(share_bps=_TO_BUYER_BPS, reason="Badly packed, yet it can be mended"),
    )
    case = decided.dispute
    if case.award_minor is None or case.due_at is None:
        raise RuntimeError("a decision says how much, and until when it can be appealed")
    await stage.follow(
        f"{stage.shops['B'].name} answers, Ada asks Olu, and Olu awards her"
        f" {money(case.award_minor, case.currency)} of {money(case.amount_minor, case.currency)}."
        f" Nothing moves yet: until {case.due_at:%d %b, %H:%M} either side may appeal. Neither"
        " does."
    )
    return decided


async def _settle(stage: Stage, folder: DisputeFolder) -> None:
    if folder.dispute.due_at is not None:
        stage.clock.set(folder.dispute.due_at + timedelta(seconds=1))
    await upkeep.work_off_disputes(stage.resources)
    case = await disputes.find(
        stage.resources.disputes, viewer=stage.operator, dispute_id=folder.dispute.id
    )
    [refund] = case.refunds
    await stage.follow(
        f"The decision stands and the case is {case.dispute.status}. Ada gets"
        f" {money(refund.amount_minor, case.dispute.currency)} out of the frozen money; her card"
        " has all of its part back by now, so it goes on the gift card, which holds"
        f" {money(await left_on_gift_card(stage), CURRENCY)}. The rest is thawed."
    )
    await stage.show_balances("What B has", [stage.shops["B"]])


async def a_chargeback(stage: Stage) -> None:
    """Another order of A's is charged back by Ada's bank, and lost."""
    stage.pen.chapter(6, "The bank charges an order of seller A's back")
    a = stage.shops["A"]
    stage.wait(until=15)
    order = await buy(stage, THIRD, (a, 1))
    await stage.follow(
        f"Ada's card pays {money(order.total_minor, CURRENCY)} for {await stage.number(THIRD)}."
    )
    await ship(stage, THIRD, a)
    stage.wait(days=1, until=12)
    await arrive(stage, THIRD, a)
    stage.wait(until=17)
    network = _network(stage)
    [payment] = order.payments
    reference = await network.disputes.open(attempt_id=str(payment.id), fee_minor=_BANK_FEE_MINOR)
    await upkeep.deliver_sandbox_reports(stage.resources)
    [case] = await _cases(stage)
    chargeback = case.chargeback
    if chargeback is None:
        raise RuntimeError("this case is a bank's")
    await stage.follow(
        f"It wasn't me, the card's owner tells the bank. It takes"
        f" {money(chargeback.amount_minor, chargeback.currency)} back and charges a fee of"
        f" {money(chargeback.fee_minor, chargeback.currency)}, which this marketplace bears."
        f" {money(case.dispute.frozen_minor, case.dispute.currency)} of what {a.name} has is"
        " frozen."
    )
    await stage.show_balances("What A has", [a])
    stage.wait(until=19)
    await disputes.say(
        stage.resources.disputes,
        viewer=a.owner,
        dispute_id=case.dispute.id,
        body="It was delivered and signed for",
        is_answer=True,
    )
    await upkeep.send_dispute_evidence(stage.resources)
    handed_in = await network.disputes.evidence(reference=reference)
    stage.wait(days=3, until=11)
    await network.disputes.decide(reference=reference, won=False)
    sent = "is sent to the bank" if handed_in is not None else "never reaches the bank"
    await stage.follow(
        f"What {a.name} says {sent}, and the bank decides against it: the sale is undone."
    )
    await stage.show_balances("What A has", [a])


def _network(stage: Stage) -> SandboxGateway:
    gateway = stage.resources.gateways[SandboxGateway.name]
    if not isinstance(gateway, SandboxGateway):
        raise TypeError("the story is played in the sandbox")
    return gateway


async def _cases(stage: Stage) -> list[DisputeFolder]:
    page = await ask(
        stage.resources.db,
        dispute_questions.list_cases,
        viewer=stage.operator,
        filters=DisputeFilters(order_id=stage.orders[THIRD]),
        cursor=None,
        limit=10,
    )
    return [
        await disputes.find(
            stage.resources.disputes, viewer=stage.operator, dispute_id=one.dispute.id
        )
        for one in page.items
    ]
