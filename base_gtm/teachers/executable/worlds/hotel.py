"""A small hotel: rooms are booked, guests check in, have extras, pay and leave."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field

from base_gtm.teachers.executable.kit import Like, Of, Refused, Result, Wrong, day, pick, tool, whole

RoomKind = Literal["single", "double", "suite"]
Status = Literal["booked", "checked in", "checked out", "cancelled"]
Extra = Literal["breakfast", "minibar", "parking", "laundry"]


class Room(NamedTuple):
    kind: RoomKind
    cents: int
    """Price of a night from Sunday to Thursday."""


_ROOMS = {
    "101": Room("single", 8000),
    "102": Room("single", 8000),
    "201": Room("double", 12000),
    "202": Room("double", 12000),
    "301": Room("suite", 21000),
}
_EXTRAS: dict[Extra, int] = {"breakfast": 1400, "minibar": 650, "parking": 1200, "laundry": 900}
_WEEKEND = frozenset({4, 5})
"""Friday and Saturday."""
_LONGEST = 30
"""Nights of a stay."""
_GUESTS = ("Ines Moreau", "Oskar Lind", "Yara Haddad", "Tom Becker", "Lucia Rossi", "Ken Sato")


@dataclass
class Charge:
    """Extras that a guest had, in cents."""

    extra: Extra
    quantity: int
    cents: int


@dataclass
class Booking:
    """A guest's stay in one room."""

    guest: str
    room: str
    arrival: date
    departure: date
    status: Status = "booked"
    charges: list[Charge] = field(default_factory=list)


@dataclass
class Hotel:
    """Every booking ever made, by number."""

    bookings: dict[str, Booking] = field(default_factory=dict)

    @classmethod
    def start(cls, rng: Random) -> Hotel:
        hotel = cls()
        first, second = rng.sample(_GUESTS, 2)
        stays: tuple[tuple[str, str, Status], ...] = ((first, "201", "checked in"), (second, "101", "booked"))
        for guest, room, status in stays:
            arrival = date(2025, 7, rng.randint(1, 6))
            hotel.add(Booking(guest, room, arrival, arrival + timedelta(days=rng.randint(1, 4)), status))
        return hotel

    def add(self, booking: Booking) -> str:
        """Number a booking."""
        number = f"BKG-{1001 + len(self.bookings)}"
        self.bookings[number] = booking
        return number

    def free(self, room: str, arrival: date, departure: date) -> bool:
        """Whether nobody has a room in any night of a stay."""
        return not any(
            one.room == room
            and one.status in ("booked", "checked in")
            and arrival < one.departure
            and one.arrival < departure
            for one in self.bookings.values()
        )

    def having(self, *statuses: Status) -> list[str]:
        """Numbers of the bookings with one of these statuses."""
        return [number for number, one in self.bookings.items() if one.status in statuses]


def _stay(rng: Random) -> dict[str, Any]:
    arrival = date(2025, 7, rng.randint(1, 12))
    return {"arrival": arrival.isoformat(), "departure": (arrival + timedelta(days=rng.randint(1, 5))).isoformat()}


_NUMBER = Field(pattern="^BKG-[0-9]{4,6}$", description="Booking number")
_NEVER = Wrong(pick("BKG-0007", "BKG-0999"))
AnyBooking = Annotated[str, _NUMBER, Of(lambda hotel, rng: rng.choice(sorted(hotel.bookings) or [None])), _NEVER]
Expected = Annotated[str, _NUMBER, Of(lambda hotel, rng: rng.choice(hotel.having("booked") or [None])), _NEVER]
Present = Annotated[str, _NUMBER, Of(lambda hotel, rng: rng.choice(hotel.having("checked in") or [None])), _NEVER]
Arrival = Annotated[
    date,
    Field(ge=date(2000, 1, 1), le=date(2099, 12, 31), description="Day of arrival"),
    Like(day("2025-07-01", "2025-07-12")),
]
Departure = Annotated[
    date,
    Field(ge=date(2000, 1, 1), le=date(2099, 12, 31), description="Day of departure, 1 to 30 nights later"),
    Like(day("2025-07-13", "2025-07-16")),
    Wrong(pick("2000-01-01")),
]


class Offer(Result):
    room: str = Field(description="Room number")
    kind: RoomKind = Field(description="Sort of room")
    price: float = Field(description="Price of the whole stay in euros")


class Offers(Result):
    nights: int = Field(description="Nights of the stay")
    offers: list[Offer] = Field(description="Rooms that are free in all of them, by number")


