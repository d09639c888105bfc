"""The queue's application: every reaction and every periodic work as a task of procrastinate."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, LiteralString

import structlog
from procrastinate import App, JobContext, PsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.retry import BaseRetryStrategy

from gosellr.core.db import SEARCH_PATH
from gosellr.core.transact import ask, transact
from gosellr.jobs.outbox import Gathering, Reaction, Reactions
from gosellr.jobs.schedule import Periodic
from gosellr.models.events import FactType, RecordedFact
from gosellr.resources import Resources
from gosellr.services import event_service, job_service

_log = structlog.get_logger("gosellr.jobs")
_CONNECTIONS_MAX = 3
_WAIT_SECONDS = 10

Work = Callable[[Resources, dict[str, Any]], Awaitable[object]]


class _Connector(PsycopgConnector):
    """Notes when the database may not have heard how a job ended."""

    def __init__(self, unheard: asyncio.Event, **settings: Any) -> None:
        super().__init__(**settings)
        self._unheard = unheard

    async def execute_query_async(self, query: LiteralString, **arguments: Any) -> None:
        """See the library."""
        try:
            await super().execute_query_async(query, **arguments)
        except ConnectorException:
            # That its worker lives is said again in a moment; how a job ended isn't.
            if "job_id" in arguments:
                self._unheard.set()
            raise


def build_app(
    resources: Resources,
    *,
    reactions: Reactions,
    schedule: Sequence[Periodic],
    retry: BaseRetryStrategy,
    unheard: asyncio.Event,
) -> App:
    """The application of one worker; open it before use.

    `unheard` is set when the end of a job couldn't be written: the library goes on without it, and
    the job would stay with a worker that lives, done by nobody and in the way of all like it.
    """
    settings = resources.settings
    connector = _Connector(
        unheard,
        conninfo=settings.database_url,
        min_size=1,
        max_size=_CONNECTIONS_MAX,
        timeout=_WAIT_SECONDS,
        kwargs={
            "options": f"-c search_path={SEARCH_PATH.replace(' ', '')} -c timezone=UTC",
            "application_name": "gosellr jobs",
            # Behind a transaction-pooling PgBouncer nothing may be prepared.
            "prepare_threshold": 5 if settings.statement_cache else None,
        },
    )
    app = App(connector=connector)
    listed = {reaction.task: reaction for several in reactions.values() for reaction in several}
    for reaction in listed.values():
        types = [fact_type for fact_type, several in reactions.items() if reaction in several]
        _add_task(app, resources, reaction.task, _told(reaction, types), retry)
    for entry in schedule:
        _add_task(app, resources, entry.task, _due(entry), retry)
    return app


def _told(reaction: Reaction | Gathering, types: Sequence[FactType]) -> Work:
    async def work(resources: Resources, args: dict[str, Any]) -> object:
        if isinstance(reaction, Gathering):
            facts = await ask(
                resources.db,
                event_service.read_gathered,
                first=args["first"],
                last=args["last"],
                types=types,
            )
            return await reaction.run(resources, facts)
        return await reaction.run(resources, RecordedFact.from_payload(args["fact"]))

    return work


def _due(entry: Periodic) -> Work:
    async def work(resources: Resources, _args: dict[str, Any]) -> object:
        return await entry.run(resources)

    return work


def _add_task(
    app: App, resources: Resources, name: str, work: Work, retry: BaseRetryStrategy
) -> None:
    async def task(context: JobContext, /, **args: Any) -> None:
        job = context.job
        attempt = job.attempts + 1
        with structlog.contextvars.bound_contextvars(job_id=job.id, task=name, attempt=attempt):
            try:
                await work(resources, args)
            except Exception as error:
                _log.warning("job failed", exc_info=error)
                await transact(
                    resources.db,
                    job_service.record_failure,
                    job_id=job.id or 0,
                    attempt=attempt,
                    error=f"{type(error).__name__}: {error}",
                    now=resources.clock.now(),
                )
                raise
            _log.debug("job done")

    app.task(name=name, pass_context=True, retry=retry)(task)


def _is_not_about_one_job(record: logging.LogRecord) -> bool:
    action = str(getattr(record, "action", ""))
    return not action.startswith(("job_", "start_job", "loaded_job"))


# Its lines about a job spell out the arguments, and so what people did; ours name the job.
logging.getLogger("procrastinate.worker").addFilter(_is_not_about_one_job)
logging.getLogger("procrastinate.worker.worker").addFilter(_is_not_about_one_job)
