"""What a provider has under the name of a payout, held against the payout."""

import logging
from typing import Final

from gosellr.integrations.payouts.port import TransferOutcome, TransferResult
from gosellr.models.payout_values import PayoutInstruction

DIFFERS: Final = "transfer_differs"

_log = logging.getLogger("gosellr.flows")


def if_it_is_this(
    told: PayoutInstruction, found: TransferResult, *, account: str
) -> TransferResult:
    """What was found, if it is the payout: of its amount and currency, and to its account.

    Else nobody knows what became of the payout. A person has to look, and nothing that was found
    is taken for it, its name neither.
    """
    says_how_much = found.amount_minor is not None
    amounts_differ = (found.amount_minor, found.currency) != (told.amount_minor, told.currency)
    goes_elsewhere = found.account is not None and found.account != account
    if not (says_how_much and amounts_differ) and not goes_elsewhere:
        return found
    _log.error("payout %s isn't what %s has under its name", told.payout_id, told.provider)
    return TransferResult(
        outcome=TransferOutcome.UNKNOWN,
        transfer_id=found.transfer_id,
        provider_reference=told.provider_reference,
        reason=DIFFERS,
    )
