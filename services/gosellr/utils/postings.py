"""Which entries a business fact makes: one pure function per recipe, each balanced.

Amounts are minor units. A zero amount makes no entry. Commission, tax and promotion are booked
per order line (shipping's without a line), the seller's side once per seller order.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from uuid import UUID

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.ledger import (
    BANK,
    COMMISSION,
    GATEWAY_FEE,
    GOODWILL_COST,
    PROMOTION_COST,
    SUSPENSE,
    Direction,
    Entry,
    TransactionDraft,
    TransactionKind,
    Unbalanced,
    gateway_clearing,
    refund_in_transit,
    reversed_entries,
    seller_available,
    seller_pending,
    seller_receivable,
    seller_reserve,
    stored_value_held,
    tax_payable,
)
from gosellr.utils.refunds import RefundShares


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayAmount:
    """Money captured at, or to be refunded through, one gateway."""

    gateway: str
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SoldPart:
    """A sold line, or with `order_line_id=None` the shipping of a seller order, as frozen."""

    order_line_id: UUID | None
    goods_minor: int
    tax_minor: int
    promotion_minor: int = 0
    commission_minor: int = 0
    commission_vat_minor: int = 0
    # The jurisdiction that gets its tax from the marketplace; None where its seller remits it.
    remitted_to: str | None = None

    @property
    def deducted_minor(self) -> int:
        """What isn't the seller's: commission, VAT on it, and tax that the marketplace remits."""
        remitted_minor = 0 if self.remitted_to is None else self.tax_minor
        return self.commission_minor + self.commission_vat_minor + remitted_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class SoldParcel:
    """A seller order. Of one parcel's parts the marketplace may remit the tax of some."""

    seller_order_id: UUID
    seller_id: UUID
    parts: tuple[SoldPart, ...]


class _Journal:
    """Collects entries of one currency and leaves zero amounts out."""

    def __init__(
        self,
        currency: str,
        seller_order_id: UUID | None = None,
        refund_id: UUID | None = None,
    ) -> None:
        self.entries: list[Entry] = []
        self._currency = currency
        self._seller_order_id = seller_order_id
        self._refund_id = refund_id

    def debit(self, account: str, amount_minor: int, line_id: UUID | None = None) -> None:
        self._add(account, Direction.DEBIT, amount_minor, line_id)

    def credit(self, account: str, amount_minor: int, line_id: UUID | None = None) -> None:
        self._add(account, Direction.CREDIT, amount_minor, line_id)

    def draft(self, kind: TransactionKind) -> TransactionDraft:
        return TransactionDraft(kind, tuple(self.entries))

    def _add(
        self, account: str, direction: Direction, amount_minor: int, line_id: UUID | None
    ) -> None:
        if amount_minor:
            belongs_to = self._seller_order_id, line_id, self._refund_id
            entry = Entry(account, direction, amount_minor, self._currency, *belongs_to)
            self.entries.append(entry)


def _moved(
    kind: TransactionKind, debited: str, credited: str, amount_minor: int, currency: str
) -> TransactionDraft:
    journal = _Journal(currency)
    journal.debit(debited, amount_minor)
    journal.credit(credited, amount_minor)
    return journal.draft(kind)


def sale(
    *,
    order_id: UUID,
    currency: str,
    tax_included: bool,
    captured: Sequence[GatewayAmount],
    stored_value_minor: int = 0,
    parcels: Sequence[SoldParcel],
    commission_vat_jurisdiction: str,
) -> TransactionDraft:
    """Recipe 1: a captured payment becomes the sellers' pending money and our income.

    `stored_value_minor` is what gift cards and store credit, held for the order, contribute.
    Raises `Unbalanced` when what was taken isn't exactly what the parcels cost the buyer.
    """
    journal = _Journal(currency)
    for part in captured:
        journal.debit(gateway_clearing(part.gateway), part.amount_minor)
    journal.debit(stored_value_held(order_id), stored_value_minor)
    for parcel in parcels:
        own = _Journal(currency, parcel.seller_order_id)
        _debit_promotions(own, parcel)
        own.credit(
            seller_pending(parcel.seller_id), seller_credit(parcel, tax_included=tax_included)
        )
        _credit_deductions(own, parcel, commission_vat_jurisdiction)
        journal.entries.extend(own.entries)
    return journal.draft(TransactionKind.SALE)


def sale_on_delivery(
    *,
    order_id: UUID,
    currency: str,
    parcel: SoldParcel,
    stored_value_minor: int = 0,
    commission_vat_jurisdiction: str,
) -> TransactionDraft:
    """Recipe 9: the seller took the cash at the door and owes commission, VAT, remitted tax.

    What isn't cash, a promotion of the marketplace's and stored value, is the seller's as in any
    sale.
    """
    journal = _Journal(currency)
    journal.debit(stored_value_held(order_id), stored_value_minor)
    own = _Journal(currency, parcel.seller_order_id)
    own.debit(seller_receivable(parcel.seller_id), _deductions(parcel))
    _debit_promotions(own, parcel)
    own.credit(
        seller_pending(parcel.seller_id),
        stored_value_minor + sum(part.promotion_minor for part in parcel.parts),
    )
    _credit_deductions(own, parcel, commission_vat_jurisdiction)
    journal.entries.extend(own.entries)
    return journal.draft(TransactionKind.SALE_ON_DELIVERY)


