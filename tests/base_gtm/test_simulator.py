from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
import random_schemas
from jsonschema import Draft202012Validator

from base_gtm.errors import GtmError, ModelError, SpecError
from base_gtm.model import Base, attach, folder_hash, load_base, new_nano
from base_gtm.prompt import render
from base_gtm.schema import ToolCall, ToolSpec, closed_object
from base_gtm.simulator import Answer, Decision, Request, Simulator
from base_gtm.tokenizer import encode_text

CODE = "int i = 0; for (; i < n; ++i) { out[i] = a[i] + b[i]; }\n"


@pytest.fixture(scope="module")
def simulator(base: Any) -> Simulator:
    return Simulator(base, max_prompt_tokens=400)


def request(index: int) -> Request:
    text = CODE * (index % 7 + 1) + str(index)
    call = ToolCall("cpp_code_validator", {"reference": "r", "candidate": text})
    return Request(call, f"fact: {index}", [("problem", "relu"), ("candidate", text)])


def test_two_hundred_random_schemas_all_validate(simulator: Simulator) -> None:
    rng = Random(7)
    seen = {"listed": 0, "free": 0}
    for index in range(200):
        schema = random_schemas.value(rng, 2) if index % 2 else random_schemas.obj(rng, 2)
        spec = ToolSpec(f"tool_{index}", "", {"type": "object"}, schema)
        answer = simulator.answer(spec, ToolCall(spec.name, {"i": index}), brief=index % 3 > 0)
        content = answer.result.content
        value = content if schema.get("type") == "object" or "result" not in content else content["result"]
        found = list(Draft202012Validator(schema).iter_errors(value))
        assert not found or not list(Draft202012Validator(schema).iter_errors(content)), (schema, content)
        assert json.dumps(dict(content), allow_nan=False)
        assert 0 < answer.confidence <= 1
        for chances in answer.distributions.values():
            assert sum(chances.values()) == pytest.approx(1) and len(chances) > 1
        seen["listed" if answer.distributions else "free"] += 1
    assert min(seen.values()) > 20


def test_batch_gives_what_one_by_one_gives(simulator: Simulator, cpp_spec: ToolSpec) -> None:
    requests = [request(index) for index in range(12)]
    refused = Request(ToolCall("cpp_code_validator", {"reference": 1}))
    batch = simulator.decide_batch(cpp_spec, [*requests[:5], refused, *requests[5:]])
    assert batch[5].refusal is not None and batch[5].refusal.is_error and batch[5].confidence == 1.0
    for single, together in zip(requests, batch[:5] + batch[6:], strict=True):
        options: dict[str, Any] = {"evidence": single.evidence, "blocks": single.blocks}
        alone = simulator.decide(cpp_spec, single.call, **options)
        answer = simulator.answer(cpp_spec, single.call, **options)
        assert together.field == "verdict" and together.value == alone.value == answer.result.content["verdict"]
        assert dict(together.distribution) == pytest.approx(dict(alone.distribution), abs=1e-4)
        assert dict(together.distribution) == pytest.approx(dict(answer.distributions["verdict"]), abs=1e-4)
        assert together.surprise == pytest.approx(answer.surprise, abs=1e-4)
    assert len({round(decision.confidence, 6) for decision in batch}) > 6


def test_whole_answers_of_a_batch_are_those_of_one_by_one(simulator: Simulator) -> None:
    """Rows of different lengths that go on differently: listed values that share tokens, numbers, text, and none."""
    listed = {"enum": ["low_a", "low_b", "top_a", "top_b", "top_c", "mid"]}
    properties = {
        "x": listed,
        "y": {"type": "number", "minimum": 0, "maximum": 60000},
        "z": {"type": "string", "maxLength": 6},
        "w": {"type": "array", "items": listed, "maxItems": 3},
    }
    schema = {"type": "object", "properties": properties, "required": ["x", "y", "z"]}
    spec = ToolSpec("t", "", {"type": "object"}, schema)
    requests = [Request(ToolCall("t", {"i": CODE * (index % 3) + "z" * index})) for index in range(9)]
    asked = []

    def wanted(index: int, decision: Decision) -> bool:
        asked.append(decision.value)
        return index != 4

    batch = simulator.answer_batch(spec, requests, wanted)
    assert batch[4][1] is None and len(asked) == 9
    for single, (decision, together) in zip(requests, batch, strict=True):
        alone = simulator.answer(spec, single.call)
        assert dict(decision.distribution) == pytest.approx(dict(alone.distributions["x"]), abs=1e-4)
        if together is None:
            continue
        assert together.result == alone.result and together.tokens == alone.tokens
        assert together.confidence == pytest.approx(alone.confidence, abs=1e-4)
        assert together.estimates["y"].median == pytest.approx(alone.estimates["y"].median, rel=1e-2)
        for field, chances in alone.distributions.items():
            assert dict(together.distributions[field]) == pytest.approx(dict(chances), abs=1e-4)


