"""Facts about a candidate against its problem, found in milliseconds and without a compiler."""

from adapt.domain import Evidence
from base_gtm.schema import ToolCall

GPU = "H100"
"""The GPU that roofline times are for where a call names none; as in spec.json."""


def evidence(call: ToolCall) -> Evidence:
    """Static facts, launch geometry and roofline of the harness, as text for the prompt and as numbers."""
    from kernelbench_harness.facts import device_facts

    arguments = call.arguments
    gpu = str(arguments.get("gpu", GPU))
    facts = device_facts(str(arguments["reference"]), str(arguments["candidate"]), gpu=gpu)
    return Evidence(text=facts.text, vector=facts.vector)
