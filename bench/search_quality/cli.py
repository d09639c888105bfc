"""The command: fills an empty market, asks the judged queries, prints the mean."""

import argparse
import asyncio
import csv
import gzip
import json
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from rich.console import Console
from rich.progress import track

from bench.search_quality.score import DEPTH, ndcg
from gosellr.core.db import Database
from gosellr.core.embedded_postgres import APPLICATION_ROLE, DATABASE, Cluster
from gosellr.core.transact import ask, transact
from gosellr.migrations import run as migrations
from gosellr.services import (
    account_service,
    category_service,
    product_list_service,
    product_service,
    search_service,
    seller_service,
)
from gosellr.services.market_size import MarketSize
from gosellr.utils.catalogue import AttributeRule, Price, ProductDraft, VariantDraft
from gosellr.utils.permissions import Role
from gosellr.utils.states import Actor
from gosellr.utils.viewer import GUEST, Viewer

PRODUCTS = "products.jsonl.gz"
JUDGMENTS = "judgments*.csv"
CURRENCY = "USD"
_BATCH = 500
_ATTRIBUTES = 40
_NOW = datetime(2026, 1, 1, tzinfo=UTC)

Judgments = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One judged query: its score, None where nothing is worth finding, and its hits."""

    query: str
    score: float | None
    total: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; gives its exit code: 1 when the mean is below the floor."""
    options = _parse(arguments)
    console = Console()
    judged = sorted(options.data.glob(JUDGMENTS))
    if not (options.data / PRODUCTS).is_file() or not judged:
        console.print(f"Skipped: {options.data} has no {PRODUCTS} with a {JUDGMENTS} beside it")
        return 0
    outcomes = asyncio.run(_measure(options.data / PRODUCTS, read_judgments(judged), console))
    scores = [outcome.score for outcome in outcomes if outcome.score is not None]
    if options.verbose:
        for outcome in outcomes:
            score = "     " if outcome.score is None else f"{outcome.score:.3f}"
            console.print(f"{score}  {outcome.total:>6} hits  {outcome.query}", markup=False)
    mean = sum(scores) / len(scores) if scores else 0.0
    console.print(f"nDCG@{DEPTH} {mean:.3f} over {len(scores)} of {len(outcomes)} judged queries")
    return 0 if mean >= options.floor else 1


def read_judgments(files: Iterable[Path]) -> Judgments:
    """Ratings by query and product."""
    judgments: dict[str, dict[str, int]] = defaultdict(dict)
    for file in files:
        with file.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                judgments[row["query"]][row["product_id"]] = int(row["rating"])
    return judgments


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.search_quality",
        description=sys.modules["bench.search_quality"].__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="the folder of the judged set")
    parser.add_argument("--floor", type=float, default=0.0, help="the least mean to exit with 0")
    parser.add_argument("--verbose", action="store_true", help="show every query")
    return parser.parse_args(arguments)


async def _measure(products: Path, judgments: Judgments, console: Console) -> list[Outcome]:
    async with _empty_market() as db:
        source_keys = await _fill(db, products, console)
        return [
            await _ask(db, query, ratings, source_keys)
            for query, ratings in track(judgments.items(), "Asking", console=console)
        ]


async def _ask(
    db: Database, query: str, ratings: Mapping[str, int], source_keys: Mapping[str, str]
) -> Outcome:
    filters = product_list_service.filters_of(viewer=GUEST, default_currency=CURRENCY)
    result = await ask(
        db,
        search_service.search,
        query=query,
        filters=filters,
        limit=DEPTH,
        facets=(),
        currency=CURRENCY,
        market_size=MarketSize(),
    )
    found = [source_keys[card["id"]] for card in orjson.loads(result.items)]
    return Outcome(query, ndcg(found, ratings), result.total)


@contextmanager
def _cluster() -> Iterator[Cluster]:
    """A PostgreSQL of the tool's own, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="gosellr-search-") as folder:
        home = Path(folder)
        home.chmod(0o755)  # As root, PostgreSQL runs under another account and passes through.
        cluster = Cluster(home, throwaway=True).start()
        try:
            yield cluster
        finally:
            cluster.stop()


@asynccontextmanager
async def _empty_market() -> AsyncIterator[Database]:
    with _cluster() as cluster:
        await migrations.upgrade(cluster.dsn(database=DATABASE), application_role=APPLICATION_ROLE)
        db = await Database.connect(cluster.dsn(role=APPLICATION_ROLE, database=DATABASE))
        yield db
        await db.close()


async def _fill(db: Database, file: Path, console: Console) -> dict[str, str]:
    """List every product through the services; gives the data's ids by ours."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        rows: list[dict[str, Any]] = [json.loads(line) for line in lines]
    counted = Counter(key for row in rows for key in _texts(row))
    keys = [key for key, _ in counted.most_common(_ATTRIBUTES)]
    seller_id = await _seller(db)
    category_id = await transact(
        db,
        category_service.create_category,
        name="Goods",
        attributes=[AttributeRule(key=key, label=key, type="text") for key in keys],
        now=_NOW,
    )
    source_keys: dict[str, str] = {}
    batches = [rows[at : at + _BATCH] for at in range(0, len(rows), _BATCH)]
    for batch in track(batches, f"Listing {len(rows)} products", console=console):
        created = await transact(
            db,
            product_service.create_products,
            seller_id=seller_id,
            drafts=[_draft(row, category_id, keys) for row in batch],
            actor=Actor.OPERATOR,
            now=_NOW,
        )
        source_keys |= {
            str(product.id): row["id"] for product, row in zip(created, batch, strict=True)
        }
    return source_keys


async def _seller(db: Database) -> UUID:
    account = await transact(
        db,
        account_service.register_account,
        email="catalogue@example.com",
        name="Catalogue",
        password_hash="",
        now=_NOW,
        roles=(Role.BUYER,),
    )
    return await transact(
        db,
        seller_service.create_seller,
        viewer=Viewer(user_id=account.id, roles=account.roles),
        name="Catalogue",
        legal_name="Catalogue",
        email="catalogue@example.com",
        country="DE",
        description="",
        approval="auto",
        now=_NOW,
    )


def _draft(row: Mapping[str, Any], category_id: UUID, keys: Sequence[str]) -> ProductDraft:
    texts = _texts(row)
    price = Price(currency=CURRENCY, amount_minor=row["price_cents_usd"])
    return ProductDraft(
        title=row["title"],
        category_id=category_id,
        brand=row["brand"] or None,
        description=row["short_description"],
        attributes={key: texts[key] for key in keys if key in texts},
        variants=(VariantDraft(sku=row["id"], prices=(price,), stock=1),),
        active=True,
    )


def _texts(row: Mapping[str, Any]) -> dict[str, str]:
    """Attributes whose values are words: numbers are nothing to search for."""
    return {
        key: value
        for key, value in row["attributes"].items()
        if isinstance(value, str) and value.strip()
    }
