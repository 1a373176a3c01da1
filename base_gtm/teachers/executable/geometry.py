"""Triangles, polygons, circles, and lines and solids in space."""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence
from itertools import combinations
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import Like, Part, Refused, Result, Wrong, number, several, tool, whole

_TOUCHING = 1e-9
"""Distance below which a point lies on a line."""


class Corner(Part):
    x: float = Field(ge=-1e5, le=1e5, description="Horizontal coordinate")
    y: float = Field(ge=-1e5, le=1e5, description="Vertical coordinate")


class Position(Result):
    x: float = Field(description="Horizontal coordinate")
    y: float = Field(description="Vertical coordinate")


def _tidy(value: float) -> float:
    return round(float(value), 4) + 0.0  # the sum turns -0.0 into 0.0


def _position(point: complex) -> Position:
    return Position(x=_tidy(point.real), y=_tidy(point.imag))


def _plane(corners: Sequence[Corner]) -> list[complex]:
    return [complex(corner.x, corner.y) for corner in corners]


def _edges(points: Sequence[complex]) -> list[tuple[complex, complex]]:
    return list(zip(points, [*points[1:], points[0]], strict=True))


def _cross(first: complex, second: complex) -> float:
    return (first.conjugate() * second).imag


def _gap(point: complex, start: complex, end: complex) -> float:
    """Distance of a point from a segment."""
    edge, away = end - start, point - start
    square = abs(edge) ** 2
    along = min(1.0, max(0.0, (away * edge.conjugate()).real / square)) if square else 0.0
    return abs(away - along * edge)


def _at(x: float, y: float) -> dict[str, float]:
    return {"x": x, "y": y}


def _spot(rng: Random) -> dict[str, float]:
    return _at(rng.randint(-8, 12), rng.randint(-8, 12))


def _around(rng: Random) -> list[dict[str, float]]:
    """A polygon whose edges do not cross: one corner in each sector around a middle."""
    count, digits = rng.randint(3, 7), rng.choice((0, 0, 1))
    middle = complex(rng.randint(-5, 20), rng.randint(-5, 20))
    turns = [(at + rng.uniform(0.15, 0.85)) / count for at in range(count)]
    corners = [middle + cmath.rect(rng.uniform(6, 16), 2 * math.pi * turn) for turn in turns]
    return [_at(round(one.real, digits) + 0.0, round(one.imag, digits) + 0.0) for one in corners]


def _in_a_row(least: int, most: int) -> Any:
    """Points on one line."""

    def drawn(rng: Random) -> list[dict[str, float]]:
        rise, start = rng.randint(-3, 3), rng.randint(-5, 5)
        places = sorted(rng.sample(range(-6, 10), rng.randint(least, most)))
        return [_at(x, rise * x + start) for x in places]

    return drawn


Corners = Annotated[
    list[Corner],
    Field(min_length=3, max_length=20, description="Corners in order around the polygon, the first one not repeated"),
    Like(_around),
]

_RIGHT = ((3, 4, 5), (5, 12, 13), (8, 15, 17), (7, 24, 25))


def _closing(rng: Random) -> list[float]:
    if rng.random() < 0.25:
        scale = rng.randint(1, 5)
        return [scale * side for side in rng.choice(_RIGHT)]
    first = rng.choice((number(3, 25, 1)(rng), rng.randint(3, 25)))
    second = rng.choice((first, number(3, 25, 1)(rng)))
    return [first, second, round(rng.uniform(abs(first - second) + 0.3, first + second - 0.3), 1)]


def _open(rng: Random) -> list[float]:
    first, second = rng.randint(1, 12), rng.randint(1, 12)
    return rng.sample([first, second, first + second + rng.randint(0, 9)], 3)


class SolvedTriangle(Result):
    angles_degrees: list[float] = Field(description="Angle opposite each side, in the order of the sides")
    area: float = Field(description="In squares of the sides' unit")
    perimeter: float = Field(description="In the sides' unit")
    inradius: float = Field(description="Radius of the circle that touches all sides")
    side_kind: Literal["equilateral", "isosceles", "scalene"] = Field(description="By how many sides are equal")
    angle_kind: Literal["acute", "right", "obtuse"] = Field(
        description="By the largest angle, right within 0.01 degrees"
    )


