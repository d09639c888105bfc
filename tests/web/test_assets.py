"""Static files: names that carry the content, encodings, caching, and nothing else served."""

import gzip
import json
from pathlib import Path

import brotli
import httpx2 as httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from gosellr.web.assets import IMMUTABLE, SHORT_LIVED, Assets, UnknownAssetError
from tests.web.sample_views import ASSETS

APP = Starlette(routes=[Mount("/static", ASSETS)])


async def fetch(path: str, method: str = "GET", **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(app=APP)
    plain = {key.replace("_", "-"): value for key, value in headers.items()}
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
        return await client.request(method, path, headers={"Accept-Encoding": "identity", **plain})


async def test_a_hashed_name_is_kept_for_ever_and_a_plain_one_for_an_hour() -> None:
    url = ASSETS.url("app.css")
    assert url == f"/static/app.{ASSETS.get('app.css').digest}.css"
    hashed = await fetch(url)
    assert hashed.status_code == 200
    assert hashed.headers["cache-control"] == IMMUTABLE
    assert hashed.headers["content-type"] == "text/css; charset=utf-8"
    plain = await fetch("/static/demo/teapot.webp")
    assert plain.headers["cache-control"] == SHORT_LIVED
    assert plain.headers["content-type"] == "image/webp"
    assert plain.content == ASSETS.get("demo/teapot.webp").body


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br", "br"),
        ("br;q=0, gzip", "gzip"),
        ("gzip;q=0.0", None),
        ("identity", None),
    ],
)
async def test_the_best_accepted_encoding_is_sent(accepted: str, encoding: str | None) -> None:
    asset = ASSETS.get("app.js")
    body, chosen = asset.encoded(accepted)
    assert chosen == encoding
    unpack = {"br": brotli.decompress, "gzip": gzip.decompress, None: bytes}[encoding]
    assert unpack(body) == asset.body
    response = await fetch(ASSETS.url("app.js"), Accept_Encoding=accepted)
    assert response.headers.get("content-encoding") == encoding
    assert response.headers["vary"] == "Accept-Encoding"
    assert response.headers["content-length"] == str(len(body))


async def test_pictures_are_not_compressed_again() -> None:
    response = await fetch(ASSETS.url("demo/teapot.webp"), Accept_Encoding="br")
    assert "content-encoding" not in response.headers


async def test_a_known_version_is_answered_with_304() -> None:
    first = await fetch("/static/app.css")
    again = await fetch("/static/app.css", If_None_Match=f'"other", {first.headers["etag"]}')
    assert again.status_code == 304
    assert again.content == b""


async def test_only_get_and_head_are_answered() -> None:
    head = await fetch(ASSETS.url("app.css"), "HEAD")
    assert head.status_code == 200
    assert head.content == b""
    assert int(head.headers["content-length"]) > 0
    refused = await fetch(ASSETS.url("app.css"), "POST")
    assert refused.status_code == 405
    assert refused.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    "path",
    ["/static/", "/static/nothing.css", "/static/app.000000000000.css", "/static/../assets.py"],
)
async def test_everything_else_is_not_found(path: str) -> None:
    assert (await fetch(path)).status_code == 404


def test_a_stylesheet_names_hashed_files(tmp_path: Path) -> None:
    assert (
        f'url("{ASSETS.get("figtree.woff2").hashed_name}")' in ASSETS.get("app.css").body.decode()
    )
    (tmp_path / "broken.css").write_text("a{background:url(nowhere.webp)}")
    with pytest.raises(UnknownAssetError, match=r"nowhere\.webp"):
        Assets.load(tmp_path)


def test_every_foreign_file_has_its_licence_beside_it() -> None:
    for name in ("htmx.LICENSE", "figtree.LICENSE", "icons.LICENSE", "demo/LICENSE", "NOTICE.md"):
        assert len(ASSETS.get(name).body) > 200


def test_every_demo_picture_of_the_manifest_exists() -> None:
    manifest = json.loads(ASSETS.get("demo/manifest.json").body)
    assert len(manifest) >= 90
    for picture in manifest.values():
        assert f"demo/{picture['file']}" in ASSETS
