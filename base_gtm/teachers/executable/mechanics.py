"""Motion, energy, oscillation and friction of bodies, in SI units unless a name says otherwise."""

from __future__ import annotations

import math
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import Like, Refused, Result, Wrong, magnitude, number, pick, tool, whole

_STANDARD_GRAVITY = 9.80665
_WORLDS = {
    "mercury": 3.70,
    "venus": 8.87,
    "earth": _STANDARD_GRAVITY,
    "moon": 1.62,
    "mars": 3.71,
    "jupiter": 24.79,
    "saturn": 10.44,
    "uranus": 8.87,
    "neptune": 11.15,
    "titan": 1.35,
    "pluto": 0.62,
}
"""Gravity at the surface in m/s²."""

MassKg = Annotated[float, Field(ge=1e-6, le=1e7, description="Mass in kg"), Like(magnitude(0.2, 2000, 2))]
Gravity = Annotated[
    float, Field(ge=0.1, le=50, description="Gravity in m/s²"), Like(pick(1.62, 3.71, 9.81, 9.8, 10), given=0.35)
]


def _figures(value: float) -> float:
    """Six significant figures, and no negative zero."""
    return float(f"{value:.6g}") + 0.0


class Flight(Result):
    range_m: float = Field(description="Horizontal distance to the landing point in m")
    apex_m: float = Field(description="Greatest height above the ground in m")
    flight_s: float = Field(description="Time in the air in s")
    landing_speed: float = Field(description="Speed on landing in m/s")
    landing_degrees: float = Field(description="Angle below the horizontal on landing in degrees")


@tool(
    "Mechanics",
    "Kinematics",
    "How far does a ball fly that leaves at {speed} m/s and {angle_degrees} degrees?",
    "A stone is thrown at {speed} m/s, {angle_degrees} degrees above the horizontal, from a wall {launch_height} m "
    "high. Where and when does it land?",
    "Projectile: {speed} m/s, {angle_degrees}°, launched {launch_height} m up, g = {gravity}. Range, apex and time?",
)
def projectile_flight(
    speed: Annotated[float, Field(ge=0.1, le=5000, description="Launch speed in m/s"), Like(number(5, 60, 1))],
    angle_degrees: Annotated[
        float, Field(ge=1, le=90, description="Launch angle above the horizontal"), Like(whole(15, 80, 5))
    ],
    launch_height: Annotated[
        float, Field(ge=0, le=10000, description="Height of the launch above the ground in m"), Like(number(1, 40, 1))
    ] = 0,
    gravity: Gravity = _STANDARD_GRAVITY,
) -> Flight:
    """Range, apex and duration of a projectile's flight over level ground, without air resistance."""
    angle = math.radians(angle_degrees)
    across, up = speed * math.cos(angle), speed * math.sin(angle)
    down = math.sqrt(up**2 + 2 * gravity * launch_height)
    flight = (up + down) / gravity
    return Flight(
        range_m=round(across * flight, 3),
        apex_m=round(launch_height + up**2 / (2 * gravity), 3),
        flight_s=round(flight, 4),
        landing_speed=round(math.hypot(across, down), 3),
        landing_degrees=round(math.degrees(math.atan2(down, across)), 2),
    )


class Impact(Result):
    fall_s: float = Field(description="Duration of the fall in s")
    impact_speed: float = Field(description="Speed on impact in m/s")
    impact_km_h: float = Field(description="The same in km/h")
    gravity: float = Field(description="Gravity of that world in m/s²")


@tool(
    "Mechanics",
    "Kinematics",
    "I drop a hammer from {height_m} m. How long does it fall and how fast is it then?",
    "How long would a fall of {height_m} m take on {world}?",
    "I throw a stone straight down at {downward_speed} m/s, {height_m} m above the ground. When does it land?",
    "Something is thrown straight down at {downward_speed} m/s from {height_m} m up, on {world}. Speed on impact?",
)
def free_fall_impact(
    height_m: Annotated[
        float, Field(gt=0, le=100000, description="Height of the fall in m"), Like(magnitude(1, 400, 2))
    ],
    world: Annotated[
        str,
        Field(min_length=2, max_length=20, description="Planet or moon, such as Earth, Moon or Mars"),
        Like(pick("Moon", "Mars", "Earth", "Jupiter", "Venus", "Titan", "Pluto")),
        Wrong(pick("Krypton", "Tatooine", "Arrakis", "Vulcan", "Pandora")),
    ] = "Earth",
    downward_speed: Annotated[
        float, Field(ge=0, le=1000, description="Speed straight down at the start in m/s"), Like(number(1, 15, 1), 0.3)
    ] = 0,
) -> Impact:
    """Time and speed of a free fall in uniform surface gravity, without air resistance."""
    gravity = _WORLDS.get(world.strip().lower())
    if gravity is None:
        known = ", ".join(name.title() for name in _WORLDS)
        raise Refused(f"parameter 'world': no gravity is on record for '{world}'; give one of {known}")
    speed = math.sqrt(downward_speed**2 + 2 * gravity * height_m)
    return Impact(
        fall_s=round(2 * height_m / (speed + downward_speed), 4),
        impact_speed=round(speed, 4),
        impact_km_h=round(3.6 * speed, 3),
        gravity=gravity,
    )


