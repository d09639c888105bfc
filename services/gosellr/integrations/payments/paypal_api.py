"""Calls to PayPal: within a time limit, never acted on twice, failures told apart.

What matters of a failure is what it leaves open: whether the request was sent at all, whether
PayPal acted on it, or whether it said no. Nothing that is logged here bears a key, a person or a
body.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import field
from datetime import datetime, timedelta
from typing import Any

import httpx2
import orjson

from gosellr.core.clock import Clock
from gosellr.integrations.payments.breaker import CircuitBreaker
from gosellr.integrations.payments.paypal_forms import Form
from gosellr.utils.lazy_dataclasses import dataclass

LIVE = "https://api-m.paypal.com"
SANDBOX = "https://api-m.sandbox.paypal.com"

TIMEOUT_SECONDS = 10.0
_CONNECT_SECONDS = 3.0
# A token is let go of a little before its end, so that none ends on its way.
_TOKEN_SPARE = timedelta(seconds=60)
# Whoever asks us to wait is believed, but not for ever.
_HELD_BACK_AT_MOST = timedelta(seconds=60)
_HELD_BACK = timedelta(seconds=5)
_IN_PROGRESS = frozenset({"ORDER_COMPLETION_IN_PROGRESS", "PREVIOUS_REQUEST_IN_PROGRESS"})

_log = logging.getLogger("gosellr.paypal")


class Unanswered(Exception):
    """Whether PayPal has acted on it is open."""


class NeverSent(Unanswered):
    """The request has surely not reached PayPal."""


class Refused(Exception):
    """PayPal said no, for good. `links` are those of the refusal, by their relation."""

    def __init__(self, code: str, *, links: Mapping[str, str] | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.links = links or {}


class Missing(Refused):
    """There is nothing of this name."""


@dataclass(frozen=True, slots=True)
class _Token:
    text: str = field(repr=False)
    good_until: datetime


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    path: str
    headers: Mapping[str, str]
    content: bytes | None


class _Told(Exception):
    """An answer that isn't a yes."""

    def __init__(self, response: httpx2.Response) -> None:
        super().__init__(response.status_code)
        self.response = response


