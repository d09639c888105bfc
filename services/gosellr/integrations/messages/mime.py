"""A mail as it travels: both forms of its text, and headers that hold one line each.

What is plain is written as it stands. The library, which takes ten times as long, spells what has
to be encoded or folded, and refuses what goes on in another line. It isn't given what only looks
as if it were encoded: it reads that first, and writes what it has read, line breaks as well.
"""

import base64
import binascii
import re
import secrets
from datetime import datetime
from email.header import Header
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from functools import lru_cache

from gosellr.integrations.messages.port import Email

# Seven bits pass every server there is.
_POLICY = SMTP.clone(cte_type="7bit")
_LINE_LENGTH_MAX = 78

# By these signs a header's reader knows an encoded word.
_ENCODED = "=?"

# Words of plain signs with single blanks between them: no header says anything else by these.
_PLAIN = re.compile(r"[!-~]+(?: [!-~]+)*")


def domain_of(sender: str) -> str:
    """What stands after the @ of a sender, with or without a name before it."""
    return parseaddr(sender)[1].rpartition("@")[2] or "localhost"


def address_of(sender: str) -> str:
    """The address of a sender, without the name."""
    return parseaddr(sender)[1]


def wire_address(address: str) -> str:
    """An address as every server reads it: a domain in other letters has a name in ours as well.

    Raises:
        UnicodeError: what stands before the @ can't be written in them.
    """
    name, _, domain = address.rpartition("@")
    name.encode("ascii")
    return f"{name}@{domain.encode('idna').decode('ascii')}"


def mime_of(email: Email, *, sender: str, at: datetime) -> bytes:
    """The mail from this sender.

    Its Message-ID is made of what the mail is called here, so that a repeat bears the same one.

    Raises:
        ValueError: an address can't travel, or a header goes on in another line.
    """
    head = [
        _by_library("From", sender),
        # Names of places, which stay in one line however long.
        f"To: {wire_address(email.to)}\r\n",
        _header("Subject", email.subject),
        f"Date: {format_datetime(at)}\r\n",
        f"Message-ID: <{email.message_id}@{domain_of(sender)}>\r\n",
        # Nobody is to get an answer from a holiday because of it (RFC 3834).
        "Auto-Submitted: auto-generated\r\n",
    ]
    if email.reply_to is not None:
        head.append(f"Reply-To: {wire_address(email.reply_to)}\r\n")
    head.append("MIME-Version: 1.0\r\n")
    text = _body("plain", email.text)
    if email.html is None:
        return "".join(head).encode("ascii") + text
    # Nobody can guess it, so no text has it.
    boundary = f"=_{secrets.token_hex(16)}"
    head.append(f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n\r\n')
    line = f"--{boundary}".encode("ascii")
    parts = [text, _body("html", email.html)]
    between = b"".join(b"%b\r\n%b\r\n" % (line, part) for part in parts)
    return "".join(head).encode("ascii") + between + line + b"--\r\n"


def _header(name: str, value: str) -> str:
    """A header's line, or its lines."""
    if _ENCODED in value:
        spelled = Header(value, charset="utf-8", header_name=name).encode(linesep="\r\n")
        return f"{name}: {spelled}\r\n"
    if len(name) + 2 + len(value) <= _LINE_LENGTH_MAX and _PLAIN.fullmatch(value):
        return f"{name}: {value}\r\n"
    return _spelled(name, value)


def _spelled(name: str, value: str) -> str:
    lines: str = _POLICY.fold(*_POLICY.header_store_parse(name, value))
    return lines


# A process has one sender, whose name may say more than words do.
_by_library = lru_cache(maxsize=8)(_spelled)


def _body(subtype: str, text: str) -> bytes:
    """One form of the text with what says how it is written: plain, or in the shorter spelling."""
    lines = text.encode().splitlines()
    body = b"".join(line + b"\r\n" for line in lines) or b"\r\n"
    encoding = "7bit"
    if not body.isascii() or max(map(len, lines), default=0) > _LINE_LENGTH_MAX:
        encoding, quoted = "quoted-printable", binascii.b2a_qp(body)
        if 3 * len(quoted) > 4 * len(body):
            encoding, quoted = "base64", base64.encodebytes(body).replace(b"\n", b"\r\n")
        body = quoted
    head = (
        f'Content-Type: text/{subtype}; charset="utf-8"\r\n'
        f"Content-Transfer-Encoding: {encoding}\r\n\r\n"
    )
    return head.encode("ascii") + body
