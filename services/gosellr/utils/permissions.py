"""Who may do what: roles are sets of named permissions, and every operation names one.

A permission says what kind of thing a caller may do at all; whose things they are is decided
by the scope of the query, so that a seller's `order.read` reads that seller's parts only.
"""

from collections.abc import Iterable
from enum import StrEnum


class Role(StrEnum):
    """The kind of a caller; a person may hold several, nobody signed in is a guest."""

    GUEST = "guest"
    BUYER = "buyer"
    SELLER = "seller"
    SUPPORT = "support"
    OPERATOR = "operator"
    SERVICE = "service"


class MemberRole(StrEnum):
    """What a member is inside a seller."""

    OWNER = "owner"
    MANAGER = "manager"
    FULFILMENT = "fulfilment"
    FINANCE = "finance"
    VIEWER = "viewer"


class Permission(StrEnum):
    """Everything an operation can ask for, as noun and verb."""

    HEALTH_READ = "health.read"
    METRICS_READ = "metrics.read"
    MARKETPLACE_READ = "marketplace.read"
    GATEWAY_NOTIFY = "gateway.notify"

    ACCOUNT_CREATE = "account.create"
    ACCOUNT_RECOVER = "account.recover"
    ACCOUNT_READ = "account.read"
    ACCOUNT_UPDATE = "account.update"
    ACCOUNT_EXPORT = "account.export"
    ACCOUNT_ERASE = "account.erase"
    SESSION_CREATE = "session.create"
    SESSION_READ = "session.read"
    SESSION_END = "session.end"
    API_KEY_READ = "api_key.read"
    API_KEY_WRITE = "api_key.write"
    NOTIFICATION_READ = "notification.read"
    NOTIFICATION_UPDATE = "notification.update"
    USER_READ = "user.read"
    USER_WRITE = "user.write"

    PRODUCT_READ = "product.read"
    PRODUCT_CREATE = "product.create"
    PRODUCT_UPDATE = "product.update"
    PRODUCT_SUBMIT = "product.submit"
    PRODUCT_ARCHIVE = "product.archive"
    PRODUCT_APPROVE = "product.approve"
    PRODUCT_REJECT = "product.reject"
    MEDIA_CREATE = "media.create"
    CATEGORY_READ = "category.read"
    CATEGORY_WRITE = "category.write"
    STOCK_READ = "stock.read"
    STOCK_ADJUST = "stock.adjust"
    IMPORT_READ = "import.read"
    IMPORT_RUN = "import.run"

    CART_READ = "cart.read"
    CART_WRITE = "cart.write"
    ORDER_CREATE = "order.create"
    ORDER_READ = "order.read"
    ORDER_PAY = "order.pay"
    ORDER_UPDATE = "order.update"
    ORDER_CANCEL = "order.cancel"
    SHIPMENT_READ = "shipment.read"
    SHIPMENT_CREATE = "shipment.create"
    SHIPMENT_UPDATE = "shipment.update"
    REFUND_READ = "refund.read"
    REFUND_CREATE = "refund.create"
    GIFT_CARD_READ = "gift_card.read"
    GIFT_CARD_ISSUE = "gift_card.issue"
    GIFT_CARD_DEACTIVATE = "gift_card.deactivate"
    GIFT_CARD_CHECK = "gift_card.check"
    STORE_CREDIT_READ = "store_credit.read"
    STORE_CREDIT_GRANT = "store_credit.grant"
    STORE_CREDIT_GIVE = "store_credit.give"
    RETURN_READ = "return.read"
    RETURN_CREATE = "return.create"
    RETURN_DECIDE = "return.decide"

    SELLER_READ = "seller.read"
    SELLER_REGISTER = "seller.register"
    SELLER_UPDATE = "seller.update"
    SELLER_APPROVE = "seller.approve"
    SELLER_REJECT = "seller.reject"
    SELLER_SUSPEND = "seller.suspend"
    SELLER_REINSTATE = "seller.reinstate"
    MEMBER_READ = "member.read"
    MEMBER_WRITE = "member.write"
    ANALYTICS_READ = "analytics.read"
    SCORECARD_READ = "scorecard.read"

    BALANCE_READ = "balance.read"
    TRANSACTION_READ = "transaction.read"
    STATEMENT_READ = "statement.read"
    PAYOUT_READ = "payout.read"
    PAYOUT_CREATE = "payout.create"
    PAYOUT_APPROVE = "payout.approve"
    PAYOUT_RETRY = "payout.retry"
    PAYOUT_CANCEL = "payout.cancel"
    PAYOUT_ACCOUNT_READ = "payout_account.read"
    PAYOUT_ACCOUNT_WRITE = "payout_account.write"
    RECOVERY_READ = "recovery.read"
    RECOVERY_WRITE = "recovery.write"
    RESERVE_READ = "reserve.read"
    RESERVE_WRITE = "reserve.write"
    BANK_FILE_READ = "bank_file.read"
    BANK_FILE_WRITE = "bank_file.write"
    LEDGER_READ = "ledger.read"
    LEDGER_ADJUST = "ledger.adjust"
    LEDGER_APPROVE = "ledger.approve"
    PROPOSAL_READ = "proposal.read"
    PROPOSAL_DECIDE = "proposal.decide"
    RECONCILIATION_READ = "reconciliation.read"
    RECONCILIATION_RUN = "reconciliation.run"
    RECONCILIATION_DECIDE = "reconciliation.decide"
    COMMISSION_READ = "commission.read"
    COMMISSION_WRITE = "commission.write"
    COMMISSION_SIMULATE = "commission.simulate"
    PROMOTION_READ = "promotion.read"
    PROMOTION_WRITE = "promotion.write"
    SHIPPING_READ = "shipping.read"
    SHIPPING_WRITE = "shipping.write"
    TAX_READ = "tax.read"
    TAX_WRITE = "tax.write"
    TAX_IDENTITY_READ = "tax_identity.read"
    TAX_IDENTITY_WRITE = "tax_identity.write"
    LETTERHEAD_READ = "letterhead.read"
    LETTERHEAD_WRITE = "letterhead.write"

    REVIEW_READ = "review.read"
    REVIEW_CREATE = "review.create"
    REVIEW_VOTE = "review.vote"
    REVIEW_REPORT = "review.report"
    REVIEW_REPLY = "review.reply"
    REVIEW_MODERATE = "review.moderate"
    DISPUTE_READ = "dispute.read"
    DISPUTE_CREATE = "dispute.create"
    DISPUTE_MESSAGE = "dispute.message"
    DISPUTE_ACCEPT = "dispute.accept"
    DISPUTE_ESCALATE = "dispute.escalate"
    DISPUTE_DECIDE = "dispute.decide"
    RISK_READ = "risk.read"
    RISK_DECIDE = "risk.decide"

    EVENT_READ = "event.read"
    WEBHOOK_READ = "webhook.read"
    WEBHOOK_WRITE = "webhook.write"
    SETTINGS_READ = "settings.read"
    SETTINGS_WRITE = "settings.write"
    JOB_READ = "job.read"
    JOB_RETRY = "job.retry"
    LETTER_READ = "letter.read"
    LETTER_RESEND = "letter.resend"
    AUDIT_READ = "audit.read"


