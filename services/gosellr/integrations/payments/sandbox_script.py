"""How the sandbox gateway behaves: by test token, and by a script of faults for its webhooks."""

import hashlib
from collections.abc import Awaitable, Callable
from enum import StrEnum

from gosellr.utils.lazy_dataclasses import dataclass


class ChargeBehaviour(StrEnum):
    """What the sandbox does with a charge before it answers, or fails to."""

    APPROVE = "approve"
    DECLINE = "decline"
    ASK_BUYER = "ask_buyer"
    CAPTURE_HALF = "capture_half"
    LOSE_REQUEST = "lose_request"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenBehaviour:
    """`answered=False` loses the answer after the journal has it, as a time-out does;
    `seconds` keeps the caller waiting for one that comes. `about` says it in words."""

    about: str
    charge: ChargeBehaviour = ChargeBehaviour.APPROVE
    answered: bool = True
    seconds: int = 0
    decline_code: str | None = None
    refund_decline_code: str | None = None
    refund_answered: bool = True
    capture_decline_code: str | None = None
    # Of a capture: whether its first request arrives, and whether what it did is answered.
    capture_arrives: bool = True
    capture_answered: bool = True
    captures_many: bool = True
    reauthorizes: bool = False


_DECLINED = "card_declined"

TOKENS: dict[str, TokenBehaviour] = {
    "tok_ok": TokenBehaviour(about="pays"),
    "tok_declined": TokenBehaviour(
        about="is declined", charge=ChargeBehaviour.DECLINE, decline_code=_DECLINED
    ),
    "tok_requires_action": TokenBehaviour(
        about="asks the buyer on a page of the bank", charge=ChargeBehaviour.ASK_BUYER
    ),
    "tok_slow": TokenBehaviour(about="pays, and answers after three seconds", seconds=3),
    "tok_timeout_then_ok": TokenBehaviour(about="pays, and the answer is lost", answered=False),
    "tok_timeout_then_declined": TokenBehaviour(
        about="is declined, and the answer is lost",
        charge=ChargeBehaviour.DECLINE,
        answered=False,
        decline_code=_DECLINED,
    ),
    # The caller hears nothing, and a lookup finds nothing.
    "tok_timeout_before": TokenBehaviour(
        about="is never asked: the request is lost",
        charge=ChargeBehaviour.LOSE_REQUEST,
        answered=False,
    ),
    "tok_captures_half": TokenBehaviour(
        about="pays half of what it is asked for, whenever it is, and calls that a success",
        charge=ChargeBehaviour.CAPTURE_HALF,
    ),
    "tok_refund_declined": TokenBehaviour(
        about="pays, and takes no refund", refund_decline_code="refund_declined"
    ),
    "tok_refund_timeout_then_ok": TokenBehaviour(
        about="pays; the answer to a refund is lost", refund_answered=False
    ),
    "tok_refund_timeout_then_declined": TokenBehaviour(
        about="pays, and takes no refund; the answer to one is lost",
        refund_decline_code="refund_declined",
        refund_answered=False,
    ),
    # These show what they do once money that was only set aside is to be taken.
    "tok_capture_declined": TokenBehaviour(
        about="sets money aside that can't be taken", capture_decline_code="insufficient_funds"
    ),
    "tok_capture_timeout_then_ok": TokenBehaviour(
        about="sets money aside; the answer to its capture is lost", capture_answered=False
    ),
    "tok_capture_timeout_before": TokenBehaviour(
        about="sets money aside; the first request to capture it is lost", capture_arrives=False
    ),
    "tok_captured_once": TokenBehaviour(
        about="sets money aside that is taken once, as many gateways do", captures_many=False
    ),
    "tok_reauthorizes": TokenBehaviour(
        about="sets money aside, and for longer when it is asked to", reauthorizes=True
    ),
}

UNKNOWN_TOKEN = "tok_unknown"  # noqa: S105 - stands in the journal for whatever was sent instead
"""Written down in place of a token that isn't ours, so that no card number can reach the disk."""

TOKENS[UNKNOWN_TOKEN] = TokenBehaviour(
    about="stands for all others, and is declined",
    charge=ChargeBehaviour.DECLINE,
    decline_code="invalid_token",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxScript:
    """Faults of the sandbox's webhooks, the same in every run with the same `seed`.

    `extra_copies` repeats each event so many times; `delay_seconds` holds each back; one event in
    `drop_one_in` is never sent (0: none); `reorder` shuffles each batch. `lose_answer` is awaited
    before an answer is lost, so that a test may spend a real time-out there.
    """

    seed: int = 0
    extra_copies: int = 0
    delay_seconds: int = 0
    drop_one_in: int = 0
    reorder: bool = False
    lose_answer: Callable[[], Awaitable[None]] | None = None

    def drops(self, event_id: str) -> bool:
        """Whether this event is one of those that never leave the house."""
        return self.drop_one_in > 0 and self.rank(event_id) % self.drop_one_in == 0

    def rank(self, event_id: str) -> int:
        """A number that looks random and depends on the seed and the event alone."""
        digest = hashlib.blake2s(f"{self.seed}:{event_id}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big")
