"""Lenses, refraction, gratings, telescopes, beams, and light as a wave."""

from __future__ import annotations

import math
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import Like, Refused, Result, Wrong, magnitude, number, pick, several, tool, whole

_LIGHT_SPEED = 299792458.0
_PLANCK_EV = 4.135667696e-15
"""Planck's constant in eV s."""
_INDICES = {
    "vacuum": 1.0,
    "air": 1.000293,
    "ice": 1.31,
    "water": 1.333,
    "ethanol": 1.361,
    "fused silica": 1.458,
    "glycerol": 1.473,
    "acrylic": 1.49,
    "crown glass": 1.52,
    "flint glass": 1.62,
    "sapphire": 1.77,
    "diamond": 2.417,
}
"""Refractive indices at 589 nm."""


def _figures(value: float) -> float:
    """Six significant figures, and no negative zero."""
    return float(f"{value:.6g}") + 0.0


class Image(Result):
    image_distance_cm: float = Field(description="From the lens to the image; negative on the side of the object")
    magnification: float = Field(description="Size of the image over that of the object; negative is inverted")
    image_height_cm: float = Field(description="Height of the image; negative is inverted")
    nature: Literal["real", "virtual"] = Field(description="Whether a screen could show it")
    orientation: Literal["upright", "inverted"] = Field(description="Which way up the image stands")


@tool(
    "Optics",
    "Lenses and telescopes",
    "An object stands {object_distance_cm} cm from a lens with a focal length of {focal_length_cm} cm. Where is the "
    "image?",
    "Thin lens, f = {focal_length_cm} cm, object {object_height_cm} cm tall at {object_distance_cm} cm: describe the "
    "image.",
)
def thin_lens_image(
    focal_length_cm: Annotated[
        float,
        Field(ge=-1000, le=1000, description="Focal length in cm; negative for a diverging lens"),
        Like(pick(2.5, 5, 8, 10, 12, 15, 20, 25, 30, 50, -10, -15, -20, -25)),
        Wrong(pick(0)),
    ],
    object_distance_cm: Annotated[
        float, Field(ge=0.1, le=1e6, description="From the object to the lens in cm"), Like(number(3, 90, 1))
    ],
    object_height_cm: Annotated[
        float, Field(ge=0.001, le=10000, description="Height of the object"), Like(number(0.5, 12, 1))
    ] = 1,
) -> Image:
    """Place, size and kind of the image that a thin lens makes of a real object."""
    if abs(focal_length_cm) < 0.01:
        raise Refused(
            f"parameter 'focal_length_cm': {focal_length_cm:g} is no focal length of a lens; give at least 0.01 for a "
            "converging lens or at most -0.01 for a diverging one"
        )
    beyond = object_distance_cm - focal_length_cm
    if abs(beyond) < 1e-6 * object_distance_cm:
        raise Refused(
            f"parameter 'object_distance_cm': at {object_distance_cm:g} the object stands in the focal point and the "
            "image is infinitely far away; move it nearer or farther"
        )
    magnified = -focal_length_cm / beyond
    return Image(
        image_distance_cm=_figures(object_distance_cm * focal_length_cm / beyond),
        magnification=_figures(magnified),
        image_height_cm=_figures(magnified * object_height_cm),
        nature="real" if magnified < 0 else "virtual",
        orientation="inverted" if magnified < 0 else "upright",
    )


class Refraction(Result):
    refraction_degrees: float = Field(description="Angle of the refracted ray from the normal")
    deviation_degrees: float = Field(description="How much the ray is bent")
    index_from: float = Field(description="Refractive index before the surface")
    index_to: float = Field(description="Refractive index behind the surface")
    reflected_percent: float = Field(description="Share of unpolarised light that is reflected")


def _entering(rng: Random) -> dict[str, Any]:
    first, second = rng.sample(sorted(_INDICES), 2)
    ratio = _INDICES[second] / _INDICES[first]
    steepest = 0.95 * math.degrees(math.asin(ratio)) if ratio < 1 else 80
    return {"from_medium": first, "to_medium": second, "incidence_degrees": round(rng.uniform(5, steepest), 1)}


_UNKNOWN_MEDIA = ("steel", "kryptonite", "granite", "aether", "mercury")
Medium = Annotated[
    str,
    Field(min_length=2, max_length=30, description="Transparent medium, such as air, water or crown glass"),
    Like(pick(*_INDICES)),
    Wrong(pick(*_UNKNOWN_MEDIA)),
]


