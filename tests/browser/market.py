"""A real market for a real browser: its goods made through the services, its doors in a process."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import httpx2
import orjson

from gosellr.config import Settings
from gosellr.core.transact import transact
from gosellr.flows.upload_media import Upload, upload_media
from gosellr.resources import Resources
from gosellr.services import category_service, seller_service
from gosellr.utils.catalogue import MediaUse
from gosellr.web.assets import STATIC_FOLDER
from tests.factories.accounts import TestSeller, make_seller, make_user
from tests.factories.catalogue import MadeProduct, make_product, variant_draft
from tests.factories.terms import make_coupon, make_delivery, make_tax

SECRET = "a secret of the browser's market, long enough to be taken"
# What operators alone give back of an order: more than the other tests do.
ALONE_AT_MOST = {"EUR": 30_000}
# A guard against what never comes: a machine with much to do takes a minute and more.
_PATIENCE_SECONDS = 240

SHOPS = {
    "Kettle & Co": "Stoneware and cast iron for every day.\nTwo people and one kiln in Leeds.",
    "Casa Verde": "Plants and what they stand in, from a greenhouse near Lisbon.",
    "Nordlys Studio": "Things that last, made slowly.",
}
ROOMS = {
    "Kitchen & table": "teapot",
    "Plants & garden": "potted-plant",
    "Audio & photo": "headphones",
    "Toys & games": "teddy-bear",
}
GOODS = (
    ("Stoneware teapot, 1.1 L", "Kettle & Co", "Kitchen & table", "teapot", 4900, 3),
    ("Cast iron frying pan", "Kettle & Co", "Kitchen & table", "frying-pan", 3950, 24),
    ("Bread board in oak", "Kettle & Co", "Kitchen & table", "bread", 2890, 40),
    ("Tea cups, set of four", "Kettle & Co", "Kitchen & table", "tea-cup", 5200, 12),
    ("Monstera in a clay pot", "Casa Verde", "Plants & garden", "potted-plant", 3200, 9),
    ("Sunflower, one metre", "Casa Verde", "Plants & garden", "sunflower", 1450, 60),
    ("Cactus collection", "Casa Verde", "Plants & garden", "cactus", 2100, 0),
    ("Herbs for a window sill", "Casa Verde", "Plants & garden", "herb", 990, 80),
    ("Studio headphones HX-1", "Nordlys Studio", "Audio & photo", "headphones", 15900, 2),
    ("Film camera, refurbished", "Nordlys Studio", "Audio & photo", "camera", 23900, 1),
    ("Parlour guitar in solid spruce with a very long name that must never push anything aside",
     "Nordlys Studio", "Audio & photo", "guitar", 64900, 5),
    ("Teddy bear Ole", "Nordlys Studio", "Toys & games", "teddy-bear", 2450, 33),
    ("دمية دب صغيرة", "Nordlys Studio", "Toys & games", "puzzle", 1950, 12),
)  # fmt: skip


@dataclass
class Market:
    """A running market: where it is, what it holds, and a way to look behind its pages."""

    url: str
    resources: Resources
    products: dict[str, MadeProduct]
    sellers: dict[str, TestSeller]

    async def value(self, statement: str, *arguments: object) -> object:
        """One value out of its database."""
        async with self.resources.db.connection() as connection:
            found: object = await connection.fetchval(statement, *arguments)
            return found

    async def run(self, statement: str, *arguments: object) -> None:
        """Change something behind the market's back."""
        async with self.resources.db.connection() as connection:
            await connection.execute(statement, *arguments)


def settings_of(*, home: Path, database_url: str, port: int) -> Settings:
    """The settings that the test and the server share."""
    return Settings(
        home=home,
        database_url=database_url,
        port=port,
        secret_key=SECRET,
        rate_limits=False,
        sandbox_repeats=0,
        demo=False,
        refund_approval_over=ALONE_AT_MOST,
    )


