"""The market's public API as the tool speaks it: JSON in, JSON out, every request counted."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import httpx2

PREFIX = "/api/v1"
_PATIENCE_TRIES = 6
_PAUSE_SECONDS_MAX = 5.0
_REFRESH_EARLY_SECONDS = 60.0
_TIMEOUT_SECONDS = 60.0


class ApiRefusedError(Exception):
    """The market answered, but not with what was asked for."""

    def __init__(self, *, method: str, path: str, status: int, problem: str) -> None:
        super().__init__(f"{method} {path}: {status} {problem}")
        self.status = status


@dataclass(slots=True)
class Tally:
    """What went over the wire. `waits` counts answers that asked to come back later."""

    requests: int = 0
    waits: int = 0


class Api:
    """One connection pool to one market; use it as an async context manager."""

    def __init__(self, base_url: str, *, connections: int) -> None:
        self.tally = Tally()
        self._client = httpx2.AsyncClient(
            base_url=base_url,
            timeout=_TIMEOUT_SECONDS,
            limits=httpx2.Limits(
                max_connections=connections, max_keepalive_connections=connections
            ),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def get(self, path: str, **options: Any) -> Any:
        """Ask a question; see `call`."""
        return await self.call("GET", path, **options)

    async def post(self, path: str, body: Any, **options: Any) -> Any:
        """Give a command; see `call`."""
        return await self.call("POST", path, json=body, **options)

    async def put(self, path: str, body: Any, **options: Any) -> Any:
        """Change something; see `call`."""
        return await self.call("PUT", path, json=body, **options)

    async def call(
        self,
        method: str,
        path: str,
        *,
        account: "Account | None" = None,
        headers: Mapping[str, str] | None = None,
        **content: Any,
    ) -> Any:
        """The decoded answer. A 409 or 503 that says when to come back is obeyed a few times.

        Raises ApiRefusedError for any answer that isn't a success.
        """
        for tries_left in range(_PATIENCE_TRIES - 1, -1, -1):
            sent = dict(headers or {})
            if account is not None:
                sent["Authorization"] = f"Bearer {await account.access_token()}"
            self.tally.requests += 1
            response = await self._client.request(method, PREFIX + path, headers=sent, **content)
            if response.is_success:
                return response.json() if response.content else None
            pause = response.headers.get("Retry-After")
            if pause is None or not tries_left:
                raise ApiRefusedError(
                    method=method,
                    path=path,
                    status=response.status_code,
                    problem=_problem(response),
                )
            self.tally.waits += 1
            await asyncio.sleep(min(float(pause), _PAUSE_SECONDS_MAX))
        raise AssertionError("the last try returns or raises")


class Account:
    """Somebody who is signed in, and stays so: the tokens are replaced before they run out."""

    def __init__(self, api: Api, tokens: Mapping[str, Any]) -> None:
        self._api = api
        self._lock = asyncio.Lock()
        self._take(tokens)

    @classmethod
    async def register(cls, api: Api, *, email: str, password: str, name: str) -> Self:
        """Make an account and sign in."""
        body = {"email": email, "password": password, "name": name}
        return cls(api, await api.post("/auth/register", body))

    @classmethod
    async def sign_in(cls, api: Api, *, email: str, password: str) -> Self:
        """Sign in to an account that exists."""
        form = {"username": email, "password": password, "grant_type": "password"}
        return cls(api, await api.call("POST", "/auth/token", data=form))

    async def access_token(self) -> str:
        """A token that is good for the next moments."""
        if time.monotonic() >= self._renew_at:
            async with self._lock:
                if time.monotonic() >= self._renew_at:
                    await self.renew()
        return self._access_token

    async def renew(self) -> None:
        """Replace the tokens: only a new one knows of a role that was won meanwhile."""
        body = {"refresh_token": self._refresh_token}
        self._take(await self._api.post("/auth/refresh", body))

    def _take(self, tokens: Mapping[str, Any]) -> None:
        self._access_token: str = tokens["access_token"]
        self._refresh_token: str = tokens["refresh_token"]
        self._renew_at = time.monotonic() + float(tokens["expires_in"]) - _REFRESH_EARLY_SECONDS


def money(amount_minor: int, currency: str) -> dict[str, Any]:
    """An amount as the API speaks of it."""
    return {"amount": amount_minor, "currency": currency}


def _problem(response: httpx2.Response) -> str:
    try:
        problem = response.json()
    except ValueError:
        return response.text[:300]
    if not isinstance(problem, dict):
        return response.text[:300]
    words = [str(problem.get("code", "")), str(problem.get("detail", ""))]
    words += [str(error) for error in problem.get("errors") or ()]
    return " ".join(word for word in words if word)[:600]
