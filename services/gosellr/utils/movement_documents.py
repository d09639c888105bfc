"""Providers' reports in the form that each of them has: known by how it begins."""

from collections.abc import Iterator
from typing import Final

from gosellr.utils import movement_csv, paypal_csv, stripe_csv
from gosellr.utils.movement_csv import MovementFlaw, MovementRow


def read_document(text: str, *, account: str | None = None) -> Iterator[MovementRow]:
    """The movements of a report.

    Raises:
        MovementFlaw: for the first row that can't be read, or that bears the name of one before;
            row 0 is the header. Also for a report that names its account, and that is another than
            `account`.
    """
    provider = provider_of(text)
    movements = (
        paypal_csv.read_movements(text, account=account)
        if provider == "paypal"
        else _READERS[provider](text)
    )
    rows: dict[str, int] = {}
    for movement in movements:
        earlier = rows.setdefault(movement.reference, movement.row)
        if earlier != movement.row:
            raise MovementFlaw(movement.row, "reference", f"It stands in row {earlier} already")
        yield movement


def provider_of(text: str) -> str | None:
    """Whose report it is, by the name of its gateway; None for a plain table."""
    header = text.lstrip("\ufeff").split("\n", 1)[0]
    if stripe_csv.NAME in header:
        return "stripe"
    if header.split(",", 1)[0].strip(' "\r') in paypal_csv.OPENINGS:
        return "paypal"
    return None


_READERS: Final = {
    "stripe": stripe_csv.read_movements,
    None: movement_csv.read_movements,
}
