"""Shops where an operator chooses one: those that are offered, and whom a typed name means."""

from collections.abc import Iterable
from uuid import UUID

from gosellr.core.transact import ask
from gosellr.services import seller_names
from gosellr.web import forms
from gosellr.web.binding import shops
from gosellr.web.binding.shops import Meant
from gosellr.web.pages import Page
from gosellr.web.views import ChoiceView


async def offered(page: Page) -> tuple[ChoiceView, ...]:
    """What a field for a shop offers; another may be typed."""
    return shops.choices(await ask(page.market.db, seller_names.first_by_name))


async def meant(page: Page, fields: Iterable[str]) -> Meant:
    """Whom these fields of the form that came may mean."""
    typed = (forms.clean(page.form.get(name, ""))[: shops.TYPED_MAX] for name in fields)
    texts = {text for text in typed if text}
    return await ask(page.market.db, seller_names.meant_by, texts=texts) if texts else {}


async def typed_as(page: Page, seller_id: UUID) -> str:
    """A shop as somebody would type it; its id where there is none."""
    found = await ask(page.market.db, seller_names.named, seller_ids=[seller_id])
    return found[seller_id].slug if seller_id in found else str(seller_id)
