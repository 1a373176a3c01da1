"""Games of cards, dice, letters and pins: what a hand, a throw or a grid is worth."""

from __future__ import annotations

import math
from collections import Counter
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import Like, Refused, Result, Wrong, pick, several, tool, whole

_RANKS = "23456789TJQKA"
_SUITS = "shdc"
_DECK = tuple(rank + suit for rank in _RANKS for suit in _SUITS)


def _hand_draw(rng: Random) -> list[str]:
    """Five cards; hands that are worth something come more often than they are dealt."""
    kind = rng.choice(("any", "few ranks", "one suit", "in a row"))
    if kind == "few ranks":
        ranks = rng.sample(_RANKS, rng.choice((2, 3, 3)))
        return rng.sample([rank + suit for rank in ranks for suit in _SUITS], 5)
    if kind == "one suit":
        suit = rng.choice(_SUITS)
        return [rank + suit for rank in rng.sample(_RANKS, 5)]
    if kind == "in a row":
        low = rng.randrange(9)
        suits = [rng.choice(_SUITS)] * 5 if rng.random() < 0.3 else [rng.choice(_SUITS) for _ in range(5)]
        cards = [rank + suit for rank, suit in zip(_RANKS[low : low + 5], suits, strict=True)]
        rng.shuffle(cards)
        return cards
    return rng.sample(_DECK, 5)


def _hand_with_a_card_twice(rng: Random) -> list[str]:
    cards = rng.sample(_DECK, 4)
    return [*cards, cards[0]]


PokerHand = Literal[
    "high card",
    "one pair",
    "two pair",
    "three of a kind",
    "straight",
    "flush",
    "full house",
    "four of a kind",
    "straight flush",
    "royal flush",
]
_WAYS: dict[PokerHand, int] = {
    "high card": 1302540,
    "one pair": 1098240,
    "two pair": 123552,
    "three of a kind": 54912,
    "straight": 10200,
    "flush": 5108,
    "full house": 3744,
    "four of a kind": 624,
    "straight flush": 36,
    "royal flush": 4,
}
"""Five-card hands of each kind, weakest first."""
_ALIKE: dict[tuple[int, ...], PokerHand] = {
    (1, 1, 1, 1, 1): "high card",
    (2, 1, 1, 1): "one pair",
    (2, 2, 1): "two pair",
    (3, 1, 1): "three of a kind",
    (3, 2): "full house",
    (4, 1): "four of a kind",
}
"""How many cards share a rank -> the hand, straights and flushes apart."""


class PokerRank(Result):
    category: PokerHand = Field(description="What the hand is")
    strength: int = Field(description="Place of that category, 1 for high card to 10 for royal flush")
    tie_break: list[int] = Field(
        description="Ranks that decide between equal hands, first to last, ace 14; a straight has its highest alone"
    )
    dealt_probability: float = Field(description="Chance of that category in five cards")


@tool(
    "Games",
    "Cards",
    "What poker hand is {cards}?",
    "I hold {cards}. How good is that in poker, and how rare?",
)
def rank_poker_hand(
    cards: Annotated[
        list[Annotated[str, Field(pattern="^[2-9TJQKA][shdc]$", description="Rank and suit, such as Th")]],
        Field(min_length=5, max_length=5, description="Five different cards; T is ten, suits are s, h, d, c"),
        Like(_hand_draw),
        Wrong(_hand_with_a_card_twice),
    ],
) -> PokerRank:
    """Category of a five-card poker hand with what breaks ties, ace high or low in straights."""
    twice = [card for card, times in Counter(cards).items() if times > 1]
    if twice:
        raise Refused(f"parameter 'cards': '{twice[0]}' is there twice; give five different cards of one deck")
    counts = Counter(_RANKS.index(card[0]) + 2 for card in cards)
    ranks = sorted(counts, key=lambda rank: (counts[rank], rank), reverse=True)
    category = _ALIKE[tuple(sorted(counts.values(), reverse=True))]
    flush = len({card[1] for card in cards}) == 1
    if ranks == [14, 5, 4, 3, 2]:
        ranks = [5]
    straight = ranks == [5] or (len(ranks) == 5 and ranks[0] - ranks[4] == 4)
    if straight:
        ranks = ranks[:1]
        category = "straight" if not flush else "royal flush" if ranks == [14] else "straight flush"
    elif flush:
        category = "flush"
    return PokerRank(
        category=category,
        strength=list(_WAYS).index(category) + 1,
        tie_break=ranks,
        dealt_probability=round(_WAYS[category] / math.comb(52, 5), 8),
    )


