"""Imports to test with: a file handed in at the door, and worked off right away."""

from typing import Any
from uuid import UUID

import httpx2

from gosellr.flows import imports
from gosellr.resources import Resources

Headers = dict[str, str]

HEADER = (
    "Handle,Title,Body (HTML),Type,Published,Option1 Name,Option1 Value,Variant SKU,"
    "Variant Inventory Qty,Variant Price,Image Src\r\n"
)
# Two products of a Shopify shop in four rows, one of them for a picture only.
SMALL = HEADER + (
    "lamp,Lamp,<p>Bright<script>x()</script></p>,Lamps,true,Title,Default Title,LAMP,4,19.90,"
    "https://example.com/a.jpg\r\n"
    'shirt,"Shirt, linen","two\nlines",Lamps,false,Size,S,,2,30,\r\n'
    ",,,,,,M,,0,35.50,https://example.com/b.jpg\r\n"
    ",,,,,,,,,,https://example.com/c.jpg\r\n"
)


async def hand_in(
    client: httpx2.AsyncClient,
    headers: Headers,
    content: bytes | str,
    *,
    kind: str = "shopify",
    name: str = "products.csv",
    key: str | None = None,
    **form: str,
) -> httpx2.Response:
    """Ask for an import."""
    body = content.encode() if isinstance(content, str) else content
    return await client.post(
        "/api/v1/imports",
        files={"file": (name, body, "text/csv")},
        data={"format": kind, **form},
        headers={**headers, **({"Idempotency-Key": key} if key else {})},
    )


async def imported(
    client: httpx2.AsyncClient,
    resources: Resources,
    headers: Headers,
    content: bytes | str,
    **form: Any,
) -> dict[str, Any]:
    """Hand a file in, work it off, and give what the API says of it."""
    asked = await hand_in(client, headers, content, **form)
    assert asked.status_code == 202, asked.text
    import_id = asked.json()["id"]
    await imports.run_import(resources.imports, import_id=UUID(import_id))
    found = await client.get(f"/api/v1/imports/{import_id}", headers=headers)
    assert found.status_code == 200, found.text
    document: dict[str, Any] = found.json()
    return document


def counts(document: dict[str, Any]) -> tuple[int, int, int, int]:
    """Created, updated, unchanged and failed."""
    return (
        document["created"],
        document["updated"],
        document["unchanged"],
        document["failed"],
    )
