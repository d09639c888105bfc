"""Providers' reports in the form that each of them has: known by the columns of its header."""

from collections.abc import Iterator

from gosellr.utils import movement_csv, stripe_csv
from gosellr.utils.movement_csv import MovementRow


def read_document(text: str) -> Iterator[MovementRow]:
    """The movements of a report.

    Raises:
        MovementFlaw: for the first row that can't be read; row 0 is the header.
    """
    header = text.lstrip("\ufeff").split("\n", 1)[0]
    if stripe_csv.NAME in header:
        return stripe_csv.read_movements(text)
    return movement_csv.read_movements(text)
