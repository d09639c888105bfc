"""What became of payouts without an answer, by the word of two: never sent, while their provider
knows nothing of them, or paid, while it says nothing."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.flows import payouts
from gosellr.integrations.payouts.port import TransferOutcome, TransferRequest, TransferResult
from gosellr.integrations.payouts.sandbox import SandboxPayouts
from gosellr.models.payout_values import Payout
from gosellr.resources import Resources
from gosellr.services import seller_member_service
from gosellr.services.audit_service import audit
from gosellr.utils.payouts import PayoutStatus
from gosellr.utils.permissions import MemberRole
from tests.factories.accounts import User, bearer, make_operator, make_support
from tests.factories.applications import caller_of
from tests.factories.letters import mails, open_room, send, text_of, to_whom, write
from tests.factories.payouts import earn, pay, reread, set_account, wrong_with
from tests.factories.sales import NOW, Shop, make_shop, seller_owes
from tests.web.people import assert_sound, enter, open_page
from tests.web.visitor import Visitor

API = "/api/v1"
LATER = timedelta(minutes=16)


class Lossy(SandboxPayouts):
    """A sandbox that nothing reaches as long as `lost`, and that says nothing while `silent`."""

    lost = True
    silent = False
    asked = 0

    async def send(self, request: TransferRequest) -> TransferResult:
        if self.lost:
            return TransferResult(outcome=TransferOutcome.UNKNOWN, transfer_id=request.transfer_id)
        return await super().send(request)

    async def lookup(
        self, *, transfer_id: str, provider_reference: str | None = None
    ) -> TransferResult:
        self.asked += 1
        if self.silent:
            return TransferResult(outcome=TransferOutcome.UNKNOWN, transfer_id=transfer_id)
        return await super().lookup(transfer_id=transfer_id, provider_reference=provider_reference)


@dataclass(frozen=True, slots=True)
class Desk:
    """Two operators before a payout whose provider never heard of it."""

    client: httpx2.AsyncClient
    market: Resources
    connection: Connection
    provider: Lossy
    shop: Shop
    payout: Payout
    first: User
    second: User

    async def deny(self, who: User, reason: str = "not in its list") -> httpx2.Response:
        """Say that the payout was never sent."""
        return await self._say("never-sent", who, reason)

    async def affirm(self, who: User, reason: str = "on its statement") -> httpx2.Response:
        """Say that the payout was paid."""
        return await self._say("was-paid", who, reason)

    async def _say(self, what: str, who: User, reason: str) -> httpx2.Response:
        return await self.client.post(
            f"{API}/payouts/{self.payout.id}/{what}", json={"reason": reason},
            headers=await bearer(self.market, who),
        )  # fmt: skip

    async def approve(self, who: User, made: dict[str, Any]) -> httpx2.Response:
        """Agree to a proposal."""
        return await self.client.post(
            f"{API}/proposals/{made['id']}/approve", headers=await bearer(self.market, who)
        )

    async def told(self, kind: str) -> list[Any]:
        """The data of all facts of a kind."""
        rows = await self.connection.fetch(
            "SELECT data FROM outbox_event WHERE type = $1 ORDER BY sequence", kind
        )
        return [row["data"] for row in rows]

    async def now_is(self) -> tuple[str, str | None]:
        """Where the payout stands, and why."""
        found = await reread(self.market, self.payout)
        return found.status.value, found.failure_reason


@pytest.fixture
def provider(resources: Resources, clock: ManualClock) -> Lossy:
    return Lossy(resources.settings.home, clock=clock)


@pytest.fixture
def market(resources: Resources, provider: Lossy) -> Resources:
    return replace(resources, payout_providers={"sandbox": provider})


@pytest.fixture
async def desk(market: Resources, connection: Connection, provider: Lossy) -> Any:
    shop = await make_shop(connection, price_minor=1_000)
    await set_account(market, shop)
    await earn(market, shop)
    payout = await pay(market, shop)
    assert payout.status is PayoutStatus.UNKNOWN
    people = [await make_operator(connection, now=NOW) for _ in range(2)]
    async with caller_of(market) as client:
        yield Desk(client, market, connection, provider, shop, payout, *people)


def advance(market: Resources, by: timedelta) -> None:
    """Time passes."""
    assert isinstance(market.clock, ManualClock)
    market.clock.advance(by)


async def test_two_people_give_back_what_was_never_sent(desk: Desk) -> None:
    answer = await desk.deny(desk.first)
    assert answer.status_code == 202, answer.text
    made = answer.json()
    assert (made["kind"], made["status"], made["reason"]) == (
        "payout_never_sent", "prepared", "not in its list"
    )  # fmt: skip
    assert made["subject"] == f"payout:{desk.payout.id}"
    assert made["seller_ids"] == [str(desk.shop.seller.id)]
    assert made["wish"] == {
        "amount_minor": 1_000, "currency": "EUR", "provider": "sandbox",
        "opened_at": desk.payout.created_at.isoformat(),
    }  # fmt: skip
    assert (await desk.deny(desk.first)).json()["id"] == made["id"]
    again = await desk.deny(desk.second)
    assert (again.status_code, again.json()["code"]) == (409, "proposal_waits")
    assert (await desk.approve(desk.first, made)).status_code == 403
    # Its maker may have been sending it in the very moment.
    soon = await desk.approve(desk.second, made)
    assert (soon.status_code, soon.json()["code"]) == (409, "payout_just_said")
    assert await seller_owes(desk.connection, desk.shop) == {"payout_in_transit": 1_000}
    advance(desk.market, timedelta(minutes=1))
    asked = desk.provider.asked
    agreed = await desk.approve(desk.second, made)
    assert (agreed.status_code, agreed.json()["status"]) == (200, "approved")
    assert desk.provider.asked == asked + 1
    assert await desk.now_is() == ("failed", "never_sent")
    assert await seller_owes(desk.connection, desk.shop) == {"available": 1_000}
    assert [one["reason"] for one in await desk.told("payout.failed")] == ["never_sent"]
    booked = await desk.connection.fetchrow(
        "SELECT actor, facts FROM ledger_transaction WHERE kind = 'payout_failed'"
    )
    assert tuple(booked or ()) == (f"user:{desk.second.id}", {"reason": "not in its list"})
    # Approved once more it stays as it is, and what is available can be paid.
    assert (await desk.approve(desk.second, made)).status_code == 200
    desk.provider.lost = False
    paid = await pay(desk.market, desk.shop)
    assert (paid.status, paid.amount_minor) == (PayoutStatus.PAID, 1_000)
    assert await wrong_with(desk.connection, desk.market) == []


async def test_between_the_two_words_nobody_sends_it(desk: Desk) -> None:
    made = (await desk.deny(desk.first)).json()
    desk.provider.lost = False
    for _ in range(3):
        advance(desk.market, LATER)
        await payouts.resume_payouts(desk.market.payouts)
    assert await desk.now_is() == ("unknown", None)
    assert await desk.provider.journal() == []
    rejected = await desk.client.post(
        f"{API}/proposals/{made['id']}/reject", json={"reason": "look again"},
        headers=await bearer(desk.market, desk.second),
    )  # fmt: skip
    assert rejected.status_code == 200
    advance(desk.market, LATER)
    await payouts.resume_payouts(desk.market.payouts)
    assert await desk.now_is() == ("paid", None)
    assert await wrong_with(desk.connection, desk.market) == []


async def test_what_its_provider_has_or_won_t_say_isn_t_said_by_people(desk: Desk) -> None:
    desk.provider.silent = True
    silent = await desk.deny(desk.first)
    assert (silent.status_code, silent.json()["code"]) == (409, "payout_heard_of")
    desk.provider.silent = False
    made = (await desk.deny(desk.first)).json()
    advance(desk.market, LATER)
    desk.provider.silent = True
    refused = await desk.approve(desk.second, made)
    assert (refused.status_code, refused.json()["code"]) == (409, "payout_heard_of")
    desk.provider.silent = False
    # It was sent before, and is to be seen only now.
    await arrive(desk)
    refused = await desk.approve(desk.second, made)
    assert (refused.status_code, refused.json()["code"]) == (409, "payout_heard_of")
    assert await desk.now_is() == ("unknown", None)
    await payouts.resume_payouts(desk.market.payouts)
    assert await desk.now_is() == ("paid", None)
    refused = await desk.approve(desk.second, made)
    assert (refused.status_code, refused.json()["code"]) == (409, "payout_not_unknown")
    late = await desk.deny(desk.first)
    assert (late.status_code, late.json()["code"]) == (409, "payout_not_unknown")
    assert await wrong_with(desk.connection, desk.market) == []


async def arrive(
    desk: Desk, *, account: str = "DE89370400440532013000", amount_minor: int = 1_000
) -> None:
    """The provider has it after all."""
    await SandboxPayouts.send(
        desk.provider,
        TransferRequest(
            transfer_id=str(desk.payout.id), amount_minor=amount_minor, currency="EUR",
            holder=desk.shop.seller.name, account=account, reference="late",
        ),
    )  # fmt: skip


async def test_what_left_after_all_is_told_once(desk: Desk) -> None:
    await open_room(desk.market, desk.connection)
    made = (await desk.deny(desk.first)).json()
    advance(desk.market, timedelta(minutes=1))
    assert (await desk.approve(desk.second, made)).status_code == 200
    await arrive(desk)
    for _ in range(3):
        advance(desk.market, timedelta(days=1))
        await payouts.resume_payouts(desk.market.payouts)
    assert await desk.now_is() == ("failed", "sent_after_all")
    assert await desk.told("payout.found_sent") == [
        {
            "seller_id": str(desk.shop.seller.id),
            "amount": {"amount": 1_000, "currency": "EUR"},
            "reason": "sent_after_all",
        }
    ]
    await write(desk.market, desk.connection)
    letters = await to_whom(desk.connection)
    assert sorted(whom for kind, whom in letters if kind == "payout_found_sent") == sorted(
        [desk.first.email, desk.second.email]
    )
    await send(desk.market)
    said = [text_of(one) for one in mails(desk.market) if "had been sent" in one["Subject"]]
    for text in said:
        assert f"http://localhost:4004/operator/payouts/{desk.payout.id}" in text
        assert "  Amount: €10.00 EUR\n  To the account that ends with: 3000\n" in text
    assert len(said) == 2
    assert await seller_owes(desk.connection, desk.shop) == {"available": 1_000}
    # Of its own, the ledger is sound; that the provider has more is what the audit says.
    own = await audit(
        desk.connection, now=desk.market.clock.now(), gateway_journals={}, provider_journals={}
    )
    assert own == []
    [found] = await wrong_with(desk.connection, desk.market)
    assert "sandbox has 1000 EUR accepted; we wrote 1000 EUR failed" in str(found)


async def test_it_is_asked_after_for_five_days(desk: Desk) -> None:
    made = (await desk.deny(desk.first)).json()
    advance(desk.market, timedelta(minutes=1))
    assert (await desk.approve(desk.second, made)).status_code == 200
    for _ in range(8):
        advance(desk.market, timedelta(days=1))
        await payouts.resume_payouts(desk.market.payouts)
    assert await desk.now_is() == ("failed", "never_sent")
    check_at = await desk.connection.fetchval("SELECT check_at FROM payout")
    assert check_at is None
    assert await wrong_with(desk.connection, desk.market) == []


async def test_only_those_say_so_who_let_payouts_go_and_have_no_part_in_it(desk: Desk) -> None:
    support = await make_support(desk.connection, now=NOW)
    for who in (support, desk.shop.seller.owner):
        assert (await desk.deny(who)).status_code == 403
    await seller_member_service.add_member(
        desk.connection, viewer=desk.shop.viewer, seller_id=desk.shop.seller.id,
        email=desk.first.email, role=MemberRole.FULFILMENT, now=NOW,
    )  # fmt: skip
    assert (await desk.deny(desk.first)).status_code == 403
    assert await desk.connection.fetchval("SELECT count(*) FROM proposal") == 0


async def test_the_desk_offers_it_and_says_that_it_waits(desk: Desk) -> None:
    visitor = Visitor(desk.client)
    await enter(visitor, desk.market, desk.first)
    page = f"/operator/payouts/{desk.payout.id}"
    await open_page(visitor, page)
    await visitor.send(f"{page}/never-sent", unsent="")
    assert visitor.page.status_code == 422
    assert_sound(visitor.text)
    await visitor.send(f"{page}/never-sent", unsent="not in its list")
    assert visitor.page.status_code == 200, visitor.text
    for words in ("Payout that was never sent", "€10.00", "sandbox", "not in its list"):
        assert words in visitor.text, words
    proposal = visitor.path
    text = await open_page(visitor, page)
    assert "waits for a second person: payout that was never sent" in text
    assert f'action="{page}/never-sent"' not in text
    advance(desk.market, timedelta(minutes=1))
    await enter(visitor, desk.market, desk.second)
    await open_page(visitor, proposal)
    await visitor.send(f"{proposal}/approve")
    assert "It is approved, and done" in visitor.text
    text = await open_page(visitor, page)
    assert "never sent" in text
    assert await desk.now_is() == ("failed", "never_sent")


async def test_two_people_book_as_paid_what_its_provider_won_t_tell(desk: Desk) -> None:
    desk.provider.silent = True
    answer = await desk.affirm(desk.first)
    assert answer.status_code == 202, answer.text
    made = answer.json()
    assert (made["kind"], made["status"], made["reason"]) == (
        "payout_was_paid", "prepared", "on its statement"
    )  # fmt: skip
    assert made["wish"] == {
        "amount_minor": 1_000, "currency": "EUR", "provider": "sandbox",
        "opened_at": desk.payout.created_at.isoformat(),
    }  # fmt: skip
    # One thing at a time is said of it.
    desk.provider.silent = False
    other = await desk.deny(desk.second)
    assert (other.status_code, other.json()["code"]) == (409, "proposal_waits")
    desk.provider.silent = True
    assert (await desk.approve(desk.first, made)).status_code == 403
    soon = await desk.approve(desk.second, made)
    assert (soon.status_code, soon.json()["code"]) == (409, "payout_just_said")
    assert await seller_owes(desk.connection, desk.shop) == {"payout_in_transit": 1_000}
    advance(desk.market, timedelta(minutes=1))
    agreed = await desk.approve(desk.second, made)
    assert (agreed.status_code, agreed.json()["status"]) == (200, "approved")
    assert await desk.now_is() == ("paid", None)
    assert await seller_owes(desk.connection, desk.shop) == {}
    [head] = await desk.connection.fetch(
        "SELECT id, actor, facts FROM ledger_transaction WHERE kind = 'payout_confirmed'"
    )
    assert (head["actor"], head["facts"]) == (
        f"user:{desk.second.id}", {"reason": "on its statement"}
    )  # fmt: skip
    booked = await desk.connection.fetch(
        "SELECT account, direction, amount_minor FROM ledger_entry WHERE transaction_id = $1"
        " ORDER BY direction",
        head["id"],
    )
    assert [tuple(one) for one in booked] == [
        ("gateway_clearing:sandbox", "credit", 1_000),
        (f"payout_in_transit:{desk.shop.seller.id}", "debit", 1_000),
    ]
    assert len(await desk.told("payout.paid")) == 1
    assert (await desk.approve(desk.second, made)).status_code == 200
    own = await audit(
        desk.connection, now=desk.market.clock.now(), gateway_journals={}, provider_journals={}
    )
    assert own == []


async def test_what_was_said_to_be_paid_is_asked_after_and_may_come_back(desk: Desk) -> None:
    desk.provider.silent = True
    made = (await desk.affirm(desk.first)).json()
    advance(desk.market, timedelta(minutes=1))
    assert (await desk.approve(desk.second, made)).status_code == 200
    advance(desk.market, timedelta(days=1))
    await payouts.resume_payouts(desk.market.payouts)
    assert await desk.now_is() == ("paid", None)
    # It had been refused: its money is the seller's again.
    desk.provider.silent = False
    await arrive(desk, account="DE93999999990000000001")
    advance(desk.market, timedelta(days=1))
    await payouts.resume_payouts(desk.market.payouts)
    status, _ = await desk.now_is()
    assert status == "failed"
    assert await seller_owes(desk.connection, desk.shop) == {"available": 1_000}


async def test_nobody_speaks_for_a_provider_that_speaks_itself(desk: Desk) -> None:
    # It keeps all it ever got, and has nothing of this one.
    unsent = await desk.affirm(desk.first)
    assert (unsent.status_code, unsent.json()["code"]) == (409, "payout_answered")
    desk.provider.silent = True
    made = (await desk.affirm(desk.first)).json()
    advance(desk.market, LATER)
    desk.provider.silent = False
    await arrive(desk)
    refused = await desk.approve(desk.second, made)
    assert (refused.status_code, refused.json()["code"]) == (409, "payout_answered")
    assert await desk.now_is() == ("unknown", None)
    await payouts.resume_payouts(desk.market.payouts)
    assert await desk.now_is() == ("paid", None)
    late = await desk.affirm(desk.first)
    assert (late.status_code, late.json()["code"]) == (409, "payout_not_unknown")
    assert await wrong_with(desk.connection, desk.market) == []


async def test_another_transfer_under_its_name_isn_t_it(desk: Desk) -> None:
    await arrive(desk, amount_minor=999)
    refused = await desk.affirm(desk.first)
    assert (refused.status_code, refused.json()["code"]) == (409, "payout_answered")
    assert "is another one" in refused.json()["detail"]


async def test_of_a_provider_that_is_gone_or_forgets_two_people_may_say_it(desk: Desk) -> None:
    desk.provider.forgets_after = timedelta(days=30)
    made = (await desk.affirm(desk.first)).json()
    assert made["status"] == "prepared"
    advance(desk.market, timedelta(minutes=1))
    gone = replace(desk.market, payout_providers={})
    async with caller_of(gone) as client:
        agreed = await client.post(
            f"{API}/proposals/{made['id']}/approve", headers=await bearer(gone, desk.second)
        )
    assert (agreed.status_code, agreed.json()["status"]) == (200, "approved")
    credited = await desk.connection.fetchval(
        "SELECT account FROM ledger_entry JOIN ledger_transaction AS head"
        " ON head.id = transaction_id"
        " WHERE head.kind = 'payout_confirmed' AND direction = 'credit'"
    )
    assert credited == "gateway_clearing:sandbox"
    assert await desk.now_is() == ("paid", None)


async def test_only_those_say_that_it_was_paid_who_let_payouts_go(desk: Desk) -> None:
    desk.provider.silent = True
    support = await make_support(desk.connection, now=NOW)
    for who in (support, desk.shop.seller.owner):
        assert (await desk.affirm(who)).status_code == 403
    assert await desk.connection.fetchval("SELECT count(*) FROM proposal") == 0


async def test_the_desk_offers_to_say_that_it_was_paid(desk: Desk) -> None:
    desk.provider.silent = True
    visitor = Visitor(desk.client)
    await enter(visitor, desk.market, desk.first)
    page = f"/operator/payouts/{desk.payout.id}"
    await open_page(visitor, page)
    await visitor.send(f"{page}/was-paid", paid="")
    assert visitor.page.status_code == 422
    assert_sound(visitor.text)
    await visitor.send(f"{page}/was-paid", paid="on its statement")
    assert visitor.page.status_code == 200, visitor.text
    for words in ("Payout that was paid", "€10.00", "sandbox", "on its statement"):
        assert words in visitor.text, words
    text = await open_page(visitor, page)
    assert "waits for a second person: payout that was paid" in text
    assert f'action="{page}/was-paid"' not in text
