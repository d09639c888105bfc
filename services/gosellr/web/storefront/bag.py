"""The bag: what is put in, how many, how it is sent, with which coupon."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any
from uuid import UUID

from starlette.responses import Response

from gosellr.core.errors import Conflict, DomainError, InvalidInput, NotFound
from gosellr.core.late_routes import LateRouter
from gosellr.flows import carts
from gosellr.services import cart_change_service
from gosellr.services.cart_change_service import CouponRefused
from gosellr.services.cart_service import CartView
from gosellr.utils.permissions import Permission
from gosellr.utils.pricing import MAX_QUANTITY
from gosellr.web import forms, notices
from gosellr.web.binding import bags
from gosellr.web.forms import Field
from gosellr.web.pages import Page, admit
from gosellr.web.storefront.carts import begun_cart_id, open_cart
from gosellr.web.views import FormView, NoticeView

router = LateRouter(prefix="/bag", include_in_schema=False)

Reading = Annotated[Page, admit(Permission.CART_READ)]
Changing = Annotated[Page, admit(Permission.CART_WRITE)]

_COUPON = (Field("code", 40, missing="Write the code of your coupon"),)
_BAG = frozenset({"bag"})


@router.get("")
async def show_bag(page: Reading) -> Response:
    """What is in the bag, parcel by parcel."""
    return await _show(page, await open_cart(page))


@router.post("/items")
async def add_to_bag(page: Changing) -> Response:
    """Put something in, and stay where one is."""
    variant_id = _id(page.form.get("variant_id"))
    # A bag that is begun here is the visitor's from then on.
    cart_id = await begun_cart_id(page)
    try:
        view = await carts.add_item(
            page.market.carts,
            viewer=page.viewer,
            cart_id=cart_id,
            variant_id=variant_id,
            quantity=_quantity(page.form),
        )
    except (Conflict, InvalidInput) as refusal:
        if page.is_htmx:
            return page.say(refusal.detail, status=refusal.status)
        return await _show(page, await open_cart(page), refusal=refusal)
    if page.is_htmx:
        return page.say(
            "It is in your bag",
            bag_count=bags.unit_count(view),
            toast_href="/bag",
            toast_label="Open your bag",
        )
    return page.go("/bag", notice=notices.ADDED)


@router.post("/items/{item_id}")
async def change_item(page: Changing, item_id: UUID) -> Response:
    """Say how many are wanted."""
    return await _change(
        page, cart_change_service.change_item, item_id=item_id, quantity=_quantity(page.form)
    )


@router.post("/items/{item_id}/remove")
async def remove_item(page: Changing, item_id: UUID) -> Response:
    """Take something out."""
    return await _change(page, cart_change_service.remove_item, item_id=item_id)


@router.post("/delivery")
async def choose_delivery(page: Changing) -> Response:
    """Choose how a shop sends its parcel."""
    return await _change(page, cart_change_service.choose_shipping, choices=choices_of(page.form))


@router.post("/coupons")
async def add_coupon(page: Changing) -> Response:
    """Use a coupon."""
    form = forms.read(_COUPON, page.form)
    if form.errors:
        return await _show(page, await open_cart(page), coupon_form=form, status=422)
    try:
        return await _change(
            page, cart_change_service.add_coupon, passing=True, code=form.value("code")
        )
    except CouponRefused as refusal:
        form = FormView(form.values, {"code": _coupon_words(refusal)})
        return await _show(page, await open_cart(page), coupon_form=form, status=422)


@router.post("/coupons/remove")
async def remove_coupon(page: Changing) -> Response:
    """Do without a coupon."""
    return await _change(
        page, cart_change_service.remove_coupons, code=forms.clean(page.form.get("code", ""))
    )


def choices_of(form: Mapping[str, str]) -> dict[UUID, UUID]:
    """The ways of delivery that a form chooses: options by shop."""
    return {
        _id(name.removeprefix(bags.DELIVERY_PREFIX)): _id(value)
        for name, value in form.items()
        if name.startswith(bags.DELIVERY_PREFIX)
    }


async def _change(
    page: Page,
    command: Callable[..., Awaitable[CartView]],
    *,
    passing: bool = False,
    **arguments: Any,
) -> Response:
    """Change the bag and show it; what the market refuses is told there."""
    view = await open_cart(page)
    if view is None:
        return page.go("/bag")
    try:
        changed = await carts.change(
            page.market.carts, command, viewer=page.viewer, cart_id=view.cart.id, **arguments
        )
    except CouponRefused:
        if passing:
            raise
        return await _show(page, view)
    except (Conflict, InvalidInput, NotFound) as refusal:
        return await _show(page, view, refusal=refusal)
    if page.is_htmx:
        return await _show(page, changed)
    return page.go("/bag")


async def _show(
    page: Page,
    view: CartView | None,
    *,
    coupon_form: FormView | None = None,
    refusal: DomainError | None = None,
    status: int = 200,
) -> Response:
    """The bag as it stands, with what was refused on top."""
    bag = bags.empty_bag() if view is None else bags.bag(view, coupon_form=coupon_form)
    notice = None if refusal is None else NoticeView(refusal.detail, "warn")
    layout = await page.layout(bag_count=bag.item_count, notice=notice)
    return await page.show(
        "store/bag.html",
        layout=layout,
        fragments=_BAG if refusal is None else frozenset(),
        status=status if refusal is None else refusal.status,
        personal=True,
        headers=page.bag_event(bag.item_count),
        bag=bag,
    )


def _quantity(form: Mapping[str, str]) -> int:
    quantity = forms.whole_number(form.get("quantity", "1"), lowest=1, highest=MAX_QUANTITY)
    if quantity is None:
        raise InvalidInput.at("quantity", "quantity", f"Choose a number from 1 to {MAX_QUANTITY}")
    return quantity


def _id(text: str | None) -> UUID:
    try:
        return UUID(text or "")
    except ValueError:
        raise NotFound from None


def _coupon_words(refusal: CouponRefused) -> str:
    match refusal.extras.get("reason"):
        case None:
            return "We don't know this code, or it can't be used any more"
        case "minimum_not_reached":
            return "Your bag is still below what this code asks for"
        case _:
            return "This code can't be used on what is in your bag"
