"""The life of a market: its database, its web processes, its worker, and what is printed."""

import contextlib
import importlib.util
import json
import os
import sys
import time
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gosellr import __version__
from gosellr.cli_database import (
    Logins,
    embedded_logins,
    external_logins,
    make_home,
    migrate_market,
)
from gosellr.cli_demo import HistoryWatch, fill_demo
from gosellr.config import Settings
from gosellr.core.embedded_postgres import Cluster
from gosellr.core.head_start import HeadStart
from gosellr.core.listening import answers, bind_address
from gosellr.core.lock_file import LockHeldError, hold_lock
from gosellr.core.private_files import ensure_secret
from gosellr.core.startup_card import StartupCard, print_refusal
from gosellr.core.startup_error import StartupError, explained
from gosellr.core.supervisor import Program, Supervisor

_APPLICATION = "gosellr.main:application"
_WORKER_MODULE = "gosellr.jobs.worker"
_TELLING = ("Filling three months of orders", "Three months of orders are in")
_SOURCE_ROOT = Path(__file__).resolve().parents[1]
_DATABASE_RETRY_SECONDS = 5.0


def run_market(
    settings: Settings,
    *,
    card: StartupCard,
    may_open: bool,
    doors: HeadStart | None = None,
) -> None:
    """Start all programs of the market and keep them alive until a signal.

    `doors` is the first web process, if it was begun already.

    Raises StartupError when an operator has to mend something first.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(explained(settings.home))
        make_home(settings.home)
        _claim_home(stack, settings)
        listener = stack.enter_context(bind_address(settings.host, settings.port))
        card.line(f"GoSellr {__version__}" + ("  (demo market)" if settings.demo_enabled else ""))
        cluster: Cluster | None = None
        if settings.database_url:
            logins = external_logins(settings)
        else:
            cluster = Cluster(settings.home)
            stack.callback(cluster.stop)
            with card.step("Starting the database", "Database started") as step:
                cluster.start()
                step.note = str(cluster.data_folder)
            logins = embedded_logins(cluster)
        with card.step("Preparing the tables", "Tables ready"):
            migrate_market(logins)
        if settings.demo_enabled and not (settings.home / "demo.json").exists():
            fill_demo(settings, dsn=logins.application, card=card)
        programs = _programs(settings, logins, descriptor=listener.fileno(), doors=doors)
        watch = HistoryWatch(settings, stack.enter_context(card.background(*_TELLING)))
        keep_database = _keeper(cluster, card)

        def keep_alive() -> None:
            keep_database()
            watch.look(logins.application)

        with Supervisor(programs, keep_alive=keep_alive, say=card.line) as supervisor:
            with card.step("Opening the doors", "Doors open"):
                is_open = supervisor.start(
                    is_ready=lambda: answers(settings.host, settings.port, path="/healthz")
                )
            if is_open:
                _print_card(settings, card)
                watch.begin()
                _open_browser(settings, may_open=may_open)
                supervisor.run()
            card.line("Stopping: finishing what is under way. Ctrl C again forces it.")
            listener.close()
    card.line("Stopped.")


def _claim_home(stack: contextlib.ExitStack, settings: Settings) -> None:
    try:
        stack.enter_context(hold_lock(settings.home / "market.lock", purpose="gosellr run"))
    except LockHeldError as error:
        number = error.holder.removeprefix("process ").split(" ", 1)[0]
        raise StartupError(
            f"The data folder {settings.home} is in use by {error.holder}.",
            remedy=f"Stop it: kill {number}  (or choose another folder: export GOSELLR_HOME=…)",
        ) from None


def _keeper(cluster: Cluster | None, card: StartupCard) -> Callable[[], None]:
    """Brings the embedded server back whenever it is gone."""
    not_before = 0.0

    def keep_alive() -> None:
        nonlocal not_before
        if cluster is None or cluster.is_alive() or time.monotonic() < not_before:
            return
        card.line("The database stopped; starting it again.")
        try:
            cluster.start()
        except StartupError as error:
            not_before = time.monotonic() + _DATABASE_RETRY_SECONDS
            print_refusal(error)

    return keep_alive


def _programs(
    settings: Settings, logins: Logins, *, descriptor: int, doors: HeadStart | None
) -> list[Program]:
    """One program per web process, and the job worker; what they need to know they are told."""
    secret = settings.secret_key or ensure_secret(settings.home / "secret.key")
    environment = os.environ | {
        "GOSELLR_HOME": str(settings.home),
        "GOSELLR_DATABASE_URL": logins.application,
        "GOSELLR_SECRET_KEY": secret,
        "PYTHONPATH": str(_SOURCE_ROOT),
        "PYTHONUNBUFFERED": "1",
    }
    environment.pop("GOSELLR_MIGRATION_DATABASE_URL", None)
    base = (sys.executable, "-P", "-m", "gosellr.core.child_process")
    programs = [
        Program(
            name="web" if settings.workers == 1 else f"web {number}",
            command=(*base, "web", _APPLICATION, str(descriptor)),
            environment=environment,
            stop_rank=0,
            descriptors=(descriptor,),
            # One process opens the doors; loading all at once would take it longer.
            follows=number > 1,
            head_start=doors if number == 1 else None,
        )
        for number in range(1, settings.workers + 1)
    ]
    if importlib.util.find_spec(_WORKER_MODULE) is not None:
        command = (*base, "module", _WORKER_MODULE)
        programs.append(Program("job worker", command, environment, stop_rank=1, follows=True))
    return programs


# What is printed


def _print_card(settings: Settings, card: StartupCard) -> None:
    """Where to go. The demo's own doors stand in `demo.json`, which the demo writes."""
    card.line(f"Ready in {card.seconds():.1f} s")
    card.line()
    demo = _demo_card(settings)
    doors = demo.get("doors", [{"title": "Shop", "path": "/"}])
    width = len(settings.base_url) + max(len(door["path"]) for door in doors) + 10
    for door in doors:
        url = f"{settings.base_url}{door['path']}".ljust(width)
        who = f"{door.get('who', '').ljust(18)}{door.get('email', '')}"
        card.line(f"  {door['title'].ljust(12)}{url}{who}".rstrip())
    password = demo.get("password")
    note = f"password for all of them: {password}" if password else ""
    card.line(f"  {'API docs'.ljust(12)}{f'{settings.base_url}/docs'.ljust(width)}{note}".rstrip())
    if "one_click" in demo and settings.is_loopback:
        url = f"{settings.base_url}{demo['one_click']}".ljust(width)
        card.line(f"  {'One click'.ljust(12)}{url}no typing (this computer only)")
    card.line()
    empty = "  Empty market: GOSELLR_DEMO=0." if settings.demo_enabled else ""
    card.line(f"  Stop: Ctrl C.{empty}  Data: {settings.home}")


def _demo_card(settings: Settings) -> dict[str, Any]:
    if not settings.demo_enabled:
        return {}
    try:
        card: dict[str, Any] = json.loads((settings.home / "demo.json").read_text())
    except FileNotFoundError:
        return {}
    return card


def _open_browser(settings: Settings, *, may_open: bool) -> None:
    has_display = sys.platform == "darwin" or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
    is_remote = bool(os.environ.get("CI") or os.environ.get("SSH_CONNECTION"))
    if not (may_open and sys.stdout.isatty() and has_display) or is_remote:
        return
    if path := _demo_card(settings).get("one_click"):
        webbrowser.open(f"{settings.base_url}{path}")