class KineticEnergy(Result):
    energy_j: float = Field(description="Kinetic energy in J")
    energy_wh: float = Field(description="The same in Wh")
    momentum: float = Field(description="Momentum in kg m/s")
    equal_drop_m: float = Field(description="Height on Earth from which a fall gives the same energy, in m")


_IN_METRES_PER_SECOND = {"m/s": 1.0, "km/h": 1 / 3.6, "mph": 0.44704, "knot": 1852 / 3600}


@tool(
    "Mechanics",
    "Energy and momentum",
    "Kinetic energy of {mass_kg} kg moving at {speed} metres per second, please.",
    "What energy is there in {mass_kg} kg at {speed} {speed_unit}?",
    "A body of {mass_kg} kg goes {speed} {speed_unit}; tell me its energy, its momentum, and from what height it would "
    "have to drop to get that fast.",
)
def kinetic_energy_of_motion(
    mass_kg: MassKg,
    speed: Annotated[float, Field(ge=0.001, le=100000, description="Speed"), Like(number(1, 130, 1))],
    speed_unit: Annotated[
        Literal["m/s", "km/h", "mph", "knot"],
        Field(description="Unit of the speed"),
        Like(pick("km/h", "mph", "knot", "m/s"), 0.7),
    ] = "m/s",
) -> KineticEnergy:
    """Kinetic energy and momentum of a moving body, not relativistic."""
    velocity = speed * _IN_METRES_PER_SECOND[speed_unit]
    energy = mass_kg * velocity**2 / 2
    return KineticEnergy(
        energy_j=_figures(energy),
        energy_wh=_figures(energy / 3600),
        momentum=_figures(mass_kg * velocity),
        equal_drop_m=_figures(velocity**2 / (2 * _STANDARD_GRAVITY)),
    )


class Rebound(Result):
    velocity_a_after: float = Field(description="Velocity of body a afterwards in m/s")
    velocity_b_after: float = Field(description="Velocity of body b afterwards in m/s")
    energy_lost_j: float = Field(description="Kinetic energy turned into heat and deformation in J")
    impulse: float = Field(description="Momentum handed from a to b in N s")
    kind: Literal["elastic", "partly elastic", "perfectly inelastic"] = Field(
        description="What restitution makes of it"
    )


def _approaching(rng: Random) -> dict[str, Any]:
    first = round(rng.uniform(1, 20), 1)
    return {"velocity_a": first, "velocity_b": round(first - rng.uniform(0.5, 25), 1)}


Velocity = Annotated[float, Field(ge=-1000, le=1000, description="Velocity in m/s, to the right is positive")]


@tool(
    "Mechanics",
    "Energy and momentum",
    "A cart of {mass_a} kg at {velocity_a} m/s runs into one of {mass_b} kg that moves at {velocity_b} m/s. "
    "What happens if nothing is lost?",
    "Collision: {mass_a} kg at {velocity_a} m/s against {mass_b} kg at {velocity_b} m/s, restitution {restitution}. "
    "Velocities afterwards?",
    together=_approaching,
)
def head_on_collision(
    mass_a: MassKg,
    velocity_a: Annotated[Velocity, Like(number(1, 20, 1))],
    mass_b: MassKg,
    velocity_b: Annotated[Velocity, Like(number(-10, 0, 1))],
    restitution: Annotated[
        float,
        Field(ge=0, le=1, description="Coefficient of restitution: 0 they stick together, 1 elastic"),
        Like(pick(0, 0.3, 0.5, 0.7, 0.8, 0.9), 0.6),
    ] = 1,
) -> Rebound:
    """Velocities after a collision of two bodies on a line; body a comes from the left of body b."""
    closing = velocity_a - velocity_b
    if closing <= 0:
        raise Refused(
            f"parameter 'velocity_b': at {velocity_b:g} m/s body b is never caught by body a at {velocity_a:g} m/s; "
            f"give a velocity below {velocity_a:g}"
        )
    mass = mass_a + mass_b
    common = (mass_a * velocity_a + mass_b * velocity_b) / mass
    reduced = mass_a * mass_b / mass
    return Rebound(
        velocity_a_after=round(common - restitution * closing * mass_b / mass, 4) + 0.0,
        velocity_b_after=round(common + restitution * closing * mass_a / mass, 4) + 0.0,
        energy_lost_j=_figures(reduced * (1 - restitution**2) * closing**2 / 2),
        impulse=_figures(reduced * (1 + restitution) * closing),
        kind="elastic" if restitution == 1 else "perfectly inelastic" if restitution == 0 else "partly elastic",
    )


