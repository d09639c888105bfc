"""What gateways report: in any order, any number of times, and never from anybody else."""

import asyncio
import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.flows import webhooks
from gosellr.integrations.payments import signatures
from gosellr.integrations.payments.port import ChargeRequest
from gosellr.integrations.payments.sandbox import SandboxGateway
from gosellr.jobs.upkeep import deliver_sandbox_reports
from gosellr.resources import Resources
from tests.conftest import START
from tests.factories.catalogue import make_product, make_shelf_seller
from tests.factories.orders import order_body, place

PATH = "/api/v1/payments/webhooks/sandbox"


@pytest.fixture
async def variant_id(connection: Connection) -> UUID:
    seller_id = await make_shelf_seller(connection)
    return (await make_product(connection, seller=seller_id, price_minor=900, stock=9)).variant_id


@pytest.fixture
def sandbox(resources: Resources) -> SandboxGateway:
    gateway = resources.gateways["sandbox"]
    assert isinstance(gateway, SandboxGateway)
    return gateway


async def outcome(connection: Connection) -> tuple[Any, ...]:
    row = await connection.fetchrow(
        "SELECT (SELECT string_agg(status || payment_status, ',') FROM orders),"
        " (SELECT count(*) FROM ledger_transaction), (SELECT sum(captured_minor) FROM payment),"
        " (SELECT count(*) FROM webhook_event), (SELECT count(*) FROM order_event)"
    )
    assert row is not None
    return tuple(row)


@pytest.mark.case(17)
@pytest.mark.case(31)
async def test_case_17_case_31_the_report_alone_completes_the_order_once(
    client: httpx2.AsyncClient,
    connection: Connection,
    sandbox: SandboxGateway,
    clock: ManualClock,
    variant_id: UUID,
) -> None:
    placed = await place(client, order_body((variant_id, 1), token="tok_timeout_then_ok"))
    assert placed.status_code == 202
    deliveries = await sandbox.pending_webhooks()
    assert deliveries
    for delivery in [*deliveries, *deliveries, *deliveries]:
        taken = await client.post(PATH, content=delivery.body, headers=delivery.headers)
        assert taken.status_code == 204
    assert await outcome(connection) == ("paidpaid", 1, 900, len(deliveries), 3)


async def test_a_report_of_what_is_known_costs_one_statement(
    client: httpx2.AsyncClient,
    connection: Connection,
    sandbox: SandboxGateway,
    variant_id: UUID,
    query_count: Callable[[], int],
) -> None:
    assert (await place(client, order_body((variant_id, 1)))).status_code == 201
    deliveries = await sandbox.pending_webhooks()
    assert len(deliveries) == 1
    for delivery in [*deliveries, *deliveries]:
        await asyncio.sleep(0)  # The driver tells of a statement a turn later.
        query_count()
        taken = await client.post(PATH, content=delivery.body, headers=delivery.headers)
        await asyncio.sleep(0)
        assert (taken.status_code, query_count()) == (204, 1)
    settled = await connection.fetch("SELECT applied_at IS NULL, outcome FROM webhook_event")
    assert [tuple(row) for row in settled] == [(False, "already_known")]
    assert await outcome(connection) == ("paidpaid", 1, 900, 1, 3)


async def test_reports_of_what_is_known_are_taken_in_by_one_statement(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    sandbox: SandboxGateway,
    variant_id: UUID,
    query_count: Callable[[], int],
) -> None:
    for _ in range(5):
        assert (await place(client, order_body((variant_id, 1)))).status_code == 201
    first = (await sandbox.pending_webhooks())[0]
    await client.post(PATH, content=first.body, headers=first.headers)
    await asyncio.sleep(0)  # The driver tells of a statement a turn later.
    query_count()
    await deliver_sandbox_reports(resources)
    await asyncio.sleep(0)
    assert query_count() == 1
    assert await sandbox.pending_webhooks() == []
    settled = await connection.fetch(
        "SELECT applied_at IS NULL, outcome, count(*) FROM webhook_event GROUP BY 1, 2"
    )
    assert [tuple(row) for row in settled] == [(False, "already_known", 5)]