P = Permission

PUBLIC_PERMISSIONS = frozenset(
    {
        P.HEALTH_READ, P.MARKETPLACE_READ, P.PRODUCT_READ, P.CATEGORY_READ, P.SELLER_READ,
        P.REVIEW_READ, P.ACCOUNT_CREATE, P.ACCOUNT_RECOVER, P.SESSION_CREATE, P.GIFT_CARD_CHECK,
        # A gateway has no account with us: its signature is what it is known by.
        P.GATEWAY_NOTIFY,
    }
)  # fmt: skip
_OWN_ACCOUNT = frozenset(
    {
        P.ACCOUNT_READ, P.ACCOUNT_UPDATE, P.ACCOUNT_EXPORT, P.ACCOUNT_ERASE, P.SESSION_READ,
        P.SESSION_END, P.NOTIFICATION_READ, P.NOTIFICATION_UPDATE,
    }
)  # fmt: skip
_SHOPPING = frozenset(
    {P.CART_READ, P.CART_WRITE, P.ORDER_CREATE, P.ORDER_PAY, P.RETURN_CREATE, P.REVIEW_CREATE,
     P.DISPUTE_CREATE}
)  # fmt: skip
# What the token of a cart or of an order opens to a guest who holds it.
_GUEST_ORDER = frozenset(
    {P.ORDER_READ, P.ORDER_CANCEL, P.SHIPMENT_READ, P.REFUND_READ, P.RETURN_READ, P.DISPUTE_READ,
     P.DISPUTE_MESSAGE, P.DISPUTE_ACCEPT, P.DISPUTE_ESCALATE}
)  # fmt: skip
# Things only a buyer does in their own name, so that an operator can't do them for somebody.
_AS_BUYER = _SHOPPING | {P.REVIEW_VOTE, P.SELLER_REGISTER}

