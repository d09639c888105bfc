"""The address the web processes share: bound once, before anything else is started."""

import errno
import http.client
import socket
import time

from gosellr.core.startup_error import StartupError

_PATIENCE_SECONDS = 3.0


def bind_address(host: str, port: int) -> socket.socket:
    """Bind and listen: early visitors, and those of a restart, wait until a process serves them.

    The processes of a market that was killed a moment ago get a little time to let go.
    Raises StartupError when the port is taken, forbidden or the address isn't ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen(2048)
        except OSError as error:
            listener.close()
            if error.errno == errno.EADDRINUSE and time.monotonic() < deadline:
                time.sleep(0.1)
                continue
            raise _refusal(error, host=host, port=port) from error
        return listener


def answers(host: str, port: int, *, path: str) -> bool:
    """Whether a web server answers there with anything but a failure of its own."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    connection = http.client.HTTPConnection(reachable, port, timeout=1)
    try:
        connection.request("GET", path, headers={"Host": f"localhost:{port}"})
        return connection.getresponse().status < http.client.INTERNAL_SERVER_ERROR
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _refusal(error: OSError, *, host: str, port: int) -> StartupError:
    if error.errno == errno.EADDRINUSE:
        return StartupError(
            f"Port {port} is taken by another program.",
            remedy=f"Take the next one: GOSELLR_PORT={port + 1} python main.py"
            f"  (or see who has it: ss -ltnp 'sport = :{port}')",
        )
    if error.errno in {errno.EACCES, errno.EPERM}:
        return StartupError(
            f"This account may not open port {port}.",
            remedy="Take one above 1023: GOSELLR_PORT=4004 python main.py",
        )
    return StartupError(
        f"{host} is no address of this computer.",
        remedy="Use this computer's own: GOSELLR_HOST=127.0.0.1 python main.py",
    )
