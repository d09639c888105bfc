"""What is sold in the demo market, read from the lists beside this file."""

import random
import tomllib
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

from gosellr.utils.catalogue import AttributeRule
from gosellr.utils.lazy_dataclasses import dataclass

_LISTS = Path(__file__).parent / "goods"
_SECTIONS = ("kitchen", "home", "plants", "clothing", "music", "play", "food", "craft")
# A stock of so few is meant to be seen as it is, so sales must leave exactly that behind.
SCARCE_MAX = 5
_LONG_AGO_DAYS = 200
_LATELY_DAYS = (2, 5, 9, 16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A variant: what the buyer picks. `left` is what the shelf holds in the end."""

    sku: str
    options: Mapping[str, str]
    price_minor: int
    was_minor: int | None
    left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One shop's offer of one thing. `item` is the SKU of the first offer of the same thing."""

    sku: str
    item: str
    shop: str
    title: str
    text: str
    section: str
    category: str
    brand: str | None
    picture: str | None
    detail: bool
    weight_grams: int
    tax_class: str
    shipping_class: str
    attributes: Mapping[str, Any]
    choices: tuple[Choice, ...]
    age: timedelta
    appeal: float
    quality: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A category with its rules; a top category has children."""

    key: str
    name: str
    picture: str
    text: str
    rules: tuple[AttributeRule, ...]
    children: tuple["Section", ...] = ()


@cache
def _lists() -> dict[str, dict[str, Any]]:
    return {name: tomllib.loads((_LISTS / f"{name}.toml").read_text()) for name in _SECTIONS}


def sections() -> list[Section]:
    """The top categories in their order."""
    return [_section(name, document) for name, document in _lists().items()]


def _section(key: str, document: Mapping[str, Any]) -> Section:
    return Section(
        key=key,
        name=document["name"],
        picture=document["picture"],
        text=document.get("text", ""),
        rules=tuple(_rule(rule) for rule in document.get("attributes", ())),
        children=tuple(_section(child["key"], child) for child in document.get("children", ())),
    )


def _rule(rule: Mapping[str, Any]) -> AttributeRule:
    return AttributeRule(**{**rule, "options": tuple(rule.get("options", ()))})


def listings(chance: random.Random) -> list[Listing]:
    """Every offer of every shop; what the lists leave open is drawn."""
    return [
        listing
        for section, document in _lists().items()
        for good in document["goods"]
        for listing in _offers(section, document, good, chance)
    ]


def _offers(
    section: str, document: Mapping[str, Any], good: Mapping[str, Any], chance: random.Random
) -> Iterator[Listing]:
    quality = min(4.8, chance.gauss(4.35, 0.3))
    yield _listing(section, document, good, chance, quality=quality)
    for other in good.get("also", ()):
        offer = {
            **good,
            "shop": other["shop"],
            "sku": f"{other['shop'].upper()[:3]}-{good['sku']}",
            "price": other["price"],
            "stock": other["stock"],
            "was": None,
            "item": good["sku"],
        }
        yield _listing(section, document, offer, chance, quality=quality)


def _listing(
    section: str,
    document: Mapping[str, Any],
    good: Mapping[str, Any],
    chance: random.Random,
    *,
    quality: float,
) -> Listing:
    # A quarter of the goods came in lately, so that "newest" has something to say.
    is_new = chance.random() < 0.25
    price_minor: int = good["price"]
    return Listing(
        sku=good["sku"],
        item=good.get("item", good["sku"]),
        shop=good["shop"],
        title=good["title"],
        text=good["text"],
        section=section,
        category=good["category"],
        brand=good.get("brand"),
        picture=good.get("picture"),
        detail=good.get("detail", False),
        weight_grams=good["weight"],
        tax_class=good.get("tax_class", document.get("tax_class", "standard")),
        shipping_class=good.get("class", "standard"),
        attributes=good.get("attributes", {}),
        choices=tuple(_choices(good, chance)),
        age=timedelta(days=chance.choice(_LATELY_DAYS) if is_new else _LONG_AGO_DAYS),
        appeal=chance.lognormvariate(0, 0.8) * (3000 / price_minor) ** 0.6,
        quality=quality,
    )


def _choices(good: Mapping[str, Any], chance: random.Random) -> Iterator[Choice]:
    options: Mapping[str, list[str]] = good.get("options", {})
    surcharges: Mapping[str, int] = good.get("surcharge", {})
    given = good.get("stock")
    for number, values in enumerate(product(*options.values())):
        extra_minor = sum(surcharges.get(value, 0) for value in values)
        left = given[number] if isinstance(given, list) else given
        yield Choice(
            sku=good["sku"] if not options else f"{good['sku']}-{number + 1}",
            options=dict(zip(options, values, strict=True)),
            price_minor=good["price"] + extra_minor,
            was_minor=good["was"] + extra_minor if good.get("was") else None,
            left=chance.randint(8, 60) if left is None else left,
        )
