"""What the marketplace itself owes tax authorities for a period: as the journal has it.

Two taxes are its own to hand over: VAT on its commission, and the tax of sales for which it is the
deemed supplier, or that it remits for another reason. A refund lowers the period in which it was
booked and never one before: a return that was handed in stays right. What each account held before,
what came by rate and by hand, and what was paid add up to what it holds after it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime

from gosellr.core.db import Connection
from gosellr.models.tax_return_values import FiledReturn, TaxAccount, TaxedMovement
from gosellr.queries import tax_returns
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.ledger import account_owner, tax_payable
from gosellr.utils.tax_periods import TaxPeriod


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxedAtRate:
    """What was taxed at one rate. `source` is `sales` or `commission`."""

    source: str
    tax_rate_bps: int
    base_minor: int
    tax_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedTax:
    """A period of one jurisdiction in one currency. `due_minor` is what it adds to the debt:
    the tax by rate and what was booked by hand. `paid_minor` is positive where it was paid."""

    jurisdiction: str
    currency: str
    rates: tuple[TaxedAtRate, ...]
    by_hand_minor: int
    due_minor: int
    opening_minor: int
    paid_minor: int
    closing_minor: int


class TaxDoesNotAddUp(RuntimeError):
    """What moved on an account of tax isn't what its period came to."""


async def owed(
    connection: Connection, *, period: TaxPeriod, vat_jurisdiction: str
) -> tuple[OwedTax, ...]:
    """What each jurisdiction is owed for a period, and in all; nothing for one that never was owed
    anything. One that nothing happened to stands here while it is owed something.

    Raises:
        TaxDoesNotAddUp: the rates don't come to what is in the ledger.
    """
    moved, accounts = await tax_returns.of_period(
        connection,
        vat_account=tax_payable(vat_jurisdiction),
        since=period.since,
        until=period.until,
    )
    # Commission that bears no VAT moves no account of tax, and is to be told all the same.
    known = {(one.account, one.currency) for one in accounts}
    told = dict.fromkeys((one.account, one.currency) for one in moved)
    accounts += [TaxAccount(*names, 0, 0, 0, 0) for names in told if names not in known]
    found = [
        (_owed(one, _rates(one, moved)), (one.account, one.currency) in told) for one in accounts
    ]
    # Where all that came went back in a period there is nothing to pay, and a return to hand in.
    return tuple(one for one, has_moved in found if has_moved or any(_amounts(one)))


def _rates(account: TaxAccount, moved: Iterable[TaxedMovement]) -> tuple[TaxedAtRate, ...]:
    return tuple(
        TaxedAtRate(
            source=one.source,
            tax_rate_bps=one.rate_bps,
            base_minor=one.base_minor,
            tax_minor=one.tax_minor,
        )
        for one in moved
        if (one.account, one.currency) == (account.account, account.currency)
        and (one.base_minor or one.tax_minor)
    )


def _owed(account: TaxAccount, rates: tuple[TaxedAtRate, ...]) -> OwedTax:
    due_minor = sum(one.tax_minor for one in rates) + account.by_hand_minor
    if account.opening_minor + due_minor + account.paid_minor != account.closing_minor:
        raise TaxDoesNotAddUp(f"{account} comes to {due_minor} by its rates")
    return OwedTax(
        jurisdiction=account_owner(account.account) or "",
        currency=account.currency,
        rates=rates,
        by_hand_minor=account.by_hand_minor,
        due_minor=due_minor,
        opening_minor=account.opening_minor,
        paid_minor=-account.paid_minor,
        closing_minor=account.closing_minor,
    )


def _amounts(one: OwedTax) -> tuple[int, ...]:
    return (one.by_hand_minor, one.due_minor, one.opening_minor, one.paid_minor, one.closing_minor)


def content_of(
    found: Iterable[OwedTax], filed: Sequence[FiledReturn], *, period: TaxPeriod, now: datetime
) -> dict[str, object]:
    """The same as a document's content, with the returns that touch the period: plain JSON,
    amounts in minor units."""
    return {
        "kind": "tax_return",
        "language": "en",
        "period": period.name,
        "since": period.since.date().isoformat(),
        "until": period.until.date().isoformat(),
        "is_over": period.is_over(now=now),
        "issued_at": now.isoformat(),
        "jurisdictions": [
            {
                **asdict(one),
                "rates": [asdict(rate) for rate in one.rates],
                "filed": [
                    return_content(each)
                    for each in filed
                    if (each.jurisdiction, each.currency) == (one.jurisdiction, one.currency)
                ],
            }
            for one in found
        ],
    }


def return_content(filed: FiledReturn) -> dict[str, object]:
    """A return that was handed in, as plain JSON."""
    return {
        "id": str(filed.id),
        "period": filed.period,
        "jurisdiction": filed.jurisdiction,
        "currency": filed.currency,
        "status": filed.status,
        "due_minor": filed.due_minor,
        "reference": filed.reference,
        "filed_by": str(filed.filed_by),
        "filed_at": filed.filed_at.isoformat(),
        "adjustment_id": None if filed.adjustment_id is None else str(filed.adjustment_id),
    }
