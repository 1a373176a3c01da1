"""Countries by ISO 3166, distances and courses on the globe, coordinates in other notations."""

from __future__ import annotations

from collections.abc import Mapping
from math import asin, atan2, cos, degrees, hypot, radians, sin
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import Like, Part, Refused, Result, Wrong, magnitude, pick, tool, whole

_RADIUS_KM = 6371.009
"""Mean radius of the Earth (IUGG)."""
_CITIES = (
    (51.5074, -0.1278),
    (48.8566, 2.3522),
    (52.52, 13.405),
    (40.4168, -3.7038),
    (41.9028, 12.4964),
    (55.7558, 37.6173),
    (41.0082, 28.9784),
    (64.1466, -21.9426),
    (30.0444, 31.2357),
    (6.5244, 3.3792),
    (-1.2921, 36.8219),
    (-26.2041, 28.0473),
    (25.2048, 55.2708),
    (19.076, 72.8777),
    (13.7563, 100.5018),
    (1.3521, 103.8198),
    (39.9042, 116.4074),
    (35.6762, 139.6503),
    (-33.8688, 151.2093),
    (-36.8509, 174.7645),
    (21.3069, -157.8583),
    (34.0522, -118.2437),
    (19.4326, -99.1332),
    (41.8781, -87.6298),
    (40.7128, -74.006),
    (4.711, -74.0721),
    (-12.0464, -77.0428),
    (-23.5505, -46.6333),
    (-34.6037, -58.3816),
)
"""Latitude and longitude of large cities."""
_POINTS = "N NNE NE ENE E ESE SE SSE S SSW SW WSW W WNW NW NNW".split()


def _around(rng: Random) -> tuple[float, float]:
    """A place in or near a large city."""
    latitude, longitude = rng.choice(_CITIES)
    if rng.random() < 0.4:
        return latitude, longitude
    return round(latitude + rng.uniform(-0.4, 0.4), 4), round(longitude + rng.uniform(-0.4, 0.4), 4)


def _position(rng: Random) -> dict[str, float]:
    latitude, longitude = _around(rng)
    return {"latitude": latitude, "longitude": longitude}


def _ends(rng: Random) -> Mapping[str, Any]:
    first, second = rng.sample(_CITIES, 2)
    return {
        "start": {"latitude": first[0], "longitude": first[1]},
        "end": {"latitude": second[0], "longitude": second[1]},
    }


class Position(Part):
    """A place on the Earth in decimal degrees."""

    latitude: float = Field(ge=-90, le=90, description="Degrees, positive north of the equator")
    longitude: float = Field(ge=-180, le=180, description="Degrees, positive east of Greenwich")


Latitude = Annotated[float, Field(ge=-90, le=90, description="Degrees, positive north of the equator")]
Longitude = Annotated[float, Field(ge=-180, le=180, description="Degrees, positive east of Greenwich")]


class Country(Result):
    name: str = Field(description="Short English name by ISO 3166")
    official_name: str = Field(description="Official English name; the short one where there is no other")
    alpha_2: str = Field(description="Code of two letters")
    alpha_3: str = Field(description="Code of three letters")
    numeric: str = Field(description="Code of three digits")
    subdivisions: int = Field(description="States, provinces and the like that ISO 3166-2 lists")


