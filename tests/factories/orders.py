"""Orders placed as a guest would place them."""

from typing import Any
from uuid import UUID, uuid4

import httpx2

ADDRESS = {
    "name": "Ada Lovelace",
    "line1": "12 Analytical Row",
    "city": "Berlin",
    "postal_code": "10115",
    "country": "DE",
}


def order_body(
    *items: tuple[UUID, int], token: str = "tok_ok", email: str = "ada@example.com", **more: Any
) -> dict[str, Any]:
    """A one-call order."""
    return {
        "items": [
            {"variant_id": str(variant_id), "quantity": quantity} for variant_id, quantity in items
        ],
        "email": email,
        "shipping_address": ADDRESS,
        "payment_method": "sandbox",
        "payment_token": token,
        **more,
    }


async def place(
    client: httpx2.AsyncClient,
    body: dict[str, Any],
    *,
    key: str | None = None,
    headers: dict[str, str] | None = None,
) -> httpx2.Response:
    """Post an order under a key of its own."""
    return await client.post(
        "/api/v1/orders/create",
        json=body,
        headers={"Idempotency-Key": key or uuid4().hex, **(headers or {})},
    )
