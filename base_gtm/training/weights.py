"""The weights that training starts from, an adapter's shape, and what is written in the end.

Guarantees: safetensors only, in and out; no code of a hub is run.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from base_gtm.model import Base, load_base, new_nano
from base_gtm.tokenizer import load_tokenizer
from base_gtm.training.dataset import new_tokenizer
from base_gtm.training.options import FULL, NEW, QLORA, TrainOptions
from base_gtm.training.records import Sources

if TYPE_CHECKING:
    from peft import LoraConfig

TOKENIZER = ("tokenizer.json", "tokenizer_config.json")
"""Written in this order: the second says that the first is whole."""


def base_of(options: TrainOptions) -> Base | None:
    """What training starts from; None: from nothing."""
    if options.base == NEW:
        return None
    return load_base(options.base, four_bits=options.method == QLORA)


def tokenizer_for(sources: Sources) -> Any:
    """That of an earlier, killed run, else a fresh one."""
    out = sources.options.out
    if (out / TOKENIZER[-1]).is_file():
        return load_tokenizer(out)
    tokenizer = new_tokenizer(sources)
    draft = out / ".tokenizer"
    tokenizer.save_pretrained(draft)
    for name in TOKENIZER:
        (draft / name).replace(out / name)
    shutil.rmtree(draft)
    return load_tokenizer(out)


def fresh(options: TrainOptions, tokenizer: Any) -> Any:
    """A new base of random weights."""
    return new_nano(
        tokenizer,
        seed=options.seed,
        hidden_size=options.hidden_size,
        num_hidden_layers=options.layers,
        num_attention_heads=options.heads,
        intermediate_size=options.intermediate_size,
    )


def lora(options: TrainOptions) -> LoraConfig:
    """A plain adapter on every linear layer but the head."""
    from peft import LoraConfig

    return LoraConfig(
        r=options.rank,
        lora_alpha=options.alpha or 2 * options.rank,
        lora_dropout=options.dropout,
        target_modules="all-linear",
        bias="none",
        task_type="CAUSAL_LM",
    )


def save(options: TrainOptions, model: Any, tokenizer: Any) -> None:
    """Weights as safetensors; an adapter names its base as it was asked for, and brings no tokenizer."""
    if options.method == FULL:
        model.save_pretrained(options.out)
        tokenizer.save_pretrained(options.out)
        return
    model.peft_config["default"].base_model_name_or_path = options.base
    # Asked about embeddings, peft looks the base up on the hub; they are never trained here.
    model.save_pretrained(options.out, save_embedding_layers=False)
    (options.out / "README.md").unlink(missing_ok=True)
