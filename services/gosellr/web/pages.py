"""What every page's door works with: who visits, how the page is dressed, where to go next."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import Depends, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from gosellr.core.errors import NotAllowed, NotAuthenticated
from gosellr.core.identity import fingerprint
from gosellr.core.route_policy import Policy
from gosellr.core.transact import ask
from gosellr.resources import Resources
from gosellr.services import cart_service, category_service
from gosellr.utils.lazy_dataclasses import dataclass, replace
from gosellr.utils.permissions import Permission, may
from gosellr.utils.viewer import Viewer
from gosellr.web.assets import Assets
from gosellr.web.binding.categories import CategoryTree
from gosellr.web.csrf import FormFile, checked_form
from gosellr.web.notices import NOTICES
from gosellr.web.rendering import Renderer, client_events
from gosellr.web.session import (
    BagKey,
    Cookie,
    Visit,
    bag_value,
    drop_cookie,
    set_cookie,
    visit_of,
)
from gosellr.web.views import CategoryView, LayoutView, LinkView, NoticeView, ViewerView

_TREE_KEPT_FOR = timedelta(seconds=30)


class Site:
    """What all pages of a process share: the templates, and the tree of categories for a while."""

    def __init__(self, *, assets: Assets, renderer: Renderer, base_url: str, demo: bool) -> None:
        self.assets = assets
        self.renderer = renderer
        self.base_url = base_url
        self.demo = demo
        self.https = base_url.startswith("https:")
        self._tree: CategoryTree | None = None
        self._tree_read_at: datetime | None = None

    async def categories(self, market: Resources) -> CategoryTree:
        """The tree of categories, at most half a minute old."""
        now = market.clock.now()
        read_at = self._tree_read_at
        if self._tree is None or read_at is None or now - read_at > _TREE_KEPT_FOR:
            nodes = await ask(market.db, category_service.category_tree)
            self._tree = CategoryTree.of(nodes, self.assets)
            self._tree_read_at = now
        return self._tree

    @property
    def known_categories(self) -> tuple[CategoryView, ...]:
        """The row of categories as it was last read, without asking for it."""
        return () if self._tree is None else self._tree.roots


def site_of(request: Request) -> Site:
    """What all pages of this process share."""
    site: Site = request.app.state.site
    return site


def market_of(request: Request) -> Resources:
    """What this process holds."""
    resources: Resources = request.app.state.resources
    return resources


@dataclass(slots=True)
class Page:
    """One request of a browser and the answer in the making.

    `form` holds the fields of a form that was proven to be ours, `file` what came along with it;
    both are empty for a GET.
    """

    request: Request
    market: Resources
    site: Site
    visit: Visit
    form: Mapping[str, str] = field(default_factory=dict)
    file: FormFile | None = None
    _kept: dict[Cookie, str] = field(default_factory=dict)
    _dropped: set[Cookie] = field(default_factory=set)

    @property
    def viewer(self) -> Viewer:
        """Who asks."""
        return self.visit.viewer

    @property
    def now(self) -> datetime:
        """The moment of this request."""
        return self.market.clock.now()

    @property
    def is_htmx(self) -> bool:
        """Whether a part of a page is asked for instead of a page."""
        return self.request.headers.get("HX-Request") == "true"

    def keep(self, cookie: Cookie, value: str) -> None:
        """Let the browser keep a value from this answer on."""
        self._dropped.discard(cookie)
        self._kept[cookie] = value

    def drop(self, cookie: Cookie) -> None:
        """Let the browser forget a value with this answer."""
        self._kept.pop(cookie, None)
        self._dropped.add(cookie)

    async def layout(
        self, *, bag_count: int | None = None, notice: NoticeView | None = None, **more: Any
    ) -> LayoutView:
        """What surrounds the page; one statement where there may be a bag."""
        tree = await self.site.categories(self.market)
        if bag_count is None:
            bag_count = await self.bag_count()
        path = self.request.url.path
        return LayoutView(
            csrf_token=self.visit.csrf_token,
            path=place_of(self.request),
            theme=self.visit.theme,
            bag_count=bag_count,
            viewer=viewer_view(self.viewer),
            categories=tree.marked(path),
            notice=notice or NOTICES.get(self.visit.notice),
            demo=self.site.demo,
            **more,
        )

    def plain_layout(self, *, notice: NoticeView | None = None) -> LayoutView:
        """What surrounds a page beside the storefront, which has neither bag nor categories."""
        return LayoutView(
            csrf_token=self.visit.csrf_token,
            path=place_of(self.request),
            theme=self.visit.theme,
            viewer=viewer_view(self.viewer),
            notice=notice or NOTICES.get(self.visit.notice),
            demo=self.site.demo,
        )

    async def bag_count(self) -> int:
        """How many pieces lie in the bag; nobody's bag is asked for."""
        if self.viewer.user_id is None and self.visit.bag is None:
            return 0
        return await ask(
            self.market.db,
            cart_service.count_units,
            viewer=self.viewer,
            cart_id=self.visit.cart_id,
        )

    async def show(
        self,
        template: str,
        *,
        layout: LayoutView | None = None,
        fragments: frozenset[str] = frozenset(),
        status: int = 200,
        personal: bool = False,
        headers: Mapping[str, str] | None = None,
        **values: Any,
    ) -> HTMLResponse:
        """The page, or the part of it that is asked for."""
        response = self.site.renderer.respond(
            self.request,
            template,
            layout=layout or await self.layout(),
            fragments=fragments,
            status=status,
            personal=personal,
            headers=headers,
            **values,
        )
        if self.visit.notice:
            self.drop(Cookie.NOTICE)
        self._write_cookies(response)
        return response

    def go(self, path: str, *, notice: str = "", status: int = 303) -> Response:
        """Send the browser on; `notice` names what the next page says."""
        if notice:
            self.keep(Cookie.NOTICE, notice)
        response = RedirectResponse(path, status_code=status)
        if status == 303:
            response.headers["Cache-Control"] = "no-store"
        self._write_cookies(response)
        return response

    def hold_bag(self, cart_id: UUID, token: str) -> None:
        """Go on with a guest's new bag in hand, and let the browser keep its key."""
        bag = BagKey(cart_id, token)
        viewer = replace(self.viewer, cart_token_hash=fingerprint(token))
        self.visit = replace(self.visit, viewer=viewer, bag=bag)
        self.keep(Cookie.BAG, bag_value(bag))

    def bag_event(self, bag_count: int) -> dict[str, str]:
        """What moves the bag's number on a page of which a part is replaced."""
        return client_events(bag_count=bag_count) if self.is_htmx else {}

    def say(
        self,
        text: str,
        *,
        status: int = 200,
        bag_count: int | None = None,
        toast_href: str = "",
        toast_label: str = "",
    ) -> Response:
        """Tell a page that stays something, without changing it."""
        events = client_events(
            toast=text, toast_href=toast_href, toast_label=toast_label, bag_count=bag_count
        )
        response = Response(status_code=status, headers={**events, "HX-Reswap": "none"})
        self._write_cookies(response)
        return response

    def _write_cookies(self, response: Response) -> None:
        https = self.site.https
        if self.visit.is_new:
            set_cookie(response, Cookie.VISITOR, self.visit.visitor, https=https)
        for cookie, value in self._kept.items():
            set_cookie(response, cookie, value, https=https)
        for cookie in self._dropped:
            drop_cookie(response, cookie, https=https)


