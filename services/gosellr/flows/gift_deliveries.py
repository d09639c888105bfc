"""Gift cards sent to somebody: when their time has come, and claimed by whoever has the letter."""

import hmac
from uuid import UUID

from gosellr.core.clock import Clock
from gosellr.core.db import Database
from gosellr.core.errors import NotFound
from gosellr.core.identity import derived_token, new_code
from gosellr.core.transact import ask, transact
from gosellr.flows import limits
from gosellr.flows.gift_sales import ToldGiftCard
from gosellr.flows.one_by_one import Sweep
from gosellr.flows.stored_value import StoredValuePowers, code_hash_of
from gosellr.models.gift_sale_values import GiftCardPurchase
from gosellr.services import gift_delivery_service
from gosellr.utils.stored_value import CODE_ALPHABET, CODE_LENGTH, readable_code
from gosellr.utils.viewer import Viewer

CLAIM_TOKEN_PURPOSE = "gift_claim"  # noqa: S105  (a name, not a secret)

_CARDS_AT_ONCE = 200


async def deliver_due(*, db: Database, clock: Clock, limit: int = _CARDS_AT_ONCE) -> int:
    """Have the letters of cards written whose time has come; gives of how many. More of them come
    with the next run."""
    now = clock.now()

    async def deliver(order_id: UUID) -> bool:
        return await transact(db, gift_delivery_service.deliver, order_id=order_id, now=now)

    sweep = Sweep(
        name="gift_deliveries",
        db=db,
        now=now,
        due=lambda: ask(db, gift_delivery_service.due_deliveries, now=now, limit=limit),
        item=str,
    )
    return await sweep.run(deliver, story="sending a gift card")


async def look(
    powers: StoredValuePowers, *, viewer: Viewer, claim_id: UUID, token: str
) -> GiftCardPurchase:
    """What a letter leads to, for whoever has the letter.

    Raises:
        NotFound: the token isn't the letter's, or the letter leads nowhere any more.
        TooManyRequests.
    """
    await _check(powers, viewer=viewer, claim_id=claim_id, token=token)
    return await ask(powers.db, gift_delivery_service.find_claimed, claim_id=claim_id)


async def claim(
    powers: StoredValuePowers, *, viewer: Viewer, claim_id: UUID, token: str
) -> ToldGiftCard:
    """Make the code of the card that a letter leads to, and tell it, once.

    Raises:
        NotFound, CodeToldAlready, TooManyRequests.
    """
    await _check(powers, viewer=viewer, claim_id=claim_id, token=token)
    code = new_code(CODE_LENGTH, alphabet=CODE_ALPHABET)
    card = await transact(
        powers.db,
        gift_delivery_service.give_claimed_code,
        claim_id=claim_id,
        code_hash=code_hash_of(powers.secret_key, code),
        last_four=code[-4:],
    )
    return ToldGiftCard(card=card, code=readable_code(code))


async def _check(powers: StoredValuePowers, *, viewer: Viewer, claim_id: UUID, token: str) -> None:
    if powers.rate_limits:
        limits.refuse_excess(
            await limits.count_knock(
                powers.db, subjects=limits.of_gift_codes(viewer), now=powers.clock.now()
            )
        )
    own = derived_token(powers.secret_key, purpose=CLAIM_TOKEN_PURPOSE, subject=claim_id)
    if not hmac.compare_digest(own.encode(), token.encode()):
        raise NotFound
