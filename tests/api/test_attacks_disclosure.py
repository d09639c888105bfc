"""What an answer or a log line never tells: how it is made inside, and what was confided to us."""

import io
import logging
import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx2
import pytest
import structlog

from gosellr.core.logs import configure_logs
from tests.api.attack import good
from tests.api.contract.document import OPERATIONS
from tests.api.matrix.world import API, World
from tests.factories.orders import ADDRESS
from tests.house.source import ROOT

# Words of our inside: of the language, the database, the libraries and their versions.
INSIDE = re.compile(
    r"Traceback|File \"|\.py\b|line \d+|asyncpg|pydantic\.|psycopg|sqlalchemy|starlette|uvicorn"
    r"|fastapi/|PostgreSQL|SELECT .* FROM|INSERT INTO|relation \"|constraint|fk_|uq_|ck_"
    rf"|{re.escape(str(ROOT))}|site-packages|Python/|0x[0-9a-f]{{6,}}",
    re.IGNORECASE,
)


async def _errors(world: World) -> list[httpx2.Response]:
    """One refusal of each kind, of each operation as far as it has them."""
    answers = []
    for name in OPERATIONS:
        call = good(world, name)
        missing = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", str(uuid4()), call.path)
        for path, headers, rest in (
            (missing, call.headers, {"json": call.body} if call.body else {}),
            (call.path, {}, {"json": call.body} if call.body else {}),
            (call.path, {"Authorization": "Bearer x.y.z"}, {}),
            (call.path, call.headers, {"content": b"{"}),
            (call.path, call.headers, {"json": {"unheard": "of"}}),
            (f"{call.path}?unheard=of", call.headers, {}),
            (f"{call.path}/unheard", call.headers, {}),
        ):
            answer = await world.ask(call.method, path, headers=headers, **rest)
            if answer.status_code >= 400:
                answers.append(answer)
    return answers


async def test_errors_tell_nothing_of_the_inside(world: World) -> None:
    answers = await _errors(world)
    assert len(answers) > 400
    for answer in answers:
        where = f"{answer.request.method} {answer.request.url}: {answer.text[:300]}"
        assert answer.headers["content-type"] == "application/problem+json", where
        problem = answer.json()
        assert problem["status"] == answer.status_code, where
        assert problem["request_id"] == answer.headers["x-request-id"], where
        assert re.fullmatch(r"[a-z0-9_]+", problem["code"]), where
        said = INSIDE.search(" ".join(f"{problem[key]}" for key in ("title", "detail", "type")))
        assert said is None, f"{said} in {where}"
        assert not INSIDE.search(str(problem.get("errors", ""))), where
        assert "server" not in answer.headers, where
        assert answer.headers["x-content-type-options"] == "nosniff", where
        assert answer.headers["cache-control"] == "no-store", where


class _Broken:
    """A connection that fails in the middle, with secrets in its words."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("password=hunter2 SELECT secret FROM user_account at inside.py")


async def test_crash_is_told_in_one_sentence(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(world.resources.db, "_connection", _Broken())
    transport = httpx2.ASGITransport(app=world.app, raise_app_exceptions=False)
    with caplog.at_level(logging.CRITICAL):
        async with httpx2.AsyncClient(transport=transport, base_url="http://market.test") as caller:
            answer = await caller.get(f"{API}/products/")
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal_error"
    assert not INSIDE.search(answer.text)
    assert "hunter2" not in answer.text
    assert "detail" in answer.json()


CANARY = "canary-7f3a91"
SECRETS = {
    "password": f"{CANARY}-password",
    "refresh": f"{CANARY}-refresh-token",
    "cart": f"{CANARY}-cart-token",
    "order": f"{CANARY}-order-token",
    "bearer": f"{CANARY}-bearer",
    "cookie": f"{CANARY}-cookie",
    "card": f"{CANARY}-card",
    "street": f"{CANARY} street",
    "phone": "+49 30 555 0199",
    "email": f"{CANARY}@example.com",
}


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """Everything that is logged, at the most talkative level, with all as before afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    output = io.StringIO()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("sys.stderr", output)
        configure_logs(level="debug", production=True)
    yield output
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


async def test_what_was_confided_never_stands_in_a_log(world: World, written: io.StringIO) -> None:
    confided = {
        "X-Cart-Token": SECRETS["cart"],
        "X-Order-Token": SECRETS["order"],
        "Cookie": f"session={SECRETS['cookie']}",
        "Idempotency-Key": uuid4().hex,
    }
    bearer = {"Authorization": f"Bearer {SECRETS['bearer']}"}
    person = {"email": SECRETS["email"], "password": SECRETS["password"], "name": "Ada"}
    order = {
        "items": [{"variant_id": world.fixed["variant"], "quantity": 1}],
        "email": SECRETS["email"],
        "shipping_address": {**ADDRESS, "line1": SECRETS["street"], "phone": SECRETS["phone"]},
        "payment_method": "sandbox",
        "payment_token": "tok_ok",
    }
    calls: list[tuple[str, dict[str, Any]]] = [
        ("/auth/register", {"json": person}),
        ("/auth/register", {"json": {**person, "name": 7}}),
        ("/auth/token", {"data": {"username": SECRETS["email"], "password": SECRETS["password"]}}),
        ("/auth/refresh", {"json": {"refresh_token": SECRETS["refresh"]}}),
        ("/orders/create", {"json": order}),
        ("/orders/create", {"json": {**order, "payment_token": SECRETS["card"]}}),
        ("/orders/create", {"json": {**order, "items": "nothing"}}),
    ]
    statuses = []
    for path, rest in calls:
        for headers in (confided, confided | bearer):
            answer = await world.ask("POST", API + path, headers=headers, **rest)
            statuses.append(answer.status_code)
    assert {201, 401, 422} <= set(statuses)
    logging.getLogger("gosellr.test").warning("the log is written")
    told = written.getvalue()
    assert "the log is written" in told
    assert [name for name, secret in SECRETS.items() if secret in told] == []


async def test_problem_never_repeats_what_was_sent(world: World) -> None:
    """Neither a password nor a card that was typed into the wrong field comes back."""
    secret = SECRETS["password"]
    for path, body in (
        ("/auth/register", {"email": secret, "password": [secret], "name": {"a": secret}}),
        ("/auth/refresh", {"refresh_token": [secret]}),
        ("/auth/logout", {"everywhere": secret}),
        ("/orders/create", {"payment_method": secret, "payment_token": {"number": secret}}),
    ):
        answer = await world.ask(
            "POST", API + path, json=body, headers=world.callers["buyer"].headers
        )
        assert answer.status_code in (400, 422)
        assert secret not in answer.text