async def test_what_is_known_of_a_payment_that_waits_wakes_it(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    sandbox: SandboxGateway,
    variant_id: UUID,
) -> None:
    for token in ("tok_ok", "tok_ok", "tok_timeout_then_ok"):
        await place(client, order_body((variant_id, 1), token=token))
    _, one = await connection.fetch("SELECT id FROM payment WHERE status = 'captured' ORDER BY id")
    await connection.execute(
        "INSERT INTO webhook_event (gateway, event_id, kind, payment_id, payload, received_at)"
        " VALUES ('sandbox', 'early', 'payment.captured', $1, '', $2)",
        one["id"],
        START,
    )
    await deliver_sandbox_reports(resources)
    assert await sandbox.pending_webhooks() == []
    rows = await connection.fetch(
        "SELECT outcome, count(*) FROM webhook_event GROUP BY outcome ORDER BY outcome"
    )
    assert [tuple(row) for row in rows] == [("already_known", 2), ("applied", 2)]
    assert (await outcome(connection))[:3] == ("paidpaid,paidpaid,paidpaid", 3, 2700)


@pytest.mark.case(29)
async def test_case_29_the_order_of_reports_does_not_matter(
    client: httpx2.AsyncClient,
    connection: Connection,
    sandbox: SandboxGateway,
    variant_id: UUID,
) -> None:
    declined = await place(client, order_body((variant_id, 1), token="tok_declined"))
    await client.post(
        f"/api/v1/orders/{declined.json()['order_id']}/payments",
        json={"payment_method": "sandbox", "payment_token": "tok_ok"},
        headers={"Idempotency-Key": "2", "X-Order-Token": declined.json()["access_token"]},
    )
    deliveries = await sandbox.pending_webhooks()
    assert len(deliveries) >= 2
    ends = set()
    for order in itertools.permutations(deliveries):
        for delivery in order:
            await client.post(PATH, content=delivery.body, headers=delivery.headers)
        ends.add((await outcome(connection))[:3])
    assert ends == {("paidpaid", 1, 900)}


@pytest.mark.case(30)
async def test_case_30_a_report_that_comes_first_is_parked_and_applied_later(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    sandbox: SandboxGateway,
    variant_id: UUID,
) -> None:
    payment_id = uuid4()
    await sandbox.charge(
        ChargeRequest(
            attempt_id=str(payment_id),
            amount_minor=900,
            currency="EUR",
            token="tok_ok",
            reference="r",
        )
    )
    [delivery] = await sandbox.pending_webhooks()
    taken = await client.post(PATH, content=delivery.body, headers=delivery.headers)
    assert taken.status_code == 204
    assert await connection.fetchval("SELECT applied_at FROM webhook_event") is None
    # Now the payment that it speaks of becomes known.
    await place(client, order_body((variant_id, 1), token="tok_timeout_before"))
    await connection.execute("UPDATE payment SET id = $1", payment_id)
    applied = await webhooks.apply_parked(
        db=resources.db,
        gateways=resources.gateways,
        clock=resources.clock,
        policy=resources.policy,
    )
    assert applied == 1
    assert (await outcome(connection))[:3] == ("paidpaid", 1, 900)


@pytest.mark.case(33)
@pytest.mark.parametrize("attack", ["none", "wrong", "old", "other body", "future"])
async def test_case_33_only_a_proven_sender_is_heard(
    client: httpx2.AsyncClient,
    connection: Connection,
    sandbox: SandboxGateway,
    clock: ManualClock,
    variant_id: UUID,
    attack: str,
) -> None:
    await place(client, order_body((variant_id, 1), token="tok_timeout_then_ok"))
    [delivery, *_] = await sandbox.pending_webhooks()
    headers, body = dict(delivery.headers), delivery.body
    if attack == "none":
        headers = {}
    elif attack == "wrong":
        key = signatures.secret_bytes(signatures.new_secret())
        headers = signatures.signed_headers(
            event_id=delivery.event_id, body=body, now=clock.now(), keys=[key]
        )
    elif attack == "old":
        clock.advance(timedelta(minutes=6))
    elif attack == "future":
        clock.advance(timedelta(minutes=-6))
    else:
        body = body.replace(b"900", b"901")
    refused = await client.post(PATH, content=body, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (400, "webhook_refused")
    assert (await outcome(connection))[:4] == ("pending_paymentpending", 0, 0, 0)


@pytest.mark.case(32)
async def test_case_32_a_gateway_that_is_not_offered_does_not_exist(
    client: httpx2.AsyncClient,
) -> None:
    refused = await client.post("/api/v1/payments/webhooks/stripe", content=b"{}")
    assert refused.status_code == 404
