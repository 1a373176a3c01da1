"""OpenAPI 3: a document, each operation a tool.

A call's arguments are the operation's parameters by name and, where it has a JSON body, the body's own properties (or
`body`, where that is no object or a name is taken). The result is the JSON of the first answer with a 2xx status.
References within the document become `$defs`, as far as a schema reaches.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from base_gtm.collection.collected import Dropped
from base_gtm.collection.formats import Format, Read
from base_gtm.collection.formats.parts import NO_SCHEMA, tool
from base_gtm.collection.schemas import SchemaProblem

NAME = "openapi"
_METHODS = ("get", "put", "post", "delete", "patch", "head", "options", "trace")
_HERE = "#/components/schemas/"
_PLACES = ("path", "query")
"""Parameters that are arguments; headers and cookies are the transport's."""


def _read(record: Any, origin: str) -> Read:
    field = str((record.get("info") or {}).get("title") or "") if isinstance(record.get("info"), dict) else ""
    for path, method, operation, shared in _operations(record):
        place = f"{origin}#{method.upper()} {path}"
        name = operation.get("operationId") or re.sub(r"[\W_]+", "_", f"{method}_{path}").strip("_")
        about = "\n".join(filter(None, (operation.get("summary"), operation.get("description"))))
        try:
            inputs = _inputs(record, operation, shared)
            outputs = _outputs(record, operation)
        except SchemaProblem as error:
            yield Dropped(place, NO_SCHEMA, f"{name}: {error}")
            continue
        labels = operation.get("tags") or []
        below = f"{field}/{labels[0]}" if labels and isinstance(labels[0], str) else field
        yield tool(place, NAME, name=name, description=about, inputs=inputs, outputs=outputs, field=below)


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any], list[Any]]]:
    """Path, method, operation and the parameters that all of the path's operations share."""
    paths = document.get("paths")
    for path, item in paths.items() if isinstance(paths, dict) else ():
        for method in _METHODS:
            operation = item.get(method) if isinstance(item, dict) else None
            if isinstance(operation, dict):
                yield path, method, operation, item.get("parameters") or []


def _inputs(document: Mapping[str, Any], operation: Mapping[str, Any], shared: list[Any]) -> dict[str, Any]:
    """The object schema of a call's arguments. Raises SchemaProblem."""
    found: dict[str, Any] = {}
    needed: list[str] = []
    for raw in (*shared, *(operation.get("parameters") or [])):
        given = _followed(document, raw)
        if given.get("in") not in _PLACES or not isinstance(given.get("name"), str):
            continue
        schema = given.get("schema") or _first_content(given) or {}
        about = {"description": given["description"]} if given.get("description") else {}
        found[given["name"]] = {**schema, **about}
        if given.get("required"):
            needed.append(given["name"])
    body = _followed(document, operation.get("requestBody") or {})
    if (schema := _first_content(body)) is not None:
        whole = _followed(document, schema)
        own = whole.get("properties") if whole.get("type", "object") == "object" else None
        if isinstance(own, dict) and own and not own.keys() & found.keys() and not whole.keys() & {"allOf", "oneOf"}:
            found |= own
            needed += [one for one in whole.get("required") or [] if one in own]
        else:
            found["body"] = schema
            needed += ["body"] if body.get("required") else []
    return _closed(document, {"type": "object", "properties": found, "required": list(dict.fromkeys(needed))})


def _outputs(document: Mapping[str, Any], operation: Mapping[str, Any]) -> dict[str, Any] | None:
    """The schema of the first answer with a 2xx status; None where there is none. Raises SchemaProblem."""
    answers = operation.get("responses")
    for status, raw in sorted(answers.items(), key=lambda one: str(one[0])) if isinstance(answers, dict) else ():
        if str(status).startswith("2"):
            schema = _first_content(_followed(document, raw))
            return None if schema is None else _closed(document, schema)
    return None


def _first_content(holder: Mapping[str, Any]) -> dict[str, Any] | None:
    """The schema of the JSON among a body's, an answer's or a parameter's contents."""
    content = holder.get("content")
    for kind, one in content.items() if isinstance(content, dict) else ():
        if "json" in str(kind) and isinstance(one, dict) and isinstance(one.get("schema"), dict):
            return dict(one["schema"])
    return None


def _followed(document: Mapping[str, Any], raw: Any) -> Mapping[str, Any]:
    """What a reference within the document stands for; anything else as it is. Raises SchemaProblem."""
    for _ in range(8):
        if not isinstance(raw, Mapping):
            raise SchemaProblem(f"an object was expected, this is {type(raw).__name__}")
        reference = raw.get("$ref")
        if not isinstance(reference, str):
            return raw
        found: Any = document
        for part in reference.removeprefix("#/").split("/"):
            found = found.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
        if not reference.startswith("#/") or found is None:
            raise SchemaProblem(f"{reference[:60]}: refers to nothing in this document")
        raw = found
    raise SchemaProblem("references go in a circle")


def _closed(document: Mapping[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with all that it refers to in `$defs`."""
    components = document.get("components")
    known = components.get("schemas") if isinstance(components, dict) else None
    definitions: dict[str, Any] = {}
    waiting = [schema]
    while waiting:
        for name in _named(waiting.pop()):
            if name not in definitions and isinstance(known, dict) and isinstance(known.get(name), dict):
                definitions[name] = known[name]
                waiting.append(known[name])
    moved: dict[str, Any] = _moved({**schema, "$defs": definitions} if definitions else schema)
    return moved


def _named(value: Any) -> set[str]:
    """Names of the components that a schema refers to."""
    if isinstance(value, Mapping):
        reference = value.get("$ref")
        own = {reference.removeprefix(_HERE)} if isinstance(reference, str) and reference.startswith(_HERE) else set()
        return own.union(*(_named(sub) for sub in value.values()))
    return set().union(*(_named(sub) for sub in value)) if isinstance(value, list) else set()


def _moved(value: Any) -> Any:
    """References to components as references to `$defs`."""
    if isinstance(value, Mapping):
        return {
            key: f"#/$defs/{sub.removeprefix(_HERE)}"
            if key == "$ref" and isinstance(sub, str) and sub.startswith(_HERE)
            else _moved(sub)
            for key, sub in value.items()
        }
    return [_moved(sub) for sub in value] if isinstance(value, list) else value


def _recognises(record: Any) -> bool:
    return isinstance(record, dict) and str(record.get("openapi", "")).startswith("3") and "paths" in record


FORMAT = Format(NAME, "a document with openapi: 3 and paths", _recognises, _read)
