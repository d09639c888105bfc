"""The page on which a shop says who it is to the tax authorities."""

import httpx2
import pytest

from gosellr.core.db import Connection
from gosellr.core.encryption import Vault
from gosellr.resources import Resources
from tests.factories.sales import Shop, make_shop
from tests.web.people import assert_sound, enter, open_page
from tests.web.visitor import Visitor

PASSWORD = "a long pass phrase"
WRITTEN = {
    "kind": "entity", "legal_name": "Lampo Werke GmbH", "line1": "Lindenallee 4",
    "postal_code": "10115", "city": "Berlin", "country": "DE", "tax_number-1": "30/123/45678",
    "tax_country-1": "DE", "vat_number": "DE987654321", "registration_number": "HRB 12345",
    "establishments": "fr, at",
}  # fmt: skip


@pytest.fixture
def visitor(client: httpx2.AsyncClient) -> Visitor:
    return Visitor(client)


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    return await make_shop(connection, price_minor=5_000)


async def enter_as_owner(
    visitor: Visitor, resources: Resources, connection: Connection, shop: Shop
) -> None:
    """Sign in, with a password to say once more."""
    await enter(visitor, resources, shop.seller.owner)
    await connection.execute(
        "UPDATE user_account SET password_hash = $2 WHERE id = $1",
        shop.seller.owner.id,
        await resources.passwords.hash(PASSWORD),
    )


async def test_what_was_typed_stays_and_every_problem_stands_at_its_field(
    visitor: Visitor, resources: Resources, connection: Connection, shop: Shop
) -> None:
    await enter_as_owner(visitor, resources, connection, shop)
    path = f"/seller/{shop.seller.id}/tax-identity"
    text = await open_page(visitor, path)
    assert f'href="{path}"' in text
    assert "This is still missing" in text
    odd = {**WRITTEN, "legal_name": "", "vat_number": "DE12", "tax_country-1": ""}
    await visitor.send(path, changes=odd, password=PASSWORD)
    assert visitor.page.status_code == 422
    assert_sound(visitor.text)
    said = set(visitor.text.split('"'))
    assert {"legal_name-error", "vat_number-error", "tax_country-1-error"} <= said
    assert "tax_number-1-error" not in said
    values = visitor.form(path).values
    assert (values["tax_number-1"], values["line1"]) == ("30/123/45678", "Lindenallee 4")
    # Never the password.
    assert PASSWORD not in visitor.text
    both = {**WRITTEN, "no_tax_number": "yes", "no_registration_number": "yes"}
    await visitor.send(path, changes=both, password=PASSWORD)
    assert visitor.page.status_code == 422
    for name in ("no_tax_number", "no_registration_number"):
        # What the summary points at is there, and says what is wrong.
        assert f'href="#{name}"' in visitor.text
        assert f'id="{name}"' in visitor.text
        assert f'id="{name}-error"' in visitor.text
    assert_sound(visitor.text)
    unticked = {**WRITTEN, "no_tax_number": "", "no_registration_number": ""}
    await visitor.send(path, changes=unticked, password="guessed")
    assert visitor.page.status_code == 422
    assert "password-error" in visitor.text
    assert await connection.fetchval("SELECT count(*) FROM seller_tax_identity") == 0
    await visitor.send(path, changes=WRITTEN, password=PASSWORD)
    assert "kept encrypted" in visitor.text
    assert_sound(visitor.text)
    for shown in ("Lampo Werke GmbH", "Berlin, DE", "…678 (DE)", "…321", "…345", "AT, FR"):
        assert shown in visitor.text
    for secret in ("30/123/45678", "DE987654321", "HRB 12345", "Lindenallee"):
        assert secret not in visitor.text


async def test_the_same_form_twice_is_one_change_and_another_s_is_told_first(
    visitor: Visitor, resources: Resources, connection: Connection, shop: Shop
) -> None:
    await enter_as_owner(visitor, resources, connection, shop)
    path = f"/seller/{shop.seller.id}/tax-identity"
    await open_page(visitor, path)
    empty = visitor.page
    for _ in range(2):
        visitor.page = empty
        await visitor.send(path, changes=WRITTEN, password=PASSWORD)
        assert "kept encrypted" in visitor.text
    assert await connection.fetchval("SELECT version FROM seller_tax_identity") == 1
    visitor.page = empty
    other = {**WRITTEN, "legal_name": "Other GmbH"}
    await visitor.send(path, changes=other, password=PASSWORD)
    assert visitor.page.status_code == 409
    assert "Somebody else said it anew" in visitor.text
    assert visitor.form(path).values["legal_name"] == "Other GmbH"
    assert visitor.form(path).values["version"] == "1"
    await visitor.send(path, password=PASSWORD)
    assert "Other GmbH" in visitor.text
    assert await connection.fetchval("SELECT version FROM seller_tax_identity") == 2


async def test_one_that_no_key_opens_is_asked_for_again(
    visitor: Visitor, resources: Resources, connection: Connection, shop: Shop
) -> None:
    await enter_as_owner(visitor, resources, connection, shop)
    path = f"/seller/{shop.seller.id}/tax-identity"
    await open_page(visitor, path)
    await visitor.send(path, changes=WRITTEN, password=PASSWORD)
    # Sealed under a secret that isn't ours any more.
    await connection.execute(
        "UPDATE seller_tax_identity SET identity_encrypted = $1",
        Vault(["a secret that is gone"]).encrypt(b"{}", place="elsewhere"),
    )
    assert "This is still missing" in await open_page(visitor, path)
    await visitor.send(path, changes=WRITTEN, password=PASSWORD)
    assert "Lampo Werke GmbH" in visitor.text
    assert await connection.fetchval("SELECT version FROM seller_tax_identity") == 2