@tool(
    "Geography",
    "Countries",
    "Which ISO country codes belong to {query}?",
    "country code {query}",
    "I found '{query}' in a customs form. Which country is that, and what are its codes?",
)
def country_code_lookup(
    query: Annotated[
        str,
        Field(min_length=2, max_length=60, description="Name of a country, or its code of 2 or 3 letters or 3 digits"),
        Like(
            pick(
                *("Germany", "Japan", "Brazil", "Kenya", "Switzerland", "New Zealand", "Viet Nam", "Poland", "Canada"),
                *("Egypt", "Norway", "Iceland", "Mongolia", "Peru", "Ghana", "Nepal", "Portugal", "Austria", "India"),
                *("DE", "fr", "AU", "ZA", "is", "mx", "CHE", "KOR", "ury", "IRL", "ARE", "392", "840", "276", "036"),
            )
        ),
        Wrong(pick("Atlantis", "Wakanda", "Ruritania", "Yugoslavia", "Lilliput", "ZZ", "999")),
    ],
) -> Country:
    """Find a country of ISO 3166 by its name or any of its codes."""
    import pycountry

    try:
        found: Any = pycountry.countries.lookup(query.strip())
    except LookupError:
        raise Refused(
            f"parameter 'query': '{query}' is neither the name nor the code of a country in ISO 3166-1; "
            "give one such as 'Germany', 'DE', 'DEU' or '276'"
        ) from None
    return Country(
        name=found.name,
        official_name=getattr(found, "official_name", found.name),
        alpha_2=found.alpha_2,
        alpha_3=found.alpha_3,
        numeric=found.numeric,
        subdivisions=len(pycountry.subdivisions.get(country_code=found.alpha_2) or ()),
    )


class Subdivision(Result):
    code: str = Field(description="Code by ISO 3166-2, such as DE-BY")
    name: str = Field(description="Name in the language of the place")
    kind: str = Field(description="State, province, canton and the like")


class SubdivisionList(Result):
    count: int = Field(description="How many there are")
    kinds: list[str] = Field(description="The kinds there are, by the alphabet")
    listed: list[Subdivision] = Field(description="The first ones in the order of their codes")


@tool(
    "Geography",
    "Countries",
    "What are the states or provinces of {country} and their ISO codes?",
    "list ISO 3166-2 for {country}",
    "Show me the first {limit} subdivisions of country {country} with their codes.",
)
def list_iso_subdivisions(
    country: Annotated[
        str,
        Field(pattern=r"^[A-Z]{2}$", min_length=2, max_length=2, description="Country by ISO 3166 code, such as DE"),
        Like(pick(*"DE AT CH US CA AU IN BR MX JP NL BE IT PL SE ZA KE NG AR CO PT IE GR FI".split())),
        Wrong(pick("XX", "ZZ", "QM", "XZ", "AA")),
    ],
    limit: Annotated[
        int, Field(ge=1, le=60, description="How many to list at most"), Like(pick(3, 5, 8, 15, 20, 50))
    ] = 10,
) -> SubdivisionList:
    """List the subdivisions of a country by ISO 3166-2."""
    import pycountry

    if pycountry.countries.get(alpha_2=country) is None:
        raise Refused(f"parameter 'country': '{country}' is no code of ISO 3166-1; give one such as 'DE' or 'US'")
    parts: list[Any] = sorted(pycountry.subdivisions.get(country_code=country) or (), key=lambda one: one.code)
    return SubdivisionList(
        count=len(parts),
        kinds=sorted({one.type for one in parts}),
        listed=[Subdivision(code=one.code, name=one.name, kind=one.type) for one in parts[:limit]],
    )


class Distance(Result):
    kilometres: float = Field(description="Distance in km")
    miles: float = Field(description="Distance in statute miles")
    nautical_miles: float = Field(description="Distance in nautical miles")


@tool(
    "Geography",
    "Distances",
    "How far is it from {start} to {end} as the crow flies?",
    "distance between ({start}) and ({end})",
    "Take the earth as a {surface}: what is the distance from {start} to {end}?",
    together=_ends,
)
def distance_between_coordinates(
    start: Annotated[Position, Field(description="First place")],
    end: Annotated[Position, Field(description="Second place")],
    surface: Annotated[
        Literal["sphere", "ellipsoid"],
        Field(description="Sphere of radius 6371.009 km, or the ellipsoid WGS 84"),
        Like(pick("sphere", "sphere", "ellipsoid")),
    ] = "ellipsoid",
) -> Distance:
    """Shortest distance over the surface of the Earth between two places."""
    from geopy.distance import geodesic, great_circle

    measure = great_circle if surface == "sphere" else geodesic
    found = measure((start.latitude, start.longitude), (end.latitude, end.longitude))
    return Distance(kilometres=round(found.km, 3), miles=round(found.miles, 3), nautical_miles=round(found.nautical, 3))


