"""What is kept of a seller for its papers, as it is read."""

from datetime import datetime
from uuid import UUID

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.letterhead import Letterhead


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptLetterhead:
    """A seller as its papers name it. `letterhead`, `version` and `updated_at` are None where it
    hasn't said yet what is to stand there."""

    seller_id: UUID
    legal_name: str
    country: str
    letterhead: Letterhead | None
    version: int | None
    updated_at: datetime | None
