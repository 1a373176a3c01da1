"""Finds a domain by name: in the workspace, among installed packages, among those that ship.

Guarantees: the nearer place wins; two domains of one name at the same distance are an error that names both; a domain
that is handed out keeps the contract of `adapt.domain`. A broken domain is listed with its reason and hides no other.

Does not guarantee: that a domain's real tool opens here or that its calls are sound; `adapt check` looks at that.
Loading a domain runs its Python code.
"""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType

from adapt.domain import Domain, Exact, Fidelity
from adapt.errors import AdaptError, DomainError

GROUP = "adapt.domains"
OURS = "gtm-adapt"
WORKSPACE, INSTALLED, SHIPPED = 0, 1, 2


@dataclass(frozen=True)
class Found:
    """A domain and where it came from."""

    domain: Domain
    origin: str
    """For people: the folder, or the package and its version."""
    distance: int
    """0 workspace, 1 an installed package, 2 ships with the toolkit."""


@dataclass(frozen=True)
class Broken:
    """A name that is registered and cannot be used."""

    name: str
    origin: str
    distance: int
    error: str
    """One line: what is wrong and where."""


@dataclass(frozen=True)
class _Place:
    """One place that claims a name, not loaded yet."""

    name: str
    origin: str
    distance: int
    folder: Path | None = None
    entry: EntryPoint | None = None


def find(name: str, workspace: Path | None = None) -> Found:
    """The nearest domain called `name`. Raises DomainError: none, several at one distance, or a broken one."""
    places = _nearest(_places(workspace or Path.cwd())).get(name)
    if not places:
        known = ", ".join(sorted(_nearest(_places(workspace or Path.cwd())))) or "none"
        raise DomainError(f"no domain called '{name}' (known: {known}); make one with: adapt new-domain {name}")
    return _open(places)


def survey(workspace: Path | None = None) -> tuple[list[Found], list[Broken]]:
    """Every registered name, nearest first for each: those that can be used, and those that cannot with the reason."""
    found: list[Found] = []
    broken: list[Broken] = []
    for name, places in sorted(_nearest(_places(workspace or Path.cwd())).items()):
        try:
            found.append(_open(places))
        except AdaptError as error:
            broken.append(Broken(name, places[0].origin, places[0].distance, str(error)))
    return found, broken


def all_domains(workspace: Path | None = None) -> list[Found]:
    """Every domain that can be used, by name."""
    return survey(workspace)[0]


def check_contract(domain: object, name: str, where: str) -> Domain:
    """`domain` itself when it keeps the contract, else DomainError with what is wrong and where."""
    if not isinstance(domain, Domain):
        raise DomainError(f"{where}: DOMAIN must be an adapt.domain.Domain, this is {type(domain).__name__}")
    if domain.name != name:
        raise DomainError(f"{where}: registered as '{name}' but calls itself '{domain.name}'; make the two names equal")
    if not isinstance(domain.root, Path) or not domain.root.is_dir():
        raise DomainError(f"{where}: root of {name} must be the Path of its folder, this is {domain.root!r}")
    if not isinstance(domain.fidelity, Fidelity):
        raise DomainError(f"{where}: fidelity of {name} must be an adapt.domain.Fidelity")
    if not isinstance(domain.exact, Exact | None):
        raise DomainError(f"{where}: exact of {name} must be an adapt.domain.Exact")
    for part, optional in (
        ("calls", False),
        ("open_real_tool", False),
        ("evidence", True),
        ("prompt_arguments", True),
        ("foreign_calls", True),
        ("missing", True),
        ("unprimed", True),
    ):
        value = getattr(domain, part)
        if not (callable(value) or (optional and value is None)):
            raise DomainError(f"{where}: {part} of {name} must be a function, this is {type(value).__name__}")
    return domain


def _places(workspace: Path) -> list[_Place]:
    """Every claim on a name, at every distance; imports nothing."""
    entries = [
        _Place(entry.name, _distribution(entry), SHIPPED if _is_ours(entry) else INSTALLED, entry=entry)
        for entry in entry_points(group=GROUP)
    ]
    own = Path(__file__).resolve().parent.parent / "domains"
    shipped = {place.name for place in entries if place.distance == SHIPPED}
    folders = []
    for folder in sorted((workspace / "domains").iterdir()) if (workspace / "domains").is_dir() else []:
        # In a checkout of this project ./domains is the shipped package itself: entry points answer for its domains;
        # what has no spec there is a part that they share.
        ours = folder.parent.resolve() == own
        known = ours and (folder.name in shipped or not (folder / "spec.json").is_file())
        if _looks_like_a_domain(folder) and not known:
            folders.append(_Place(folder.name, f"workspace {folder}", WORKSPACE, folder=folder.resolve()))
    return folders + entries


