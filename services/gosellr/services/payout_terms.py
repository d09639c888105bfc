"""What decides whether a seller's money may leave: holds, destination, schedule, minimums."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, NotFound
from gosellr.models.connected_values import SellerAccount
from gosellr.models.payout_values import Payout, PayoutDestination, PayoutSettings
from gosellr.queries import connected_accounts, payout_settings, sellers
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.payouts import BY_FILE, DEFAULT_SCHEDULE, PayoutPlan, is_below_minimum
from gosellr.utils.policy import MarketPolicy


class PayoutsHeld(Conflict):
    """Somebody stopped the payouts of this seller, and said why."""

    code = "payouts_held"
    title = "Payouts to this seller are on hold"


class NoPayoutDestination(Conflict):
    """Nobody said where to."""

    code = "no_payout_destination"
    title = "Say first which account to pay to"


class DestinationTooNew(Conflict):
    """The account took the place of another one a short time ago."""

    code = "payout_destination_too_new"
    title = "The new account has to wait before it is paid to"


class PayoutAccountNotReady(Conflict):
    """The provider wants to be told more before it takes or pays out the seller's money;
    `missing` says what, in its words."""

    code = "payout_account_not_ready"
    title = "The provider can't pay to this account yet"


class PayoutAccountReplaced(Conflict):
    """The seller has named another account since: what was meant for the old one is called back,
    and made anew."""

    code = "payout_account_replaced"
    title = "The seller is paid to another account by now"


class NothingToPayOut(Conflict):
    """All that there was is claimed by a payout, or was never there."""

    code = "nothing_to_pay_out"
    title = "There is nothing to pay out"


class BelowPayoutMinimum(Conflict):
    """The seller wants to be paid more at once."""

    code = "below_payout_minimum"
    title = "This is less than the smallest payout"


class BelowPayoutStep(Conflict):
    """There is less than the smallest amount that the seller's way of being paid can send; it stays
    until there is more."""

    code = "below_payout_step"
    title = "This is less than can be sent"


class CurrencyNotPaid(Conflict):
    """The way that the seller is paid by doesn't know the currency."""

    code = "currency_not_paid"
    title = "This currency can't be paid in this way"


@dataclass(frozen=True, slots=True)
class PayoutTerms:
    """A seller's settings and account, held against changes until the commit."""

    settings: PayoutSettings
    destination: PayoutDestination


def default_settings(seller_id: UUID) -> PayoutSettings:
    """Those of a seller who never said anything: nothing is sent before an account is named."""
    return PayoutSettings(
        seller_id=seller_id,
        schedule=DEFAULT_SCHEDULE,
        minimums={},
        next_due_at=None,
        held_at=None,
        hold_reason=None,
        version=1,
    )


async def keep(
    connection: Connection,
    *,
    seller_id: UUID,
    now: datetime,
    settings: PayoutSettings | None = None,
) -> PayoutTerms:
    """The terms of a seller who may be paid now. `settings` are those already locked.

    Raises:
        NotFound: there is no such seller.
        PayoutsHeld, NoPayoutDestination, DestinationTooNew, PayoutAccountNotReady: its money
        stays for now.
    """
    return await _terms(
        connection,
        seller_id=seller_id,
        now=now,
        settings=settings or await payout_settings.keep(connection, seller_id=seller_id),
        account_of=connected_accounts.keep,
    )


async def see(connection: Connection, *, seller_id: UUID, now: datetime) -> PayoutTerms:
    """The same for whoever only asks: nothing is kept from changing.

    Raises:
        As `keep`.
    """
    return await _terms(
        connection,
        seller_id=seller_id,
        now=now,
        settings=await payout_settings.find(connection, seller_id=seller_id),
        account_of=connected_accounts.find,
    )


async def keep_unheld(connection: Connection, *, seller_id: UUID) -> None:
    """Keep a seller from being held until the commit, where its money may leave it at all.

    Raises:
        NotFound: there is no such seller.
        PayoutsHeld: its money stays for now.
    """
    await _check_unheld(
        connection,
        seller_id=seller_id,
        settings=await payout_settings.keep(connection, seller_id=seller_id),
    )


async def _check_unheld(
    connection: Connection, *, seller_id: UUID, settings: PayoutSettings | None
) -> None:
    seller = await sellers.find_state(connection, seller_id=seller_id)
    if seller is None:
        raise NotFound
    if seller.status == "suspended":
        raise PayoutsHeld("The seller is suspended")
    if settings is not None and settings.held_at is not None:
        raise PayoutsHeld(f"On hold: {settings.hold_reason}")


async def _terms(
    connection: Connection,
    *,
    seller_id: UUID,
    now: datetime,
    settings: PayoutSettings | None,
    account_of: Callable[..., Awaitable[SellerAccount | None]],
) -> PayoutTerms:
    await _check_unheld(connection, seller_id=seller_id, settings=settings)
    destination = await payout_settings.current_destination(connection, seller_id=seller_id)
    if settings is None or destination is None:
        raise NoPayoutDestination
    if destination.usable_from > now:
        raise DestinationTooNew(
            extras={"usable_from": destination.usable_from.isoformat().replace("+00:00", "Z")}
        )
    account = await account_of(connection, seller_id=seller_id, provider=destination.method)
    if account is not None and account.created_at > destination.created_at:
        raise NoPayoutDestination("The account that was named is gone: name the new one")
    if account is not None and not account.is_ready:
        raise PayoutAccountNotReady(
            extras={"missing": list(account.missing), "disabled_reason": account.disabled_reason}
        )
    return PayoutTerms(settings, destination)


def check_destination(payout: Payout, terms: PayoutTerms) -> None:
    """Whether what was meant for an account still goes there.

    Raises:
        PayoutAccountReplaced: it doesn't.
    """
    if payout.destination_id != terms.destination.id:
        raise PayoutAccountReplaced("Call it back, and pay what is available once more")


def step_of(currency: str, *, method: str | None, policy: MarketPolicy) -> int:
    """How many minor units apart the amounts are that a way of being paid can send: 1 for every
    amount, also where nobody says which they are.

    Raises:
        CurrencyNotPaid: it sends none of this currency.
    """
    only = BY_FILE.get(method or "")
    if only not in {None, currency}:
        raise CurrencyNotPaid(f"A transfer by {method} is in {only}")
    steps = policy.payout_steps.get(method or "")
    if steps is None:
        return 1
    if currency not in steps:
        raise CurrencyNotPaid(f"{currency} can't be sent by {method}")
    return steps[currency]


def check_amount(plan: PayoutPlan, currency: str, terms: PayoutTerms) -> None:
    """Whether it is worth sending.

    Raises:
        NothingToPayOut, BelowPayoutStep, BelowPayoutMinimum: it isn't.
    """
    amount_minor = plan.amount_minor
    if amount_minor <= 0 and plan.left_minor:
        raise BelowPayoutStep(
            extras={"available": {"amount": plan.left_minor, "currency": currency}}
        )
    if amount_minor <= 0:
        raise NothingToPayOut
    minimums = terms.settings.minimums
    if is_below_minimum(amount_minor, currency, minimums):
        raise BelowPayoutMinimum(
            extras={
                "available": {"amount": amount_minor, "currency": currency},
                "minimum": {"amount": minimums[currency], "currency": currency},
            }
        )
