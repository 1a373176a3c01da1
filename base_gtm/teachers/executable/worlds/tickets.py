"""A desk for support tickets, which go from open to closed by lawful steps."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Annotated, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import Like, Of, Refused, Result, Wrong, pick, tool

Severity = Literal["minor", "major", "critical"]
Status = Literal["open", "in progress", "waiting", "resolved", "closed"]

_STEPS: dict[Status, tuple[Status, ...]] = {
    "open": ("in progress", "closed"),
    "in progress": ("waiting", "resolved"),
    "waiting": ("in progress",),
    "resolved": ("in progress", "closed"),
    "closed": (),
}
"""Status -> those that may follow it."""
_TEAM = ("amira", "jonas", "mei", "tomasz")
_TITLES = (
    "Cannot log in after password reset",
    "Invoice shows wrong VAT",
    "App crashes when opening settings",
    "Export to CSV is empty",
    "Emails arrive twice",
    "Search is very slow",
    "Payment page times out",
    "Dark mode unreadable",
)
_REMARKS = (
    "I can reproduce this on my machine.",
    "Customer says it started yesterday.",
    "Logs attached.",
    "A fix is on the way.",
    "Any news?",
)


@dataclass
class Comment:
    """What somebody wrote on a ticket."""

    author: str
    text: str


@dataclass
class Ticket:
    """A customer's trouble."""

    title: str
    severity: Severity
    status: Status = "open"
    assignee: str | None = None
    comments: list[Comment] = field(default_factory=list)


@dataclass
class Desk:
    """Tickets by number; none is ever thrown away."""

    tickets: dict[str, Ticket] = field(default_factory=dict)

    @classmethod
    def start(cls, rng: Random) -> Desk:
        desk = cls()
        for title in rng.sample(_TITLES, 3):
            severity: Severity = rng.choice(("minor", "major", "critical"))
            desk.add(Ticket(title, severity, assignee=rng.choice((None, *_TEAM))))
        return desk

    def add(self, ticket: Ticket) -> str:
        """Number a ticket."""
        number = f"TCK-{1001 + len(self.tickets)}"
        self.tickets[number] = ticket
        return number


TicketNumber = Annotated[
    str,
    Field(pattern="^TCK-[0-9]{4,6}$", description="Ticket number"),
    Of(lambda desk, rng: rng.choice(sorted(desk.tickets) or [None])),
    Wrong(pick("TCK-0001", "TCK-0404")),
]
OpenTicket = Annotated[
    str,
    Field(pattern="^TCK-[0-9]{4,6}$", description="Number of a ticket that is not closed"),
    Of(lambda desk, rng: rng.choice([one for one, held in desk.tickets.items() if held.status != "closed"] or [None])),
    Wrong(pick("TCK-0001", "TCK-0404")),
]
Agent = Annotated[
    str,
    Field(pattern="^[a-z]{2,20}$", description="Agent of the team: amira, jonas, mei or tomasz"),
    Like(pick(*_TEAM)),
    Wrong(pick("nobody", "root", "zoltan")),
]


class OpenedTicket(Result):
    ticket: str = Field(description="Number of the new ticket")
    status: Status = Field(description="Where it stands")
    unassigned: int = Field(description="Tickets that are not closed and belong to nobody")


@tool(
    "Support",
    "Tickets",
    "Open a {severity} ticket: {title}.",
    "A customer reports: {title}. Please file it as {severity}.",
)
def open_ticket(
    state: Desk,
    title: Annotated[
        str, Field(min_length=3, max_length=120, description="The trouble in one line"), Like(pick(*_TITLES))
    ],
    severity: Annotated[Severity, Field(description="How bad it is"), Like(pick("minor", "major", "critical"))],
) -> OpenedTicket:
    """File a new ticket; it is open and belongs to nobody."""
    number = state.add(Ticket(title, severity))
    unassigned = sum(one.assignee is None and one.status != "closed" for one in state.tickets.values())
    return OpenedTicket(ticket=number, status="open", unassigned=unassigned)


class Assignment(Result):
    ticket: str = Field(description="Ticket number")
    assignee: str = Field(description="Agent to whom it belongs now")
    previous: str | None = Field(description="Agent to whom it belonged before")


@tool("Support", "Tickets", "Give {ticket} to {agent}.", "{agent} takes over {ticket}.")
def assign_ticket(state: Desk, ticket: OpenTicket, agent: Agent) -> Assignment:
    """Give a ticket that is not closed to an agent of the team."""
    found = _unclosed(state, ticket)
    if agent not in _TEAM:
        raise Refused(f"parameter 'agent': '{agent}' is not in the team; agents are {', '.join(_TEAM)}")
    if found.assignee == agent:
        raise Refused(f"parameter 'agent': {ticket} belongs to {agent} already; name another agent")
    previous, found.assignee = found.assignee, agent
    return Assignment(ticket=ticket, assignee=agent, previous=previous)


class Remark(Result):
    author: str = Field(description="Who wrote it")
    text: str = Field(description="What was written")


class CommentCount(Result):
    ticket: str = Field(description="Ticket number")
    comments: int = Field(description="Comments on the ticket now")


