"""The frame of the operator's pages, and the one guard before all of them."""

from typing import Any

from fastapi import Depends
from starlette.responses import Response

from gosellr.core.errors import NotAllowed, NotAuthenticated
from gosellr.utils.permissions import Permission, may
from gosellr.utils.viewer import Viewer
from gosellr.web import console
from gosellr.web.console_views import ConsoleView, NavItemView
from gosellr.web.pages import Admit, Page
from gosellr.web.views import LinkView, NoticeView

_PAGES = (
    ("What waits", "", "list-checks", Permission.PAYOUT_READ),
    ("Orders", "/orders", "package", Permission.ORDER_READ),
    ("Payouts", "/payouts", "landmark", Permission.PAYOUT_READ),
    ("Bank files", "/bank-files", "file-text", Permission.BANK_FILE_READ),
    ("Cases", "/cases", "scale", Permission.DISPUTE_READ),
    ("Reconciliation", "/reconciliation", "layers", Permission.RECONCILIATION_READ),
    ("Bank transfers", "/transfers", "download", Permission.RECONCILIATION_READ),
    ("Cash", "/cash", "wallet", Permission.ORDER_READ),
    ("Balances", "/balances", "banknote", Permission.RECOVERY_READ),
    ("Transactions", "/transactions", "history", Permission.LEDGER_READ),
    ("Adjustments", "/adjustments", "pencil", Permission.LEDGER_READ),
    ("Tax owed", "/tax-returns", "receipt", Permission.LEDGER_READ),
    ("Tax report", "/tax-report", "receipt", Permission.LEDGER_READ),
    ("Commission", "/commission-rules", "tag", Permission.COMMISSION_READ),
    ("Tax rates", "/tax-rates", "flag", Permission.TAX_READ),
    ("Proposals", "/proposals", "users", Permission.PROPOSAL_READ),
    ("Reserve rules", "/reserve-rules", "lock", Permission.RESERVE_READ),
    ("Ways to pay", "/payment-ways", "settings", Permission.SETTINGS_READ),
    ("Gift cards", "/gift-cards", "gift", Permission.GIFT_CARD_READ),
    ("Store credit", "/credit", "credit-card", Permission.STORE_CREDIT_READ),
    ("Letters", "/letters", "mail", Permission.LETTER_READ),
    ("Explain", "/explain", "search", Permission.LEDGER_READ),
)
_AT_MARKET = (LinkView("To the market", "/"),)


class AdmitStaff(Admit):
    """Lets pass whose role has the permission, and who runs the market or helps there.

    Sellers share some permissions with staff, for things of their own: those aren't shown here.
    """

    def check(self, viewer: Viewer) -> None:
        """Raises `NotAuthenticated` for nobody, `NotAllowed` for everybody else."""
        super().check(viewer)
        if viewer.is_guest:
            raise NotAuthenticated
        if not viewer.sees_everything:
            raise NotAllowed


def staff(permission: Permission, *, file_bytes_max: int = 0) -> Any:
    """The dependency of every page of the operator's."""
    return Depends(AdmitStaff(permission, file_bytes_max=file_bytes_max))


async def show(
    page: Page,
    template: str,
    *,
    current: str,
    status: int = 200,
    notice: NoticeView | None = None,
    **values: Any,
) -> Response:
    """A page of the operator's, framed by those that this person may open."""
    nav = tuple(
        NavItemView(label, f"/operator{path}", icon, current=path == current)
        for label, path, icon, permission in _PAGES
        if may(page.viewer.roles, permission)
    )
    frame = ConsoleView("ops", "Running the market", "/operator", nav, _AT_MARKET)
    return await console.show(page, template, console=frame, status=status, notice=notice, **values)
