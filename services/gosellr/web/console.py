"""The frame of pages beside the storefront: a seller's and the operator's."""

from typing import Any

from starlette.responses import Response

from gosellr.web.console_views import ConsoleView
from gosellr.web.pages import Page
from gosellr.web.views import NoticeView


async def show(
    page: Page,
    template: str,
    *,
    console: ConsoleView,
    notice: NoticeView | None = None,
    status: int = 200,
    **values: Any,
) -> Response:
    """A page in its frame. It is somebody's own, so no copy is left behind."""
    return await page.show(
        template,
        layout=page.plain_layout(notice=notice),
        status=status,
        personal=True,
        console=console,
        **values,
    )
