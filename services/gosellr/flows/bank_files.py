"""Files for the bank: made with the keys of this process, followed up payout by payout."""

from collections.abc import Mapping
from uuid import UUID

from gosellr.core.errors import Conflict
from gosellr.core.transact import ask, transact
from gosellr.flows.one_by_one import one_by_one
from gosellr.flows.payouts import PayoutPowers, send_payout
from gosellr.models.balance_values import BankFile, FiledPayout
from gosellr.models.payout_values import Payout
from gosellr.services import bank_file_outcome, bank_file_service, payout_questions
from gosellr.services.bank_file_service import Account, MadeFile, Secrets
from gosellr.services.idempotency_service import RequestKey
from gosellr.utils.sepa import PAYMENTS_MAX
from gosellr.utils.viewer import Viewer


class NoBankAccount(Conflict):
    """The market hasn't said which account its payouts are debited to."""

    code = "no_bank_account"
    title = "The market has no bank account of its own"


def content_place(file_id: UUID) -> str:
    """Where a file's content stands, and the only place where it can be read."""
    return f"bank_file:content_encrypted:{file_id}"


async def make_file(
    powers: PayoutPowers, *, viewer: Viewer, key: RequestKey, limit: int = PAYMENTS_MAX
) -> MadeFile:
    """Put the payouts that wait for the bank into a file, up to `limit` of them.

    Raises:
        NoBankAccount, and what `bank_file_service.make` raises.
    """
    if powers.debtor is None:
        raise NoBankAccount

    def read_account(one: FiledPayout) -> Account:
        account = powers.read_account(one.account_encrypted, destination_id=one.destination_id)
        return Account(holder=account["holder"], iban=account["iban"])

    return await transact(
        powers.db,
        bank_file_service.make,
        viewer=viewer,
        debtor=powers.debtor,
        secrets=Secrets(
            read_account=read_account,
            seal=lambda file_id, content: powers.vault.encrypt(
                content, place=content_place(file_id)
            ),
        ),
        key=key,
        kept_for=powers.policy.idempotency_kept_for,
        now=powers.now(),
        limit=limit,
    )


async def read_file(powers: PayoutPowers, *, file_id: UUID) -> bytes:
    """A file as it was made, the same bytes each time. Raises `NotFound`."""
    sealed = await ask(powers.db, bank_file_service.sealed_content, file_id=file_id)
    return powers.vault.decrypt(sealed, place=content_place(file_id))


async def execute_file(
    powers: PayoutPowers, *, viewer: Viewer, file_id: UUID, failed: Mapping[UUID, str]
) -> BankFile:
    """The bank has carried a file out, but for some payments.

    Raises:
        What `bank_file_outcome.execute` raises.
    """
    await transact(
        powers.db,
        bank_file_outcome.execute,
        viewer=viewer,
        file_id=file_id,
        failed=failed,
        now=powers.now(),
    )
    return await _followed(powers, file_id)


async def reject_file(
    powers: PayoutPowers, *, viewer: Viewer, file_id: UUID, reason: str
) -> BankFile:
    """The bank took a file not at all.

    Raises:
        What `bank_file_outcome.reject` raises.
    """
    await transact(
        powers.db,
        bank_file_outcome.reject,
        viewer=viewer,
        file_id=file_id,
        reason=reason,
        now=powers.now(),
    )
    return await _followed(powers, file_id)


async def _followed(powers: PayoutPowers, file_id: UUID) -> BankFile:
    """Each payout in a transaction of its own; what a crash leaves, the sweeper takes up."""

    async def follow(payout_id: UUID) -> bool:
        await send_payout(powers, payout_id=payout_id)
        return True

    left = await ask(powers.db, bank_file_service.open_payouts, file_id=file_id)
    await one_by_one(left, follow, story="following a bank file")
    return await ask(powers.db, bank_file_service.find, file_id=file_id)


async def fail_payout(
    powers: PayoutPowers, *, viewer: Viewer, payout_id: UUID, reason: str
) -> Payout:
    """A single payment came back, or can't be sent.

    Raises:
        What `bank_file_outcome.fail_payout` raises.
    """
    await transact(
        powers.db,
        bank_file_outcome.fail_payout,
        viewer=viewer,
        payout_id=payout_id,
        reason=reason,
        now=powers.now(),
    )
    return await ask(powers.db, payout_questions.find_payout, viewer=viewer, payout_id=payout_id)
