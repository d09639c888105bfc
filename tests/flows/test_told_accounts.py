"""A provider's report is taken for the account that the market has there, and for no other."""

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.errors import InvalidInput
from gosellr.flows import told_files
from tests.integrations.paypal_api.account import MERCHANT, Account
from tests.integrations.paypal_api.server import FakePayPal, make_gateway
from tests.utils.test_paypal_csv import COLUMNS, OPENED, body, sums


def report(account: str) -> bytes:
    section = f'"SH",2026/09/14 00:00:00 -0700,2026/09/14 23:59:59 -0700,"{account}",""\n'
    return (OPENED + section + COLUMNS + body("T1", "T0006", "CR", "100") + sums(100, 0)).encode()


async def test_another_account_s_report_is_refused(clock: ManualClock) -> None:
    gateways = {"paypal": make_gateway(FakePayPal(Account(clock)), clock)}
    [taken] = told_files.movements_of(report(MERCHANT), gateway="paypal", gateways=gateways)
    assert (taken.reference, taken.amount_minor) == ("T1", 100)
    with pytest.raises(InvalidInput) as refused:
        told_files.movements_of(report("SOMEBODY23456"), gateway="paypal", gateways=gateways)
    [error] = refused.value.errors
    assert (error.field, error.code) == ("file.0.SH", "row_unreadable")
    assert "SOMEBODY23456" in error.message


def test_without_a_gateway_of_that_name_no_account_is_known() -> None:
    [taken] = told_files.movements_of(report("SOMEBODY23456"), gateway="paypal", gateways={})
    assert taken.reference == "T1"