def test_many_branches_in_a_batch(simulator: Simulator) -> None:
    schema = {"type": "object", "properties": {"x": {"enum": ["low_a", "low_b", "top_a", "top_b", "top_c", "mid"]}}}
    spec = ToolSpec("t", "", {"type": "object"}, schema | {"required": ["x"]})
    requests = [Request(ToolCall("t", {"i": "z" * index})) for index in range(5)]
    for single, together in zip(requests, simulator.decide_batch(spec, requests), strict=True):
        alone = simulator.answer(spec, single.call)
        assert dict(together.distribution) == pytest.approx(dict(alone.distributions["x"]), abs=1e-4)


class Counted:
    """Counts a model's forwards and the tokens that these read."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, base: Base) -> None:
        self.forwards: list[int] = []
        forward = base.model.forward

        def counted(*given: Any, **named: Any) -> Any:
            self.forwards.append(named["input_ids"].shape[1])
            return forward(*given, **named)

        monkeypatch.setattr(base.model, "forward", counted)

    def taken(self) -> list[int]:
        """Tokens a row of each forward since the last call of this."""
        found, self.forwards = self.forwards, []
        return found


def test_a_verdict_costs_one_read_and_an_answer_no_more_than_its_free_tokens(
    base: Base, simulator: Simulator, cpp_spec: ToolSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = Counted(monkeypatch, base)
    simulator.decide(cpp_spec, request(1).call)
    assert len(counted.taken()) == 1
    simulator.decide_batch(cpp_spec, [request(1)] * 4)
    assert len(counted.taken()) == 2  # what they share, and the rest
    values = {"v": {"enum": ["pass", "fail"]}, "a": {"type": "boolean"}, "b": {"type": "boolean"}}
    for free, schema in (
        (1, closed_object({"v": values["v"]})),
        (3, closed_object(values)),
        (4, closed_object({**values, "t": {"type": "string", "pattern": "^[a-z]$"}})),
        (8, closed_object({"t": {"type": "string", "pattern": "^[0-9]{8}$"}})),
        (2, closed_object({"n": {"type": "number", "minimum": 0, "maximum": 9}})),
    ):
        spec = ToolSpec("t", "", {"type": "object"}, schema)
        simulator.answer(spec, request(2).call)
        assert len(counted.taken()) <= free, schema


def test_what_a_batch_shares_is_read_once(
    base: Base, simulator: Simulator, cpp_spec: ToolSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = "\n".join(f"step {index} of the problem" for index in range(20))
    requests = [
        Request(
            ToolCall("cpp_code_validator", {"reference": "r", "candidate": text}), blocks=[("p", long), ("c", text)]
        )
        for text in (CODE, CODE * 2, "", "int main() {}", CODE)
    ]
    apart = Simulator(base, max_prompt_tokens=400, share=False)
    counted = Counted(monkeypatch, base)
    expected = apart.answer_batch(cpp_spec, requests)
    (whole, *_) = counted.taken()
    found = simulator.answer_batch(cpp_spec, requests)
    shared, rest, *_ = counted.taken()
    assert shared + rest == whole and shared > 200
    for (one, whole_one), (two, whole_two) in zip(expected, found, strict=True):
        assert whole_one is not None and whole_two is not None and whole_one.result == whole_two.result
        assert dict(two.distribution) == pytest.approx(dict(one.distribution), abs=1e-4)
        assert two.surprise == pytest.approx(one.surprise, abs=1e-4)
    silent = Simulator(base, max_prompt_tokens=400, surprise=False)
    for (one, whole_one), (two, whole_two) in zip(expected, silent.answer_batch(cpp_spec, requests), strict=True):
        assert whole_one is not None and whole_two is not None and whole_one.result == whole_two.result
        assert dict(two.distribution) == pytest.approx(dict(one.distribution), abs=1e-4)
        assert all(math.isnan(said.surprise) for said in (two, whole_two)) or two.refusal, "not told"


def test_what_is_shared_may_end_inside_what_one_call_says(simulator: Simulator, cpp_spec: ToolSpec) -> None:
    """The line break is an argument's in one prompt and stands after the argument in the other."""
    call = ToolCall("cpp_code_validator", {"reference": "r", "candidate": "c"})
    requests = [Request(call, blocks=[("p", CODE + end), ("c", "same")]) for end in ("", "\n", "\n\n")]
    for single, (decision, _) in zip(requests, simulator.answer_batch(cpp_spec, requests), strict=True):
        alone = simulator.answer(cpp_spec, call, blocks=single.blocks)
        assert decision.surprise == pytest.approx(alone.surprise, abs=1e-4)


