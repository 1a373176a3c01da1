"""Colours: conversion, mixing, harmony and legibility."""

from __future__ import annotations

import colorsys
import math
from functools import cache
from random import Random
from typing import Annotated, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import Like, Refused, Result, Wrong, pick, tool, whole

Triple = tuple[float, float, float]
"""Red, green and blue between 0 and 1, or the three coordinates of another space."""

_HEX = "^#[0-9A-Fa-f]{6}$"
_FAMILIAR = (
    "#ff6347 #1e90ff #663399 #2e8b57 #ffd700 #dc143c #4b0082 #ff8c00 #20b2aa #c71585 #336699 #8b4513 #7fff00 #6a5acd "
    "#b22222 #40e0d0 #e63946 #457b9d #f4a261 #2a9d8f #264653 #e9c46a #3498db #e74c3c #9b59b6 #1abc9c #f1c40f #34495e"
).split()
"""What designers reach for; none of them is grey."""


def _any_hex(rng: Random) -> str:
    return rng.choice(_FAMILIAR) if rng.random() < 0.4 else f"#{rng.randrange(0x1000000):06x}"


def _vivid_hex(rng: Random) -> str:
    """A colour that has a hue."""
    if rng.random() < 0.4:
        return rng.choice(_FAMILIAR)
    return _hex_of(colorsys.hls_to_rgb(rng.random(), rng.uniform(0.3, 0.7), rng.uniform(0.4, 1)))


def _channels(hex_colour: str) -> tuple[int, int, int]:
    return int(hex_colour[1:3], 16), int(hex_colour[3:5], 16), int(hex_colour[5:7], 16)


def _unit(hex_colour: str) -> Triple:
    red, green, blue = _channels(hex_colour)
    return red / 255, green / 255, blue / 255


def _hex_of(unit: Triple) -> str:
    return "#" + "".join(f"{int(min(max(channel, 0), 1) * 255 + 0.5):02x}" for channel in unit)


def _linear(channel: float) -> float:
    """Light of an sRGB channel."""
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


def _encoded(light: float) -> float:
    return light * 12.92 if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055


