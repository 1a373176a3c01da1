"""A warehouse: goods are received into bins as lots, moved, counted and picked."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Annotated

from pydantic import Field

from base_gtm.teachers.executable.kit import Like, Of, Refused, Result, Wrong, pick, tool, whole

_ITEMS = {
    "BLT-108": "Hex bolt M8",
    "CBL-205": "Network cable 5 m",
    "GLV-310": "Work gloves",
    "LMP-412": "LED lamp 12 W",
    "PMP-520": "Water pump",
    "TPE-606": "Packing tape",
}
_STOCKED = ("BLT-108", "CBL-205", "GLV-310", "LMP-412")
"""Items of which the warehouse has some at the beginning."""
_BINS = ("A1", "A2", "B1", "B2", "C1", "C2")
_CAPACITY = 300
"""Units that a bin holds."""


@dataclass
class Lot:
    """Units of one item that came together and lie in one bin."""

    sku: str
    place: str
    units: int


@dataclass
class Warehouse:
    """Lots by number, oldest first, and the stock at which an item is to be ordered again."""

    lots: dict[str, Lot] = field(default_factory=dict)
    reorder_points: dict[str, int] = field(default_factory=dict)
    received: int = 0

    @classmethod
    def start(cls, rng: Random) -> Warehouse:
        warehouse = cls(reorder_points={sku: 10 * rng.randint(1, 6) for sku in _ITEMS})
        for sku in _STOCKED:
            warehouse.add(Lot(sku, rng.choice(_BINS[:4]), rng.randint(15, 70)))
        return warehouse

    def add(self, lot: Lot) -> str:
        """Number a lot."""
        self.received += 1
        number = f"LOT-{1000 + self.received}"
        self.lots[number] = lot
        return number

    def of(self, sku: str) -> dict[str, Lot]:
        """Lots of an item, oldest first."""
        return {number: lot for number, lot in self.lots.items() if lot.sku == sku}

    def on_hand(self, sku: str) -> int:
        """Units of an item in all bins."""
        return sum(lot.units for lot in self.of(sku).values())

    def used(self, place: str) -> int:
        """Units in a bin."""
        return sum(lot.units for lot in self.lots.values() if lot.place == place)


Sku = Annotated[
    str,
    Field(pattern="^[A-Z]{3}-[0-9]{3}$", description="Item number"),
    Like(pick(*_ITEMS)),
    Wrong(pick("ZZZ-000", "XYZ-999")),
]
StorageBin = Annotated[
    str,
    Field(pattern="^[A-Z][0-9]$", description="Bin: A1, A2, B1, B2, C1 or C2"),
    Like(pick(*_BINS)),
    Wrong(pick("Z9", "A7")),
]
LotNumber = Annotated[
    str,
    Field(pattern="^LOT-[0-9]{4,6}$", description="Lot number"),
    Of(lambda warehouse, rng: rng.choice(sorted(warehouse.lots) or [None])),
    Wrong(pick("LOT-0001", "LOT-0815")),
]
Units = Annotated[int, Field(ge=1, le=_CAPACITY, description="Units"), Like(whole(1, 40))]


class ReceivedLot(Result):
    lot: str = Field(description="Number of the new lot")
    on_hand: int = Field(description="Units of the item in all bins now")
    bin_free: int = Field(description="Units for which the bin still has room")


@tool(
    "Inventory",
    "Receiving",
    "{units} units of {sku} have arrived, put them into {storage_bin}.",
    "Receive {units} x {sku} to bin {storage_bin}.",
)
def receive_goods(state: Warehouse, sku: Sku, units: Units, storage_bin: StorageBin) -> ReceivedLot:
    """Book units of an item into a bin as a new lot; a bin holds 300 units."""
    _item(sku)
    _room(state, storage_bin, units)
    lot = state.add(Lot(sku, storage_bin, units))
    return ReceivedLot(lot=lot, on_hand=state.on_hand(sku), bin_free=_CAPACITY - state.used(storage_bin))


class Grab(Result):
    lot: str = Field(description="Lot that was picked from")
    storage_bin: str = Field(description="Bin in which it lies")
    units: int = Field(description="Units taken from it")


class Picking(Result):
    grabs: list[Grab] = Field(description="What is taken from where, oldest lot first")
    on_hand: int = Field(description="Units of the item that are left in all bins")
    reorder: bool = Field(description="Whether that is the reorder point or less")


@tool("Inventory", "Picking", "Pick {units} of {sku}.", "An order needs {units} units of {sku}. Where do I take them?")
def pick_goods(
    state: Warehouse,
    sku: Annotated[
        str,
        Field(pattern="^[A-Z]{3}-[0-9]{3}$", description="Item number"),
        Of(lambda warehouse, rng: rng.choice(sorted({lot.sku for lot in warehouse.lots.values()}) or [None])),
        Wrong(pick("ZZZ-000", "XYZ-999")),
    ],
    units: Annotated[int, Field(ge=1, le=1000, description="Units to pick"), Like(whole(1, 25))],
) -> Picking:
    """Take units of an item out of the bins, from the oldest lot first; a lot that is used up is gone."""
    _item(sku)
    left = state.on_hand(sku)
    if units > left:
        raise Refused(f"parameter 'units': {units} of {sku} are wanted and {left} are on hand; pick at most that many")
    grabs, missing = [], units
    for number, lot in state.of(sku).items():
        taken = min(missing, lot.units)
        if taken:
            grabs.append(Grab(lot=number, storage_bin=lot.place, units=taken))
            _set(state, number, lot.units - taken)
        missing -= taken
    return Picking(grabs=grabs, on_hand=left - units, reorder=left - units <= state.reorder_points[sku])


class Relocation(Result):
    lot: str = Field(description="The lot")
    moved_from: str = Field(description="Bin in which it lay")
    moved_to: str = Field(description="Bin in which it lies now")
    units: int = Field(description="Units in the lot")


@tool("Inventory", "Storage", "Move {lot} to {storage_bin}.", "Please bring the lot {lot} over to bin {storage_bin}.")
def move_lot(state: Warehouse, lot: LotNumber, storage_bin: StorageBin) -> Relocation:
    """Move a whole lot to another bin that has room for it; a bin holds 300 units."""
    moved = _lot(state, lot)
    if moved.place == storage_bin:
        raise Refused(f"parameter 'storage_bin': {lot} lies in {storage_bin} already; name another bin")
    _room(state, storage_bin, moved.units)
    before, moved.place = moved.place, storage_bin
    return Relocation(lot=lot, moved_from=before, moved_to=storage_bin, units=moved.units)


class LotPlace(Result):
    lot: str = Field(description="Lot number")
    sku: str = Field(description="Item in it")
    storage_bin: str = Field(description="Bin in which it lies")
    units: int = Field(description="Units in it")


class Whereabouts(Result):
    name: str = Field(description="What the item is")
    lots: list[LotPlace] = Field(description="Its lots, oldest first")
    on_hand: int = Field(description="Units in all of them")


@tool("Inventory", "Storage", "Where do we keep {sku}?", "How many {sku} do we have, and in which bins?")
def locate_item(state: Warehouse, sku: Sku) -> Whereabouts:
    """Every lot of an item with its bin and units."""
    name = _item(sku)
    return Whereabouts(name=name, lots=_places(state.of(sku)), on_hand=state.on_hand(sku))


class BinContents(Result):
    lots: list[LotPlace] = Field(description="Lots in the bin, oldest first")
    used: int = Field(description="Units in the bin")
    free: int = Field(description="Units for which it has room")


@tool("Inventory", "Storage", "What is in bin {storage_bin}?", "Show the contents of {storage_bin} and the room left.")
def bin_contents(state: Warehouse, storage_bin: StorageBin) -> BinContents:
    """Every lot in a bin; a bin holds 300 units."""
    _known_bin(storage_bin)
    lots = {number: lot for number, lot in state.lots.items() if lot.place == storage_bin}
    used = state.used(storage_bin)
    return BinContents(lots=_places(lots), used=used, free=_CAPACITY - used)


class CycleCount(Result):
    expected: int = Field(description="Units in the books before the count")
    variance: int = Field(description="Units counted beyond those; negative where some are missing")
    on_hand: int = Field(description="Units of the item in all bins after the count")


@tool("Inventory", "Counting", "I counted {counted} units in {lot}.", "Stocktaking: {lot} really holds {counted}.")
def record_count(
    state: Warehouse,
    lot: LotNumber,
    counted: Annotated[int, Field(ge=0, le=_CAPACITY, description="Units that lie there"), Like(whole(0, 60))],
) -> CycleCount:
    """Correct a lot to the units that were counted; a lot of 0 units is gone."""
    found = _lot(state, lot)
    expected, sku = found.units, found.sku
    if counted > expected:
        _room(state, found.place, counted - expected, "counted")
    _set(state, lot, counted)
    return CycleCount(expected=expected, variance=counted - expected, on_hand=state.on_hand(sku))


class StockLine(Result):
    sku: str = Field(description="Item number")
    name: str = Field(description="What the item is")
    on_hand: int = Field(description="Units in all bins")
    reorder_point: int = Field(description="Stock at which it is to be ordered again")
    low: bool = Field(description="Whether the stock is the reorder point or less")


class StockReport(Result):
    items: list[StockLine] = Field(description="Items by number")
    units: int = Field(description="Units of these items together")


@tool(
    "Inventory",
    "Counting",
    "Give me the stock report.",
    "What do we have in the warehouse?",
    "Only items that run low in the stock report: {only_low}.",
)
def stock_report(
    state: Warehouse,
    only_low: Annotated[
        bool, Field(description="Whether to leave out what is not low"), Like(pick(True, True, False))
    ] = False,
) -> StockReport:
    """Units on hand and reorder point of every item; an item is low at its reorder point or below."""
    shown = [line for line in (_line(state, sku) for sku in _ITEMS) if line.low or not only_low]
    return StockReport(items=shown, units=sum(line.on_hand for line in shown))


def _line(warehouse: Warehouse, sku: str) -> StockLine:
    left, point = warehouse.on_hand(sku), warehouse.reorder_points[sku]
    return StockLine(sku=sku, name=_ITEMS[sku], on_hand=left, reorder_point=point, low=left <= point)


def _item(sku: str) -> str:
    if sku not in _ITEMS:
        raise Refused(f"parameter 'sku': there is no item '{sku}'; items are {', '.join(_ITEMS)}")
    return _ITEMS[sku]


def _lot(warehouse: Warehouse, number: str) -> Lot:
    if number not in warehouse.lots:
        raise Refused(f"parameter 'lot': there is no lot '{number}'; locate_item and bin_contents name those there are")
    return warehouse.lots[number]


def _known_bin(place: str) -> None:
    if place not in _BINS:
        raise Refused(f"parameter 'storage_bin': there is no bin '{place}'; bins are {', '.join(_BINS)}")


def _room(warehouse: Warehouse, place: str, units: int, parameter: str = "storage_bin") -> None:
    _known_bin(place)
    free = _CAPACITY - warehouse.used(place)
    if units > free:
        raise Refused(f"parameter '{parameter}': bin {place} has room for {free} units more and not for {units}")


def _set(warehouse: Warehouse, number: str, units: int) -> None:
    if units:
        warehouse.lots[number].units = units
    else:
        del warehouse.lots[number]


def _places(lots: dict[str, Lot]) -> list[LotPlace]:
    return [LotPlace(lot=number, sku=lot.sku, storage_bin=lot.place, units=lot.units) for number, lot in lots.items()]
