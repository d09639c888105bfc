"""Forms that only our own pages can send: a token bound to the browser, and its own word for it.

The token is an HMAC over the browser's random name and its session, so that it changes with
each sign-in and nothing has to be stored (OWASP's HMAC-based token pattern). What a modern
browser says about a request's origin is checked before.
"""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from urllib.parse import urlsplit

from python_multipart.multipart import parse_options_header
from starlette.datastructures import UploadFile
from starlette.requests import Request

from gosellr.core.errors import DomainError
from gosellr.utils.lazy_dataclasses import dataclass

FIELD = "csrf_token"
FORM_BYTES_MAX = 65_536
_FIELDS_MAX = 200
_FORM_TYPE = "application/x-www-form-urlencoded"
_FILE_FORM_TYPE = "multipart/form-data"
# Browsers name none. Another would be decoded by whatever codec bears that name.
_CHARSETS = {b"utf-8", b"utf8"}


class FormRefused(DomainError):
    """The form wasn't sent by a page of ours, or by one from before signing in or out."""

    code = "form_refused"
    status = 403
    title = "Please send this form again"


class NotAForm(DomainError):
    """A page takes plain forms and nothing else."""

    code = "unsupported_media_type"
    status = 415
    title = "This isn't a form"


class FormTooLarge(DomainError):
    """No form of ours is as long as that."""

    code = "body_too_large"
    status = 413
    title = "This form is too long"


def csrf_token(secret_key: str, *, visitor: str, session: str) -> str:
    """The token of this browser's forms while it is signed in as it is now."""
    digest = hmac.digest(secret_key.encode(), f"form:{visitor}:{session}".encode(), "sha256")
    return urlsafe_b64encode(digest).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class FormFile:
    """A file that came along: what it claims to be is checked by whoever takes it."""

    name: str | None
    content_type: str | None
    content: bytes


@dataclass(frozen=True, slots=True)
class SentForm:
    """What a form brought: its fields, and the file where one came along."""

    fields: Mapping[str, str]
    file: FormFile | None = None


async def checked_form(
    request: Request, *, expected_token: str, file_bytes_max: int = 0
) -> SentForm:
    """What a form of one of our own pages brought; with a file where one may be so large.

    Raises:
        FormRefused: when another site, or nobody we know, sent it.
        NotAForm, FormTooLarge: when it is none of ours.
    """
    _check_origin(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    brings_file = bool(file_bytes_max) and kind == _FILE_FORM_TYPE
    if kind != _FORM_TYPE and not (brings_file and _is_utf8(request)):
        raise NotAForm
    length = request.headers.get("content-length", "")
    most = FORM_BYTES_MAX + (file_bytes_max if brings_file else 0)
    if not length.isdigit() or int(length) > most:
        raise FormTooLarge
    # What was put aside of a file goes with the end of the block, whatever is refused.
    async with request.form(
        max_files=int(brings_file), max_fields=_FIELDS_MAX, max_part_size=FORM_BYTES_MAX
    ) as sent:
        fields = {name: value for name, value in sent.items() if isinstance(value, str)}
        if not hmac.compare_digest(fields.get(FIELD, "").encode(), expected_token.encode()):
            raise FormRefused(
                "This page was open for too long, or you signed in since: go back to it,"
                " load it again, and send the form once more"
            )
        files = [value for value in sent.values() if isinstance(value, UploadFile) and value.size]
        if not files:
            return SentForm(fields)
        content = await files[0].read()
        return SentForm(fields, FormFile(files[0].filename, files[0].content_type, content))


def _check_origin(request: Request) -> None:
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in {"same-origin", "none"}:
        raise FormRefused("Another site sent this form")
    origin = request.headers.get("origin")
    if origin is not None and not _names(origin, request.headers.get("host")):
        raise FormRefused("Another site sent this form")


def _names(origin: str, host: str | None) -> bool:
    try:
        return urlsplit(origin).netloc == host
    except ValueError:
        return False


def _is_utf8(request: Request) -> bool:
    _, options = parse_options_header(request.headers.get("content-type"))
    return options.get(b"charset", b"utf-8").lower() in _CHARSETS
