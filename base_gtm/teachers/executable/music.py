"""Music: pitches, intervals, chords, scales and time."""

from __future__ import annotations

import re
from itertools import pairwise
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import Like, Refused, Result, Wrong, number, pick, tool, whole

_LETTERS = "CDEFGAB"
_NATURALS = (0, 2, 4, 5, 7, 9, 11)
"""Semitones of the letters above C."""
_SHARPS = "C C# D D# E F F# G G# A A# B".split()
_FLATS = "C Db D Eb E F Gb G Ab A Bb B".split()
_ROOTS = "C C D D E F G G A A B F# C# Bb Bb Eb Eb Ab Db Gb".split()
_SOUND = 343.0
"""Speed of sound in air of 20 degrees Celsius, in metres a second."""


def _pitched(low: int, high: int) -> Like:
    """Notes with an octave."""
    return Like(lambda rng: rng.choice(_ROOTS) + str(rng.randint(low, high)))


def _alteration(accidentals: str) -> int:
    return accidentals.count("#") - accidentals.count("b")


def _semitones(note: str) -> int:
    """Semitones of a note name without octave above the C below it; Cb is -1."""
    return _NATURALS[_LETTERS.index(note[0])] + _alteration(note[1:])


def _midi(note: str) -> int:
    """Number of a note with octave; middle C, C4, is 60."""
    return 12 * (int(note[-1]) + 1) + _semitones(note[:-1])


def _spelt(root: str, steps: int, semitones: int) -> str:
    """The note so many letters and semitones above a root."""
    letter = _LETTERS[(_LETTERS.index(root[0]) + steps) % 7]
    away = (_semitones(root) + semitones - _semitones(letter) + 6) % 12 - 6
    return letter + ("#" * away if away > 0 else "b" * -away)


_PITCH = "^[A-G][#b]?[0-8]$"
Root = Annotated[str, Field(pattern="^[A-G][#b]?$", description="Note such as C, F# or Bb"), Like(pick(*_ROOTS))]


class Pitch(Result):
    frequency_hz: float = Field(description="Frequency in hertz")
    midi_number: int = Field(description="MIDI note number, 60 for C4")
    wavelength_cm: float = Field(description="Wavelength in air of 20 degrees Celsius, in centimetres")


@tool(
    "Music",
    "Pitch",
    "What frequency is {note}?",
    "Our A is tuned to {a4_hz} Hz. How many hertz does {note} have then?",
)
def note_frequency(
    note: Annotated[
        str, Field(pattern=_PITCH, description="Note with octave, C4 for middle C, such as F#3"), _pitched(1, 7)
    ],
    a4_hz: Annotated[
        float, Field(ge=390, le=490, description="Tuning of A4 in hertz"), Like(pick(415, 430, 432, 438, 441, 442, 443))
    ] = 440,
) -> Pitch:
    """Frequency of a note in equal temperament."""
    midi = _midi(note)
    frequency = a4_hz * 2 ** ((midi - 69) / 12)
    return Pitch(frequency_hz=round(frequency, 3), midi_number=midi, wavelength_cm=round(100 * _SOUND / frequency, 2))


class Interval(Result):
    name: str = Field(description="Name of the interval within the octave, such as 'minor third'")
    extra_octaves: int = Field(description="Whole octaves beyond that")
    semitones: int = Field(description="Semitones from the lower to the higher note as written")
    direction: Literal["up", "down", "none"] = Field(description="Where the second note lies")


_NUMBERS = "unison second third fourth fifth sixth seventh".split()
_PERFECT = {0, 3, 4}
"""Letters above the root that make unison, fourth and fifth."""
_PERFECT_NAMES = {
    -3: "triply diminished",
    -2: "doubly diminished",
    -1: "diminished",
    0: "perfect",
    1: "augmented",
    2: "doubly augmented",
    3: "triply augmented",
}
_MAJOR_NAMES = {
    -3: "doubly diminished",
    -2: "diminished",
    -1: "minor",
    0: "major",
    1: "augmented",
    2: "doubly augmented",
}
_Place = tuple[int, int]


def _place(note: str) -> _Place:
    """Letter counted from C0, then pitch: where a note stands on the staff."""
    return 7 * int(note[-1]) + _LETTERS.index(note[0]), _midi(note)


