"""A period's lines: gross, with what was kept and given back as lines of their own."""

from gosellr.utils.statement_figures import Kept, PotChange, statement_figures


def test_a_lost_chargeback_gives_commission_back_as_a_refund_does() -> None:
    changes = [
        PotChange("sale", "seller_pending", 0, 10_800, 0),
        PotChange("chargeback_lost", "seller_reserve", 0, 0, 5_400),
        PotChange("dispute_frozen", "seller_pending", 0, 0, 5_400),
        PotChange("dispute_frozen", "seller_reserve", 0, 5_400, 0),
    ]
    figures = statement_figures(
        changes,
        kept={"sale": Kept(1_000, 200), "chargeback_lost": Kept(-500, -100)},
        counts={"sale": 1, "chargeback_lost": 1, "dispute_frozen": 1},
    )
    assert {group.key: group.amount_minor for group in figures.groups} == {
        "sales": 12_000,
        "commission": -1_000,
        "commission_vat": -200,
        "refunds": -6_000,
        "commission_returned": 500,
        "commission_vat_returned": 100,
    }
    assert figures.closing_minor == 5_400
