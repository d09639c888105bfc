"""Kill -9 under load: what was acknowledged is there, what was in flight comes to rest.

A real market runs in processes of its own. While buyers place orders, the web server, the
job worker, PostgreSQL and the supervisor itself are killed in turn. After each the market
must come back, every acknowledged order must be there, and at the end nothing may be left
in flight, the books must agree with the gateway's journal and the audit must find nothing.
"""

import asyncio
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

import gosellr
from gosellr.core.db import Database
from gosellr.core.embedded_postgres import APPLICATION_ROLE, Cluster
from gosellr.core.transact import transact
from gosellr.integrations.payments.sandbox import SandboxGateway
from gosellr.jobs.audit import audit_market
from tests.factories.catalogue import make_product, make_shelf_seller
from tests.factories.orders import order_body

KILLS = int(os.environ.get("GOSELLR_KILLS", "20"))
BUYERS = 4
TOKENS = ("tok_ok", "tok_ok", "tok_ok", "tok_timeout_then_ok", "tok_declined", "tok_timeout_before")
MAIN = Path(gosellr.__file__).parent / "main.py"
LIMIT_SECONDS = 240


class Market:
    """A market in processes of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        environment = {
            **os.environ,
            "GOSELLR_HOME": str(self.home),
            "GOSELLR_PORT": str(self.port),
            "GOSELLR_DEMO": "0",
            "GOSELLR_RATE_LIMITS": "off",
            "GOSELLR_WORKERS": "1",
        }
        with (self.home.parent / "market.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(MAIN)],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(LIMIT_SECONDS)
        Cluster(self.home).stop()

    def children(self, *, worker: bool) -> list[int]:
        """The web processes, or the job worker, that the supervisor started."""
        assert self.process is not None
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                status = (entry / "status").read_text()
                command = (entry / "cmdline").read_text()
                ours = f"\nPPid:\t{self.process.pid}\n" in status and "postgres" not in command
                if ours and ("gosellr.jobs.worker" in command) == worker:
                    found.append(int(entry.name))
        return found

    def kill(self, what: str) -> None:
        """End something without a chance to say goodbye."""
        assert self.process is not None
        if what == "supervisor":
            self.process.kill()
            self.process.wait(LIMIT_SECONDS)
            self.start()
            return
        if what == "database":
            pids = [Cluster(self.home).postmaster_pid()]
        else:
            pids = list(self.children(worker=what == "worker"))
        for pid in pids:
            if pid is not None:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


class Buyers:
    """People who order again and again, each request under a key of its own, and who ask again
    under the same key when the answer was lost."""

    def __init__(self, url: str, variants: list[UUID]) -> None:
        self._url = url
        self._variants = variants
        self._random = random.Random(7)
        self.acknowledged: dict[str, str] = {}
        self.going_on = True

    async def order_on_and_on(self) -> None:
        async with httpx2.AsyncClient(base_url=self._url, timeout=10) as client:
            while self.going_on:
                token = self._random.choice(TOKENS)
                count = self._random.choice((1, 1, 2))
                chosen = self._random.sample(self._variants, count)
                body = order_body(
                    *((variant_id, 1) for variant_id in chosen),
                    token=token,
                    email=f"{uuid4().hex}@example.com",
                )
                await self._place(client, body, key=uuid4().hex)

    async def _place(self, client: httpx2.AsyncClient, body: dict[str, Any], *, key: str) -> None:
        while True:
            try:
                answer = await client.post(
                    "/api/v1/orders/create", json=body, headers={"Idempotency-Key": key}
                )
            except httpx2.TransportError:
                answer = None
            if answer is None or answer.status_code in (409, 503):
                # Lost, still running, or the database is away: the same request once more.
                await asyncio.sleep(0.05)
                continue
            assert answer.status_code in (201, 202, 402), answer.text
            told = answer.json()
            self.acknowledged[told.get("order_id") or told["id"]] = (
                "paid" if told.get("payment_status") == "paid" else "open"
            )
            return


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that PostgreSQL's own account can reach when we run as root; pytest closes its
    own folders to others whenever a run begins."""
    folder = Path(tempfile.mkdtemp(prefix="gosellr-kills-"))
    folder.chmod(0o755)
    yield folder / "home"
    shutil.rmtree(folder, ignore_errors=True)


async def until(check: Callable[[], Any], what: str) -> None:
    """Wait for something that must come true."""
    looks = 0
    while looks < LIMIT_SECONDS * 20:
        with suppress(httpx2.TransportError, OSError):
            if await check():
                return
        looks += 1
        await asyncio.sleep(0.05)
    pytest.fail(f"never came true: {what}")


async def is_ready(market: Market) -> bool:
    async with httpx2.AsyncClient(base_url=market.url, timeout=5) as client:
        return (await client.get("/readyz")).status_code == 200


async def check_at_rest(db: Database, market: Market, buyers: Buyers) -> None:
    """Nothing acknowledged is lost, nothing is in flight, books and gateway agree."""

    async def nothing_in_flight() -> bool:
        async with db.connection() as connection:
            return not await connection.fetchval(
                "SELECT count(*) FROM payment WHERE status IN ('created', 'unknown')"
            )

    await until(nothing_in_flight, "every attempt is answered")
    async with db.connection() as connection:
        orders = {
            str(row["id"]): row["payment_status"]
            for row in await connection.fetch("SELECT id, payment_status FROM orders")
        }
        booked = await connection.fetchval(
            "SELECT COALESCE(sum(amount_minor), 0) FROM ledger_entry"
            " WHERE account = 'gateway_clearing:sandbox' AND direction = 'debit'"
        )
    lost = set(buyers.acknowledged) - set(orders)
    assert not lost
    unpaid = [
        order_id
        for order_id, told in buyers.acknowledged.items()
        if told == "paid" and orders[order_id] != "paid"
    ]
    assert not unpaid
    gateway = SandboxGateway(market.home, production=False)
    totals = await gateway.totals()
    assert sum(total.captured_minor for total in totals) == booked
    found = await audit_market(db, gateways={"sandbox": gateway}, now=datetime.now(UTC))
    assert found == []


@pytest.mark.case(18)
@pytest.mark.timeout(900)
async def test_case_18_killed_again_and_again(home: Path) -> None:
    market = Market(home)
    market.start()
    try:
        await until(lambda: is_ready(market), "the market opens")
        db = await Database.connect(
            Cluster(market.home).dsn(role=APPLICATION_ROLE), min_size=0, max_size=2
        )
        seller_id = await transact(db, make_shelf_seller)
        products = [
            await transact(db, make_product, seller=seller_id, stock=1_000_000) for _ in range(12)
        ]
        buyers = Buyers(market.url, [product.variant_id for product in products])
        people = [asyncio.create_task(buyers.order_on_and_on()) for _ in range(BUYERS)]
        victims = ("web", "database", "worker", "web", "database", "supervisor")
        for number in range(KILLS):
            before = len(buyers.acknowledged)
            market.kill(victims[number % len(victims)])
            await until(lambda: is_ready(market), "the market is back")

            async def sells_again(than: int = before) -> bool:
                return len(buyers.acknowledged) > than + 10

            await until(sells_again, f"it sells again after kill {number + 1}")
        buyers.going_on = False
        await asyncio.gather(*people)
        await check_at_rest(db, market, buyers)
        await db.close()
    finally:
        market.stop()