def _looks_like_a_domain(folder: Path) -> bool:
    marked = (folder / "__init__.py").is_file() or (folder / "spec.json").is_file()
    return folder.is_dir() and marked and folder.name.isidentifier() and not folder.name.startswith("_")


def _nearest(places: list[_Place]) -> dict[str, list[_Place]]:
    """Name -> the places at the smallest distance that has the name."""
    nearest: dict[str, list[_Place]] = {}
    for place in sorted(places, key=lambda place: place.distance):
        rivals = nearest.setdefault(place.name, [])
        if not rivals or rivals[0].distance == place.distance:
            rivals.append(place)
    return nearest


def _open(places: list[_Place]) -> Found:
    if len(places) > 1:
        both = " and ".join(place.origin for place in places)
        raise DomainError(f"two domains are called '{places[0].name}': {both}; uninstall or rename one of them")
    place = places[0]
    domain = _load_folder(place) if place.folder else _load_entry(place)
    return Found(check_contract(domain, place.name, place.origin), place.origin, place.distance)


def _load_entry(place: _Place) -> object:
    assert place.entry is not None
    try:
        return place.entry.load()
    except AdaptError:
        raise
    except Exception as error:  # a stranger's code can raise anything, and must not end the toolkit
        raise DomainError(f"{place.origin}: {place.entry.value} cannot be imported: {_reason(error)}") from error


def _load_folder(place: _Place) -> object:
    """Import a workspace folder as a package of its own, so that its relative imports work with nothing installed."""
    folder = place.folder
    assert folder is not None
    init = folder / "__init__.py"
    if not init.is_file():
        raise DomainError(f"{folder}: no __init__.py with a DOMAIN; see `adapt new-domain` for the shape of a domain")
    name = f"adapt_workspace_{sha256(str(folder).encode()).hexdigest()[:8]}.{place.name}"
    stamp = _stamp(folder)
    module = sys.modules.get(name)
    if module is None or getattr(module, "__adapt_stamp__", None) != stamp:
        module = _import_folder(name, init, folder)
        module.__adapt_stamp__ = stamp  # type: ignore[attr-defined]
    try:
        return module.DOMAIN
    except AttributeError:
        raise DomainError(f"{init}: no DOMAIN; a domain's package defines DOMAIN = Domain(...)") from None


def _import_folder(name: str, init: Path, folder: Path) -> ModuleType:
    _forget(name)
    parent = name.rpartition(".")[0]
    if parent not in sys.modules:  # pickling and multiprocessing look a module's parents up
        sys.modules[parent] = ModuleType(parent)
        sys.modules[parent].__path__ = []
    spec = importlib.util.spec_from_file_location(name, init, submodule_search_locations=[str(folder)])
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    importlib.invalidate_caches()
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        _forget(name)
        if isinstance(error, AdaptError):
            raise
        raise DomainError(f"{init}: cannot be imported: {_reason(error)}") from error
    return module


def _forget(name: str) -> None:
    """Drop a package and its modules, so that an edited folder is read anew."""
    for key in [key for key in sys.modules if key == name or key.startswith(name + ".")]:
        del sys.modules[key]


def _stamp(folder: Path) -> tuple[tuple[str, int], ...]:
    return tuple(sorted((str(path), path.stat().st_mtime_ns) for path in folder.rglob("*.py")))


def _is_ours(entry: EntryPoint) -> bool:
    return entry.dist is not None and entry.dist.name.lower().replace("_", "-") == OURS


def _distribution(entry: EntryPoint) -> str:
    """For people: which package registered the name."""
    if _is_ours(entry):
        return f"ships with {OURS} ({entry.value})"
    if entry.dist is None:
        return f"entry point {entry.value}"
    return f"package {entry.dist.name} {entry.dist.version} ({entry.value})"


def _reason(error: BaseException) -> str:
    """One line: the kind of the error, its message, and the file and line that it came from."""
    text = " ".join(str(error).split()) or "no message"
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" ({trace.tb_frame.f_code.co_filename}:{trace.tb_lineno})" if trace is not None else ""
    if isinstance(error, SyntaxError):
        where = ""
    return f"{type(error).__name__}: {text}{where}"
