"""Which shop somebody means who types its name."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from gosellr.services.seller_names import NamedSeller
from gosellr.web.views import ChoiceView

TYPED_MAX: Final = 200
ASKED: Final = "Write the shop's name"
_SHOWN: Final = 3

Meant = Mapping[str, Sequence[NamedSeller]]
"""Whom each text that was typed may mean."""


def choices(sellers: Sequence[NamedSeller]) -> tuple[ChoiceView, ...]:
    """Shops to choose from, by what nobody else has: their address."""
    return tuple(ChoiceView(one.slug, one.name) for one in sellers)


def pick(text: str, meant: Meant) -> tuple[UUID | None, str]:
    """The one shop that a text means; None with what is wrong where it means none, or several."""
    found = meant.get(text, ())
    if len(found) == 1:
        return found[0].id, ""
    if not found:
        return None, "There is no such shop: write its name, or a part of it"
    told = ", ".join(f"{one.name} ({one.slug})" for one in found[:_SHOWN])
    more = " and others" if len(found) > _SHOWN else ""
    return None, f"It could be {told}{more}: write what stands in brackets"
