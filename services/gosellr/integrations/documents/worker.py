"""A process that lays out one document and ends: `python -m gosellr.integrations.documents.worker`.

Standard input carries a JSON object, standard output the file.
"""

import io
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson

from gosellr.utils.csv_text import harmless

_HERE = Path(__file__).parent
LARGEST_MEMORY_BYTES = 2 * 1024**3
# A workbook says when it was made; that would make each one different.
_MADE_AT = datetime(2026, 1, 1, tzinfo=UTC)


def main() -> None:
    """Reads one question, writes the file."""
    _limit_memory()
    question: dict[str, Any] = orjson.loads(sys.stdin.buffer.read())
    make = {"pdf": _pdf, "xlsx": _xlsx}[question["form"]]
    sys.stdout.buffer.write(make(question))


def _pdf(question: Mapping[str, Any]) -> bytes:
    import typst  # noqa: PLC0415 - a workbook needs nothing of it

    made: bytes = typst.compile(
        str(_HERE / "sheet.typ"),
        root=str(_HERE),
        # The shipped font is named by the sheet; others stand in for letters that it lacks.
        font_paths=[str(_HERE / "fonts"), *([question["fonts"]] if question["fonts"] else [])],
        ignore_system_fonts=True,
        sys_inputs={"sheet": orjson.dumps(question["sheet"]).decode()},
        format="pdf",
    )
    return made


def _xlsx(question: Mapping[str, Any]) -> bytes:
    import xlsxwriter  # noqa: PLC0415 - a sheet of paper needs nothing of it

    output = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False,
               "strings_to_numbers": False}  # fmt: skip
    with xlsxwriter.Workbook(output, options) as workbook:
        workbook.set_properties({"created": _MADE_AT})
        bold = workbook.add_format({"bold": True})
        formats: dict[int, Any] = {}
        for table in question["tables"]:
            page = workbook.add_worksheet(table["name"][:31])
            page.freeze_panes(1, 0)
            for column, heading in enumerate(table["header"]):
                page.write_string(0, column, harmless(heading), bold)
            for number, row in enumerate(table["rows"], start=1):
                _write_row(workbook, page, number, row, formats)
            page.autofit()
    return output.getvalue()


def _write_row(
    workbook: Any, page: Any, number: int, row: Sequence[Any], formats: dict[int, Any]
) -> None:
    for column, cell in enumerate(row):
        if isinstance(cell, dict):
            value = Decimal(cell["decimal"])
            places = max(0, -int(value.as_tuple().exponent))
            if places not in formats:
                pattern = "0." + "0" * places if places else "0"
                formats[places] = workbook.add_format({"num_format": pattern})
            page.write_number(number, column, value, formats[places])
        elif isinstance(cell, int):
            page.write_number(number, column, cell)
        elif cell is not None:
            page.write_string(number, column, harmless(str(cell)))


def _limit_memory() -> None:
    """A compiler that runs wild dies here and not in the shop. Windows has no such limit."""
    if sys.platform != "win32":
        import resource  # noqa: PLC0415 - exists on POSIX systems alone

        resource.setrlimit(resource.RLIMIT_AS, (LARGEST_MEMORY_BYTES, LARGEST_MEMORY_BYTES))


if __name__ == "__main__":
    main()
