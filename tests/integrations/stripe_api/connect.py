"""The side of an account at Stripe that faces sellers: their accounts, and what is sent to them.

A transfer takes from what is available here, as long as a test says how much that is, and a
reversal from what the seller's account still has.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.integrations.stripe_api.account import Account, Document, StripeSays, refuse

WANTED = ("external_account", "tos_acceptance.date")


@dataclass
class Sellers:
    """Sellers' accounts before one account at Stripe. `available` is None where all is covered."""

    account: Account
    available: dict[str, int] | None = None
    accounts: dict[str, Document] = field(default_factory=dict)
    reversals: dict[str, Document] = field(default_factory=dict)
    links: list[Document] = field(default_factory=list)
    balances: dict[tuple[str, str], int] = field(default_factory=dict)

    def acts(self, name: str, form: Document, words: list[str]) -> Callable[[], Document] | None:
        """What an operation does here; None for those of others."""
        last, before = words[-1], words[-2]
        return {
            "post /v1/accounts": lambda: self.open(form),
            "get /v1/accounts/{account}": lambda: self.permitted(last),
            "post /v1/account_links": lambda: self.link(form),
            "post /v1/transfers": lambda: self.send(form),
            "get /v1/transfers/{transfer}": lambda: self.found(self.account.transfers, last),
            "post /v1/transfers/{id}/reversals": lambda: self.take_back(
                self.found(self.account.transfers, before), form
            ),
        }.get(name)

    @staticmethod
    def found(rows: dict[str, Document], name: str) -> Document:
        """A row by its name."""
        if name not in rows:
            raise StripeSays(404, "invalid_request_error", "resource_missing")
        return rows[name]

    def permitted(self, name: str) -> Document:
        """An account that lets the market look at it."""
        if name not in self.accounts:
            raise StripeSays(403, "invalid_request_error", "account_invalid")
        return self.accounts[name]

    def open(self, form: Document) -> Document:
        """An account that nobody has told anything yet."""
        if form["country"] == "XX":
            raise refuse("country_unsupported")
        opened = self.account._new("account", "acct_", metadata=form.get("metadata", {}))
        opened |= {
            "capabilities": {"transfers": "inactive"},
            "charges_enabled": False,
            "country": form["country"],
            "details_submitted": False,
            "email": form.get("email"),
            "payouts_enabled": False,
        }
        self._want(opened, list(WANTED), reason="requirements.past_due")
        self.accounts[opened["id"]] = opened
        return opened

    def link(self, form: Document) -> Document:
        """A page for one visit."""
        self.found(self.accounts, form["account"])
        self.links.append(form)
        number = len(self.links)
        return {
            "object": "account_link",
            "created": int(self.account.clock.now().timestamp()),
            "url": f"https://connect.stripe.com/setup/s/{form['account']}/{number}",
        }

    def tell(self, opened: Document) -> None:
        """The seller says all that is wanted."""
        opened |= {
            "capabilities": {"transfers": "active"}, "details_submitted": True,
            "payouts_enabled": True,
        }  # fmt: skip
        self._want(opened, [], reason=None)
        self._report("account.updated", opened, opened["id"])

    def doubt(self, opened: Document, *wanted: str) -> None:
        """Stripe wants to know more, and holds the money back until it does."""
        opened["payouts_enabled"] = False
        self._want(opened, list(wanted), reason="requirements.past_due")
        self._report("account.updated", opened, opened["id"])

    def leave(self, opened: Document) -> None:
        """The seller takes the market's permission back."""
        self.accounts.pop(opened["id"])
        self._report("account.application.deauthorized", {"id": "ca_1"}, opened["id"])

    def bank(self, opened: Document, amount: int, *, failure: str | None = None) -> None:
        """Stripe pays out to the seller's bank, which takes the money or sends it back."""
        payout = {
            "id": "po_1", "amount": amount, "currency": "eur", "failure_code": failure,
            "object": "payout",
        }  # fmt: skip
        self._report("payout.failed" if failure else "payout.paid", payout, opened["id"])

    def send(self, form: Document) -> Document:
        """Out of what is available, to an account that may receive."""
        destination = self.found(self.accounts, form["destination"])
        if destination["capabilities"]["transfers"] != "active":
            raise refuse("insufficient_capabilities_for_transfer")
        if self.available is not None:
            if form["amount"] > self.available.get(form["currency"], 0):
                raise refuse("balance_insufficient")
            self.available[form["currency"]] -= form["amount"]
        sent = self.account._new("transfer", "tr_", metadata=form.get("metadata", {}))
        sent |= {
            "amount": form["amount"],
            "amount_reversed": 0,
            "currency": form["currency"],
            "destination": form["destination"],
            "reversed": False,
            "transfer_group": form.get("transfer_group"),
        }
        self.account.transfers[sent["id"]] = sent
        self._grow(sent, form["amount"])
        self.account.keep_movement("transfer", -form["amount"], form["currency"], sent)
        self._report("transfer.created", sent)
        return sent

    def take_back(self, sent: Document, form: Document) -> Document:
        """As much as was sent and not taken back, if the account still has it."""
        amount = form.get("amount", sent["amount"] - sent["amount_reversed"])
        if amount < 1 or amount > sent["amount"] - sent["amount_reversed"]:
            raise refuse("transfer_already_reversed")
        if self.balances[sent["destination"], sent["currency"]] < amount:
            raise refuse("balance_insufficient")
        self._grow(sent, -amount)
        sent["amount_reversed"] += amount
        sent["reversed"] = sent["amount_reversed"] == sent["amount"]
        back = self.account._new("transfer", "trr_", metadata=form.get("metadata", {}))
        back |= {"object": "transfer_reversal", "amount": amount, "transfer": sent["id"]}
        self.reversals[back["id"]] = back
        self.account.keep_movement("transfer_refund", amount, sent["currency"], sent)
        self._report("transfer.reversed", sent)
        return back

    def _grow(self, sent: Document, amount: int) -> None:
        place = sent["destination"], sent["currency"]
        self.balances[place] = self.balances.get(place, 0) + amount

    def _want(self, opened: Document, wanted: list[str], *, reason: str | None) -> None:
        opened["requirements"] = {
            "current_deadline": int(self.account.clock.now().timestamp()) + 86_400
            if wanted
            else None,
            "currently_due": wanted,
            "disabled_reason": reason,
            "past_due": wanted[:1],
        }

    def _report(self, kind: str, subject: Document, account: str | None = None) -> None:
        self.account._report(kind, copy.deepcopy(subject))
        if account is not None:
            self.account.events[-1]["account"] = account