def test_kept_beginnings_change_no_answer(
    base: Base, simulator: Simulator, cpp_spec: ToolSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(one: Simulator, problem: str, index: int) -> Answer:
        call = ToolCall("cpp_code_validator", {"reference": "r", "candidate": "c"})
        return one.answer(cpp_spec, call, blocks=[("problem", problem * 20), ("candidate", f"{CODE} {index}")])

    keeping = Simulator(base, max_prompt_tokens=400, prefixes=2)
    counted = Counted(monkeypatch, base)
    first = [replace(ask(keeping, "relu ", index), seconds=0) for index in range(3)]
    reads = counted.taken()
    assert (
        reads[0] > 50 and sum(read == reads[0] for read in reads) == 1
    )  # read for the first call, kept for the others
    for problem in ("gelu ", "tanh ", "silu "):
        ask(keeping, problem, 0)
    assert len(keeping._shared) == 2
    again = [replace(ask(keeping, "relu ", index), seconds=0) for index in range(3)]
    assert again == first  # to the last bit, whatever was kept
    for index, answer in enumerate(first):
        plain = ask(simulator, "relu ", index)
        assert answer.result == plain.result and answer.confidence == pytest.approx(plain.confidence, abs=1e-4)
        assert answer.surprise == pytest.approx(plain.surprise, abs=1e-4)


TEXT = {"type": "string", "maxLength": 8}


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param(None, marks=pytest.mark.slow),  # a thousand characters a call
        closed_object({"t": TEXT, "ok": {"type": "boolean"}}),
        {"type": "array", "items": TEXT, "maxItems": 3},
    ],
)
def test_a_batch_of_a_tool_that_lists_nothing(simulator: Simulator, schema: Any) -> None:
    spec = ToolSpec("t", "", {"type": "object"}, schema)
    requests = [Request(ToolCall("t", {"i": "z" * index})) for index in range(3)]
    for single, (decision, together) in zip(requests, simulator.answer_batch(spec, requests), strict=True):
        alone = simulator.answer(spec, single.call)
        assert together is not None and together.result == alone.result
        assert together.confidence == pytest.approx(alone.confidence, abs=1e-4)
        assert decision.field == "" and not decision.distribution and decision.confidence == 0


def test_same_call_same_answer(base: Any, simulator: Simulator, cpp_spec: ToolSpec) -> None:
    first = simulator.answer(cpp_spec, request(3).call)
    again = Simulator(base, max_prompt_tokens=400).answer(cpp_spec, request(3).call)
    assert replace(first, seconds=0) == replace(again, seconds=0)


def test_wrong_arguments_are_refused(simulator: Simulator, cpp_spec: ToolSpec) -> None:
    answer = simulator.answer(cpp_spec, ToolCall("cpp_code_validator", {"reference": "r", "candidat": "c"}))
    assert answer.result.is_error and "did you mean 'candidate'" in answer.result.text and answer.tokens == 0