@tool(
    "Hospitality",
    "Rooms",
    "Which rooms are free from {arrival} to {departure}?",
    "Do you have a {kind} room from {arrival} to {departure}, and what would it cost?",
    together=_stay,
)
def check_availability(
    state: Hotel,
    arrival: Arrival,
    departure: Departure,
    kind: Annotated[
        RoomKind | None,
        Field(description="Sort of room; every sort if not given"),
        Like(pick("single", "double", "suite"), 0.4),
    ] = None,
) -> Offers:
    """Rooms that are free for a stay. A night costs 80.00 in a single (101, 102), 120.00 in a double (201, 202) and
    210.00 in a suite (301), and 20 % more from Friday to Saturday and from Saturday to Sunday.
    """
    nights = _nights(arrival, departure)
    offers = [
        Offer(room=number, kind=room.kind, price=_lodging(number, nights) / 100)
        for number, room in _ROOMS.items()
        if kind in (None, room.kind) and state.free(number, arrival, departure)
    ]
    return Offers(nights=len(nights), offers=offers)


class Confirmation(Result):
    booking: str = Field(description="Booking number")
    room: str = Field(description="Room number")
    nights: int = Field(description="Nights of the stay")
    price: float = Field(description="Price of the stay without extras, in euros")


@tool(
    "Hospitality",
    "Bookings",
    "Book a {kind} room for {guest} from {arrival} to {departure}.",
    "{guest} arrives on {arrival}, leaves on {departure} and wants a {kind}. Please reserve it.",
    together=_stay,
)
def book_room(
    state: Hotel,
    guest: Annotated[str, Field(min_length=2, max_length=60, description="Guest's name"), Like(pick(*_GUESTS))],
    kind: Annotated[RoomKind, Field(description="Sort of room"), Like(pick("single", "double", "suite"))],
    arrival: Arrival,
    departure: Departure,
) -> Confirmation:
    """Book the free room of a sort that has the lowest number. Prices are those of check_availability."""
    nights = _nights(arrival, departure)
    rooms = [one for one, room in _ROOMS.items() if room.kind == kind and state.free(one, arrival, departure)]
    if not rooms:
        raise Refused(f"parameter 'kind': no {kind} is free from {arrival} to {departure}; see check_availability")
    number = state.add(Booking(guest, rooms[0], arrival, departure))
    return Confirmation(booking=number, room=rooms[0], nights=len(nights), price=_lodging(rooms[0], nights) / 100)


class BookingLine(Result):
    booking: str = Field(description="Booking number")
    guest: str = Field(description="Guest's name")
    room: str = Field(description="Room number")
    arrival: date = Field(description="Day of arrival")
    departure: date = Field(description="Day of departure")
    status: Status = Field(description="Where the booking stands")


class BookingList(Result):
    bookings: list[BookingLine] = Field(description="Bookings by number")


@tool("Hospitality", "Bookings", "List all bookings.", "Which bookings are {status}?", "Show me the booking sheet.")
def list_bookings(
    state: Hotel,
    status: Annotated[
        Status | None, Field(description="Status; every one if not given"), Like(pick("booked", "checked in"), 0.4)
    ] = None,
) -> BookingList:
    """Bookings with guest, room and dates."""
    lines = [
        BookingLine(
            booking=number,
            guest=one.guest,
            room=one.room,
            arrival=one.arrival,
            departure=one.departure,
            status=one.status,
        )
        for number, one in state.bookings.items()
        if status in (None, one.status)
    ]
    return BookingList(bookings=lines)


class CheckIn(Result):
    booking: str = Field(description="Booking number")
    guest: str = Field(description="Guest's name")
    room: str = Field(description="Room number")
    free_rooms: int = Field(description="Rooms in which nobody is checked in now")


@tool("Hospitality", "Front desk", "{booking} is here, check them in.", "Check in the guest with booking {booking}.")
def check_in_guest(state: Hotel, booking: Expected) -> CheckIn:
    """Check in a guest whose room nobody else is in."""
    known = _booking(state, booking, "booked")
    inside = {state.bookings[one].room: one for one in state.having("checked in")}
    if known.room in inside:
        raise Refused(f"parameter 'booking': room {known.room} is taken by {inside[known.room]}; check that one out")
    known.status = "checked in"
    return CheckIn(booking=booking, guest=known.guest, room=known.room, free_rooms=len(_ROOMS) - len(inside) - 1)


class ExtraCharge(Result):
    amount: float = Field(description="Amount charged now, in euros")
    extras: float = Field(description="All extras of the booking, in euros")


