"""An authority of the tests' own, and the certificates by which its PayPal signs reports."""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

PAYPAL = "messageverificationcerts.sandbox.paypal.com"
_BORN = datetime(2025, 1, 1, tzinfo=UTC)
_LIFE = timedelta(days=3650)


@dataclass(frozen=True)
class Signer:
    """A key, its certificate, and the one that vouches for it."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate
    issuer: x509.Certificate

    @property
    def chain(self) -> bytes:
        """As it is fetched."""
        pem = Encoding.PEM
        return self.certificate.public_bytes(pem) + self.issuer.public_bytes(pem)

    def sign(self, text: bytes) -> str:
        """What stands in the header."""
        return base64.b64encode(self.key.sign(text, PKCS1v15(), hashes.SHA256())).decode()


@cache
def new_signer(
    name: str = PAYPAL, *, good_until: datetime = _BORN + _LIFE, self_signed: bool = False
) -> Signer:
    """A signer of that name; each call makes one authority for it, or none."""
    root_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    root_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Root of {name}")])
    root = (
        x509.CertificateBuilder()
        .subject_name(root_name)
        .issuer_name(root_name)
        .public_key(root_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_BORN)
        .not_valid_after(_BORN + _LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=False, content_commitment=False, key_encipherment=False,
                data_encipherment=False, key_agreement=False, key_cert_sign=True, crl_sign=True,
                encipher_only=False, decipher_only=False,
            ),
            critical=True,
        )
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(root_key.public_key()), critical=False
        )
        .sign(root_key, hashes.SHA256())
    )  # fmt: skip
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    leaf = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if self_signed else root_name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_BORN)
        .not_valid_after(good_until)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(
                (key if self_signed else root_key).public_key()
            ),
            critical=False,
        )
        .sign(key if self_signed else root_key, hashes.SHA256())
    )
    return Signer(key, leaf, root)
