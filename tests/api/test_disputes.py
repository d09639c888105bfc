"""Cases through the doors: a guest's, a seller's and the market's side of the same one."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.jobs import upkeep
from gosellr.resources import Resources
from gosellr.utils.evidence import EVIDENCE_BYTES_MAX
from tests.factories.accounts import User, bearer, make_operator, make_support
from tests.factories.disputes import PDF
from tests.factories.orders import order_body, place
from tests.factories.payouts import wrong_with
from tests.factories.sales import NOW, Shop, make_buyer, make_commission, make_shop
from tests.factories.terms import make_tax

V1 = "/api/v1"


@dataclass(frozen=True, slots=True)
class Case:
    """A guest's case about a line that arrived, and who speaks in it."""

    client: httpx2.AsyncClient
    resources: Resources
    id: str
    order_id: str
    guest: dict[str, str]
    shop: Shop
    operator: User
    support: User

    async def call(
        self, who: str, method: str, path: str = "", body: Any = None, **more: Any
    ) -> httpx2.Response:
        """An answer to one of them: `guest`, `seller`, `operator`, `support`, `nobody`."""
        headers = {"Idempotency-Key": more.pop("key", None) or uuid4().hex}
        headers |= await self.headers(who)
        url = f"{V1}/disputes/{self.id}{path}"
        return await self.client.request(method, url, json=body, headers=headers, **more)

    async def headers(self, who: str) -> dict[str, str]:
        """What they send along."""
        people = {
            "seller": self.shop.seller.owner, "operator": self.operator, "support": self.support,
        }  # fmt: skip
        if who in people:
            return await bearer(self.resources, people[who])
        return self.guest if who == "guest" else {}

    async def get(self, who: str) -> Any:
        """The case as they see it."""
        answer = await self.call(who, "GET")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, who: str, path: str, body: Any = None) -> Any:
        """A step that is to go well."""
        answer = await self.call(who, "POST", path, body)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    async def hand_in(
        self, who: str, content: bytes = PDF, name: str = "a.pdf", kind: str = "application/pdf"
    ) -> httpx2.Response:
        """Hand a file in."""
        return await self.client.post(
            f"{V1}/disputes/{self.id}/evidence",
            files={"file": (name, content, kind)},
            headers=await self.headers(who),
        )


def money(amount: int) -> dict[str, object]:
    return {"amount": amount, "currency": "EUR"}


@pytest.fixture
async def case(client: httpx2.AsyncClient, connection: Connection, resources: Resources) -> Case:
    await make_tax(connection, rate_bps=2000)
    await make_commission(connection)
    shop = await make_shop(connection, price_minor=12_000)
    placed = (await place(client, order_body((shop.product.variant_id, 1)))).json()
    order_id, guest = placed["id"], {"X-Order-Token": placed["access_token"]}
    [part] = placed["seller_orders"]
    owner = await bearer(resources, shop.seller.owner)
    parcel = await client.post(
        f"{V1}/orders/{order_id}/shipments",
        json={"seller_order_id": part["id"], "carrier": "dhl", "tracking_number": "JD1"},
        headers={**owner, "Idempotency-Key": uuid4().hex},
    )
    await client.patch(
        f"{V1}/orders/{order_id}/shipments/{parcel.json()['id']}",
        json={"status": "delivered"},
        headers=owner,
    )
    opened = await client.post(
        f"{V1}/disputes",
        json={
            "order_id": order_id,
            "order_item_id": part["items"][0]["id"],
            "reason": "damaged",
            "message": "The shade is broken",
        },
        headers={**guest, "Idempotency-Key": "once"},
    )
    assert opened.status_code == 201, opened.text
    return Case(
        client, resources, opened.json()["id"], order_id, guest, shop,
        await make_operator(connection, now=NOW), await make_support(connection, now=NOW),
    )  # fmt: skip