class Midpoint(Result):
    latitude: float = Field(description="Degrees, positive north")
    longitude: float = Field(description="Degrees, positive east")


class GreatCircle(Result):
    initial_bearing: float = Field(description="Course at the start, degrees clockwise from north")
    final_bearing: float = Field(description="Course on arrival, degrees clockwise from north")
    compass_point: str = Field(description="The initial bearing as one of 16 points, such as NNE")
    midpoint: Midpoint = Field(description="Half way")
    central_angle: float = Field(description="Degrees of arc between the places")


def _vector(place: Position) -> tuple[float, float, float]:
    latitude, longitude = radians(place.latitude), radians(place.longitude)
    return cos(latitude) * cos(longitude), cos(latitude) * sin(longitude), sin(latitude)


def _bearing(start: Position, end: Position) -> float:
    first, second = radians(start.latitude), radians(end.latitude)
    apart = radians(end.longitude - start.longitude)
    east = sin(apart) * cos(second)
    north = cos(first) * sin(second) - sin(first) * cos(second) * cos(apart)
    return degrees(atan2(east, north)) % 360


@tool(
    "Geography",
    "Distances",
    "Which direction do I fly from {start} to reach {end} by the shortest way?",
    "initial bearing and midpoint: {start} to {end}",
    together=_ends,
)
def great_circle_course(
    start: Annotated[Position, Field(description="Where the way begins")],
    end: Annotated[Position, Field(description="Where it ends")],
) -> GreatCircle:
    """Bearings, midpoint and arc of the shortest way between two places on a sphere."""
    x, y, z = (a + b for a, b in zip(_vector(start), _vector(end), strict=True))
    half_chord = (x * x + y * y + z * z) ** 0.5 / 2
    if half_chord < 1e-6 or half_chord > 1 - 1e-14:
        alike = "the same place as the start" if half_chord > 0.5 else "just opposite to the start"
        raise Refused(f"parameter 'end': it is {alike}, so that every course is as good; give another place")
    initial = _bearing(start, end)
    return GreatCircle(
        initial_bearing=round(initial, 3) % 360,
        final_bearing=round((_bearing(end, start) + 180) % 360, 3) % 360,
        compass_point=_POINTS[round(initial / 22.5) % 16],
        midpoint=Midpoint(latitude=round(degrees(atan2(z, hypot(x, y))), 5), longitude=round(degrees(atan2(y, x)), 5)),
        central_angle=round(2 * degrees(atan2((1 - half_chord**2) ** 0.5, half_chord)), 4),
    )


class BoundingBox(Result):
    south: float = Field(description="Least latitude in degrees")
    west: float = Field(description="Longitude of the western edge in degrees")
    north: float = Field(description="Greatest latitude in degrees")
    east: float = Field(description="Longitude of the eastern edge in degrees")
    crosses_antimeridian: bool = Field(description="Whether the box runs over 180 degrees, so that west exceeds east")
    holds_pole: bool = Field(description="Whether a pole lies inside, so that the box spans all longitudes")


def _wrapped(longitude: float) -> float:
    return (longitude + 180) % 360 - 180


def _centre(rng: Random) -> Mapping[str, Any]:
    return _position(rng)


