"""Where the demo's shops are paid to."""

import json
from typing import Final
from uuid import UUID, uuid5

from gosellr.core.errors import NotFound
from gosellr.core.transact import ask, transact
from gosellr.flows.payouts import account_place
from gosellr.jobs.demo.state import Market
from gosellr.resources import Resources
from gosellr.services import payout_settings_service
from gosellr.services.payout_settings_service import NewDestination
from gosellr.utils.iban import last_four

_NAMESPACE: Final = UUID("6d1c3c1e-5d2c-4b5e-9f0e-0d7a4e1d9a11")


async def set_account(resources: Resources, market: Market, handle: str, iban: str) -> None:
    """Say where a shop is paid to, unless somebody has."""
    owner, (seller_id, _) = market.owner_of(handle), market.sellers[handle]
    try:
        await ask(
            resources.db,
            payout_settings_service.find_destination,
            viewer=owner,
            seller_id=seller_id,
        )
    except NotFound:
        destination_id = uuid5(_NAMESPACE, f"{seller_id}")
        plain = json.dumps({"holder": handle.capitalize(), "iban": iban}).encode()
        await transact(
            resources.db,
            payout_settings_service.change_destination,
            viewer=owner,
            seller_id=seller_id,
            new=NewDestination(
                destination_id=destination_id,
                method="sandbox",
                account_encrypted=resources.vault.encrypt(
                    plain, place=account_place(destination_id)
                ),
                last_four=last_four(iban),
            ),
            policy=resources.policy,
            now=resources.clock.now(),
        )