@tool(
    "Optics",
    "Refraction and diffraction",
    "Light goes from {from_medium} into {to_medium} at {incidence_degrees} degrees. How is it refracted?",
    "Snell's law: {from_medium} to {to_medium}, incidence {incidence_degrees}°. Refraction angle and reflected share?",
    together=_entering,
)
def snell_refraction(
    from_medium: Medium,
    to_medium: Medium,
    incidence_degrees: Annotated[
        float, Field(ge=0, lt=90, description="Angle of the ray from the normal in degrees"), Like(number(5, 40, 1))
    ],
) -> Refraction:
    """Angle of refraction by Snell's law for yellow light (589 nm), and the reflected share by Fresnel's equations."""
    before, behind = _index("from_medium", from_medium), _index("to_medium", to_medium)
    angle = math.radians(incidence_degrees)
    sine = before * math.sin(angle) / behind
    if sine >= 1:
        critical = math.degrees(math.asin(behind / before))
        raise Refused(
            f"parameter 'incidence_degrees': at {incidence_degrees:g} all light is reflected, for the critical angle "
            f"from {from_medium} to {to_medium} is {critical:.2f} degrees; give less than that"
        )
    refracted = math.asin(sine)
    near, far = math.cos(angle), math.cos(refracted)
    upright = (before * near - behind * far) / (before * near + behind * far)
    flat = (before * far - behind * near) / (before * far + behind * near)
    return Refraction(
        refraction_degrees=round(math.degrees(refracted), 3),
        deviation_degrees=round(abs(math.degrees(refracted) - incidence_degrees), 3),
        index_from=before,
        index_to=behind,
        reflected_percent=round(50 * (upright**2 + flat**2), 4),
    )


def _index(parameter: str, medium: str) -> float:
    index = _INDICES.get(medium.strip().lower())
    if index is None:
        raise Refused(
            f"parameter '{parameter}': no refractive index is on record for '{medium}'; give one of "
            f"{', '.join(_INDICES)}"
        )
    return index


class Order(Result):
    order: int = Field(description="Order of diffraction; 0 goes straight through")
    angle_degrees: float = Field(description="Angle from the normal")


class Diffraction(Result):
    orders: list[Order] = Field(description="The orders from -5 to 5 that exist")
    highest_order: int = Field(description="Greatest positive or negative order that exists")
    spacing_nm: float = Field(description="Distance of the lines in nm")


@tool(
    "Optics",
    "Refraction and diffraction",
    "Where do the maxima of {wavelength_nm} nm light lie behind a grating with {lines_per_mm} lines per mm?",
    "Grating: {lines_per_mm} lines/mm, {wavelength_nm} nm, light coming in at {incidence_degrees} degrees. Angles of "
    "all orders, please.",
)
def diffraction_grating_orders(
    lines_per_mm: Annotated[
        float,
        Field(ge=50, le=10000, description="Lines of the grating per mm"),
        Like(pick(80, 100, 150, 300, 500, 600, 830, 1000, 1200)),
        Wrong(whole(6000, 10000, 500)),
    ],
    wavelength_nm: Annotated[
        float,
        Field(ge=380, le=1100, description="Wavelength of the light in nm"),
        Like(pick(405, 450, 486.1, 500, 532, 546.1, 589.3, 632.8, 650, 656.3, 780)),
    ],
    incidence_degrees: Annotated[
        float, Field(ge=0, le=80, description="Angle of the incoming light from the normal"), Like(whole(5, 45, 5), 0.4)
    ] = 0,
) -> Diffraction:
    """Angles of a transmission grating's maxima, from sin(angle) = sin(incidence) + order * wavelength / spacing."""
    spacing = 1e6 / lines_per_mm
    start, step = math.sin(math.radians(incidence_degrees)), wavelength_nm / spacing
    sines = {order: start + order * step for order in range(-110, 111) if abs(start + order * step) <= 1}
    if len(sines) == 1:
        raise Refused(
            f"parameter 'lines_per_mm': {lines_per_mm:g} lines are {spacing:.4g} nm apart, too close to diffract "
            f"{wavelength_nm:g} nm; give fewer than {1e6 * (1 + start) / wavelength_nm:.0f} lines"
        )
    shown = [
        Order(order=one, angle_degrees=round(math.degrees(math.asin(sine)), 3))
        for one, sine in sines.items()
        if abs(one) <= 5
    ]
    return Diffraction(orders=shown, highest_order=max(map(abs, sines)), spacing_nm=_figures(spacing))