async def test_everybody_sees_what_is_theirs_to_see(case: Case, connection: Connection) -> None:
    seen = await case.get("guest")
    assert (seen["status"], seen["waiting_for"], seen["amount"]) == (
        "awaiting_seller", "seller", money(12_000),
    )  # fmt: skip
    assert seen["actions"] == ["message", "evidence", "accept"]
    assert "frozen" not in seen
    assert seen["tracking"][0]["tracking_number"] == "JD1"
    assert [(one["author"], one["body"]) for one in seen["messages"]] == [
        ("buyer", "The shade is broken")
    ]
    sold = await case.get("seller")
    assert sold["frozen"] == money(10_800)
    assert sold["actions"] == ["message", "answer", "evidence", "accept", "escalate"]
    assert (await case.get("operator"))["actions"] == ["message", "evidence", "decide"]
    assert (await case.get("support"))["actions"] == ["message", "evidence"]
    stranger = await make_buyer(connection)
    other = await make_shop(connection, price_minor=100)
    for user in (stranger, other.seller.owner):
        headers = await bearer(case.resources, user)
        answer = await case.client.get(f"{V1}/disputes/{case.id}", headers=headers)
        assert answer.status_code == 404
        listed = await case.client.get(f"{V1}/disputes", headers=headers)
        assert listed.json()["items"] == []
    assert (await case.call("nobody", "GET")).status_code == 404
    order = await case.client.get(f"{V1}/orders/{case.order_id}", headers=case.guest)
    assert order.json()["payment_status"] == "disputed"
    assert order.json()["timeline"][-1]["kind"] == "dispute_opened"


async def test_the_queue_is_listed_and_filtered(case: Case) -> None:
    headers = await case.headers("operator")
    for query, found in (
        ("", 1), ("?status=awaiting_seller", 1), ("?status=closed", 0), ("?kind=chargeback", 0),
        (f"?order_id={case.order_id}", 1), (f"?seller_id={case.shop.seller.id}", 1),
        (f"?seller_id={uuid4()}", 0),
    ):  # fmt: skip
        answer = await case.client.get(f"{V1}/disputes{query}", headers=headers)
        assert [one["id"] for one in answer.json()["items"]] == [case.id] * found, query
    wrong = await case.client.get(f"{V1}/disputes?status=lost", headers=headers)
    assert wrong.status_code == 422


async def test_a_case_from_the_complaint_to_the_refund(
    case: Case, connection: Connection, clock: ManualClock
) -> None:
    assert (await case.post("seller", "/messages", {"body": "It was whole", "answer": True}))[
        "waiting_for"
    ] == "buyer"
    await case.post("support", "/messages", {"body": "We look into it"})
    assert (await case.post("guest", "/escalate", {"reason": "It was not"}))["status"] == (
        "under_review"
    )
    decided = await case.post("operator", "/decide", {"share_bps": 5000, "reason": "half"})
    assert (decided["status"], decided["award"], decided["outcome"]) == (
        "decided", money(6000), "split",
    )  # fmt: skip
    again = await case.call("operator", "POST", "/decide", {"share_bps": 1, "reason": "no"})
    assert (again.status_code, again.json()["code"]) == (409, "dispute_step_not_allowed")
    assert again.json()["allowed"] == ["message", "evidence"]
    clock.advance(timedelta(days=3))
    await upkeep.work_off_disputes(case.resources)
    closed = await case.get("guest")
    assert (closed["status"], closed["actions"]) == ("closed", [])
    assert [(one["status"], one["amount"]) for one in closed["refunds"]] == [
        ("succeeded", money(6000))
    ]
    assert [one["author"] for one in closed["messages"]] == ["buyer", "seller", "support", "buyer"]
    assert [one["to_status"] for one in closed["log"]] == [
        "awaiting_seller", "awaiting_buyer", "under_review", "decided", "settling", "closed",
    ]  # fmt: skip
    assert await wrong_with(connection, case.resources) == []


async def test_the_same_request_opens_one_case(case: Case, connection: Connection) -> None:
    body = {
        "order_id": case.order_id,
        "order_item_id": (await case.get("guest"))["order_item_id"],
        "reason": "damaged",
        "message": "The shade is broken",
    }
    for key, status, code in (("once", 201, None), ("twice", 409, "dispute_exists")):
        answer = await case.client.post(
            f"{V1}/disputes", json=body, headers={**case.guest, "Idempotency-Key": key}
        )
        assert (answer.status_code, answer.json().get("code")) == (status, code)
    no_key = await case.client.post(f"{V1}/disputes", json=body, headers=case.guest)
    assert no_key.json()["code"] == "idempotency_key_required"
    assert await connection.fetchval("SELECT count(*) FROM dispute") == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"quantity": 0}, {"quantity": 2}, {"quantity": True}, {"reason": "ugly"}, {"message": ""},
        {"order_id": "x"}, {"order_item_id": str(uuid4())}, {"extra": 1},
    ],
)  # fmt: skip
async def test_what_is_no_complaint_changes_nothing(
    case: Case, connection: Connection, changed: dict[str, Any]
) -> None:
    await case.post("guest", "/accept")
    before = await connection.fetchval("SELECT count(*) FROM ledger_transaction")
    body = {
        "order_id": case.order_id,
        "order_item_id": (await case.get("guest"))["order_item_id"],
        "reason": "damaged",
        "message": "again",
        **changed,
    }
    answer = await case.client.post(
        f"{V1}/disputes", json=body, headers={**case.guest, "Idempotency-Key": uuid4().hex}
    )
    assert answer.status_code in (404, 409, 422), answer.text
    assert await connection.fetchval("SELECT count(*) FROM dispute") == 1
    assert await connection.fetchval("SELECT count(*) FROM ledger_transaction") == before


