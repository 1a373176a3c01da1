"""Agents with random weights in the shape of known models: what a step of them costs is what a step of those costs.

Only times mean anything: such an agent writes noise, and never an end, so every text is as long as is allowed.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SHAPES: Mapping[str, Mapping[str, Any]] = {
    "qwen2.5-7b": {
        "hidden_size": 3584,
        "intermediate_size": 18944,
        "num_hidden_layers": 28,
        "num_attention_heads": 28,
        "num_key_value_heads": 4,
        "vocab_size": 152064,
        "tie_word_embeddings": False,
    },
    "qwen2.5-0.5b": {
        "hidden_size": 896,
        "intermediate_size": 4864,
        "num_hidden_layers": 24,
        "num_attention_heads": 14,
        "num_key_value_heads": 2,
        "vocab_size": 151936,
        "tie_word_embeddings": True,
    },
    "tiny": {
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "vocab_size": 4096,
        "tie_word_embeddings": True,
    },
}
"""Name -> what decides the size; from the models' published configurations, but for the last, which is for dry runs."""
_DONE = "shape.json"


def random_agent(shape: str, tokenizer: Path, folder: Path) -> Path:
    """A model of that shape with random weights and another agent's tokenizer, in a transformers folder; made once.

    On a GPU it is made there, in bfloat16 (7B: 15 GB on disk). The tokenizer may have fewer tokens than the model.
    """
    import torch
    from transformers import AutoTokenizer, GenerationConfig, LlamaConfig, LlamaForCausalLM

    if (folder / _DONE).is_file() and json.loads((folder / _DONE).read_text()) == shape:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    words = AutoTokenizer.from_pretrained(tokenizer)
    ends = {"eos_token_id": words.eos_token_id, "pad_token_id": words.pad_token_id or words.eos_token_id}
    gpu = torch.cuda.is_available()
    # Llama's blocks: the same matrices as Qwen2's but for three bias vectors a layer.
    config = LlamaConfig(**SHAPES[shape], max_position_embeddings=4096, bos_token_id=None, **ends)
    torch.manual_seed(0)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16 if gpu else torch.float32)
    try:
        with torch.device("cuda" if gpu else "cpu"):
            model = LlamaForCausalLM(config)
    finally:
        torch.set_default_dtype(before)
    model.generation_config = GenerationConfig(do_sample=True, top_k=0, **ends)
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    (folder / _DONE).write_text(json.dumps(shape))
    return folder
