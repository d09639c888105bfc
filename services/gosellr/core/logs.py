"""Structured logs: one JSON object a line in production, readable lines while developing.

Both our own lines and those of libraries pass the same chain, in which whatever looks like a
secret is blanked out by its name. The request id is bound by the middleware of each door.
"""

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

REDACTED = "[redacted]"
_SECRET_NAME = re.compile(r"password|passwd|token|secret|authorization|cookie|api_key", re.I)
# Libraries whose everyday lines say what ours say better.
_QUIET = (
    "procrastinate",
    "psycopg",
    "psycopg.pool",
    "asyncio",
    "httpx2",
    "httpcore2",
    # At its most talkative it writes down whole requests and answers.
    "stripe",
    "uvicorn.error",
)
_DEPTH_MAX = 6


def redact_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Blank out every value, at any depth, whose name says that it is a secret."""
    return {name: _redacted(name, value, 0) for name, value in event.items()}


def bind_request_id(request_id: str) -> None:
    """Put the id into every line that is logged for this request; it takes the place of the one
    before, and nothing else is bound where requests are answered."""
    structlog.contextvars.bind_contextvars(request_id=request_id)


def configure_logs(*, level: str, production: bool) -> None:
    """Set up logging for this process; call it once, as early as the settings are known."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    rendering: list[Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(_json)]
        if production
        # A traceback with the values of its variables would print passwords among them.
        else [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            )
        ]
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                redact_secrets,
                *rendering,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _json(event: Any, **_options: Any) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def _redacted(name: str, value: Any, depth: int) -> Any:
    if _SECRET_NAME.search(name):
        return REDACTED
    if depth >= _DEPTH_MAX:
        return value
    if isinstance(value, Mapping):
        return {key: _redacted(str(key), inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        inside = [_redacted("", inner, depth + 1) for inner in value]
        return inside if isinstance(value, list) else tuple(inside)
    return value