async def test_a_file_is_read_by_those_who_may_read_the_case(
    case: Case, connection: Connection
) -> None:
    kept = (await case.hand_in("guest")).json()["evidence"]
    assert [(one["author"], one["name"], one["content_type"]) for one in kept] == [
        ("buyer", "a.pdf", "application/pdf")
    ]
    # The same file twice is one.
    assert (await case.hand_in("guest", name="b.pdf")).json()["evidence"] == kept
    path = kept[0]["url"].removeprefix(f"{V1}/disputes/{case.id}")
    for who in ("guest", "seller", "support", "operator"):
        answer = await case.call(who, "GET", path)
        assert (answer.status_code, answer.content) == (200, PDF)
        assert answer.headers["content-type"] == "application/pdf"
        assert answer.headers["content-disposition"].startswith("attachment")
        assert answer.headers["cache-control"] == "private, no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
    stranger = await bearer(case.resources, await make_buyer(connection))
    assert (await case.client.get(kept[0]["url"], headers=stranger)).status_code == 404
    assert (await case.call("nobody", "GET", path)).status_code == 404
    assert (await case.call("guest", "GET", f"/evidence/{uuid4()}")).status_code == 404


@pytest.mark.parametrize(
    ("content", "name", "kind", "status", "reason"),
    [
        (b"<svg onload=alert(1)>", "a.pdf", "application/pdf", 422, "type_unknown"),
        (b"MZ\x90 a program", "a.exe", "application/octet-stream", 422, "type_unknown"),
        (b"", "a.pdf", "application/pdf", 422, "type_unknown"),
        (PDF, "a.png", "application/pdf", 422, "type_mismatch"),
        (PDF, "a.pdf", "image/png", 422, "type_mismatch"),
        (b"%PDF-" + b"x" * EVIDENCE_BYTES_MAX, "a.pdf", "application/pdf", 413, None),
    ],
)
async def test_what_is_no_honest_file_is_not_kept(
    case: Case, content: bytes, name: str, kind: str, status: int, reason: str | None
) -> None:
    answer = await case.hand_in("guest", content, name, kind)
    assert (answer.status_code, answer.json().get("reason")) == (status, reason)
    assert (await case.get("guest"))["evidence"] == []


async def test_a_stranger_hands_nothing_in(case: Case, connection: Connection) -> None:
    stranger = await bearer(case.resources, await make_buyer(connection))
    answer = await case.client.post(
        f"{V1}/disputes/{case.id}/evidence",
        files={"file": ("a.pdf", b"%PDF- of a stranger", "application/pdf")},
        headers=stranger,
    )
    assert answer.status_code == 404
    stored = [one for one in (case.resources.settings.home / "imports").rglob("*") if one.is_file()]
    assert stored == []


async def test_a_case_is_exported_whole(case: Case) -> None:
    await case.hand_in("seller")
    answer = await case.call("operator", "GET", "/export")
    assert answer.headers["content-disposition"] == f'attachment; filename="dispute-{case.id}.json"'
    whole = answer.json()
    assert whole == await case.get("operator")
    assert {len(whole[part]) for part in ("messages", "evidence", "log", "tracking")} == {1}


@pytest.mark.parametrize(
    "body",
    [
        {"reason": "neither"},
        {"share_bps": 1, "amount": {"amount": 1, "currency": "EUR"}, "reason": "both"},
        {"share_bps": 10_001, "reason": "too much"},
        {"share_bps": -1, "reason": "too little"},
        {"amount": {"amount": 12_001, "currency": "EUR"}, "reason": "more than it is about"},
        {"amount": {"amount": 1, "currency": "USD"}, "reason": "another currency"},
        {"share_bps": 5000},
    ],
)
async def test_what_is_no_decision_decides_nothing(case: Case, body: dict[str, Any]) -> None:
    answer = await case.call("operator", "POST", "/decide", body)
    assert answer.status_code == 422
    assert (await case.get("operator"))["status"] == "awaiting_seller"


