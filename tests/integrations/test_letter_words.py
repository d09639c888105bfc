"""Letters in words: every kind says what it has to, in both forms, and nobody can write in them."""

from typing import Any

import pytest

from gosellr.integrations.letters.renderer import LANGUAGES, TEMPLATES_FOLDER, LetterRenderer
from gosellr.utils.letters import LetterKind

AT = "2026-03-05T09:00:00+00:00"
EVIL = '<img src=x onerror="alert(1)">'
LINES = [{"what": f"Lamp {EVIL}", "quantity": 2, "amount": {"amount": 10_000, "currency": "EUR"}}]
CONTEXT: dict[str, Any] = {
    "name": EVIL,
    "number": "GS-10001",
    "how": "paid",
    "parts": [
        {"seller": EVIL, "lines": LINES, "delivery": {"amount": 0, "currency": "EUR"},
         "ship_by": AT}
    ],
    "lines": LINES,
    "iban": "DE89370400440532013000", "bic": "COBADEFF", "holder": "Market Halls Ltd",
    "reference": "RF18539007547034",
    "seller": EVIL, "shop": EVIL, "title": EVIL, "by": EVIL,
    "carrier": "dhl", "tracking_number": "JD0001", "tracking_url": "https://dhl.example/JD0001",
    "reason": EVIL, "decision": EVIL, "outcome": "split", "gateway": "stripe", "provider": "paypal",
    "step": "suspended", "side": "buyer",
    "is_all": False, "money": "taken", "is_all_credited": False,
    "is_credit": False,
    "withdrawal_link": "https://shop.example/withdraw",
    "giver": EVIL, "message": EVIL, "expires_at": AT, "is_chargeback": False,
    "borne_by_market": True,
    "last_four": "3000", "previous_last_four": "1111",
    "findings": [{"must_hold": EVIL, "rows": 1}, {"must_hold": "stock", "rows": 2}],
    "finding_count": 2,
    **dict.fromkeys(
        ("ship_by", "pay_until", "until", "due_at", "usable_from", "changed_at",
         "evidence_due_at", "audited_at", "asked_at",
         "withheld_from"),
        AT,
    ),
    **{
        name: {"amount": 123_456, "currency": "EUR"}
        for name in ("total", "net", "amount", "arrived", "missing", "credited", "award", "fee",
                     "asked", "taken")
    },
}  # fmt: skip
RENDERER = LetterRenderer(market_name="GoSellr")


def test_every_kind_has_its_template_in_every_language() -> None:
    for language in LANGUAGES:
        found = {path.stem for path in (TEMPLATES_FOLDER / language).glob("*.jinja")}
        assert found == {kind.value for kind in LetterKind}


@pytest.mark.parametrize("kind", LetterKind)
def test_both_forms_are_whole_and_nothing_of_others_is_markup(kind: LetterKind) -> None:
    letter = RENDERER.render(
        kind, language="en", context=CONTEXT, link="https://shop.example/orders/GS-10001"
    )
    assert letter.subject
    assert len(letter.subject) <= 150
    assert letter.subject.splitlines() == [letter.subject]
    assert letter.text.startswith(f"Hello {EVIL},\n\n")
    assert "\n\n\n" not in letter.text
    assert "\f" not in letter.text
    assert letter.text.count("https://shop.example/orders/GS-10001\n") == 1
    assert letter.text.endswith("\n\n-- \nGoSellr\n")
    assert "<img" not in letter.html
    assert "&lt;img" in letter.html
    assert letter.html.count('<a href="https://shop.example/orders/GS-10001">') == 1
    assert "http" not in letter.html.replace("https://shop.example", "").replace(
        "https://dhl.example", ""
    )


def test_amounts_are_written_as_on_the_pages() -> None:
    amount = {"amount": 1_234_567, "currency": "JPY"}
    letter = RENDERER.render(
        LetterKind.PAYOUT_PAID, language="en", context={**CONTEXT, "amount": amount}, link="x"
    )
    assert letter.subject == "Payout of JP¥1,234,567 JPY"


def test_an_unknown_language_is_read_in_english() -> None:
    letter = RENDERER.render(LetterKind.PAYOUT_PAID, language="xx", context=CONTEXT, link="x")
    assert (
        letter.text
        == RENDERER.render(LetterKind.PAYOUT_PAID, language="en", context=CONTEXT, link="x").text
    )


def test_a_market_s_name_is_plain_too() -> None:
    letter = LetterRenderer(market_name="Halls\n<b>\u202e").render(
        LetterKind.PAYOUT_PAID, language="en", context=CONTEXT, link="x"
    )
    assert letter.text.endswith("\n-- \nHalls <b>\n")
    assert '<p style="color:#666">Halls &lt;b&gt;</p>' in letter.html