class PayPalApi:
    """One account at PayPal, behind a fuse. `base_url` is `LIVE` or `SANDBOX`."""

    def __init__(
        self,
        client_id: str,
        client_secret: str,
        *,
        base_url: str,
        clock: Clock,
        transport: httpx2.AsyncBaseTransport | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._credentials = (client_id, client_secret)
        self._clock = clock
        self._timeout_seconds = timeout_seconds
        self._breaker = CircuitBreaker(clock)
        self._held_back_until: datetime | None = None
        self._token: _Token | None = None
        self._renewing = asyncio.Lock()
        self._http = httpx2.AsyncClient(
            base_url=base_url,
            transport=transport,
            timeout=httpx2.Timeout(timeout_seconds, connect=_CONNECT_SECONDS),
            follow_redirects=False,
            trust_env=False,
        )

    @property
    def is_silent(self) -> bool:
        """Whether nobody is let through: nothing was answered lately, or PayPal wants a rest."""
        return self._is_held_back or self._breaker.is_open

    async def call(
        self, what: str, method: str, path: str, *, body: Any = None, key: str | None = None
    ) -> dict[str, Any]:
        """One request and its answer. `key` names the deed, for ever the same one.

        A question is put once more where its answer was lost, and a deed only where it surely
        was never sent. Raises `Unanswered`, `NeverSent`, `Refused`, `Missing`.
        """
        self._may_go(what)
        try:
            async with asyncio.timeout(self._timeout_seconds):
                response = await self._sent(what, method, path, body=body, key=key)
        except TimeoutError:
            self._note_failure(what, "no answer in time")
            raise Unanswered(what) from None
        except httpx2.HTTPError as error:
            self._note_failure(what, type(error).__name__)
            raise Unanswered(what) from None
        except NeverSent:
            self._note_failure(what, "can't be sent")
            raise
        except _Told as told:
            raise self._told_apart(what, told.response) from None
        self._breaker.succeeded()
        return _document(what, response)

    async def close(self) -> None:
        """End the connections."""
        await self._http.aclose()

    @property
    def _is_held_back(self) -> bool:
        return self._held_back_until is not None and self._clock.now() < self._held_back_until

    def _may_go(self, what: str) -> None:
        if self._is_held_back or not self._breaker.lets_through():
            raise NeverSent(what)

    async def _sent(
        self, what: str, method: str, path: str, *, body: Any, key: str | None
    ) -> httpx2.Response:
        """The answer to a request that goes out once more where that is safe."""
        request = _Request(method, path, *_written(method, body, key))
        is_question = method == "GET"
        token = await self._bearer(what)
        try:
            response = await self._tried(what, request, token)
        except NeverSent:
            response = await self._tried(what, request, token)
        except httpx2.HTTPError:
            if not is_question:
                raise
            response = await self._tried(what, request, token)
        else:
            if response.status_code == 401:
                # Nobody acts on what isn't let in: with a new token it may go again.
                token = await self._bearer(what, refused=token)
                response = await self._tried(what, request, token)
            elif response.status_code >= 500 and is_question:
                response = await self._tried(what, request, token)
        if not response.is_success:
            raise _Told(response)
        return response

    async def _tried(self, what: str, request: _Request, token: str) -> httpx2.Response:
        """One way there and back. Raises `NeverSent` and `httpx2.HTTPError`."""
        try:
            return await self._http.request(
                request.method,
                request.path,
                headers={**request.headers, "Authorization": f"Bearer {token}"},
                content=request.content,
            )
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout):
            raise NeverSent(what) from None

    async def _bearer(self, what: str, *, refused: str | None = None) -> str:
        """A token that is good; one that was refused is never given again."""
        async with self._renewing:
            known = self._token
            if known is not None and known.text != refused and self._clock.now() < known.good_until:
                return known.text
            try:
                response = await self._http.post(
                    "/v1/oauth2/token",
                    data={"grant_type": "client_credentials"},
                    auth=self._credentials,
                    headers={"Accept": "application/json"},
                )
            except httpx2.HTTPError:
                # Without a token nothing of the request itself was sent.
                raise NeverSent(what) from None
            if not response.is_success:
                _log.error("PayPal gives no token: %s", response.status_code)
                raise NeverSent(what)
            self._token = self._read_token(what, response)
            return self._token.text

    def _read_token(self, what: str, response: httpx2.Response) -> _Token:
        try:
            said = orjson.loads(response.content)
            text, lasts = said["access_token"], timedelta(seconds=int(said["expires_in"]))
        except (ValueError, KeyError, TypeError):
            raise NeverSent(what) from None
        if not isinstance(text, str) or not text.isascii():
            raise NeverSent(what)
        return _Token(text, self._clock.now() + lasts - _TOKEN_SPARE)

    def _told_apart(self, what: str, response: httpx2.Response) -> Exception:
        status = response.status_code
        if status >= 500:
            self._note_failure(what, str(status))
            return Unanswered(what)
        if status == 429:
            self._hold_back(response)
            self._note_failure(what, "too many requests")
            return Unanswered(what)
        self._breaker.succeeded()
        code, links = _read_refusal(response)
        if status == 404:
            return Missing(code)
        if status in {400, 422} and code not in _IN_PROGRESS:
            _log.warning("PayPal refused %s: %s, debug id %s", what, code, _debug_id(response))
            return Refused(code, links=links)
        # With 409 the same key, or the same object, is being worked on at this moment.
        if status != 409 and code not in _IN_PROGRESS:
            _log.error(
                "PayPal didn't answer %s as it should: %s %s, debug id %s",
                what, status, code, _debug_id(response),
            )  # fmt: skip
        return Unanswered(what)

    def _hold_back(self, response: httpx2.Response) -> None:
        """Leave PayPal alone for as long as it asks."""
        asked = response.headers.get("Retry-After", "")
        pause = timedelta(seconds=int(asked)) if asked.isdigit() and len(asked) < 6 else _HELD_BACK
        self._held_back_until = self._clock.now() + min(pause, _HELD_BACK_AT_MOST)

    def _note_failure(self, what: str, reason: str) -> None:
        _log.warning("PayPal gave no answer to %s: %s", what, reason)
        if self._breaker.failed():
            _log.error("PayPal is taken for down: requests are held back for a while")


def _written(method: str, body: Any, key: str | None) -> tuple[dict[str, str], bytes | None]:
    """Headers and body of a request; a deed has a body, if only an empty one."""
    headers = {"Prefer": "return=representation"}
    if key is not None:
        headers["PayPal-Request-Id"] = key
    if method == "GET":
        return headers, None
    if isinstance(body, Form):
        headers["Content-Type"], content = body.written()
        return headers, content
    headers["Content-Type"] = "application/json"
    return headers, orjson.dumps({} if body is None else body)


def _document(what: str, response: httpx2.Response) -> dict[str, Any]:
    if response.status_code == 204 or not response.content:
        return {}
    try:
        document = orjson.loads(response.content)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        _log.error("PayPal's answer to %s is no JSON object", what)
        raise Unanswered(what)
    return document


def _read_refusal(response: httpx2.Response) -> tuple[str, Mapping[str, str]]:
    """The finest word that a refusal has for itself, and where it points to."""
    try:
        said = orjson.loads(response.content)
        details = said.get("details") or [{}]
        detail = details[0] if isinstance(details[0], dict) else {}
        named = [*(said.get("links") or []), *(detail.get("link") or [])]
        links = {link.get("rel", "self"): link["href"] for link in named}
        code = detail.get("issue") or said.get("name") or said.get("error") or "refused"
    except (ValueError, KeyError, TypeError, AttributeError):
        return "refused", {}
    return str(code)[:100], links


def _debug_id(response: httpx2.Response) -> str:
    return str(response.headers.get("Paypal-Debug-Id", "-"))[:40]