@tool(
    "Hospitality",
    "Front desk",
    "Charge {quantity} x {extra} to {booking}.",
    "{booking} had {extra}. Put it on the bill.",
)
def charge_extra(
    state: Hotel,
    booking: Present,
    extra: Annotated[
        Extra, Field(description="What the guest had"), Like(pick("breakfast", "minibar", "parking", "laundry"))
    ],
    quantity: Annotated[int, Field(ge=1, le=20, description="How many"), Like(whole(1, 4), 0.7)] = 1,
) -> ExtraCharge:
    """Charge extras to a guest who is checked in: breakfast 14.00, minibar 6.50, parking 12.00, laundry 9.00 each."""
    known = _booking(state, booking, "checked in")
    cents = quantity * _EXTRAS[extra]
    known.charges.append(Charge(extra, quantity, cents))
    return ExtraCharge(amount=cents / 100, extras=_extras(known) / 100)


class BillLine(Result):
    extra: Extra = Field(description="What the guest had")
    quantity: int = Field(description="How many")
    amount: float = Field(description="Price of them in euros")


class Bill(Result):
    guest: str = Field(description="Guest's name")
    nights: int = Field(description="Nights of the stay")
    lodging: float = Field(description="Price of the room in euros")
    extras: list[BillLine] = Field(description="Extras in the order in which they were charged")
    total: float = Field(description="Room and extras together, in euros")


@tool("Hospitality", "Front desk", "What does {booking} owe so far?", "Show me the bill of {booking}.")
def guest_bill(state: Hotel, booking: AnyBooking) -> Bill:
    """The bill of a booking that is not cancelled: the whole stay and the extras so far."""
    known = _booking(state, booking, "booked", "checked in", "checked out")
    nights = _nights(known.arrival, known.departure)
    lodging = _lodging(known.room, nights)
    return Bill(
        guest=known.guest,
        nights=len(nights),
        lodging=lodging / 100,
        extras=[BillLine(extra=one.extra, quantity=one.quantity, amount=one.cents / 100) for one in known.charges],
        total=(lodging + _extras(known)) / 100,
    )


class CheckOut(Result):
    booking: str = Field(description="Booking number")
    room: str = Field(description="Room that is free again")
    paid: float = Field(description="Room and extras together, in euros")


@tool("Hospitality", "Front desk", "{booking} is leaving.", "Check out {booking} and settle the bill.")
def check_out_guest(state: Hotel, booking: Present) -> CheckOut:
    """Check out a guest, who pays the whole stay and the extras."""
    known = _booking(state, booking, "checked in")
    known.status = "checked out"
    total = _lodging(known.room, _nights(known.arrival, known.departure)) + _extras(known)
    return CheckOut(booking=booking, room=known.room, paid=total / 100)


class CancelledBooking(Result):
    booking: str = Field(description="Booking number")
    fee: float = Field(description="What the guest has to pay, in euros")


@tool("Hospitality", "Bookings", "Cancel {booking}, today is {day}.", "On {day} the guest of {booking} called it off.")
def cancel_booking(
    state: Hotel,
    booking: Expected,
    day: Annotated[date, Field(description="Day of the cancellation"), Like(day("2025-06-25", "2025-07-08"))],
) -> CancelledBooking:
    """Cancel a booking before check-in: free up to two days before arrival, later for the price of the first night."""
    known = _booking(state, booking, "booked")
    known.status = "cancelled"
    late = (known.arrival - day).days < 2
    return CancelledBooking(booking=booking, fee=_lodging(known.room, [known.arrival]) / 100 if late else 0.0)


def _booking(hotel: Hotel, number: str, *statuses: Status) -> Booking:
    if number not in hotel.bookings:
        raise Refused(f"parameter 'booking': there is no booking '{number}'; there are {', '.join(hotel.bookings)}")
    booking = hotel.bookings[number]
    if booking.status not in statuses:
        wanted = " or ".join(statuses)
        raise Refused(f"parameter 'booking': {number} is {booking.status}; this needs a booking that is {wanted}")
    return booking


def _nights(arrival: date, departure: date) -> list[date]:
    """The day on which each night begins."""
    count = (departure - arrival).days
    if not 1 <= count <= _LONGEST:
        raise Refused(
            f"parameter 'departure': {departure} is {count} nights after {arrival}; a stay has 1 to {_LONGEST} nights"
        )
    return [arrival + timedelta(days=night) for night in range(count)]


def _lodging(room: str, nights: list[date]) -> int:
    """In cents; nights from Friday and Saturday cost 20 % more."""
    return sum(_ROOMS[room].cents * (120 if night.weekday() in _WEEKEND else 100) // 100 for night in nights)


def _extras(booking: Booking) -> int:
    return sum(charge.cents for charge in booking.charges)
