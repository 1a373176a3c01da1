"""Run folders of studies: which one a command goes on in. A failed study is taken up too: what was done is whole."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adapt.domain import Domain
from adapt.errors import ArtifactError
from adapt.runs import read, resumable, runs_root, write_manifest


def to_go_on_in(domain: Domain, kept: Mapping[str, Any], named: Path | None, workspace: Path) -> Path | bool:
    """The folder that is named, else a failed one of these options where none is interrupted; True leaves it to
    `open_run`. Raises ArtifactError for a named folder that is no study, or one of other options."""
    if named is None:
        parent = runs_root(domain, workspace) / "study"
        folders = sorted((path for path in parent.glob("*") if (path / "manifest.json").is_file()), reverse=True)
        failed = [path for path in folders if read(path)["status"] == "failed" and read(path).get("options") == kept]
        if resumable(domain, "study", kept, workspace) is None and failed:
            return _revived(failed[0])
        return True
    manifest = read(named)
    if manifest["verb"] != "study":
        raise ArtifactError(f"--run {named}: a run of `adapt {manifest['verb']}`, not of a study")
    theirs = manifest.get("options", {})
    if other := [name for name in kept | theirs if kept.get(name) != theirs.get(name)]:
        said = ", ".join(f"--{name.replace('_', '-')} {theirs.get(name)}" for name in other)
        raise ArtifactError(f"--run {named}: made with other options ({said}); give these, or leave --run out")
    return _revived(named)


def _revived(folder: Path) -> Path:
    manifest = read(folder)
    write_manifest(folder, {**manifest, "status": "running"})
    return folder