@tool(
    "Music",
    "Pitch",
    "What interval is {first_note} to {second_note}?",
    "Name the interval between {first_note} and {second_note}, and count the semitones.",
)
def interval_name(
    first_note: Annotated[str, Field(pattern=_PITCH, description="Note with octave, such as C4"), _pitched(3, 5)],
    second_note: Annotated[str, Field(pattern=_PITCH, description="Note with octave, such as Eb4"), _pitched(3, 5)],
) -> Interval:
    """Name of the interval between two notes as spelt: C to D# is an augmented second, C to Eb a minor third."""
    low, high = sorted((_place(first_note), _place(second_note)))
    steps, semitones = high[0] - low[0], high[1] - low[1]
    octaves, simple = divmod(steps, 7)
    away = semitones - _NATURALS[simple] - 12 * octaves
    quality = _PERFECT_NAMES[away] if simple in _PERFECT else _MAJOR_NAMES[away]
    number_name = _NUMBERS[simple]
    if simple == 0 and octaves:
        number_name, octaves = "octave", octaves - 1
    first, second = _place(first_note), _place(second_note)
    return Interval(
        name=f"{quality} {number_name}",
        extra_octaves=octaves,
        semitones=semitones,
        direction="none" if first == second else "up" if second > first else "down",
    )


Quality = Literal[
    "major",
    "minor",
    "diminished",
    "augmented",
    "sus2",
    "sus4",
    "sixth",
    "dominant seventh",
    "major seventh",
    "minor seventh",
    "half-diminished seventh",
    "diminished seventh",
]
_CHORDS: dict[Quality, tuple[str, tuple[tuple[int, int], ...]]] = {
    "major": ("", ((0, 0), (2, 4), (4, 7))),
    "minor": ("m", ((0, 0), (2, 3), (4, 7))),
    "diminished": ("dim", ((0, 0), (2, 3), (4, 6))),
    "augmented": ("aug", ((0, 0), (2, 4), (4, 8))),
    "sus2": ("sus2", ((0, 0), (1, 2), (4, 7))),
    "sus4": ("sus4", ((0, 0), (3, 5), (4, 7))),
    "sixth": ("6", ((0, 0), (2, 4), (4, 7), (5, 9))),
    "dominant seventh": ("7", ((0, 0), (2, 4), (4, 7), (6, 10))),
    "major seventh": ("maj7", ((0, 0), (2, 4), (4, 7), (6, 11))),
    "minor seventh": ("m7", ((0, 0), (2, 3), (4, 7), (6, 10))),
    "half-diminished seventh": ("m7b5", ((0, 0), (2, 3), (4, 6), (6, 10))),
    "diminished seventh": ("dim7", ((0, 0), (2, 3), (4, 6), (6, 9))),
}
"""Symbol, and letters and semitones of each note above the root."""


def _chord_draw(rng: Random) -> dict[str, Any]:
    quality = rng.choice(list(_CHORDS))
    drawn: dict[str, Any] = {"root": rng.choice(_ROOTS), "quality": quality}
    if rng.random() < 0.4:
        drawn["inversion"] = rng.randrange(1, len(_CHORDS[quality][1]))
    return drawn


class Chord(Result):
    symbol: str = Field(description="Chord symbol, with the bass after a slash where it is not the root")
    notes: list[str] = Field(description="Notes from the bass up")


@tool(
    "Music",
    "Harmony",
    "Which notes are in a {root} {quality} chord?",
    "Spell {root} {quality} for me, inversion {inversion}.",
    together=_chord_draw,
)
def chord_notes(
    root: Root,
    quality: Annotated[Quality, Field(description="Kind of chord"), Like(pick(*_CHORDS))],
    inversion: Annotated[
        int,
        Field(ge=0, le=6, description="Notes moved up from the bass: 0 is root position, 1 the first inversion"),
        Like(whole(1, 2), given=0),
        Wrong(whole(4, 6)),
    ] = 0,
) -> Chord:
    """Notes of a chord, spelt by letters so that a third is a third: C minor has Eb, not D#."""
    suffix, parts = _CHORDS[quality]
    if inversion >= len(parts):
        raise Refused(
            f"parameter 'inversion': {inversion} is too high, a chord of the kind '{quality}' has {len(parts)} notes; "
            f"give 0 to {len(parts) - 1}"
        )
    notes = [_spelt(root, steps, semitones) for steps, semitones in parts]
    notes = notes[inversion:] + notes[:inversion]
    return Chord(symbol=root + suffix + (f"/{notes[0]}" if inversion else ""), notes=notes)


