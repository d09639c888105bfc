"""People and sellers to test with, made through the services themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from gosellr.core.db import Connection
from gosellr.core.identity import new_secret
from gosellr.core.transact import transact
from gosellr.resources import Resources
from gosellr.services import account_service, seller_member_service, seller_service
from gosellr.services.account_service import Device
from gosellr.services.seller_service import SellerStep
from gosellr.utils.permissions import MemberRole, Role
from gosellr.utils.viewer import Viewer


@dataclass(frozen=True, slots=True)
class User:
    """Somebody with an account, and their viewer when it was made."""

    id: UUID
    email: str
    name: str
    roles: frozenset[Role]

    @property
    def viewer(self) -> Viewer:
        """As a viewer without any seller."""
        return Viewer(user_id=self.id, roles=self.roles, name=self.name, email=self.email)


@dataclass(frozen=True, slots=True)
class TestSeller:
    """An active seller, its owner, and the default place of its goods."""

    __test__ = False

    id: UUID
    name: str
    owner: User
    location_id: UUID

    @property
    def viewer(self) -> Viewer:
        """Its owner as a viewer."""
        return Viewer(
            user_id=self.owner.id,
            roles=self.owner.roles | {Role.SELLER},
            memberships={self.id: MemberRole.OWNER},
            name=self.owner.name,
            email=self.owner.email,
        )


async def make_user(
    connection: Connection,
    *,
    now: datetime,
    email: str | None = None,
    name: str = "Ada Buyer",
    roles: Sequence[Role] = (Role.BUYER,),
) -> User:
    """An account that can't sign in by password; use `bearer` to call as its owner."""
    address = email or f"user-{uuid4().hex}@example.com"
    account = await account_service.register_account(
        connection, email=address, name=name, password_hash="", now=now, roles=roles
    )
    return User(account.id, address, name, account.roles)


async def make_operator(connection: Connection, *, now: datetime, email: str | None = None) -> User:
    """Somebody who runs the market."""
    return await make_user(
        connection, now=now, email=email, name="Olga Operator", roles=(Role.BUYER, Role.OPERATOR)
    )


async def make_support(connection: Connection, *, now: datetime) -> User:
    """Somebody who helps and looks, and changes nothing."""
    return await make_user(
        connection, now=now, name="Sam Support", roles=(Role.BUYER, Role.SUPPORT)
    )


async def make_seller(
    connection: Connection,
    *,
    now: datetime,
    name: str = "Blue Lamp",
    owner: User | None = None,
    status: str = "active",
) -> TestSeller:
    """A seller that was approved, or `applied` only, or `suspended` since."""
    owner = owner or await make_user(connection, now=now, name=f"Owner of {name}")
    seller_id = await seller_service.create_seller(
        connection,
        viewer=owner.viewer,
        name=name,
        legal_name=f"{name} GmbH",
        email=owner.email,
        country="DE",
        description="",
        approval="manual" if status == "applied" else "auto",
        now=now,
    )
    if status == "suspended":
        await seller_service.move_seller(
            connection,
            viewer=Viewer(roles=frozenset({Role.OPERATOR})),
            seller_id=seller_id,
            step=SellerStep.SUSPEND,
            reason="for a test",
            now=now,
        )
    location_id: UUID = await connection.fetchval(
        "SELECT id FROM stock_location WHERE seller_id = $1 AND is_default", seller_id
    )
    return TestSeller(seller_id, name, owner, location_id)


async def add_member(
    connection: Connection, *, now: datetime, seller: TestSeller, role: MemberRole
) -> User:
    """Somebody new who acts for the seller."""
    user = await make_user(connection, now=now, name=f"{role} of {seller.name}")
    await seller_member_service.add_member(
        connection,
        viewer=seller.viewer,
        seller_id=seller.id,
        email=user.email,
        role=role,
        now=now,
    )
    return user


async def bearer(resources: Resources, user: User) -> dict[str, str]:
    """Headers that call as this person: a session of theirs, opened now, and its token."""
    now = resources.clock.now()
    session = await transact(
        resources.db,
        account_service.open_session,
        user_id=user.id,
        token=new_secret(),
        checked_hash="",
        device=Device(),
        now=now,
    )
    pair = await resources.sign_in.pair_for(session, refresh_token=new_secret(), now=now)
    return {"Authorization": f"Bearer {pair.access_token}"}
