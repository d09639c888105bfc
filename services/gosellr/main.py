"""The front door: `python main.py` starts the market, `application` is what servers serve."""

import os
import signal
import sys
from pathlib import Path

if not __package__:
    # Run as a file, Python looks for modules beside it: `services` would hide our package.
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from typing import TYPE_CHECKING

from gosellr.core.head_start import HeadStart
from gosellr.core.supervisor import STOP_SIGNALS, is_heeded

if TYPE_CHECKING:
    from fastapi import FastAPI

    from gosellr.api.application import Opener
    from gosellr.config import Settings

# Imports wait until they are needed: the starter must not load what only web processes use.

PARTS = ("gosellr.api.application", "gosellr.resources", "gosellr.web.mount")
"""The modules that `application` asks for: they and theirs are all of it, and read no settings."""


def application() -> "FastAPI":
    """The FastAPI application with this process's settings, e.g. for `uvicorn --factory`."""
    from gosellr.config import load_settings  # noqa: PLC0415
    from gosellr.core.logs import configure_logs  # noqa: PLC0415
    from gosellr.resources import open_resources  # noqa: PLC0415

    settings = load_settings()
    configure_logs(level=settings.log_level, production=settings.is_production)
    return build(settings, open_resources=lambda: open_resources(settings))


def build(settings: "Settings", *, open_resources: "Opener") -> "FastAPI":
    """All doors in one application: the API, and the pages that stand beside it."""
    from gosellr.api.application import create_app  # noqa: PLC0415
    from gosellr.web.mount import mount_web  # noqa: PLC0415

    app = create_app(settings=settings, open_resources=open_resources)
    mount_web(app, settings=settings)
    return app


def main() -> None:
    """Start the market; further arguments are those of the `gosellr` command."""
    command(sys.argv[1:] or ["run"])


def command(arguments: list[str] | None = None) -> None:
    """The `gosellr` command. Where it starts the market, the doors load beside all the rest."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] != ["run"]:
        _carry_out(arguments, doors=None)
        return
    # Until the supervisor takes over, each of these unwinds the start as Ctrl C does.
    for number in STOP_SIGNALS:
        if is_heeded(number):
            signal.signal(number, signal.default_int_handler)
    try:
        with _begin_doors() as doors:
            _carry_out(arguments, doors=doors)
    except KeyboardInterrupt:
        sys.exit(130)


def _carry_out(arguments: list[str], *, doors: HeadStart | None) -> None:
    from gosellr.cli import app  # noqa: PLC0415

    app(arguments, prog_name="gosellr", obj=doors)


def _begin_doors() -> HeadStart:
    """The first web process, which loads what `application` asks for before it may be called."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    environment.pop("GOSELLR_MIGRATION_DATABASE_URL", None)
    child = (sys.executable, "-P", "-m", "gosellr.core.child_process")
    return HeadStart(
        (*child, "web", "gosellr.main:application", "-", *PARTS), environment=environment
    )


if __name__ == "__main__":
    main()
