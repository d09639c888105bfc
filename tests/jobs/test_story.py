"""The story that follows every cent ends as arithmetic by hand says, and the audit agrees."""

import shutil
import tempfile
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gosellr import cli_story
from gosellr.cli import app
from gosellr.jobs.story import Ending
from gosellr.jobs.story.pen import Posting
from gosellr.jobs.story.stage import FIGURES, figures_of
from gosellr.services.audit_service import NAMES


class Notebook(cli_story.TerminalPen):
    """The pen of the command, which remembers what it wrote."""

    def __init__(self) -> None:
        self.text = StringIO()
        super().__init__(self.text)
        self.chapters: list[int] = []
        self.postings: list[Posting] = []

    def chapter(self, number: int, title: str) -> None:
        """A new chapter begins."""
        super().chapter(number, title)
        self.chapters.append(number)

    def post(self, posting: Posting) -> None:
        """Something was booked."""
        super().post(posting)
        self.postings.append(posting)

    @property
    def words(self) -> str:
        """All that was written, however its lines were broken."""
        return " ".join(self.text.getvalue().split())


Told = tuple[Ending, Notebook, Path]


@pytest.fixture(scope="module")
def told() -> Iterator[Told]:
    """The story once, in a market that is kept, with what was written down."""
    folder = Path(tempfile.mkdtemp(prefix="gosellr-test-story-"))
    # As root, PostgreSQL runs under another account and passes through.
    folder.chmod(0o755)
    notebook = Notebook()
    try:
        yield cli_story.tell_in(folder, pen=notebook, is_kept=True), notebook, folder
    finally:
        shutil.rmtree(folder)


def test_every_seller_ends_with_what_arithmetic_says(
    told: Told,
) -> None:
    ending, _, _ = told
    left = {name: dict(zip(FIGURES, figures_of(held), strict=True)) for name, held in
            ending.balances.items()}  # fmt: skip
    nothing = dict.fromkeys(FIGURES, 0)
    # A: 119.80 + 4.90 − 9.98 − 2.00 = 112.72 were paid out. Of its lamp for 59.90 − 4.99 − 1.00
    # = 53.91 it owed all, kept back of the 64.80 − 4.99 − 1.00 = 58.81 of the second order.
    assert left["Aster Lamps"] == nothing | {"paid out": 11_272 + 5_881 - 5_391}
    # B: 84.80 − 6.66 − 1.33 = 76.81, less 60 % of the blanket: 47.94 − 4.00 − 0.80 = 43.14.
    assert left["Birch Blankets"] == nothing | {"paid out": 7_681 - 4_314}
    # C: what was cancelled left nothing; its second teapot 39.40 − 2.88 − 0.58.
    assert left["Clay & Co"] == nothing | {"paid out": 3_594}


def test_the_whole_ledger_is_as_it_has_to_be(told: Told) -> None:
    ending, _, _ = told
    # Cards paid 52.06 + 104.20 + 64.80; 32.50 + 19.56 went back, the bank took 64.80 and its fee,
    # sellers got 117.62 + 33.67 + 35.94. Of each capture the provider kept 1.4 % and 0.25.
    fees = 98 + 171 + 116
    cleared = 5_206 + 10_420 + 6_480 - 3_250 - 1_956 - 6_480 - 1_500 - 11_762 - 3_367 - 3_594
    cleared -= fees
    assert ending.trial_balance == {
        "gateway_clearing": cleared,
        "tax_payable": -(200 + 133 + 58 - 58 - 100 - 80 + 100 + 58),
        # 150.00, less all of it, and back from the lamp 47.92 − 19.56, from the blanket 38.35.
        "gift_card": -(2_836 + 3_835),
        "commission": -(998 + 666 + 288 - 288 - 499 - 400 + 499 + 288),
        "gateway_fee": 1_500 + fees,
        # The gift card, and a fifth of the goods that stayed.
        "promotion_cost": 15_000 + 2_396 + 1_598 + 690 - 690 - 1_198 - 959,
    }
    assert sum(ending.trial_balance.values()) == 0
    assert ending.findings == []


def test_each_orders_money_is_somebodys(told: Told) -> None:
    ending, _, _ = told
    first, second, third = ending.divisions
    assert (first.order, first.paid_minor, first.returned_minor) == (
        "GS-10001", 20_206, 3_250 + 4_792 + 3_835,
    )  # fmt: skip
    assert first.shares == {
        "Aster Lamps": 11_272 - 5_391,
        "Birch Blankets": 3_367,
        "commission": 998 + 666 - 499 - 400,
        "tax on commission": 200 + 133 - 100 - 80,
        "that the marketplace gave with the coupon": -(1_198 + 1_598 - 959),
    }
    assert (second.paid_minor, second.returned_minor) == (10_420, 0)
    assert second.shares == {
        "Aster Lamps": 5_881, "Clay & Co": 3_594, "commission": 787, "tax on commission": 158,
    }  # fmt: skip
    assert (third.paid_minor, third.returned_minor, third.shares) == (6_480, 6_480, {})


def test_all_that_can_happen_to_money_happens(told: Told) -> None:
    _, notebook, _ = told
    assert notebook.chapters == list(range(1, 10))
    assert {posting.kind for posting in notebook.postings} == {
        "gift_card_issued", "stored_value_held", "sale", "refund_intent", "refund_confirmed",
        "release", "payout_intent", "payout_confirmed", "dispute_frozen", "dispute_released",
        "chargeback_opened", "chargeback_lost", "provider_fee",
    }  # fmt: skip
    for posting in notebook.postings:
        by_side = {"debit": 0, "credit": 0}
        for line in posting.lines:
            by_side[line.side] += line.amount_minor
        assert by_side["debit"] == by_side["credit"] > 0
    assert "Its papers bear Birkenweg 900, 8010 Graz, and ATU00000022." in notebook.words
    assert "10 captures with their fees, refunds, payouts, and what the bank" in notebook.words
    assert "10 match what we booked to the cent, 0 wait" in notebook.words
    # A step is told at the hour at which the books have it.
    assert "Mon 30 Mar, 16:00. Olu pays everybody: 3 payouts over 74.51 EUR." in notebook.words
    assert "all together 234.20 -46.84 14.70 202.06 19.52 3.91 225.47" in notebook.words
    assert notebook.words.endswith(f"The audit: all {len(NAMES)} invariants hold.")
    assert "debit 52.06 EUR gateway_clearing · sandbox" in notebook.words


def test_the_papers_are_kept_beside_the_market(told: Told) -> None:
    _, _, folder = told
    papers = sorted((folder / cli_story.PAPERS).iterdir())
    assert {paper.suffix for paper in papers} == {".pdf"}
    assert all(paper.read_bytes().startswith(b"%PDF-") for paper in papers)
    kinds = [paper.name.split(" ")[1].split("-")[0] for paper in papers]
    assert (kinds.count("ST"), kinds.count("COM")) == (3, 3)
    # Six parts were invoiced; three were refunded, and the bank's part of the chargeback.
    assert (kinds.count("INV"), kinds.count("CN")) == (6, 4)


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    own = tmp_path / "letter.txt"
    own.write_text("mine")
    refused = CliRunner().invoke(app, ["story", "--keep", str(tmp_path)])
    assert refused.exit_code == 1
    assert [each.name for each in tmp_path.iterdir()] == ["letter.txt"]
