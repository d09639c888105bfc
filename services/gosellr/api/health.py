"""Is it alive, is it ready."""

from typing import Any

from fastapi import Response

from gosellr.api.answers import answer
from gosellr.api.deps import Anyone, Market
from gosellr.api.room import Room
from gosellr.core.errors import ServiceUnavailable

router = Room(within="", tags=["health"])


@router.get("/healthz", operation_id="get_health")
async def get_health(_viewer: Anyone) -> Response:
    """The process answers."""
    return answer({"status": "alive"})


@router.get("/readyz", operation_id="get_readiness")
async def get_readiness(_viewer: Anyone, market: Market) -> Response:
    """The database answers, its schema is current, and jobs are being worked off."""
    checks: dict[str, Any] = await market.readiness()
    if all(check == "ok" for check in checks.values()):
        return answer({"status": "ready", "checks": checks})
    raise ServiceUnavailable(
        "Not ready: " + ", ".join(name for name, check in checks.items() if check != "ok")
    )
