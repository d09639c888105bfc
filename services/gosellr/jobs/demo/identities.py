"""Who the demo shops are to the tax authorities: all of it is invented, and in the right shape.

Some shops haven't said it, so that the yearly report shows what is missing.
"""

from collections.abc import Mapping
from datetime import date
from typing import Final
from uuid import UUID

from gosellr.core.transact import ask, transact
from gosellr.flows.tax_identities import sealed
from gosellr.jobs.demo.shops import SHOPS
from gosellr.resources import Resources
from gosellr.services import tax_identity_service
from gosellr.utils.permissions import MemberRole, Role
from gosellr.utils.tax_identity import (
    PrimaryAddress,
    TaxIdentity,
    TaxNumber,
    TaxpayerKind,
    changed_fields,
)
from gosellr.utils.viewer import Viewer

_ENTITY: Final = TaxpayerKind.ENTITY
_SAID: Final[dict[str, TaxIdentity]] = {
    "nordlys": TaxIdentity(
        kind=_ENTITY,
        legal_name="Nordlys Studio ApS",
        address=PrimaryAddress(
            line1="Havnegade 900", city="Aarhus", postal_code="8000", country="DK"
        ),
        tax_numbers=(TaxNumber(number="00000001", country="DK"),),
        vat_number="DK00000001",
        registration_number="CVR 00000001",
        establishments=("DE",),
    ),
    "verde": TaxIdentity(
        kind=_ENTITY,
        legal_name="Casa Verde Unipessoal Lda",
        address=PrimaryAddress(
            line1="Rua das Estufas 900", city="Sintra", postal_code="2710-000", country="PT"
        ),
        tax_numbers=(TaxNumber(number="000000002", country="PT"),),
        vat_number="PT000000002",
        registration_number="NIPC 000000002",
    ),
    "hifi": TaxIdentity(
        kind=_ENTITY,
        legal_name="Hi-Fi Haus GmbH",
        address=PrimaryAddress(
            line1="Musterstraße 900", city="Berlin", postal_code="12000", country="DE"
        ),
        tax_numbers=(TaxNumber(number="00/000/00003", country="DE"),),
        vat_number="DE000000003",
        registration_number="HRB 000003",
    ),
    "brocante": TaxIdentity(
        kind=TaxpayerKind.INDIVIDUAL,
        first_name="Marcel",
        last_name="Dubois",
        address=PrimaryAddress(
            line1="900 rue du Marché", city="Lille", postal_code="59000", country="FR"
        ),
        tax_numbers=(TaxNumber(number="00 00 000 000 004", country="FR"),),
        birth_date=date(1961, 4, 1),
        birth_city="Lille",
        birth_country="FR",
    ),
}


async def say(resources: Resources, sellers: Mapping[str, tuple[UUID, UUID]]) -> None:
    """Say who some shops are, unless somebody has; `sellers` are shops and owners by handle."""
    for shop in SHOPS:
        if shop.handle not in _SAID or shop.handle not in sellers:
            continue
        seller_id, owner_id = sellers[shop.handle]
        owner = Viewer(
            user_id=owner_id,
            roles=frozenset({Role.BUYER, Role.SELLER}),
            memberships={seller_id: MemberRole.OWNER},
        )
        if await ask(resources.db, tax_identity_service.find, viewer=owner, seller_id=seller_id):
            continue
        now = resources.clock.now()
        identity = tax_identity_service.checked(_SAID[shop.handle], now=now)
        await transact(
            resources.db,
            tax_identity_service.save,
            viewer=owner,
            seller_id=seller_id,
            identity_encrypted=sealed(resources.vault, identity, seller_id=seller_id),
            fields=changed_fields(None, identity),
            expected_version=None,
            now=now,
        )
