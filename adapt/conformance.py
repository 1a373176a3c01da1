"""The conformance suite: what every domain must keep, ours and strangers' alike, as plain functions.

Guarantees: each check names what it looked at; an exception inside a check is a failure with its reason, never the end
of the suite. Does not guarantee that calls are interesting or labels many: that shows in `adapt score`.
"""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

from adapt.domain import SPLITS, CallItem, Domain
from adapt.errors import AdaptError
from adapt.probes import Probe, ask_probe
from adapt.validation import complainer, enumerated, unbounded
from base_gtm.schema import canonical_json, content_hash

FOREIGN = "foreign"
HEAVY = ("torch", "transformers", "pandas", "sklearn")
"""Packages that importing a domain must not import."""
CALLS = 200
"""Calls of the stream that are looked at."""
EVIDENCE_MS = 10.0
"""Median CPU time allowed for the evidence of a call."""
LOADED = 5
"""Wall time may be this many times more: a shared machine stretches it, a compiler or a request does so further."""


@dataclass(frozen=True)
class Check:
    """Outcome of one check."""

    name: str
    outcome: Literal["pass", "fail", "skip"]
    detail: str
    """What was looked at, or why it failed or was skipped."""


class Failure(Exception):
    """Raised inside a check: the reason that it fails."""


class Skip(Exception):
    """Raised inside a check: the reason that it does not apply."""


def attempt(name: str, check: Callable[[], str]) -> Check:
    """Run one check; it returns what it looked at, or raises Failure or Skip."""
    try:
        return Check(name, "pass", check())
    except Skip as reason:
        return Check(name, "skip", str(reason))
    except Failure as reason:
        return Check(name, "fail", str(reason))
    except Exception as error:  # a stranger's code can raise anything: that is a failed check, not a crash
        text = " ".join(str(error).split())[:300]
        return Check(name, "fail", text if isinstance(error, AdaptError) else f"{type(error).__name__}: {text}")


def conform(domain: Domain, probes: list[Probe], workspace: Path, *, real: bool = True) -> Iterator[Check]:
    """Every check, one by one as it ends."""
    yield attempt("spec", lambda: check_spec(domain))
    yield attempt("bounded", lambda: check_bounded(domain))
    yield attempt("calls", lambda: check_calls(domain))
    yield attempt("splits", lambda: check_splits(domain))
    yield attempt("import", lambda: check_import(domain, workspace))
    yield attempt("evidence", lambda: check_evidence(domain))
    yield attempt("fidelity", lambda: check_fidelity(domain))
    yield attempt("real tool", lambda: check_probes(domain, probes, real=real))
    yield attempt("labels", lambda: check_labels(domain))
    yield attempt("adapter", lambda: check_adapter(domain))
    yield attempt("card", lambda: check_card(domain))


