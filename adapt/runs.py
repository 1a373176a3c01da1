"""Run folders: every verb that writes does so in runs/<domain>/<verb>/<id>/ beside a manifest.

Guarantees: the manifest is replaced as a whole, never half written; a folder is claimed by one process at a time and
the claim ends with the process, kill -9 included; ids sort by time. A run that was killed or interrupted keeps the
status "running" without a claim, and `open_run(..., resume=True)` takes it up again.

Does not guarantee: claims across machines that share a folder, where the file system does not carry POSIX locks.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from adapt.domain import Domain
from adapt.environment import commit, hardware, versions
from adapt.errors import AdaptError, ArtifactError
from adapt.options import plain
from base_gtm.schema import content_hash

MANIFEST = "manifest.json"
_CLAIM = ".claim"
_held: set[Path] = set()  # a POSIX lock does not stop its own process: remember what this one holds


@dataclass(frozen=True)
class Run:
    """An open run folder. `results` is the caller's to fill: it goes into the manifest at the end."""

    folder: Path
    resumed: bool
    """True when an earlier, killed process began this run."""
    started: float
    """Unix time at which this process opened the run."""
    results: dict[str, Any] = field(default_factory=dict)
    """Figures worth keeping in the manifest: counts, rates, scores. JSON."""

    @property
    def id(self) -> str:
        """Folder name: UTC time and a short hash of the options; sorts by time."""
        return self.folder.name

    def path(self, name: str) -> Path:
        """A file of this run."""
        return self.folder / name


def runs_root(domain: str | Domain, workspace: Path | None = None) -> Path:
    """runs/<domain> of the workspace (default: the current folder); may not exist yet."""
    name = domain if isinstance(domain, str) else domain.name
    return (workspace or Path.cwd()) / "runs" / name


def labels_path(domain: str | Domain, workspace: Path | None = None) -> Path:
    """The label store of a domain in the workspace."""
    return runs_root(domain, workspace) / "labels.sqlite"


def options_hash(options: Any) -> str:
    """First 8 hex digits of the content hash of a verb's options (a dataclass or a mapping)."""
    return content_hash(plain(options))[:8]


def latest(domain: str | Domain, verb: str, workspace: Path | None = None) -> Path | None:
    """Folder of the newest run of `verb` that is done, or None. Raises ArtifactError for a broken manifest."""
    return next((folder for folder in _folders(domain, verb, workspace) if read(folder)["status"] == "done"), None)


def resumable(domain: str | Domain, verb: str, options: Any, workspace: Path | None = None) -> Path | None:
    """Newest run of `verb` with these options that was begun, not ended, and has no living process; or None."""
    wanted = options_hash(options)
    for folder in _folders(domain, verb, workspace):
        manifest = read(folder)
        if manifest["options_hash"] == wanted and manifest["status"] == "running" and not _claimed(folder):
            return folder
    return None


def read(folder: Path) -> dict[str, Any]:
    """The manifest of a run. Raises ArtifactError when it is missing or broken."""
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text())
        if not {"status", "options_hash", "verb"} <= manifest.keys():
            raise ValueError("fields are missing")
    except FileNotFoundError:
        raise ArtifactError(f"{path}: no such file; {folder} is no run folder") from None
    except (ValueError, AttributeError) as error:
        raise ArtifactError(f"{path}: not a manifest ({error}); remove {folder} and run the verb again") from None
    return manifest


@contextmanager
def open_run(
    domain: str | Domain,
    verb: str,
    options: Any,
    inputs: Mapping[str, Path | str] | None = None,
    workspace: Path | None = None,
    *,
    resume: bool | Path = False,
) -> Iterator[Run]:
    """Open a run folder and write its manifest at the start and at the end.

    options: the verb's options dataclass, or a mapping. inputs: name -> file or folder (hashed here) or a hash.
    resume: take up the newest killed run with the same options, if there is one; or the run of this folder.
    The status ends as "done", or as "failed" with the error; after an interrupt it stays "running", to be resumed.
    Raises ArtifactError when the folder cannot be written.
    """
    hashes = {name: hash_input(value) for name, value in (inputs or {}).items()}
    with _writing(runs_root(domain, workspace)):
        folder, claim, resumed = _take(domain, verb, options, workspace, resume)
    run = Run(folder, resumed, time.time())
    try:
        manifest = _opening(domain, verb, options, hashes, run)
        write_manifest(folder, manifest)
        try:
            yield run
        except Exception as error:
            with suppress(ArtifactError):  # the first error is the one to report
                _close(run, {**manifest, "error": f"{type(error).__name__}: {error}"}, "failed")
            raise
        _close(run, manifest, "done")
    finally:
        _release(folder, claim)


