"""A refund that was proposed, in words: all that was shown of it, for the one who has to agree."""

from collections.abc import Mapping
from typing import Any

from gosellr.utils.money import Money
from gosellr.web.binding.console_orders import method_name
from gosellr.web.binding.console_refunds import given_by
from gosellr.web.formats import format_money


def told(wish: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Each thing that it would do, by what people call it."""
    currency = wish["currency"]

    def money(minor: int) -> str:
        return format_money(minor, currency)

    rows = [("Of order", wish["order_number"]), ("The buyer gets", money(wish["amount_minor"]))]
    for line_id, one in wish["lines"].items():
        units = f"×{one['quantity']}, " if one["quantity"] else ""
        rows.append((f"Of {wish['titles'][line_id]}", units + money(one["amount_minor"])))
    if wish["shipping"] is not None:
        rows.append(("Of the delivery", money(wish["shipping"]["amount_minor"])))
    taxes = [*wish["lines"].values(), wish["shipping"] or {}]
    tax_minor = sum(one.get("tax_minor", 0) for one in taxes)
    if tax_minor:
        rows.append(("Tax in it", money(tax_minor)))
    rows += [(row.label, _words(row.amount)) for row in given_by(wish["effects"], currency)]
    rows += [
        (f"By {method_name(way['goes_to'])}", money(way["amount_minor"])) for way in wish["ways"]
    ]
    units = sum(wish["withdrawn"].values())
    if units:
        then = "back on sale" if wish["asked"]["restock"] else "written off"
        rows.append(("Units that won't be sent any more", f"{units}, {then}"))
    return rows


def _words(amount: Money) -> str:
    return format_money(amount.amount, amount.currency)
