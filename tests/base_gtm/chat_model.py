"""A server that speaks the chat completions protocol, behind it a model that fills in schemas and knows nothing.

It answers what the schema of the question asks for, repeats arguments in results, takes up what a conversation named,
and contradicts itself now and then, until it is told what was refused. Real requests over a real socket; only the
intelligence is missing.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any

FIELDS = (
    "insurance shipping forestry museums theatre aviation railways banking nutrition surgery dentistry geology botany "
    "zoology optics textiles fashion journalism libraries archaeology robotics mining fishing carpentry plumbing "
    "gardening brewing baking ceramics philately genealogy cartography oceanography meteorology seismology"
).split()
PURPOSES = (
    "quote estimate schedule lookup validate convert rank predict summarise compare locate register cancel renew audit"
).split()


class Model:
    """Answers; counts what it was asked."""

    def __init__(self) -> None:
        self.questions: list[str] = []
        self.requests: list[str] = []
        """Whole conversations with their seeds."""
        self._lock = threading.Lock()

    def answer(self, request: Mapping[str, Any]) -> Any:
        """The JSON of an answer to a request."""
        question = request["messages"][-1]["content"]
        with self._lock:
            self.questions.append(question)
            self.requests.append(json.dumps([request["messages"], request.get("seed")]))
        rng = Random(f"{question}/{request.get('seed')}")
        wanted = request["response_format"]["json_schema"]["schema"]
        names = wanted["properties"].keys()
        if "names" in names:
            return {"names": rng.sample(FIELDS, 5)}
        if "tools" in names:
            return {"tools": [_invented(question, rng) for _ in range(4)]}
        if "outputSchema" in names:
            return {"outputSchema": _schema({"status": {"type": "string", "description": "How it went"}})}
        if "fits" in names:
            return {"fits": "unlikely" not in question, "reason": "It says so itself."}
        if "message" in names and "arguments" not in names:
            parameter = question.split("'")[1]
            return {"message": f"Parameter '{parameter}' cannot be used so: expected another value, see the spec."}
        found = _scene(question, wanted, rng)
        repeated = [name for name in found["arguments"] if name in found.get("result", {})]
        if repeated and rng.random() < 0.3 and "was refused" not in question:
            value = found["arguments"][repeated[0]]
            found["result"][repeated[0]] = "parcel 4711" if isinstance(value, str) else 4711
        return found


@contextmanager
def serving(model: Model) -> Iterator[str]:
    """The address of a server of this model."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            text = json.dumps(model.answer(request))
            body = json.dumps(
                {
                    "id": "1",
                    "object": "chat.completion",
                    "created": 0,
                    "model": "filler-1",
                    "choices": [
                        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
                    ],
                    "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
                }
            ).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()


def _scene(question: str, wanted: Mapping[str, Any], rng: Random) -> dict[str, Any]:
    arguments = _value(wanted["properties"]["arguments"], rng)
    for name in arguments:
        marker = f'"{name}": '
        if "Conversation so far" in question and marker in question.rpartition("Conversation so far")[2]:
            told = question.rpartition("Conversation so far")[2].split(marker, 1)[1]
            arguments[name] = json.JSONDecoder().raw_decode(told)[0]
    said = ", ".join(f"{name} {value}" for name, value in arguments.items())
    found = {"context": "People ask for such things.", "request": f"Please, with {said}.", "arguments": arguments}
    if "result" in wanted["properties"]:
        result = _value(wanted["properties"]["result"], rng)
        found["result"] = {**result, **{name: value for name, value in arguments.items() if name in result}}
    if "parameter" in wanted["properties"]:
        name = wanted["properties"]["parameter"]["enum"][0]
        found |= {"parameter": name, "message": f"There is no such {name}; parameter '{name}' must be one we know."}
    return found


def _value(schema: Mapping[str, Any], rng: Random) -> Any:
    """Something that a simple schema allows."""
    if "enum" in schema:
        return rng.choice(schema["enum"])
    match schema.get("type"):
        case "object":
            return {name: _value(sub, rng) for name, sub in schema.get("properties", {}).items()}
        case "array":
            return [_value(schema["items"], rng) for _ in range(2)]
        case "integer" | "number":
            return rng.randint(int(schema.get("minimum", 3)), int(schema.get("maximum", 999)))
        case "boolean":
            return rng.random() < 0.5
    return f"{rng.choice(FIELDS)} {rng.choice(PURPOSES)}"


def _invented(question: str, rng: Random) -> dict[str, Any]:
    place = question.split("'")[1].replace(" ", "_")
    name = f"{rng.choice(PURPOSES)}_{place}_{rng.choice(FIELDS)}"
    inputs = _schema({"amount": {"type": "number", "minimum": 0, "description": "How much"}})
    if rng.random() < 0.2:
        inputs["required"] = ["amount", "nothing"]
    outputs = _schema({"price": {"type": "number", "description": "In euros"}})
    if rng.random() < 0.1:
        outputs["properties"]["price"].pop("description")
    return {"name": name, "description": f"Helps with {place} somehow.", "inputSchema": inputs, "outputSchema": outputs}


def _schema(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }
