"""Documents from what was kept of them to sheets of paper, in the language that was asked for."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from gosellr.utils.document_sheets import (
    Column,
    Sheet,
    SheetTable,
    Speaker,
    breakable,
    breakable_code,
)

Content = Mapping[str, Any]
# Which of a payout's states are told by which word.
_PAYOUT_WORDS: Final = {"paid": "paid", "failed": "failed", "cancelled": "cancelled"}


def sheet_of(content: Content, *, language: str | None = None, today: date) -> Sheet:
    """The sheet of a document; `today` dates what has no date of its own.

    Raises KeyError for a kind of document that has no sheet.
    """
    say = Speaker(language or content["language"], content.get("currency", ""))
    return _SHEETS[content["kind"]](content, say, today)


def _right(label: str) -> Column:
    return Column(label, "right")


def _made_on(content: Content, today: date) -> date:
    issued_at = content.get("issued_at")
    return today if issued_at is None else datetime.fromisoformat(issued_at).date()


def _name(line: Content, say: Speaker) -> str:
    name = line["title"]
    if line["kind"] == "delivery":
        name = f"{say.word('delivery')}: {name}" if name else say.word("delivery")
    options = f" ({line['options']})" if line["options"] else ""
    return breakable(name + options)


def _invoice(content: Content, say: Speaker, today: date) -> Sheet:
    if "paid_again" in content:
        return _paid_again(content, say, today)
    columns = (
        Column(say.word("item"), share=3), Column(say.word("sku"), share=1),
        _right(say.word("quantity")),
        _right(say.word("unit_price")), _right(say.word("discount")), _right(say.word("tax")),
        _right(say.word("gross")),
    )  # fmt: skip
    rows = tuple(
        (
            _name(line, say),
            breakable_code(line["sku"]),
            str(line["quantity"]),
            say.money(line["unit_price_minor"]),
            say.money(-line["discount_minor"]) if line["discount_minor"] else "",
            say.percent(line["tax_rate_bps"]),
            say.money(line["gross_minor"]),
        )
        for line in content["lines"]
    )
    note = say.word("tax_included" if content["tax_included"] else "tax_on_top")
    return _sale(
        content, say, today, table=SheetTable("", columns, rows), due="payable", notes=(note,)
    )


def _paid_again(content: Content, say: Speaker, today: date) -> Sheet:
    """An invoice of what came back of a sale that a bank had taken back, or of a part of that."""
    notes = (
        f"{say.word('paid_again')} {content['paid_again']['invoice']}",
        say.word("tax_included" if content["tax_included"] else "tax_on_top"),
    )
    return _sale(content, say, today, table=_shares(content, say), due="payable", notes=notes)


def _credit_note(content: Content, say: Speaker, today: date) -> Sheet:
    note = f"{say.word('reason')}: {breakable(content['reason'])}"
    return _sale(content, say, today, table=_shares(content, say), due="credited", notes=(note,))


def _shares(content: Content, say: Speaker) -> SheetTable:
    columns = (
        Column(say.word("item"), share=3), Column(say.word("sku"), share=1),
        _right(say.word("quantity")),
        _right(say.word("net")), _right(say.word("tax")), _right(say.word("gross")),
    )  # fmt: skip
    rows = tuple(
        (
            _name(line, say),
            breakable_code(line["sku"]),
            str(line["quantity"] or ""),
            say.money(line["net_minor"]),
            say.percent(line["tax_rate_bps"]),
            say.money(line["gross_minor"]),
        )
        for line in content["lines"]
    )
    return SheetTable("", columns, rows)


def _sale(
    content: Content,
    say: Speaker,
    today: date,
    *,
    table: SheetTable,
    due: str,
    notes: tuple[str, ...],
) -> Sheet:
    facts = [
        (say.word("number"), content["number"]),
        (say.word("date"), say.day(content["issued_at"])),
        (say.word("supplied"), say.day(content["supplied_at"])),
        (say.word("order"), content["seller_order_number"]),
    ]
    if "corrects" in content:
        facts.append((say.word("corrects"), content["corrects"]))
    return Sheet(
        language=say.language,
        title=say.word(content["kind"]),
        number=content["number"],
        made_on=_made_on(content, today),
        parties=(
            say.party("seller", content["issuer"]),
            say.party("buyer", content["recipient"]),
        ),
        facts=tuple(facts),
        tables=(table, _taxes(content, say)),
        totals=_totals(content["totals"], say, due=due),
        notes=(*notes, *_remitted(content, say)),
        words=say.words(),
    )


def _remitted(content: Content, say: Speaker) -> tuple[str, ...]:
    """What a sale's paper says of tax that not its issuer remits."""
    return tuple(
        f"{say.word('remitted_by_marketplace')}: {one['jurisdiction']}"
        f" {say.money(one['tax_minor'])}"
        for one in content.get("taxes_remitted", ())
    )


