"""A lending library: books are borrowed, returned and reserved."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Annotated

from pydantic import Field

from base_gtm.teachers.executable.kit import Like, Of, Refused, Result, Wrong, pick, tool

_SHELF = {
    "Dune": "Frank Herbert",
    "Emma": "Jane Austen",
    "Beloved": "Toni Morrison",
    "Solaris": "Stanislaw Lem",
    "Middlemarch": "George Eliot",
    "Kindred": "Octavia Butler",
    "Ficciones": "Jorge Luis Borges",
    "The Trial": "Franz Kafka",
}
_MOST = 3
"""Books that a member may have at a time."""


@dataclass
class Library:
    """Copies on the shelf, loans by member, and who waits for which book."""

    copies: dict[str, int]
    loans: dict[str, list[str]] = field(default_factory=dict)
    waiting: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def start(cls, rng: Random) -> Library:
        lent, *titles = rng.sample(sorted(_SHELF), 4)
        return cls({lent: 0} | {title: rng.randint(1, 2) for title in titles}, {"M-350": [lent]})


class Shelf(Result):
    title: str = Field(description="The book")
    author: str = Field(description="Who wrote it")
    copies: int = Field(description="Copies on the shelf")
    waiting: int = Field(description="Members who have reserved it")


class Catalogue(Result):
    books: list[Shelf] = Field(description="Every book that the library owns, by title")


@tool("Libraries", "Catalogue", "Which books do you have?", "Show me the catalogue of the library.")
def list_books(state: Library) -> Catalogue:
    """Every book of the library with the copies on the shelf and the members who wait for one."""
    books = [
        Shelf(title=title, author=_SHELF[title], copies=left, waiting=len(state.waiting.get(title, ())))
        for title, left in sorted(state.copies.items())
    ]
    return Catalogue(books=books)


Member = Annotated[
    str, Field(pattern="^M-[0-9]{3}$", description="Member's number"), Like(pick("M-104", "M-217", "M-350"))
]


class Loan(Result):
    title: str = Field(description="The book")
    copies_left: int = Field(description="Copies still on the shelf")
    loans: int = Field(description="Books that the member has now")


@tool("Libraries", "Lending", "I am {member} and would like to borrow {title}.", "Lend {title} to {member}, please.")
def borrow_book(
    state: Library,
    member: Member,
    title: Annotated[
        str,
        Field(min_length=1, max_length=60, description="Title as in the catalogue"),
        Of(lambda library, rng: rng.choice(sorted(library.copies))),
        Wrong(pick("The Winds of Winter", "Untitled Draft")),
    ],
) -> Loan:
    """Lend a copy of a book; three books a member at most, none twice, and copies are kept for who reserved first."""
    mine = state.loans.get(member, [])
    _owned(state, title)
    if title in mine:
        raise Refused(f"parameter 'title': {member} has '{title}' already; choose another book")
    if len(mine) == _MOST:
        raise Refused(f"parameter 'member': {member} has {_MOST} books already; return one of {', '.join(mine)}")
    queue = state.waiting.get(title, [])
    ahead = queue.index(member) if member in queue else len(queue)
    if state.copies[title] == 0:
        raise Refused(f"parameter 'title': every copy of '{title}' is lent; reserve it or wait until one is returned")
    if state.copies[title] <= ahead:
        raise Refused(f"parameter 'title': '{title}' is kept for {queue[0]}, who reserved it; reserve it as well")
    if member in queue:
        queue.remove(member)
    state.copies[title] -= 1
    state.loans[member] = [*mine, title]
    return Loan(title=title, copies_left=state.copies[title], loans=len(mine) + 1)


@tool("Libraries", "Lending", "{member} brings back {title}.", "Please book the return of {title} for {member}.")
def return_book(
    state: Library,
    member: Annotated[
        str,
        Field(pattern="^M-[0-9]{3}$", description="Member's number"),
        Of(lambda library, rng: _borrower(library)),
    ],
    title: Annotated[
        str,
        Field(min_length=1, max_length=60, description="Title as in the catalogue"),
        Of(lambda library, rng: rng.choice(library.loans.get(_borrower(library)) or [None])),
        Wrong(pick("The Winds of Winter", "Untitled Draft")),
    ],
) -> Loan:
    """Take back a book that a member has."""
    mine = state.loans.get(member, [])
    if title not in mine:
        has = f"has {', '.join(mine)}" if mine else "has no books"
        raise Refused(f"parameter 'title': {member} does not have '{title}' and {has}; name the member who borrowed it")
    mine.remove(title)
    state.copies[title] += 1
    return Loan(title=title, copies_left=state.copies[title], loans=len(mine))


class Reservation(Result):
    title: str = Field(description="The book")
    place: int = Field(description="Place in the queue, 1 is next")
    waiting: int = Field(description="Members who wait for it now")


@tool(
    "Libraries",
    "Lending",
    "Put {member} on the waiting list for {title}.",
    "All copies of {title} are out. Could you reserve it for me? My number is {member}.",
)
def reserve_book(
    state: Library,
    member: Member,
    title: Annotated[
        str,
        Field(min_length=1, max_length=60, description="Title as in the catalogue"),
        Of(lambda library, rng: rng.choice([one for one, left in library.copies.items() if left == 0] or [None])),
        Wrong(pick("The Winds of Winter", "Untitled Draft")),
    ],
) -> Reservation:
    """Put a member at the end of the queue for a book of which no copy is free."""
    _owned(state, title)
    queue = state.waiting.get(title, [])
    if title in state.loans.get(member, []):
        raise Refused(f"parameter 'title': {member} has '{title}' at home; reserve a book that another member has")
    if member in queue:
        raise Refused(f"parameter 'member': {member} waits for '{title}' already, at place {queue.index(member) + 1}")
    if state.copies[title] > len(queue):
        raise Refused(f"parameter 'title': '{title}' is on the shelf; borrow it with borrow_book")
    state.waiting[title] = [*queue, member]
    return Reservation(title=title, place=len(queue) + 1, waiting=len(queue) + 1)


class Account(Result):
    books: list[str] = Field(description="Books that the member has, first borrowed first")
    reserved: list[str] = Field(description="Books that the member waits for, by title")
    may_borrow: int = Field(description="Books that the member may borrow beyond those")


@tool("Libraries", "Members", "What has {member} borrowed?", "Which books do I still have? I am {member}.")
def list_member_loans(state: Library, member: Member) -> Account:
    """What a member has borrowed and reserved; a member may have three books at a time."""
    mine = state.loans.get(member, [])
    reserved = sorted(title for title, queue in state.waiting.items() if member in queue)
    return Account(books=mine, reserved=reserved, may_borrow=_MOST - len(mine))


def _borrower(library: Library) -> str | None:
    """The member with the most books."""
    most = max(library.loans, key=lambda one: len(library.loans[one]), default=None)
    return most if library.loans.get(most or "") else None


def _owned(state: Library, title: str) -> None:
    if title not in state.copies:
        raise Refused(f"parameter 'title': the library has no '{title}'; list_books names what it has")
