"""One call of one caller: asked, looked at, and taken back."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tests.api.matrix.callers import Caller
from tests.api.matrix.request import Call
from tests.api.matrix.routes import Route
from tests.api.matrix.world import World, form_token
from tests.factories.statements import heard

_TABLES = """
SELECT relname FROM pg_class
WHERE relnamespace = 'gosellr'::regnamespace AND relkind = 'r' ORDER BY relname
"""
_CHANGING = re.compile(rb'"request_id":"[^"]*"|name="idempotency_key" value="[^"]*"')


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a call. `told` is the answer without what differs from call to call."""

    status: int
    code: str
    told: bytes
    text: str
    query_count: int
    changed: bool

    @property
    def is_refused(self) -> bool:
        """Whether it was turned down for who asks, or for what isn't there."""
        return self.status in (401, 403, 404)


async def fingerprint_statement(world: World) -> str:
    """A statement that gives a digest of every row of every table."""
    tables = [row["relname"] for row in await world.connection.fetch(_TABLES)]
    assert len(tables) > 30
    digests = " UNION ALL ".join(
        f"SELECT '{table}' AS name, md5(string_agg(t::text, '|' ORDER BY t::text)) AS digest"
        f" FROM {table} AS t"
        for table in tables
    )
    return (
        "SELECT md5(string_agg(name || coalesce(digest, ''), ',' ORDER BY name))"
        f" FROM ({digests}) AS digests"
    )


class Prober:
    """Asks, and compares the database before with the database after."""

    def __init__(self, world: World, statement: str, before: str) -> None:
        self.world = world
        self._statement = statement
        self._before = before

    @classmethod
    async def of(cls, world: World) -> "Prober":
        """One for the market as it stands."""
        statement = await fingerprint_statement(world)
        return cls(world, statement, await world.connection.fetchval(statement))

    async def ask(
        self,
        caller: Caller,
        route: Route,
        call: Call,
        things: Mapping[str, str],
        *,
        look: bool = True,
    ) -> Outcome:
        """Call, and take it back. Without `look`, whether anything changed isn't found out."""
        world = self.world
        path, arguments = call.request(
            route.path, things, world.fixed, form_token(world, caller) if route.is_page else ""
        )
        headers = {**arguments.pop("headers"), **(caller.headers if not route.is_page else {})}
        cookies = caller.cookies if route.is_page else {}
        if cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        transaction = world.connection.transaction()
        await transaction.start()
        try:
            with heard(world.connection) as seen:
                response = await world.client.request(
                    route.method, path, headers=headers, **arguments
                )
                count = len(seen)
            changed = (
                look
                and count > 0
                and await world.connection.fetchval(self._statement) != self._before
            )
        finally:
            await transaction.rollback()
            world.client.cookies.clear()
        told = _CHANGING.sub(b"", response.content)
        for thing in sorted({str(value) for value in things.values()}, key=len, reverse=True):
            told = told.replace(thing.encode(), b"<thing>")
        is_problem = "problem+json" in response.headers.get("content-type", "")
        code = response.json()["code"] if is_problem else ""
        return Outcome(response.status_code, code, told, response.text, count, changed)
