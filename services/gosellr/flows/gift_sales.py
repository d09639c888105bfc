"""Buying a gift card, being told its code, and giving back what it cost."""

from uuid import UUID

from gosellr.core.db import go_ahead
from gosellr.core.identity import fingerprint, new_code, new_id
from gosellr.core.transact import transact
from gosellr.flows import checkout, refunds
from gosellr.flows.checkout import CheckoutPowers, PlacedOrder, order_token
from gosellr.flows.payments import advance
from gosellr.flows.refunds import RefundPowers, RequestedRefund
from gosellr.flows.stored_value import StoredValuePowers, code_hash_of
from gosellr.models.proposal_values import Proposal
from gosellr.models.stored_value_values import GiftCard
from gosellr.services import (
    gift_refund_service,
    gift_sale_service,
    replacement_card_service,
)
from gosellr.services.gift_sale_service import GiftCardWish
from gosellr.services.idempotency_service import (
    EarlierRequest,
    RequestKey,
)
from gosellr.utils.lazy_dataclasses import dataclass, replace
from gosellr.utils.stored_value import CODE_ALPHABET, CODE_LENGTH, readable_code
from gosellr.utils.viewer import Viewer


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldGiftCard:
    """A card that was bought, with its code, which nobody is told again."""

    card: GiftCard
    code: str


async def buy_gift_card(
    powers: CheckoutPowers, *, viewer: Viewer, wish: GiftCardWish, key: RequestKey
) -> PlacedOrder:
    """Order a gift card and ask for its money. The card is made when that was captured.

    Raises:
        PaymentMethodUnavailable, IdempotencyInProgress, TooManyRequests, and what
        `gift_sale_service.open_purchase` raises.
    """
    gift_sale_service.refuse_value([wish.tender])
    [tender] = checkout.known_tenders(powers, [wish.tender])
    wish = replace(wish, tender=tender)
    counted = checkout.counted_for(viewer, email=wish.email, basket_id=None, tenders=[tender])
    await checkout.count_attempt(powers, counted, key=key, cards=1)
    order_id = new_id()
    access_token = order_token(powers, order_id) if viewer.is_guest else None
    opened = await transact(
        powers.db,
        gift_sale_service.open_purchase,
        order_id=order_id,
        viewer=viewer,
        wish=wish,
        key=key,
        token_hash=None if access_token is None else fingerprint(access_token),
        policy=powers.policy,
        now=powers.clock.now(),
    )
    if isinstance(opened, EarlierRequest):
        return await checkout.answer_again(powers, viewer=viewer, earlier=opened)
    go_ahead()
    order = await advance(
        db=powers.db,
        gateways=powers.gateways,
        clock=powers.clock,
        policy=powers.policy,
        order_id=order_id,
        fresh=opened.payment_ids,
    )
    await checkout.count_declined(powers, counted, order, opened.payment_ids)
    return PlacedOrder(order=order, access_token=access_token)


async def tell_code(powers: StoredValuePowers, *, viewer: Viewer, order_id: UUID) -> ToldGiftCard:
    """Make the code of a card that was bought, and tell it, once: whoever asks again is refused.

    Until then nobody can spend the card, for there is nothing to spend it with.

    Raises:
        NotFound, NotAllowed, CodeNotReady, CodeToldAlready.
    """
    code = new_code(CODE_LENGTH, alphabet=CODE_ALPHABET)
    card = await transact(
        powers.db,
        gift_sale_service.give_code,
        viewer=viewer,
        order_id=order_id,
        code_hash=code_hash_of(powers.secret_key, code),
        last_four=code[-4:],
    )
    return ToldGiftCard(card=card, code=readable_code(code))


async def tell_replacement_code(
    powers: StoredValuePowers, *, viewer: Viewer, order_id: UUID, card_id: UUID
) -> ToldGiftCard:
    """Make the code of a card that was made for an order in place of one that can't be spent, and
    tell it, once.

    Raises:
        NotFound, NotAllowed, CodeToldAlready.
    """
    code = new_code(CODE_LENGTH, alphabet=CODE_ALPHABET)
    card = await transact(
        powers.db,
        replacement_card_service.give_code,
        viewer=viewer,
        order_id=order_id,
        card_id=card_id,
        code_hash=code_hash_of(powers.secret_key, code),
        last_four=code[-4:],
    )
    return ToldGiftCard(card=card, code=readable_code(code))


async def take_back(
    powers: RefundPowers, *, viewer: Viewer, order_id: UUID, reason: str, key: RequestKey
) -> RequestedRefund:
    """Take back a card that was bought, and refund what is left on it; or propose to, where that
    takes two.

    Raises:
        IdempotencyInProgress, and what `gift_refund_service.open_refund` raises.
    """
    opened = await transact(
        powers.db,
        gift_refund_service.open_refund,
        viewer=viewer,
        order_id=order_id,
        reason=reason,
        key=key,
        policy=powers.policy,
        now=powers.now(),
    )
    if isinstance(opened, Proposal):
        return RequestedRefund(proposal=opened)
    return await refunds.send_opened(powers, viewer=viewer, order_id=order_id, opened=opened)
