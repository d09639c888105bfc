"""Tables in text files (CSV), row by row: nothing in them raises but a file that is none."""

import csv
from collections.abc import Iterable, Iterator, Sequence

from gosellr.utils.import_values import (
    ROWS_MAX,
    ImportedProduct,
    Places,
    Record,
    RowFlaw,
    Unreadable,
    broken,
    shown,
)

_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")
_COLUMNS_MAX = 500


def decoded(raw_lines: Iterable[bytes]) -> Iterator[str]:
    """The lines of a file as text, without its byte order mark.

    Raises:
        Unreadable: for any encoding but UTF-8, naming the first line that isn't.
    """
    for number, raw in enumerate(raw_lines, 1):
        if number == 1 and raw.startswith(_WIDE_MARKS):
            raise Unreadable("This file is UTF-16: save it again as “CSV UTF-8”")
        if number == 1 and raw.startswith(b"PK\x03\x04"):
            raise Unreadable("This is a workbook or an archive: save the sheet as “CSV UTF-8”")
        try:
            text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            byte = raw[error.start]
            raise Unreadable(
                f"Line {number} isn't UTF-8 (byte {byte:#04x}; perhaps Windows-1252):"
                " save the file again as “CSV UTF-8”"
            ) from None
        yield text


class Table:
    """A header and the rows below it. Making one reads the header; iterating reads the rows."""

    def __init__(self, lines: Iterable[str]) -> None:
        source = iter(lines)
        first = next((line for line in source if line.strip()), None)
        if first is None:
            raise Unreadable("The file is empty: it needs a header and at least one row")
        # A header has no commas in its names as a rule: the sign there most often parts it.
        delimiter = max(",;\t", key=first.count)
        self._rows = csv.reader(_again(first, source), delimiter=delimiter, strict=True)
        try:
            self.header = [name.strip() for name in next(self._rows)]
        except csv.Error as error:
            raise Unreadable(f"The header can't be read: {error}") from None
        self._check_header()

    def _check_header(self) -> None:
        while self.header and not self.header[-1]:
            self.header.pop()
        twice = sorted({name for name in self.header if self.header.count(name) > 1})
        if len(self.header) > _COLUMNS_MAX:
            raise Unreadable(f"The header has more than {_COLUMNS_MAX} columns")
        if twice:
            raise Unreadable(f"A column stands in the header twice: {shown(', '.join(twice))}")

    def require(self, columns: Sequence[str]) -> None:
        """Raise `Unreadable` unless the header has all of these."""
        if missing := [name for name in columns if name not in self.header]:
            raise Unreadable(
                f"The header misses {', '.join(missing)}: is it the right format and its first row?"
            )

    def __iter__(self) -> Iterator[Record]:
        """The rows, without those that are empty.

        Raises:
            Unreadable: when there are too many of them.
        """
        count = 0
        while True:
            line = self._rows.line_num + 1
            try:
                cells = next(self._rows)
            except StopIteration:
                return
            except csv.Error as error:
                flaw = RowFlaw(line, "", "row_unreadable", _quoting(str(error)))
                record = Record(line, {}, flaw)
            else:
                if not any(cell.strip() for cell in cells):
                    continue
                record = self._record(line, cells)
            count += 1
            if count > ROWS_MAX:
                raise Unreadable(f"The file has more than {ROWS_MAX:,} rows: part it in several")
            yield record

    def _record(self, line: int, cells: list[str]) -> Record:
        width = len(self.header)
        more = any(cell.strip() for cell in cells[width:])
        flaw = None
        if len(cells) < width or more:
            flaw = RowFlaw(
                line,
                "",
                "column_count",
                f"This row has {len(cells)} cells and the header {width}: a quote or a separator"
                " is missing or too many",
                shown(cells[0]),
            )
        return Record(line, dict(zip(self.header, cells, strict=False)), flaw)


def grouped(records: Iterable[Record], *, column: str, continues: bool) -> Iterator[list[Record]]:
    """Rows that stand together and have the same word in a column, as one.

    With `continues`, a row without the word belongs to the one above. A row that can't be read
    belongs to its neighbours when they belong together.
    """
    group: list[Record] = []
    unsure: list[Record] = []
    current = ""
    for record in records:
        if not record.cells:
            unsure.append(record)
            continue
        key = record.cells.get(column, "").strip()
        if group and (key == current if key else continues):
            group += [*unsure, record]
        else:
            if group:
                yield group
            yield from ([each] for each in unsure)
            group, current = [record], key
        unsure = []
    if group:
        yield group
    yield from ([each] for each in unsure)


class Seen:
    """What stood in the file before: a key and a SKU are there once."""

    def __init__(self, *, key_column: str, sku_column: str) -> None:
        self._columns = {"key": key_column, "sku": sku_column}
        self._lines: dict[str, dict[str, int]] = {"key": {}, "sku": {}}

    def key(self, key: str, record: Record) -> RowFlaw | None:
        """The flaw of a product that the file had before."""
        return self._first("key", key, record, "The rows of a product stand together")

    def sku(self, sku: str, record: Record) -> RowFlaw | None:
        """The flaw of a SKU that the file had before."""
        return self._first("sku", sku, record, "Give each variant a SKU of its own")

    def _first(self, kind: str, word: str, record: Record, advice: str) -> RowFlaw | None:
        line = self._lines[kind].setdefault(word, record.line)
        if line == record.line:
            return None
        message = f"{shown(word)} is on line {line} already. {advice}"
        return RowFlaw(record.line, self._columns[kind], f"{kind}_repeated", message, shown(word))


def repeated(group: Sequence[Record], key: str, flaw: RowFlaw) -> ImportedProduct:
    """A product that the file had before."""
    return ImportedProduct(key=key, places=Places(tuple(group)), flaws=(flaw,))


def unreadable_rows(group: Sequence[Record]) -> ImportedProduct | None:
    """The product of a single row without cells, of which there is nothing to read."""
    return broken(group[0]) if len(group) == 1 and not group[0].cells else None


def _again(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _quoting(error: str) -> str:
    if "field larger" in error or "end of data" in error:
        return "A quoted cell doesn't end: close it with a quote, and double the quotes inside it"
    return "The quotes of this row don't match: put cells in quotes and double quotes inside them"