def check_spec(domain: Domain) -> str:
    """Both schemas are valid JSON Schema 2020-12 for objects."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    spec = domain.spec
    if spec.output_schema is None:
        raise Failure("spec.json has no outputSchema: a simulator needs to know what an answer looks like")
    for name, schema in (("inputSchema", spec.input_schema), ("outputSchema", spec.output_schema)):
        try:
            Draft202012Validator.check_schema(schema)
        except SchemaError as error:
            where = ".".join(str(part) for part in error.absolute_path) or "the root"
            raise Failure(f"{name} at {where}: {error.message}") from None
        if schema.get("type") != "object":
            raise Failure(f'{name} must have "type": "object"')
    if not spec.description:
        raise Failure("spec.json has no description: the router compares it with other tools'")
    return f"tool {spec.name}, schemas {spec.schema_hash}"


def check_bounded(domain: Domain) -> str:
    """Every number, string and list of the output is bounded, so that a simulated answer ends."""
    schema = domain.spec.output_schema or {}
    loose = sorted(set(unbounded(schema)))
    if loose:
        raise Failure("outputSchema leaves unbounded: " + "; ".join(loose))
    return "every output field is bounded"


def first_calls(domain: Domain, seed: int = 0, count: int = CALLS) -> list[CallItem]:
    """The beginning of the stream."""
    return list(islice(domain.calls(seed), count))


def check_calls(domain: Domain) -> str:
    """The stream is the same for the same seed, and its calls fit the tool."""
    items = first_calls(domain)
    if not items:
        raise Failure("calls(0) yields nothing")
    if stream_hash(items) != stream_hash(first_calls(domain)):
        raise Failure("calls(0) gave two different streams: draw from random.Random(seed) alone")
    complain = complainer(domain.spec.input_schema)
    for number, item in enumerate([*items, *(domain.foreign_calls() if domain.foreign_calls else ())]):
        if item.call.name != domain.spec.name:
            raise Failure(f"call {number} names the tool '{item.call.name}', spec.json '{domain.spec.name}'")
        if reason := complain(dict(item.call.arguments)):
            raise Failure(f"call {number} breaks inputSchema {reason}")
    return f"{len(items)} calls, the same twice for seed 0, all valid"


def stream_hash(items: list[CallItem]) -> str:
    """Hash of everything that a stream says."""
    return content_hash(
        [[i.call.key, i.split, i.cohort, i.group, i.twin, json.loads(canonical_json(i.tags))] for i in items]
    )


def check_splits(domain: Domain) -> str:
    """Twins share a split; an unseen group never reaches training; foreign calls are test calls."""
    items = first_calls(domain, count=5 * CALLS)
    twins: dict[str, set[str]] = defaultdict(set)
    for item in items:
        if item.split not in SPLITS:
            raise Failure(f"split '{item.split}' is none of {', '.join(SPLITS)}")
        twins[item.twin].add(item.split)
    divided = [twin for twin, splits in twins.items() if len(splits) > 1]
    if divided:
        raise Failure(f"twin {divided[0]} is divided between {' and '.join(sorted(twins[divided[0]]))}")
    trained = {item.group for item in items if item.split == "train"}
    leaked = sorted(trained & {item.group for item in items if item.cohort == "unseen"})
    if leaked:
        raise Failure(f"group '{leaked[0]}' is in cohort unseen and in training")
    cohorts = {item.cohort for item in items}
    for item in domain.foreign_calls() if domain.foreign_calls else ():
        own = item.cohort == FOREIGN or (bool(item.tags.get(FOREIGN)) and item.cohort not in cohorts)
        if item.split != "test" or not own:
            raise Failure(
                'a foreign call must have split "test" and cohort "foreign", or a cohort of its own and the tag foreign'
            )
    present = {item.split for item in items}
    missing = [split for split in SPLITS if split not in present]
    if missing:
        raise Failure(f"no {' or '.join(missing)} call among the first {len(items)}")
    return f"{len(twins)} twins and {len({item.group for item in items})} groups in {len(items)} calls"


_IMPORT = """
import json, sys, time
begun = time.process_time()
from pathlib import Path
from adapt.registry import find
domain = find(sys.argv[1], Path(sys.argv[2])).domain
seconds = time.process_time() - begun
heavy = [name for name in sys.argv[3].split(",") if name in sys.modules]
from adapt.conformance import first_calls, stream_hash
print(json.dumps([heavy, seconds, stream_hash(first_calls(domain))]))
"""


def check_import(domain: Domain, workspace: Path) -> str:
    """A fresh process imports the domain without heavy packages, and gets the same calls under another hash seed."""
    command = [sys.executable, "-c", _IMPORT, domain.name, str(workspace.resolve()), ",".join(HEAVY)]
    paths = [str(Path(__file__).resolve().parent.parent), *(path for path in sys.path if path)]
    environment = {**os.environ, "PYTHONHASHSEED": "12345", "PYTHONPATH": os.pathsep.join(paths)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)
    if done.returncode != 0:
        raise Failure(f"a fresh process cannot import it: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
    heavy, seconds, calls = json.loads(done.stdout.splitlines()[-1])
    if heavy:
        raise Failure(f"importing it imports {', '.join(heavy)}; import them inside the functions that need them")
    if calls != stream_hash(first_calls(domain)):
        raise Failure("another process gets other calls for the same seed: something depends on hash() or on sets")
    return f"{seconds:.2f} s of CPU without {', '.join(HEAVY)}; another process gets the same calls"


def check_evidence(domain: Domain) -> str:
    """Evidence is quick, the same twice, and its vector has the same finite numbers' keys for every call."""
    if domain.evidence is None:
        raise Skip("this domain has none")
    keys: set[str] | None = None
    cpu, wall = [], []
    for item in first_calls(domain, count=CALLS // 2):
        begun = time.thread_time(), time.perf_counter()
        first = domain.evidence(item.call)
        cpu.append((time.thread_time() - begun[0]) * 1000)
        wall.append((time.perf_counter() - begun[1]) * 1000)
        if domain.evidence(item.call) != first:
            raise Failure(f"evidence of call {item.call.key} differs between two computations")
        if keys is not None and keys != first.vector.keys():
            raise Failure(f"the vector's keys change: {', '.join(sorted(keys ^ first.vector.keys()))}")
        keys = set(first.vector)
        if odd := [key for key, value in first.vector.items() if not math.isfinite(value)]:
            raise Failure(f"'{odd[0]}' is not a finite number for call {item.call.key}")
    said = f"median {statistics.median(cpu):.2f} ms of CPU, {statistics.median(wall):.2f} ms of wall time"
    if statistics.median(cpu) > EVIDENCE_MS or statistics.median(wall) > LOADED * EVIDENCE_MS:
        raise Failure(f"{said}; {EVIDENCE_MS:.0f} ms are allowed")
    return f"{len(keys or ())} facts, {said}"


def check_fidelity(domain: Domain) -> str:
    """There is a verdict, and the decision field is an enumerated field of the output."""
    if not domain.fidelity.verdicts:
        raise Failure("fidelity names no verdict")
    field = domain.fidelity.decision_field
    if field is None:
        return f"verdicts {', '.join(domain.fidelity.verdicts)}; no decision field"
    values = list(enumerated(domain.spec.output_schema or {}, field))
    if not values:
        raise Failure(f"decision field '{field}' has no enum or const in outputSchema")
    stray = {*domain.fidelity.published, *domain.fidelity.notes} - {*domain.fidelity.verdicts, *domain.fidelity.numbers}
    if stray:
        raise Failure(f"published figures or notes of '{sorted(stray)[0]}', which is neither a verdict nor a number")
    return f"verdicts {', '.join(domain.fidelity.verdicts)}; {field} has {len(set(values))} values"


def check_probes(domain: Domain, probes: list[Probe], *, real: bool = True) -> str:
    """The real tool opens and answers every probe as expected; its answers fit the schema and the fidelity."""
    if not real:
        raise Skip("not asked for (--no-real)")
    if not probes:
        raise Failure("probes.jsonl is empty: a domain needs a few calls with known answers")
    opened = False
    try:
        with domain.open_real_tool() as tool:
            opened = True
            environment = canonical_json(dict(tool.environment))
            wrong = [reason for probe in probes if (reason := ask_probe(domain, tool, probe))]
    except AdaptError as error:
        if opened:
            raise
        raise Skip(f"it does not open here: {error}") from None
    if wrong:
        raise Failure(f"{len(wrong)} of {len(probes)} probes do not hold: " + "; ".join(wrong[:5]))
    return f"{len(probes)} probes hold; environment of {len(environment)} bytes"


def check_labels(domain: Domain) -> str:
    """Shipped labels can be read, and their answers fit the schema."""
    from adapt.parquet import read_environments, read_labels

    folder = domain.root / "labels"
    files = sorted(folder.glob("*.parquet"))
    if not files:
        raise Skip("none ship; `adapt label` makes them")
    known = read_environments(folder)
    complain = complainer(domain.spec.output_schema or {})
    count = 0
    for record in (record for path in files for record in read_labels(path)):
        count += 1
        if record.environment not in known:
            raise Failure(f"label {record.key} names an environment that environment.json lacks")
        if not record.result.is_error and (reason := complain(dict(record.result.content))):
            raise Failure(f"label {record.key} breaks outputSchema {reason}")
    return f"{count} ship, from {len(known)} environment{'s' if len(known) != 1 else ''}"


def check_adapter(domain: Domain) -> str:
    """A shipped adapter has its weights, configuration and card."""
    folder = domain.root / "adapter"
    if not folder.is_dir():
        raise Skip("none ships; `adapt train` makes one")
    needed = ("adapter_model.safetensors", "adapter_config.json", "card.json")
    missing = [name for name in needed if not (folder / name).is_file()]
    if missing:
        raise Failure(f"{folder} lacks {', '.join(missing)}")
    return f"trained for base {json.loads((folder / 'card.json').read_text()).get('base', '?')}"


def check_card(domain: Domain) -> str:
    """The domain's README exists and says something."""
    path = domain.root / "README.md"
    if not path.is_file() or len(path.read_text().split()) < 20:
        raise Failure("README.md is missing or says nothing: data, licences, hardware, figures, limits")
    return f"{len(path.read_text().split())} words"
