"""What runs inside a supervised process: a web server on an inherited socket, or a module.

The supervisor holds the other end of our standard input. When it ends, however suddenly, the
input ends too, and so do we: no process is left behind that nobody looks after.
"""

import argparse
import gc
import importlib
import os
import resource
import runpy
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import uvicorn

from gosellr.core.crew import Crew
from gosellr.core.head_start import await_word
from gosellr.core.web_server import WebServer

DRAIN_SECONDS = 20
_CONNECTIONS_MAX = 65_536
_KEEP_ALIVE_SECONDS = 15


def end_with_parent() -> None:
    """Leave in an orderly way when standard input ends, and by force if that takes too long."""

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(DRAIN_SECONDS + 5)
        os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


def serve(application: str, *, descriptor: int) -> None:
    """Serve an application factory (`package.module:function`) on a bound socket."""
    config = uvicorn.Config(
        application,
        factory=True,
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    config.load()
    _allow_many_connections()
    # What was loaded stays; the collector of cycles need not look through it again. The few
    # cycles in it are worth less than the look that would find them.
    gc.freeze()
    home = os.environ.get("GOSELLR_HOME")
    crew = Crew.joined(Path(home) / "web_processes.bin") if home else Crew.alone()
    try:
        WebServer(config, listener=socket.socket(fileno=descriptor), crew=crew).run()
    finally:
        crew.close()


def _allow_many_connections() -> None:
    """Raise the limit of open files as far as we may: the usual one is from a time when programs
    could look after no more than a thousand."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _CONNECTIONS_MAX if hard == resource.RLIM_INFINITY else min(hard, _CONNECTIONS_MAX)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        # Some systems allow less than they say.
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _look_less_often() -> None:
    """Let the collector of cycles look less often, from the loading on.

    Loading makes hundreds of thousands of objects that stay, and a request thousands and hardly a
    cycle; by default the collector would look through what is there again and again meanwhile.
    """
    gc.set_threshold(20_000, 20, 50)


def main(arguments: list[str]) -> None:
    """`web package.module:factory DESCRIPTOR` or `module package.module`.

    `web package.module:factory - package.module …` loads those modules, and waits then until it is
    told its environment and its descriptor.
    """
    parser = argparse.ArgumentParser(prog="child_process")
    kinds = parser.add_subparsers(dest="kind", required=True)
    web = kinds.add_parser("web")
    web.add_argument("application")
    web.add_argument("descriptor")
    web.add_argument("parts", nargs="*")
    kinds.add_parser("module").add_argument("name")
    chosen = parser.parse_args(arguments)
    _look_less_often()
    if chosen.kind == "module":
        end_with_parent()
        sys.argv = [chosen.name]
        runpy.run_module(chosen.name, run_name="__main__", alter_sys=True)
        return
    for name in chosen.parts:
        importlib.import_module(name)
    descriptor = await_word() if chosen.descriptor == "-" else int(chosen.descriptor)
    if descriptor is not None:
        end_with_parent()
        serve(chosen.application, descriptor=descriptor)


if __name__ == "__main__":
    main(sys.argv[1:])
