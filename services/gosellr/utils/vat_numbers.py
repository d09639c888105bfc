"""VAT identification numbers: their shape in each country that has a well-known one.

A shape says that something was mistyped; that a number was given to somebody, only the country's
own register says. Countries that aren't listed here may write theirs as they like.
"""

import re
from typing import Final

EU_STATES: Final = frozenset(
    {
        "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE",
        "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
    }
)  # fmt: skip

_ANY: Final = re.compile(r"[A-Z]{2}[A-Z0-9+*]{2,18}")
# After the prefix, which is the country's two letters; but EL for Greece, XI for Northern Ireland.
_SHAPES: Final = {
    "AT": r"U\d{8}",
    "BE": r"[01]\d{9}",
    "BG": r"\d{9,10}",
    "CHE": r"\d{9}(MWST|TVA|IVA)?",
    "CY": r"\d{8}[A-Z]",
    "CZ": r"\d{8,10}",
    "DE": r"\d{9}",
    "DK": r"\d{8}",
    "EE": r"\d{9}",
    "EL": r"\d{9}",
    "ES": r"[A-Z0-9]\d{7}[A-Z0-9]",
    "FI": r"\d{8}",
    "FR": r"[A-HJ-NP-Z0-9]{2}\d{9}",
    "GB": r"(\d{9}|\d{12}|(GD|HA)\d{3})",
    "HR": r"\d{11}",
    "HU": r"\d{8}",
    "IE": r"(\d{7}[A-W][A-I]?|\d[A-Z+*]\d{5}[A-W])",
    "IT": r"\d{11}",
    "LT": r"(\d{9}|\d{12})",
    "LU": r"\d{8}",
    "LV": r"\d{11}",
    "MT": r"\d{8}",
    "NL": r"[A-Z0-9+*]{10}\d{2}",
    "NO": r"\d{9}(MVA)?",
    "PL": r"\d{10}",
    "PT": r"\d{9}",
    "RO": r"\d{2,10}",
    "SE": r"\d{10}01",
    "SI": r"\d{8}",
    "SK": r"\d{10}",
    "XI": r"(\d{9}|\d{12}|(GD|HA)\d{3})",
}
_KNOWN: Final = {
    prefix: re.compile(f"{prefix}{shape}", re.ASCII) for prefix, shape in _SHAPES.items()
}
_SEPARATORS: Final = re.compile(r"[ .\-/]")
# No more than two letters follow the country's before the first digit.
_HEAD: Final = re.compile(rf"({'|'.join([*_SHAPES, 'GR'])})[A-Z+*]{{0,2}}\d", re.ASCII)


class InvalidVatNumber(ValueError):
    """No country gives numbers of this shape; the text says what to write."""


def begins_as_vat_number(text: str) -> bool:
    """Whether a text begins as the VAT numbers of a country listed here do: it is one, or one that
    was mistyped. Other numbers, and words before them, don't."""
    return _HEAD.match(_SEPARATORS.sub("", text).upper()) is not None


def parse_vat_number(text: str) -> str:
    """The number without separators, in capitals and with its country's prefix.

    Raises `InvalidVatNumber`.
    """
    plain = _SEPARATORS.sub("", text).upper()
    if plain.startswith("GR"):
        plain = f"EL{plain[2:]}"
    if not _ANY.fullmatch(plain):
        raise InvalidVatNumber("Write it with its country's letters, such as DE123456789")
    shape = _KNOWN.get("CHE" if plain.startswith("CHE") else plain[:2])
    if shape is not None and not shape.fullmatch(plain):
        raise InvalidVatNumber(f"Numbers of {plain[:2]} look different: look at it once more")
    return plain
