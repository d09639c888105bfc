"""Tables as CSV (RFC 4180) that a spreadsheet shows and never runs."""

import csv
from collections.abc import Iterable, Sequence
from decimal import Decimal

# A cell that begins with one of these is a formula to Excel, LibreOffice or Google Sheets.
# So it is by a sign of full width where people write in such.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def harmless(text: str) -> str:
    """The text, quoted by an apostrophe where a spreadsheet would take it for a formula.

    Blanks in front don't make it harmless: some programs strip them first.
    """
    if text.startswith(_FORMULA_STARTS) or text.lstrip().startswith(_FORMULA_STARTS):
        return "'" + text
    return text


def csv_text(header: Sequence[str], rows: Iterable[Sequence[str | int | Decimal | None]]) -> str:
    """A table with its header; text is made harmless, numbers stay numbers, None is empty."""
    return csv_rows([header]) + csv_rows(rows)


def csv_rows(rows: Iterable[Sequence[str | int | Decimal | None]]) -> str:
    """Rows of a table, to be put behind others."""
    lines = _Lines()
    writer = csv.writer(lines, lineterminator="\r\n")
    for row in rows:
        writer.writerow([harmless(cell) if isinstance(cell, str) else cell for cell in row])
    return "".join(lines)


class _Lines(list[str]):
    """What the writer takes for a file."""

    def write(self, line: str) -> None:
        self.append(line)