def _luminance(hex_colour: str) -> float:
    red, green, blue = map(_linear, _unit(hex_colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _lab(hex_colour: str) -> Triple:
    """CIE L*a*b* under D65."""
    red, green, blue = map(_linear, _unit(hex_colour))
    x = (0.4124564 * red + 0.3575761 * green + 0.1804375 * blue) / 0.95047
    y = 0.2126729 * red + 0.7151522 * green + 0.0721750 * blue
    z = (0.0193339 * red + 0.1191920 * green + 0.9503041 * blue) / 1.08883
    fx, fy, fz = (t ** (1 / 3) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116 for t in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


HexColour = Annotated[str, Field(pattern=_HEX, description="Colour in sRGB as #rrggbb"), Like(_any_hex)]


class Hsl(Result):
    hue: float = Field(description="Angle on the colour wheel in degrees, 0 for greys")
    saturation: float = Field(description="Saturation in percent")
    lightness: float = Field(description="Lightness in percent")
    css: str = Field(description="As a style sheet has it, in whole numbers")


@tool(
    "Colours",
    "Conversion",
    "What is {hex_colour} in HSL?",
    "I need hue, saturation and lightness of {hex_colour} for my style sheet.",
    "{hex_colour} -> hsl please",
)
def hex_to_hsl(hex_colour: HexColour) -> Hsl:
    """Hue, saturation and lightness of an sRGB colour."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*_unit(hex_colour))
    degrees, percent, light = 360 * hue, 100 * saturation, 100 * lightness
    css = f"hsl({round(degrees) % 360}, {round(percent)}%, {round(light)}%)"
    return Hsl(hue=round(degrees, 2), saturation=round(percent, 2), lightness=round(light, 2), css=css)


class Cmyk(Result):
    cyan: float = Field(description="Cyan in percent")
    magenta: float = Field(description="Magenta in percent")
    yellow: float = Field(description="Yellow in percent")
    black: float = Field(description="Black (key) in percent")
    total_ink: float = Field(description="All four inks together in percent")
    within_limit: bool = Field(description="Whether the paper takes that much ink")


@tool(
    "Colours",
    "Conversion",
    "Give me the CMYK values for {hex_colour}.",
    "We print {hex_colour} on paper that takes {ink_limit} % ink. Which CMYK split is that, and is it too much?",
)
def hex_to_cmyk(
    hex_colour: HexColour,
    ink_limit: Annotated[
        int,
        Field(ge=150, le=400, description="Most ink that the paper takes, all four together, in percent"),
        Like(pick(220, 240, 260, 280, 300, 320)),
    ] = 300,
) -> Cmyk:
    """Cyan, magenta, yellow and black of a colour by plain arithmetic with full grey replacement, without a profile."""
    unit = _unit(hex_colour)
    black = 1 - max(unit)
    inks = [0.0 if black == 1 else (1 - channel - black) / (1 - black) for channel in unit]
    cyan, magenta, yellow, key = (round(100 * ink, 1) for ink in (*inks, black))
    total = round(cyan + magenta + yellow + key, 1)
    return Cmyk(cyan=cyan, magenta=magenta, yellow=yellow, black=key, total_ink=total, within_limit=total <= ink_limit)


class NamedColour(Result):
    name: str = Field(description="Keyword of CSS")
    hex_colour: str = Field(description="Its value as #rrggbb")
    distance: float = Field(description="CIE76 difference from the colour asked for; below about 2.3 no eye sees it")


class NearestNames(Result):
    exact: bool = Field(description="Whether the first of them is the very colour")
    colours: list[NamedColour] = Field(description="Named colours, the nearest first")


@cache
def _css_colours() -> tuple[tuple[str, str, Triple], ...]:
    """Name, value and L*a*b* of each CSS colour, one name a value (gray rather than grey, aqua rather than cyan)."""
    import webcolors

    names = {"#663399": "rebeccapurple"}  # level 4 of CSS added this one to those of level 3, which webcolors has
    for name in webcolors.names():
        names.setdefault(webcolors.name_to_hex(name), name)
    return tuple((name, value, _lab(value)) for value, name in names.items())


@tool(
    "Colours",
    "Conversion",
    "What would you call the colour {hex_colour}?",
    "Find the {count} CSS colour names that come closest to {hex_colour}.",
)
def nearest_css_colour(
    hex_colour: HexColour,
    count: Annotated[int, Field(ge=1, le=10, description="How many names are wanted"), Like(whole(1, 5))] = 1,
) -> NearestNames:
    """The named colours of CSS that look most like a colour, by distance in CIE L*a*b*."""
    wanted = _lab(hex_colour)
    ranked = sorted((round(math.dist(wanted, lab), 2), name, value) for name, value, lab in _css_colours())
    colours = [NamedColour(name=name, hex_colour=value, distance=away) for away, name, value in ranked[:count]]
    return NearestNames(exact=colours[0].hex_colour == hex_colour.lower(), colours=colours)


class Mixture(Result):
    hex_colour: str = Field(description="The mixture as #rrggbb")
    channels: list[int] = Field(description="Its red, green and blue, 0 to 255")


@tool(
    "Colours",
    "Mixing",
    "What do I get when I mix {first} and {second} half and half?",
    "Blend {first} with {second_percent} percent of {second}.",
    "Mix {first} and {second}, {second_percent} % of the latter, interpolated in {space} space.",
    "Mix {first} into {second} equally, in {space}.",
)
def mix_hex_colours(
    first: Annotated[str, Field(pattern=_HEX, description="One colour as #rrggbb"), Like(_any_hex)],
    second: Annotated[str, Field(pattern=_HEX, description="The other colour as #rrggbb"), Like(_any_hex)],
    second_percent: Annotated[
        float,
        Field(ge=0, le=100, description="Share of the second colour in percent"),
        Like(pick(10, 20, 25, 30, 40, 60, 75, 80, 90)),
    ] = 50,
    space: Annotated[
        Literal["srgb", "linear"],
        Field(description="srgb mixes the stored values as CSS does, linear mixes light as a projector does"),
        Like(pick("srgb", "linear")),
    ] = "srgb",
) -> Mixture:
    """Mix two colours, channel by channel."""
    share = second_percent / 100
    one, other = _unit(first), _unit(second)
    if space == "linear":
        red, green, blue = (
            _encoded((1 - share) * _linear(a) + share * _linear(b)) for a, b in zip(one, other, strict=True)
        )
    else:
        red, green, blue = ((1 - share) * a + share * b for a, b in zip(one, other, strict=True))
    mixed = _hex_of((red, green, blue))
    return Mixture(hex_colour=mixed, channels=list(_channels(mixed)))


class Harmony(Result):
    base_hue: float = Field(description="Hue of the colour given, in degrees")
    colours: list[str] = Field(description="The scheme as #rrggbb, the colour given first")


Scheme = Literal["complementary", "analogous", "triadic", "split_complementary", "tetradic"]
_TURNS: dict[Scheme, tuple[int, ...]] = {
    "complementary": (180,),
    "analogous": (-30, 30),
    "triadic": (120, 240),
    "split_complementary": (150, 210),
    "tetradic": (90, 180, 270),
}


@tool(
    "Colours",
    "Mixing",
    "What is the complementary colour of {hex_colour}?",
    "Build me a {scheme} palette around {hex_colour}.",
)
def colour_harmony(
    hex_colour: Annotated[
        str,
        Field(pattern=_HEX, description="Colour to start from, as #rrggbb; it must have a hue"),
        Like(_vivid_hex),
        Wrong(lambda rng: "#" + 3 * f"{rng.randrange(256):02x}"),
    ],
    scheme: Annotated[Scheme, Field(description="Which turns of the colour wheel"), Like(pick(*_TURNS))] = (
        "complementary"
    ),
) -> Harmony:
    """Colours that go with a colour: its hue turned on the wheel, saturation and lightness (HSL) kept."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*_unit(hex_colour))
    if saturation == 0:
        raise Refused(
            f"parameter 'hex_colour': {hex_colour} is a grey and has no hue to turn; give a colour whose red, green "
            "and blue differ, such as #336699"
        )
    turned = [_hex_of(colorsys.hls_to_rgb((hue + turn / 360) % 1, lightness, saturation)) for turn in _TURNS[scheme]]
    return Harmony(base_hue=round(360 * hue, 2), colours=[hex_colour.lower(), *turned])


class Contrast(Result):
    ratio: float = Field(description="Contrast ratio to one, 1 to 21")
    level: Literal["AAA", "AA", "fail"] = Field(description="Highest level of WCAG 2 that the pair reaches")
    text_luminance: float = Field(description="Relative luminance of the text, 0 to 1")
    background_luminance: float = Field(description="Relative luminance of the background, 0 to 1")


@tool(
    "Colours",
    "Legibility",
    "Is {text_colour} text readable on a white page?",
    "Check the contrast of {text_colour} on {background}.",
    "WCAG check: {text_size} text in {text_colour} on {background}.",
    "Does {text_size} text in {text_colour} on white pass WCAG?",
)
def wcag_contrast_ratio(
    text_colour: Annotated[str, Field(pattern=_HEX, description="Colour of the text as #rrggbb"), Like(_any_hex)],
    background: Annotated[
        str, Field(pattern=_HEX, description="Colour behind it as #rrggbb"), Like(_any_hex, given=0.7)
    ] = "#ffffff",
    text_size: Annotated[
        Literal["normal", "large"],
        Field(description="large from 18 points, or from 14 points in bold"),
        Like(pick("normal", "large")),
    ] = "normal",
) -> Contrast:
    """Contrast of text and background as the Web Content Accessibility Guidelines 2 define it."""
    lights = _luminance(text_colour), _luminance(background)
    ratio = (max(lights) + 0.05) / (min(lights) + 0.05)
    least, best = (3, 4.5) if text_size == "large" else (4.5, 7)
    level: Literal["AAA", "AA", "fail"] = "AAA" if ratio >= best else "AA" if ratio >= least else "fail"
    return Contrast(
        ratio=round(ratio, 2),
        level=level,
        text_luminance=round(lights[0], 4),
        background_luminance=round(lights[1], 4),
    )


class WhitePoint(Result):
    hex_colour: str = Field(description="Colour of the light as #rrggbb")
    channels: list[int] = Field(description="Its red, green and blue, 0 to 255")
    mired: float = Field(description="Reciprocal temperature, a million over kelvin")
    appearance: Literal["warm", "neutral", "cool"] = Field(
        description="warm below 3,300 K, cool above 5,300 K, as lamps are sold"
    )


@tool(
    "Colours",
    "Conversion",
    "Which RGB colour is light of {kelvin} K?",
    "I want to tint a scene like a {kelvin} kelvin lamp. What hex colour do I use?",
)
def kelvin_to_rgb(
    kelvin: Annotated[
        int, Field(ge=1000, le=40000, description="Colour temperature in kelvin"), Like(whole(1500, 12000, 100))
    ],
) -> WhitePoint:
    """Screen colour of a black body by Tanner Helland's fit, which is white at 6,600 K."""
    t = kelvin / 100
    red = 255 if t <= 66 else 329.698727446 * (t - 60) ** -0.1332047592
    green = 99.4708025861 * math.log(t) - 161.1195681661 if t <= 66 else 288.1221695283 * (t - 60) ** -0.0755148492
    blue = 255 if t >= 66 else 0 if t <= 19 else 138.5177312231 * math.log(t - 10) - 305.0447927307
    value = _hex_of((red / 255, green / 255, blue / 255))
    appearance: Literal["warm", "neutral", "cool"] = "warm" if kelvin < 3300 else "cool" if kelvin > 5300 else "neutral"
    return WhitePoint(
        hex_colour=value, channels=list(_channels(value)), mired=round(1e6 / kelvin, 1), appearance=appearance
    )
