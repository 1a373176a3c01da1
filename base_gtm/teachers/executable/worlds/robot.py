"""A robot on a grid: it drives, senses, carries objects and lives on a battery."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Annotated, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import Like, Of, Part, Refused, Result, Wrong, pick, tool, whole

Heading = Literal["north", "east", "south", "west"]
Cell = tuple[int, int]

_SIZE = 8
_DOCK = (0, 0)
_HEADINGS: tuple[Heading, ...] = ("north", "east", "south", "west")
_STEPS: dict[Heading, Cell] = {"north": (0, 1), "east": (1, 0), "south": (0, -1), "west": (-1, 0)}
_QUARTERS = {"right": 1, "around": 2, "left": 3}
_OBJECTS = ("red ball", "wrench", "battery pack", "blue box", "bottle", "screwdriver")
_HANDS = 2
"""Objects that it can carry."""
_RATE = 2
"""Minutes of charging for a percent."""


@dataclass
class Robot:
    """Where robot, walls and objects are; what it carries is not on the grid. x grows to the east, y to the north."""

    at: Cell = _DOCK
    heading: Heading = "north"
    battery: int = 100
    cargo: list[str] = field(default_factory=list)
    objects: dict[str, Cell] = field(default_factory=dict)
    walls: list[Cell] = field(default_factory=list)

    @classmethod
    def start(cls, rng: Random) -> Robot:
        inner = [(x, y) for x in range(1, _SIZE) for y in range(1, _SIZE)]
        cells = rng.sample(inner, 8)
        objects = {"parcel": _DOCK} | dict(zip(rng.sample(_OBJECTS, 3), cells[:3], strict=True))
        return cls(objects=objects, walls=sorted(cells[3:]))

    @property
    def cost(self) -> int:
        """Percent of battery that a step takes."""
        return 2 if self.cargo else 1

    @property
    def chargeable(self) -> bool:
        """Whether it stands at the dock and is not full."""
        return self.at == _DOCK and self.battery < 100

    def here(self) -> list[str]:
        """Objects on the robot's cell, by name."""
        return sorted(name for name, cell in self.objects.items() if cell == self.at)

    def ahead(self) -> list[Cell]:
        """Free cells in front of it, nearest first."""
        (x, y), (right, up) = self.at, _STEPS[self.heading]
        cells: list[Cell] = []
        while _inside(cell := (x + right * (len(cells) + 1), y + up * (len(cells) + 1))) and cell not in self.walls:
            cells.append(cell)
        return cells


def _inside(cell: Cell) -> bool:
    return all(0 <= one < _SIZE for one in cell)


class Point(Part):
    """A cell of the grid."""

    x: int = Field(ge=0, lt=_SIZE, description="Cells to the east of the west edge, 0 to 7")
    y: int = Field(ge=0, lt=_SIZE, description="Cells to the north of the south edge, 0 to 7")


class Place(Result):
    x: int = Field(description="Cells to the east of the west edge")
    y: int = Field(description="Cells to the north of the south edge")


class Pose(Result):
    position: Place = Field(description="Cell on which the robot stands")
    heading: Heading = Field(description="Where it looks")
    battery: int = Field(description="Charge in percent")
    objects_here: list[str] = Field(description="Objects on its cell, by name")


@tool("Robotics", "Driving", "Drive {steps} cells forward.", "Move ahead by {steps}, please.")
def move_forward(
    state: Robot, steps: Annotated[int, Field(ge=1, le=7, description="Cells to drive"), Like(whole(1, 3))]
) -> Pose:
    """Drive ahead, the whole way or not at all. A cell takes 1 % of the battery, 2 % with something in hand."""
    free = state.ahead()
    if steps > len(free):
        raise Refused(
            f"parameter 'steps': {steps} is too far, for {len(free)} cells to the {state.heading} are free; "
            "drive that far at most or turn"
        )
    _spend(state, steps * state.cost, "steps")
    state.at = free[steps - 1]
    return _pose(state)


