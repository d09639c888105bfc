"""Numbers of cards and bank accounts inside of what people and providers wrote: only their ends
are told on. Doors refuse cards' numbers; what a bank writes as its reason passes none of them."""

import re

from gosellr.utils.card_numbers import holds_card_number
from gosellr.utils.iban import InvalidIban, parse_iban

_DIGITS = re.compile(r"(?<![\w-])\d(?:[ -]?\d){14,18}(?![\w-])", re.ASCII)
# RF begins a creditor's reference (ISO 11649), which has the same check digits and is no secret.
_ACCOUNT = re.compile(
    r"(?<![A-Za-z0-9])(?!RF)[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]){11,30}", re.ASCII | re.I
)


def discreet(text: str) -> str:
    """The text with nothing but the last four signs of such numbers."""
    return _ACCOUNT.sub(_account_end, _DIGITS.sub(_card_end, text))


def _card_end(found: re.Match[str]) -> str:
    return _end(found[0]) if holds_card_number(found[0]) else found[0]


def _account_end(found: re.Match[str]) -> str:
    """Words may follow it that look like more of it, so the longest that is one is taken."""
    written = found[0]
    for length in range(len(written), 14, -1):
        if not written[length - 1].isalnum():
            continue
        try:
            parse_iban(written[:length])
        except InvalidIban:
            continue
        return _end(written[:length]) + written[length:]
    return written


def _end(number: str) -> str:
    return "…" + re.sub(r"[ -]", "", number)[-4:]