def seller_credit(parcel: SoldParcel, *, tax_included: bool) -> int:
    """What the sale of a parcel brings its seller."""
    tax_on_top = 0 if tax_included else sum(part.tax_minor for part in parcel.parts)
    return sum(part.goods_minor for part in parcel.parts) + tax_on_top - _deductions(parcel)


def _deductions(parcel: SoldParcel) -> int:
    return sum(part.deducted_minor for part in parcel.parts)


def _debit_promotions(journal: _Journal, parcel: SoldParcel) -> None:
    for part in parcel.parts:
        journal.debit(PROMOTION_COST, part.promotion_minor, part.order_line_id)


def _credit_deductions(journal: _Journal, parcel: SoldParcel, vat_jurisdiction: str) -> None:
    for part in parcel.parts:
        journal.credit(COMMISSION, part.commission_minor, part.order_line_id)
        journal.credit(tax_payable(vat_jurisdiction), part.commission_vat_minor, part.order_line_id)
        if part.remitted_to is not None:
            journal.credit(tax_payable(part.remitted_to), part.tax_minor, part.order_line_id)


def provider_fee(*, gateway: str, amount_minor: int, currency: str) -> TransactionDraft:
    """Recipe 2: the gateway keeps its fee."""
    clearing = gateway_clearing(gateway)
    return _moved(TransactionKind.PROVIDER_FEE, GATEWAY_FEE, clearing, amount_minor, currency)


def settlement(*, gateway: str, amount_minor: int, currency: str) -> TransactionDraft:
    """Recipe 2: the gateway's money reaches the bank."""
    clearing = gateway_clearing(gateway)
    return _moved(TransactionKind.SETTLEMENT, BANK, clearing, amount_minor, currency)


def stray_capture(*, gateway: str, amount_minor: int, currency: str) -> TransactionDraft:
    """Captured money that pays for nothing waits in suspense until it is sent back."""
    clearing = gateway_clearing(gateway)
    return _moved(TransactionKind.STRAY_CAPTURE, clearing, SUSPENSE, amount_minor, currency)