@tool("Robotics", "Driving", "Turn {direction}.", "Please turn the robot {direction}.")
def turn_robot(
    state: Robot,
    direction: Annotated[
        Literal["left", "right", "around"], Field(description="Where to turn"), Like(pick("left", "right", "around"))
    ],
) -> Pose:
    """Turn on the spot by a quarter, or around; that takes 1 % of the battery."""
    _spend(state, 1, "direction")
    state.heading = _HEADINGS[(_HEADINGS.index(state.heading) + _QUARTERS[direction]) % 4]
    return _pose(state)


class Trip(Result):
    position: Place = Field(description="Cell on which the robot stands now")
    distance: int = Field(description="Cells that it drove")
    battery: int = Field(description="Charge in percent")
    objects_here: list[str] = Field(description="Objects on its cell, by name")


@tool("Robotics", "Driving", "Drive to {target}.", "Send the robot to the cell {target} by the shortest way.")
def navigate_to(
    state: Robot,
    target: Annotated[
        Point,
        Field(description="Cell to drive to"),
        Of(lambda robot, rng: _point(rng.choice([_DOCK, *sorted(robot.objects.values())]))),
    ],
) -> Trip:
    """Drive by the shortest way around the walls, sideways too, so that the heading stays. A cell takes 1 % of the
    battery, 2 % with something in hand.
    """
    goal = (target.x, target.y)
    distance = _distance(state, goal)
    if distance is None:
        raise Refused(f"parameter 'target': no way leads to x {goal[0]}, y {goal[1]}; choose a cell without a wall")
    _spend(state, distance * state.cost, "target")
    state.at = goal
    return Trip(position=_place(goal), distance=distance, battery=state.battery, objects_here=state.here())


class Cargo(Result):
    carries: list[str] = Field(description="What the robot has in hand, first taken first")
    objects_here: list[str] = Field(description="Objects on its cell, by name")
    battery: int = Field(description="Charge in percent")


@tool("Robotics", "Handling", "Pick up the {name}.", "Take the {name} that lies here.")
def pick_up_object(
    state: Robot,
    name: Annotated[
        str,
        Field(pattern="^[a-z][a-z ]{1,29}$", description="Object on the robot's cell"),
        Of(lambda robot, rng: rng.choice(robot.here() or [None])),
        Wrong(pick("unicorn", "moon rock")),
    ],
) -> Cargo:
    """Take an object from the robot's cell; it carries two at most, and taking one costs 1 % of the battery."""
    if name not in state.here():
        here = ", ".join(state.here()) or "nothing"
        raise Refused(f"parameter 'name': there is no '{name}' on this cell, which holds {here}; drive to it first")
    if len(state.cargo) == _HANDS:
        raise Refused(f"parameter 'name': no hand is free for '{name}'; drop {' or '.join(state.cargo)} first")
    _spend(state, 1, "name")
    del state.objects[name]
    state.cargo.append(name)
    return _load(state)


@tool("Robotics", "Handling", "Put the {name} down.", "Drop the {name} here.")
def drop_object(
    state: Robot,
    name: Annotated[
        str,
        Field(pattern="^[a-z][a-z ]{1,29}$", description="Object in the robot's hands"),
        Of(lambda robot, rng: rng.choice(robot.cargo or [None])),
        Wrong(pick("unicorn", "moon rock")),
    ],
) -> Cargo:
    """Put an object that the robot carries on its cell, which costs 1 % of the battery."""
    if name not in state.cargo:
        cargo = ", ".join(state.cargo) or "nothing"
        raise Refused(f"parameter 'name': the robot does not carry '{name}', it carries {cargo}; name one of those")
    _spend(state, 1, "name")
    state.cargo.remove(name)
    state.objects[name] = state.at
    return _load(state)


class Seen(Result):
    name: str = Field(description="The object")
    position: Place = Field(description="Cell on which it lies")


