"""Sheets and workbooks: what people wrote stays text, and the same sheet gives the same bytes."""

import io
import re
import zipfile
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import orjson
import playwright
import pytest
import typst

from gosellr.integrations.documents.port import DocumentNotRendered, DocumentTooLong
from gosellr.integrations.documents.renderer import ProcessRenderer
from gosellr.utils.document_sheets import Column, Party, Sheet, SheetTable, breakable
from gosellr.utils.document_tables import Table
from tests.house.source import PACKAGE

HOSTILE = '#panic("run") $x$ *bold* _it_ `raw` \\u{41} [x] <label> @ref = Head // gone /* gone */ "'
FOLDER = PACKAGE / "integrations" / "documents"


def a_sheet(*, text: str = "Lamp", rows: int = 1, **more: object) -> Sheet:
    columns = (Column("Item", share=1), Column("Amount", "right"))
    return Sheet(
        language="en",
        title="Invoice",
        number="INV-2026-00001",
        made_on=date(2026, 3, 2),
        parties=(Party("Seller", text, (text,)),),
        facts=((text, text),),
        tables=(SheetTable(text, columns, ((text, "€1.00"),) * rows),),
        totals=((text, "€1.00 EUR"),),
        notes=(text,),
        words={"page": "Page", "of": "of"},
        **more,
    )


def drawn(sheet: Sheet) -> str:
    """The sheet's first page as it is drawn, letters as outlines left aside."""

    made = typst.compile(
        str(FOLDER / "sheet.typ"),
        root=str(FOLDER),
        font_paths=[str(FOLDER / "fonts")],
        ignore_system_fonts=True,
        sys_inputs={"sheet": orjson.dumps(sheet.plain()).decode()},
        format="svg",
    )
    pages = made if isinstance(made, list) else [made]
    return pages[0].decode()


async def test_the_same_sheet_gives_the_same_pdf() -> None:
    renderer = ProcessRenderer()
    one, two = await renderer.pdf(a_sheet()), await renderer.pdf(a_sheet())
    assert one.startswith(b"%PDF-")
    assert one == two
    assert await renderer.pdf(a_sheet(text="Other")) != one


async def test_what_people_wrote_is_never_markup() -> None:
    assert (await ProcessRenderer().pdf(a_sheet(text=HOSTILE))).startswith(b"%PDF-")


def test_every_letter_of_a_hostile_text_is_set() -> None:
    """As many glyphs as the text has letters: nothing was taken for markup and left out."""
    plain = re.sub(r"\s", "", HOSTILE)
    same_length = a_sheet(text=re.sub(r"\S", "x", HOSTILE))
    glyphs = drawn(a_sheet(text=HOSTILE)).count("<use")
    assert glyphs == drawn(same_length).count("<use")
    assert glyphs > 5 * len(plain)


@pytest.mark.parametrize("text", ["Ærøskøbing ßÄÖÜ łódź", "Ελληνικά", "Кириллица Ђ ґ"])
def test_letters_of_europe_have_glyphs(text: str) -> None:
    """A letter without a glyph is drawn as the same empty box as any other without one."""
    missing = drawn(a_sheet(text="\N{LINEAR B SYLLABLE B008 A}"))
    box = set(re.findall(r'<symbol id="(\w+)"', missing))
    known = set(re.findall(r'<symbol id="(\w+)"', drawn(a_sheet(text="x"))))
    assert not (box - known) & set(re.findall(r'<symbol id="(\w+)"', drawn(a_sheet(text=text))))


async def test_long_tables_go_on_over_pages_within_bounds() -> None:
    renderer = ProcessRenderer()
    made = await renderer.pdf(a_sheet(rows=300))
    counts = [int(found) for found in re.findall(rb"/Count (\d+)", made)]
    assert max(counts) >= 5
    with pytest.raises(DocumentTooLong, match="7501 rows are more than the 7500"):
        await renderer.pdf(a_sheet(rows=7_501))
    with pytest.raises(DocumentTooLong, match="20001 rows are more than the 20000"):
        await renderer.workbook([Table("Long", ("a",), [(1,)] * 20_001)])


async def test_fonts_of_the_operator_stand_in_for_letters_that_are_lacking() -> None:
    [icons, *_] = Path(playwright.__file__).parent.rglob("codicon*.ttf")
    own, with_more = ProcessRenderer(), ProcessRenderer(fonts=icons.parent)
    assert await own.pdf(a_sheet()) == await with_more.pdf(a_sheet())
    icon = a_sheet(text="\uea60")
    assert b"codicon" not in await own.pdf(icon)
    assert b"codicon" in await with_more.pdf(icon)


async def test_what_takes_too_long_is_ended() -> None:
    with pytest.raises(DocumentNotRendered, match="too long"):
        await ProcessRenderer(timeout_seconds=0.01).pdf(a_sheet())


async def test_a_sheet_that_cannot_be_laid_out_is_told() -> None:
    with pytest.raises(DocumentNotRendered, match="laid out"):
        await ProcessRenderer().pdf(a_sheet(is_wide="perhaps"))


async def test_nothing_in_a_workbook_is_a_formula() -> None:
    evil = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "https://x.example", "12"]
    table = Table("Evil", ("=cmd", "amount"), [(text, Decimal("-12.50")) for text in evil])
    made = await ProcessRenderer().workbook([table, Table("More", ("a",), [(None,), (3,)])])
    book = zipfile.ZipFile(io.BytesIO(made))
    page = book.read("xl/worksheets/sheet1.xml").decode()
    strings = book.read("xl/sharedStrings.xml").decode()
    assert "<f>" not in page
    assert "hyperlink" not in page.lower()
    assert page.count("<v>-12.50</v>") == len(evil)
    assert "'=1+1" in strings
    assert "'@SUM(A1)" in strings
    assert "'=cmd" in strings
    assert re.search(r">https://x.example<", strings)
    assert made == await ProcessRenderer().workbook([table, Table("More", ("a",), [(None,), (3,)])])


def _columns(*facts: tuple[str, str]) -> tuple[float, float]:
    """Where the two addresses begin, in points."""
    lines = ("Mariahilfer Straße 123/4/15", "1060 Wien")
    parties = (Party("Seller", "Lampen und Licht GmbH", lines), Party("To", "Ada Lovelace", lines))
    page = drawn(replace(a_sheet(), parties=parties, facts=facts))
    found = re.findall(r'<g transform="translate\(([0-9.]+) [0-9.]+\)"', page)
    return float(found[0]), float(found[1])


def test_facts_of_any_length_leave_the_addresses_their_room() -> None:
    left, right = _columns(("Carrier", "DHL"), ("Tracking", "JD0001"))
    assert right - left > 140
    for fact in ("JD0146 " * 14, breakable("X" * 100), breakable("W" * 24)):
        left, right = _columns(("Carrier", fact.strip()), ("Tracking", fact.strip()))
        assert 100 < right - left < 180