class Swing(Result):
    period_s: float = Field(description="Time of a full swing to and fro in s, for the amplitude given")
    small_angle_period_s: float = Field(description="The textbook formula's period for tiny swings in s")
    ratio: float = Field(description="Period over the small-angle period")
    frequency_hz: float = Field(description="Swings a second")


@tool(
    "Mechanics",
    "Oscillation",
    "What is the period of a pendulum {length_m} m long?",
    "A pendulum of {length_m} m swings out to {amplitude_degrees} degrees. How long does one swing take?",
    "Pendulum: {length_m} m, amplitude {amplitude_degrees}°, g = {gravity} m/s². Exact period?",
)
def pendulum_swing_period(
    length_m: Annotated[
        float, Field(ge=0.001, le=1000, description="From the pivot to the bob in m"), Like(magnitude(0.1, 30, 2))
    ],
    amplitude_degrees: Annotated[
        float, Field(ge=0, le=175, description="Greatest angle from the vertical"), Like(whole(5, 120, 5), 0.6)
    ] = 5,
    gravity: Gravity = _STANDARD_GRAVITY,
) -> Swing:
    """Period of a simple pendulum, exact for large swings too (complete elliptic integral)."""
    from scipy.special import ellipk

    tiny = 2 * math.pi * math.sqrt(length_m / gravity)
    ratio = float(ellipk(math.sin(math.radians(amplitude_degrees) / 2) ** 2)) * 2 / math.pi
    return Swing(
        period_s=_figures(tiny * ratio),
        small_angle_period_s=_figures(tiny),
        ratio=round(ratio, 6),
        frequency_hz=_figures(1 / (tiny * ratio)),
    )


class Oscillation(Result):
    natural_hz: float = Field(description="Frequency without damping in Hz")
    natural_period_s: float = Field(description="Period without damping in s")
    damping_ratio: float = Field(description="Damping over critical damping")
    regime: Literal["undamped", "underdamped", "critically damped", "overdamped"] = Field(description="How it moves")
    damped_period_s: float | None = Field(description="Period with the damping in s; null where it does not swing")


@tool(
    "Mechanics",
    "Oscillation",
    "A mass of {mass_kg} kg hangs on a spring of {stiffness} N/m. At what frequency does it bounce?",
    "Spring {stiffness} N/m, mass {mass_kg} kg, damper {damping} N s/m: is it overdamped, and what is its period?",
)
def spring_mass_oscillator(
    stiffness: Annotated[
        float, Field(ge=0.001, le=1e9, description="Spring constant in N/m"), Like(magnitude(10, 40000, 2))
    ],
    mass_kg: Annotated[float, Field(ge=1e-6, le=1e7, description="Mass in kg"), Like(magnitude(0.1, 500, 2))],
    damping: Annotated[
        float, Field(ge=0, le=1e9, description="Damping coefficient in N s/m"), Like(magnitude(1, 3000, 2), 0.6)
    ] = 0,
) -> Oscillation:
    """Natural frequency, damping ratio and period of a mass on a linear spring with viscous damping."""
    natural = math.sqrt(stiffness / mass_kg)
    ratio = damping / (2 * math.sqrt(stiffness * mass_kg))
    critical = math.isclose(ratio, 1, rel_tol=1e-9)
    swings = ratio < 1 and not critical
    return Oscillation(
        natural_hz=_figures(natural / (2 * math.pi)),
        natural_period_s=_figures(2 * math.pi / natural),
        damping_ratio=_figures(ratio),
        regime="critically damped" if critical else _regime(ratio),
        damped_period_s=_figures(2 * math.pi / (natural * math.sqrt(1 - ratio**2))) if swings else None,
    )


def _regime(ratio: float) -> Literal["undamped", "underdamped", "overdamped"]:
    if ratio == 0:
        return "undamped"
    return "underdamped" if ratio < 1 else "overdamped"


class Incline(Result):
    slides: bool = Field(description="Whether the block starts to slide")
    acceleration: float = Field(description="Acceleration down the slope in m/s²; 0 where it holds")
    normal_n: float = Field(description="Force of the slope on the block, at right angles, in N")
    friction_n: float = Field(description="Friction that acts, up the slope, in N")
    slip_degrees: float = Field(description="Slope at which it would just start to slide")


def _frictions(rng: Random) -> dict[str, Any]:
    static = round(rng.uniform(0.15, 0.9), 2)
    return {"static_friction": static, "kinetic_friction": round(static * rng.uniform(0.6, 0.95), 2)}


