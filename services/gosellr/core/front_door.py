"""uvicorn's protocol with a doorkeeper: whoever is sent away costs next to nothing.

Past saturation most of what a process does may be to say no. Before the application can, a request
has become a task with a scope, an event and several layers; here it is headers that were just read.
The application brings its doorkeeper in the state of its lifespan.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

DOORKEEPER = "doorkeeper"
"""What it is called in the state of the lifespan."""

RawHeaders = Sequence[tuple[bytes, bytes]]


class Refusal(NamedTuple):
    """A whole answer, but for what the server adds: status line and headers, and the body."""

    head: bytes
    body: bytes


class Doorkeeper(Protocol):
    """Says who doesn't come in."""

    def refusal(self, method: bytes, url: bytes, headers: RawHeaders) -> Refusal | None:
        """What to answer at once; None for a request that the application gets."""

    def is_waited_inside(self) -> bool:
        """Whether who is let in waits for something else than the processor, and not shortly."""


class Callers(ServerState):
    """Who is connected, and how many of them are to be handed on to another process.

    Who is handed on gets an answer that ends the connection, and comes again by another.
    """

    def __init__(self) -> None:
        super().__init__()
        self.to_hand_on = 0


class FrontDoor(HttpToolsProtocol):
    """A connection whose requests are shown to the doorkeeper first.

    A refusal goes out when the whole request has come, so that the connection is good for the next.
    """

    def __init__(
        self, config: uvicorn.Config, server_state: Callers, app_state: dict[str, Any]
    ) -> None:
        super().__init__(config, server_state, app_state)
        self._callers = server_state
        self._keeper = cast("Doorkeeper | None", self.app_state.get(DOORKEEPER))
        self._refusal: Refusal | None = None

    def data_received(self, data: bytes) -> None:
        """See uvicorn. Who is refused, and then sends no more, isn't waited for without end."""
        super().data_received(data)
        if self._refusal is not None:
            self._unset_keepalive_if_required()
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.shutdown
            )

    def on_headers_complete(self) -> None:
        """See uvicorn."""
        self._refusal = self._ask()
        if self._refusal is None:
            # Where both came at once, the wait for the next request began with the refusal before.
            self._unset_keepalive_if_required()
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """See uvicorn."""
        if self._refusal is None:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """See uvicorn."""
        refusal = self._refusal
        if refusal is None:
            super().on_message_complete()
            self._hand_on()
        elif not self.transport.is_closing():
            self._refusal = None
            self._send(refusal)
            self.on_response_complete()

    def shutdown(self) -> None:
        """See uvicorn. Who is refused and has more to send is told so before the end."""
        if self._refusal is not None and not self.transport.is_closing():
            self._send(self._refusal, b"connection: close\r\n")
        super().shutdown()

    def _hand_on(self) -> None:
        """Let the answer end the connection, if it must. The whole request is there: who still
        sends when his connection ends may never hear the answer."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        if self._callers.to_hand_on > 0 and cycle is not None and not cycle.response_started:
            self._callers.to_hand_on -= 1
            cycle.keep_alive = False

    def _send(self, refusal: Refusal, more: bytes = b"") -> None:
        added = b"".join(b"%b: %b\r\n" % header for header in self.server_state.default_headers)
        self.transport.write(b"%b%b%b\r\n%b" % (refusal.head, added, more, refusal.body))

    def _ask(self) -> Refusal | None:
        """What the doorkeeper says. Whoever asks for more than an answer is the application's, and
        so is who waits for an answer still, or doesn't take what he was told."""
        before = cast("RequestResponseCycle | None", self.cycle)
        if (
            self._keeper is None
            or self.expect_100_continue
            or self.parser.should_upgrade()
            or not self.parser.should_keep_alive()
            or self.parser.get_http_version() != "1.1"
            or not (before is None or before.response_complete)
            or self.flow.write_paused
        ):
            return None
        return self._keeper.refusal(self.parser.get_method(), self.url, self.headers)