class Blackjack(Result):
    total: int = Field(description="Best total, aces counted as 11 where that does not bust")
    soft: bool = Field(description="Whether an ace counts as 11")
    outcome: Literal["blackjack", "twenty-one", "bust", "open"] = Field(description="What the hand is")
    dealer_must: Literal["hit", "stand", "nothing"] = Field(description="What a dealer holding it has to do")


_FACE = {"A": 1, "J": 10, "Q": 10, "K": 10}


@tool(
    "Games",
    "Cards",
    "Blackjack: what do {cards} add up to?",
    "I have {cards} at the blackjack table. Total, please.",
    "Blackjack hand {cards}; does the dealer hit a soft 17: {hits_soft_17}. Give the total and what a dealer must do.",
)
def blackjack_hand_total(
    cards: Annotated[
        list[Annotated[str, Field(pattern="^([2-9]|10|[AJQK])$", description="A rank: 2 to 10, J, Q, K or A")]],
        Field(min_length=2, max_length=12, description="Ranks of the cards in the hand"),
        Like(several(pick("A", "2", "3", "4", "5", "6", "7", "8", "9", "10", "J", "Q", "K", "A"), 2, 4)),
    ],
    hits_soft_17: Annotated[
        bool,
        Field(description="Whether the house rule lets the dealer take a card on a soft 17"),
        Like(pick(True, False)),
    ] = False,
) -> Blackjack:
    """Value of a blackjack hand."""
    least = sum(_FACE.get(card) or int(card) for card in cards)
    soft = "A" in cards and least <= 11
    total = least + 10 * soft
    outcome: Literal["blackjack", "twenty-one", "bust", "open"] = "open"
    if total > 21:
        outcome = "bust"
    elif total == 21:
        outcome = "blackjack" if len(cards) == 2 else "twenty-one"
    dealer: Literal["hit", "stand", "nothing"] = "nothing" if total > 21 else "stand" if total >= 17 else "hit"
    if total == 17 and soft and hits_soft_17:
        dealer = "hit"
    return Blackjack(total=total, soft=soft, outcome=outcome, dealer_must=dealer)


class DiceOdds(Result):
    exactly: float = Field(description="Chance of just that total")
    at_least: float = Field(description="Chance of that total or more")
    ways: int = Field(description="Throws that give just that total, dice told apart")
    mean: float = Field(description="Expected total")
    standard_deviation: float = Field(description="Standard deviation of the total")


def _throw_draw(rng: Random) -> dict[str, Any]:
    dice, sides = rng.choice((1, 2, 2, 3, 3, 4, 5, 6, 8)), rng.choice((4, 6, 6, 6, 8, 10, 12, 20))
    return {"dice": dice, "sides": sides, "target": rng.randint(dice, dice * sides)}


@tool(
    "Games",
    "Dice",
    "How likely is a total of {target} with {dice} dice of {sides} sides?",
    "I roll {dice}d{sides} and need {target} or more. What are my odds?",
    together=_throw_draw,
)
def dice_sum_odds(
    dice: Annotated[int, Field(ge=1, le=12, description="Number of dice"), Like(whole(1, 6))],
    sides: Annotated[int, Field(ge=2, le=20, description="Sides of each die, numbered from 1"), Like(whole(4, 20))],
    target: Annotated[
        int,
        Field(ge=1, le=500, description="Total asked for"),
        Like(whole(2, 20)),
        Wrong(whole(241, 500)),
    ],
) -> DiceOdds:
    """Exact distribution of the sum of several fair dice around one total."""
    if not dice <= target <= dice * sides:
        raise Refused(
            f"parameter 'target': {target} cannot be thrown with {dice} dice of {sides} sides; give a total from "
            f"{dice} to {dice * sides}"
        )
    ways = [1]
    for _ in range(dice):
        ways = [sum(ways[max(0, total - sides + 1) : total + 1]) for total in range(len(ways) + sides - 1)]
    throws, place = sides**dice, target - dice
    return DiceOdds(
        exactly=round(ways[place] / throws, 6),
        at_least=round(sum(ways[place:]) / throws, 6),
        ways=ways[place],
        mean=dice * (sides + 1) / 2,
        standard_deviation=round(math.sqrt(dice * (sides**2 - 1) / 12), 4),
    )


