"""Documents as tables for programs: plain English headings, amounts as decimals."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from gosellr.utils.document_words import word
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.money import to_decimal_string

Cell = str | int | Decimal | None
Content = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its header; `name` is that of a sheet in a workbook."""

    name: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]


def table_of(content: Content) -> Table:
    """The one table that a document is. Raises KeyError for a kind without one."""
    return _TABLES[content["kind"]](content)


def amount(minor: int, currency: str) -> Decimal:
    """Minor units as a decimal with the currency's own decimals."""
    return Decimal(to_decimal_string(minor, currency))


def _sale(content: Content) -> Table:
    """The gross of all rows is what is paid or credited. What the marketplace bears lowers neither
    net nor tax of the sale: it is a row of its own that has none."""
    currency = content["currency"]
    header = (
        "number", "issued_at", "order_number", "kind", "sku", "title", "options", "quantity",
        "tax_percent", "net", "tax", "gross", "currency", "corrects",
    )  # fmt: skip
    head = (content["number"], content["issued_at"], content["seller_order_number"])
    corrects = content.get("corrects")
    rows: list[Sequence[Cell]] = [
        (
            *head,
            line["kind"],
            line["sku"],
            line["title"],
            line["options"],
            line["quantity"],
            _percent(line["tax_rate_bps"]),
            *(amount(line[f"{part}_minor"], currency) for part in ("net", "tax", "gross")),
            currency,
            corrects,
        )
        for line in content["lines"]
    ]
    promotion_minor = content["totals"]["promotion_minor"]
    if promotion_minor:
        title = word("promotion", "en")
        borne = amount(-promotion_minor, currency)
        rows.append(
            (
                *head, "promotion", "", title, "", None, None, None, None, borne, currency, corrects
            )
        )  # fmt: skip
    return Table("Lines", header, rows)


def _percent(bps: int) -> Decimal:
    return Decimal(bps) / 100


def _packing_slip(content: Content) -> Table:
    header = ("order_number", "sku", "title", "options", "quantity")
    rows = [
        (
            content["seller_order_number"],
            line["sku"],
            line["title"],
            line["options"],
            line["quantity"],
        )
        for line in content["lines"]
    ]
    return Table("Parcel", header, rows)


def _statement(content: Content) -> Table:
    currency = content["currency"]
    rows: list[Sequence[Cell]] = [
        ("balance", "opening", None, amount(content["opening_minor"], currency), currency)
    ]
    rows += [
        ("movement", one["key"], one["count"], amount(one["amount_minor"], currency), currency)
        for one in content["groups"]
    ]
    rows.append(("balance", "closing", None, amount(content["closing_minor"], currency), currency))
    for pot in content["pots"]:
        rows += [
            (pot["key"], part, None, amount(pot[f"{part}_minor"], currency), currency)
            for part in ("opening", "in", "out", "closing")
        ]
    rows += [
        (
            "payout",
            f"{one['created_at']} {one['status']}",
            None,
            amount(one["amount_minor"], currency),
            currency,
        )
        for one in content["payouts"]
    ]
    return Table("Statement", ("section", "item", "count", "amount", "currency"), rows)


def _commission(content: Content) -> Table:
    currency = content["currency"]
    header = ("number", "period", "tax_percent", "net", "tax", "gross", "currency")
    rows = [
        (
            content["number"],
            content["period"],
            _percent(rate["tax_rate_bps"]),
            *(amount(rate[f"{part}_minor"], currency) for part in ("net", "tax", "gross")),
            currency,
        )
        for rate in content["taxes"]
    ]
    return Table("Commission", header, rows)


# What a seller says of itself, by its column.
_IDENTITY: Final = {
    "seller_kind": "kind",
    "address": "address",
    "tax_identification_number": "tax_numbers",
    "vat_number": "vat_number",
    "date_of_birth": "birth_date",
    "place_of_birth": "birth_place",
    "business_registration_number": "registration_number",
    "permanent_establishments": "establishments",
    "financial_account": "account_number",
    "financial_account_holder": "account_holder",
}


def _dac7(content: Content) -> Table:
    header = (
        "year", "quarter", "seller_id", "legal_name", "trade_name", "country", "email", *_IDENTITY,
        "missing", "currency", "consideration", "activity_count", "fees", "taxes_withheld",
    )  # fmt: skip
    rows = [
        (
            content["year"],
            quarter["quarter"],
            seller["seller_id"],
            seller["legal_name"],
            seller["trade_name"],
            seller["country"],
            seller["email"],
            *(seller["identity"][name] or None for name in _IDENTITY.values()),
            ", ".join(seller["missing"]) or None,
            seller["currency"],
            amount(quarter["consideration_minor"], seller["currency"]),
            quarter["activity_count"],
            amount(quarter["fees_minor"], seller["currency"]),
            amount(quarter["taxes_minor"], seller["currency"]),
        )
        for seller in content["sellers"]
        for quarter in seller["quarters"]
    ]
    return Table("DAC7", header, rows)


def _tax_return(content: Content) -> Table:
    """A row for each rate, one for what was booked by hand, and one for the account as a whole."""
    header = (
        "period", "jurisdiction", "currency", "source", "tax_percent", "base", "tax", "opening",
        "due", "paid", "closing",
    )  # fmt: skip
    rows: list[Sequence[Cell]] = []
    for one in content["jurisdictions"]:
        currency = one["currency"]
        head = (content["period"], one["jurisdiction"], currency)
        no_sums: tuple[Cell, ...] = (None,) * 4
        for rate in one["rates"]:
            taxed = (amount(rate[f"{name}_minor"], currency) for name in ("base", "tax"))
            percent = _percent(rate["tax_rate_bps"])
            rows.append((*head, rate["source"], percent, *taxed, *no_sums))
        if one["by_hand_minor"]:
            by_hand = amount(one["by_hand_minor"], currency)
            rows.append((*head, "by_hand", None, None, by_hand, *no_sums))
        sums = (
            amount(one[f"{name}_minor"], currency) for name in ("opening", "due", "paid", "closing")
        )
        rows.append((*head, "total", None, None, None, *sums))
    return Table("Tax", header, rows)


_TABLES: Final = {
    "invoice": _sale,
    "credit_note": _sale,
    "packing_slip": _packing_slip,
    "statement": _statement,
    "commission_invoice": _commission,
    "dac7": _dac7,
    "tax_return": _tax_return,
}
