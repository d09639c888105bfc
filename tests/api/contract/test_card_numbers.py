"""No field that people write into takes the number of a card, however it is sent to us."""

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import pytest

import gosellr.api.schemas as rooms
from gosellr.api.schemas.carts import AddressIn
from gosellr.api.schemas.common import NoCard, RequestModel
from gosellr.api.schemas.stored_value import GiftCardCreate

# What isn't written by people, is looked for and not kept, or has a form of its own that no
# card's number has. Names that a carrier or a bank gives may well look like one.
FORMS = {
    "account", "category", "cursor", "email", "gateway", "iban", "key", "method", "payer_iban",
    "picture",
    "query", "reference", "related", "scope", "seller", "sku", "slug", "transaction_id",
    "tracking_number", "tracking_url", "unit",
    "code", "client_id", "client_secret", "password", "refresh_token", "username",
    "current_password", "new_password", "recipient_email", "token",
    "postal_patterns", "regions", "carrier", "service",
}  # fmt: skip
# The catalogue is written by shops for everybody, and is full of numbers of goods.
CATALOGUE = {"products", "categories", "marketplace"}


def request_models() -> Iterator[type[RequestModel]]:
    """Every body that the API takes."""
    for room in pkgutil.iter_modules(rooms.__path__):
        importlib.import_module(f"{rooms.__name__}.{room.name}")
    known, waiting = set(), [RequestModel]
    while waiting:
        for model in waiting.pop().__subclasses__():
            if model not in known:
                known.add(model)
                waiting.append(model)
    yield from known


def texts(hint: Any, marks: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """What is declared of each text within a type."""
    if get_origin(hint) is Annotated:
        inner, *more = get_args(hint)
        yield from texts(inner, (*marks, *more))
    elif hint is str:
        yield marks
    elif get_origin(hint) is not None:
        for one in get_args(hint):
            yield from texts(one, marks)


def is_code(marks: tuple[Any, ...]) -> bool:
    """Whether a pattern of its own bounds a text, other than that it is one of words."""
    patterns = [pattern for one in marks if (pattern := getattr(one, "pattern", None))]
    return any(not pattern.startswith("^[^") for pattern in patterns)


def test_every_text_is_looked_at_for_the_number_of_a_card() -> None:
    unguarded = [
        f"{model.__module__.rpartition('.')[2]}.{model.__name__}.{name}"
        for model in request_models()
        if model.__module__.rpartition(".")[2] not in CATALOGUE
        for name, hint in get_type_hints(model, include_extras=True).items()
        if name in model.model_fields and name not in FORMS
        for marks in texts(hint)
        if NoCard not in marks and not is_code(marks)
    ]
    assert sorted(unguarded) == []


@pytest.mark.parametrize("field", ["name", "line1", "line2", "city", "region", "postal_code"])
def test_an_address_holds_none(field: str) -> None:
    whole = {
        "name": "Ada Lovelace", "line1": "12 Analytical Row", "city": "Berlin",
        "postal_code": "10115", "country": "DE",
    }  # fmt: skip
    AddressIn.model_validate(whole)
    with pytest.raises(ValueError, match="number of a card"):
        AddressIn.model_validate(whole | {field: "4242424242424242"})


def test_the_note_of_a_gift_card_holds_none() -> None:
    with pytest.raises(ValueError, match="number of a card"):
        GiftCardCreate.model_validate(
            {"amount": {"amount": 5, "currency": "EUR"}, "note": "Paid with 5555 5555 5555 4444"}
        )