def hash_input(value: Path | str) -> str:
    """First 16 hex digits of the SHA-256 of a file or of a folder's files with their names; a string stays as it is."""
    if isinstance(value, str):
        return value
    try:
        if not value.is_dir():
            return _file_hash(value)
        files = sorted(path for path in value.rglob("*") if path.is_file())
        return content_hash([[str(path.relative_to(value)), _file_hash(path)] for path in files])
    except OSError as error:
        raise ArtifactError(f"{value}: cannot be read ({error.strerror})") from None


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Replace the manifest of a run as a whole. Raises ArtifactError when the disk refuses."""
    text = json.dumps(manifest, indent=2, sort_keys=True, default=str) + "\n"
    target = folder / MANIFEST
    draft = folder / f".{MANIFEST}.{os.getpid()}"
    with _writing(target):
        try:
            with draft.open("w") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)


def _opening(domain: str | Domain, verb: str, options: Any, inputs: Mapping[str, str], run: Run) -> dict[str, Any]:
    earlier = read(run.folder) if run.resumed else {}
    return {
        "domain": domain if isinstance(domain, str) else domain.name,
        "verb": verb,
        "options": plain(options),
        "options_hash": options_hash(options),
        "inputs": dict(inputs),
        "commit": commit(),
        "versions": versions(),
        "hardware": hardware(),
        "started": earlier.get("started", _utc(run.started)),
        "resumed": [*earlier.get("resumed", []), _utc(run.started)] if run.resumed else [],
        "pid": os.getpid(),
        "status": "running",
    }


def _close(run: Run, manifest: dict[str, Any], status: str) -> None:
    now = time.time()
    files = sorted(path for path in run.folder.rglob("*") if path.is_file() and path.name not in (MANIFEST, _CLAIM))
    outputs = {str(path.relative_to(run.folder)): path.stat().st_size for path in files}
    ending = {"status": status, "ended": _utc(now), "seconds": round(now - run.started, 3), "outputs": outputs}
    write_manifest(run.folder, {**manifest, **ending, "results": run.results})


def _take(
    domain: str | Domain, verb: str, options: Any, workspace: Path | None, resume: bool | Path
) -> tuple[Path, int, bool]:
    """Claim the run to resume, or make and claim a new folder: (folder, claim, resumed)."""
    named = resume if isinstance(resume, Path) else None
    earlier = named or (resumable(domain, verb, options, workspace) if resume else None)
    if earlier is not None:
        claim = _claim(earlier)
        if claim is not None:
            return earlier, claim, True
        if named is not None:
            raise ArtifactError(f"{named}: another process works in this run; wait for it, or leave the folder out")
    parent = runs_root(domain, workspace) / verb
    parent.mkdir(parents=True, exist_ok=True)
    while True:
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")[:-3]
        folder = parent / f"{stamp}Z-{options_hash(options)}"
        with suppress(FileExistsError):
            folder.mkdir()
            claim = _claim(folder)
            if claim is not None:
                return folder, claim, False
        time.sleep(0.002)


def _claim(folder: Path) -> int | None:
    """Lock the folder for this process: a file descriptor, or None when another holds it."""
    if folder.resolve() in _held:
        return None
    descriptor = os.open(folder / _CLAIM, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    _held.add(folder.resolve())
    return descriptor


def _claimed(folder: Path) -> bool:
    """Whether a living process works in the folder."""
    if folder.resolve() in _held:
        return True
    descriptor = _claim(folder)
    if descriptor is None:
        return True
    _held.discard(folder.resolve())
    os.close(descriptor)
    return False


def _release(folder: Path, claim: int) -> None:
    _held.discard(folder.resolve())
    os.close(claim)


def _folders(domain: str | Domain, verb: str, workspace: Path | None) -> list[Path]:
    """Run folders with a manifest, newest first; a folder without one was killed before its first write."""
    parent = runs_root(domain, workspace) / verb
    if not parent.is_dir():
        return []
    return sorted((path for path in parent.iterdir() if (path / MANIFEST).is_file()), reverse=True)


@contextmanager
def _writing(target: Path) -> Iterator[None]:
    """A disk that refuses becomes one clear line."""
    try:
        yield
    except AdaptError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise ArtifactError(f"{target}: cannot be written ({reason}); free space or choose another workspace") from None


def _file_hash(path: Path) -> str:
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()[:16]


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
