"""How often a caller may knock: limits as dependencies of a route, told in every answer.

Counting is a transaction of its own, before anything else is done, so that what fails counts.
"""

from typing import Any

from fastapi import Depends, Request

from gosellr.api.deps import Market, market_of
from gosellr.core.rate_limit import RateLimit, headers_of, network_of
from gosellr.flows.limits import count_knock, give_back, refuse_excess

REFRESH_PER_ADDRESS = RateLimit("refresh", 240, 60)
REFRESH_PER_TOKEN = RateLimit("refresh-token", 30, 60)
REGISTER_SELLER_PER_CALLER = RateLimit("register-seller", 20, 86_400)
MEMBERS_PER_CALLER = RateLimit("members", 60, 3600)


async def count_attempt(request: Request, *subjects: tuple[RateLimit, str]) -> None:
    """Count one attempt against each limit, with who or what it is counted for.

    Raises:
        TooManyRequests: when one is exceeded; `Retry-After` says when that has passed.
    """
    resources = market_of(request)
    if not resources.settings.rate_limits:
        return
    request.state.counted_at = resources.clock.now()
    usages = await count_knock(resources.db, subjects=subjects, now=request.state.counted_at)
    request.state.answer_headers = headers_of(usages)
    refuse_excess(usages)


async def uncount_attempt(request: Request, *subjects: tuple[RateLimit, str]) -> None:
    """Take back an attempt that this request counted, because it was rightful."""
    resources = market_of(request)
    if resources.settings.rate_limits:
        await give_back(resources.db, subjects=subjects, now=request.state.counted_at)


def address_of(request: Request) -> str:
    """The network that a request comes from, as the subject of a limit."""
    return network_of(request.client.host if request.client else None)


def limited(limit: RateLimit) -> Any:
    """A dependency that counts each request of an address: `dependencies=[limited(LIMIT)]`."""

    async def count(request: Request, _market: Market) -> None:
        await count_attempt(request, (limit, address_of(request)))

    return Depends(count)