@tool(
    "Geometry",
    "Triangles",
    "My triangle has the sides {sides}. What are its angles and its area?",
    "solve the triangle with sides {sides}",
    "I measured a plot with three edges of {sides} metres. Is there a right angle in it, and how big is it?",
)
def triangle_from_sides(
    sides: Annotated[
        list[Annotated[float, Field(ge=0.001, le=1e6)]],
        Field(min_length=3, max_length=3, description="Three side lengths, all in one unit"),
        Like(_closing),
        Wrong(_open),
    ],
) -> SolvedTriangle:
    """Angles, area and kind of the triangle with three given sides, by the law of cosines and Heron's formula."""
    short, middle, long = sorted(sides)
    if short + middle <= long:
        raise Refused(
            f"parameter 'sides': {sides} do not close to a triangle, as {short:g} and {middle:g} together are not "
            f"longer than {long:g}; shorten the longest side or lengthen another"
        )
    # Kahan's form of Heron's formula, which stays exact for needles.
    square = (
        (long + (middle + short)) * (short - (long - middle)) * (short + (long - middle)) * (long + (middle - short))
    )
    area, perimeter = math.sqrt(max(0.0, square)) / 4, sum(sides)
    a, b, c = sides
    angles = [_opposite(a, b, c), _opposite(b, c, a), _opposite(c, a, b)]
    equal = sum(math.isclose(one, other, rel_tol=1e-9) for one, other in combinations(sides, 2))
    widest = max(angles)
    return SolvedTriangle(
        angles_degrees=[_tidy(angle) for angle in angles],
        area=_tidy(area),
        perimeter=_tidy(perimeter),
        inradius=_tidy(2 * area / perimeter),
        side_kind="equilateral" if equal == 3 else "isosceles" if equal else "scalene",
        angle_kind="right" if abs(widest - 90) < 0.01 else "obtuse" if widest > 90 else "acute",
    )


def _opposite(side: float, other: float, third: float) -> float:
    """Angle in degrees that lies opposite the first side."""
    cosine = (other**2 + third**2 - side**2) / (2 * other * third)
    return math.degrees(math.acos(min(1.0, max(-1.0, cosine))))


class PolygonMeasures(Result):
    area: float = Field(description="In squares of the coordinates' unit")
    perimeter: float = Field(description="In the coordinates' unit")
    centroid: Position = Field(description="Centre of gravity of the surface")
    orientation: Literal["counterclockwise", "clockwise"] = Field(description="Sense in which the corners were given")
    convex: bool = Field(description="Whether no corner points inwards")


@tool(
    "Geometry",
    "Polygons",
    "What is the area of the polygon with the corners {vertices}?",
    "Surveyed corners of a parcel in metres, in order: {vertices}. Area, perimeter and centroid please.",
)
def polygon_area_by_shoelace(
    vertices: Annotated[Corners, Wrong(_in_a_row(3, 5))],
) -> PolygonMeasures:
    """Area, perimeter and centroid of a simple polygon from its corners, by the shoelace formula."""
    points = _plane(vertices)
    edges = _edges(points)
    if _crosses(edges):
        raise Refused(
            "parameter 'vertices': the outline through "
            f"{_listed(points)} crosses or touches itself; give the corners in order around it, each once"
        )
    here = points[0]
    doubled = [_cross(start - here, end - here) for start, end in edges]
    sides = [end - start for start, end in edges]
    area, perimeter = sum(doubled) / 2, sum(map(abs, sides))
    if abs(area) <= 1e-12 * perimeter**2:
        raise Refused(
            f"parameter 'vertices': the corners {_listed(points)} lie on one line and enclose nothing; "
            "move at least one of them off that line"
        )
    weighted = sum((start + end - 2 * here) * weight for (start, end), weight in zip(edges, doubled, strict=True))
    bends = [_cross(before, after) * area for before, after in _edges(sides)]
    return PolygonMeasures(
        area=_tidy(abs(area)),
        perimeter=_tidy(perimeter),
        centroid=_position(here + weighted / (6 * area)),
        orientation="counterclockwise" if area > 0 else "clockwise",
        convex=min(bends) >= -_TOUCHING,
    )


def _listed(points: Sequence[complex]) -> str:
    return ", ".join(f"({point.real:g}, {point.imag:g})" for point in points)


