"""Forms that are one wish, however often they are sent: each bears a key, and keeps it."""

from typing import Final

from gosellr.core.errors import Conflict, InvalidInput, NotAllowed
from gosellr.core.identity import new_secret
from gosellr.services import idempotency_service
from gosellr.services.idempotency_service import IdempotencyKeyReused, RequestKey
from gosellr.web.pages import Page
from gosellr.web.views import FormView

REFUSALS: Final = (Conflict, InvalidInput, NotAllowed, IdempotencyKeyReused)
"""What may come of such a form in place of what was wished, told on the form itself."""


def request_key(
    page: Page, story: str, body: bytes | FormView, *, field: str = "key"
) -> RequestKey:
    """The key of what the form wishes: `story` names what that is, `body` all that it says."""
    viewer = page.viewer
    said = body if isinstance(body, bytes) else repr(sorted(body.values.items())).encode()
    return idempotency_service.request_key(
        # Whose keys these are: the account's, else the browser's.
        caller=f"user:{viewer.user_id}" if viewer.user_id else f"visitor:{page.visit.visitor}",
        route=f"page:{story}",
        key=page.form.get(field),
        body=said,
    )


def key_to_send(page: Page, form: FormView | None) -> str:
    """The key that a form is shown with. One that comes back is the same wish."""
    return (page.form.get("key") if form else None) or new_secret()
