"""A tree of folders and text files."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Annotated, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import Like, Of, Refused, Result, Wrong, pick, tool

Kind = Literal["file", "folder"]

_FOLDERS = ("/docs", "/photos", "/src", "/music", "/docs/letters", "/src/tests")
_FILES = {
    "readme.md": "# Project\n\nRun make to build it.\n",
    "todo.txt": "buy milk\ncall Ada\n",
    "notes.txt": "Meeting on Monday at ten.\n",
    "main.py": 'print("hello")\n',
    "prices.csv": "item,price\npen,1.20\nbook,9.90\n",
    "letter.txt": "Dear Ada,\nthank you for the books.\n",
}
_PATH = "^/([A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*)?$"
_LONGEST = 20_000
"""Bytes that a file may have."""


@dataclass
class FileTree:
    """Folders and files by full path; the root is always there."""

    folders: list[str] = field(default_factory=lambda: ["/"])
    files: dict[str, str] = field(default_factory=dict)

    @classmethod
    def start(cls, rng: Random) -> FileTree:
        tree = cls(["/", *rng.sample(_FOLDERS[:4], 2)])
        for name in rng.sample(sorted(_FILES), 3):
            tree.files[_join(rng.choice(tree.folders), name)] = _FILES[name]
        return tree


def _join(folder: str, name: str) -> str:
    return f"{folder.rstrip('/')}/{name}"


def _within(path: str, folder: str) -> bool:
    """Whether a path lies below a folder."""
    return path.startswith(_join(folder, "")) and path != folder


def _somewhere(*names: str) -> Of:
    """A path for something new: one of these names in one of the folders."""
    return Of(lambda tree, rng: _join(rng.choice(tree.folders), rng.choice(names)))


FilePath = Annotated[
    str,
    Field(pattern=_PATH, max_length=120, description="Full path of a file"),
    Of(lambda tree, rng: rng.choice(sorted(tree.files) or [None])),
    Wrong(pick("/no/such/file.txt", "/missing.log")),
]
AnyPath = Annotated[
    str,
    Field(pattern=_PATH, max_length=120, description="Full path of a file or folder"),
    Of(lambda tree, rng: rng.choice(sorted([*tree.files, *tree.folders[1:]]) or [None])),
    Wrong(pick("/no/such/file.txt", "/missing.log")),
]


class NewFolder(Result):
    path: str = Field(description="The folder")
    made: list[str] = Field(description="Every folder that was made, outermost first")


@tool(
    "Files",
    "Folders",
    "Make a folder {path}.",
    "I need the directory {path}.",
    "Create the folder {path}; make the folders above it too: {parents}.",
)
def make_folder(
    state: FileTree,
    path: Annotated[
        str,
        Field(pattern=_PATH, max_length=120, description="Full path of the new folder"),
        _somewhere("archive", "2025", "drafts", "shared", "old", "reports/june"),
        Wrong(pick("/")),
    ],
    parents: Annotated[
        bool, Field(description="Whether to make folders above it that are missing"), Like(pick(True, True, False), 0.6)
    ] = False,
) -> NewFolder:
    """Make a folder in a folder that exists, or with `parents` all that is missing on the way."""
    _free(state, path, "path")
    steps = path.strip("/").split("/")
    above = ["/" + "/".join(steps[:count]) for count in range(1, len(steps))]
    blocked = next((one for one in above if one in state.files), None)
    if blocked:
        raise Refused(f"parameter 'path': '{blocked}' is a file, so there can be no '{path}'")
    missing = [one for one in above if one not in state.folders]
    if missing and not parents:
        raise Refused(f"parameter 'path': there is no folder '{missing[0]}'; make it first or set parents")
    state.folders += [*missing, path]
    return NewFolder(path=path, made=[*missing, path])


class Written(Result):
    path: str = Field(description="The file")
    bytes: int = Field(description="Size of the file now, in bytes of UTF-8")
    lines: int = Field(description="Lines that it has now")
    is_new: bool = Field(description="Whether the file did not exist before")


@tool(
    "Files",
    "Contents",
    "Write '{text}' to {path}.",
    "Save this as {path}: {text}",
    "{mode} the file {path} with: {text}",
)
def write_text_file(
    state: FileTree,
    path: Annotated[
        str,
        Field(pattern=_PATH, max_length=120, description="Full path of the file"),
        _somewhere("todo.txt", "notes.txt", "readme.md", "draft.txt", "list.csv"),
        Wrong(pick("/", "/no/such/folder/file.txt")),
    ],
    text: Annotated[
        str,
        Field(max_length=2000, description="What is written"),
        Like(
            pick("buy milk\n", "a,b\n1,2\n", "Done.\n", "# Notes\n\nNothing yet.\n", "hello world", "Grüße aus Köln\n")
        ),
    ],
    mode: Annotated[
        Literal["create", "overwrite", "append"],
        Field(description="create: only where there is no such file; overwrite; append: at its end"),
        Like(pick("create", "overwrite", "append")),
    ] = "overwrite",
) -> Written:
    """Write a text file into a folder that exists; append makes the file where there is none. At most 20,000 bytes."""
    if path in state.folders:
        raise Refused(f"parameter 'path': '{path}' is a folder; name a file in it")
    _parent(state, path, "path")
    before = state.files.get(path)
    if before is not None and mode == "create":
        raise Refused(f"parameter 'path': '{path}' exists already; overwrite it, append to it or choose another name")
    whole = (before or "") + text if mode == "append" else text
    if _size(whole) > _LONGEST:
        raise Refused(f"parameter 'text': '{path}' would have {_size(whole)} bytes; {_LONGEST} are allowed")
    state.files[path] = whole
    return Written(path=path, bytes=_size(whole), lines=_lines(whole), is_new=before is None)


class Text(Result):
    text: str = Field(description="The lines asked for")
    lines: int = Field(description="Lines of the whole file")
    bytes: int = Field(description="Size of the whole file in bytes of UTF-8")


@tool(
    "Files",
    "Contents",
    "What is in {path}?",
    "Read {path} to me.",
    "Show me the first {first_lines} lines of {path}.",
)
def read_text_file(
    state: FileTree,
    path: FilePath,
    first_lines: Annotated[
        int | None, Field(ge=1, le=1000, description="Lines to read; all if not given"), Like(pick(1, 2, 10), 0.3)
    ] = None,
) -> Text:
    """The text of a file, or its first lines with their line ends."""
    text = _file(state, path)
    shown = text if first_lines is None else "".join(_split(text)[:first_lines])
    return Text(text=shown, lines=_lines(text), bytes=_size(text))


class Move(Result):
    source: str = Field(description="Path until now")
    target: str = Field(description="Path from now on")
    kind: Kind = Field(description="What was moved")
    moved_files: int = Field(description="Files that have another path now")


@tool("Files", "Folders", "Move {source} to {target}.", "Rename {source}: it should be {target}.")
def move_path(
    state: FileTree,
    source: Annotated[
        str,
        Field(pattern=_PATH, max_length=120, description="Full path of a file or folder"),
        Of(lambda tree, rng: rng.choice(sorted([*tree.files, *tree.folders[1:]]) or [None])),
        Wrong(pick("/", "/missing.log")),
    ],
    target: Annotated[
        str,
        Field(pattern=_PATH, max_length=120, description="Full path that it is to have, name included"),
        _somewhere("backup", "final", "old-version", "keep"),
        Wrong(pick("/", "/no/such/folder/new-name")),
    ],
) -> Move:
    """Move or rename a file or a folder with all that is in it; the target must be new, the folder above it not."""
    kind = _kind(state, source, "source")
    if source == "/":
        raise Refused("parameter 'source': '/' is the root, which cannot be moved; name something in it")
    if _within(target, source):
        raise Refused(f"parameter 'target': '{target}' lies in '{source}' itself; choose another folder")
    _free(state, target, "target")
    _parent(state, target, "target")

    def moved(path: str) -> str:
        return target + path.removeprefix(source) if path == source or _within(path, source) else path

    count = sum(moved(path) != path for path in state.files)
    state.folders = [moved(path) for path in state.folders]
    state.files = {moved(path): text for path, text in state.files.items()}
    return Move(source=source, target=target, kind=kind, moved_files=count)


class Removal(Result):
    path: str = Field(description="What is no more")
    kind: Kind = Field(description="What it was")
    removed_files: int = Field(description="Files that are gone")
    removed_folders: int = Field(description="Folders that are gone")


@tool(
    "Files",
    "Folders",
    "Remove {path}.",
    "Please delete {path}, it is no longer needed.",
    "Delete {path}, with all that is in it: {recursive}.",
)
def remove_path(
    state: FileTree,
    path: Annotated[
        str,
        Field(pattern=_PATH, max_length=120, description="Full path of a file or folder"),
        Of(lambda tree, rng: rng.choice(sorted([*tree.files, *tree.folders[1:]]) or [None])),
        Wrong(pick("/", "/missing.log")),
    ],
    recursive: Annotated[
        bool, Field(description="Whether a folder goes with all that is in it"), Like(pick(True, False))
    ] = False,
) -> Removal:
    """Remove a file or an empty folder, or with `recursive` a folder and all that is in it."""
    kind = _kind(state, path, "path")
    if path == "/":
        raise Refused("parameter 'path': '/' is the root, which cannot be removed; name something in it")
    files = [one for one in state.files if one == path or _within(one, path)]
    folders = [one for one in state.folders if one == path or _within(one, path)]
    inside = len(files) + len(folders) - 1
    if inside and not recursive:
        raise Refused(f"parameter 'path': '{path}' is not empty (it holds {inside}); set recursive to remove all of it")
    state.files = {one: text for one, text in state.files.items() if one not in files}
    state.folders = [one for one in state.folders if one not in folders]
    return Removal(path=path, kind=kind, removed_files=len(files), removed_folders=len(folders))


class FolderEntry(Result):
    name: str = Field(description="Name without the folder")
    kind: Kind = Field(description="What it is")
    bytes: int = Field(description="Size of a file, or of all files in a folder")


class Listing(Result):
    path: str = Field(description="The folder")
    entries: list[FolderEntry] = Field(description="What lies directly in it, by name")


@tool("Files", "Folders", "What is there at the top?", "List the folder {path}.", "Which files are in {path}?")
def list_folder(
    state: FileTree,
    path: Annotated[
        str,
        Field(pattern=_PATH, max_length=120, description="Full path of a folder; the root if not given"),
        Of(lambda tree, rng: rng.choice(sorted(tree.folders)), 0.7),
        Wrong(pick("/no/such", "/missing")),
    ] = "/",
) -> Listing:
    """Files and folders that lie directly in a folder, by name (capital letters first)."""
    if _kind(state, path, "path") == "file":
        raise Refused(f"parameter 'path': '{path}' is a file; name a folder")
    start = _join(path, "")
    here = sorted(one for one in (*state.files, *state.folders) if _within(one, path) and "/" not in one[len(start) :])
    entries = [
        FolderEntry(name=one[len(start) :], kind=_kind(state, one, "path"), bytes=_weight(state, one)) for one in here
    ]
    return Listing(path=path, entries=entries)


class Weight(Result):
    bytes: int = Field(description="Bytes of all files together")
    files: int = Field(description="Files at or below the path")
    folders: int = Field(description="Folders below the path")


@tool("Files", "Search", "How big is {path}?", "How much space does {path} take?")
def measure_path(state: FileTree, path: AnyPath) -> Weight:
    """Size of a file, or of a folder with everything below it, in bytes of UTF-8."""
    _kind(state, path, "path")
    files = sum(one == path or _within(one, path) for one in state.files)
    return Weight(bytes=_weight(state, path), files=files, folders=sum(_within(one, path) for one in state.folders))


class Hits(Result):
    paths: list[str] = Field(description="Full paths of the files found, sorted")
    count: int = Field(description="How many were found")


@tool(
    "Files",
    "Search",
    "Find all files named {name}.",
    "Where are the files that match {name}?",
    "Which {name} files contain '{containing}'?",
)
def search_files(
    state: FileTree,
    name: Annotated[
        str,
        Field(pattern="^[A-Za-z0-9._*?-]+$", max_length=40, description="File name, with * and ? for what may vary"),
        Like(pick("*.txt", "*.md", "*", "notes.*", "?o*.txt", "*.csv")),
    ],
    containing: Annotated[
        str | None,
        Field(min_length=1, max_length=60, description="Text that the file must contain, letter by letter"),
        Like(pick("Ada", "milk", "price", "a"), 0.4),
    ] = None,
) -> Hits:
    """Files anywhere in the tree by name and contents; * stands for any letters, ? for one, capitals count."""
    from fnmatch import fnmatchcase

    found = sorted(
        path
        for path, text in state.files.items()
        if fnmatchcase(path.rsplit("/", 1)[1], name) and (containing is None or containing in text)
    )
    return Hits(paths=found, count=len(found))


def _kind(tree: FileTree, path: str, parameter: str) -> Kind:
    if path in tree.folders:
        return "folder"
    if path in tree.files:
        return "file"
    raise Refused(f"parameter '{parameter}': there is no '{path}'; list_folder names what there is")


def _file(tree: FileTree, path: str) -> str:
    if _kind(tree, path, "path") == "folder":
        raise Refused(f"parameter 'path': '{path}' is a folder; name a file")
    return tree.files[path]


def _free(tree: FileTree, path: str, parameter: str) -> None:
    if path in tree.folders or path in tree.files:
        raise Refused(f"parameter '{parameter}': '{path}' exists already; choose another name")


def _parent(tree: FileTree, path: str, parameter: str) -> None:
    folder = path.rsplit("/", 1)[0] or "/"
    if folder not in tree.folders:
        raise Refused(f"parameter '{parameter}': there is no folder '{folder}' for '{path}'; make it with make_folder")


def _weight(tree: FileTree, path: str) -> int:
    return sum(_size(text) for one, text in tree.files.items() if one == path or _within(one, path))


def _size(text: str) -> int:
    return len(text.encode())


def _split(text: str) -> list[str]:
    """Lines with their ends; only a line feed ends a line."""
    parts = text.split("\n")
    lines = [part + "\n" for part in parts[:-1]]
    return [*lines, parts[-1]] if parts[-1] else lines


def _lines(text: str) -> int:
    return len(_split(text))