def _crosses(edges: Sequence[tuple[complex, complex]]) -> bool:
    """Whether two edges that are not neighbours have a point in common."""
    last = len(edges) - 1
    pairs = [(i, j) for i, j in combinations(range(len(edges)), 2) if j - i > 1 and (i, j) != (0, last)]
    return any(_meet(*edges[i], *edges[j]) for i, j in pairs)


def _meet(a: complex, b: complex, c: complex, d: complex) -> bool:
    across = _cross(b - a, c - a) * _cross(b - a, d - a) < 0 and _cross(d - c, a - c) * _cross(d - c, b - c) < 0
    return across or min(_gap(a, c, d), _gap(b, c, d), _gap(c, a, b), _gap(d, a, b)) < _TOUCHING


class PointPlace(Result):
    place: Literal["inside", "outside", "boundary"] = Field(description="Where the point lies")
    distance_to_boundary: float = Field(description="To the nearest edge, in the coordinates' unit")


@tool(
    "Geometry",
    "Polygons",
    "Is the point {point} inside the polygon with corners {vertices}?",
    "Geofence check: the fence runs through {vertices}, and the device reports {point}. Inside or not, and how far "
    "from the fence?",
)
def locate_point_in_polygon(
    point: Annotated[Corner, Field(description="Point to look for"), Like(_spot)], vertices: Corners
) -> PointPlace:
    """Whether a point lies inside, outside or on the boundary of a polygon, by the even-odd rule."""
    edges, spot = _edges(_plane(vertices)), complex(point.x, point.y)
    gap = min(_gap(spot, start, end) for start, end in edges)
    inside = sum(_passes_right(spot, start, end) for start, end in edges) % 2 == 1
    place: Literal["inside", "outside", "boundary"] = "inside" if inside else "outside"
    return PointPlace(place="boundary" if gap < _TOUCHING else place, distance_to_boundary=_tidy(gap))


def _passes_right(spot: complex, start: complex, end: complex) -> bool:
    """Whether a ray from the spot to the right meets the edge."""
    if (start.imag > spot.imag) == (end.imag > spot.imag):
        return False
    share = (spot.imag - start.imag) / (end.imag - start.imag)
    return spot.real < start.real + share * (end.real - start.real)


class Hull(Result):
    corners: list[Position] = Field(description="Corners of the hull, counterclockwise from the leftmost, lowest one")
    area: float = Field(description="In squares of the coordinates' unit")
    perimeter: float = Field(description="In the coordinates' unit")
    points_not_on_corners: int = Field(description="Given points that are no corner of the hull")


@tool(
    "Geometry",
    "Polygons",
    "Convex hull of the points {points}",
    "We have poles at {points}. If I stretch a rope around all of them, where does it bend and how long is it?",
)
def convex_hull_2d(
    points: Annotated[
        list[Corner],
        Field(min_length=3, max_length=40, description="Points in any order"),
        Like(several(_spot, 4, 9, unique=True)),
        Wrong(_in_a_row(3, 6)),
    ],
) -> Hull:
    """Smallest convex polygon that holds all given points of a plane, with its area and perimeter."""
    from scipy.spatial import ConvexHull, QhullError

    try:
        hull = ConvexHull([(point.x, point.y) for point in points])
    except QhullError:
        raise Refused(
            f"parameter 'points': the points {_listed(_plane(points))} lie on one line and have no hull with an area; "
            "give at least three points that do not"
        ) from None
    corners = [_plane(points)[at] for at in hull.vertices]
    first = min(range(len(corners)), key=lambda at: (corners[at].real, corners[at].imag))
    return Hull(
        corners=[_position(corner) for corner in [*corners[first:], *corners[:first]]],
        area=_tidy(hull.volume),  # Qhull's names are those of space
        perimeter=_tidy(hull.area),
        points_not_on_corners=len(points) - len(corners),
    )


def _cut(rng: Random) -> dict[str, float]:
    radius = number(1, 60, 1)(rng)
    return {"radius": radius, "height": round(rng.uniform(0.1, 1.9) * radius, 1)}


