"""What makes a listing sound: options and their matrix, GTINs, typed attributes, clean words."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from uuid import UUID

from gosellr.utils.lazy_dataclasses import dataclass

VARIANTS_MAX = 250
_GTIN_LENGTHS = frozenset({8, 12, 13, 14})

AttributeValue = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing wrong with one field of a listing; `field` is its way from the document's root."""

    field: str
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a variant costs in one currency; `compare_at_minor` is the struck-through one."""

    currency: str
    amount_minor: int
    compare_at_minor: int | None = None


@dataclass(frozen=True, slots=True)
class OptionAxis:
    """A choice a buyer makes, such as a size, and its values in their order."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MediaUse:
    """A picture of a listing and the words for those who can't see it."""

    media_id: UUID
    alt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantDraft:
    """What is bought: `stock` is the first delivery, `dimensions_mm` is length, width, height."""

    sku: str
    prices: tuple[Price, ...]
    stock: int = 0
    options: Mapping[str, str] = field(default_factory=dict)
    gtin: str | None = None
    weight_grams: int = 0
    dimensions_mm: tuple[int, int, int] | None = None
    low_stock_at: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductDraft:
    """A listing to be: the currency of its first price is the one that its card shows.

    `item_id` joins it to the equal listings of other sellers. `source_key` and `source_hash` are
    an import's own name for it and what it said last.
    """

    title: str
    category_id: UUID
    variants: tuple[VariantDraft, ...]
    description: str = ""
    brand: str | None = None
    options: tuple[OptionAxis, ...] = ()
    attributes: Mapping[str, AttributeValue | None] = field(default_factory=dict)
    media: tuple[MediaUse, ...] = ()
    active: bool = False
    slug: str | None = None
    item_id: UUID | None = None
    shipping_class: str = "standard"
    tax_class: str = "standard"
    source_key: str | None = None
    source_hash: bytes | None = None

    @property
    def currency(self) -> str:
        """The currency of the first price of the first variant."""
        return self.variants[0].prices[0].currency


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeRule:
    """What a category asks of its products; `type` is text, number, boolean or enum."""

    key: str
    label: str
    type: str
    required: bool = False
    options: tuple[str, ...] = ()
    unit: str | None = None


def one_line(text: str) -> str:
    """The text in one line, composed (NFC), without control and direction characters."""
    return " ".join("".join(map(_visible, unicodedata.normalize("NFC", text))).split())


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category in {"Cc", "Zl", "Zp"}:
        return " "
    # The joiners of Persian and Hindi are format characters that carry meaning.
    return "" if category == "Cf" and character not in "\u200c\u200d" else character


def is_gtin(code: str) -> bool:
    """Tell whether a code is a GTIN of 8, 12, 13 or 14 digits with a true check digit.

    GS1 General Specifications, 7.9: from the right, weights 1 and 3 in turn sum to a multiple
    of ten.
    """
    if len(code) not in _GTIN_LENGTHS or not (code.isascii() and code.isdigit()):
        return False
    return (
        sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(reversed(code))) % 10
        == 0
    )


def option_key(options: Mapping[str, str]) -> str:
    """One spelling per choice, whatever the order and the case: what makes a duplicate."""
    folded = sorted((name.casefold(), value.casefold()) for name, value in options.items())
    return "\x1f".join(f"{name}\x1e{value}" for name, value in folded)


def axes_of(variants: Iterable[VariantDraft]) -> tuple[OptionAxis, ...]:
    """The axes that variants span, in order of appearance."""
    values: dict[str, dict[str, None]] = {}
    for variant in variants:
        for name, value in variant.options.items():
            values.setdefault(name, {})[value] = None
    return tuple(OptionAxis(name, tuple(found)) for name, found in values.items())


def matrix_flaws(axes: Sequence[OptionAxis], choices: Sequence[Mapping[str, str]]) -> list[Flaw]:
    """What is wrong with the choices of the variants on these axes: gaps, strangers, twins."""
    flaws: list[Flaw] = []
    names = [axis.name.casefold() for axis in axes]
    for index, axis in enumerate(axes):
        folded = {value.casefold() for value in axis.values}
        if names.index(axis.name.casefold()) != index or len(folded) != len(axis.values):
            flaws.append(
                Flaw(f"options.{index}", "option_duplicate", f"{axis.name} is there twice")
            )
    allowed = {axis.name: set(axis.values) for axis in axes}
    seen: set[str] = set()
    for index, choice in enumerate(choices):
        where = f"variants.{index}.options"
        flaws += [
            Flaw(f"{where}.{name}", "option_missing", f"Choose a value of {name}")
            for name in allowed
            if name not in choice
        ]
        for name, value in choice.items():
            if value not in allowed.get(name, ()):
                flaws.append(
                    Flaw(f"{where}.{name}", "option_unknown", f"{value} is no value of {name}")
                )
        key = option_key(choice)
        if key in seen:
            flaws.append(Flaw(where, "variant_duplicate", "Another variant is the same choice"))
        seen.add(key)
    return flaws


def variant_flaws(variants: Sequence[VariantDraft], *, currency: str) -> list[Flaw]:
    """What is wrong with the variants themselves: SKUs, prices and codes."""
    flaws: list[Flaw] = []
    if not 1 <= len(variants) <= VARIANTS_MAX:
        flaws.append(
            Flaw("variants", "variants_count", f"A product has 1 to {VARIANTS_MAX} variants")
        )
    seen: set[str] = set()
    for index, variant in enumerate(variants):
        where = f"variants.{index}"
        if variant.sku in seen:
            flaws.append(Flaw(f"{where}.sku", "sku_duplicate", f"{variant.sku} is there twice"))
        seen.add(variant.sku)
        currencies = [price.currency for price in variant.prices]
        if currency not in currencies:
            flaws.append(
                Flaw(f"{where}.price", "price_missing", f"A price in {currency} is needed")
            )
        if len(set(currencies)) != len(currencies):
            flaws.append(Flaw(f"{where}.prices", "price_duplicate", "One price per currency"))
        if variant.gtin is not None and not is_gtin(variant.gtin):
            flaws.append(Flaw(f"{where}.gtin", "gtin_invalid", "Its check digit isn't right"))
    return flaws


def attribute_flaws(
    rules: Sequence[AttributeRule], values: Mapping[str, AttributeValue | None]
) -> list[Flaw]:
    """What is wrong with a product's attributes under its category's rules; None is not given."""
    by_key = {rule.key: rule for rule in rules}
    flaws = [
        Flaw(f"attributes.{key}", "attribute_unknown", f"This category has no attribute {key}")
        for key in values
        if key not in by_key
    ]
    for key, rule in by_key.items():
        value = values.get(key)
        if value is None:
            if rule.required:
                flaws.append(
                    Flaw(f"attributes.{key}", "attribute_required", f"{rule.label} is needed")
                )
        elif wanted := _not_of_type(rule, value):
            flaws.append(
                Flaw(f"attributes.{key}", "attribute_type", f"{rule.label} must be {wanted}")
            )
    return flaws


def _not_of_type(rule: AttributeRule, value: AttributeValue) -> str | None:
    """The words for what was wanted, when it isn't what was given."""
    match rule.type:
        case "boolean":
            return None if isinstance(value, bool) else "true or false"
        case "number":
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            return None if is_number else "a number"
        case "enum":
            return None if value in rule.options else "one of " + ", ".join(rule.options)
        case _:
            return None if isinstance(value, str) and value.strip() else "a text"
