"""What a provider has under the name of a payout, held against the payout."""

import logging
from typing import Final

from gosellr.integrations.payouts.port import AccountKind, TransferOutcome, TransferResult
from gosellr.models.payout_values import PayoutInstruction
from gosellr.utils.payouts import PayoutStatus

DIFFERS: Final = "transfer_differs"

_log = logging.getLogger("gosellr.flows")

_STATUSES = {
    TransferOutcome.ACCEPTED: PayoutStatus.PAID,
    TransferOutcome.PENDING: PayoutStatus.SENT,
    TransferOutcome.DECLINED: PayoutStatus.FAILED,
}


def if_it_is_this(
    told: PayoutInstruction, found: TransferResult, *, account: str, kind: AccountKind
) -> TransferResult:
    """What was found, if it is the payout: of its amount and currency, and to its account. An
    e-mail address is the same in whatever case.

    Else nobody knows what became of the payout. A person has to look, and nothing that was found
    is taken for it, its name neither.
    """
    says_how_much = found.amount_minor is not None
    amounts_differ = (found.amount_minor, found.currency) != (told.amount_minor, told.currency)
    goes_elsewhere = found.account is not None and (
        found.account.casefold() != account.casefold()
        if kind is AccountKind.EMAIL
        else found.account != account
    )
    if not (says_how_much and amounts_differ) and not goes_elsewhere:
        return found
    _log.error("payout %s isn't what %s has under its name", told.payout_id, told.provider)
    return TransferResult(
        outcome=TransferOutcome.UNKNOWN,
        transfer_id=found.transfer_id,
        provider_reference=told.provider_reference,
        reason=DIFFERS,
    )


def status_of(result: TransferResult | None, told: PayoutInstruction) -> PayoutStatus:
    """What an answer means. Another amount than was asked for is left to a person."""
    if result is None:
        return PayoutStatus.UNKNOWN
    if result.outcome in {TransferOutcome.ACCEPTED, TransferOutcome.PENDING} and (
        (result.amount_minor, result.currency) != (told.amount_minor, told.currency)
    ):
        return PayoutStatus.UNKNOWN
    return _STATUSES.get(result.outcome, PayoutStatus.UNKNOWN)