_TILES = (
    "A1:9 B3:2 C3:2 D2:4 E1:12 F4:2 G2:3 H4:2 I1:9 J8:1 K5:1 L1:4 M3:2 N1:6 O1:8 P3:2 Q10:1 R1:6 S1:4 T1:6 U1:4 V4:2 "
    "W4:2 X8:1 Y4:2 Z10:1"
).split()
_POINTS = {tile[0]: int(tile[1:].split(":")[0]) for tile in _TILES}
_BAG = {tile[0]: int(tile.split(":")[1]) for tile in _TILES}
_BLANKS = 2
_WORDS = (
    "quartz zephyr jukebox oxygen pizza puzzle waltz rhythm knight dragon garden planet window cabbage example fjord "
    "quilt zebra bazaar hazard mystery chemist exhaust journey kitchen orchard pyjamas sphinx velvet wizard retains "
    "squeeze jazzy muzzle cwm axiom byte glyph hymn ivory lynx oak qi xenon yacht blizzard".split()
)


def _laid_draw(rng: Random) -> dict[str, Any]:
    word = rng.choice(_WORDS)
    most = min(7, len(word))
    drawn: dict[str, Any] = {"word": word}
    if rng.random() < 0.5:
        drawn["tiles_laid"] = rng.choice((most, rng.randint(1, most)))
    return drawn


class WordScore(Result):
    score: int = Field(description="Points for the word with its bonuses")
    face_value: int = Field(description="Points of the letters alone")
    blanks_needed: int = Field(description="Blank tiles that the word takes, worth nothing")
    bonus: int = Field(description="50 where all seven tiles of the rack are laid, else 0")


@tool(
    "Games",
    "Scoring",
    "How many Scrabble points is {word}?",
    "Score {word} on a word multiplier of {word_multiplier}.",
    "I lay {word}; tiles from my rack: {tiles_laid}. Scrabble score?",
    "Scrabble: {word}, {tiles_laid} tiles from the rack, word multiplier {word_multiplier}.",
    together=_laid_draw,
)
def scrabble_word_score(
    word: Annotated[
        str,
        Field(pattern="^[A-Za-z]{2,15}$", description="Word on the board, letters only"),
        Like(pick(*_WORDS)),
        Wrong(pick("zzzz", "pizzazz", "razzmatazz", "jjjjazz", "xxxxo")),
    ],
    word_multiplier: Annotated[
        Literal[1, 2, 3, 4, 9], Field(description="Premium of the squares that it covers, multiplied"), Like(pick(2, 3))
    ] = 1,
    tiles_laid: Annotated[
        int, Field(ge=1, le=7, description="Tiles laid from the rack; seven earn the bonus"), Like(whole(1, 7), given=0)
    ] = 1,
) -> WordScore:
    """Points of a word by English Scrabble tiles, letters that the bag lacks laid as blanks, letter premiums apart."""
    letters = Counter(word.upper())
    blanks = {letter: max(0, count - _BAG[letter]) for letter, count in letters.items()}
    if sum(blanks.values()) > _BLANKS:
        raise Refused(
            f"parameter 'word': '{word}' cannot be laid, it takes {sum(blanks.values())} blanks and the bag has "
            f"{_BLANKS}; give a word with fewer of its rare letters"
        )
    face = sum((count - blanks[letter]) * _POINTS[letter] for letter, count in letters.items())
    if tiles_laid > len(word):
        raise Refused(
            f"parameter 'tiles_laid': {tiles_laid} tiles are more than the {len(word)} letters of '{word}'; give at "
            f"most {len(word)}"
        )
    bonus = 50 if tiles_laid == 7 else 0
    return WordScore(
        score=face * word_multiplier + bonus, face_value=face, blanks_needed=sum(blanks.values()), bonus=bonus
    )


_LINES = ("012", "345", "678", "036", "147", "258", "048", "246")
"""Squares of each line, numbered row by row."""


def _line(squares: str, mark: str) -> str:
    return next((line for line in _LINES if all(squares[int(at)] == mark for at in line)), "")