def _taxes(content: Content, say: Speaker) -> SheetTable:
    columns = (
        Column(say.word("rate"), share=3), _right(say.word("net")), _right(say.word("tax")),
        _right(say.word("gross")),
    )  # fmt: skip
    rows = tuple(
        (
            say.percent(rate["tax_rate_bps"]),
            say.money(rate["net_minor"]),
            say.money(rate["tax_minor"]),
            say.money(rate["gross_minor"]),
        )
        for rate in content["taxes"]
    )
    return SheetTable(say.word("taxes"), columns, rows)


def _totals(totals: Content, say: Speaker, *, due: str) -> tuple[tuple[str, str], ...]:
    rows = [
        (say.word("net"), say.money(totals["net_minor"])),
        (say.word("tax"), say.money(totals["tax_minor"])),
    ]
    if totals["promotion_minor"]:
        rows.append((say.word("total"), say.money(totals["gross_minor"])))
        rows.append((say.word("promotion"), say.money(-totals["promotion_minor"])))
    return (*rows, (say.word(due), say.money(totals["payable_minor"], explicit=True)))


def _packing_slip(content: Content, say: Speaker, _today: date) -> Sheet:
    facts = [
        (say.word("order"), content["seller_order_number"]),
        (say.word("sent"), say.day(content["shipped_at"])),
        (say.word("carrier"), breakable(content["carrier"])),
    ]
    if content["tracking_number"]:
        facts.append((say.word("tracking"), breakable(content["tracking_number"])))
    columns = (
        _right(say.word("quantity")), Column(say.word("item"), share=3),
        Column(say.word("sku"), share=1),
    )  # fmt: skip
    rows = tuple(
        (str(line["quantity"]), _name(line, say), breakable_code(line["sku"]))
        for line in content["lines"]
    )
    return Sheet(
        language=say.language,
        title=say.word("packing_slip"),
        number=content["seller_order_number"],
        made_on=datetime.fromisoformat(content["shipped_at"]).date(),
        parties=(
            say.party("seller", content["issuer"]),
            say.party("ship_to", content["recipient"]),
        ),
        facts=tuple(facts),
        tables=(SheetTable("", columns, rows),),
        words=say.words(),
    )


def _period_facts(content: Content, say: Speaker) -> tuple[tuple[str, str], ...]:
    facts = [
        (say.word("period"), f"{say.day(content['first_day'])} – {say.day(content['last_day'])}")
    ]
    if "number" in content:
        facts.insert(0, (say.word("number"), content["number"]))
        facts.append((say.word("date"), say.day(content["issued_at"])))
    return tuple(facts)


def _period_sheet(content: Content, say: Speaker, today: date, **more: Any) -> Sheet:
    notes = () if "number" in content else (say.word("preliminary"),)
    return Sheet(
        language=say.language,
        number=content.get("number", say.month(content["period"])),
        made_on=_made_on(content, today),
        parties=(
            say.party("issued_by", content["issuer"]),
            say.party("issued_to", content["recipient"]),
        ),
        facts=_period_facts(content, say),
        notes=notes,
        words=say.words(),
        **more,
    )


def _statement(content: Content, say: Speaker, today: date) -> Sheet:
    groups = content["groups"]
    rows = (
        (say.word("opening"), "", say.money(content["opening_minor"])),
        *(
            (say.word(group["key"]), str(group["count"] or ""), say.money(group["amount_minor"]))
            for group in groups
        ),
        (say.word("closing"), "", say.money(content["closing_minor"], explicit=True)),
    )
    columns = (
        Column(say.word("movements"), share=3), _right(say.word("entries")),
        _right(say.word("amount")),
    )  # fmt: skip
    tables = [SheetTable("", columns, rows, strong=(0, len(rows) - 1)), _pots(content, say)]
    if content["payouts"]:
        tables.append(_payouts(content, say))
    return _period_sheet(content, say, today, title=say.word("statement"), tables=tuple(tables))


