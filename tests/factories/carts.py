"""A bag, called over HTTP as its owner calls it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import httpx2

from gosellr.api.schemas.carts import CartOut, ShippingOptionsOut
from gosellr.core.db import Connection
from tests.factories.catalogue import MadeProduct, make_product, make_shelf_seller
from tests.factories.terms import make_delivery, make_tax

ADDRESS = {
    "name": "Ada Lovelace",
    "line1": "Marktstraße 1",
    "city": "Berlin",
    "postal_code": "10115",
    "country": "DE",
}


class Bag:
    """A cart with what opens it: a guest's token, or a buyer's headers."""

    def __init__(
        self,
        client: httpx2.AsyncClient,
        made: dict[str, Any],
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.client = client
        self.id = made["id"]
        self.headers = dict(headers or {"X-Cart-Token": made["token"]})

    async def call(self, method: str, path: str = "", **rest: Any) -> httpx2.Response:
        """The response to a call on this bag."""
        headers = {**self.headers, **rest.pop("headers", {})}
        return await self.client.request(
            method, f"/api/v1/carts/{self.id}{path}", headers=headers, **rest
        )

    async def change(self, method: str, path: str, **rest: Any) -> dict[str, Any]:
        """The document that a call answers with, which has to go well."""
        response = await self.call(method, path, **rest)
        assert response.status_code == 200, response.text
        document: dict[str, Any] = response.json()
        shape = ShippingOptionsOut if path == "/shipping-options" else CartOut
        assert shape.model_validate(document).model_dump(mode="json").keys() >= document.keys()
        return document

    async def put(self, variant_id: UUID, quantity: int = 1) -> dict[str, Any]:
        """Put units of a variant in."""
        return await self.change(
            "POST", "/items", json={"variant_id": str(variant_id), "quantity": quantity}
        )

    async def show(self) -> dict[str, Any]:
        """The bag as it stands."""
        return await self.change("GET", "")

    async def refused(self, method: str, path: str = "", **rest: Any) -> dict[str, Any]:
        """The problem that a call is answered with, which has to change nothing."""
        before = await self.show()
        response = await self.call(method, path, **rest)
        problem: dict[str, Any] = response.json()
        assert response.status_code == problem["status"] >= 400
        assert await self.show() == before
        return problem


async def make_bag(
    client: httpx2.AsyncClient, *, headers: Mapping[str, str] | None = None, **body: Any
) -> Bag:
    """A new bag: a guest's, or that of whom the headers name."""
    response = await client.post("/api/v1/carts", json=body, headers=dict(headers or {}))
    assert response.status_code == 201, response.text
    return Bag(client, response.json(), headers)


def amounts(document: dict[str, Any], *names: str) -> list[int]:
    """Minor units of some amounts of a document."""
    return [document[name]["amount"] for name in names]


async def make_goods_of_two_shops(connection: Connection) -> list[MadeProduct]:
    """What two shops have nine of each, with tax and delivery."""
    await make_tax(connection, rate_bps=1900)
    await make_delivery(connection)
    return [
        await make_product(
            connection, seller=await make_shelf_seller(connection), price_minor=price, stock=9
        )
        for price in (1999, 5000)
    ]
