"""Logistics: freight weight, stock, pallets, containers and parcel rates."""

from __future__ import annotations

import math
from itertools import permutations
from random import Random
from statistics import NormalDist
from typing import Annotated, Any, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import (
    Like,
    Part,
    Refused,
    Result,
    Wrong,
    magnitude,
    money,
    number,
    pick,
    tool,
    whole,
)


class ChargeableWeight(Result):
    volumetric_kg: float = Field(description="Volume expressed as weight in kilograms")
    chargeable_kg: float = Field(description="What is charged: the greater weight, up to the next half kilogram")
    charged_by: Literal["volume", "weight"] = Field(description="Which of the two decides")
    volume_m3: float = Field(description="Volume in cubic metres")


Service = Literal["express", "air freight", "road", "sea"]
_DIVISORS: dict[Service, int] = {"express": 5000, "air freight": 6000, "road": 3000, "sea": 1000}
"""Cubic centimetres that count as a kilogram."""
Side = Annotated[float, Field(ge=1, le=1200, description="Side of the parcel in centimetres"), Like(whole(10, 120))]


@tool(
    "Logistics",
    "Freight",
    "A parcel of {length_cm} x {width_cm} x {height_cm} cm weighs {weight_kg} kg. Which weight is charged?",
    "Volumetric weight for {length_cm} by {width_cm} by {height_cm} cm, {weight_kg} kg, by {service}?",
)
def volumetric_weight(
    length_cm: Side,
    width_cm: Side,
    height_cm: Side,
    weight_kg: Annotated[
        float, Field(gt=0, le=30000, description="Weight on the scales in kilograms"), Like(number(0.5, 60, 1))
    ],
    service: Annotated[
        Service,
        Field(description="Cubic centimetres a kilogram: express 5000, air freight 6000, road 3000, sea 1000"),
        Like(pick(*_DIVISORS)),
    ] = "express",
) -> ChargeableWeight:
    """Volumetric and chargeable weight of a parcel."""
    volume = length_cm * width_cm * height_cm
    volumetric = volume / _DIVISORS[service]
    return ChargeableWeight(
        volumetric_kg=round(volumetric, 2),
        chargeable_kg=math.ceil(round(2 * max(volumetric, weight_kg), 6)) / 2,
        charged_by="volume" if volumetric > weight_kg else "weight",
        volume_m3=round(volume / 1e6, 4),
    )


class OrderQuantity(Result):
    order_quantity: float = Field(description="Units to order each time")
    orders_per_year: float = Field(description="Orders a year")
    days_between_orders: float = Field(description="Days from one order to the next, 365 a year")
    yearly_cost: float = Field(description="Ordering and holding together, without the goods")


@tool(
    "Logistics",
    "Stock",
    "We sell {yearly_demand} units a year, an order costs {order_cost}, holding a unit {holding_cost}. The EOQ?",
    "Economic order quantity: demand {yearly_demand} a year, {order_cost} per order, holding {holding_cost} per unit.",
)
def economic_order_quantity(
    yearly_demand: Annotated[
        float, Field(ge=0.01, le=1e9, description="Units needed in a year"), Like(magnitude(200, 100000, 2))
    ],
    order_cost: Annotated[float, Field(ge=0.01, le=1e6, description="Cost of placing one order"), Like(money(5, 500))],
    holding_cost: Annotated[
        float, Field(ge=0.001, le=1e6, description="Cost of holding one unit for a year"), Like(number(0.2, 20))
    ],
) -> OrderQuantity:
    """Order quantity by Wilson's formula that makes ordering and holding cheapest together."""
    quantity = math.sqrt(2 * yearly_demand * order_cost / holding_cost)
    orders = yearly_demand / quantity
    return OrderQuantity(
        order_quantity=round(quantity, 2),
        orders_per_year=round(orders, 2),
        days_between_orders=round(365 / orders, 2),
        yearly_cost=round(orders * order_cost + quantity / 2 * holding_cost, 2),
    )


class ReorderPoint(Result):
    reorder_at: int = Field(description="Stock at which to order, rounded up")
    safety_stock: float = Field(description="Part of it that covers fluctuation")
    lead_time_demand: float = Field(description="Part of it that is sold until the goods arrive")
    z_score: float = Field(description="Standard deviations that the service level asks for")