class TelescopeView(Result):
    magnification: float = Field(description="How many times larger things appear")
    focal_ratio: float = Field(description="Focal length over aperture")
    exit_pupil_mm: float = Field(description="Width of the beam that reaches the eye in mm")
    true_field_degrees: float = Field(description="How much of the sky is seen at once")
    resolution_arcsec: float = Field(description="Closest double star that is split, by Dawes' limit")
    rating: Literal["too weak", "useful", "too strong"] = Field(
        description="Too weak where the exit pupil is above 7 mm, too strong above twice the aperture in mm"
    )


@tool(
    "Optics",
    "Lenses and telescopes",
    "My telescope has {aperture_mm} mm of aperture and {focal_length_mm} mm focal length. What does a {eyepiece_mm} mm "
    "eyepiece give?",
    "Telescope {aperture_mm}/{focal_length_mm} with a {eyepiece_mm} mm eyepiece of {apparent_field_degrees}° apparent "
    "field: magnification, exit pupil, true field?",
)
def telescope_eyepiece_view(
    aperture_mm: Annotated[
        float,
        Field(ge=20, le=10000, description="Aperture in mm"),
        Like(pick(70, 80, 102, 114, 130, 150, 203, 254, 305)),
    ],
    focal_length_mm: Annotated[
        float,
        Field(ge=50, le=100000, description="Focal length of the telescope in mm"),
        Like(pick(400, 500, 650, 700, 900, 1000, 1200, 1500, 2032, 2350)),
    ],
    eyepiece_mm: Annotated[
        float,
        Field(ge=1, le=100, description="Focal length of the eyepiece in mm"),
        Like(pick(4, 5, 6, 8, 10, 12, 15, 20, 25, 32, 40)),
    ],
    apparent_field_degrees: Annotated[
        float, Field(ge=20, le=120, description="Apparent field of the eyepiece"), Like(pick(50, 60, 68, 82, 100))
    ] = 52,
) -> TelescopeView:
    """Magnification, exit pupil and field of view of a telescope with an eyepiece."""
    magnified = focal_length_mm / eyepiece_mm
    pupil = aperture_mm / magnified
    return TelescopeView(
        magnification=round(magnified, 2),
        focal_ratio=round(focal_length_mm / aperture_mm, 2),
        exit_pupil_mm=_figures(pupil),
        true_field_degrees=_figures(apparent_field_degrees / magnified),
        resolution_arcsec=round(116 / aperture_mm, 3),
        rating="too weak" if pupil > 7 else "too strong" if magnified > 2 * aperture_mm else "useful",
    )


class LightWave(Result):
    wavelength_nm: float = Field(description="Wavelength in vacuum in nm")
    frequency_thz: float = Field(description="Frequency in THz")
    photon_energy_ev: float = Field(description="Energy of a photon in eV")
    band: Literal["radio", "microwave", "infrared", "visible", "ultraviolet", "x-ray", "gamma ray"] = Field(
        description="Radio above 1 m, microwave above 1 mm, visible 380 to 750 nm, X-rays 0.01 to 10 nm"
    )
    colour: str | None = Field(description="Colour of visible light; null for other bands")


_TO_METRES = {"nm": 1e-9, "um": 1e-6, "m": 1.0}
_TO_HERTZ = {"MHz": 1e6, "GHz": 1e9, "THz": 1e12, "eV": 1 / _PLANCK_EV}
_Band = Literal["radio", "microwave", "infrared", "visible", "ultraviolet", "x-ray", "gamma ray"]
_BANDS: tuple[tuple[float, _Band], ...] = (
    (0.01, "gamma ray"),
    (10, "x-ray"),
    (380, "ultraviolet"),
    (750, "visible"),
    (1e6, "infrared"),
    (1e9, "microwave"),
    (math.inf, "radio"),
)
"""Up to which wavelength in nm a band reaches."""
_COLOURS = (
    (450, "violet"),
    (485, "blue"),
    (500, "cyan"),
    (565, "green"),
    (590, "yellow"),
    (625, "orange"),
    (750, "red"),
)
_USUAL = {
    "nm": number(120, 1500, 1),
    "um": number(0.3, 15, 2),
    "m": magnitude(0.01, 200),
    "MHz": number(80, 900, 1),
    "GHz": number(1, 90, 1),
    "THz": number(200, 900, 1),
    "eV": magnitude(0.5, 20000),
}


def _wave(rng: Random) -> dict[str, Any]:
    unit = rng.choice(sorted(_USUAL))
    return {"value": _USUAL[unit](rng), "unit": unit}