def _pots(content: Content, say: Speaker) -> SheetTable:
    columns = (
        Column(say.word("where"), share=3), _right(say.word("opening")), _right(say.word("in")),
        _right(say.word("out")), _right(say.word("closing")),
    )  # fmt: skip
    rows = tuple(
        (
            say.word(pot["key"]),
            say.money(pot["opening_minor"]),
            say.money(pot["in_minor"]),
            say.money(-pot["out_minor"]) if pot["out_minor"] else say.money(0),
            say.money(pot["closing_minor"]),
        )
        for pot in content["pots"]
    )
    return SheetTable("", columns, rows)


def _payouts(content: Content, say: Speaker) -> SheetTable:
    columns = (
        Column(say.word("payouts"), share=3), Column(say.word("account")),
        Column(say.word("status")), _right(say.word("amount")),
    )  # fmt: skip
    rows = tuple(
        (
            say.day(payout["created_at"]),
            f"•••• {payout['last_four']}",
            say.word(_PAYOUT_WORDS.get(payout["status"], "sent_status")),
            say.money(payout["amount_minor"]),
        )
        for payout in content["payouts"]
    )
    return SheetTable("", columns, rows)


def _commission(content: Content, say: Speaker, today: date) -> Sheet:
    title = "commission_credit" if content["totals"]["gross_minor"] < 0 else "commission_invoice"
    columns = (Column(say.word("item"), share=3), _right(say.word("net")))
    rows = tuple(
        (say.word(line["key"]), say.money(line["amount_minor"])) for line in content["lines"]
    )
    return _period_sheet(
        content,
        say,
        today,
        title=say.word(title),
        tables=(SheetTable("", columns, rows), _taxes(content, say)),
        totals=_totals(content["totals"], say, due="kept"),
    )


def _dac7(content: Content, say: Speaker, today: date) -> Sheet:
    columns = (
        Column(say.word("seller"), share=3), Column(say.word("country")),
        _right(say.word("quarter")), _right(say.word("consideration")),
        _right(say.word("activities")), _right(say.word("fees")), _right(say.word("withheld")),
    )  # fmt: skip
    rows: list[tuple[str, ...]] = []
    strong: list[int] = []
    for seller in content["sellers"]:
        own = Speaker(say.language, seller["currency"])
        for quarter in (*seller["quarters"], seller["total"]):
            is_total = "quarter" not in quarter
            if is_total:
                strong.append(len(rows))
            first = not is_total and quarter["quarter"] == 1
            rows.append(
                (
                    breakable(seller["legal_name"]) if first else "",
                    seller["country"] if first else "",
                    say.word("year") if is_total else str(quarter["quarter"]),
                    own.money(quarter["consideration_minor"], explicit=is_total),
                    str(quarter["activity_count"]),
                    own.money(quarter["fees_minor"]),
                    own.money(quarter["taxes_minor"]),
                )
            )
    return Sheet(
        language=say.language,
        title=say.word("dac7"),
        number=str(content["year"]),
        made_on=_made_on(content, today),
        parties=(say.party("issued_by", content["issuer"]),),
        facts=((say.word("date"), say.day(content["issued_at"])),),
        tables=(
            SheetTable("", columns, tuple(rows), strong=tuple(strong)),
            *_identities(content, say),
        ),
        notes=(say.word("not_known"),) if content["missing"] else (),
        is_wide=True,
        words=say.words(),
    )


def _identities(content: Content, say: Speaker) -> tuple[SheetTable, ...]:
    """Who sellers are, once each; those of whom nothing is known aren't in it."""
    columns = tuple(
        Column(say.word(name), share=share)
        for name, share in (
            ("seller", 3), ("address", 3), ("tax_numbers", 2), ("vat_number", 2),
            ("birth_or_register", 2), ("account", 3),
        )
    )  # fmt: skip
    of_seller = {
        one["seller_id"]: one for one in content["sellers"] if any(one["identity"].values())
    }
    rows = tuple(
        (
            breakable(one["legal_name"]),
            breakable(said["address"]),
            breakable_code(said["tax_numbers"]),
            breakable_code(said["vat_number"]),
            breakable_code(_joined(said, "birth_date", "birth_place", "registration_number")),
            breakable_code(_joined(said, "account_number", "account_holder")),
        )
        for one in of_seller.values()
        for said in (one["identity"],)
    )
    return (SheetTable(say.word("who_sellers_are"), columns, rows),) if rows else ()


def _joined(said: Content, *names: str) -> str:
    return ", ".join(said[name] for name in names if said[name])


_SHEETS: Final = {
    "invoice": _invoice,
    "credit_note": _credit_note,
    "packing_slip": _packing_slip,
    "statement": _statement,
    "commission_invoice": _commission,
    "dac7": _dac7,
}