@tool(
    "Logistics",
    "Stock",
    "We sell {daily_demand} a day (deviation {daily_deviation}), delivery takes {lead_days} days. Reorder point?",
    "When do I reorder? {daily_demand} units a day, deviation {daily_deviation}, lead time {lead_days} days, service "
    "level {service_percent} %.",
)
def reorder_point(
    daily_demand: Annotated[float, Field(ge=0, le=1e6, description="Mean units sold a day"), Like(whole(5, 250))],
    daily_deviation: Annotated[
        float, Field(ge=0, le=1e6, description="Standard deviation of a day's sales"), Like(whole(1, 40))
    ],
    lead_days: Annotated[float, Field(ge=0, le=365, description="Days from order to delivery"), Like(whole(1, 45))],
    service_percent: Annotated[
        float,
        Field(ge=50, le=99.99, description="Chance in percent of not running out before delivery"),
        Like(pick(90, 92, 97.5, 98, 99, 99.5)),
    ] = 95,
) -> ReorderPoint:
    """Reorder point and safety stock for normally distributed daily demand and a fixed lead time."""
    z = NormalDist().inv_cdf(service_percent / 100)
    expected, safety = daily_demand * lead_days, z * daily_deviation * math.sqrt(lead_days)
    return ReorderPoint(
        reorder_at=math.ceil(round(expected + safety, 6)),
        safety_stock=round(safety, 2),
        lead_time_demand=round(expected, 2),
        z_score=round(z, 4),
    )


Pallet = Literal["euro", "industrial", "american"]
_PALLETS: dict[Pallet, tuple[float, float]] = {"euro": (120, 80), "industrial": (120, 100), "american": (121.9, 101.6)}
_DECK = 14.4
"""Height of the wood in centimetres."""


class PalletLoad(Result):
    pallets: int = Field(description="Pallets needed")
    cartons_per_layer: int = Field(description="Cartons in a layer, all turned the same way")
    layers: int = Field(description="Full layers on a pallet")
    cartons_per_pallet: int = Field(description="Cartons on a full pallet")
    area_used_percent: float = Field(description="Share of the pallet's area that a layer covers, in percent")