def stray_return(*, gateway: str, amount_minor: int, currency: str) -> TransactionDraft:
    """It went back the way it came."""
    clearing = gateway_clearing(gateway)
    return _moved(TransactionKind.STRAY_RETURN, SUSPENSE, clearing, amount_minor, currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasePlan:
    """Where a seller order's pending money goes; the three sum to it."""

    recovered_minor: int
    reserved_minor: int
    available_minor: int


def plan_release(
    *, pending_minor: int, recovered_minor: int = 0, reserved_minor: int = 0
) -> ReleasePlan:
    """What goes to a debt (recipe 5) and into the reserve, and the rest, which is available.

    Raises ValueError for negative amounts, and for parts that are more than the whole.
    """
    if min(pending_minor, recovered_minor, reserved_minor) < 0:
        raise ValueError("neither pending money nor a part of it is negative")
    if recovered_minor + reserved_minor > pending_minor:
        raise ValueError(f"{recovered_minor} and {reserved_minor} of {pending_minor}")
    return ReleasePlan(
        recovered_minor=recovered_minor,
        reserved_minor=reserved_minor,
        available_minor=pending_minor - recovered_minor - reserved_minor,
    )


def release(
    *, seller_order_id: UUID, seller_id: UUID, currency: str, plan: ReleasePlan
) -> TransactionDraft:
    """Recipes 3 and 5: the hold is over."""
    journal = _Journal(currency, seller_order_id)
    journal.debit(
        seller_pending(seller_id),
        plan.recovered_minor + plan.reserved_minor + plan.available_minor,
    )
    journal.credit(seller_receivable(seller_id), plan.recovered_minor)
    journal.credit(seller_reserve(seller_id), plan.reserved_minor)
    journal.credit(seller_available(seller_id), plan.available_minor)
    return journal.draft(TransactionKind.RELEASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SellerSources:
    """Out of which pots the seller's side of a refund comes; the five sum to it."""

    case_reserve_minor: int = 0
    pending_minor: int = 0
    available_minor: int = 0
    reserve_minor: int = 0
    receivable_minor: int = 0

    @property
    def total_minor(self) -> int:
        """The seller's side."""
        own = self.case_reserve_minor + self.pending_minor + self.available_minor
        return own + self.reserve_minor + self.receivable_minor


def seller_sources(
    amount_minor: int,
    *,
    case_reserve_minor: int = 0,
    pending_minor: int = 0,
    available_minor: int = 0,
    reserve_minor: int = 0,
) -> SellerSources:
    """Recipe 4's waterfall: the case's own reserve, this seller order's unreleased pending,
    available, other reserve, and a debt for what none of them covers.

    The pots are what each holds now, read under their locks; one below zero counts as empty.
    """
    taken: list[int] = []
    for pot in (case_reserve_minor, pending_minor, available_minor, reserve_minor):
        taken.append(min(amount_minor - sum(taken), max(0, pot)))
    return SellerSources(
        case_reserve_minor=taken[0],
        pending_minor=taken[1],
        available_minor=taken[2],
        reserve_minor=taken[3],
        receivable_minor=amount_minor - sum(taken),
    )


def refund_intent(
    *,
    refund_id: UUID,
    seller_order_id: UUID,
    seller_id: UUID,
    currency: str,
    parts: Sequence[tuple[UUID | None, RefundShares]],
    sources: SellerSources,
    through: Sequence[GatewayAmount],
    commission_vat_jurisdiction: str,
    remitted_to: Mapping[UUID | None, str] = MappingProxyType({}),
    goodwill_returned_minor: int = 0,
    provider_fee_minor: int = 0,
) -> TransactionDraft:
    """Recipe 4, first step: every share goes back and the money is on its way to the buyer.

    `parts` are shares by order line id, None for shipping; `remitted_to` says by the same keys,
    as at the sale, where tax went that the marketplace remits. Of what the buyer is due,
    `goodwill_returned_minor` reached them before as goodwill. The seller gives
    `provider_fee_minor` besides, which the gateway kept of the sale. Raises `Unbalanced` when the
    sources or the gateways' amounts differ from the shares, or remitted tax has no jurisdiction.
    """
    total = sum((shares for _, shares in parts), RefundShares())
    seller_minor = total.seller_minor + provider_fee_minor
    if sources.total_minor != seller_minor:
        raise Unbalanced(f"sources give {sources.total_minor}, the seller owes {seller_minor}")
    journal = _Journal(currency, seller_order_id, refund_id)
    for account, amount_minor in _pots(seller_id, sources):
        journal.debit(account, amount_minor)
    for line_id, shares in parts:
        journal.debit(COMMISSION, shares.commission_reversed_minor, line_id)
        journal.debit(
            tax_payable(commission_vat_jurisdiction),
            shares.commission_vat_reversed_minor,
            line_id,
        )
        if shares.remitted_minor:
            if line_id not in remitted_to:
                raise Unbalanced(f"nobody was to remit the tax of {line_id or 'the delivery'}")
            journal.debit(tax_payable(remitted_to[line_id]), shares.remitted_minor, line_id)
        journal.credit(PROMOTION_COST, shares.promotion_minor, line_id)
    journal.credit(GOODWILL_COST, goodwill_returned_minor)
    journal.credit(GATEWAY_FEE, provider_fee_minor)
    _credit_transit(journal, through)
    return journal.draft(TransactionKind.REFUND_INTENT)


def _pots(seller_id: UUID, sources: SellerSources) -> Iterator[tuple[str, int]]:
    # The case's reserve and the other reserve share an account; two entries keep them apart.
    yield seller_reserve(seller_id), sources.case_reserve_minor
    yield seller_pending(seller_id), sources.pending_minor
    yield seller_available(seller_id), sources.available_minor
    yield seller_reserve(seller_id), sources.reserve_minor
    yield seller_receivable(seller_id), sources.receivable_minor


def _credit_transit(journal: _Journal, through: Iterable[GatewayAmount]) -> None:
    for part in through:
        journal.credit(refund_in_transit(part.gateway), part.amount_minor)


def goodwill_refund_intent(
    *,
    refund_id: UUID,
    seller_order_id: UUID | None,
    currency: str,
    through: Sequence[GatewayAmount],
) -> TransactionDraft:
    """Recipe 4 for a free amount that the marketplace bears: no seller's money moves."""
    journal = _Journal(currency, seller_order_id, refund_id)
    journal.debit(GOODWILL_COST, sum(part.amount_minor for part in through))
    _credit_transit(journal, through)
    return journal.draft(TransactionKind.REFUND_INTENT)


def refund_confirmed(
    *,
    refund_id: UUID,
    gateway: str,
    amount_minor: int,
    currency: str,
    seller_order_id: UUID | None = None,
    credited: str | None = None,
) -> TransactionDraft:
    """Recipe 4, second step: the provider has paid it out.

    `credited` is the account that gave the money, by default the gateway's clearing; a refund
    to store credit names the buyer's `store_credit` account.
    """
    journal = _Journal(currency, seller_order_id, refund_id)
    journal.debit(refund_in_transit(gateway), amount_minor)
    journal.credit(credited or gateway_clearing(gateway), amount_minor)
    return journal.draft(TransactionKind.REFUND_CONFIRMED)


def refund_failed(intent: Iterable[Entry]) -> TransactionDraft:
    """Recipe 4, second step: the provider refused, the intent is reversed entry by entry."""
    return TransactionDraft(TransactionKind.REFUND_FAILED, reversed_entries(intent))
