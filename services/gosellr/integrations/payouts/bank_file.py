"""The market's own bank: told by files that a person takes there, so nobody is asked over the net.

Payouts in this way wait for the next file and stand where it stands. What is here says that there
is such a way, and what an account is; whoever sent or asked would learn nothing.
"""

from gosellr.integrations.payouts.port import (
    EVERY_AMOUNT,
    AccountKind,
    TransferOutcome,
    TransferRequest,
    TransferResult,
)


class BankFilePayouts:
    """A `PayoutProvider` that moves nothing by itself and says so."""

    name = "bank"
    paid_from = None
    account_kind = AccountKind.IBAN
    forgets_after = None
    steps_minor = EVERY_AMOUNT

    async def send(self, request: TransferRequest) -> TransferResult:
        """See `PayoutProvider.send`."""
        return TransferResult(outcome=TransferOutcome.UNKNOWN, transfer_id=request.transfer_id)

    async def lookup(
        self,
        *,
        transfer_id: str,
        provider_reference: str | None = None,  # noqa: ARG002 - there is nobody to be asked
    ) -> TransferResult:
        """See `PayoutProvider.lookup`."""
        return TransferResult(outcome=TransferOutcome.UNKNOWN, transfer_id=transfer_id)

    async def aclose(self) -> None:
        """See `PayoutProvider.aclose`."""
