"""Markets that take bank transfers, and banks that tell of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import httpx2

from gosellr.flows import bank_transfers
from gosellr.integrations.payments.by_hand import BankAccount, BankTransfer, CashOnDelivery
from gosellr.models.order_values import Order, Payment
from gosellr.resources import Resources
from gosellr.services.basket_service import Tender
from gosellr.services.receipt_service import TakenReceipt
from gosellr.utils.bank_lines import BankLine
from gosellr.utils.viewer import Viewer
from tests.factories.applications import caller_of
from tests.factories.stored_value import operator

IBAN = "DE89370400440532013000"
PAYER_IBAN = "AT611904300234573201"
VALUE_DATE = datetime(2026, 3, 3, tzinfo=UTC)
BY_TRANSFER = (Tender(method="bank_transfer"),)


def offline(resources: Resources, *, currency: str = "EUR") -> Resources:
    """The same market, with a bank account and sellers who may take cash."""
    account = BankAccount(iban=IBAN, bic="COBADEFF", holder="Market Halls Ltd")
    limits = {"cash_on_delivery_limit": {currency: 50_000}}
    settings = resources.settings.model_copy(update=limits)
    gateways = {
        **resources.gateways,
        "bank_transfer": BankTransfer({currency: account}),
        "cash_on_delivery": CashOnDelivery(),
    }
    return replace(resources, settings=settings, gateways=gateways)


@asynccontextmanager
async def doors(market: Resources) -> AsyncIterator[httpx2.AsyncClient]:
    """The application of such a market."""
    async with caller_of(market) as caller:
        yield caller


def transfer_of(order: Order) -> Payment:
    """The order's attempt by bank transfer."""
    [payment] = [one for one in order.payments if one.method == "bank_transfer"]
    return payment


async def arrive(
    market: Resources,
    amount_minor: int,
    *,
    text: str,
    name: str | None = None,
    currency: str = "EUR",
    payer_iban: str | None = PAYER_IBAN,
    viewer: Viewer | None = None,
) -> TakenReceipt:
    """Money arrives, and an operator says so."""
    return await bank_transfers.take_receipt(
        market.transfers,
        viewer=viewer or await operator(market),
        line=BankLine(
            transaction_id=name or uuid4().hex,
            amount_minor=amount_minor,
            currency=currency,
            value_date=VALUE_DATE,
            text=text,
            payer_name="Ada Lovelace",
            payer_iban=payer_iban,
        ),
    )
