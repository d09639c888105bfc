"""The headers that keep a page's powers small: content security policy and its companions."""

import secrets
from collections.abc import Sequence


def new_nonce() -> str:
    """One unguessable value per response; only inline blocks carrying it may run."""
    return secrets.token_urlsafe(16)


def content_security_policy(nonce: str, *, form_action: Sequence[str] = ()) -> str:
    """The policy of one HTML response.

    `form_action` names payment gateways to which a form may lead besides this origin, also
    by a redirect: browsers look at where a sent form ends up. Style
    attributes are allowed because pictures carry their hue in one; style elements are not.
    """
    directives = (
        "default-src 'self'",
        f"script-src 'self' 'nonce-{nonce}'",
        "script-src-attr 'none'",
        "style-src 'self'",
        "style-src-attr 'unsafe-inline'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        " ".join(("form-action 'self'", *form_action)),
    )
    return "; ".join(directives)


def page_headers(
    nonce: str, *, personal: bool, https: bool = False, form_action: Sequence[str] = ()
) -> dict[str, str]:
    """All security and caching headers of one HTML response.

    A `personal` page (bag, checkout, orders, account) must leave no copy behind. Other pages
    still greet the visitor in their header, so a shared cache must not keep them either.
    """
    headers = {
        "Content-Security-Policy": content_security_policy(nonce, form_action=form_action),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "Cache-Control": "no-store" if personal else "private, no-cache",
    }
    if https:
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    return headers