_FULFILLING = frozenset(
    {
        P.PRODUCT_READ, P.STOCK_READ, P.STOCK_ADJUST, P.ORDER_READ, P.ORDER_UPDATE,
        P.SHIPMENT_READ, P.SHIPMENT_CREATE, P.SHIPMENT_UPDATE, P.RETURN_READ, P.RETURN_DECIDE,
        P.REFUND_READ, P.SHIPPING_READ, P.DISPUTE_READ, P.DISPUTE_MESSAGE, P.LETTERHEAD_READ,
    }
)  # fmt: skip
_SELLER_BOOKS = frozenset(
    {
        P.ORDER_READ, P.REFUND_READ, P.BALANCE_READ, P.TRANSACTION_READ, P.STATEMENT_READ,
        P.PAYOUT_READ, P.COMMISSION_READ, P.TAX_READ, P.ANALYTICS_READ, P.LETTERHEAD_READ,
    }
)  # fmt: skip
_SELLING = (
    _FULFILLING
    | _SELLER_BOOKS
    | {
        P.PRODUCT_CREATE, P.PRODUCT_UPDATE, P.PRODUCT_SUBMIT, P.PRODUCT_ARCHIVE, P.MEDIA_CREATE,
        P.IMPORT_READ, P.IMPORT_RUN, P.ORDER_CANCEL, P.REFUND_CREATE, P.SELLER_UPDATE,
        P.MEMBER_READ, P.SCORECARD_READ, P.PROMOTION_READ, P.PROMOTION_WRITE, P.SHIPPING_WRITE,
        P.REVIEW_REPLY, P.REVIEW_REPORT, P.DISPUTE_ACCEPT, P.DISPUTE_ESCALATE,
        P.WEBHOOK_READ, P.WEBHOOK_WRITE, P.AUDIT_READ, P.LETTERHEAD_WRITE,
    }
)  # fmt: skip
# Where the money goes and who is let in: the owner's, and the payout's also finance's. What is
# given away beside a sale leaves the shop as a payout does.
_OWNING = frozenset(
    {P.MEMBER_WRITE, P.API_KEY_READ, P.API_KEY_WRITE, P.PAYOUT_CREATE, P.PAYOUT_ACCOUNT_READ,
     P.PAYOUT_ACCOUNT_WRITE, P.STORE_CREDIT_GIVE, P.TAX_IDENTITY_READ, P.TAX_IDENTITY_WRITE}
)  # fmt: skip
_SECRETS = frozenset({P.API_KEY_READ, P.PAYOUT_ACCOUNT_READ, P.TAX_IDENTITY_READ})
_OPERATOR_ONLY_READS = _SECRETS | {
    P.CART_READ, P.LEDGER_READ, P.RECONCILIATION_READ, P.EVENT_READ, P.METRICS_READ,
    P.WEBHOOK_READ, P.SETTINGS_READ, P.JOB_READ, P.AUDIT_READ,
    P.BANK_FILE_READ, P.LETTER_READ, P.PROPOSAL_READ,
}  # fmt: skip
_ALL_READS = frozenset(permission for permission in P if permission.endswith(".read"))

_OF_EVERYONE = PUBLIC_PERMISSIONS | _OWN_ACCOUNT

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.GUEST: PUBLIC_PERMISSIONS | _SHOPPING | _GUEST_ORDER,
    Role.BUYER: _OF_EVERYONE
    | _SHOPPING
    | _GUEST_ORDER
    | {P.ORDER_UPDATE, P.MEDIA_CREATE, P.TRANSACTION_READ, P.REVIEW_VOTE, P.REVIEW_REPORT}
    | {P.SELLER_REGISTER},
    Role.SELLER: _OF_EVERYONE | _SELLING | _OWNING,
    Role.SUPPORT: _OF_EVERYONE
    | (_ALL_READS - _OPERATOR_ONLY_READS)
    | {P.REVIEW_MODERATE, P.DISPUTE_MESSAGE},
    Role.OPERATOR: frozenset(P) - _AS_BUYER,
    Role.SERVICE: PUBLIC_PERMISSIONS
    | {P.EVENT_READ, P.ORDER_READ, P.METRICS_READ, P.WEBHOOK_READ, P.WEBHOOK_WRITE},
}

MEMBER_PERMISSIONS: dict[MemberRole, frozenset[Permission]] = {
    MemberRole.OWNER: _SELLING | _OWNING,
    MemberRole.MANAGER: _SELLING,
    MemberRole.FULFILMENT: _FULFILLING,
    MemberRole.FINANCE: _SELLER_BOOKS
    | {P.REFUND_CREATE, P.PAYOUT_CREATE, P.PAYOUT_ACCOUNT_READ, P.DISPUTE_READ}
    | {P.STORE_CREDIT_GIVE},
    MemberRole.VIEWER: frozenset((_SELLING & _ALL_READS) - _SECRETS),
}

# What a seller may put into an API key: the daily work, never people, keys or payouts.
API_KEY_PERMISSIONS: frozenset[Permission] = _SELLING - {P.MEMBER_READ, P.AUDIT_READ}


def may(roles: Iterable[Role], permission: Permission) -> bool:
    """Tell whether any of the roles has the permission; without a role, a guest's count.

    This is the question of the door, answered before anything is read. Inside a seller,
    `may_as_member` has to agree as well.
    """
    held = frozenset(roles) or {Role.GUEST}
    return any(permission in ROLE_PERMISSIONS[role] for role in held)


def may_as_member(member_role: MemberRole, permission: Permission) -> bool:
    """Tell whether a member of a seller may do this with that seller's things.

    Public things and the member's own account belong to nobody's seller: `may` alone decides.
    """
    return permission in MEMBER_PERMISSIONS[member_role]
