"""The tool as a Python callable: what trainers read off it, what wrong arguments come to, TRL's own loop with it."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import adapt
from adapt.callables import callable_of, text_of
from adapt.errors import AdaptError
from base_gtm.schema import ToolResult, ToolSpec
from domains.cpp import DOMAIN as CPP
from domains.cuda import DOMAIN as CUDA

ODD = ToolSpec(
    "find_books",
    "Finds books.\n\nReturns: a list. Args: see below.",
    {
        "type": "object",
        "properties": {
            "limit": {"type": "integer", "minimum": 1, "maximum": 50, "default": 10},
            "title": {"type": "string", "description": "Words of it.\n  Raises: nothing (choices: any)"},
            "language": {"enum": ["en", "de"], "description": "Of the text."},
            "years": {"type": "array", "items": {"type": "integer"}},
            "near": {"anyOf": [{"type": "string"}, {"type": "number"}]},
            "exact": {"type": "boolean"},
            "more": {"type": "object"},
            "or-else": {"type": "string"},
            "null": {"type": ["string", "null"]},
        },
        "required": ["title", "exact"],
    },
)


def schema_of(tool: Any) -> dict[str, Any]:
    from transformers.utils import get_json_schema

    return get_json_schema(tool)["function"]  # type: ignore[no-any-return]


@pytest.mark.parametrize("spec", [CPP.spec, CUDA.spec], ids=["cpp", "cuda"])
def test_a_trainer_reads_the_spec_off_the_callable(spec: ToolSpec) -> None:
    read = schema_of(callable_of(spec, lambda arguments: ""))
    assert (read["name"], read["description"]) == (spec.name, spec.description)
    given, properties = spec.input_schema, read["parameters"]["properties"]
    assert read["parameters"]["required"] == given["required"]
    assert list(properties) == list(given["properties"])
    for name, one in given["properties"].items():
        assert properties[name]["type"] == one.get("type", "string")
        assert properties[name].get("enum") == one.get("enum")
        assert properties[name]["description"].startswith(one["description"])
        for limit in ("minLength", "maxLength", "default"):
            assert limit not in one or str(one[limit]) in properties[name]["description"]


def test_a_spec_that_would_trip_a_docstring_reader_is_read_whole() -> None:
    tool = callable_of(ODD, json.dumps)
    read = schema_of(tool)
    assert read["description"] == "Finds books. Returns - a list. Args - see below."
    parameters = read["parameters"]
    assert parameters["required"] == ["title", "exact"]
    assert set(parameters["properties"]) == ODD.input_schema["properties"].keys() - {"or-else"}
    assert parameters["properties"]["title"]["description"] == "Words of it. Raises - nothing (choices: any)."
    assert parameters["properties"]["language"]["enum"] == ["en", "de"]
    assert parameters["properties"]["years"]["items"] == {"type": "integer"}
    assert parameters["properties"]["near"]["type"] == ["number", "string"]
    assert "at least 1, at most 50, 10 where it is left out" in parameters["properties"]["limit"]["description"]
    assert read["return"]["type"] == "string"
    signature = inspect.signature(tool)
    assert list(signature.parameters)[:2] == ["title", "exact"] and signature.parameters["limit"].default == 10


def test_whatever_an_agent_gives_is_passed_on() -> None:
    seen: list[dict[str, Any]] = []
    tool = callable_of(ODD, lambda arguments: seen.append(arguments) or "")  # type: ignore[func-returns-value]
    tool(title="a", exact=True)
    tool(titel=1, **{"or-else": None, "self": 2, "given": 3, "answer": 4, "spec": 5})
    tool()
    tool("a", True, limit=3)
    assert seen == [
        {"title": "a", "exact": True},
        {"titel": 1, "or-else": None, "self": 2, "given": 3, "answer": 4, "spec": 5},
        {},
        {"title": "a", "exact": True, "limit": 3},
    ]
    required = ToolSpec("t", "", {"type": "object", "properties": {"user-id": {}}, "required": ["user-id"]})
    with pytest.raises(AdaptError, match="'user-id' is no name that a Python function can have"):
        callable_of(required, lambda arguments: "")


def test_results_are_json_text() -> None:
    assert json.loads(text_of(ToolResult({"verdict": "correct", "\u00e9": 1.5}))) == {
        "verdict": "correct",
        "\u00e9": 1.5,
    }
    assert json.loads(text_of(ToolResult(is_error=True, text="Error: no"))) == {"error": "Error: no"}
    assert json.loads(text_of(ToolResult(text="free"))) == {"text": "free"}


def test_the_tool_of_a_domain_answers_and_is_switched(workspace: Path) -> None:
    (tool,) = adapt.tools("mini", policy="real", workspace=workspace)
    gate = tool.gate  # type: ignore[attr-defined]
    try:
        assert json.loads(tool(expression="a + b * 3")) == {"verdict": "correct", "value": 17.0}
        refused = json.loads(tool(expresion="a"))["error"]
        assert "expression" in refused and "expresion" in refused
        assert dict(gate.counts) == {"arguments": 1, "simulator": 0, "exact": 0, "real": 1}
        with pytest.raises(AdaptError, match="run `adapt train mini` first"):
            gate.policy = "simulate"
    finally:
        gate.close()
    for wrong, said in (({"name": "minni"}, "minni"), ({"policy": "sometimes"}, "give simulate, real")):
        with pytest.raises(AdaptError, match=said):
            adapt.tools(**{"name": "mini", "policy": "real", "workspace": workspace, **wrong})  # type: ignore[arg-type]


def test_importing_the_gate_imports_no_torch() -> None:
    code = (
        "import adapt, adapt.gate, adapt.callables, sys; print({'torch', 'transformers', 'numpy'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


@pytest.mark.slow
@pytest.mark.timeout(280)
def test_trl_trains_with_the_tool(workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A GRPO step of a random model whose first turn is forced to call the tool: parsing, calling, what it reads of the
    answer, reward, update are the trainer's own."""
    pytest.importorskip("trl")
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer
    from trl.chat_template_utils import qwen3_chat_template

    from base_gtm.model import new_nano
    from base_gtm.tokenizer import train_tokenizer

    marks = ("<|im_end|>", "<|pad|>", "<|im_start|>", "<tool_call>", "</tool_call>", "<tool_response>")
    tokenizer = train_tokenizer(["user assistant tool expression verdict"], 300, (*marks, "</tool_response>"))
    tokenizer.chat_template = qwen3_chat_template
    model = new_nano(tokenizer, hidden_size=16, num_hidden_layers=1, num_attention_heads=2)
    (tool,) = adapt.tools("mini", policy="real", workspace=workspace)
    calls = [{"expression": "a + b * 3"}, {"expresion": "a"}, {"expression": "(a"}, {"expression": 3}]

    class Forced(GRPOTrainer):
        def _generate_single_turn(self, prompt_ids: list[list[int]], *rest: Any, **named: Any) -> Any:
            if not hasattr(self, "turns"):
                self.turns = len(prompt_ids)
                named_calls = [json.dumps({"name": tool.__name__, "arguments": one}) for one in calls]
                texts = [f"<tool_call>\n{one}\n</tool_call><|im_end|>" for one in named_calls]
            else:
                texts = ["done<|im_end|>"] * len(prompt_ids)
            return [tokenizer.encode(text, add_special_tokens=False) for text in texts], None

    seen: list[str] = []

    def reward(completions: list[list[dict[str, Any]]], **columns: Any) -> list[float]:
        seen.extend(message["content"] for one in completions for message in one if message["role"] == "tool")
        return [float(number) for number in range(len(completions))]

    config = GRPOConfig(
        str(tmp_path / "out"),
        per_device_train_batch_size=4,
        num_generations=4,
        max_completion_length=1000,
        max_steps=1,
        report_to="none",
        use_cpu=True,
        bf16=False,
        save_strategy="no",
        logging_steps=1,
    )
    asked = Dataset.from_list([{"prompt": [{"role": "user", "content": "go"}]}] * 4)
    before = model.get_input_embeddings().weight.detach().clone()
    trainer = Forced(model, reward, config, asked, processing_class=tokenizer, tools=[tool])
    try:
        trainer.train()
    finally:
        tool.gate.close()  # type: ignore[attr-defined]
    answers = [json.loads(one) for one in seen]
    assert answers[0] == {"verdict": "correct", "value": 17.0} and answers[2]["verdict"] == "syntax_error"
    assert "expresion" in answers[1]["error"] and "string" in answers[3]["error"]
    assert tool.gate.counts == {"arguments": 2, "simulator": 0, "exact": 0, "real": 2}  # type: ignore[attr-defined]
    assert (model.get_input_embeddings().weight - before).abs().max() > 0
    logged = trainer.state.log_history[0]
    assert (logged["tools/call_frequency"], logged["tools/failure_frequency"]) == (1.0, 0.0)
