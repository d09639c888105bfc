"""Who asks: the value that every scoped query takes first."""

from collections.abc import Mapping
from dataclasses import field
from uuid import UUID

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.permissions import MemberRole, Permission, Role, may, may_as_member

_STAFF = frozenset({Role.OPERATOR, Role.SUPPORT})


@dataclass(frozen=True, slots=True)
class Viewer:
    """A person, a guest or a machine, as far as it could prove who it is.

    `memberships` maps the sellers it acts for to its role there. `cart_token_hash` and
    `order_token_hash` are what a guest holds instead of an account.
    """

    user_id: UUID | None = None
    roles: frozenset[Role] = frozenset()
    memberships: Mapping[UUID, MemberRole] = field(default_factory=dict)
    name: str = ""
    email: str = ""
    session_id: UUID | None = None
    cart_token_hash: bytes | None = None
    order_token_hash: bytes | None = None
    ip_address: str | None = None

    @property
    def is_guest(self) -> bool:
        """Nobody signed in."""
        return self.user_id is None

    @property
    def sees_everything(self) -> bool:
        """Operators and support read what belongs to anybody."""
        return bool(self.roles & _STAFF)

    @property
    def is_operator(self) -> bool:
        """Runs the market."""
        return Role.OPERATOR in self.roles

    def may_as_staff(self, permission: Permission) -> bool:
        """Whether the viewer has it by working for the market, and so for everybody's things: what
        sellers and buyers have is for their own alone."""
        return self.sees_everything and may(self.roles & _STAFF, permission)

    def is_buyer_of(self, owner_id: UUID | None, *, sees_whole: bool) -> bool:
        """Whether an order is the viewer's own: its account's, or whose key the viewer holds.

        Whoever works for the market sees all of every order, and is only of their own the buyer.
        """
        owns = self.user_id is not None and self.user_id == owner_id
        return owns or (sees_whole and not self.sees_everything)

    def is_party(self, seller_id: UUID | None, *, is_buyer: bool) -> bool:
        """Whether the viewer stands on a side between a seller and a buyer. Whoever does is that
        alone there, and never the judge, whatever else they are in the market."""
        return is_buyer or seller_id in self.memberships

    @property
    def seller_ids(self) -> list[UUID]:
        """The sellers it acts for, whatever it may do there."""
        return list(self.memberships)

    def seller_ids_with(self, permission: Permission) -> list[UUID]:
        """The sellers inside which it has this permission."""
        return [
            seller_id
            for seller_id, role in self.memberships.items()
            if may_as_member(role, permission)
        ]


GUEST = Viewer()