@tool(
    "Optics",
    "Light",
    "Radiation of {value} {unit}: what wavelength, frequency and photon energy is that?",
    "What colour or band is {value} {unit}?",
    together=_wave,
)
def electromagnetic_wave_band(
    value: Annotated[
        float, Field(ge=1e-6, le=1e12, description="Wavelength, frequency or photon energy"), Like(number(200, 900, 1))
    ],
    unit: Annotated[
        Literal["nm", "um", "m", "MHz", "GHz", "THz", "eV"],
        Field(description="Unit of the value, which says what it is"),
        Like(pick("nm")),
    ],
) -> LightWave:
    """Wavelength in vacuum, frequency, photon energy and band of an electromagnetic wave given by any of these."""
    frequency = value * _TO_HERTZ[unit] if unit in _TO_HERTZ else _LIGHT_SPEED / (value * _TO_METRES[unit])
    nanometres = 1e9 * _LIGHT_SPEED / frequency
    band = next(name for limit, name in _BANDS if nanometres < limit)
    colour = next(name for limit, name in _COLOURS if nanometres < limit) if band == "visible" else None
    return LightWave(
        wavelength_nm=_figures(nanometres),
        frequency_thz=_figures(frequency / 1e12),
        photon_energy_ev=_figures(frequency * _PLANCK_EV),
        band=band,
        colour=colour,
    )


class LensShape(Result):
    focal_length_cm: float = Field(description="Focal length in cm; negative for a diverging lens")
    power_dioptre: float = Field(description="Power in dioptres")
    shape: Literal["biconvex", "plano-convex", "meniscus", "plano-concave", "biconcave"] = Field(
        description="Kind of lens"
    )


_NO_RADIUS = Wrong(pick(0.001, -0.005, 0.01, -0.02))
Radius = Annotated[
    float,
    Field(ge=-10000, le=10000, description="Radius in cm, positive with its centre behind the face; 0 for a flat face"),
]


@tool(
    "Optics",
    "Lenses and telescopes",
    "Focal length of a lens with radii of {front_radius_cm} and {back_radius_cm} cm?",
    "I grind a lens with radii {front_radius_cm} cm and {back_radius_cm} cm from glass of index {index}. Dioptres?",
    "Lensmaker's formula: R1 = {front_radius_cm} cm, R2 = {back_radius_cm} cm, n = {index}, {thickness_mm} mm thick.",
)
def lensmaker_focal_length(
    front_radius_cm: Annotated[Radius, Like(pick(6, 8, 10, 12.5, 20, 30, 45, -9, -18, 0)), _NO_RADIUS],
    back_radius_cm: Annotated[Radius, Like(pick(-5, -7, -10, -15, -22, -40, 11, 16, 25)), _NO_RADIUS],
    index: Annotated[
        float,
        Field(ge=1.1, le=4, description="Refractive index of the glass"),
        Like(pick(1.46, 1.49, 1.52, 1.62, 1.67, 1.74)),
    ] = 1.5168,
    thickness_mm: Annotated[
        float, Field(ge=0, le=50, description="Thickness in the middle in mm"), Like(pick(2, 3, 5, 8), 0.4)
    ] = 0,
) -> LensShape:
    """Focal length in air of a lens from the radii of its faces, by the lensmaker's formula for thick lenses."""
    front, back = _curvature("front_radius_cm", front_radius_cm), _curvature("back_radius_cm", back_radius_cm)
    thickening = (index - 1) * thickness_mm / 10 * front * back / index
    power = (index - 1) * (front - back + thickening)
    if abs(power) < 1e-9:
        raise Refused(
            f"parameter 'back_radius_cm': with {back_radius_cm:g} behind {front_radius_cm:g} the faces cancel out and "
            "the lens has no focus; give another radius"
        )
    return LensShape(
        focal_length_cm=_figures(1 / power), power_dioptre=_figures(100 * power), shape=_shape(front, -back)
    )


def _curvature(parameter: str, radius: float) -> float:
    if radius == 0:
        return 0.0
    if abs(radius) < 0.05:
        raise Refused(
            f"parameter '{parameter}': {radius:g} cm is too small a radius for a lens; give 0 for a flat face, or at "
            "least 0.05 either way"
        )
    return 1 / radius


def _shape(front: float, back: float) -> Literal["biconvex", "plano-convex", "meniscus", "plano-concave", "biconcave"]:
    """Of faces whose curvature is positive where they bulge."""
    if 0 in (front, back):
        return "plano-convex" if front + back > 0 else "plano-concave"
    if front * back < 0:
        return "meniscus"
    return "biconvex" if front > 0 else "biconcave"


class BeamSpot(Result):
    spot_diameter_mm: float = Field(description="Diameter of the beam there (1/e²) in mm")
    rayleigh_m: float = Field(description="Distance over which the beam's area doubles in m")
    divergence_mrad: float = Field(description="Full angle at which it spreads far away in mrad")
    peak_w_m2: float = Field(description="Irradiance in the middle of the spot in W/m²")


