"""A change of a payout account, withdrawn by the link in the letter that told of it."""

import hmac
from uuid import UUID

from gosellr.core.errors import NotFound
from gosellr.core.identity import derived_token
from gosellr.core.passwords import Passwords
from gosellr.core.transact import ask, transact
from gosellr.flows import payout_accounts
from gosellr.flows.payouts import PayoutPowers
from gosellr.models.payout_values import DestinationChange
from gosellr.services import payout_withdrawal_service
from gosellr.services.seller_scope import require_of_shop
from gosellr.utils.viewer import Viewer

WITHDRAWAL_TOKEN_PURPOSE = "payout_withdrawal"  # noqa: S105  (a name, not a secret)


async def look(
    powers: PayoutPowers, secret_key: str, *, destination_id: UUID, token: str
) -> DestinationChange:
    """The change that a letter told of.

    Raises:
        NotFound: the token isn't the letter's.
    """
    _check(secret_key, destination_id, token)
    return await ask(
        powers.db, payout_withdrawal_service.find_change, destination_id=destination_id
    )


async def withdraw(
    powers: PayoutPowers, secret_key: str, *, destination_id: UUID, token: str
) -> DestinationChange:
    """Undo the change, once, and hold the shop's payouts.

    Raises:
        NotFound, TooLateToWithdraw.
    """
    _check(secret_key, destination_id, token)
    return await transact(
        powers.db,
        payout_withdrawal_service.withdraw,
        destination_id=destination_id,
        now=powers.now(),
    )


async def let_go(
    powers: PayoutPowers,
    passwords: Passwords,
    *,
    viewer: Viewer,
    seller_id: UUID,
    password: str,
) -> None:
    """Let payouts go on, for an owner who proves again who they are.

    Raises:
        NotFound, NotAllowed, NotHeldForOwner.
        InvalidInput: the password is wrong.
    """
    require_of_shop(viewer, seller_id=seller_id)
    await payout_accounts.prove(powers.db, passwords, viewer=viewer, password=password)
    await transact(
        powers.db,
        payout_withdrawal_service.let_go,
        viewer=viewer,
        seller_id=seller_id,
        now=powers.now(),
    )


def _check(secret_key: str, destination_id: UUID, token: str) -> None:
    own = derived_token(secret_key, purpose=WITHDRAWAL_TOKEN_PURPOSE, subject=destination_id)
    if not hmac.compare_digest(own.encode(), token.encode()):
        raise NotFound
