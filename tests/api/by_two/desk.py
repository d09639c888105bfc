"""Two operators at their desks, who call the market's doors."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx2

from gosellr.resources import Resources
from tests.factories.accounts import User, bearer

V1 = "/api/v1"
RECEIPTS = "/bank-transfers/receipts"
# What one person may say alone, in EUR.
LIMIT = 4_999
# No attempt has this reference, so that money under it is in suspense by itself.
WRONG = "RF18539007547034"
Call = Callable[..., Awaitable[httpx2.Response]]


def calls(web: httpx2.AsyncClient, market: Resources, user: User) -> Call:
    """What this person posts, by the path below the API's."""

    async def call(
        path: str, body: Any = None, *, key: str | None = None, **more: Any
    ) -> httpx2.Response:
        # Days pass, and a token's hour is over by then.
        headers = await bearer(market, user)
        if key is not None:
            headers["Idempotency-Key"] = key
        return await web.post(f"{V1}{path}", json=body, headers=headers, **more)

    return call
