"""Pictures at the door: honest ones are kept once and served for ever, others are refused."""

import asyncio
import io
from typing import Any

import httpx2
import pytest
from PIL import Image

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.resources import Resources
from gosellr.utils.permissions import MemberRole
from tests.factories.accounts import (
    TestSeller,
    add_member,
    bearer,
    make_operator,
    make_seller,
    make_user,
)
from tests.factories.catalogue import make_category, make_product

Headers = dict[str, str]


def picture(
    colour: str = "teal", *, size: tuple[int, int] = (400, 300), kind: str = "PNG"
) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, kind)
    return file.getvalue()


async def upload(
    client: httpx2.AsyncClient,
    headers: Headers,
    content: bytes,
    *,
    name: str = "lamp.png",
    kind: str = "image/png",
    **form: str,
) -> httpx2.Response:
    return await client.post(
        "/api/v1/media", files={"file": (name, content, kind)}, data=form, headers=headers
    )


@pytest.fixture
async def seller(connection: Connection, clock: ManualClock) -> TestSeller:
    """An active seller."""
    return await make_seller(connection, now=clock.now())


@pytest.fixture
async def headers(resources: Resources, seller: TestSeller) -> Headers:
    """Calls as the seller's owner."""
    return await bearer(resources, seller.owner)