@tool(
    "Support",
    "Tickets",
    "Comment on {ticket} as {author}: {text}",
    "{author} adds to {ticket}: '{text}'",
)
def comment_on_ticket(
    state: Desk,
    ticket: OpenTicket,
    author: Annotated[
        str, Field(min_length=2, max_length=40, description="Who writes"), Like(pick("amira", "jonas", "customer"))
    ],
    text: Annotated[str, Field(min_length=1, max_length=500, description="What is written"), Like(pick(*_REMARKS))],
) -> CommentCount:
    """Add a comment to a ticket that is not closed."""
    found = _unclosed(state, ticket)
    found.comments.append(Comment(author, text))
    return CommentCount(ticket=ticket, comments=len(found.comments))


class Transition(Result):
    ticket: str = Field(description="Ticket number")
    before: Status = Field(description="Status until now")
    after: Status = Field(description="Status from now on")
    possible_next: list[Status] = Field(description="Statuses that may follow")


@tool("Support", "Workflow", "Set {ticket} to {status}.", "{ticket} is now {status}, please update it.")
def change_ticket_status(
    state: Desk,
    ticket: OpenTicket,
    status: Annotated[
        Status,
        Field(description="New status"),
        Like(pick("in progress", "in progress", "waiting", "resolved", "closed", "open")),
    ],
) -> Transition:
    """Take a ticket a step further: open to in progress or closed, in progress to waiting or resolved, waiting to in
    progress, resolved to closed or back in progress. Work begins only on a ticket that belongs to an agent.
    """
    found = _ticket(state, ticket)
    possible = _STEPS[found.status]
    if status not in possible:
        ways = " or ".join(possible) or "nothing, for a closed ticket stays closed"
        raise Refused(f"parameter 'status': {ticket} cannot go from {found.status} to {status}; it can go to {ways}")
    if status == "in progress" and found.assignee is None:
        raise Refused(f"parameter 'status': {ticket} belongs to nobody and cannot be {status}; assign it first")
    before, found.status = found.status, status
    return Transition(ticket=ticket, before=before, after=status, possible_next=list(_STEPS[status]))


class TicketView(Result):
    ticket: str = Field(description="Ticket number")
    title: str = Field(description="The trouble in one line")
    severity: Severity = Field(description="How bad it is")
    status: Status = Field(description="Where it stands")
    assignee: str | None = Field(description="Agent to whom it belongs")
    comments: list[Remark] = Field(description="Comments, oldest first")


@tool("Support", "Search", "Show me {ticket}.", "What is the story of {ticket}?")
def ticket_details(state: Desk, ticket: TicketNumber) -> TicketView:
    """A ticket with all its comments."""
    found = _ticket(state, ticket)
    return TicketView(
        ticket=ticket,
        title=found.title,
        severity=found.severity,
        status=found.status,
        assignee=found.assignee,
        comments=[Remark(author=one.author, text=one.text) for one in found.comments],
    )


class TicketLine(Result):
    ticket: str = Field(description="Ticket number")
    title: str = Field(description="The trouble in one line")
    severity: Severity = Field(description="How bad it is")
    status: Status = Field(description="Where it stands")
    assignee: str | None = Field(description="Agent to whom it belongs")


class TicketLines(Result):
    tickets: list[TicketLine] = Field(description="Tickets found, by number")


@tool(
    "Support",
    "Search",
    "List all tickets.",
    "Which tickets are {status}?",
    "Is there a ticket about '{text}'?",
    "Find tickets with '{text}' that are {status}.",
)
def search_tickets(
    state: Desk,
    text: Annotated[
        str | None,
        Field(min_length=1, max_length=60, description="Part of the title, small and capital letters alike"),
        Like(pick("log in", "invoice", "slow", "time", "is", "app"), 0.4),
    ] = None,
    status: Annotated[
        Status | None, Field(description="Status it must have"), Like(pick("open", "in progress", "resolved"), 0.4)
    ] = None,
) -> TicketLines:
    """Tickets whose title contains a text and that have a status; without either, all of them."""
    found = [
        TicketLine(ticket=one, title=held.title, severity=held.severity, status=held.status, assignee=held.assignee)
        for one, held in state.tickets.items()
        if (text is None or text.lower() in held.title.lower()) and status in (None, held.status)
    ]
    return TicketLines(tickets=found)


class AgentLoad(Result):
    agent: str = Field(description="Agent of the team")
    tickets: int = Field(description="Tickets of the agent that are not closed")


class Workload(Result):
    agents: list[AgentLoad] = Field(description="Every agent of the team, by name")
    unassigned: int = Field(description="Tickets that are not closed and belong to nobody")
    critical: int = Field(description="Critical tickets that are neither resolved nor closed")


@tool("Support", "Workflow", "Who has how many tickets?", "Show me the workload of the support team.")
def team_workload(state: Desk) -> Workload:
    """Tickets that are not closed, by agent, and how many critical ones are unsolved."""
    alive = [one for one in state.tickets.values() if one.status != "closed"]
    held = Counter(one.assignee for one in alive)
    critical = sum(one.severity == "critical" and one.status != "resolved" for one in alive)
    agents = [AgentLoad(agent=agent, tickets=held[agent]) for agent in _TEAM]
    return Workload(agents=agents, unassigned=held[None], critical=critical)


def _ticket(desk: Desk, number: str) -> Ticket:
    if number not in desk.tickets:
        known = ", ".join(desk.tickets)
        raise Refused(f"parameter 'ticket': there is no ticket '{number}'; there are {known or 'none yet'}")
    return desk.tickets[number]


def _unclosed(desk: Desk, number: str) -> Ticket:
    ticket = _ticket(desk, number)
    if ticket.status == "closed":
        raise Refused(f"parameter 'ticket': {number} is closed and takes no changes; open a new ticket")
    return ticket
