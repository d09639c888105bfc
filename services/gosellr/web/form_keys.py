"""Forms that are one wish, however often they are sent: each bears a key, and keeps it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeVar

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, DomainError, InvalidInput, NotAllowed
from gosellr.core.identity import fingerprint, new_secret
from gosellr.core.transact import transact
from gosellr.services import idempotency_service
from gosellr.services.idempotency_service import EarlierRequest, IdempotencyKeyReused, RequestKey
from gosellr.web import forms
from gosellr.web.pages import Page
from gosellr.web.views import FormView

T = TypeVar("T")
REFUSALS: Final = (Conflict, InvalidInput, NotAllowed, IdempotencyKeyReused)
"""What may come of such a form in place of what was wished, told on the form itself."""


SENT_ALREADY: Final = "You sent this form already. Send it again to do it a second time."
"""A form that was sent, and came back by the browser's Back to be filled in differently."""


def request_key(
    page: Page, story: str, body: bytes | FormView, *, field: str = "key"
) -> RequestKey:
    """The key of what the form wishes: `story` names what that is, `body` all that it says."""
    viewer = page.viewer
    browser = fingerprint(page.visit.visitor).hex()
    said = body if isinstance(body, bytes) else _all_of(body).encode()
    return idempotency_service.request_key(
        # Whose keys these are: the account's, else the browser's.
        caller=f"user:{viewer.user_id}" if viewer.user_id else f"visitor:{browser}",
        route=f"page:{story}",
        key=page.form.get(field),
        body=said,
    )


def repeat_key(page: Page, story: str, form: FormView) -> RequestKey:
    """The key of a form that bears a version as well: filled in differently it is another wish,
    about which the version decides."""
    return request_key(page, f"{story}:{fingerprint(_all_of(form)).hex()}", form)


def _all_of(form: FormView) -> str:
    return repr(sorted(form.values.items()))


async def once(
    page: Page,
    command: Callable[[Connection], Awaitable[T]],
    *,
    key: RequestKey,
    made: Callable[[T], str],
) -> T | EarlierRequest:
    """What comes of a form's command, however often the form is sent: the key and the command are
    one transaction. `made` names what came of it, for whoever sends the form again.

    Raises:
        IdempotencyKeyReused, and what the command raises.
    """
    return await transact(
        page.market.db,
        idempotency_service.once,
        command,
        request=key,
        made=made,
        now=page.now,
        kept_for=page.market.policy.idempotency_kept_for,
    )


def with_refusal(form: FormView, refusal: DomainError, names: Mapping[str, str]) -> FormView:
    """The form with what was said about it, as `forms.with_errors`."""
    if isinstance(refusal, IdempotencyKeyReused):
        return FormView(form.values, {"": SENT_ALREADY})
    return forms.with_errors(form, refusal, names)


def key_to_send(page: Page, form: FormView | None, *, field: str = "key") -> str:
    """The key that a form is shown with. One that comes back is the same wish, unless its key
    stands for another one: that key would be refused however often it is sent."""
    is_used = form is not None and form.error("") == SENT_ALREADY
    kept = None if form is None or is_used else page.form.get(field)
    return kept or new_secret()