def test_surprise_tells_likely_from_unlikely_text(tokenizer: Any) -> None:
    import torch

    model = new_nano(tokenizer, hidden_size=32, num_hidden_layers=1, num_attention_heads=2)
    base = Base(model, tokenizer, "taught", "1")
    simulator = Simulator(base)
    spec = ToolSpec("echo", "", {"type": "object"}, {"type": "object", "properties": {}})
    ids = encode_text(tokenizer, render(spec, ToolCall("echo", {}), blocks=[("text", CODE * 2)]).text)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(40):
        loss = model(input_ids=torch.tensor([ids]), labels=torch.tensor([ids])).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    def surprise(text: str) -> float:
        return simulator.answer(spec, ToolCall("echo", {}), blocks=[("text", text)]).surprise

    assert surprise(CODE * 2) + 1 < surprise("Dear Sir, the weather is fine; we hope to see you on Monday.")


def test_free_first_field_cannot_be_decided(simulator: Simulator) -> None:
    schema = {"type": "object", "properties": {"x": {"type": "string", "maxLength": 3}}, "required": ["x"]}
    with pytest.raises(SpecError, match="lists no values"):
        simulator.decide(ToolSpec("t", "", {"type": "object"}, schema), ToolCall("t", {}))


def test_temperature_must_be_positive(simulator: Simulator, cpp_spec: ToolSpec) -> None:
    with pytest.raises(GtmError, match="above zero"):
        simulator.answer(cpp_spec, request(0).call, temperature=0.0)


@pytest.fixture(scope="module")
def folder(base: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("base")
    base.model.save_pretrained(path)
    base.tokenizer.save_pretrained(path)
    return path


def test_saved_base_and_adapter_answer(folder: Path, tmp_path: Path, cpp_spec: ToolSpec) -> None:
    import torch
    from peft import LoraConfig, get_peft_model

    loaded = load_base(str(folder))
    assert loaded.hash == folder_hash(folder)
    plain = Simulator(loaded).answer(cpp_spec, request(1).call)
    tuned = get_peft_model(load_base(str(folder)).model, LoraConfig(r=4, target_modules="all-linear"))
    with torch.no_grad():
        for name, weight in tuned.named_parameters():
            if "lora_B" in name:
                weight.normal_(0, 0.3)
    tuned.save_pretrained(tmp_path)
    (tmp_path / "card.json").write_text(json.dumps({"base": "random", "base_hash": loaded.hash}))
    adapted = Simulator(load_base(str(folder)), tmp_path)
    answer = adapted.answer(cpp_spec, request(1).call)
    assert answer.distributions["verdict"] != pytest.approx(plain.distributions["verdict"], abs=1e-3)
    together = adapted.decide_batch(cpp_spec, [request(1), request(2)])
    assert together[0].field == "verdict" and sum(together[1].distribution.values()) == pytest.approx(1)

    (tmp_path / "card.json").write_text(json.dumps({"base": "other", "base_hash": "f" * 16}))
    with pytest.raises(ModelError, match="trained on other"):
        attach(load_base(str(folder)), tmp_path)
    (tmp_path / "adapter_model.safetensors").rename(tmp_path / "adapter_model.bin")
    with pytest.raises(ModelError, match="other weight formats are not loaded"):
        attach(load_base(str(folder)), tmp_path)


def test_bases_that_cannot_be_loaded(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such folder"):
        load_base("./nothing/here")
    with pytest.raises(ModelError, match=r"no config\.json"):
        load_base(str(tmp_path))
    (tmp_path / "config.json").write_text((folder / "config.json").read_text())
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04")
    with pytest.raises(ModelError, match="is a pickle"):
        load_base(str(tmp_path))
    (tmp_path / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(ModelError, match="cannot be loaded") as caught:
        load_base(str(tmp_path))
    assert "\n" not in str(caught.value)
    with pytest.raises(ModelError, match="adapter_config"):
        attach(load_base(str(folder)), tmp_path)