class SegmentMeasures(Result):
    area: float = Field(description="In squares of the radius's unit")
    chord: float = Field(description="Length of the straight edge")
    arc_length: float = Field(description="Length of the curved edge")
    central_angle_degrees: float = Field(description="Angle of the arc as seen from the centre")
    share_of_circle: float = Field(description="Area as a share of the whole circle, 0 to 1")


@tool(
    "Geometry",
    "Circles",
    "A circle of radius {radius} is cut so that the segment is {height} high. Area and chord of the segment?",
    "horizontal pipe, inner radius {radius} cm, water stands {height} cm deep - how wide is the surface and which "
    "share of the cross section is wet?",
    together=_cut,
)
def circular_segment(
    radius: Annotated[float, Field(ge=0.001, le=1000, description="Radius of the circle")],
    height: Annotated[
        float,
        Field(ge=0, le=10000, description="From the chord to the farthest point of the arc, in the radius's unit"),
        Wrong(whole(2001, 9999)),
    ],
) -> SegmentMeasures:
    """Area, chord and arc of a circular segment, given by its height (sagitta), which may pass the centre."""
    if height > 2 * radius:
        raise Refused(
            f"parameter 'height': {height:g} is more than the circle's diameter of {2 * radius:g}; "
            "give a height between 0 and the diameter"
        )
    angle = 2 * math.acos(1 - height / radius)
    area = radius**2 * (angle - math.sin(angle)) / 2
    return SegmentMeasures(
        area=_tidy(area),
        chord=_tidy(2 * math.sqrt(height * (2 * radius - height))),
        arc_length=_tidy(radius * angle),
        central_angle_degrees=_tidy(math.degrees(angle)),
        share_of_circle=round(area / (math.pi * radius**2), 6),
    )


class CircumscribedCircle(Result):
    centre: Position = Field(description="Point as far from all three points")
    radius: float = Field(description="In the coordinates' unit")
    area: float = Field(description="In squares of that unit")


@tool(
    "Geometry",
    "Circles",
    "Which circle goes through the three points {points}?",
    "Find centre and radius of the circumscribed circle of {points}.",
)
def circle_through_three_points(
    points: Annotated[
        list[Corner],
        Field(min_length=3, max_length=3, description="Three points that are not on one line"),
        Like(several(_spot, 3, 3, unique=True)),
        Wrong(_in_a_row(3, 3)),
    ],
) -> CircumscribedCircle:
    """Centre and radius of the circle through three points of a plane."""
    here, second, third = _plane(points)
    b, c = second - here, third - here
    doubled = 2 * _cross(b, c)
    if abs(doubled) <= 1e-9 * max(abs(b), abs(c)) ** 2:
        raise Refused(
            f"parameter 'points': {_listed(_plane(points))} lie on one line, through which no circle goes; "
            "move one of them off that line"
        )
    arm = -1j * (abs(b) ** 2 * c - abs(c) ** 2 * b) / doubled
    return CircumscribedCircle(
        centre=_position(here + arm), radius=_tidy(abs(arm)), area=_tidy(math.pi * abs(arm) ** 2)
    )


Triple = Annotated[
    list[Annotated[float, Field(ge=-1e4, le=1e4)]],
    Field(min_length=3, max_length=3, description="Coordinates x, y, z of a point on the line"),
]
Direction = Annotated[
    list[Annotated[float, Field(ge=-1e4, le=1e4)]],
    Field(min_length=3, max_length=3, description="Vector x, y, z along the line, of any length but 0"),
    Wrong(lambda rng: [0, 0, 0]),
]


def _two_lines(rng: Random) -> dict[str, list[int]]:
    """Skew lines mostly, some that meet, some that are parallel."""

    def triple() -> list[int]:
        return [rng.randint(-6, 6) for _ in range(3)]

    def along() -> list[int]:
        return rng.sample([rng.randint(1, 4), rng.randint(-3, 3), rng.randint(-3, 3)], 3)

    start, first, second = triple(), along(), along()
    case = rng.random()
    if case < 0.2:
        second = [-2 * part for part in first]
    other = (
        [at + 2 * part - goes for at, part, goes in zip(start, first, second, strict=True)] if case > 0.8 else triple()
    )
    return {"point_a": start, "direction_a": first, "point_b": other, "direction_b": second}