ScaleName = Literal[
    "major",
    "natural minor",
    "harmonic minor",
    "melodic minor",
    "dorian",
    "phrygian",
    "lydian",
    "mixolydian",
    "locrian",
    "major pentatonic",
    "minor pentatonic",
    "blues",
]
_SCALES: dict[ScaleName, tuple[tuple[int, int], ...]] = {
    "major": ((0, 0), (1, 2), (2, 4), (3, 5), (4, 7), (5, 9), (6, 11)),
    "natural minor": ((0, 0), (1, 2), (2, 3), (3, 5), (4, 7), (5, 8), (6, 10)),
    "harmonic minor": ((0, 0), (1, 2), (2, 3), (3, 5), (4, 7), (5, 8), (6, 11)),
    "melodic minor": ((0, 0), (1, 2), (2, 3), (3, 5), (4, 7), (5, 9), (6, 11)),
    "dorian": ((0, 0), (1, 2), (2, 3), (3, 5), (4, 7), (5, 9), (6, 10)),
    "phrygian": ((0, 0), (1, 1), (2, 3), (3, 5), (4, 7), (5, 8), (6, 10)),
    "lydian": ((0, 0), (1, 2), (2, 4), (3, 6), (4, 7), (5, 9), (6, 11)),
    "mixolydian": ((0, 0), (1, 2), (2, 4), (3, 5), (4, 7), (5, 9), (6, 10)),
    "locrian": ((0, 0), (1, 1), (2, 3), (3, 5), (4, 6), (5, 8), (6, 10)),
    "major pentatonic": ((0, 0), (1, 2), (2, 4), (4, 7), (5, 9)),
    "minor pentatonic": ((0, 0), (2, 3), (3, 5), (4, 7), (6, 10)),
    "blues": ((0, 0), (2, 3), (3, 5), (4, 6), (4, 7), (6, 10)),
}
"""Letters and semitones of each note above the tonic."""


class Scale(Result):
    notes: list[str] = Field(description="Notes from the tonic up, the octave left out")
    steps: list[int] = Field(description="Semitones from each note to the next, the last one to the octave")
    sharps: int = Field(description="Sharps among the notes, a double sharp counted twice")
    flats: int = Field(description="Flats among the notes, a double flat counted twice")


@tool("Music", "Harmony", "What are the notes of {tonic} {scale}?", "Write out the {scale} scale on {tonic}.")
def scale_notes(
    tonic: Root, scale: Annotated[ScaleName, Field(description="Kind of scale, going up"), Like(pick(*_SCALES))]
) -> Scale:
    """Notes of a scale in their proper spelling."""
    parts = _SCALES[scale]
    notes = [_spelt(tonic, steps, semitones) for steps, semitones in parts]
    heights = [semitones for _, semitones in parts] + [12]
    steps = [above - below for below, above in pairwise(heights)]
    written = "".join(note[1:] for note in notes)
    return Scale(notes=notes, steps=steps, sharps=written.count("#"), flats=written.count("b"))


_CHORD = re.compile(r"([A-G][#b]?)((?:maj|min|dim|aug|sus|add|alt|m|M|[0-9]+|[#b][0-9]+|[+()-])*)(?:/([A-G][#b]?))?")
_SONGS = (
    ["C", "G", "Am", "F"],
    ["Am", "F", "C", "G"],
    ["Dm7", "G7", "Cmaj7"],
    ["G", "D", "Em", "C"],
    ["E", "B", "C#m", "A"],
    ["Bb", "F/A", "Gm", "Eb"],
    ["D", "A", "Bm", "F#m", "G", "D", "G", "A"],
    ["Am7", "D7", "Gmaj7", "Cmaj7", "F#m7b5", "B7", "Em"],
    ["C", "Am", "Dsus4", "G7", "C/E"],
    ["Fm", "Db", "Ab", "Eb"],
    ["A7", "D7", "A7", "E7"],
    ["Em", "Em/D", "C", "Bdim", "Am6"],
)


class Transposed(Result):
    chords: list[str] = Field(description="The chords in the new key")
    capo_fret: int = Field(description="Fret of a guitar's capo at which the old shapes sound like the new chords")


