"""Reading files of products: every format, every quirk, and nothing that makes it fall over."""

import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gosellr.utils.catalogue import AttributeRule, Price
from gosellr.utils.ids import uuid7
from gosellr.utils.import_formats import READERS, category_path, typed_attributes
from gosellr.utils.import_gosellr import COLUMNS, template
from gosellr.utils.import_shopify import derived_sku
from gosellr.utils.import_table import decoded
from gosellr.utils.import_values import (
    ImportedProduct,
    RowFlaw,
    Setup,
    Unreadable,
    said_stock,
    source_mark,
)

EUR = Setup(currency="EUR")
OWN = "handle,title,sku,price,stock"
CATEGORY = uuid7(unix_ms=1, random_bits=1)


def read(text: str, kind: str = "gosellr", setup: Setup = EUR) -> list[ImportedProduct]:
    return list(READERS[kind](text.splitlines(keepends=True), setup))


def flaws(text: str, kind: str = "gosellr") -> list[tuple[int, str, str]]:
    return [
        (flaw.row, flaw.field, flaw.code) for product in read(text, kind) for flaw in product.flaws
    ]


def own(**cells: str) -> str:
    given_cells = {"title": "Lamp", "sku": "L", "price": "1", **cells}
    quoted = ['"' + cell.replace('"', '""') + '"' for cell in given_cells.values()]
    return ",".join(given_cells) + "\n" + ",".join(quoted) + "\n"


@pytest.mark.parametrize(
    ("price", "amount_minor"),
    [("12.50", 1250), ("12.5", 1250), ("12", 1200), ("0", 0), (" 9.99 ", 999), ("9.9900", 999)],
)
def test_prices(price: str, amount_minor: int) -> None:
    [product] = read(own(price=price))
    assert product.listing is not None
    assert product.listing.variants[0].prices == (Price(currency="EUR", amount_minor=amount_minor),)


def test_prices_of_a_currency_without_decimals() -> None:
    [product] = read(own(price="500.00", currency="JPY"))
    assert product.listing is not None
    assert product.listing.variants[0].prices[0] == Price(currency="JPY", amount_minor=500)


@pytest.mark.parametrize(
    ("price", "code", "advice"),
    [
        ("12,5O", "price_form", "O for 0"),
        ("12,50", "price_form", "with a point: 12.50"),
        ("1.299,00", "price_form", "digits and a point"),
        ("€12", "price_form", "without a currency sign"),
        ("1.234", "price_form", "more decimals, than EUR"),
        ("99999999999999999", "price_form", "currency sign"),
        ("-1", "price_negative", "less than 0"),
        ("", "price_missing", "Give the variant a price"),
    ],
)
def test_prices_that_are_none(price: str, code: str, advice: str) -> None:
    [flaw] = read(own(price=price))[0].flaws
    assert (flaw.row, flaw.field, flaw.code, flaw.value) == (2, "price", code, price)
    assert advice in flaw.message


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("title", "=1+1", "formula"),
        ("title", "+SUM(A1)", "formula"),
        ("title", "@cmd|calc", "formula"),
        ("title", "#REF!", "formula_error"),
        ("title", "a\x07b", "letter_unknown"),
        ("title", "a\u202eb", "letter_unknown"),
        ("title", "x" * 201, "too_long"),
        ("description", "x" * 20_001, "too_long"),
        ("stock", "1.5", "number_form"),
        ("stock", "many", "number_form"),
        ("stock", "-3", "negative"),
        ("stock", "1000000001", "number_bounds"),
        ("status", "onsale", "choice_unknown"),
        ("currency", "EURO", "currency_unknown"),
        ("gtin", "12", "form"),
        ("dimensions_mm", "10x20", "form"),
        ("tax_class", "Low Rate", "form"),
        ("sku", "", "missing"),
    ],
)
def test_cells_that_cannot_be(column: str, value: str, code: str) -> None:
    [product] = read(own(**{column: value}))
    assert [(flaw.row, flaw.field, flaw.code) for flaw in product.flaws] == [(2, column, code)]
    assert product.listing is None


