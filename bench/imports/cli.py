"""The command: an empty market, a Shopify list imported four times, and the seconds it took."""

import argparse
import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from rich.console import Console
from rich.table import Table

from gosellr.core.clock import SystemClock
from gosellr.core.db import Database
from gosellr.core.embedded_postgres import APPLICATION_ROLE, DATABASE, Cluster
from gosellr.core.transact import ask, transact
from gosellr.flows import imports
from gosellr.flows.imports import ImportPowers
from gosellr.integrations.files.local import LocalFileStore
from gosellr.migrations import run as migrations
from gosellr.services import (
    account_service,
    category_service,
    import_service,
    seller_service,
)
from gosellr.services.import_service import ImportOrder
from gosellr.utils.import_values import ROWS_MAX
from gosellr.utils.permissions import MemberRole, Role
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.viewer import Viewer

_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_HEADER = (
    "Handle,Title,Body (HTML),Vendor,Type,Published,Option1 Name,Option1 Value,Variant SKU,"
    "Variant Grams,Variant Inventory Qty,Variant Price,Variant Compare At Price,Image Src\n"
)
_SIZES = ("S", "M", "L")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the measurement; 1 when the new file took longer than the bar, or a count is wrong."""
    parser = argparse.ArgumentParser(prog="bench.imports", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000, help="rows of the file (10000)")
    parser.add_argument("--bar", type=float, default=60.0, help="seconds allowed when new (60)")
    parser.add_argument("--new-only", action="store_true", help="import the file only once")
    options = parser.parse_args(arguments)
    runs = 1 if options.new_only else None
    return asyncio.run(_measure(max(options.rows, 30), options.bar, runs=runs))


async def _measure(rows: int, bar_seconds: float, *, runs: int | None) -> int:
    console = Console(stderr=True)
    table = Table("import", "seconds", "rows/s", "created", "updated", "unchanged", "failed")
    products = rows // 3
    rows = 3 * products
    edits = range(0, products, 10)
    broken = range(5, products, 100)
    lists = (
        ("new", _csvs(products), (products, 0, 0, 0)),
        ("again", _csvs(products), (0, 0, products, 0)),
        (
            "one in ten edited",
            _csvs(products, dearer=edits),
            (0, len(edits), products - len(edits), 0),
        ),
        (
            "one in a hundred broken",
            _csvs(products, dearer=edits, broken=broken),
            (0, 0, products - len(broken), len(broken)),
        ),
    )
    took: list[float] = []
    is_right = True
    with _folder() as home:
        async with _empty_market(home) as (powers, viewer):
            for name, files, expected in lists[:runs]:
                with console.status(f"{name}: {rows:,} rows"):
                    parts = [await _import(powers, viewer, content) for content in files]
                seconds = sum(part_seconds for part_seconds, _ in parts)
                found = tuple(
                    sum(of_parts) for of_parts in zip(*(n for _, n in parts), strict=True)
                )
                took.append(seconds)
                is_right = is_right and found == expected
                table.add_row(
                    name, f"{seconds:.1f}", f"{rows / seconds:,.0f}", *(f"{n:,}" for n in found)
                )
    Console().print(table)
    in_time = took[0] <= bar_seconds
    console.print(
        f"{rows:,} new rows in {took[0]:.1f} s; the bar is {bar_seconds:.0f} s:"
        f" {'held' if in_time else 'missed'}; counts {'right' if is_right else 'WRONG'}"
    )
    return 0 if in_time and is_right else 1


def _csvs(products: int, *, dearer: range = range(0), broken: range = range(0)) -> list[bytes]:
    """Products of three variants each, in as few files as they may be sent in."""
    most = ROWS_MAX // len(_SIZES)
    return [
        _csv(range(first, min(first + most, products)), dearer=dearer, broken=broken)
        for first in range(0, products, most)
    ]


def _csv(numbers: range, *, dearer: range, broken: range) -> bytes:
    """Some of them, as a shop exports them."""
    lines = [_HEADER]
    for number in numbers:
        price = (
            "12,5O"
            if number in broken
            else f"{10 + number % 90}.{'49' if number in dearer else '99'}"
        )
        words = f"Shirt {number},<p>Linen of batch {number} &amp; more.</p>,Lampo,Shirts,true,Size"
        for size in _SIZES:
            head = words if size == "S" else ",,,,,"
            picture = f"https://pictures.example/{number}.jpg" if size == "S" else ""
            lines.append(
                f"shirt-{number},{head},{size},SHIRT-{number}-{size},250,{number % 40},"
                f'"{price}",120,{picture}\n'
            )
    return "".join(lines).encode()


async def _import(
    powers: ImportPowers, viewer: Viewer, content: bytes
) -> tuple[float, tuple[int, ...]]:
    async def whole() -> AsyncIterator[bytes]:
        yield content

    asked = await imports.request_import(
        powers,
        viewer=viewer,
        order=ImportOrder(format="shopify", file_name="bench.csv", currency="EUR"),
        content=whole(),
        idempotency_key=None,
    )
    import_id = UUID(orjson.loads(asked if isinstance(asked, bytes) else b"{}")["id"])
    began = time.perf_counter()
    await imports.run_import(powers, import_id=import_id)
    seconds = time.perf_counter() - began
    document: dict[str, Any] = orjson.loads(
        await ask(powers.db, import_service.import_document, viewer=viewer, import_id=import_id)
    )
    names = ("created", "updated", "unchanged", "failed")
    return seconds, tuple(document[name] for name in names)


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="gosellr-imports-") as folder:
        home = Path(folder)
        home.chmod(0o755)  # As root, PostgreSQL runs under another account and passes through.
        yield home


@asynccontextmanager
async def _empty_market(home: Path) -> AsyncIterator[tuple[ImportPowers, Viewer]]:
    """A market in its normal, durable settings, with a seller and a category."""
    cluster = Cluster(home).start()
    try:
        await migrations.upgrade(cluster.dsn(database=DATABASE), application_role=APPLICATION_ROLE)
        db = await Database.connect(cluster.dsn(role=APPLICATION_ROLE, database=DATABASE))
        powers = ImportPowers(
            db=db,
            files=LocalFileStore(home / "imports"),
            clock=SystemClock(),
            review="off",
            keys_kept_for=MarketPolicy().idempotency_kept_for,
        )
        await transact(db, category_service.create_category, name="Shirts", now=_NOW)
        yield powers, await _seller(db)
        await db.close()
    finally:
        cluster.stop()


async def _seller(db: Database) -> Viewer:
    owner = await transact(
        db,
        account_service.register_account,
        email="bench@example.com",
        name="Bench",
        password_hash="",
        roles=(Role.BUYER,),
        now=_NOW,
    )
    viewer = Viewer(user_id=owner.id, roles=frozenset({Role.BUYER}))
    seller_id = await transact(
        db,
        seller_service.create_seller,
        viewer=viewer,
        name="Bench",
        legal_name="Bench",
        email="bench@example.com",
        country="DE",
        description="",
        approval="auto",
        now=_NOW,
    )
    roles = frozenset({Role.BUYER, Role.SELLER})
    return replace(viewer, roles=roles, memberships={seller_id: MemberRole.OWNER})
