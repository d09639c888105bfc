"""Card numbers, which nobody may give us: found where people write, so that none is ever kept."""

import re

# Groups as they stand on a card, or without them; nothing longer that only begins like one.
# What follows the head of an IBAN is a bank account's.
_WRITTEN = re.compile(r"(?<![\w-])(?<![A-Z]{2}\d{2}[ -])\d(?:[ -]?\d){14,18}(?![\w-])", re.ASCII)
# First digits and lengths of the networks (ISO/IEC 7812): American Express has 15 digits; Visa,
# Mastercard, Discover, JCB, UnionPay and Maestro 16, some of them up to 19.
_NETWORKS = re.compile(
    r"3[47]\d{13}|4\d{15}(?:\d{3})?|(?:5[1-5]|2[2-7])\d{14}|35\d{14,17}|6\d{15,18}", re.ASCII
)


def holds_card_number(text: str) -> bool:
    """Whether a text has something in it that looks like a card's number: the digits of a network,
    as many as it uses, whose check digit fits. Telephone numbers have no more than 15."""
    if _WRITTEN.search(text) is None:
        return False
    return any(
        _NETWORKS.fullmatch(digits) is not None and _check_digit_fits(digits)
        for digits in (re.sub(r"[ -]", "", found[0]) for found in _WRITTEN.finditer(text))
    )


def _check_digit_fits(digits: str) -> bool:
    """The formula of Luhn, ISO/IEC 7812-1 annex B."""
    total = 0
    for place, digit in enumerate(map(int, reversed(digits))):
        doubled = digit * 2 if place % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0