class LinePair(Result):
    distance: float = Field(description="Shortest distance between the lines")
    relation: Literal["coincident", "parallel", "intersecting", "skew"] = Field(description="How the lines lie")
    angle_degrees: float = Field(description="Angle between the directions, 0 to 90")
    nearest_on_a: list[float] = Field(description="Point of the first line nearest to the second; any such if parallel")
    nearest_on_b: list[float] = Field(description="Point of the second line nearest to it")


@tool(
    "Geometry",
    "Space",
    "Line A goes through ({point_a}) in direction ({direction_a}), line B through ({point_b}) in direction "
    "({direction_b}). How far apart are they?",
    "Do these two lines in space meet? First: point {point_a}, direction {direction_a}. Second: point {point_b}, "
    "direction {direction_b}.",
    together=_two_lines,
)
def distance_between_lines_3d(
    point_a: Triple, direction_a: Direction, point_b: Triple, direction_b: Direction
) -> LinePair:
    """Shortest distance of two endless lines in space, each given by a point and a direction, and how they lie."""
    import numpy as np

    first, second = _unit("direction_a", direction_a), _unit("direction_b", direction_b)
    start, between = np.array(point_a), np.array(point_b) - np.array(point_a)
    normal = np.cross(first, second)
    sine = float(np.linalg.norm(normal))
    parallel = sine < 1e-9
    if parallel:
        along_a, along_b = 0.0, -float(between @ second)
    else:
        along_a = float(np.cross(between, second) @ normal) / sine**2
        along_b = float(np.cross(between, first) @ normal) / sine**2
    near_a, near_b = start + along_a * first, np.array(point_b) + along_b * second
    # The height on the common normal, as nearest points of almost parallel lines lie far away and are not as exact.
    distance = float(np.linalg.norm(near_b - near_a)) if parallel else abs(float(between @ normal)) / sine
    apart: Literal["parallel", "skew"] = "parallel" if parallel else "skew"
    together: Literal["coincident", "intersecting"] = "coincident" if parallel else "intersecting"
    return LinePair(
        distance=_tidy(distance),
        relation=together if distance < 1e-6 else apart,
        angle_degrees=_tidy(math.degrees(math.atan2(sine, abs(float(first @ second))))),
        nearest_on_a=[_tidy(part) for part in near_a],
        nearest_on_b=[_tidy(part) for part in near_b],
    )


def _unit(name: str, direction: Sequence[float]) -> Any:
    """The direction with length 1. Raises Refused."""
    import numpy as np

    length = float(np.linalg.norm(direction))
    if length < 1e-9:
        raise Refused(
            f"parameter '{name}': {list(direction)} has no length and so no direction; "
            "give a vector with at least one component that is not 0"
        )
    return np.array(direction) / length


class FrustumMeasures(Result):
    volume: float = Field(description="In cubes of the radii's unit")
    slant_height: float = Field(description="Along the side, from edge to edge")
    lateral_area: float = Field(description="Area of the side alone")
    total_area: float = Field(description="Side, bottom and top")


@tool(
    "Geometry",
    "Space",
    "How much goes into a bucket {height} high with bottom radius {bottom_radius} and top radius {top_radius}?",
    "Volume and surface of a truncated cone: r1 = {bottom_radius}, r2 = {top_radius}, h = {height}.",
)
def cone_frustum(
    bottom_radius: Annotated[float, Field(gt=0, le=1e4, description="Radius below"), Like(number(2, 40, 1))],
    top_radius: Annotated[
        float, Field(ge=0, le=1e4, description="Radius above; 0 for a whole cone"), Like(number(0, 40, 1))
    ],
    height: Annotated[float, Field(gt=0, le=1e4, description="Perpendicular height"), Like(number(2, 80, 1))],
) -> FrustumMeasures:
    """Volume, slant height and surface of a right circular cone cut parallel to its base, all in one unit of length."""
    slant = math.hypot(height, bottom_radius - top_radius)
    lateral = math.pi * (bottom_radius + top_radius) * slant
    return FrustumMeasures(
        volume=_tidy(math.pi * height / 3 * (bottom_radius**2 + bottom_radius * top_radius + top_radius**2)),
        slant_height=_tidy(slant),
        lateral_area=_tidy(lateral),
        total_area=_tidy(lateral + math.pi * (bottom_radius**2 + top_radius**2)),
    )