@tool(
    "Geography",
    "Distances",
    "Give me a bounding box that holds everything within {radius_km} km of {latitude}, {longitude}.",
    "bbox for a search of {radius_km} km around lat {latitude} lon {longitude}",
    together=_centre,
)
def coordinate_bounding_box(
    latitude: Latitude,
    longitude: Longitude,
    radius_km: Annotated[
        float, Field(gt=0, le=5000, description="Radius around the place in km"), Like(magnitude(0.5, 800, 2))
    ],
) -> BoundingBox:
    """Smallest box of latitudes and longitudes that holds a circle around a place on a sphere of radius 6371.009 km."""
    arc = radius_km / _RADIUS_KM
    south, north = latitude - degrees(arc), latitude + degrees(arc)
    if south <= -90 or north >= 90:
        return BoundingBox(
            south=round(max(south, -90), 6),
            west=-180,
            north=round(min(north, 90), 6),
            east=180,
            crosses_antimeridian=False,
            holds_pole=True,
        )
    reach = degrees(asin(sin(arc) / cos(radians(latitude))))
    return BoundingBox(
        south=round(south, 6),
        west=round(_wrapped(longitude - reach), 6),
        north=round(north, 6),
        east=round(_wrapped(longitude + reach), 6),
        crosses_antimeridian=not -180 <= longitude - reach <= longitude + reach <= 180,
        holds_pole=False,
    )


_LETTERS = "0123456789bcdefghjkmnpqrstuvwxyz"
"""Digits of base 32 in a geohash: a, i, l and o are left out."""


def _geohash(latitude: float, longitude: float, length: int) -> str:
    """Halves longitude and latitude in turns, five bits a letter."""
    spans = [[-180.0, 180.0], [-90.0, 90.0]]
    found, value = "", 0
    for bit in range(5 * length):
        span, wanted = spans[bit % 2], (longitude, latitude)[bit % 2]
        middle = sum(span) / 2
        above = wanted >= middle
        span[0 if above else 1] = middle
        value = 2 * value + above
        if bit % 5 == 4:
            found, value = found + _LETTERS[value], 0
    return found


def _cell(geohash: str) -> tuple[float, float, float, float]:
    """West, east, south and north of a geohash of known letters."""
    spans = [[-180.0, 180.0], [-90.0, 90.0]]
    bits = "".join(f"{_LETTERS.index(letter):05b}" for letter in geohash)
    for turn, bit in enumerate(bits):
        span = spans[turn % 2]
        span[0 if bit == "1" else 1] = sum(span) / 2
    (west, east), (south, north) = spans
    return west, east, south, north


class Geohash(Result):
    geohash: str = Field(description="The code; places with a common beginning are near each other")
    cell_width_m: float = Field(description="Width of its cell in metres at that latitude")
    cell_height_m: float = Field(description="Height of its cell in metres")


@tool(
    "Geography",
    "Coordinates",
    "What is the geohash of {latitude}, {longitude}?",
    "geohash for lat {latitude}, lon {longitude}",
    "Encode latitude {latitude} and longitude {longitude} as a geohash of {precision} characters.",
    together=_centre,
)
def encode_geohash(
    latitude: Latitude,
    longitude: Longitude,
    precision: Annotated[int, Field(ge=1, le=12, description="Characters of the code"), Like(whole(4, 12))] = 9,
) -> Geohash:
    """Encode a place as a geohash, a short code for a cell of a grid of longitudes and latitudes."""
    code = _geohash(latitude, longitude, precision)
    west, east, south, north = _cell(code)
    metres = 1000 * _RADIUS_KM
    return Geohash(
        geohash=code,
        cell_width_m=round(metres * radians(east - west) * cos(radians(latitude)), 4),
        cell_height_m=round(metres * radians(north - south), 4),
    )


class GeohashCell(Result):
    latitude: float = Field(description="Latitude of the middle in degrees")
    longitude: float = Field(description="Longitude of the middle in degrees")
    latitude_error: float = Field(description="Degrees from the middle to the northern edge")
    longitude_error: float = Field(description="Degrees from the middle to the eastern edge")
    parent: str = Field(description="The larger cell around it; empty for a code of one letter")


