"""The front door: `python main.py` starts the market, `application` is what servers serve."""

import sys
from pathlib import Path

if not __package__:
    # Run as a file, Python looks for modules beside it: `services` would hide our package.
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from typing import TYPE_CHECKING

from fastapi import FastAPI

if TYPE_CHECKING:
    from gosellr.api.application import Opener
    from gosellr.config import Settings

# Imports wait until they are needed: the starter must not load what only web processes use.


def application() -> FastAPI:
    """The FastAPI application with this process's settings, e.g. for `uvicorn --factory`."""
    from gosellr.config import load_settings  # noqa: PLC0415
    from gosellr.core.logs import configure_logs  # noqa: PLC0415
    from gosellr.resources import open_resources  # noqa: PLC0415

    settings = load_settings()
    configure_logs(level=settings.log_level, production=settings.is_production)
    return build(settings, open_resources=lambda: open_resources(settings))


def build(settings: "Settings", *, open_resources: "Opener") -> FastAPI:
    """All doors in one application: the API, and the pages that stand beside it."""
    from gosellr.api.application import create_app  # noqa: PLC0415
    from gosellr.web.mount import mount_web  # noqa: PLC0415

    app = create_app(settings=settings, open_resources=open_resources)
    mount_web(app, settings=settings)
    return app


def main() -> None:
    """Start the market; further arguments are those of the `gosellr` command."""
    from gosellr.cli import app  # noqa: PLC0415

    app(sys.argv[1:] or ["run"])


if __name__ == "__main__":
    main()
