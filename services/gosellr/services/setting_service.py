"""What the market remembers about itself from one start to the next."""

import json
from collections.abc import Mapping
from typing import Any

from gosellr.core.db import Connection
from gosellr.queries import settings


async def recall(connection: Connection, *, key: str) -> dict[str, Any] | None:
    """The document kept under a key, if there is one."""
    text = await settings.find(connection, key=key)
    if text is None:
        return None
    document: dict[str, Any] = json.loads(text)
    return document


async def remember(connection: Connection, *, key: str, document: Mapping[str, Any]) -> None:
    """Keep a document of plain JSON under a key, in place of the one before."""
    await settings.keep(connection, key=key, value=json.dumps(document))
