"""Gift cards and their codes: made, told once, and looked up by what is kept of them."""

from datetime import datetime
from uuid import UUID

from gosellr.core.clock import Clock
from gosellr.core.db import Database
from gosellr.core.identity import keyed_fingerprint, new_code
from gosellr.core.transact import ask, transact
from gosellr.flows import limits
from gosellr.models.proposal_values import Proposal
from gosellr.models.stored_value_values import GiftCard
from gosellr.services import stored_value_service, value_requests
from gosellr.services.idempotency_service import RequestKey
from gosellr.services.stored_value_tender import GiftCardRefused
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.stored_value import CODE_ALPHABET, CODE_LENGTH, normal_code, readable_code
from gosellr.utils.viewer import Viewer

_PURPOSE = "gift_card"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredValuePowers:
    """What gift cards need of their process."""

    db: Database
    clock: Clock
    policy: MarketPolicy
    secret_key: str
    # Whether codes that are tried are counted, and refused when there are too many.
    rate_limits: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedGiftCard:
    """A gift card; `code` is told when it is made, and never again."""

    card: GiftCard
    code: str | None


@dataclass(frozen=True, slots=True)
class _NewCode:
    """A code that was just made, and what is kept of it."""

    code: str
    code_hash: bytes


def code_hash_of(secret_key: str, typed: str) -> bytes:
    """What is kept of a code, from the way somebody typed it.

    Raises:
        GiftCardRefused: it can't be a code.
    """
    code = normal_code(typed)
    if code is None:
        raise GiftCardRefused("A code has sixteen letters and digits")
    return keyed_fingerprint(secret_key, purpose=_PURPOSE, secret=code)


async def issue_gift_card(
    powers: StoredValuePowers,
    *,
    viewer: Viewer,
    amount_minor: int,
    currency: str,
    expires_at: datetime | None,
    note: str | None,
    key: RequestKey,
) -> IssuedGiftCard | Proposal:
    """Make a gift card at the marketplace's cost, or propose to, where that takes two.

    The same request again makes no other one, and isn't told the code a second time.

    Raises:
        InvalidInput, IdempotencyKeyReused.
    """
    made = _new_code(powers)
    issued = await transact(
        powers.db,
        value_requests.issue,
        viewer=viewer,
        code_hash=made.code_hash,
        last_four=made.code[-4:],
        amount_minor=amount_minor,
        currency=currency,
        expires_at=expires_at,
        note=note,
        key=key,
        policy=powers.policy,
        now=powers.clock.now(),
    )
    if isinstance(issued, Proposal):
        return issued
    told = None if issued.existed else readable_code(made.code)
    return IssuedGiftCard(card=issued.value, code=told)


async def tell_code(powers: StoredValuePowers, *, viewer: Viewer, card_id: UUID) -> IssuedGiftCard:
    """Make the code of a card that two people agreed to, and tell it, once.

    Raises:
        What `value_requests.give_code` raises.
    """
    made = _new_code(powers)
    card = await transact(
        powers.db,
        value_requests.give_code,
        viewer=viewer,
        card_id=card_id,
        code_hash=made.code_hash,
        last_four=made.code[-4:],
    )
    return IssuedGiftCard(card=card, code=readable_code(made.code))


def _new_code(powers: StoredValuePowers) -> _NewCode:
    code = new_code(CODE_LENGTH, alphabet=CODE_ALPHABET)
    return _NewCode(code, code_hash_of(powers.secret_key, code))


async def check_gift_card(powers: StoredValuePowers, *, viewer: Viewer, typed: str) -> GiftCard:
    """What is left on the card of a code.

    Raises:
        GiftCardRefused: no card has it, or its card can't be used any more.
        TooManyRequests.
    """
    now = powers.clock.now()
    if powers.rate_limits:
        limits.refuse_excess(
            await limits.count_knock(powers.db, subjects=limits.of_gift_codes(viewer), now=now)
        )
    return await ask(
        powers.db,
        stored_value_service.check,
        code_hash=code_hash_of(powers.secret_key, typed),
        now=now,
    )