class GridMap(Result):
    position: Place = Field(description="Cell on which the robot stands")
    heading: Heading = Field(description="Where it looks")
    dock: Place = Field(description="Cell of the charging dock")
    walls: list[Place] = Field(description="Cells that it cannot enter, from west to east")
    objects: list[Seen] = Field(description="Objects on the grid, by name")
    carries: list[str] = Field(description="What it has in hand, first taken first")


@tool("Robotics", "Sensing", "Show me the map.", "Where is the robot, and where is everything else?")
def read_grid_map(state: Robot) -> GridMap:
    """The grid of 8 by 8 cells with robot, dock, walls and objects; x grows to the east and y to the north."""
    return GridMap(
        position=_place(state.at),
        heading=state.heading,
        dock=_place(_DOCK),
        walls=[_place(cell) for cell in state.walls],
        objects=[Seen(name=name, position=_place(cell)) for name, cell in sorted(state.objects.items())],
        carries=list(state.cargo),
    )


class BatteryStatus(Result):
    battery: int = Field(description="Charge in percent")
    range_cells: int = Field(description="Cells that it can drive with that and what it carries")
    cells_to_dock: int = Field(description="Length of the shortest way to the dock")
    reaches_dock: bool = Field(description="Whether the charge suffices for that way")


@tool("Robotics", "Battery", "How is the battery?", "Can the robot still get back to its dock?")
def battery_status(state: Robot) -> BatteryStatus:
    """Charge and range of the robot; a cell takes 1 %, 2 % with something in hand."""
    reach, home = state.battery // state.cost, _distance(state, _DOCK) or 0
    return BatteryStatus(battery=state.battery, range_cells=reach, cells_to_dock=home, reaches_dock=home <= reach)


class Charging(Result):
    battery: int = Field(description="Charge in percent now")
    minutes: int = Field(description="How long that took")


@tool("Robotics", "Battery", "Charge up to {percent} %.", "Recharge the robot until it has {percent} percent.")
def recharge_battery(
    state: Robot,
    percent: Annotated[
        int,
        Field(ge=1, le=100, description="Charge to reach, in percent"),
        Of(
            lambda robot, rng: (
                rng.randint(robot.battery + 1, 100) if robot.at == _DOCK and robot.battery < 100 else None
            )
        ),
    ],
) -> Charging:
    """Charge at the dock, which is at x 0, y 0; a percent takes two minutes."""
    if state.at != _DOCK:
        raise Refused(f"parameter 'percent': the robot is at {state.at} and charges only at the dock; drive to {_DOCK}")
    if percent <= state.battery:
        raise Refused(f"parameter 'percent': the battery has {state.battery} % already; give more than that")
    minutes = _RATE * (percent - state.battery)
    state.battery = percent
    return Charging(battery=percent, minutes=minutes)


def _distance(robot: Robot, goal: Cell) -> int | None:
    """Cells of the shortest way; None where there is none."""
    import networkx

    grid = networkx.grid_2d_graph(_SIZE, _SIZE)
    grid.remove_nodes_from(robot.walls)
    if goal not in grid or not networkx.has_path(grid, robot.at, goal):
        return None
    return int(networkx.shortest_path_length(grid, robot.at, goal))


def _spend(robot: Robot, percent: int, parameter: str) -> None:
    if percent > robot.battery:
        raise Refused(
            f"parameter '{parameter}': that takes {percent} % of battery and {robot.battery} % are left; ask for less"
        )
    robot.battery -= percent


def _point(cell: Cell) -> dict[str, int]:
    return {"x": cell[0], "y": cell[1]}


def _place(cell: Cell) -> Place:
    return Place(x=cell[0], y=cell[1])


def _pose(robot: Robot) -> Pose:
    return Pose(position=_place(robot.at), heading=robot.heading, battery=robot.battery, objects_here=robot.here())


def _load(robot: Robot) -> Cargo:
    return Cargo(carries=list(robot.cargo), objects_here=robot.here(), battery=robot.battery)
