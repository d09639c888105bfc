"""Which shop a page is about, and what its member may see there."""

from typing import Any
from uuid import UUID

from starlette.responses import Response

from gosellr.core.errors import NotAllowed, NotFound
from gosellr.core.transact import ask
from gosellr.services import letterhead_service, seller_service
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.permissions import MemberRole, Permission, may_as_member
from gosellr.web import console
from gosellr.web.console_views import ConsoleView, NavItemView
from gosellr.web.pages import Page
from gosellr.web.views import LinkView, NoticeView

_PAGES = (
    ("Money", "money", "wallet", Permission.BALANCE_READ),
    ("Orders", "orders", "package", Permission.ORDER_READ),
    ("Transactions", "transactions", "history", Permission.TRANSACTION_READ),
    ("Payouts", "payouts", "landmark", Permission.PAYOUT_READ),
    ("Payout settings", "payout-settings", "settings", Permission.PAYOUT_READ),
    ("Who you are", "tax-identity", "user", Permission.TAX_IDENTITY_READ),
    ("On your papers", "letterhead", "printer", Permission.LETTERHEAD_READ),
    ("Accounts at providers", "payout-accounts", "badge-check", Permission.PAYOUT_ACCOUNT_READ),
    ("Debts and adjustments", "debts", "scale", Permission.TRANSACTION_READ),
    ("Statements", "papers", "file-text", Permission.STATEMENT_READ),
    ("Cases", "cases", "shield-alert", Permission.DISPUTE_READ),
)


@dataclass(frozen=True, slots=True)
class Shop:
    """A shop and the member who looks at it."""

    id: UUID
    name: str
    role: MemberRole
    others: tuple[LinkView, ...]
    has_letterhead: bool = True

    @property
    def href(self) -> str:
        """Where its pages are."""
        return f"/seller/{self.id}"

    def may(self, permission: Permission) -> bool:
        """Whether the member's role in this shop allows it."""
        return may_as_member(self.role, permission)

    def console(self, current: str) -> ConsoleView:
        """The frame of its pages, with those that this member may open."""
        nav = tuple(
            NavItemView(label, f"{self.href}/{name}", icon, current=name == current)
            for label, name, icon, permission in _PAGES
            if self.may(permission)
        )
        return ConsoleView("sell", self.name, self.href, nav, self.others)

    @property
    def letterhead_href(self) -> str:
        """Where this member says what is to stand on the shop's papers, as long as nobody has."""
        is_asked = not self.has_letterhead and self.may(Permission.LETTERHEAD_WRITE)
        return f"{self.href}/letterhead" if is_asked else ""

    def first_page(self) -> str:
        """The first of them that this member may open."""
        return next(iter(self.console("").nav)).href


async def shop_of(page: Page, seller_id: UUID, permission: Permission) -> Shop:
    """The shop for its member.

    Raises:
        NotFound: for everybody else, as if there were nothing.
        NotAllowed: for a member whose role doesn't allow it.
    """
    role = page.viewer.memberships.get(seller_id)
    if role is None:
        raise NotFound
    if not may_as_member(role, permission):
        raise NotAllowed("Your role in this shop doesn't allow it")
    # What the frame needs, and what a shop's papers lack, in one question.
    shops = await ask(
        page.market.db, letterhead_service.names_with, seller_ids=page.viewer.seller_ids
    )
    name, has_letterhead = shops[seller_id]
    others = tuple(
        LinkView(named, f"/seller/{other}")
        for other, (named, _) in shops.items()
        if other != seller_id
    )
    links = (LinkView("To the market", "/"), *others)
    return Shop(seller_id, name, role, links, has_letterhead)


async def names_of(page: Page) -> dict[UUID, str]:
    """The shops that the viewer is a member of."""
    return await ask(page.market.db, seller_service.names_of, seller_ids=page.viewer.seller_ids)


async def show(
    page: Page,
    shop: Shop,
    template: str,
    *,
    current: str,
    status: int = 200,
    notice: NoticeView | None = None,
    **values: Any,
) -> Response:
    """A page of a shop."""
    return await console.show(
        page,
        template,
        console=shop.console(current),
        status=status,
        notice=notice,
        letterhead_href=shop.letterhead_href,
        **values,
    )