@tool(
    "Geography",
    "Coordinates",
    "Where on the map is the geohash {geohash}?",
    "decode {geohash} (geohash)",
    "A delivery record says only '{geohash}', which should be a geohash. Which coordinates and how exact?",
)
def geohash_cell_centre(
    geohash: Annotated[
        str,
        Field(pattern=r"^[0-9a-z]{1,12}$", min_length=1, max_length=12, description="The code in small letters"),
        Like(lambda rng: _geohash(*_around(rng), rng.randint(4, 10))),
        Wrong(lambda rng: _geohash(*_around(rng), rng.randint(3, 8)) + rng.choice("ailo")),
    ],
) -> GeohashCell:
    """Decode a geohash into the middle of its cell and how far the cell reaches around it."""
    strange = sorted(set(geohash) - set(_LETTERS))
    if strange:
        raise Refused(
            f"parameter 'geohash': '{geohash}' holds '{strange[0]}', and a geohash has no a, i, l or o; "
            "check for a 1 or 0 misread"
        )
    west, east, south, north = _cell(geohash)
    return GeohashCell(
        latitude=round((south + north) / 2, 7),
        longitude=round((west + east) / 2, 7),
        latitude_error=round((north - south) / 2, 9),
        longitude_error=round((east - west) / 2, 9),
        parent=geohash[:-1],
    )


class Coordinates(Result):
    latitude: float = Field(description="Decimal degrees, positive north")
    longitude: float = Field(description="Decimal degrees, positive east")
    sexagesimal: str = Field(description="Degrees, minutes and seconds with the hemispheres")
    geo_uri: str = Field(description="As a geo URI by RFC 5870")


def _sexagesimal(angle: float, hemispheres: str) -> str:
    tenths = round(abs(angle) * 36000)
    whole_degrees, rest = divmod(tenths, 36000)
    minutes, seconds = divmod(rest, 600)
    return f"{whole_degrees}°{minutes:02d}'{seconds / 10:04.1f}\"{hemispheres[angle < 0]}"


def _notation(rng: Random) -> str:
    latitude, longitude = _around(rng)
    north, east = "NS"[latitude < 0], "EW"[longitude < 0]
    up, across = abs(latitude), abs(longitude)
    up_minutes, across_minutes = int(up % 1 * 60), int(across % 1 * 60)
    seconds = rng.randint(0, 59), rng.randint(0, 59)
    styles = (
        f"{latitude}, {longitude}",
        f"{up:.3f}{north} {across:.3f}{east}",
        f"{int(up)}°{up_minutes}'{seconds[0]}\"{north} {int(across)}°{across_minutes}'{seconds[1]}\"{east}",
        f"{int(up)} {up_minutes}m {seconds[0]}s {north}, {int(across)} {across_minutes}m {seconds[1]}s {east}",
    )
    return rng.choice(styles)


@tool(
    "Geography",
    "Coordinates",
    "Turn these coordinates into decimal degrees: {text}",
    "{text} - what is that in decimal degrees?",
)
def parse_coordinate_text(
    text: Annotated[
        str,
        Field(min_length=3, max_length=80, description="Latitude and longitude, such as 40°26'46\"N 79°58'56\"W"),
        Like(_notation),
        Wrong(pick("somewhere near Lyon", "48.85 degrees", "N51 only", "Main Street 12", "north of the river")),
    ],
) -> Coordinates:
    """Read coordinates in degrees, minutes, seconds or decimals, latitude first, and state them in other notations."""
    from geopy.point import Point

    try:
        point = Point(text)
    except ValueError:
        raise Refused(
            f"parameter 'text': '{text}' cannot be read as a latitude from -90 to 90 and a longitude; "
            "write them as 40.446, -79.982 or 40°26'46\"N 79°58'56\"W"
        ) from None
    latitude, longitude = round(point.latitude, 7), round(point.longitude, 7)
    return Coordinates(
        latitude=latitude,
        longitude=longitude,
        sexagesimal=f"{_sexagesimal(latitude, 'NS')} {_sexagesimal(longitude, 'EW')}",
        geo_uri=f"geo:{latitude},{longitude}",
    )
