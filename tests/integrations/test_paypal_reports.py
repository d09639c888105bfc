"""PayPal's movements by time: month by month, page by page, in whole minor units."""

from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.integrations.payments.journal_port import JournalUnread
from gosellr.integrations.payments.paypal_api import SANDBOX, PayPalApi
from gosellr.integrations.payments.paypal_reports import read_movement, read_movements
from gosellr.integrations.payments.port import GatewayMovement
from gosellr.utils.paypal_movements import kind_of
from tests.integrations.conftest import NOON
from tests.integrations.paypal_api.contract import kept_contract

ATTEMPT = "0192f000-0000-7000-8000-000000000001"
REFUND = "0192f000-0000-7000-8000-000000000002"
PER_PAGE = 3
Document = dict[str, Any]


def row(
    name: str, value: str, *, code: str = "T0006", at: datetime = NOON, **more: Any
) -> Document:
    currency = more.pop("currency", "EUR")
    fee = more.pop("fee", None)
    told: Document = {
        "transaction_id": name,
        "transaction_event_code": code,
        "transaction_initiation_date": at.isoformat(),
        "transaction_amount": {"currency_code": currency, "value": value},
        "transaction_status": "S",
        **more,
    }
    if fee is not None:
        told["fee_amount"] = {"currency_code": currency, "value": fee}
    return told


class Reports:
    """PayPal's reports over HTTP, as its manual describes them."""

    def __init__(self, rows: list[Document], *, known_for: timedelta) -> None:
        self.rows = rows
        self.asked: list[dict[str, str]] = []
        self._known_since = NOON - known_for

    def handle(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/v1/oauth2/token":
            return httpx2.Response(200, json={"access_token": "t", "expires_in": 9_000})
        assert kept_contract().check(request)[0] == "get /v1/reporting/transactions"
        asked = dict(request.url.params)
        self.asked.append(asked)
        begin, end = (datetime.fromisoformat(asked[f"{one}_date"]) for one in ("start", "end"))
        if end - begin > timedelta(days=31) or begin < self._known_since:
            return httpx2.Response(400, json={"name": "INVALID_REQUEST"})
        assert (asked["fields"], asked["page_size"]) == ("transaction_info", "500")
        chosen = [
            one
            for one in self.rows
            if begin <= datetime.fromisoformat(one["transaction_initiation_date"]) <= end
        ]
        page = int(asked["page"])
        shown = chosen[(page - 1) * PER_PAGE : page * PER_PAGE]
        return httpx2.Response(
            200,
            json={
                "transaction_details": [{"transaction_info": one} for one in shown],
                "page": page,
                "total_pages": -(-len(chosen) // PER_PAGE),
            },
        )


def an_api(reports: Reports, clock: ManualClock) -> PayPalApi:
    return PayPalApi(
        "client", "secret", base_url=SANDBOX, clock=clock,
        transport=httpx2.MockTransport(reports.handle),
    )  # fmt: skip


async def everything(
    api: PayPalApi, *, limit: int = 1000, now: datetime = NOON
) -> list[GatewayMovement]:
    found: list[GatewayMovement] = []
    after = ""
    while page := await read_movements(api, after=after, limit=limit, now=now):
        found += page
        after = page[-1].cursor
    return found


@pytest.mark.parametrize("limit", [1000, 4, 1])
async def test_months_and_pages_neither_miss_nor_repeat(clock: ManualClock, limit: int) -> None:
    # Not in the order of time, several at one moment, and some at the edge of a month.
    moments = [NOON - timedelta(days=days) for days in (1, 1, 700, 31, 62, 62, 300, 1, 0)]
    rows = [row(f"N{number}", f"{number + 1}.00", at=at) for number, at in enumerate(moments)]
    reports = Reports(rows, known_for=timedelta(days=3 * 365))
    found = await everything(an_api(reports, clock), limit=limit)
    expected = sorted(zip(moments, (one["transaction_id"] for one in rows), strict=True))
    assert [(one.occurred_at, one.reference) for one in found] == expected


async def test_money_that_no_ledger_has_stops_nothing_behind_it(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    before, at = (NOON - timedelta(days=days) for days in (2, 1))
    rows = [
        row("A", "1.00", at=before),
        row("COIN", "5.000000", at=before, currency="PYUSD"),
        row("B", "2.00", at=at),
    ]
    reports = Reports(rows, known_for=timedelta(days=3 * 365))
    found = await everything(an_api(reports, clock))
    assert [(one.reference, one.amount_minor) for one in found] == [("A", 100), ("B", 200)]
    assert "COIN moved PYUSD" in caplog.text


def test_each_kind_with_its_sign_its_fee_and_our_name() -> None:
    rows = [
        row("C", "100.00", fee="-3.49", custom_field=f"gosellr.{ATTEMPT}"),
        row("R", "-20.00", fee="0.70", code="T1107", custom_field=f"gosellr.{ATTEMPT}.{REFUND}"),
        row("B", "-100.00", code="T1201", paypal_reference_id="C"),
        row("W", "100.00", code="T1202", paypal_reference_id="C"),
        row("P", "-50.00", code="T0001", custom_field=f"gosellr.{ATTEMPT}"),
        row("F", "-15.00", code="T0106"),
        row("S", "-400.00", code="T0400"),
        row("O", "-1.00", code="T0006"),
        row("X", "5.00", code="T9900"),
    ]
    found = [read_movement(one) for one in rows]
    assert [
        one and (one.kind, one.amount_minor, one.fee_minor, one.movement_id, one.gateway_reference)
        for one in found
    ] == [
        ("charge", 10_000, 349, ATTEMPT, None),
        ("refund", -2_000, -70, REFUND, "R"),
        ("chargeback", -10_000, 0, None, "C"),
        ("chargeback", 10_000, 0, None, "C"),
        ("payout", -5_000, 0, ATTEMPT, None),
        ("chargeback", 0, 1_500, None, None),
        ("settlement", -40_000, 0, None, None),
        ("other", -100, 0, None, None),
        ("other", 500, 0, None, None),
    ]
    assert read_movement(row("V", "0.00")) is None
    assert read_movement(row("D", "1.00") | {"transaction_status": "P"}) is None
    yen = read_movement(row("J", "1200", currency="JPY", fee="-40"))
    assert yen is not None
    assert (yen.amount_minor, yen.fee_minor, yen.currency) == (1_200, 40, "JPY")
    assert kind_of("nonsense", amount_minor=1) == "other"


@pytest.mark.parametrize(
    "wrong",
    [
        {"transaction_amount": {"currency_code": "EUR", "value": "1.005"}},
        {"transaction_amount": {"currency_code": "EUR", "value": 1}},
        {"fee_amount": {"currency_code": "USD", "value": "-1.00"}},
        {"transaction_initiation_date": "yesterday"},
    ],
)
async def test_what_can_t_be_read_is_said_to_be(clock: ManualClock, wrong: Document) -> None:
    reports = Reports([row("A", "1.00")], known_for=timedelta(days=3 * 365))
    api = an_api(reports, clock)
    assert len(await everything(api)) == 1
    if "transaction_initiation_date" in wrong:
        with pytest.raises(ValueError, match="yesterday"):
            read_movement(reports.rows[0] | wrong)
        return
    reports.rows[0] |= wrong
    with pytest.raises(JournalUnread):
        await everything(api)
    with pytest.raises(JournalUnread):
        await read_movements(api, after="yesterday/A", limit=1, now=NOON)