def viewer_view(viewer: Viewer) -> ViewerView | None:
    """The person as pages greet them; None for a guest."""
    if viewer.is_guest:
        return None
    areas = []
    if viewer.memberships:
        areas.append(LinkView("Your shop", "/seller"))
    if viewer.sees_everything:
        areas.append(LinkView("Run the market", "/operator"))
    return ViewerView(name=viewer.name or viewer.email, email=viewer.email, areas=tuple(areas))


class Admit(Policy):
    """Lets a browser pass whose person has the permission; a form only from a page of ours.

    With `file_bytes_max`, the form may bring a file along.
    """

    def __init__(self, permission: Permission | None, *, file_bytes_max: int = 0) -> None:
        self.permission = permission
        self._file_bytes_max = file_bytes_max

    async def __call__(self, request: Request) -> Page:
        """The visitor's page.

        Raises:
            NotAuthenticated: when signing in would help, NotAllowed when it wouldn't.
            FormRefused: for a form that no page of ours sent.
        """
        market = market_of(request)
        visit = await visit_of(request, market)
        request.state.visit = visit
        self.check(visit.viewer)
        page = Page(request, market, site_of(request), visit)
        if request.method == "POST":
            sent = await checked_form(
                request,
                expected_token=visit.csrf_token,
                file_bytes_max=self._file_bytes_max,
            )
            page.form, page.file = sent.fields, sent.file
        return page

    def check(self, viewer: Viewer) -> None:
        """Raises `NotAuthenticated` when signing in would help, `NotAllowed` when it wouldn't."""
        if self.permission is not None and not may(viewer.roles, self.permission):
            raise NotAuthenticated if viewer.is_guest else NotAllowed


def admit(permission: Permission, *, file_bytes_max: int = 0) -> Any:
    """The dependency of a page that needs a permission."""
    return Depends(Admit(permission, file_bytes_max=file_bytes_max))


AnyonesPage = Annotated[Page, Depends(Admit(None))]


def place_of(request: Request) -> str:
    """Where the browser is, with what was asked for there: to come back to after signing in, or
    in another light. Of a form it is the page that it was sent from."""
    if request.method == "GET":
        return _local(request.url.path, request.url.query)
    try:
        left = urlsplit(request.headers.get("referer", ""))
    except ValueError:
        return "/"
    return _local(left.path or "/", left.query)


def _local(path: str, query: str) -> str:
    return f"{path}?{query}" if query else path