@tool(
    "Music",
    "Harmony",
    "Transpose {chords} by {semitones} semitones.",
    "My song goes {chords}. I need it {semitones} semitones away (negative is lower), written with {accidentals}.",
)
def transpose_chords(
    chords: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=12, description="Chord symbol such as F#m7 or C/E")]],
        Field(min_length=1, max_length=16, description="Chords in order"),
        Like(pick(*_SONGS)),
        Wrong(pick(["H7", "Em", "A"], ["C", "Gx"], ["Do", "Fa"], ["am", "F"], ["C", "N.C.", "G"], ["D", "G/Q"])),
    ],
    semitones: Annotated[
        int,
        Field(ge=-11, le=11, description="How far up, negative for down"),
        Like(pick(-5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 7)),
    ],
    accidentals: Annotated[
        Literal["sharps", "flats"], Field(description="How black keys are written"), Like(pick("sharps", "flats"))
    ] = "sharps",
) -> Transposed:
    """Move chord symbols up or down; all black keys are written the one way asked for."""
    names = _SHARPS if accidentals == "sharps" else _FLATS
    moved = []
    for chord in chords:
        read = _CHORD.fullmatch(chord)
        if read is None:
            raise Refused(
                f"parameter 'chords': '{chord}' is no chord symbol; give a root from A to G with its kind, such as "
                "F#m7, Bb or C/E"
            )
        root, kind, bass = read.groups()
        new = names[(_semitones(root) + semitones) % 12] + kind
        moved.append(new + (f"/{names[(_semitones(bass) + semitones) % 12]}" if bass else ""))
    return Transposed(chords=moved, capo_fret=semitones % 12)


NoteValue = Literal["whole", "half", "quarter", "eighth", "sixteenth", "thirty-second"]
_QUARTERS: dict[NoteValue, float] = {
    "whole": 4,
    "half": 2,
    "quarter": 1,
    "eighth": 0.5,
    "sixteenth": 0.25,
    "thirty-second": 0.125,
}
Feel = Literal["straight", "dotted", "triplet"]
_FEELS: dict[Feel, float] = {"straight": 1, "dotted": 1.5, "triplet": 2 / 3}
Tempo = Annotated[float, Field(ge=20, le=400, description="Quarter notes a minute"), Like(number(60, 180, 0), given=1)]


class DelayTime(Result):
    milliseconds: float = Field(description="Length of the note in milliseconds")
    hertz: float = Field(description="How often it comes a second, as for an oscillator")


@tool(
    "Music",
    "Time",
    "Delay time for {note_value} notes at {bpm} BPM?",
    "I want my delay on {feel} {note_value} notes, the track runs at {bpm} bpm. How many milliseconds?",
)
def tempo_delay_time(
    bpm: Tempo,
    note_value: Annotated[NoteValue, Field(description="Note that the delay repeats on"), Like(pick(*_QUARTERS))],
    feel: Annotated[
        Feel, Field(description="dotted is half as long again, triplet two thirds"), Like(pick(*_FEELS))
    ] = "straight",
) -> DelayTime:
    """Length of a note at a tempo, as delay and echo effects want it."""
    milliseconds = 60000 / bpm * _QUARTERS[note_value] * _FEELS[feel]
    return DelayTime(milliseconds=round(milliseconds, 3), hertz=round(1000 / milliseconds, 4))


class BarLength(Result):
    seconds: float = Field(description="How long the bars last together")
    quarter_notes: float = Field(description="Quarter notes in one bar")
    metre: Literal["simple", "compound", "irregular"] = Field(description="How the bar divides")
    beats: int = Field(description="Beats felt in one bar; in compound time a beat is three of the lower figure")


@tool(
    "Music",
    "Time",
    "How long is one bar of {time_signature} at {bpm} bpm?",
    "A section has {bars} bars in {time_signature} at {bpm} quarters a minute. How many seconds is that?",
)
def bar_length(
    time_signature: Annotated[
        str,
        Field(pattern="^[1-9][0-9]?/[1-9][0-9]?$", description="Such as 6/8"),
        Like(pick("4/4", "3/4", "2/4", "6/8", "12/8", "5/4", "7/8", "9/8", "2/2", "5/8", "3/8", "11/8")),
        Wrong(pick("4/3", "7/6", "3/10", "6/9", "5/12", "2/7")),
    ],
    bpm: Tempo,
    bars: Annotated[int, Field(ge=1, le=1000, description="Number of bars"), Like(pick(2, 4, 8, 12, 16, 24, 32))] = 1,
) -> BarLength:
    """Length of bars in a time signature; the tempo counts quarter notes whatever the signature."""
    upper, lower = map(int, time_signature.split("/"))
    if lower not in (1, 2, 4, 8, 16, 32, 64):
        raise Refused(
            f"parameter 'time_signature': '{time_signature}' names no note value below the line; give 1, 2, 4, 8, 16, "
            "32 or 64 there, as in 6/8"
        )
    quarters = 4 * upper / lower
    compound = upper > 3 and upper % 3 == 0
    metre: Literal["simple", "compound", "irregular"] = (
        "compound" if compound else "simple" if upper <= 4 else "irregular"
    )
    return BarLength(
        seconds=round(bars * quarters * 60 / bpm, 3),
        quarter_notes=quarters,
        metre=metre,
        beats=upper // 3 if compound else upper,
    )
