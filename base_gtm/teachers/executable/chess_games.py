"""Chess: positions in FEN, moves, and the names of openings."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import Like, Refused, Result, Wrong, pick, tool

if TYPE_CHECKING:
    import chess

_OPENINGS = {
    "Nf3": ("A04", "Reti Opening"),
    "b3": ("A01", "Nimzo-Larsen Attack"),
    "f4": ("A02", "Bird's Opening"),
    "c4": ("A10", "English Opening"),
    "c4 e5": ("A20", "English Opening, King's English"),
    "c4 c5": ("A30", "English Opening, Symmetrical Variation"),
    "d4": ("A40", "Queen's Pawn Game"),
    "d4 f5": ("A80", "Dutch Defence"),
    "d4 Nf6": ("A45", "Indian Defence"),
    "d4 Nf6 Bg5": ("A45", "Trompowsky Attack"),
    "d4 Nf6 c4 c5": ("A56", "Benoni Defence"),
    "d4 Nf6 c4 c5 d5 b5": ("A57", "Benko Gambit"),
    "d4 Nf6 c4 e6 Nf3 b6": ("E12", "Queen's Indian Defence"),
    "d4 Nf6 c4 e6 Nc3 Bb4": ("E20", "Nimzo-Indian Defence"),
    "d4 Nf6 c4 g6": ("E60", "King's Indian Defence"),
    "d4 Nf6 c4 g6 Nc3 d5": ("D80", "Gruenfeld Defence"),
    "d4 d5": ("D00", "Closed Game"),
    "d4 d5 c4": ("D06", "Queen's Gambit"),
    "d4 d5 c4 c6": ("D10", "Slav Defence"),
    "d4 d5 c4 dxc4": ("D20", "Queen's Gambit Accepted"),
    "d4 d5 c4 e6": ("D30", "Queen's Gambit Declined"),
    "e4": ("B00", "King's Pawn Game"),
    "e4 d5": ("B01", "Scandinavian Defence"),
    "e4 Nf6": ("B02", "Alekhine's Defence"),
    "e4 g6": ("B06", "Modern Defence"),
    "e4 d6 d4 Nf6": ("B07", "Pirc Defence"),
    "e4 c6": ("B10", "Caro-Kann Defence"),
    "e4 c6 d4 d5 e5": ("B12", "Caro-Kann Defence, Advance Variation"),
    "e4 c6 d4 d5 exd5 cxd5": ("B13", "Caro-Kann Defence, Exchange Variation"),
    "e4 c5": ("B20", "Sicilian Defence"),
    "e4 c5 c3": ("B22", "Sicilian Defence, Alapin Variation"),
    "e4 c5 Nc3": ("B23", "Sicilian Defence, Closed"),
    "e4 c5 Nf3 d6 d4 cxd4 Nxd4 Nf6 Nc3 g6": ("B70", "Sicilian Defence, Dragon Variation"),
    "e4 c5 Nf3 d6 d4 cxd4 Nxd4 Nf6 Nc3 a6": ("B90", "Sicilian Defence, Najdorf Variation"),
    "e4 e6": ("C00", "French Defence"),
    "e4 e6 d4 d5 exd5": ("C01", "French Defence, Exchange Variation"),
    "e4 e6 d4 d5 e5": ("C02", "French Defence, Advance Variation"),
    "e4 e6 d4 d5 Nd2": ("C03", "French Defence, Tarrasch Variation"),
    "e4 e6 d4 d5 Nc3 Bb4": ("C15", "French Defence, Winawer Variation"),
    "e4 e5": ("C20", "Open Game"),
    "e4 e5 Bc4": ("C23", "Bishop's Opening"),
    "e4 e5 Nc3": ("C25", "Vienna Game"),
    "e4 e5 f4": ("C30", "King's Gambit"),
    "e4 e5 f4 exf4": ("C33", "King's Gambit Accepted"),
    "e4 e5 Nf3 d6": ("C41", "Philidor Defence"),
    "e4 e5 Nf3 Nf6": ("C42", "Petrov's Defence"),
    "e4 e5 Nf3 Nc6 d4 exd4 Nxd4": ("C45", "Scotch Game"),
    "e4 e5 Nf3 Nc6 Nc3 Nf6": ("C47", "Four Knights Game"),
    "e4 e5 Nf3 Nc6 Bc4": ("C50", "Italian Game"),
    "e4 e5 Nf3 Nc6 Bc4 Bc5": ("C50", "Italian Game, Giuoco Piano"),
    "e4 e5 Nf3 Nc6 Bc4 Bc5 b4": ("C51", "Italian Game, Evans Gambit"),
    "e4 e5 Nf3 Nc6 Bc4 Nf6": ("C55", "Italian Game, Two Knights Defence"),
    "e4 e5 Nf3 Nc6 Bb5": ("C60", "Ruy Lopez"),
    "e4 e5 Nf3 Nc6 Bb5 Nf6": ("C65", "Ruy Lopez, Berlin Defence"),
    "e4 e5 Nf3 Nc6 Bb5 a6 Bxc6": ("C68", "Ruy Lopez, Exchange Variation"),
}
"""Moves from the start -> code of the Encyclopaedia of Chess Openings and name."""

_KNOWN = (
    "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1",
    "r3k2r/p1ppqpb1/bn2pnp1/3PN3/1p2P3/2N2Q1p/PPPBBPPP/R3K2R w KQkq - 0 1",
    "8/2p5/3p4/KP5r/1R3p1k/8/4P1P1/8 w - - 0 1",
    "r4rk1/1pp1qppp/p1np1n2/2b1p1B1/2B1P1b1/P1NP1N2/1PP1QPPP/R4RK1 w - - 0 10",
    "7K/8/k1P5/7p/8/8/8/8 w - - 0 1",
    "8/8/8/3k4/8/8/4P3/4K3 w - - 0 1",
    "8/8/8/8/8/4k3/R7/4K3 b - - 0 1",
    "4k3/8/8/8/8/8/8/4KBN1 w - - 0 1",
    "6k1/5ppp/8/8/8/8/5PPP/3R2K1 w - - 0 1",
    "8/P7/8/8/8/5k2/8/5K2 w - - 0 1",
)
"""Positions that books and test suites know."""
_ENDED = (
    "rnb1kbnr/pppp1ppp/8/4p3/6Pq/5P2/PPPPP2P/RNBQKBNR w KQkq - 1 3",
    "r1bqkb1r/pppp1Qpp/2n2n2/4p3/2B1P3/8/PPPP1PPP/RNB1K1NR b KQkq - 0 4",
    "7k/5Q2/6K1/8/8/8/8/8 b - - 0 1",
    "k7/P7/1K6/8/8/8/8/8 b - - 0 1",
    "3R2k1/5ppp/8/8/8/8/5PPP/6K1 b - - 1 1",
    "8/8/4k3/8/8/3BK3/8/8 w - - 0 1",
    "6rk/5Npp/8/8/8/8/8/6K1 b - - 0 1",
)


def _played(rng: Random, most: int) -> chess.Board:
    """An opening, and some moves on from it."""
    import chess

    board = chess.Board()
    for move in rng.choice(sorted(_OPENINGS)).split():
        board.push_san(move)
    for _ in range(rng.randint(0, most)):
        moves = list(board.legal_moves)
        if not moves:
            break
        board.push(rng.choice(moves))
    return board


def _position(rng: Random) -> str:
    return rng.choice(_KNOWN) if rng.random() < 0.3 else _played(rng, 16).fen()


def _judged_position(rng: Random) -> str:
    return rng.choice(_ENDED) if rng.random() < 0.4 else _position(rng)


def _position_and_move(rng: Random) -> dict[str, Any]:
    board = _played(rng, 12)
    while not any(board.legal_moves):
        board.pop()
    move = rng.choice(list(board.legal_moves))
    return {"fen": board.fen(), "move": board.san(move) if rng.random() < 0.7 else move.uci()}


def _opening_line(rng: Random) -> list[str]:
    """A known opening, often played on for a move or two."""
    import chess

    board, line = chess.Board(), rng.choice(sorted(_OPENINGS)).split()
    for move in line:
        board.push_san(move)
    for _ in range(rng.randint(0, 2)):
        move = board.san(rng.choice(list(board.legal_moves)))
        board.push_san(move)
        line.append(move)
    return line


Fen = Annotated[
    str,
    Field(min_length=10, max_length=100, description="Position in Forsyth-Edwards notation"),
    Like(_position),
    Wrong(
        pick(
            "8/8/8/8/8/8/8/8 w - - 0 1",
            "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP w KQkq - 0 1",
            "rnbqkbnr/ppppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1",
            "4k3/8/8/8/8/8/4R3/4K3 w - - 0 1",
            "P3k3/8/8/8/8/8/8/4K3 w - - 0 1",
        )
    ),
]


def _board(fen: str) -> chess.Board:
    """The position. Raises Refused where it is none, or none of a legal game."""
    import chess

    try:
        board = chess.Board(fen)
    except ValueError:
        raise Refused(
            f"parameter 'fen': '{fen}' is no FEN; give eight ranks of eight squares, the side to move, castling "
            "rights, en passant square and the two counters"
        ) from None
    if not board.is_valid():
        raise Refused(
            f"parameter 'fen': '{fen}' cannot arise in a game; give one king a side, no pawns on the first and last "
            "rank, and the side that is not to move out of check"
        )
    return board


Side = Literal["white", "black"]


def _side(board: chess.Board) -> Side:
    return "white" if board.turn else "black"


class LegalMoves(Result):
    side_to_move: Side = Field(description="Who moves")
    in_check: bool = Field(description="Whether that side's king is attacked")
    count: int = Field(description="Legal moves")
    moves: list[str] = Field(description="The moves in alphabetical order")


@tool(
    "Chess",
    "Positions",
    "Which moves are legal in {fen}?",
    "List all legal moves in {notation} notation for this position: {fen}",
)
def chess_legal_moves(
    fen: Fen,
    notation: Annotated[
        Literal["san", "uci"],
        Field(description="san writes Nf3, uci writes g1f3"),
        Like(pick("san", "uci")),
    ] = "san",
) -> LegalMoves:
    """All legal moves of a chess position."""
    board = _board(fen)
    moves = sorted(board.san(move) if notation == "san" else move.uci() for move in board.legal_moves)
    return LegalMoves(side_to_move=_side(board), in_check=board.is_check(), count=len(moves), moves=moves)


class Pieces(Result):
    queens: int = Field(description="Queens on the board")
    rooks: int = Field(description="Rooks on the board")
    bishops: int = Field(description="Bishops on the board")
    knights: int = Field(description="Knights on the board")
    pawns: int = Field(description="Pawns on the board")


class Material(Result):
    white_points: int = Field(description="Worth of white's pieces without the king")
    black_points: int = Field(description="Worth of black's pieces without the king")
    balance: int = Field(description="White's points less black's")
    white_pieces: Pieces = Field(description="What white has")
    black_pieces: Pieces = Field(description="What black has")


def _pieces(board: chess.Board, white: bool) -> Pieces:
    pawns, knights, bishops, rooks, queens = (len(board.pieces(kind, white)) for kind in range(1, 6))
    return Pieces(queens=queens, rooks=rooks, bishops=bishops, knights=knights, pawns=pawns)


def _points(held: Pieces) -> int:
    return 9 * held.queens + 5 * held.rooks + 3 * held.bishops + 3 * held.knights + held.pawns


@tool("Chess", "Positions", "Who is ahead in material in {fen}?", "Count the pieces for both sides: {fen}")
def chess_material_balance(fen: Fen) -> Material:
    """Material of both sides with queen 9, rook 5, bishop and knight 3, pawn 1."""
    board = _board(fen)
    white, black = _pieces(board, True), _pieces(board, False)
    return Material(
        white_points=_points(white),
        black_points=_points(black),
        balance=_points(white) - _points(black),
        white_pieces=white,
        black_pieces=black,
    )


Effect = Literal["none", "check", "checkmate", "stalemate"]


class Played(Result):
    fen: str = Field(description="Position after the move")
    move: str = Field(description="The move in algebraic notation")
    captured: bool = Field(description="Whether a piece was taken")
    effect: Effect = Field(description="What it does to the other side")


@tool(
    "Chess",
    "Games",
    "Play {move} in this position and give me the new FEN: {fen}",
    "From {fen} I go {move}. What does the board look like now?",
    together=_position_and_move,
)
def play_chess_move(
    fen: Fen,
    move: Annotated[
        str,
        Field(min_length=2, max_length=8, description="Move in algebraic (Nf3) or UCI (g1f3) notation"),
        Like(pick("e4", "Nf3")),
        Wrong(pick("e1f5", "b8c4", "d1e6", "g1h4", "Nf9", "Ki4", "c2f8", "Qj5")),
    ],
) -> Played:
    """Make one move; a move that is not legal is refused."""
    board = _board(fen)
    chosen = _legal(board, move)
    if chosen is None:
        raise Refused(
            f"parameter 'move': '{move}' is not legal for {_side(board)} here; give one of the position's legal moves "
            "as in Nf3 or g1f3 (chess_legal_moves lists them)"
        )
    san, captured = board.san(chosen), board.is_capture(chosen)
    board.push(chosen)
    return Played(fen=board.fen(en_passant="fen"), move=san, captured=captured, effect=_effect(board))


def _effect(board: chess.Board) -> Effect:
    """What the last move did to the side that is to move now."""
    if board.is_checkmate():
        return "checkmate"
    if board.is_stalemate():
        return "stalemate"
    return "check" if board.is_check() else "none"


def _legal(board: chess.Board, move: str) -> chess.Move | None:
    """A move in either notation; None for one that is not legal (the null move is not)."""
    for read in (board.parse_san, board.parse_uci):
        try:
            return read(move) or None
        except ValueError:
            continue
    return None


Status = Literal["checkmate", "stalemate", "insufficient_material", "check", "ongoing"]


class GameStatus(Result):
    status: Status = Field(description="What the position is")
    game_over: bool = Field(description="Whether no move can follow or none can win")
    winner: Literal["white", "black", "nobody"] = Field(description="Who has mated")
    side_to_move: Side = Field(description="Who would move")


def _status(board: chess.Board) -> Status:
    if board.is_checkmate():
        return "checkmate"
    if board.is_stalemate():
        return "stalemate"
    if board.is_insufficient_material():
        return "insufficient_material"
    return "check" if board.is_check() else "ongoing"


@tool("Chess", "Games", "Is this mate? {fen}", "What is the state of the game in {fen}: still on, mate, or a draw?")
def chess_game_status(
    fen: Annotated[
        str,
        Field(min_length=10, max_length=100, description="Position in Forsyth-Edwards notation"),
        Like(_judged_position),
        Wrong(pick("8/8/8/8/8/8/8/8 w - - 0 1", "4k3/8/8/8/8/8/8/8 b - - 0 1", "not/a/position w - - 0 1")),
    ],
) -> GameStatus:
    """Whether a position is checkmate, stalemate, a draw for want of material, check, or none of these."""
    board = _board(fen)
    status = _status(board)
    winner: Literal["white", "black", "nobody"] = (
        "nobody" if status != "checkmate" else "black" if board.turn else "white"
    )
    return GameStatus(
        status=status, game_over=status not in ("check", "ongoing"), winner=winner, side_to_move=_side(board)
    )


PieceName = Literal["none", "pawn", "knight", "bishop", "rook", "queen", "king"]
_PIECES: tuple[PieceName, ...] = ("none", "pawn", "knight", "bishop", "rook", "queen", "king")
"""By the number that the chess library gives them."""


class OnSquare(Result):
    piece: PieceName = Field(description="What stands there")
    owner: Literal["white", "black", "nobody"] = Field(description="Whose it is")
    square_colour: Literal["light", "dark"] = Field(description="Colour of the square")
    attacked_by_white: list[str] = Field(description="Squares of white pieces that attack it, pinned ones too")
    attacked_by_black: list[str] = Field(description="Squares of black pieces that attack it, pinned ones too")


def _square_draw(rng: Random) -> str:
    return rng.choice("abcdefgh") + rng.choice("12345678")


@tool("Chess", "Positions", "What stands on {square} in {fen}?", "In {fen}, who attacks {square}?")
def piece_on_square(
    fen: Fen,
    square: Annotated[str, Field(pattern="^[a-h][1-8]$", description="Square such as e4"), Like(_square_draw)],
) -> OnSquare:
    """The piece on a square, and the pieces of both sides that attack or guard it."""
    import chess

    board, place = _board(fen), chess.parse_square(square)
    piece = board.piece_at(place)
    white, black = (
        [chess.square_name(one) for one in board.attackers(side, place)] for side in (chess.WHITE, chess.BLACK)
    )
    return OnSquare(
        piece=_PIECES[piece.piece_type if piece else 0],
        owner="nobody" if piece is None else "white" if piece.color else "black",
        square_colour="light" if (chess.square_file(place) + chess.square_rank(place)) % 2 else "dark",
        attacked_by_white=white,
        attacked_by_black=black,
    )


class Opening(Result):
    eco: str = Field(description="Code in the Encyclopaedia of Chess Openings, empty where the table has none")
    name: str = Field(description="Name of the opening, 'unknown' where the table has none")
    book_moves: int = Field(description="Half-moves that belong to the named opening")
    fen: str = Field(description="Position after all moves given")


@tool(
    "Chess",
    "Openings",
    "What is this opening called: {played_moves}?",
    "Our game began {played_moves}. Name the opening.",
)
def name_chess_opening(
    played_moves: Annotated[
        list[Annotated[str, Field(pattern="^[KQRBNOa-h][a-hxO1-8=QRBN-]{1,6}[+#]?$", description="One move")]],
        Field(min_length=1, max_length=40, description="Moves from the starting position in algebraic notation"),
        Like(_opening_line),
        Wrong(pick(["e5", "e4"], ["Ke2"], ["d5", "c4", "e6"], ["Nf6", "Nf3"], ["Bc4", "e5"], ["Qh5"])),
    ],
) -> Opening:
    """Name and ECO code of the longest known opening, of some fifty, that a game begins with."""
    import chess

    board = chess.Board()
    line: list[str] = []
    for number, move in enumerate(played_moves, 1):
        chosen = _legal(board, move)
        if chosen is None:
            raise Refused(
                f"parameter 'played_moves': half-move {number}, '{move}', is not legal for {_side(board)} "
                f"{'after ' + ' '.join(line) if line else 'at the beginning'}; write the "
                "moves from the initial position on, as in e4 or Nf3"
            )
        line.append(board.san(chosen).rstrip("+#"))
        board.push(chosen)
    known = next((count for count in range(len(line), 0, -1) if " ".join(line[:count]) in _OPENINGS), 0)
    eco, name = _OPENINGS.get(" ".join(line[:known]), ("", "unknown"))
    return Opening(eco=eco, name=name, book_moves=known, fen=board.fen())
