"""The description of the API keeps what it says about errors."""

import asyncio
import threading
from typing import Any

import httpx2
import orjson
from fastapi import Request

from gosellr.api.framework import Application

PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


async def test_every_error_is_described_as_a_problem(client: httpx2.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    errors = [
        response["content"]
        for path in document["paths"].values()
        for operation in path.values()
        for status, response in operation["responses"].items()
        if status >= "400"
    ]
    assert len(errors) > 50
    assert [error for error in errors if error != PROBLEM] == []
    schemas = document["components"]["schemas"]
    assert set(schemas["Problem"]["required"]) == {
        "type", "title", "status", "detail", "code", "request_id",
    }  # fmt: skip
    assert "FieldProblem" in schemas
    assert "HTTPValidationError" not in schemas
    # Asked again, it is the same.
    assert (await client.get("/openapi.json")).json() == document


async def test_updates_say_that_null_is_no_value(client: httpx2.AsyncClient) -> None:
    schemas = (await client.get("/openapi.json")).json()["components"]["schemas"]
    update = schemas["SellerUpdate"]
    assert update["additionalProperties"] is False
    assert "default" not in update["properties"]["name"]
    assert update["properties"]["name"]["type"] == "string"
    assert "required" not in update


async def test_whoever_asks_for_the_description_holds_nobody_up() -> None:
    app = Application(is_traced=False, title="A market", version="1")
    begun, others_went_on = threading.Event(), threading.Event()

    def in_seconds() -> dict[str, Any]:
        begun.set()
        assert others_went_on.wait(30)
        return {"openapi": "3.1.0", "servers": [{"url": "/later"}]}

    app.openapi = in_seconds  # type: ignore[method-assign]

    async def ask(root: str = "") -> dict[str, Any]:
        request = Request({"type": "http", "root_path": root, "headers": []})
        answer = await app._describe(request)
        assert answer.media_type == "application/json"
        document: dict[str, Any] = orjson.loads(bytes(answer.body))
        return document

    asked = [asyncio.create_task(ask()), asyncio.create_task(ask())]
    assert await asyncio.to_thread(begun.wait, 30)
    others_went_on.set()
    first, second = await asyncio.gather(*asked)
    assert first == second == {"openapi": "3.1.0", "servers": [{"url": "/later"}]}
    assert (await ask("/shop"))["servers"] == [{"url": "/shop"}, {"url": "/later"}]