async def test_only_operators_decide(case: Case) -> None:
    for who, status in (("guest", 401), ("seller", 403), ("support", 403)):
        answer = await case.call(who, "POST", "/decide", {"share_bps": 1, "reason": "mine"})
        assert answer.status_code == status, who


async def test_explained_in_words(case: Case, resources: Resources) -> None:
    await case.post("seller", "/accept")
    headers = await case.headers("operator")
    answer = await case.client.get(f"{V1}/orders/{case.order_id}/ledger", headers=headers)
    told = [one["explanation"] for one in answer.json()["transactions"]]
    assert told[1] == (
        "108.00 EUR is frozen until the case is decided: 108.00 EUR still inside the hold."
    )
    assert "the seller gives 108.00 EUR" in told[2]


async def test_a_decision_is_shown_before_it_is_made(case: Case, connection: Connection) -> None:
    await case.post("seller", "/escalate", {"reason": "They broke it"})
    half = await case.post("operator", "/preview", {"share_bps": 5000})
    nothing = money(0)
    assert half == {
        "award": money(6_000), "is_final": False, "buyer": money(6_000), "tax": money(1_000),
        "seller": money(5_400), "released": money(5_400), "marketplace": money(-500),
        "needs_second_person": False,
        "effects": {
            "seller": {
                "case": money(5_400), "pending": nothing, "available": nothing,
                "reserve": nothing, "receivable": nothing,
            },
            "commission": money(500), "commission_vat": money(100), "promotion": nothing,
            "tax_remitted": nothing, "goodwill": nothing, "goodwill_returned": nothing,
            "provider_fee": nothing,
        },
    }  # fmt: skip
    none = await case.post("operator", "/preview", {"amount": money(0)})
    assert (none["buyer"], none["released"], none["effects"]) == (nothing, money(10_800), None)
    for who in ("seller", "guest", "support", "nobody"):
        answer = await case.call(who, "POST", "/preview", {"share_bps": 5000})
        assert answer.status_code in (401, 403), who
    much = await case.call("operator", "POST", "/preview", {"amount": money(12_001)})
    assert (much.status_code, much.json()["errors"][0]["code"]) == (422, "more_than_argued")
    assert await connection.fetchval("SELECT count(*) FROM refund") == 0
    assert (await case.get("operator"))["status"] == "under_review"
    # And so it comes about.
    await case.post("operator", "/decide", {"share_bps": 5000, "reason": "half"})
    await case.post("guest", "/escalate", {"reason": "All of it"})
    assert (await case.post("operator", "/preview", {"share_bps": 5000}))["is_final"]
    await case.post("operator", "/decide", {"share_bps": 5000, "reason": "half"})
    effects = await connection.fetchval("SELECT effects FROM refund")
    assert effects["seller"]["case_reserve_minor"] == 5_400
    assert (effects["commission_minor"], effects["commission_vat_minor"]) == (500, 100)
    over = await case.call("operator", "POST", "/preview", {"share_bps": 5000})
    assert (over.status_code, over.json()["code"]) == (409, "dispute_step_not_allowed")


@pytest.mark.parametrize(
    ("who", "path", "body"),
    [("seller", "/accept", None), ("operator", "/decide", {"share_bps": 10_000, "reason": "all"})],
)
async def test_what_moves_money_needs_a_key_and_is_done_once(
    case: Case, connection: Connection, who: str, path: str, body: Any
) -> None:
    headers = await case.headers(who)
    url = f"{V1}/disputes/{case.id}{path}"
    bare = await case.client.post(url, json=body, headers=headers)
    assert (bare.status_code, bare.json()["code"]) == (400, "idempotency_key_required")
    assert (await case.get("seller"))["status"] == "awaiting_seller"
    first = await case.call(who, "POST", path, body, key="once")
    assert (first.status_code, first.headers.get("Idempotency-Replayed")) == (200, None)
    again = await case.call(who, "POST", path, body, key="once")
    assert (again.status_code, again.json()) == (200, first.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    assert await connection.fetchval("SELECT count(*) FROM refund") == (who == "seller")
    other = await case.call(who, "POST", path, {"share_bps": 1, "reason": "no"}, key="once")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    fresh = await case.call(who, "POST", path, body, key="twice")
    assert (fresh.status_code, fresh.json()["code"]) == (409, "dispute_step_not_allowed")
    # Who has no part in it hears nothing of an earlier request.
    stranger = await case.call("nobody", "POST", path, body, key="once")
    assert stranger.status_code in (401, 403, 404)