async def test_a_picture_is_kept_once_and_served_for_ever(
    client: httpx2.AsyncClient, connection: Connection, headers: Headers
) -> None:
    made = await upload(client, headers, picture())
    assert made.status_code == 201, made.text
    media = made.json()
    assert (media["width"], media["height"], media["alt"]) == (400, 300, "")
    widths = [form.rpartition(" ")[2] for form in media["srcset"].split(", ")]
    assert widths == ["160w", "320w", "400w"]
    assert (await upload(client, headers, picture(), name="again.png")).json() == media
    assert await connection.fetchval("SELECT count(*) FROM media") == 1
    served = await client.get(media["url"])
    assert served.headers["content-type"] == "image/webp"
    assert served.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert served.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert Image.open(io.BytesIO(served.content)).size == (400, 300)
    known = await client.get(media["url"], headers={"If-None-Match": served.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")
    whatever = await client.get(media["url"], headers={"If-None-Match": "*"})
    assert (whatever.status_code, whatever.content) == (304, b"")


@pytest.mark.parametrize(
    ("content", "name", "kind", "reason"),
    [
        (picture(), "lamp.jpg", "image/png", "image_type_mismatch"),
        (picture(), "lamp.png", "image/jpeg", "image_type_mismatch"),
        (b"<svg onload=alert(1)></svg>", "lamp.svg", "image/svg+xml", "image_type_refused"),
        (b"<?php system('id') ?>", "lamp.png", "image/png", "image_type_refused"),
        (picture()[:80], "lamp.png", "image/png", "image_broken"),
        (b"", "lamp.png", "image/png", "image_type_refused"),
    ],
)
async def test_a_file_that_lies_is_refused(
    client: httpx2.AsyncClient,
    connection: Connection,
    headers: Headers,
    content: bytes,
    name: str,
    kind: str,
    reason: str,
) -> None:
    refused = await upload(client, headers, content, name=name, kind=kind)
    assert (refused.status_code, refused.json()["code"]) == (422, "media_refused")
    assert refused.json()["reason"] == reason
    assert await connection.fetchval("SELECT count(*) FROM media") == 0


@pytest.mark.parametrize(
    ("name", "kind"), [("lamp.jpg", "image/png"), ("lamp.png", "image/jpeg"), ("x.txt", "")]
)
async def test_a_picture_that_is_known_is_judged_like_a_new_one(
    client: httpx2.AsyncClient, headers: Headers, name: str, kind: str
) -> None:
    new = await upload(client, headers, picture(), name=name, kind=kind)
    assert (await upload(client, headers, picture())).status_code == 201
    known = await upload(client, headers, picture(), name=name, kind=kind)
    for refused in (new, known):
        assert (refused.status_code, refused.json()["code"]) == (422, "media_refused")
        assert refused.json()["reason"] == "image_type_mismatch"
    assert known.json()["detail"] == new.json()["detail"]


async def test_a_file_that_is_too_large_is_refused(
    client: httpx2.AsyncClient, headers: Headers, resources: Resources
) -> None:
    content = picture() + bytes(resources.settings.media_max_bytes)
    refused = await upload(client, headers, content)
    assert (refused.status_code, refused.json()["code"]) == (413, "media_too_large")


async def test_only_those_who_list_may_upload(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    seller: TestSeller,
    headers: Headers,
    clock: ManualClock,
) -> None:
    now = clock.now()
    assert (await upload(client, {}, picture())).status_code == 401
    buyer = await bearer(resources, await make_user(connection, now=now))
    assert (await upload(client, buyer, picture())).status_code == 403
    viewer = await add_member(connection, now=now, seller=seller, role=MemberRole.VIEWER)
    looking = await bearer(resources, viewer)
    assert (await upload(client, looking, picture())).status_code == 403
    other = await make_seller(connection, now=now, name="Red Chair")
    foreign = await upload(client, headers, picture(), seller_id=str(other.id))
    assert foreign.status_code == 404
    operator = await bearer(resources, await make_operator(connection, now=now))
    assert (await upload(client, operator, picture())).status_code == 201


@pytest.mark.parametrize("key", ["..%2f..%2fsecret.key", "x", f"{'0' * 64}.webp", "%00"])
async def test_there_is_nothing_but_pictures(client: httpx2.AsyncClient, key: str) -> None:
    assert (await client.get(f"/media/{key}")).status_code == 404


async def test_pictures_keep_their_order_and_outlive_the_product(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    headers: Headers,
    clock: ManualClock,
) -> None:
    colours = ("red", "green", "blue")
    ids = [(await upload(client, headers, picture(colour))).json()["id"] for colour in colours]
    body: dict[str, Any] = {
        "title": "Lamp",
        "description": "",
        "category_id": str(await make_category(connection)),
        "variants": [{"sku": "L", "price": {"amount": 1, "currency": "EUR"}, "stock": 1}],
        "media": [{"id": one, "alt": alt} for one, alt in zip(ids, colours, strict=True)],
        "status": "active",
    }
    made = (await client.post("/api/v1/products/create", json=body, headers=headers)).json()
    assert [(one["id"], one["alt"]) for one in made["media"]] == list(
        zip(ids, colours, strict=True)
    )
    path = f"/api/v1/products/{made['id']}"
    turned = {"media": [{"id": ids[2]}, {"id": ids[0], "alt": "first"}]}
    changed = (await client.put(path, json=turned, headers=headers)).json()
    assert [(one["id"], one["alt"]) for one in changed["media"]] == [
        (ids[2], ""),
        (ids[0], "first"),
    ]
    card = (await client.get("/api/v1/products/")).json()["items"][0]
    assert card["media"]["id"] == ids[2]
    other = await make_seller(connection, now=clock.now(), name="Red Chair")
    theirs = await make_product(connection, seller=other)
    stolen = await client.put(
        f"/api/v1/products/{theirs.id}",
        json={"media": [{"id": ids[0]}]},
        headers=await bearer(resources, other.owner),
    )
    assert (stolen.status_code, stolen.json()["errors"][0]["field"]) == (422, "media.0.id")
    await client.delete(path, headers=headers)
    assert (await client.get(changed["media"][0]["url"])).status_code == 200


async def test_blobs_lie_in_the_markets_home(
    client: httpx2.AsyncClient, headers: Headers, resources: Resources
) -> None:
    await upload(client, headers, picture())
    found = await asyncio.to_thread(list, (resources.settings.home / "media").rglob("*.*"))
    assert sorted(path.suffix for path in found) == [".webp"] * 3