def _named(squares: str) -> list[str]:
    """Squares as a1 to c3, columns a to c from the left, rows 1 to 3 from the top."""
    return ["abc"[int(at) % 3] + str(int(at) // 3 + 1) for at in squares]


def _noughts_draw(rng: Random) -> list[str]:
    squares, order = ["."] * 9, rng.sample(range(9), 9)
    for turn, at in enumerate(order[: rng.randint(2, 9)]):
        squares[at] = "XO"[turn % 2]
        if _line("".join(squares), squares[at]):
            break
    return ["".join(squares[row : row + 3]) for row in (0, 3, 6)]


class Noughts(Result):
    status: Literal["X won", "O won", "draw", "in progress"] = Field(description="How the game stands")
    next_player: Literal["X", "O", "nobody"] = Field(description="Who moves now")
    winning_line: list[str] = Field(description="Squares of the line that won, such as a1 for top left; empty if none")
    winning_moves: list[str] = Field(description="Squares on which the next player wins at once")
    free_squares: int = Field(description="Squares left")


@tool(
    "Games",
    "Boards",
    "Tic-tac-toe: the rows are {rows}. Who is winning, and whose turn is it?",
    "Here is my noughts and crosses board, top to bottom: {rows}. Can somebody win now?",
)
def tic_tac_toe_state(
    rows: Annotated[
        list[Annotated[str, Field(pattern="^[XO.]{3}$", description="A row of X, O and . for empty")]],
        Field(min_length=3, max_length=3, description="Rows of the board from the top"),
        Like(_noughts_draw),
        Wrong(pick(["XXX", "XX.", "..."], ["OOO", "O..", "..."], ["XXX", "OOO", "..."], ["X.X", ".X.", "X.."])),
    ],
) -> Noughts:
    """State of a game of tic-tac-toe in which X began."""
    squares = "".join(rows)
    crosses, noughts = squares.count("X"), squares.count("O")
    won_x, won_o = _line(squares, "X"), _line(squares, "O")
    if crosses - noughts not in (0, 1) or (won_x and crosses == noughts) or (won_o and crosses > noughts):
        raise Refused(
            f"parameter 'rows': the board {' '.join(rows)} cannot arise with {crosses} X and {noughts} O; X begins, "
            "the players take turns and the game ends with the first line of three"
        )
    status: Literal["X won", "O won", "draw", "in progress"] = (
        "X won" if won_x else "O won" if won_o else "draw" if crosses + noughts == 9 else "in progress"
    )
    player: Literal["X", "O"] = "O" if crosses > noughts else "X"
    playing = status == "in progress"
    free = [at for at, mark in enumerate(squares) if mark == "."]
    wins = [at for at in free if playing and _line(squares[:at] + player + squares[at + 1 :], player)]
    return Noughts(
        status=status,
        next_player=player if playing else "nobody",
        winning_line=_named(won_x or won_o),
        winning_moves=_named("".join(map(str, wins))),
        free_squares=len(free),
    )


def _sudoku_draw(rng: Random) -> list[str]:
    """A solved grid, shuffled, with squares left open and now and then a digit changed."""
    digits = rng.sample("123456789", 9)
    rows = [band * 3 + row for band in rng.sample(range(3), 3) for row in rng.sample(range(3), 3)]
    columns = [stack * 3 + column for stack in rng.sample(range(3), 3) for column in rng.sample(range(3), 3)]
    grid = [[digits[(3 * (row % 3) + row // 3 + column) % 9] for column in columns] for row in rows]
    if rng.random() < 0.4:
        grid[rng.randrange(9)][rng.randrange(9)] = rng.choice("123456789")
    for _ in range(rng.choice((0, 3, 10, 40, 60))):
        grid[rng.randrange(9)][rng.randrange(9)] = "."
    return ["".join(row) for row in grid]


class SudokuCheck(Result):
    valid: bool = Field(description="Whether no row, column or box has a digit twice")
    solved: bool = Field(description="Whether it is valid and full")
    empty_cells: int = Field(description="Cells without a digit")
    conflicts: list[str] = Field(description="Where a digit stands twice, such as 'row 3: 5'; boxes count row by row")


@tool(
    "Games",
    "Boards",
    "Did I solve this sudoku? {rows}",
    "Check my sudoku for mistakes. The rows, a dot for an empty cell: {rows}",
)
def check_sudoku_grid(
    rows: Annotated[
        list[Annotated[str, Field(pattern="^[1-9.]{9}$", description="A row of digits and . for empty")]],
        Field(min_length=9, max_length=9, description="Rows of the grid from the top"),
        Like(_sudoku_draw),
    ],
) -> SudokuCheck:
    """Whether a sudoku grid, finished or not, keeps the rules; not whether it can be solved."""
    units = {f"row {number}": row for number, row in enumerate(rows, 1)}
    units |= {f"column {number}": "".join(column) for number, column in enumerate(zip(*rows, strict=True), 1)}
    for box in range(9):
        top, left = 3 * (box // 3), 3 * (box % 3)
        units[f"box {box + 1}"] = "".join(row[left : left + 3] for row in rows[top : top + 3])
    conflicts = [f"{unit}: {digit}" for unit, cells in units.items() for digit in "123456789" if cells.count(digit) > 1]
    empty = sum(row.count(".") for row in rows)
    return SudokuCheck(valid=not conflicts, solved=not conflicts and not empty, empty_cells=empty, conflicts=conflicts)


def _rolls_draw(rng: Random) -> list[int]:
    """A game, or its first frames."""
    frames, skill = rng.choice((10, 10, 10, 3, 6)), rng.choice((5, 8, 10))
    rolls: list[int] = []
    for frame in range(1, frames + 1):
        first = rng.choice((10, rng.randint(skill - 5, 9), rng.randint(0, 9)))
        second = rng.choice((10 - first, rng.randint(0, 10 - first)))
        rolls += [first] if first == 10 else [first, second]
        if frame == 10 and first == 10:
            third = rng.randint(0, 10)
            rolls += [third, rng.randint(0, 10 if third == 10 else 10 - third)]
        elif frame == 10 and first + second == 10:
            rolls.append(rng.randint(0, 10))
    return rolls


class BowlingGame(Result):
    score: int = Field(description="Score after the last settled frame")
    frame_scores: list[int] = Field(description="Running score after each settled frame")
    finished: bool = Field(description="Whether all ten frames are settled")
    strikes: int = Field(description="Frames that began with a strike")
    spares: int = Field(description="Frames that ended with a spare")


@tool("Games", "Scoring", "Score this bowling game: {rolls}", "My rolls at bowling were {rolls}. What is my score?")
def bowling_score(
    rolls: Annotated[
        list[Annotated[int, Field(ge=0, le=10, description="Pins knocked down")]],
        Field(min_length=1, max_length=24, description="Pins of each roll in order"),
        Like(_rolls_draw),
        Wrong(pick([8, 5], [7, 6, 10, 3, 4], [9, 9, 9], [4, 7, 10], [10, 6, 6])),
    ],
) -> BowlingGame:
    """Score of a game of ten-pin bowling; frames whose bonus rolls are still to come are not settled."""
    at = strikes = spares = 0
    totals: list[int] = []
    for frame in range(1, 11):
        here = rolls[at : at + 3]
        if not here:
            break
        strike = here[0] == 10
        if not strike and sum(here[:2]) > 10:
            raise Refused(
                f"parameter 'rolls': frame {frame} has {here[0]} and {here[1]}, more than ten pins; give at most ten "
                "pins in the two rolls of a frame"
            )
        spare = not strike and len(here) > 1 and here[0] + here[1] == 10
        if frame == 10 and strike and len(here) == 3 and here[1] < 10 < here[1] + here[2]:
            raise Refused(
                f"parameter 'rolls': the last two rolls are {here[1]} and {here[2]}, more than the ten pins standing; "
                "give at most ten in the two together"
            )
        strikes, spares = strikes + strike, spares + spare
        needed = 3 if strike or spare else 2
        if len(here) >= needed and len(totals) == frame - 1:
            totals.append(sum(here[:needed]) + (totals[-1] if totals else 0))
        at += needed if frame == 10 else 1 if strike else 2
    if len(rolls) > at:
        raise Refused(
            f"parameter 'rolls': {len(rolls)} rolls are given and the ten frames take {at}; leave out the last "
            f"{len(rolls) - at}"
        )
    score = totals[-1] if totals else 0
    return BowlingGame(score=score, frame_scores=totals, finished=len(totals) == 10, strikes=strikes, spares=spares)
