"""Who sellers are to the tax authorities, which nobody reads who only sees the tables."""

from sqlalchemy import Column, Integer, LargeBinary, Table, Uuid, text

from gosellr.models.base import metadata, moment, reference

seller_tax_identity = Table(
    "seller_tax_identity",
    metadata,
    reference("seller_id", "seller.id", primary_key=True),
    # Names, address, numbers, date and place of birth: one document, encrypted for this row alone.
    Column("identity_encrypted", LargeBinary, nullable=False),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("changed_by", Uuid, nullable=True),
    moment("created_at"),
    moment("updated_at"),
)
