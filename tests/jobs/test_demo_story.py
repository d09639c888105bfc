"""The story that follows every cent is part of the demo's own past, as arithmetic by hand says."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from typer.testing import CliRunner

from gosellr.cli import app
from gosellr.cli_story import TerminalPen
from gosellr.core.transact import ask, transact
from gosellr.jobs import story
from gosellr.jobs.audit import audit_market
from gosellr.jobs.demo import prologue
from gosellr.jobs.demo.plan import DAYS
from gosellr.jobs.demo.state import (
    Market,
    recall_market,
    recall_progress,
    recall_story,
    remember_story,
)
from gosellr.jobs.demo.teller import Teller, with_history
from gosellr.jobs.schedule import SCHEDULE
from gosellr.jobs.story import Ending
from gosellr.jobs.story.month import Differs
from gosellr.jobs.story.notes import Note, Notebook, read_out
from gosellr.jobs.story.pen import PostedLine, Posting
from gosellr.jobs.story.stage import FIGURES, figures_of
from gosellr.resources import Resources
from gosellr.services.audit_service import Finding, Offence
from tests.jobs.test_demo import NOW, counts, load, market

__all__ = ["market"]


async def made(market: Resources) -> Market:
    """What was made of the demo."""
    await load(market)
    found = await ask(market.db, recall_market)
    assert found is not None
    return found


def words_of(notes: Sequence[Note]) -> str:
    """What a terminal shows, however its lines are broken."""
    out = StringIO()
    read_out(notes, pen=TerminalPen(out))
    return " ".join(out.getvalue().split())


async def test_it_ends_as_arithmetic_says(market: Resources) -> None:
    ending, notes = await prologue.perform(market, await made(market))
    nothing = dict.fromkeys(FIGURES, 0)
    left = {
        name: dict(zip(FIGURES, figures_of(held), strict=True))
        for name, held in ending.balances.items()
    }
    # Without 19 % tax the goods are 65.55, 53.78 and 35.29; a tenth is kept of them, and a fifth
    # of that as its tax.
    assert left == {
        # 78.00 − 6.56 − 1.31 were paid out; one of two, 35.07, is owed and kept back of
        # 39.00 + 4.90 − 3.28 − 0.66 = 39.96.
        "Tiny Trains": nothing | {"paid out": 7_013 + 3_996 - 3_507},
        # 68.50 − 5.38 − 1.08 = 62.04, less 60 % of the mat: 38.40 − 3.23 − 0.65.
        "Bergpfad": nothing | {"paid out": 6_204 - 3_452},
        "Loom Lane": nothing | {"paid out": 4_690 - 353 - 71},
    }
    # Cards paid 56.60 + 90.80 + 43.90; 38.50 + 18.10 went back, the bank took 43.90 and its fee.
    fees = 104 + 152 + 86
    cleared = 5_660 + 9_080 + 4_390 - 3_850 - 1_810 - 4_390 - 1_500 - 7_502 - 2_752 - 4_266 - fees
    assert ending.trial_balance == {
        "gateway_clearing": cleared,
        "tax_payable": -(131 + 108 - 65 - 65 + 66 + 71),
        "gift_card": -(1_310 + 3_072),
        "commission": -(656 + 538 - 328 - 323 + 328 + 353),
        "gateway_fee": 1_500 + fees,
        "promotion_cost": 10_000 + 1_560 + 1_280 - 780 - 768,
    }
    assert sum(ending.trial_balance.values()) == 0
    assert ending.findings == []
    words = words_of(notes)
    assert "all together 184.00 -36.80 9.40 156.60 15.47 3.10 174.83" in words
    # Three weekdays of appeal end behind the hold here: time never goes back.
    assert "Nothing moves yet: until 27 Oct, 10:00 either side may appeal." in words
    assert "Mon 27 Oct, 10:00. The hold of the sale of Bergpfad is over." in words
    assert "Fri 31 Oct, 16:00. Olu pays everybody: 3 payouts over 75.07 EUR." in words


async def test_the_demo_plays_it_once_before_its_history(market: Resources) -> None:
    await load(market)
    teller = Teller()
    assert await ask(market.db, recall_story) is None
    await teller.go_on(market)
    notes = await ask(market.db, recall_story)
    assert notes
    assert await ask(market.db, recall_progress) is None
    words = words_of(notes)
    assert "Tiny Trains, statement ST-2025-" in words
    assert "27 invariants hold" in words
    assert (await counts(market, "SELECT 'x', count(*) FROM orders"))["x"] == 3
    printed = await asyncio.to_thread(
        CliRunner().invoke,
        app,
        ["story"],
        env={
            "GOSELLR_HOME": str(market.settings.home),
            "GOSELLR_DATABASE_URL": market.settings.database_url,
        },
    )
    assert printed.exit_code == 0
    assert words in " ".join(printed.output.split())
    await Teller().go_on(market)
    assert await ask(market.db, recall_story) == notes
    assert await ask(market.db, recall_progress) is not None
    assert await audit_market(market.db, gateways=market.gateways, now=NOW) == []


async def test_one_that_was_cut_off_is_left_alone(market: Resources) -> None:
    await load(market)
    await transact(market.db, remember_story, [])
    teller = Teller()
    assert await teller.is_story_over(market)
    await teller.go_on(market)
    assert await ask(market.db, recall_story) == []
    assert await ask(market.db, recall_progress) is not None


async def test_a_demo_whose_figures_differ_goes_on_without_it(
    market: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def differs(*_: object) -> object:
        raise Differs("somebody bought meanwhile")

    monkeypatch.setattr(prologue, "perform", differs)
    await load(market)
    teller = Teller()
    await teller.go_on(market)
    assert await ask(market.db, recall_story) == []
    assert await teller.is_story_over(market)


async def test_one_that_breaks_an_invariant_is_left_out(
    market: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = Finding(4, "the hash chain holds", (Offence("entry 1", "was changed"),))

    async def play(*_: object) -> Ending:
        return Ending(balances={}, trial_balance={}, divisions=(), findings=[broken])

    monkeypatch.setattr(story, "play", play)
    with pytest.raises(Differs, match="broken is 4, the hash chain holds"):
        await prologue.perform(market, await made(market))
    await Teller().go_on(market)
    assert await ask(market.db, recall_story) == []


async def test_what_goes_by_todays_clock_waits_for_it(market: Resources) -> None:
    ran: list[str] = []

    def noting(name: str) -> object:
        async def note(_: Resources) -> None:
            ran.append(name)

        return note

    await load(market)
    schedule = {
        entry.name: entry
        for entry in with_history([replace(one, run=noting(one.name)) for one in SCHEDULE])
    }
    names = ("resume_payouts", "work_off_disputes", "deliver_sandbox_reports", "write_letters")
    for name in names:
        await schedule[name].run(market)
    assert ran == ["write_letters"]
    await schedule["tell_demo_history"].run(market)
    for name in names:
        await schedule[name].run(market)
    assert ran[1:] == list(names)


async def test_what_goes_by_todays_clock_waits_while_it_is_played(
    market: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []
    names = ("deliver_sandbox_reports", "work_off_disputes", "resume_payouts")

    def noting(name: str) -> object:
        async def note(_: Resources) -> None:
            ran.append(name)

        return note

    schedule = {
        entry.name: entry
        for entry in with_history([replace(one, run=noting(one.name)) for one in SCHEDULE])
    }

    async def played(*_: object) -> object:
        # The worker does several things at a time.
        for name in names:
            await schedule[name].run(market)
        raise Differs("enough is seen")

    monkeypatch.setattr(prologue, "perform", played)
    await load(market)
    await schedule["tell_demo_history"].run(market)
    assert ran == []
    for name in names:
        await schedule[name].run(market)
    assert ran == list(names)


def test_it_is_over_before_the_history_begins() -> None:
    for day in range(900):
        began_at = datetime(2026, 1, 1, 23, 59, tzinfo=UTC) + timedelta(days=day)
        first = prologue.begins_at(began_at)
        following = (first + timedelta(days=31)).replace(hour=10)
        assert (first.day, first.hour, following.day) == (1, 9, 1)
        assert following < began_at - timedelta(days=DAYS)
        # Younger shops would have something kept back, and Ada has to be there.
        assert began_at - first < timedelta(days=380 - 180)
        assert began_at - first < timedelta(days=240)


def test_a_notebook_is_read_out_as_it_was_written() -> None:
    posting = Posting(
        booked_at=NOW,
        kind="sale",
        sentence="Sold.",
        lines=(PostedLine("debit", 5, "EUR", "a"), PostedLine("credit", 5, "EUR", "b")),
    )
    first, second = Notebook(), Notebook()
    first.chapter(1, "One")
    first.say("Something.")
    first.post(posting)
    first.table("Figures", ("", "EUR"), [("a", "0.05")])
    read_out(first.notes, pen=second)
    assert second.notes == first.notes
    assert words_of(first.notes) == (
        "1. One Something. → Sold. debit 0.05 EUR a credit 0.05 EUR b Figures EUR a 0.05"
    )
