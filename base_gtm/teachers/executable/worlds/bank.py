"""A bank: accounts are opened, used and closed."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Annotated, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import Like, Of, Refused, Result, Wrong, money, pick, tool, whole

Kind = Literal["current", "savings"]
Movement = Literal["opening", "deposit", "withdrawal", "transfer in", "transfer out", "interest"]

_OWNERS = ("Amara Okafor", "Bruno Costa", "Chloe Martin", "Dev Patel", "Elif Kaya", "Finn Larsen")
_OVERDRAFT = {"current": 50_000, "savings": 0}
"""Cents that an account may be below zero."""
_BASIS_POINTS = 240
"""Yearly interest on savings, in hundredths of a percent."""


@dataclass
class Entry:
    """A line of a statement; a payment out is negative."""

    kind: Movement
    cents: int


@dataclass
class Account:
    """An open account."""

    owner: str
    kind: Kind
    entries: list[Entry]

    @property
    def cents(self) -> int:
        """The balance."""
        return sum(entry.cents for entry in self.entries)

    @property
    def available(self) -> int:
        """Balance and overdraft together."""
        return self.cents + _OVERDRAFT[self.kind]


@dataclass
class Bank:
    """Open accounts by number."""

    accounts: dict[str, Account] = field(default_factory=dict)
    opened: int = 0

    @classmethod
    def start(cls, rng: Random) -> Bank:
        bank = cls()
        kinds: tuple[Kind, ...] = ("current", "savings", "current")
        for owner, kind in zip(rng.sample(_OWNERS, 3), kinds, strict=True):
            bank.add(owner, kind, 1000 * rng.randrange(5, 150))
        return bank

    def savings(self) -> list[str]:
        """Numbers of the savings accounts."""
        return [number for number, account in self.accounts.items() if account.kind == "savings"]

    def add(self, owner: str, kind: Kind, cents: int) -> str:
        """Open an account and give its number."""
        self.opened += 1
        number = f"ACC-{1000 + self.opened}"
        self.accounts[number] = Account(owner, kind, [Entry("opening", cents)])
        return number


AccountNumber = Annotated[
    str,
    Field(pattern="^ACC-[0-9]{4,6}$", description="Account number"),
    Of(lambda bank, rng: rng.choice(sorted(bank.accounts) or [None])),
    Wrong(pick("ACC-0417", "ACC-0001")),
]
Amount = Annotated[float, Field(ge=0.01, le=1e6, description="Amount in euros"), Like(money(10, 2000))]


class OpenedAccount(Result):
    account: str = Field(description="Number of the new account")
    balance: float = Field(description="Balance in euros")
    available: float = Field(description="Balance and overdraft together, in euros")


@tool(
    "Banking",
    "Accounts",
    "Open a {kind} account for {owner} with {first_deposit} euros.",
    "{owner} would like a {kind} account and pays in {first_deposit} at once.",
)
def open_account(
    state: Bank,
    owner: Annotated[str, Field(min_length=2, max_length=60, description="Holder's name"), Like(pick(*_OWNERS))],
    kind: Annotated[Kind, Field(description="Sort of account"), Like(pick("current", "savings"))],
    first_deposit: Annotated[float, Field(ge=0, le=1e6, description="Paid in at once, euros"), Like(money(50, 5000))],
) -> OpenedAccount:
    """Open an account. A current account may be overdrawn by 500.00 euros, a savings account not at all."""
    number = state.add(owner, kind, _cents(first_deposit))
    account = state.accounts[number]
    return OpenedAccount(account=number, balance=account.cents / 100, available=account.available / 100)


class AccountLine(Result):
    account: str = Field(description="Account number")
    owner: str = Field(description="Holder's name")
    kind: Kind = Field(description="Sort of account")
    balance: float = Field(description="Balance in euros")


class AccountList(Result):
    accounts: list[AccountLine] = Field(description="Open accounts by number")
    total: float = Field(description="Their balances together, in euros")


@tool("Banking", "Accounts", "List all accounts.", "Which accounts are open?", "Show me the {kind} accounts.")
def list_accounts(
    state: Bank,
    kind: Annotated[
        Kind | None, Field(description="Sort of account; both if not given"), Like(pick("current", "savings"), 0.3)
    ] = None,
) -> AccountList:
    """Open accounts with holder and balance."""
    found = {number: one for number, one in state.accounts.items() if kind in (None, one.kind)}
    lines = [
        AccountLine(account=number, owner=one.owner, kind=one.kind, balance=one.cents / 100)
        for number, one in found.items()
    ]
    return AccountList(accounts=lines, total=sum(one.cents for one in found.values()) / 100)


class Balance(Result):
    account: str = Field(description="Account number")
    balance: float = Field(description="Balance after it, in euros")
    available: float = Field(description="Balance and overdraft together, in euros")


@tool("Banking", "Payments", "Pay {amount} euros into {account}.", "Deposit {amount} to account {account}, please.")
def deposit_money(state: Bank, account: AccountNumber, amount: Amount) -> Balance:
    """Pay cash into an account."""
    return _booked(account, _account(state, account, "account"), "deposit", _cents(amount))


@tool("Banking", "Payments", "Take {amount} euros out of {account}.", "I need {amount} in cash from {account}.")
def withdraw_money(state: Bank, account: AccountNumber, amount: Amount) -> Balance:
    """Pay cash out of an account; a current account may go down to -500.00 euros, a savings account to zero."""
    held = _account(state, account, "account")
    _covered(account, held, amount)
    return _booked(account, held, "withdrawal", -_cents(amount))


class Transfer(Result):
    amount: float = Field(description="Amount moved, in euros")
    source_balance: float = Field(description="Balance of the paying account after it, in euros")
    target_balance: float = Field(description="Balance of the receiving account after it, in euros")


@tool(
    "Banking",
    "Payments",
    "Transfer {amount} from {source} to {target}.",
    "Please move {amount} euros to {target}; take them from {source}.",
)
def transfer_money(
    state: Bank,
    source: Annotated[
        str,
        Field(pattern="^ACC-[0-9]{4,6}$", description="Account that pays"),
        Of(lambda bank, rng: rng.choice(sorted(bank.accounts)[::2] or [None])),
        Wrong(pick("ACC-0417", "ACC-0001")),
    ],
    target: Annotated[
        str,
        Field(pattern="^ACC-[0-9]{4,6}$", description="Account that receives"),
        Of(lambda bank, rng: rng.choice(sorted(bank.accounts)[1::2] or [None])),
        Wrong(pick("ACC-0417", "ACC-0001")),
    ],
    amount: Amount,
) -> Transfer:
    """Move money from one account to another; the paying account may be overdrawn as with a withdrawal."""
    payer, payee = _account(state, source, "source"), _account(state, target, "target")
    if source == target:
        raise Refused(f"parameter 'target': {target} is the paying account itself; name another account")
    _covered(source, payer, amount)
    cents = _cents(amount)
    payer.entries.append(Entry("transfer out", -cents))
    payee.entries.append(Entry("transfer in", cents))
    return Transfer(amount=cents / 100, source_balance=payer.cents / 100, target_balance=payee.cents / 100)


class StatementLine(Result):
    number: int = Field(description="Number of the movement, from 1")
    kind: Movement = Field(description="Sort of movement")
    amount: float = Field(description="Amount in euros; negative is paid out")
    balance: float = Field(description="Balance after it, in euros")


class Statement(Result):
    owner: str = Field(description="Holder's name")
    lines: list[StatementLine] = Field(description="Movements, oldest first")
    paid_in: float = Field(description="Sum of the positive amounts shown, in euros")
    paid_out: float = Field(description="Sum of the negative amounts shown, without the sign, in euros")
    balance: float = Field(description="Balance now, in euros")


@tool(
    "Banking",
    "Accounts",
    "Print a statement of {account}.",
    "What has happened on {account}?",
    "Show me the last {last} movements on {account}.",
)
def account_statement(
    state: Bank,
    account: AccountNumber,
    last: Annotated[int, Field(ge=1, le=100, description="Newest movements to show"), Like(whole(1, 5), 0.4)] = 10,
) -> Statement:
    """The newest movements on an account with the balance after each."""
    held = _account(state, account, "account")
    lines, balance = [], 0
    for number, entry in enumerate(held.entries, 1):
        balance += entry.cents
        lines.append(
            StatementLine(number=number, kind=entry.kind, amount=entry.cents / 100, balance=balance / 100),
        )
    shown = [entry.cents for entry in held.entries[-last:]]
    return Statement(
        owner=held.owner,
        lines=lines[-last:],
        paid_in=sum(cents for cents in shown if cents > 0) / 100,
        paid_out=-sum(cents for cents in shown if cents < 0) / 100,
        balance=held.cents / 100,
    )


class InterestCredit(Result):
    account: str = Field(description="Account number")
    interest: float = Field(description="Interest credited, in euros")
    balance: float = Field(description="Balance after it, in euros")


@tool(
    "Banking",
    "Savings",
    "Credit {days} days of interest to {account}.",
    "How much interest does {account} earn for {days} days? Book it, please.",
)
def credit_interest(
    state: Bank,
    account: Annotated[
        str,
        Field(pattern="^ACC-[0-9]{4,6}$", description="Number of a savings account"),
        Of(lambda bank, rng: rng.choice(bank.savings() or [None])),
        Wrong(pick("ACC-0417", "ACC-0001")),
    ],
    days: Annotated[int, Field(ge=1, le=366, description="Days that are paid for"), Like(pick(30, 31, 90, 91, 365))],
) -> InterestCredit:
    """Credit simple interest on the balance of a savings account: 2.40 % a year, days/365, half a cent rounded up."""
    held = _account(state, account, "account")
    if held.kind != "savings":
        raise Refused(
            f"parameter 'account': {account} is a {held.kind} account and earns nothing; name a savings account"
        )
    year = 365 * 10_000
    cents = (2 * held.cents * _BASIS_POINTS * days + year) // (2 * year)
    booked = _booked(account, held, "interest", cents)
    return InterestCredit(account=account, interest=cents / 100, balance=booked.balance)


class ClosedAccount(Result):
    account: str = Field(description="Number of the account that is no more")
    paid_out: float = Field(description="Balance that was paid out, in euros")
    accounts_left: int = Field(description="Accounts that are still open")


@tool("Banking", "Accounts", "Close {account} and pay out what is on it.", "Please close the account {account}.")
def close_account(state: Bank, account: AccountNumber) -> ClosedAccount:
    """Close an account that is not overdrawn and pay out its balance."""
    cents = _account(state, account, "account").cents
    if cents < 0:
        raise Refused(f"parameter 'account': {account} is overdrawn by {-cents / 100:.2f}; pay that in first")
    del state.accounts[account]
    return ClosedAccount(account=account, paid_out=cents / 100, accounts_left=len(state.accounts))


def _cents(amount: float) -> int:
    return round(100 * amount)


def _account(bank: Bank, number: str, parameter: str) -> Account:
    if number not in bank.accounts:
        known = ", ".join(sorted(bank.accounts)) or "none"
        raise Refused(f"parameter '{parameter}': there is no open account '{number}'; open accounts: {known}")
    return bank.accounts[number]


def _covered(number: str, account: Account, amount: float) -> None:
    if _cents(amount) > account.available:
        raise Refused(
            f"parameter 'amount': {amount:.2f} is more than the {account.available / 100:.2f} available on {number}"
        )


def _booked(number: str, account: Account, kind: Movement, cents: int) -> Balance:
    account.entries.append(Entry(kind, cents))
    return Balance(account=number, balance=account.cents / 100, available=account.available / 100)