@tool(
    "Logistics",
    "Loading",
    "How many Euro pallets for {cartons} cartons of {carton_length_cm} x {carton_width_cm} x {carton_height_cm} cm?",
    "{cartons} boxes of {carton_length_cm} by {carton_width_cm} by {carton_height_cm} cm, {pallet} pallets. How many?",
)
def pallet_count(
    cartons: Annotated[int, Field(ge=1, le=1000000, description="Cartons to ship"), Like(whole(20, 2000, 10))],
    carton_length_cm: Annotated[
        float,
        Field(ge=2, le=300, description="Length of a carton in centimetres"),
        Like(pick(20, 25, 30, 33, 38, 40, 45, 50, 60)),
        Wrong(whole(125, 300)),
    ],
    carton_width_cm: Annotated[
        float, Field(ge=2, le=100, description="Width of a carton in centimetres"), Like(pick(15, 20, 25, 30, 35, 40))
    ],
    carton_height_cm: Annotated[
        float,
        Field(ge=2, le=160, description="Height of a carton in centimetres"),
        Like(pick(10, 15, 20, 25, 30, 40, 50)),
    ],
    pallet: Annotated[
        Pallet,
        Field(description="euro 120 x 80, industrial 120 x 100, american 48 x 40 inches"),
        Like(pick("euro", "industrial", "american")),
    ] = "euro",
) -> PalletLoad:
    """Pallets for cartons that stand upright in equal layers, loaded to 180 cm with the pallet, nothing overhanging."""
    length, width = _PALLETS[pallet]
    layer = max(
        int(length // one) * int(width // other) for one, other in permutations((carton_length_cm, carton_width_cm))
    )
    if layer == 0:
        raise Refused(
            f"parameter 'carton_length_cm': a carton of {carton_length_cm:g} x {carton_width_cm:g} cm does not fit on "
            f"a pallet of {length:g} x {width:g} cm; give a smaller carton or another pallet"
        )
    layers = int((180 - _DECK) // carton_height_cm)
    return PalletLoad(
        pallets=math.ceil(cartons / (layer * layers)),
        cartons_per_layer=layer,
        layers=layers,
        cartons_per_pallet=layer * layers,
        area_used_percent=round(100 * layer * carton_length_cm * carton_width_cm / (length * width), 1),
    )


Container = Literal["20ft", "40ft", "40ft high cube"]
_CONTAINERS: dict[Container, tuple[float, float, float, float]] = {
    "20ft": (589.8, 235.2, 239.3, 28200),
    "40ft": (1203.2, 235.2, 239.3, 26700),
    "40ft high cube": (1203.2, 235.2, 269.8, 26500),
}
"""Length, width and height inside in centimetres, and payload in kilograms."""


class Crate(Part):
    length_cm: float = Field(ge=5, le=1300, description="Length in centimetres")
    width_cm: float = Field(ge=5, le=300, description="Width in centimetres")
    height_cm: float = Field(ge=5, le=300, description="Height in centimetres")
    weight_kg: float = Field(gt=0, le=30000, description="Weight in kilograms")


def _crate_draw(rng: Random) -> dict[str, Any]:
    length, width, height = (rng.randrange(20, 130, 5) for _ in range(3))
    return {
        "length_cm": length,
        "width_cm": width,
        "height_cm": height,
        "weight_kg": max(1, round(length * width * height / 1e6 * rng.uniform(80, 700))),
    }


class ContainerFill(Result):
    crates_per_container: int = Field(description="Crates in a full container")
    containers: int = Field(description="Containers needed for all")
    limited_by: Literal["space", "weight"] = Field(description="What fills up first")
    volume_used_percent: float = Field(description="Share of the inside that a full container uses, in percent")
    load_kg: float = Field(description="Weight of the crates in a full container in kilograms")


@tool(
    "Logistics",
    "Loading",
    "How many crates of {crate} go into a {container} container, and how many containers do {quantity} need?",
    "Container plan: {quantity} crates ({crate}) in {container} containers.",
)
def container_fill(
    crate: Annotated[
        Crate,
        Field(description="One crate"),
        Like(_crate_draw),
        Wrong(
            lambda rng: {
                "length_cm": rng.randint(1210, 1300),
                "width_cm": rng.randint(50, 200),
                "height_cm": rng.randint(50, 200),
                "weight_kg": 900,
            }
        ),
    ],
    quantity: Annotated[int, Field(ge=1, le=1000000, description="Crates to ship"), Like(whole(50, 3000, 10))],
    container: Annotated[Container, Field(description="Kind of container"), Like(pick(*_CONTAINERS))],
) -> ContainerFill:
    """Crates that a sea container holds, all turned the same best way, and the containers that an order needs."""
    *inside, payload = _CONTAINERS[container]
    sides = (crate.length_cm, crate.width_cm, crate.height_cm)
    by_space = max(
        math.prod(int(room // side) for room, side in zip(inside, turned, strict=True))
        for turned in permutations(sides)
    )
    by_weight = int(payload // crate.weight_kg)
    held = min(by_space, by_weight)
    if held == 0:
        raise Refused(
            f"parameter 'crate': {' x '.join(f'{side:g}' for side in sides)} cm of {crate.weight_kg:g} kg does not go "
            f"into a {container} container of {' x '.join(f'{room:g}' for room in inside)} cm and {payload:g} kg; "
            "give a smaller crate"
        )
    return ContainerFill(
        crates_per_container=held,
        containers=math.ceil(quantity / held),
        limited_by="space" if by_space <= by_weight else "weight",
        volume_used_percent=round(100 * held * math.prod(sides) / math.prod(inside), 1),
        load_kg=round(held * crate.weight_kg, 2),
    )


_ZONES = {
    1: "AT BE CZ DE DK FR LU NL PL",
    2: "BG EE ES FI GR HR HU IE IT LT LV PT RO SE SI SK",
    3: "CH GB IS LI NO RS TR UA",
    4: "AE AU BR CA CN IL IN JP KR MX NZ SG US ZA",
}
_ZONE_OF = {country: zone for zone, countries in _ZONES.items() for country in countries.split()}
_TARIFF = {1: (7.5, 0.9), 2: (10.5, 1.4), 3: (14.0, 2.1), 4: (24.0, 5.8)}
"""Zone -> price with the first kilogram, price of each further one begun."""
_EXPRESS = 1.75


class ZoneRate(Result):
    zone: int = Field(description="1 near to 4 overseas")
    price: float = Field(description="Price in euros")
    billed_kg: int = Field(description="Weight that is billed, in whole kilograms")


@tool(
    "Logistics",
    "Freight",
    "What does a parcel of {weight_kg} kg to {country} cost?",
    "Shipping rate to {country}: {weight_kg} kg, express {express}.",
)
def parcel_zone_rate(
    country: Annotated[
        str,
        Field(pattern="^[A-Z]{2}$", description="Destination as an ISO 3166 code such as FR"),
        Like(pick(*sorted(_ZONE_OF))),
        Wrong(pick("XX", "ZZ", "AQ", "KP", "QQ", "BV")),
    ],
    weight_kg: Annotated[float, Field(gt=0, le=31.5, description="Weight in kilograms"), Like(number(0.3, 28, 1))],
    express: Annotated[
        bool, Field(description="Delivery on the next possible day, for 75 percent more"), Like(pick(True, False))
    ] = False,
) -> ZoneRate:
    """Parcel price from Germany by zone: 7.50, 10.50, 14 or 24 euros, and 0.90, 1.40, 2.10 or 5.80 a further kg."""
    zone = _ZONE_OF.get(country)
    if zone is None:
        raise Refused(f"parameter 'country': no parcels go to '{country}'; give one of {', '.join(sorted(_ZONE_OF))}")
    billed = math.ceil(weight_kg)
    first, further = _TARIFF[zone]
    price = (first + further * (billed - 1)) * (_EXPRESS if express else 1)
    return ZoneRate(zone=zone, price=round(price, 2), billed_kg=billed)
