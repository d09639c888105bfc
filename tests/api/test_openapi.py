"""The description of the API keeps what it says about errors."""

import httpx2

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
