"""The formats a catalogue is imported from, and what they have in common afterwards."""

import re
from collections.abc import Mapping, Sequence

from gosellr.utils.catalogue import AttributeRule, AttributeValue
from gosellr.utils.import_gosellr import read_gosellr
from gosellr.utils.import_json import read_json
from gosellr.utils.import_shopify import read_shopify
from gosellr.utils.import_values import Reader
from gosellr.utils.slugs import slugify

READERS: Mapping[str, Reader] = {
    "gosellr": read_gosellr,
    "shopify": read_shopify,
    "json": read_json,
}

_WHOLE = re.compile(r"-?[0-9]{1,15}")
_DECIMAL = re.compile(r"-?[0-9]{1,15}\.[0-9]{1,9}")
_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def typed_attributes(
    values: Mapping[str, AttributeValue | None], rules: Sequence[AttributeRule]
) -> dict[str, AttributeValue | None]:
    """Attributes as their category's rules mean them: cells of a table are all text.

    What doesn't fit stays as it is, for the catalogue to refuse.
    """
    types = {rule.key: rule.type for rule in rules}
    return {key: _typed(value, types.get(key)) for key, value in values.items()}


def _typed(value: AttributeValue | None, kind: str | None) -> AttributeValue | None:
    if not isinstance(value, str):
        return value
    if kind == "boolean":
        return _TRUTHS.get(value.lower(), value)
    if kind == "number" and _WHOLE.fullmatch(value):
        return int(value)
    if kind == "number" and _DECIMAL.fullmatch(value):
        return float(value)
    return value


def category_path(word: str) -> str:
    """The path that a word for a category may be: “Clothing > Shirts” is clothing/shirts."""
    parts = [part for part in re.split(r"[>/]", word) if part.strip()]
    return "/".join(slugify(part, fallback="category") for part in parts)
