import httpx2


async def test_alive_and_ready(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/healthz")).json() == {"status": "alive"}
    ready = await client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["checks"] == {"database": "ok", "migrations": "ok", "queue": "ok"}


async def test_an_unknown_path_is_a_problem_document(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/api/v1/nowhere", headers={"X-Request-ID": "abc-1"})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "not_found"
    assert answer.json()["request_id"] == "abc-1"
    assert answer.headers["x-request-id"] == "abc-1"
