"""What PayPal's movements mean, whichever way they are told: by its interface or in a report."""

import re
from collections.abc import Mapping
from typing import Final, Literal

Kind = Literal["charge", "refund", "chargeback", "payout", "fee", "settlement", "other"]

_OURS: Final = "gosellr"
_PARTED_BY: Final = "."
_CODE: Final = re.compile(r"T(\d\d)(\d\d)")
_PAYMENTS: Final = "00"
_BY_GROUP: Final[Mapping[str, Kind]] = {"01": "fee", "04": "settlement"}
_BY_CODE: Final[Mapping[str, Kind]] = {
    "T0001": "payout",
    # A fee for a chargeback, and for a dispute.
    "T0106": "chargeback",
    "T0114": "chargeback",
    "T1106": "chargeback",
    "T1107": "refund",
    # Held while PayPal looks into it, and let go.
    "T1110": "chargeback",
    "T1111": "chargeback",
    # Taken back by the bank, given back, paid by PayPal instead, taken once more, called off.
    "T1201": "chargeback",
    "T1202": "chargeback",
    "T1205": "chargeback",
    "T1207": "chargeback",
    "T1208": "chargeback",
}
_FEES: Final = frozenset({"T0106", "T0114"})


def our_id(identifier: str, more: str = "") -> str:
    """An identifier of ours as it stands at PayPal, where others may use the same account.

    `more` is of an order the word that says why it is never to be captured, and of a refund its
    own id.
    """
    return _PARTED_BY.join([_OURS, identifier, *([more] if more else [])])


def read_our_id(text: object) -> tuple[str, str]:
    """The identifier and what stands behind it; empty for what isn't ours."""
    if not isinstance(text, str):
        return "", ""
    ours, _, rest = text.partition(_PARTED_BY)
    identifier, _, more = rest.partition(_PARTED_BY)
    return (identifier, more) if ours == _OURS else ("", "")


def kind_of(code: str, *, amount_minor: int) -> Kind:
    """What a movement with this event code is: the first two digits say the group."""
    found = _CODE.fullmatch(code)
    if found is None:
        return "other"
    if code in _BY_CODE:
        return _BY_CODE[code]
    if found[1] == _PAYMENTS:
        return "charge" if amount_minor > 0 else "other"
    return _BY_GROUP.get(found[1], "other")


def fee_apart(kind: Kind, amount_minor: int, fee_change_minor: int) -> tuple[int, int]:
    """The amount and the fee of a movement whose fee changed the balance by so much, mostly down.

    A fee that PayPal gave back with a refund is a fee below zero, as it is reported; with anything
    else it is part of the amount: the net stays what it is.
    """
    if fee_change_minor > 0 and kind != "refund":
        return amount_minor + fee_change_minor, 0
    return amount_minor, -fee_change_minor


def figures_of(code: str, *, change_minor: int, fee_change_minor: int) -> tuple[Kind, int, int]:
    """What a movement is, its amount and its fee. One that is a fee by itself has no amount."""
    kind = kind_of(code, amount_minor=change_minor + max(fee_change_minor, 0))
    amount_minor, fee_minor = fee_apart(kind, change_minor, fee_change_minor)
    if code in _FEES and amount_minor < 0:
        amount_minor, fee_minor = 0, fee_minor - amount_minor
    return kind, amount_minor, fee_minor


def our_name(kind: Kind, custom: object) -> str | None:
    """Our own id of a movement, out of what we had PayPal keep with it."""
    first, second = read_our_id(custom)
    return (second if kind == "refund" else first) or None


def related_to(kind: Kind, *, name: str, reference: str | None) -> str | None:
    """PayPal's name of what a movement is about: of a refund its own."""
    return name if kind == "refund" else reference
