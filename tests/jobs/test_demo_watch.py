"""What a start prints of the demo's history, which the job worker tells meanwhile."""

import asyncio
import io
from collections.abc import Callable

import pytest
from rich.console import Console

from gosellr.cli_demo import HistoryWatch
from gosellr.config import Settings
from gosellr.core.db import Database
from gosellr.core.embedded_postgres import APPLICATION_ROLE, Cluster
from gosellr.core.startup_card import StartupCard
from gosellr.core.transact import transact
from gosellr.jobs.demo.state import Progress, remember_progress


def keep(dsn: str, *, steps: int) -> None:
    """A history of a hundred steps and ten orders that is so far."""

    async def write() -> None:
        db = await Database.connect(dsn, max_size=1)
        progress = Progress(steps=steps, steps_total=100, orders=steps // 10, orders_total=10)
        await transact(db, remember_progress, progress)
        await db.close()

    asyncio.run(write())


@pytest.fixture
def dsn(
    request: pytest.FixtureRequest, cluster: Cluster, fresh_database: Callable[[str], str]
) -> str:
    """A database of the test's own."""
    return cluster.dsn(role=APPLICATION_ROLE, database=fresh_database(request.node.nodeid))


@pytest.fixture
def printed() -> io.StringIO:
    """What the card has printed."""
    return io.StringIO()


@pytest.fixture
def card(printed: io.StringIO) -> StartupCard:
    """A card that prints where the test reads."""
    card = StartupCard()
    card._console = Console(file=printed, width=120, highlight=False, markup=False)
    return card


def look(watch: HistoryWatch, dsn: str) -> None:
    """Look at once, however short ago the last look was."""
    watch._due = 0.0
    watch.look(dsn)


def test_a_line_a_quarter_and_one_at_the_end(
    settings: Settings, card: StartupCard, printed: io.StringIO, dsn: str
) -> None:
    demo = settings.model_copy(update={"demo": True})
    with card.background("Filling", "Filled") as bar:
        watch = HistoryWatch(demo, bar)
        keep(dsn, steps=10)
        look(watch, dsn)
        assert printed.getvalue() == ""  # Not before there is room below the card.
        watch.begin()
        for steps in (10, 26, 30, 60, 100, 100):
            keep(dsn, steps=steps)
            look(watch, dsn)
    lines = [" ".join(line.split()) for line in printed.getvalue().splitlines()]
    assert lines[:2] == ["▸ Filling 25 % orders 2 of 10", "▸ Filling 50 % orders 6 of 10"]
    assert lines[2].startswith("✓ Filled")
    assert lines[2].endswith("orders 10 of 10")
    assert len(lines) == 3


def test_what_was_told_before_is_not_told_again(
    settings: Settings, card: StartupCard, printed: io.StringIO, dsn: str
) -> None:
    keep(dsn, steps=100)
    with card.background("Filling", "Filled") as bar:
        watch = HistoryWatch(settings.model_copy(update={"demo": True}), bar)
        watch.begin()
        look(watch, dsn)
    assert printed.getvalue() == ""


def test_a_market_without_a_demo_is_not_looked_at(
    settings: Settings, card: StartupCard, printed: io.StringIO
) -> None:
    with card.background("Filling", "Filled") as bar:
        watch = HistoryWatch(settings.model_copy(update={"demo": False}), bar)
        watch.begin()
        look(watch, "postgresql://127.0.0.1:1/nowhere")
    assert printed.getvalue() == ""


def test_a_database_that_is_away_is_looked_at_again_later(
    settings: Settings, card: StartupCard, printed: io.StringIO, dsn: str
) -> None:
    with card.background("Filling", "Filled") as bar:
        watch = HistoryWatch(settings.model_copy(update={"demo": True}), bar)
        watch.begin()
        look(watch, "postgresql://127.0.0.1:1/nowhere")
        keep(dsn, steps=50)
        look(watch, dsn)
    assert "50 %" in printed.getvalue()