@pytest.mark.parametrize("title", ["+49 lamps", "-10 % lamp", "@home", "a=b", "Lamp\r\nof two"])
def test_words_that_look_like_formulas(title: str) -> None:
    [product] = read(own(title=title))
    assert product.listing is not None
    assert product.listing.title == title.replace("\r\n", " ")


def test_lines_are_those_of_the_file() -> None:
    text = f'\ufeff{OWN}\r\na,"Two\r\nlines",A,1,1\r\n\r\nb,B,B,x,1\r\n'
    products = list(READERS["gosellr"](decoded(text.encode().splitlines(keepends=True)), EUR))
    assert [product.key for product in products] == ["a", "b"]
    assert products[1].flaws[0].row == 5


def test_semicolons_of_a_european_sheet() -> None:
    [product] = read(OWN.replace(",", ";") + "\n;Lamp, blue;L;1.50;2\n")
    assert product.listing is not None
    assert (product.key, product.listing.title) == ("sku:L", "Lamp, blue")


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ("a,A,A,1\n", [(2, "", "column_count")]),
        ("a,A,A,1,1,1\n", [(2, "", "column_count")]),
        ("a,A,A,1,1,\n", []),
        ('a,"A,A,1,1\nb,B,B,1,1\n', [(2, "", "row_unreadable")]),
        ('a,"A"x,A,1,1\nb,B,B,1,1\n', [(2, "", "row_unreadable")]),
        ("a,A,A,1,1\nb,B,A,1,1\n", [(3, "sku", "sku_repeated")]),
        ("a,A,A,1,1\nb,B,B,1,1\na,A,C,1,1\n", [(4, "handle", "key_repeated")]),
        # A row that can't be read between two of one product may be of that product.
        ('a,A,A,1,1\na,"A"x,B,1,1\na,A,C,1,1\n', [(3, "", "row_unreadable")]),
    ],
)
def test_rows_that_are_none(rows: str, found: list[tuple[int, str, str]]) -> None:
    assert flaws(f"{OWN}\n{rows}") == found


def test_a_product_with_a_broken_row_is_left_alone_as_a_whole() -> None:
    products = read(f'{OWN}\na,A,A,1,1\na,"A"x,B,1,1\na,A,C,1,1\nd,D,D,1,1\n')
    assert [(product.key, product.row_count, bool(product.listing)) for product in products] == [
        ("a", 3, False),
        ("d", 1, True),
    ]


def test_the_template_can_be_read() -> None:
    [product] = read(template())
    assert product.listing is not None
    assert product.flaws == ()
    assert [variant.options for variant in product.listing.variants] == [
        {"Size": "S"},
        {"Size": "M"},
    ]
    assert product.listing.variants[0].dimensions_mm == (300, 200, 20)
    assert len({column.name for column in COLUMNS}) == len(COLUMNS)


SHOPIFY = (
    "Handle,Title,Published,Status,Option1 Name,Option1 Value,Variant SKU,Variant Grams,"
    "Variant Price,Variant Compare At Price,Variant Barcode,Image Src\n"
)


def test_shopify_variants_and_pictures() -> None:
    [product] = read(
        SHOPIFY
        + "shirt,Shirt,TRUE,active,Size,S,,250.0,30,25,'4006381333931,u1\n"
        + "shirt,,,,,M,MEDIUM,,30,35,ABC,u1\n"
        + ",,,,,,,,,,,u2\n",
        "shopify",
    )
    assert product.row_count == 3
    assert product.listing is not None
    small, medium = product.listing.variants
    assert (small.sku, small.weight_grams, small.gtin) == ("shirt-s", 250, "4006381333931")
    # A former price that isn't higher is none, and a code of the shop's own is no GTIN.
    assert small.prices[0].compare_at_minor is None
    assert (medium.sku, medium.gtin, medium.prices[0].compare_at_minor) == ("MEDIUM", None, 3500)
    assert (product.listing.active, product.listing.pictures_skipped) == (True, 2)


