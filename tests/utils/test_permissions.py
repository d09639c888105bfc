import re

import pytest

from gosellr.utils.permissions import (
    API_KEY_PERMISSIONS,
    MEMBER_PERMISSIONS,
    PUBLIC_PERMISSIONS,
    ROLE_PERMISSIONS,
    MemberRole,
    Permission,
    Role,
    may,
    may_as_member,
)
from gosellr.utils.proposals import SECOND_PERSON_PERMISSIONS, ProposalKind

P = Permission
AS_BUYER = {
    P.CART_READ,
    P.CART_WRITE,
    P.ORDER_CREATE,
    P.ORDER_PAY,
    P.RETURN_CREATE,
    P.REVIEW_CREATE,
    P.REVIEW_VOTE,
    P.DISPUTE_CREATE,
    P.SELLER_REGISTER,
}


def test_every_role_is_defined_and_every_permission_held_by_somebody() -> None:
    assert set(ROLE_PERMISSIONS) == set(Role)
    assert set(MEMBER_PERMISSIONS) == set(MemberRole)
    assert frozenset().union(*ROLE_PERMISSIONS.values()) == set(P)


def test_permissions_are_noun_and_verb() -> None:
    for permission in P:
        assert re.fullmatch(r"[a-z_]+\.[a-z]+", permission)
        assert permission.name == permission.value.replace(".", "_").upper()


def test_operator_does_everything_but_act_as_buyer() -> None:
    assert set(P) - ROLE_PERMISSIONS[Role.OPERATOR] == AS_BUYER


def test_support_reads_moderates_reviews_and_speaks_in_cases() -> None:
    writes = {one for one in ROLE_PERMISSIONS[Role.SUPPORT] if not one.endswith(".read")}
    own_account = {
        P.ACCOUNT_UPDATE, P.ACCOUNT_EXPORT, P.ACCOUNT_ERASE, P.SESSION_END, P.NOTIFICATION_UPDATE,
    }  # fmt: skip
    assert writes - PUBLIC_PERMISSIONS - own_account == {P.REVIEW_MODERATE, P.DISPUTE_MESSAGE}
    assert not may([Role.SUPPORT], P.LEDGER_READ)
    assert not may([Role.SUPPORT], P.PAYOUT_ACCOUNT_READ)
    assert not may([Role.SUPPORT], P.TAX_IDENTITY_READ)
    assert may([Role.SUPPORT], P.ORDER_READ)


@pytest.mark.parametrize("role", Role)
def test_public_things_are_open_to_everybody(role: Role) -> None:
    assert ROLE_PERMISSIONS[role] >= PUBLIC_PERMISSIONS


@pytest.mark.parametrize("role", [Role.GUEST, Role.BUYER, Role.SELLER, Role.SUPPORT, Role.SERVICE])
def test_powers_of_the_operator_are_nobody_elses(role: Role) -> None:
    powers = {
        P.SELLER_APPROVE, P.SELLER_SUSPEND, P.PRODUCT_APPROVE, P.CATEGORY_WRITE, P.LEDGER_READ,
        P.LEDGER_ADJUST, P.LEDGER_APPROVE, P.RECOVERY_WRITE, P.RESERVE_WRITE, P.BANK_FILE_READ,
        P.BANK_FILE_WRITE, P.COMMISSION_WRITE, P.TAX_WRITE, P.PAYOUT_APPROVE,
        P.GIFT_CARD_ISSUE, P.GIFT_CARD_DEACTIVATE, P.STORE_CREDIT_GRANT,
        P.DISPUTE_DECIDE, P.RISK_DECIDE, P.USER_WRITE, P.SETTINGS_WRITE, P.LETTER_READ,
        P.LETTER_RESEND,
    }  # fmt: skip
    assert not powers & ROLE_PERMISSIONS[role]


@pytest.mark.parametrize("role", [Role.GUEST, Role.BUYER])
def test_who_only_buys_touches_no_shop(role: Role) -> None:
    assert not ROLE_PERMISSIONS[role] & {
        P.PRODUCT_CREATE, P.STOCK_ADJUST, P.STOCK_READ, P.SHIPMENT_CREATE, P.REFUND_CREATE,
        P.BALANCE_READ, P.ANALYTICS_READ, P.IMPORT_RUN,
    }  # fmt: skip


def test_a_guest_with_an_order_token_does_what_the_contract_says() -> None:
    for permission in (
        P.ORDER_READ, P.ORDER_PAY, P.ORDER_CANCEL, P.RETURN_CREATE, P.REVIEW_CREATE,
        P.DISPUTE_CREATE,
    ):  # fmt: skip
        assert may([], permission)
    assert not may([], P.ACCOUNT_READ)
    assert not may([], P.ORDER_UPDATE)


def test_events_are_for_operator_and_service() -> None:
    readers = {role for role in Role if may([role], P.EVENT_READ)}
    assert readers == {Role.OPERATOR, Role.SERVICE}


def test_roles_add_up() -> None:
    assert not may([Role.SELLER], P.ORDER_CREATE)
    assert may([Role.SELLER, Role.BUYER], P.ORDER_CREATE)
    assert may([Role.SELLER, Role.BUYER], P.STOCK_ADJUST)


def test_members_never_exceed_their_seller() -> None:
    for permissions in MEMBER_PERMISSIONS.values():
        assert permissions <= MEMBER_PERMISSIONS[MemberRole.OWNER]
        assert permissions <= ROLE_PERMISSIONS[Role.SELLER]


def test_what_each_member_role_is_for() -> None:
    owner, manager, fulfilment, finance, viewer = MemberRole
    for permission in (P.MEMBER_WRITE, P.PAYOUT_ACCOUNT_WRITE, P.API_KEY_WRITE):
        assert [role for role in MemberRole if may_as_member(role, permission)] == [owner]
    assert may_as_member(manager, P.PRODUCT_CREATE)
    assert may_as_member(fulfilment, P.SHIPMENT_CREATE)
    assert not may_as_member(fulfilment, P.BALANCE_READ)
    assert not may_as_member(fulfilment, P.REFUND_CREATE)
    assert may_as_member(finance, P.PAYOUT_CREATE)
    assert not may_as_member(finance, P.PRODUCT_UPDATE)
    assert all(permission.endswith(".read") for permission in MEMBER_PERMISSIONS[viewer])
    assert may_as_member(viewer, P.ORDER_READ)


def test_an_api_key_handles_no_people_keys_or_payouts() -> None:
    assert P.STOCK_ADJUST in API_KEY_PERMISSIONS
    assert not API_KEY_PERMISSIONS & {
        P.MEMBER_READ, P.MEMBER_WRITE, P.API_KEY_READ, P.API_KEY_WRITE, P.PAYOUT_CREATE,
        P.PAYOUT_ACCOUNT_READ, P.PAYOUT_ACCOUNT_WRITE,
    }  # fmt: skip


def test_what_takes_two_is_proposed_and_decided_by_operators_alone() -> None:
    assert set(SECOND_PERSON_PERMISSIONS) == set(ProposalKind)
    for permission in {P.PROPOSAL_DECIDE, *SECOND_PERSON_PERMISSIONS.values()}:
        assert may([Role.OPERATOR], permission)
        assert not may([Role.SUPPORT], permission)
