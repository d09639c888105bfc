"""Who calls: every kind of caller there is, and what each may reach."""

from dataclasses import dataclass, field
from enum import Enum, auto

from gosellr.utils.permissions import MemberRole, Role, may, may_as_member
from tests.api.matrix.routes import Route


class Scope(Enum):
    """Whose the things of an operation are."""

    # Nobody's in particular: whoever has the permission reaches all there is.
    MARKET = auto()
    # A seller's: its members', as far as their role there goes, and the operator's.
    SELLER = auto()
    # A buyer's own.
    BUYER = auto()
    # A seller's: its members', whatever their role there.
    MEMBERS = auto()
    # A buyer's own, which support and operators read as well.
    RECEIPT = auto()
    # An order's: its buyer's and its sellers'; support and operators read it.
    ORDER = auto()
    # Names no thing at all: lists and creates what is the caller's by itself.
    NONE = auto()
    # The same, for whoever is signed in, even where the door lets guests pass.
    PERSON = auto()
    # A page of a shop's own: its members', as far as their role there goes, and nobody else's.
    # Support and operators have pages of their own.
    SHOP = auto()
    # A page of those who run the market: support's and operators', whoever else has the permission.
    STAFF = auto()


class Verdict(Enum):
    """What the answer has to be."""

    DOOR = auto()  # 401 or 403 whatever is asked for, before it is looked at
    ROLE = auto()  # 403: a member of this seller, but not in the role for it
    HIDDEN = auto()  # as if it didn't exist
    SEEN = auto()  # it may be looked at; whatever is said to the call, nothing changes
    REACHED = auto()


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody. `buys` and `sells` name the estates whose buyer or seller they are."""

    name: str
    roles: frozenset[Role] = frozenset()
    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)
    buys: str | None = None
    sells: str | None = None
    member_role: MemberRole | None = None

    @property
    def sees_everything(self) -> bool:
        """Support and operators."""
        return bool(self.roles & {Role.SUPPORT, Role.OPERATOR})

    @property
    def claimed_roles(self) -> frozenset[Role]:
        """What the door takes the token for: any buyer may have become a member since."""
        return self.roles | ({Role.SELLER} if Role.BUYER in self.roles else frozenset())

    def passes(self, route: Route) -> bool:
        """Whether the door lets them in."""
        return route.permission is None or may(self.roles, route.permission)

    def passes_by_token(self, route: Route) -> bool:
        """Whether the token alone doesn't yet speak against it."""
        return route.permission is None or may(self.claimed_roles, route.permission)

    def verdict(self, route: Route, scope: Scope, estate: str) -> Verdict:
        """What has to become of a call for the things of an estate."""
        if not self.passes(route) or self._is_sent_away(route, scope):
            return Verdict.DOOR
        if self._reaches(scope, estate):
            theirs = self.buys == estate or self._may_as_staff(route) or not self.sees_everything
            return Verdict.REACHED if theirs or scope not in _TRADED else Verdict.SEEN
        if scope in _SELLERS and self.sells == estate and self.member_role is not None:
            permission = None if scope is Scope.MEMBERS else route.permission
            held = permission is None or may_as_member(self.member_role, permission)
            return Verdict.REACHED if held else Verdict.ROLE
        return Verdict.HIDDEN

    def _is_sent_away(self, route: Route, scope: Scope) -> bool:
        """Whether the page isn't for their kind, though the door's permission is theirs."""
        if scope is Scope.STAFF:
            return not (self.sees_everything and self._may_as_staff(route))
        return scope in (Scope.PERSON, Scope.SHOP) and not self.roles

    def _reaches(self, scope: Scope, estate: str) -> bool:
        """Whether it is theirs, apart from what they are inside a seller."""
        if scope in (Scope.MARKET, Scope.NONE, Scope.PERSON, Scope.STAFF):
            return True
        if scope in _BUYERS and self.buys == estate:
            return True
        return scope not in (Scope.BUYER, Scope.SHOP) and self.sees_everything

    def _may_as_staff(self, route: Route) -> bool:
        """Whether it is their work. They shop here, too, and what a buyer may do is for their own
        things alone."""
        held = self.roles & {Role.SUPPORT, Role.OPERATOR}
        return bool(held) and (route.permission is None or may(held, route.permission))


_BUYERS = (Scope.BUYER, Scope.RECEIPT, Scope.ORDER)
_TRADED = (Scope.SELLER, Scope.MEMBERS, Scope.RECEIPT, Scope.ORDER)
_SELLERS = (Scope.SELLER, Scope.MEMBERS, Scope.ORDER, Scope.SHOP)
