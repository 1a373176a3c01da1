"""Which adapter a domain has: the newest training of the workspace, else the one that ships.

Guarantees: an adapter that is handed out was trained for this tool spec, and, where a base is given, on this base.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapt.calibration import FILE as CALIBRATION_FILE
from adapt.calibration import Calibration
from adapt.domain import Domain
from adapt.errors import ArtifactError
from adapt.examples import Rendering
from adapt.runs import latest, runs_root

CARD = "card.json"
WEIGHTS = "adapter_model.safetensors"


@dataclass(frozen=True)
class Adapter:
    """An adapter folder and what its card says."""

    folder: Path
    card: Mapping[str, Any]
    shipped: bool
    """True for the one that came with the domain."""

    @property
    def base(self) -> str:
        """Name of the base that it was trained on."""
        return str(self.card["base"])

    @property
    def hash(self) -> str:
        """Hash of its weights."""
        return str(self.card["adapter_hash"])

    @property
    def rendering(self) -> Rendering:
        """How calls were rendered in training; the simulator must do the same."""
        return Rendering(int(self.card["max_tokens"]), bool(self.card["evidence"]))


def open_adapter(domain: Domain, workspace: Path | None = None, base_hash: str | None = None) -> Adapter | None:
    """The domain's adapter with its card, or None. Raises ArtifactError naming the verb to run when hashes differ."""
    run = latest(domain, "train", workspace)
    for folder, shipped in ((run / "adapter" if run else None, False), (domain.root / "adapter", True)):
        if folder is not None and (folder / WEIGHTS).is_file():
            adapter = Adapter(folder, read_card(folder, domain.name), shipped)
            _check(adapter, domain, base_hash)
            return adapter
    return None


def require_adapter(domain: Domain, workspace: Path | None = None, base_hash: str | None = None) -> Adapter:
    """Like `open_adapter`, but none at all is an ArtifactError."""
    adapter = open_adapter(domain, workspace, base_hash)
    if adapter is None:
        where = runs_root(domain, workspace)
        raise ArtifactError(
            f"{domain.name}: no adapter in {where} and none ships; run `adapt train {domain.name}` first"
        )
    return adapter


def find_calibration(
    domain: Domain, adapter: Adapter, workspace: Path | None = None, neighbours: bool = True
) -> Calibration | None:
    """The newest calibration of exactly this adapter: of the workspace, else the one beside it; or None."""
    run = latest(domain, "calibrate", workspace)
    for folder in (run, adapter.folder):
        if folder is not None and (folder / CALIBRATION_FILE).is_file():
            calibration = Calibration.load(folder, neighbours)
            if calibration.hashes.get("adapter") == adapter.hash:
                return calibration
    return None


def read_card(folder: Path, name: str) -> dict[str, Any]:
    """card.json of an adapter folder. Raises ArtifactError."""
    path = folder / CARD
    again = f"run `adapt train {name}` again"
    try:
        card: dict[str, Any] = json.loads(path.read_text())
        missing = {"base", "base_hash", "spec_hash", "adapter_hash", "max_tokens", "evidence"} - card.keys()
    except FileNotFoundError:
        raise ArtifactError(f"{path}: an adapter without its card; {again}") from None
    except (OSError, ValueError, AttributeError) as error:
        raise ArtifactError(f"{path}: not an adapter's card ({error}); {again}") from None
    if missing:
        raise ArtifactError(f"{path}: {', '.join(sorted(missing))} missing; {again}")
    return card


def _check(adapter: Adapter, domain: Domain, base_hash: str | None) -> None:
    spec_hash = domain.spec.schema_hash
    if adapter.card["spec_hash"] != spec_hash:
        raise ArtifactError(
            f"{adapter.folder}: trained for another spec of {domain.name} "
            f"({adapter.card['spec_hash']}, now {spec_hash}); run `adapt train {domain.name}`"
        )
    if base_hash is not None and adapter.card["base_hash"] != base_hash:
        raise ArtifactError(
            f"{adapter.folder}: trained on {adapter.base} ({adapter.card['base_hash']}), the base here is {base_hash}; "
            f"run `adapt train {domain.name}`"
        )