@contextmanager
def served(settings: Settings, *, log: Path) -> Iterator[str]:
    """The market's web process on a port of its own, until it answers and until it is ended."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).parents[2] / "services"),
        "GOSELLR_HOME": str(settings.home),
        "GOSELLR_DATABASE_URL": settings.database_url,
        "GOSELLR_PORT": str(settings.port),
        "GOSELLR_SECRET_KEY": settings.secret_key,
        "GOSELLR_RATE_LIMITS": "off",
        "GOSELLR_DEMO": "0",
        "GOSELLR_REFUND_APPROVAL_OVER": orjson.dumps(ALONE_AT_MOST).decode(),
    }
    command = (
        sys.executable, "-m", "uvicorn", "--factory", "gosellr.main:application",
        "--host", "127.0.0.1", "--port", str(settings.port), "--log-level", "warning",
    )  # fmt: skip
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
        try:
            _wait(process, f"http://127.0.0.1:{settings.port}/healthz", log)
            yield f"http://localhost:{settings.port}"
        finally:
            process.terminate()
            process.wait(timeout=_PATIENCE_SECONDS)


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            if httpx2.get(url, timeout=5).status_code == 200:
                return
        except httpx2.TransportError:
            time.sleep(0.1)
    raise RuntimeError(f"the market didn't start:\n{log.read_text()}")


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def fill(resources: Resources) -> tuple[dict[str, MadeProduct], dict[str, TestSeller]]:
    """Shops, rooms, goods with pictures, two ways of delivery, a tax and a coupon."""
    now = datetime.now(UTC)
    sellers: dict[str, TestSeller] = {}
    async with resources.db.connection() as connection:
        rooms = {
            name: await category_service.create_category(
                connection, name=name, picture=picture, position=index, now=now
            )
            for index, (name, picture) in enumerate(ROOMS.items())
        }
        for name, story in SHOPS.items():
            owner = await make_user(connection, now=now, name=f"Owner of {name}")
            sellers[name] = await make_seller(connection, now=now, name=name, owner=owner)
            await seller_service.update_seller(
                connection,
                viewer=sellers[name].viewer,
                seller_id=sellers[name].id,
                changes={"description": story},
                version=None,
                now=now,
            )
            for label, price, days in (("Standard", 390, (2, 4)), ("Express", 990, (1, 1))):
                await make_delivery(
                    connection,
                    seller_id=sellers[name].id,
                    countries=("DE", "IE"),
                    name=label,
                    price_minor=price,
                    delivery_days=days,
                )
        await make_tax(connection, rate_bps=1900)
        await make_coupon(connection, code="SPRING", value_bps=1000)
    products = {}
    for title, shop, room, picture, price, stock in GOODS:
        media_id = await _picture(resources, sellers[shop], picture, now)
        products[title] = await transact(
            resources.db,
            make_product,
            seller=sellers[shop].id,
            title=title,
            category_id=rooms[room],
            description="Made by hand, packed in wood wool.\n\n- Lasts\n- Repairable",
            media=[MediaUse(media_id, alt=f"{title} on a plain ground")],
            variants=_variants(price, stock, two=picture == "teapot"),
            now=now,
        )
    return products, sellers


def _variants(price_minor: int, stock: int, *, two: bool) -> list[object]:
    if not two:
        return [variant_draft(price_minor=price_minor, stock=stock, weight_grams=700)]
    return [
        variant_draft(price_minor=price_minor, stock=stock, options={"Colour": "Sand"}),
        variant_draft(price_minor=price_minor + 300, stock=8, options={"Colour": "Moss"}),
        variant_draft(price_minor=price_minor, stock=0, options={"Colour": "Rust"}),
    ]


async def _picture(resources: Resources, seller: TestSeller, name: str, now: datetime) -> UUID:
    document = await upload_media(
        resources.db,
        store=resources.media,
        images=resources.images,
        viewer=seller.viewer,
        upload=Upload(
            content=(STATIC_FOLDER / "demo" / f"{name}.webp").read_bytes(),
            declared_type="image/webp",
            filename=f"{name}.webp",
        ),
        seller_id=seller.id,
        now=now,
    )
    return UUID(orjson.loads(document)["id"])