@pytest.mark.parametrize(
    ("published", "status", "active"),
    [
        ("true", "", True), ("false", "", False), ("true", "draft", False), ("", "active", True),
        ("TRUE", "Archived", False),
    ],
)  # fmt: skip
def test_shopify_status(published: str, status: str, active: bool) -> None:
    [product] = read(f"{SHOPIFY}a,A,{published},{status},Title,Default Title,,,1,,,\n", "shopify")
    assert product.listing is not None
    assert product.listing.active is active
    assert product.listing.variants[0].options == {}


def test_derived_skus_are_readable_stable_and_their_own() -> None:
    assert derived_sku("classic-top", ["Small"]) == "classic-top-small"
    assert derived_sku("a", ["+"]) == derived_sku("a", ["+"])
    assert len({derived_sku("a", [value]) for value in ("+", "-", "", "1+", "1-", "Ü")}) == 6
    assert len(derived_sku("long " * 40, ["x"])) <= 64


def test_json_prices_and_choices() -> None:
    price = {"amount": 1999, "currency": "EUR"}
    product: dict[str, Any] = {
        "title": "Lamp",
        "variants": [
            {
                "sku": "L",
                "price": price,
                "compare_at_price": {"amount": 2500, "currency": "EUR"},
                "prices": [{"amount": 2100, "currency": "USD"}],
                "options": {"Size": "S"},
                "stock": 3,
            }
        ],
        "options": [{"name": "Size", "values": ["S", "M"]}],
        "attributes": {"vegan": True},
    }
    [found] = read(json.dumps(product), "json")
    assert found.listing is not None
    assert found.key == "sku:L"
    assert found.listing.variants[0].prices == (
        Price(currency="EUR", amount_minor=1999, compare_at_minor=2500),
        Price(currency="USD", amount_minor=2100),
    )
    assert found.listing.unsaid == {"media"}


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"title": 3}, "title", "type"),
        ({"variants": []}, "variants", "missing"),
        ({"variants": [{"sku": "A"}]}, "variants.0.price", "missing"),
        ({"variants": [{"sku": "A", "price": {"amount": 1.5, "currency": "EUR"}}]},
         "variants.0.price.amount", "number_form"),
        ({"variants": [{"sku": "A", "price": {"amount": True, "currency": "EUR"}}]},
         "variants.0.price.amount", "number_form"),
        ({"variants": [{"sku": "A", "price": {"amount": 1, "currency": "EUX"}}]},
         "variants.0.price.currency", "currency_unknown"),
        ({"category_id": "lamps"}, "category_id", "form"),
        ({"status": "sold"}, "status", "choice_unknown"),
        ({"title": "\ud800"}, "title", "letter_unknown"),
        ({"seller_id": "x"}, "seller_id", "field_unknown"),
        ({"attributes": {"a": []}}, "attributes.a", "type"),
        ({"media": [{"alt": "x"}]}, "media.0.id", "missing"),
    ],
)  # fmt: skip
def test_json_fields_that_cannot_be(change: dict[str, Any], field: str, code: str) -> None:
    good = {"sku": "A", "price": {"amount": 1, "currency": "EUR"}}
    text = json.dumps({"title": "Lamp", "variants": [good], **change})
    assert flaws(text, "json") == [(1, field, code)]


def test_json_lists_longer_than_what_is_read_at_once() -> None:
    price = {"amount": 1, "currency": "EUR"}
    products = [
        {
            "title": "T" * 150,
            "description": "é" * 3000,
            "variants": [{"sku": f"{n}", "price": price}],
        }
        for n in range(200)
    ]
    found = read(json.dumps(products, indent=2, ensure_ascii=False), "json")
    assert [product.key for product in found] == [f"sku:{number}" for number in range(200)]
    assert found[1].places.records[0].line - found[0].places.records[0].line == 13


@pytest.mark.parametrize("text", ["[{}", "[{} {}]", "[{}] x", "[" * 100_000, "[NaN]", "[1e999999"])
def test_json_that_is_none(text: str) -> None:
    with pytest.raises(Unreadable):
        read(text, "json")


