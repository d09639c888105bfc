"""Who a seller is to the tax authorities: said by its owner, kept sealed, told in the report.

What is in an envelope is for those who hold the vault; here only whose it is, and who may touch it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from gosellr.core.countries import country_codes
from gosellr.core.db import Connection
from gosellr.core.errors import FieldError, InvalidInput, NotAllowed, NotFound, VersionConflict
from gosellr.models.events import Fact, FactType
from gosellr.models.tax_identity_values import KeptForReport, KeptTaxIdentity
from gosellr.queries import ledger, outbox, tax_identities
from gosellr.services import tax_request_service
from gosellr.services.seller_scope import require_in_seller
from gosellr.utils.permissions import Permission
from gosellr.utils.tax_identity import TaxIdentity, normal, problems_of
from gosellr.utils.viewer import Viewer


def checked(identity: TaxIdentity, *, now: datetime) -> TaxIdentity:
    """The identity in its normal form, as it can be reported.

    Raises:
        InvalidInput: naming each field that has to change.
    """
    found = normal(identity)
    problems = problems_of(found, countries=country_codes(), today=now.date())
    if problems:
        raise InvalidInput(errors=[FieldError(*problem) for problem in problems])
    return found


def require_owner(viewer: Viewer, *, seller_id: UUID) -> None:
    """Let pass who says who a seller is: its own people who may, and nobody of the market.

    Raises:
        NotAllowed: for operators who aren't of the shop, and members without the permission.
        NotFound: for everybody else.
    """
    if viewer.is_operator and seller_id not in viewer.memberships:
        raise NotAllowed("Only the shop itself says who it is")
    if seller_id not in viewer.memberships:
        raise NotFound
    if seller_id not in viewer.seller_ids_with(Permission.TAX_IDENTITY_WRITE):
        raise NotAllowed("Your role in this shop doesn't allow it")


async def find(
    connection: Connection, *, viewer: Viewer, seller_id: UUID
) -> KeptTaxIdentity | None:
    """What is kept of a seller, sealed; None where it hasn't said it yet.

    Raises:
        NotFound, NotAllowed: there is no such seller, or that isn't for the viewer to know.
    """
    require_in_seller(viewer, seller_id=seller_id, permission=Permission.TAX_IDENTITY_READ)
    if not await ledger.seller_exists(connection, seller_id=seller_id):
        raise NotFound
    return await tax_identities.find(connection, seller_id=seller_id)


async def save(
    connection: Connection,
    *,
    viewer: Viewer,
    seller_id: UUID,
    identity_encrypted: bytes,
    fields: Sequence[str],
    expected_version: int | None,
    now: datetime,
) -> KeptTaxIdentity:
    """Keep who a seller is. `fields` are the names of what is new, which the fact tells: it bears
    no value. Where no version is expected (None or 0) there mustn't be any yet.

    Raises:
        NotFound, NotAllowed: that isn't for the viewer to say.
        VersionConflict: somebody said it, or said otherwise, meanwhile.
    """
    require_owner(viewer, seller_id=seller_id)
    if not expected_version:
        version = await tax_identities.add(
            connection,
            seller_id=seller_id,
            identity_encrypted=identity_encrypted,
            changed_by=viewer.user_id,
            now=now,
        )
    else:
        version = await tax_identities.change(
            connection,
            seller_id=seller_id,
            identity_encrypted=identity_encrypted,
            changed_by=viewer.user_id,
            expected_version=expected_version,
            now=now,
        )
    if version is None:
        raise VersionConflict
    by = None if viewer.user_id is None else str(viewer.user_id)
    about = {"fields": list(fields), "changed_by": by, "version": version}
    fact = Fact(FactType.SELLER_TAX_IDENTITY_CHANGED, seller_id, about)
    await outbox.append(connection, [fact], now=now)
    await tax_request_service.end(connection, seller_id=seller_id, now=now)
    return KeptTaxIdentity(
        seller_id=seller_id,
        identity_encrypted=identity_encrypted,
        version=version,
        updated_at=now,
    )


async def kept_for_report(
    connection: Connection, *, seller_ids: Sequence[UUID], year: int
) -> list[KeptForReport]:
    """What is kept, sealed, of sellers that the report of a year is about. Whoever asks makes the
    report."""
    return await tax_identities.for_report(
        connection,
        seller_ids=seller_ids,
        since=datetime(year, 1, 1, tzinfo=UTC),
        until=datetime(year + 1, 1, 1, tzinfo=UTC),
    )
