"""The operator's choices that the business decides by, as one value handed down from the door."""

from collections.abc import Mapping
from dataclasses import field
from datetime import timedelta

from gosellr.utils.captures import CaptureMoment
from gosellr.utils.disputes import DisputeTerms, FeeBearer
from gosellr.utils.inventory import HoldSettings
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.refunds import CommissionReversal


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketPolicy:
    """What an operator may set. `tax_included` speaks where no tax rate does."""

    default_currency: str = "EUR"
    tax_included: bool = True
    holds: HoldSettings = field(default_factory=HoldSettings)
    # After delivery, money stays pending for so long before it becomes available.
    release_after: timedelta = timedelta(days=7)
    # A seller promises to ship within this time of payment.
    ship_within: timedelta = timedelta(days=3)
    commission_vat_jurisdiction: str = "marketplace"
    # What of its commission the marketplace gives back with a refund.
    commission_reversal: CommissionReversal = CommissionReversal.FULL
    # Who bears the payment provider's fee of a charge once what it was taken for goes back.
    refund_fee_borne_by: FeeBearer = FeeBearer.MARKETPLACE
    # How long an idempotency key protects its request.
    idempotency_kept_for: timedelta = timedelta(days=2)
    # Whether each change of a commission rule waits for the word of a second person.
    commission_approval: bool = False
    # Payouts above it, by currency, wait for the word of a second person.
    payout_approval_over: Mapping[str, int] = field(default_factory=dict)
    # How far apart the amounts are that each way of paying sellers can send, by its name and by
    # currency, in minor units. It can't send a currency that isn't there.
    payout_steps: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    # Bank transfers above it, by currency, are taken, assigned and sent back by hand only with the
    # word of a second person.
    transfer_approval_over: Mapping[str, int] = field(default_factory=dict)
    # What operators give back of one order, and say became of it, above it in all, by currency,
    # waits for the word of a second person.
    refund_approval_over: Mapping[str, int] = field(default_factory=dict)
    # What one operator alone gives away within a day, as store credit and on gift cards, above it
    # in all, by currency, waits for the word of a second person.
    gift_approval_over: Mapping[str, int] = field(default_factory=dict)
    # So much may be unexplained at the payment providers, by currency, before payouts stop.
    reconciliation_tolerance: Mapping[str, int] = field(default_factory=dict)
    # The most that may be paid in cash for one order, by currency; in others none is taken.
    cash_on_delivery_limit: Mapping[str, int] = field(default_factory=dict)
    # A new bank account that takes the place of another is used only after this time.
    payout_change_hold: timedelta = timedelta(hours=72)
    disputes: DisputeTerms = field(default_factory=DisputeTerms)
    # When the money of an order that is placed now is taken.
    capture: CaptureMoment = CaptureMoment.AT_ORDER