@tool(
    "Optics",
    "Light",
    "How wide is a {wavelength_nm} nm laser beam with a {waist_diameter_mm} mm waist after {distance_m} m?",
    "Gaussian beam: {wavelength_nm} nm, waist {waist_diameter_mm} mm, {power_mw} mW. Spot and irradiance at "
    "{distance_m} m?",
    "Laser, {wavelength_nm} nm, {power_mw} mW, M² = {beam_quality}, waist diameter {waist_diameter_mm} mm: what "
    "arrives at {distance_m} m?",
)
def laser_beam_spot(
    wavelength_nm: Annotated[
        float,
        Field(ge=100, le=20000, description="Wavelength in nm"),
        Like(pick(405, 450, 532, 632.8, 650, 1064, 1550, 10600)),
    ],
    waist_diameter_mm: Annotated[
        float,
        Field(ge=0.001, le=10000, description="Diameter of the beam at its waist (1/e²) in mm"),
        Like(magnitude(0.05, 20, 2)),
    ],
    distance_m: Annotated[
        float, Field(ge=0, le=1e12, description="Distance from the waist in m"), Like(magnitude(0.1, 20000, 2))
    ],
    power_mw: Annotated[
        float, Field(ge=1e-6, le=1e15, description="Power of the beam in mW"), Like(pick(0.5, 5, 20, 100, 1000, 5000))
    ] = 1,
    beam_quality: Annotated[
        float, Field(ge=1, le=1000, description="M², 1 for a perfect Gaussian beam"), Like(pick(1.1, 1.3, 2, 5), 0.3)
    ] = 1,
) -> BeamSpot:
    """Size and brightness of a Gaussian laser beam at a distance from its waist."""
    waist, wavelength = waist_diameter_mm / 2000, wavelength_nm * 1e-9
    rayleigh = math.pi * waist**2 / (beam_quality * wavelength)
    radius = waist * math.hypot(1, distance_m / rayleigh)
    return BeamSpot(
        spot_diameter_mm=_figures(2000 * radius),
        rayleigh_m=_figures(rayleigh),
        divergence_mrad=_figures(2000 * waist / rayleigh),
        peak_w_m2=_figures(2 * power_mw / 1000 / (math.pi * radius**2)),
    )


class Polarised(Result):
    transmitted: float = Field(description="Intensity behind the last polariser, in the unit of the incoming one")
    percent: float = Field(description="Share of the incoming intensity")
    after_each: list[float] = Field(description="Intensity behind each polariser")


@tool(
    "Optics",
    "Light",
    "How much unpolarised light gets through polarisers at {axes_degrees} degrees?",
    "Malus' law: polarisers at {axes_degrees}°, {intensity} W/m² coming in unpolarised.",
    "Light polarised at {incoming_degrees}° meets polarisers at {axes_degrees}°. How many percent pass?",
    "Light polarised at {incoming_degrees}° with {intensity} W/m² meets polarisers at {axes_degrees}°. What is left?",
)
def polariser_chain_transmission(
    axes_degrees: Annotated[
        list[Annotated[float, Field(ge=-360, le=360)]],
        Field(min_length=1, max_length=12, description="Angles of the polarisers' axes, in the order of the light"),
        Like(several(whole(0, 90, 15), 2, 4)),
    ],
    intensity: Annotated[
        float,
        Field(ge=1e-6, le=1e9, description="Intensity of the incoming light"),
        Like(pick(1, 10, 50, 200, 800), 0.6),
    ] = 100,
    incoming_degrees: Annotated[
        float | None,
        Field(ge=-360, le=360, description="Direction in which the incoming light is polarised; null for unpolarised"),
        Like(whole(0, 90, 10), 0.4),
    ] = None,
) -> Polarised:
    """Intensity of light behind ideal polarisers, by Malus' law."""
    left, axis = intensity, incoming_degrees
    after: list[float] = []
    for angle in axes_degrees:
        left *= 0.5 if axis is None else math.cos(math.radians(angle - axis)) ** 2
        axis = angle
        after.append(left)
    return Polarised(
        transmitted=_rounded(left, intensity),
        percent=round(100 * left / intensity, 4) + 0.0,
        after_each=[_rounded(one, intensity) for one in after],
    )


def _rounded(value: float, of: float) -> float:
    """Nothing where it is nothing but the rounding of a cosine."""
    return _figures(value) if value > 1e-12 * of else 0.0
