"""What stands on a seller's papers: said by its own people, and taken by each when it is issued."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import FieldError, InvalidInput, NotFound, VersionConflict
from gosellr.models.events import Fact, FactType
from gosellr.models.letterhead_values import KeptLetterhead
from gosellr.queries import letterheads, outbox
from gosellr.services.seller_scope import require_in_seller, require_of_shop
from gosellr.utils.lazy_dataclasses import replace
from gosellr.utils.letterhead import Letterhead, changed_fields, normal, problems_of
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer


async def find(connection: Connection, *, viewer: Viewer, seller_id: UUID) -> KeptLetterhead:
    """A seller as its papers name it from now on.

    Raises:
        NotFound, NotAllowed: there is no such seller, or that isn't for the viewer to know.
    """
    if not viewer.sees_everything:
        require_in_seller(viewer, seller_id=seller_id, permission=Permission.LETTERHEAD_READ)
    return await _find(connection, seller_id)


async def change(
    connection: Connection,
    *,
    viewer: Viewer,
    seller_id: UUID,
    changes: Mapping[str, Any],
    expected_version: int | None,
    now: datetime,
) -> KeptLetterhead:
    """Say what is to stand on the papers that are issued from now on; those that were stay as they
    are. `changes` are fields of a `Letterhead` by name, and those that aren't there stay.

    `expected_version` is the one that was looked at, 0 where there was none; without it, whatever
    stands there is changed.

    Raises:
        NotFound, NotAllowed: that isn't for the viewer to say.
        InvalidInput: some of it can't stand on a paper; each field is named.
        VersionConflict: somebody said it, or said otherwise, meanwhile.
    """
    require_of_shop(
        viewer,
        seller_id=seller_id,
        permission=Permission.LETTERHEAD_WRITE,
        says="what stands on its papers",
    )
    kept = await _find(connection, seller_id)
    before = kept.letterhead
    after = normal(replace(before or Letterhead(line1="", city=""), **changes))
    if problems := list(problems_of(after)):
        raise InvalidInput(errors=[FieldError(*problem) for problem in problems])
    known = kept.version or 0
    if expected_version is not None and expected_version != known:
        raise VersionConflict(extras={"version": kept.version})
    version = await _write(connection, viewer, seller_id, after, known=known, now=now)
    by = None if viewer.user_id is None else str(viewer.user_id)
    about = {"fields": changed_fields(before, after), "changed_by": by, "version": version}
    fact = Fact(FactType.SELLER_LETTERHEAD_CHANGED, seller_id, about)
    await outbox.append(connection, [fact], now=now)
    return replace(kept, letterhead=after, version=version, updated_at=now)


async def names_with(
    connection: Connection, *, seller_ids: list[UUID]
) -> Mapping[UUID, tuple[str, bool]]:
    """What sellers are called, and whether each has said what is to stand on its papers; for those
    who may know that they exist."""
    return await letterheads.names_with(connection, seller_ids=seller_ids)


async def _find(connection: Connection, seller_id: UUID) -> KeptLetterhead:
    kept = await letterheads.find(connection, seller_id=seller_id)
    if kept is None:
        raise NotFound
    return kept


async def _write(
    connection: Connection,
    viewer: Viewer,
    seller_id: UUID,
    letterhead: Letterhead,
    *,
    known: int,
    now: datetime,
) -> int:
    if not known:
        version = await letterheads.add(
            connection,
            seller_id=seller_id,
            letterhead=letterhead,
            changed_by=viewer.user_id,
            now=now,
        )
    else:
        version = await letterheads.change(
            connection,
            seller_id=seller_id,
            letterhead=letterhead,
            changed_by=viewer.user_id,
            expected_version=known,
            now=now,
        )
    if version is None:
        raise VersionConflict
    return version
