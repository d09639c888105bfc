"""A change of the account that a seller is paid to, and what follows from withdrawing it."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, SecretStr

from gosellr.api.schemas.common import AnswerModel, RequestModel, line
from gosellr.models.payout_values import DestinationChange

Document = dict[str, Any]


class PayoutConfirmation(RequestModel):
    """The caller's own password once more."""

    secret: Annotated[SecretStr, Field(min_length=1, max_length=128, alias="password")]

    @property
    def password(self) -> str:
        """As it was typed."""
        return self.secret.get_secret_value()


class PayoutChangeWithdraw(RequestModel):
    """What the link in the letter about a changed account holds."""

    token: Annotated[str, line(100)]


class PayoutChangeOut(AnswerModel):
    """A change of the account that a seller is paid to, as whoever was told of it sees it."""

    seller: str
    last_four: str
    previous_last_four: str | None
    changed_at: datetime
    usable_from: datetime
    withdrawn_at: datetime | None


def change_document(change: DestinationChange) -> Document:
    """One of them."""
    return {
        "seller": change.seller,
        "last_four": change.last_four,
        "previous_last_four": change.previous_last_four,
        "changed_at": change.created_at,
        "usable_from": change.usable_from,
        "withdrawn_at": change.withdrawn_at,
    }
