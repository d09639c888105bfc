"""The demo market: shops, goods and three months of history, made by the services themselves.

The catalogue is there before the market opens; the history is told while it is open already.
"""

import json
import secrets
from collections.abc import Callable

from gosellr.core.db import Database
from gosellr.core.private_files import write_private
from gosellr.core.transact import ask, transact
from gosellr.jobs.demo.catalogue import tiles_of, write_catalogue
from gosellr.jobs.demo.people import ADA_EMAIL, OLU_EMAIL
from gosellr.jobs.demo.plan import Plan, draw_plan
from gosellr.jobs.demo.shops import SHOPS
from gosellr.jobs.demo.state import Progress, recall_market, recall_progress
from gosellr.jobs.demo.tiles import store_tiles
from gosellr.resources import Resources

SEED = 4004
ORDERS = 1_300
CARD = "demo.json"

ReportProgress = Callable[[int, int, str], None]
"""Called with done, total and a word about what is being done."""

# Letters and digits that nobody mistakes for one another.
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


async def load(
    resources: Resources, *, report: ReportProgress, seed: int = SEED, orders: int = ORDERS
) -> None:
    """Make the catalogue of the demo market where there is none, and the card that tells of it.

    All of it or nothing, so that whoever is interrupted begins anew. Its history is told by the
    job worker, see `teller`.
    """
    card = resources.settings.home / CARD
    if card.exists():
        return
    draft = card.with_suffix(".draft")
    if await ask(resources.db, recall_market) is None:
        password = "-".join("".join(map(secrets.choice, [_LETTERS] * 4)) for _ in range(3))
        draft.unlink(missing_ok=True)
        write_private(draft, _card(password))
        plan = draw_plan(seed=seed, began_at=resources.clock.now(), orders=orders)
        await _make_catalogue(resources, plan, seed=seed, password=password, report=report)
    elif not draft.exists():
        # The market is older than this folder: who knows its password has it still.
        write_private(draft, _card(None))
    draft.replace(card)


async def _make_catalogue(
    resources: Resources, plan: Plan, *, seed: int, password: str, report: ReportProgress
) -> None:
    wanted = tiles_of(plan.listings)
    total = len(set(wanted)) + 1
    done = 0

    def drawn() -> None:
        nonlocal done
        done += 1
        report(done, total, f"pictures, {done} of {total - 1}")

    tiles = await store_tiles(wanted, store=resources.media, drawn=drawn)
    report(done, total, f"{len(plan.listings)} products in {len(SHOPS)} shops")
    await transact(
        resources.db,
        write_catalogue,
        plan=plan,
        seed=seed,
        password_hash=await resources.passwords.hash(password),
        tiles=tiles,
    )
    report(total, total, "")


async def read_progress(dsn: str) -> Progress | None:
    """How far the history of a demo market is, None where there is none or it hasn't begun."""
    db = await Database.connect(dsn, max_size=1)
    try:
        return await ask(db, recall_progress)
    finally:
        await db.close()


def _card(password: str | None) -> str:
    ingrid, tomas = (shop for shop in SHOPS if shop.handle in {"nordlys", "verde"})
    doors = [
        {"title": "Shop", "path": "/", "who": "Ada, buyer", "email": ADA_EMAIL},
        *(
            {
                "title": "Sell",
                "path": "/seller",
                "who": f"{shop.owner.split()[0]}, seller",
                "email": shop.owner_email,
            }
            for shop in (ingrid, tomas)
        ),
        {"title": "Run it", "path": "/operator", "who": "Olu, operator", "email": OLU_EMAIL},
    ]
    return json.dumps({"doors": doors, "password": password, "one_click": "/demo"}, indent=2)
