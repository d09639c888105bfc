"""Calls to Stripe: within a time limit, never repeated by themselves, failures told apart.

What matters of a failure is what it leaves open: whether the request was sent at all, whether
Stripe acted on it, or whether it said no. Nothing that is logged here bears a card, a key or a
body.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import httpx2
import stripe

from gosellr.core.clock import Clock
from gosellr.integrations.payments.breaker import CircuitBreaker
from gosellr.utils.lazy_dataclasses import dataclass

API_VERSION = "2026-10-28.endive"
"""The version of Stripe's interface that we speak, whatever the account's own default is."""

TIMEOUT_SECONDS = 10.0
_CONNECT_SECONDS = 3.0

_log = logging.getLogger("gosellr.stripe")

# So it answers for an account that took its permission back, or never was.
_LOST_ACCOUNT: Final = "account_invalid"


class Unanswered(Exception):
    """Whether Stripe has acted on it is open."""


class NeverSent(Unanswered):
    """The request has surely not reached Stripe."""


class KeyReused(Exception):
    """The idempotency key came with another body before."""


class Refused(Exception):
    """Stripe said no, for good. `intent` is the payment intent as the refusal left it."""

    def __init__(self, code: str, *, intent: dict[str, Any] | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.intent = intent


@dataclass(frozen=True, slots=True)
class Answer:
    """What Stripe said. A replayed answer tells how it was when the key was new."""

    document: dict[str, Any]
    is_replayed: bool = False


class StripeApi:
    """One account at Stripe, behind a fuse."""

    def __init__(
        self,
        secret_key: str,
        *,
        clock: Clock,
        transport: httpx2.AsyncBaseTransport | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        # Else each request would tell how long the last one took.
        stripe.enable_telemetry = False
        self._timeout_seconds = timeout_seconds
        self._breaker = CircuitBreaker(clock)
        self._http = _HttpClient(
            httpx2.AsyncClient(
                transport=transport,
                timeout=httpx2.Timeout(timeout_seconds, connect=_CONNECT_SECONDS),
                follow_redirects=False,
                trust_env=False,
            )
        )
        self._client = stripe.StripeClient(
            secret_key,
            stripe_version=API_VERSION,
            # A request whose fate is open is asked after, not sent once more behind our back.
            max_network_retries=0,
            http_client=self._http,
        )

    @property
    def is_silent(self) -> bool:
        """Whether nobody is let through, because nothing was answered lately."""
        return self._breaker.is_open

    async def call(
        self,
        what: str,
        send: Callable[[stripe.StripeClient], Awaitable[stripe.StripeObject]],
    ) -> Answer:
        """One request. Raises `Unanswered`, `NeverSent`, `KeyReused`, `Refused`."""
        if not self._breaker.lets_through():
            raise NeverSent(what)
        try:
            async with asyncio.timeout(self._timeout_seconds):
                answer = await send(self._client)
        except TimeoutError:
            self._note_failure(what, "no answer in time")
            raise Unanswered(what) from None
        except stripe.StripeError as error:
            # Without its cause: the library's errors carry whole answers.
            raise self._told_apart(what, error) from None
        self._breaker.succeeded()
        return Answer(answer.to_dict(), is_replayed=_is_replayed(answer))

    async def close(self) -> None:
        """End the connections."""
        await self._http.close_async()

    def _told_apart(self, what: str, error: stripe.StripeError) -> Exception:
        if isinstance(error, _Unreachable):
            self._note_failure(what, "can't connect")
            return NeverSent(what)
        status = error.http_status or 0
        if status == 0 or status >= 500 or isinstance(error, stripe.RateLimitError):
            self._note_failure(what, f"{type(error).__name__} {status}")
            return Unanswered(what)
        self._breaker.succeeded()
        if isinstance(error, stripe.IdempotencyError):
            return KeyReused(what)
        is_lost = isinstance(error, stripe.PermissionError) and _code(error) == _LOST_ACCOUNT
        if is_lost or isinstance(error, stripe.CardError | stripe.InvalidRequestError):
            return _refusal(what, error)
        # With 409 the same key, or the same object, is being worked on at this moment.
        if status != 409:
            _log.error(
                "Stripe didn't answer %s as it should: %s %s, request %s",
                what, type(error).__name__, status, error.request_id,
            )  # fmt: skip
        return Unanswered(what)

    def _note_failure(self, what: str, reason: str) -> None:
        _log.warning("Stripe gave no answer to %s: %s", what, reason)
        if self._breaker.failed():
            _log.error("Stripe is taken for down: requests are held back for a while")


class _Unreachable(stripe.APIConnectionError):
    """No connection came about, so nothing was sent."""


class _HttpClient(stripe.HTTPClient):
    """Lets Stripe's library speak through the market's HTTP client."""

    name = "httpx2"

    def __init__(self, client: httpx2.AsyncClient) -> None:
        super().__init__()
        self._client = client

    async def request_async(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """One request and its whole answer."""
        try:
            response = await self._client.request(
                method, url, headers=dict(headers or {}), content=post_data or None
            )
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout):
            raise _Unreachable("no connection") from None  # type: ignore[no-untyped-call]
        except httpx2.HTTPError as error:
            name = type(error).__name__
            raise stripe.APIConnectionError(name) from None  # type: ignore[no-untyped-call]
        return response.content, response.status_code, response.headers

    async def close_async(self) -> None:
        """End the connections."""
        await self._client.aclose()


def _said(error: stripe.StripeError) -> dict[str, Any]:
    body = error.json_body if isinstance(error.json_body, dict) else {}
    said: dict[str, Any] = body.get("error") or {}
    return said


def _code(error: stripe.StripeError) -> Any:
    """Not every one of the library's errors has taken it over."""
    return _said(error).get("code")


def _refusal(what: str, error: stripe.StripeError) -> Refused:
    said = _said(error)
    code = said.get("decline_code") or said.get("code") or said.get("type") or "refused"
    if not isinstance(error, stripe.CardError):
        _log.warning(
            "Stripe refused %s: %s at %r, request %s",
            what, code, said.get("param"), error.request_id,
        )  # fmt: skip
    intent = said.get("payment_intent")
    return Refused(str(code), intent=intent if isinstance(intent, dict) else None)


def _is_replayed(answer: stripe.StripeObject) -> bool:
    response = answer.last_response
    headers = {} if response is None else response.headers
    return headers.get("idempotent-replayed") == "true"
