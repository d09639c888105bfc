"""The certificates by which PayPal's reports are proven: fetched once, vouched for, kept.

A report names the address of its certificate, and whoever forges a report would name his own. So
only PayPal's own hosts are asked, and a certificate counts only where an authority of the web
vouches for it and it bears the name that PayPal signs reports under.
"""

import asyncio
import logging
import re
import ssl
from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import httpx2
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import Certificate, verification
from cryptography.x509.oid import NameOID

from gosellr.core.clock import Clock
from gosellr.utils.lazy_dataclasses import dataclass

CERTIFICATE_HEADER: Final = "paypal-cert-url"

_ADDRESS: Final = re.compile(
    r"https://api(-m)?(\.sandbox)?\.paypal\.com/v1/notifications/certs/CERT-[A-Za-z0-9-]{1,80}"
)
_NAME: Final = re.compile(r"messageverificationcerts(\.[a-z0-9]+)?\.paypal\.com")
_BYTES_MAX: Final = 64 * 1024
_KEPT_MAX: Final = 8
_TIMEOUT_SECONDS: Final = 5.0
# Anybody may post reports: what they name is fetched no more often than this.
_FETCHES_MAX: Final = 6
_FETCHES_WITHIN: Final = timedelta(minutes=1)

_log = logging.getLogger("gosellr.paypal")


class Unproven(Exception):
    """Nobody vouches for a certificate, or it is somebody else's."""


@dataclass(frozen=True, slots=True)
class ReportKey:
    """The key of a certificate that was vouched for, and until when it is good."""

    key: RSAPublicKey
    good_until: datetime


class CertificateShelf:
    """The certificates of one process. `roots` vouch for them; None: the authorities of the web."""

    def __init__(
        self,
        clock: Clock,
        *,
        transport: httpx2.AsyncBaseTransport | None = None,
        roots: Sequence[Certificate] | None = None,
    ) -> None:
        self._clock = clock
        self._roots = roots
        self._keys: OrderedDict[str, ReportKey] = OrderedDict()
        self._fetches: deque[datetime] = deque(maxlen=_FETCHES_MAX)
        self._fetching = asyncio.Lock()
        self._http = httpx2.AsyncClient(
            transport=transport, timeout=_TIMEOUT_SECONDS, follow_redirects=False, trust_env=False
        )

    @property
    def keys(self) -> Mapping[str, ReportKey]:
        """The keys that are here, by the address of their certificate."""
        return self._keys

    async def fetch(self, headers: Mapping[str, str]) -> None:
        """Have the certificate that these headers name, where it may be asked for."""
        address = header(headers, CERTIFICATE_HEADER)
        if not _ADDRESS.fullmatch(address) or self._has(address):
            return
        async with self._fetching:
            if self._has(address) or not self._may_fetch():
                return
            try:
                async with asyncio.timeout(_TIMEOUT_SECONDS):
                    chain = await self._chain(address)
                # It may read all of the web's authorities.
                known = await asyncio.to_thread(self._vouched, chain, self._clock.now())
            except (TimeoutError, httpx2.HTTPError, ValueError, Unproven) as error:
                _log.warning("PayPal's certificate isn't taken: %s", type(error).__name__)
                return
            self._keys[address] = known
            if len(self._keys) > _KEPT_MAX:
                self._keys.popitem(last=False)

    async def close(self) -> None:
        """End the connections."""
        await self._http.aclose()

    def _has(self, address: str) -> bool:
        known = self._keys.get(address)
        return known is not None and self._clock.now() < known.good_until

    def _may_fetch(self) -> bool:
        now = self._clock.now()
        if len(self._fetches) == _FETCHES_MAX and now - self._fetches[0] < _FETCHES_WITHIN:
            return False
        self._fetches.append(now)
        return True

    async def _chain(self, address: str) -> list[Certificate]:
        body = b""
        async with self._http.stream("GET", address) as response:
            if response.status_code != 200:
                raise Unproven(response.status_code)
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > _BYTES_MAX:
                    raise Unproven("too long")
        return x509.load_pem_x509_certificates(body)

    def _vouched(self, chain: Sequence[Certificate], now: datetime) -> ReportKey:
        leaf, *others = chain
        roots = roots_of_the_web(chain) if self._roots is None else self._roots
        verify_chain(leaf, others, roots=roots, now=now)
        key = leaf.public_key()
        if not isinstance(key, RSAPublicKey):
            raise Unproven("not a key of RSA")
        return ReportKey(key, leaf.not_valid_after_utc)


def verify_chain(
    leaf: Certificate, others: Sequence[Certificate], *, roots: Sequence[Certificate], now: datetime
) -> None:
    """Raises `Unproven` unless a root vouches for the leaf, now, and it is PayPal's.

    The authorities are held to the rules of the web. The leaf isn't a web server's, so of its own
    extensions only what the signature rests on counts; whether it was called back isn't asked.
    """
    if not roots:
        raise Unproven("nobody vouches for it")
    names = [str(part.value) for part in leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if not any(_NAME.fullmatch(name) for name in names):
        raise Unproven("somebody else's")
    builder = (
        verification.PolicyBuilder()
        .store(verification.Store(list(roots)))
        .time(now)
        .extension_policies(
            ca_policy=verification.ExtensionPolicy.webpki_defaults_ca(),
            ee_policy=verification.ExtensionPolicy.permit_all(),
        )
    )
    try:
        builder.build_client_verifier().verify(leaf, list(others))
    except verification.VerificationError as error:
        raise Unproven("nobody vouches for it") from error


def header(headers: Mapping[str, str], name: str) -> str:
    """One header, however it is spelt; empty where it is missing."""
    found = headers.get(name)
    if found is None:
        lowered = {key.lower(): value for key, value in headers.items()}
        found = lowered.get(name, "")
    return found


def roots_of_the_web(chain: Sequence[Certificate]) -> list[Certificate]:
    """The authorities that this machine trusts and that may have issued one of a chain.

    A trust store has a few that are written badly, so only those that are asked for are read.
    """
    ders = ssl.create_default_context().get_ca_certs(binary_form=True)
    folder = ssl.get_default_verify_paths().capath
    if not ders and folder is not None:
        # OpenSSL reads such a folder only when it meets a certificate.
        ders = [
            ssl.PEM_cert_to_DER_cert(file.read_text())
            for file in sorted(Path(folder).glob("*.[0-9]"))
        ]
    if not ders:
        _log.error("this machine trusts no authority: PayPal's reports can't be proven")
    issuers = [one.issuer.public_bytes() for one in chain]
    return [
        x509.load_der_x509_certificate(der)
        for der in ders
        if any(issuer in der for issuer in issuers)
    ]
