"""The pages put into an application: their doors, their files, their errors."""

from typing import Protocol

from fastapi import FastAPI

from gosellr.core.route_policy import open_doors, require_policies
from gosellr.web import payment_return, payout_account_return, sandbox
from gosellr.web.assets import Assets
from gosellr.web.errors import install_error_pages
from gosellr.web.operator import (
    adjustments,
    balances,
    bank_files,
    card_releases,
    cash,
    commission,
    commission_simulation,
    credit,
    desk,
    explain,
    gift_cards,
    gift_offers,
    letters,
    payment_ways,
    payout_runs,
    proposals,
    reconciliation,
    reserve_rules,
    statements,
    tax_rates,
    tax_report,
    tax_requests,
    tax_returns,
    transactions,
    transfers,
)
from gosellr.web.operator import captures as operator_captures
from gosellr.web.operator import cases as operator_cases
from gosellr.web.operator import orders as operator_orders
from gosellr.web.operator import payouts as operator_payouts
from gosellr.web.operator import refunds as operator_refunds
from gosellr.web.pages import Site
from gosellr.web.rendering import Renderer
from gosellr.web.seller import cases as seller_cases
from gosellr.web.seller import connected, debts, letterhead, tax_identity
from gosellr.web.seller import credit as seller_credit
from gosellr.web.seller import money as seller_money
from gosellr.web.seller import orders as seller_orders
from gosellr.web.seller import papers as seller_papers
from gosellr.web.seller import payouts as seller_payouts
from gosellr.web.seller import refunds as seller_refunds
from gosellr.web.storefront import (
    accounts,
    bag,
    browse,
    checkout,
    demo,
    documents,
    gift_claims,
    gift_shop,
    orders,
    passwords,
    payout_changes,
    problems,
    replacement_cards,
    wallet,
)


class SiteSettings(Protocol):
    """What the pages need to know before the process has opened anything."""

    @property
    def base_url(self) -> str:
        """The address of the market; with https, cookies are secure."""

    @property
    def demo_enabled(self) -> bool:
        """Whether this is a demo market."""

    @property
    def is_loopback(self) -> bool:
        """Whether only this computer can reach it."""

    @property
    def payment_pages(self) -> tuple[str, ...]:
        """Where payment gateways have pages for buyers."""


def mount_web(app: FastAPI, *, settings: SiteSettings) -> None:
    """Add the pages to the application.

    Raises:
        UndeclaredRoute: when a page says nothing about who may see it.
    """
    assets = Assets.load()
    https = settings.base_url.startswith("https:")
    app.state.site = Site(
        assets=assets,
        renderer=Renderer(assets, https=https, form_action=settings.payment_pages),
        base_url=settings.base_url,
        demo=settings.demo_enabled and settings.is_loopback,
    )
    rooms = (browse, bag, checkout, gift_shop, orders, documents, accounts, demo, sandbox)
    back = (payment_return, payout_account_return)
    of_shops = (seller_money, seller_payouts, seller_papers, seller_cases)
    of_sellers = (*of_shops, connected, debts, tax_identity, letterhead)
    of_operators = (desk, operator_payouts, operator_cases, reconciliation, gift_cards, explain)
    of_payouts = (payout_runs, bank_files, statements, transfers, cash)
    of_orders = (
        operator_orders, seller_orders, operator_refunds, seller_refunds, seller_credit,
        operator_captures,
    )  # fmt: skip
    of_books = (transactions, tax_report, tax_requests, tax_returns, payment_ways)
    of_debts = (balances, adjustments, reserve_rules, credit, gift_offers, card_releases)
    # The simulator's address would be taken for a rule's id.
    of_terms = (commission_simulation, commission, proposals, tax_rates)
    of_money = (*of_payouts, *of_debts, *of_books, *of_orders, *of_terms)
    of_buyers = (problems, replacement_cards, gift_claims, payout_changes, passwords, wallet)
    every = (*rooms, *back, *of_buyers, *of_sellers, *of_operators, *of_money, letters)
    open_doors(app, *(room.router for room in every))
    app.mount("/static", assets)
    install_error_pages(app)
    require_policies(app)