def test_a_line_that_is_no_json_stops_nothing() -> None:
    assert flaws('3\n{"title"\n', "json") == [
        (1, "", "row_unreadable"),
        (2, "", "row_unreadable"),
    ]


def test_the_mark_knows_content_and_stock() -> None:
    def mark(**cells: str) -> bytes:
        [product] = read(own(**cells))
        assert product.listing is not None
        return source_mark(product.listing.draft(category_id=CATEGORY, source_key=product.key))

    assert mark(stock="3") == mark(stock="3", brand="")
    assert mark(stock="3") != mark(stock="4")
    assert mark(stock="3")[:32] == mark(stock="4")[:32]
    assert mark(title="Lamp") != mark(title="lamp")
    assert said_stock(mark(stock="3"), "L") == 3
    assert said_stock(mark(stock="3"), "M") is None
    assert said_stock(None, "L") is None


def test_attributes_are_what_their_rules_say() -> None:
    rules = [
        AttributeRule(key="count", label="Count", type="number"),
        AttributeRule(key="vegan", label="Vegan", type="boolean"),
        AttributeRule(key="size", label="Size", type="text"),
    ]
    given_values = {"count": "2.5", "vegan": "Yes", "size": "1", "other": "x"}
    assert typed_attributes(given_values, rules) == {
        "count": 2.5, "vegan": True, "size": "1", "other": "x",
    }  # fmt: skip
    assert typed_attributes({"count": "two", "vegan": "maybe"}, rules) == {
        "count": "two", "vegan": "maybe",
    }  # fmt: skip


def test_paths_of_categories() -> None:
    assert category_path("Apparel & Accessories > Clothing") == "apparel-accessories/clothing"
    assert category_path("clothing/shirts") == "clothing/shirts"
    assert category_path("!") == "category"


def _survives(lines: Iterable[str], kind: str) -> None:
    try:
        products = list(READERS[kind](lines, EUR))
    except Unreadable:
        return
    for product in products:
        assert product.listing is None or not product.flaws
        assert product.listing is not None or product.flaws
        assert product.row_count >= 1
        for flaw in product.flaws:
            assert isinstance(flaw, RowFlaw)
            assert flaw.message
            assert "\x00" not in flaw.value + flaw.field + flaw.message
            (flaw.value + flaw.field + flaw.message).encode()
        if product.listing:
            source_mark(product.listing.draft(category_id=CATEGORY, source_key=product.key))


@pytest.mark.parametrize("kind", sorted(READERS))
@given(text=st.text())
def test_any_text_can_be_read(kind: str, text: str) -> None:
    _survives(text.splitlines(keepends=True), kind)


_CELL = st.one_of(
    st.text(max_size=12),
    st.sampled_from(['"', '""', "1", "-1", "12,5O", "=1", "true", "a", "Default Title", "\x00"]),
)


@pytest.mark.parametrize("kind", ["gosellr", "shopify"])
@given(rows=st.lists(st.lists(_CELL, max_size=14), max_size=8))
def test_any_rows_can_be_read(kind: str, rows: list[list[str]]) -> None:
    header = SHOPIFY if kind == "shopify" else template().splitlines(keepends=True)[0]
    text = header + "\n".join(",".join(row) for row in rows)
    _survives(text.splitlines(keepends=True), kind)


_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.one_of(
                st.text(max_size=5),
                st.sampled_from(
                    ["title", "variants", "sku", "price", "amount", "options", "media", "handle"]
                ),
            ),
            inner,
            max_size=5,
        ),
    ),
    max_leaves=12,
)


@given(values=st.lists(_JSON, min_size=1, max_size=4), as_lines=st.booleans())
def test_any_json_can_be_read(values: list[Any], as_lines: bool) -> None:
    text = "\n".join(map(json.dumps, values)) if as_lines else json.dumps(values)
    _survives(text.splitlines(keepends=True), "json")


@given(content=st.binary())
def test_any_bytes_can_be_read(content: bytes) -> None:
    try:
        lines = list(decoded(content.splitlines(keepends=True)))
    except Unreadable:
        return
    _survives(lines, "shopify")