@tool(
    "Mechanics",
    "Friction",
    "Does a {mass_kg} kg crate slide down a ramp of {incline_degrees} degrees? The friction coefficients are "
    "{static_friction} static and {kinetic_friction} kinetic.",
    "Block on an incline: {mass_kg} kg, {incline_degrees}°, mu_s {static_friction}, mu_k {kinetic_friction}. "
    "Acceleration and friction force?",
    together=_frictions,
)
def incline_block_friction(
    mass_kg: MassKg,
    incline_degrees: Annotated[
        float, Field(ge=0, le=89, description="Slope above the horizontal in degrees"), Like(whole(5, 60))
    ],
    static_friction: Annotated[
        float, Field(ge=0, le=1.5, description="Coefficient of static friction"), Like(number(0.2, 0.9))
    ],
    kinetic_friction: Annotated[
        float,
        Field(ge=0, le=2, description="Coefficient of kinetic friction, at most the static one"),
        Like(number(0.1, 0.2)),
        Wrong(number(1.55, 2)),
    ],
) -> Incline:
    """Whether a block at rest on an inclined plane slides, and the forces on it, in Earth's standard gravity."""
    if kinetic_friction > static_friction:
        raise Refused(
            f"parameter 'kinetic_friction': {kinetic_friction:g} is above the static coefficient of "
            f"{static_friction:g}, which no dry surface shows; give {static_friction:g} or less"
        )
    angle = math.radians(incline_degrees)
    weight = mass_kg * _STANDARD_GRAVITY
    normal, pull = weight * math.cos(angle), weight * math.sin(angle)
    slides = pull > static_friction * normal
    friction = kinetic_friction * normal if slides else pull
    return Incline(
        slides=slides,
        acceleration=round((pull - friction) / mass_kg, 4),
        normal_n=_figures(normal),
        friction_n=_figures(friction),
        slip_degrees=round(math.degrees(math.atan(static_friction)), 2),
    )


class BankedCurve(Result):
    verdict: Literal["slides outwards", "holds", "slides inwards"] = Field(
        description="What happens at the speed given"
    )
    highest_km_h: float = Field(description="Greatest speed that holds in km/h")
    lowest_km_h: float = Field(description="Least speed that holds in km/h; 0 where it may stand")
    neutral_km_h: float = Field(description="Speed that needs no friction in km/h")
    lateral_g: float = Field(description="Sideways acceleration at the speed given in g")


@tool(
    "Mechanics",
    "Friction",
    "Can a car take a flat bend of {radius_m} m radius at {speed_km_h} km/h?",
    "Bend of {radius_m} m, banked by {bank_degrees} degrees: does a car hold at {speed_km_h} km/h?",
    "A curve has a radius of {radius_m} m, a bank of {bank_degrees}° and a friction coefficient of {friction}. What "
    "is the highest speed, and does {speed_km_h} km/h hold?",
)
def banked_curve_speed_limits(
    radius_m: Annotated[
        float, Field(ge=1, le=100000, description="Radius of the curve in m"), Like(magnitude(15, 600, 2))
    ],
    speed_km_h: Annotated[float, Field(ge=1, le=1000, description="Speed in km/h"), Like(whole(20, 150, 5))],
    bank_degrees: Annotated[
        float,
        Field(ge=0, le=90, description="Angle by which the road is banked"),
        Like(whole(3, 35), 0.6),
        Wrong(pick(88, 89, 90)),
    ] = 0,
    friction: Annotated[
        float, Field(ge=0.05, le=1.5, description="Coefficient of friction of the tyres"), Like(number(0.1, 0.9))
    ] = 0.7,
) -> BankedCurve:
    """Range of speeds at which a vehicle neither slides out of nor into a curve, in Earth's standard gravity."""
    slope = math.tan(math.radians(bank_degrees))
    if slope * friction >= 0.99:
        raise Refused(
            f"parameter 'bank_degrees': at {bank_degrees:g} degrees a vehicle with a friction of {friction:g} never "
            f"slides outwards; give less than {math.degrees(math.atan(0.99 / friction)):.1f}"
        )
    scale = radius_m * _STANDARD_GRAVITY
    highest = 3.6 * math.sqrt(scale * (slope + friction) / (1 - slope * friction))
    lowest = 3.6 * math.sqrt(scale * max(0.0, slope - friction) / (1 + slope * friction))
    return BankedCurve(
        verdict="slides outwards" if speed_km_h > highest else "slides inwards" if speed_km_h < lowest else "holds",
        highest_km_h=round(highest, 2),
        lowest_km_h=round(lowest, 2),
        neutral_km_h=round(3.6 * math.sqrt(scale * slope), 2),
        lateral_g=round((speed_km_h / 3.6) ** 2 / scale, 3),
    )
