"""Base models and adapters: the shipped nano, a local folder, a hub id, all through transformers and peft.

Guarantees: weights come from safetensors only, no code from the hub is run, and an adapter goes onto the base it was
trained on or not at all. Does not guarantee the same numbers on another device or another torch.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from base_gtm.errors import ModelError
from base_gtm.files import files_hash
from base_gtm.tokenizer import first_line, load_tokenizer

if TYPE_CHECKING:
    from transformers import LlamaConfig, LlamaForCausalLM

logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
"""Imported by peft, it warns on some processors of a kernel that only 4 bits on a CPU would need."""

NANO = "nano"
NANO_FOLDER = Path(__file__).parent / "nano"
"""The weights that ship in the package."""

CARD = "card.json"
"""Beside an adapter: {"base": name, "base_hash": Base.hash, ...}. Beside a base, of what loading reads:
{"refusal": {"threshold": the probability above which the base refuses a call}}."""


@dataclass(frozen=True)
class Base:
    """A causal language model in memory, in eval mode."""

    model: Any
    """A transformers causal LM."""
    tokenizer: Any
    """A fast tokenizer."""
    name: str
    """What it was asked for by: "nano", a folder or a hub id."""
    hash: str
    """First 16 hex digits of a SHA-256 over configuration, tokenizer and weights, or the hub's commit; where the hub
    tells none, it holds the name."""
    refusal_threshold: float | None = None
    """Probability of a refusal above which the base, without an adapter, refuses a call, from the card in its
    folder; None: it never does, as one from the hub."""


def folder_of(name: str) -> Path:
    """Where a base of that name lies, were it no hub id."""
    return NANO_FOLDER if name == NANO else Path(name)


def load_base(name: str = NANO, *, four_bits: bool = False) -> Base:
    """Load a base by name; with `four_bits` in NF4, to learn an adapter on. Raises ModelError in one line."""
    folder = folder_of(name)
    if folder.is_dir():
        _require_safetensors(folder)
        threshold = _refusal_threshold(name)
        model = _causal_lm(str(folder), name, four_bits)
        return Base(model, load_tokenizer(folder), name, folder_hash(folder), threshold)
    if name == NANO:
        raise ModelError(f"{folder}: the nano weights are not there; run `base-gtm train` or reinstall the package")
    if name.startswith((".", "/", "~")) or name.count("/") != 1:
        raise ModelError(f"{name}: no such folder; give 'nano', a folder with safetensors or a hub id 'owner/model'")
    _require_reachable(name)
    model = _causal_lm(name, name, four_bits)
    commit = getattr(model.config, "_commit_hash", None)
    return Base(model, load_tokenizer(name, revision=commit), name, commit or f"unknown commit of {name}")


def attach(base: Base, adapter_dir: Path) -> Any:
    """The base with a LoRA adapter on it, for inference. The base's own model object is changed in place.

    Raises ModelError when the adapter is missing, not safetensors, or its card names another base.
    """
    _check_adapter(base, adapter_dir)
    from peft import PeftModel

    try:
        return PeftModel.from_pretrained(base.model, str(adapter_dir), use_safetensors=True).eval()
    except Exception as error:
        raise ModelError(f"{adapter_dir}: does not fit base {base.name} ({first_line(error)})") from None


def nano_config(
    vocab_size: int,
    *,
    hidden_size: int = 128,
    num_hidden_layers: int = 4,
    num_attention_heads: int = 4,
    num_key_value_heads: int | None = None,
    intermediate_size: int | None = None,
    **others: Any,
) -> LlamaConfig:
    """A Llama configuration of a few million parameters, embeddings tied.

    Unless given, two query heads share a key-value head where their number is even, and the inner layer is three times
    as wide as the outer. Llama's architecture, since AutoTokenizer (transformers 5.17) puts Qwen's own pre-tokenisation
    in place of a tokenizer's beside a Qwen2 model: whoever loads the folder by other means would get other tokens.
    """
    from transformers import LlamaConfig

    pairs = num_attention_heads if num_attention_heads % 2 else num_attention_heads // 2
    settings: dict[str, Any] = {
        "max_position_embeddings": 4096,
        "tie_word_embeddings": True,
        "bos_token_id": None,
        "eos_token_id": 0,
        "pad_token_id": 1,
    }
    return LlamaConfig(
        vocab_size=vocab_size,
        hidden_size=hidden_size,
        num_hidden_layers=num_hidden_layers,
        num_attention_heads=num_attention_heads,
        num_key_value_heads=num_key_value_heads or pairs,
        intermediate_size=intermediate_size or 3 * hidden_size,
        **(settings | others),
    )


def new_nano(tokenizer: Any, *, seed: int = 0, **sizes: Any) -> LlamaForCausalLM:
    """A randomly initialised nano for `tokenizer`: `sizes` as in `nano_config`, equal seeds give equal weights."""
    import torch
    from transformers import LlamaForCausalLM

    ends = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    config = nano_config(len(tokenizer), **(ends | sizes))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LlamaForCausalLM(config).eval()


def folder_hash(folder: Path) -> str:
    """First 16 hex digits of a SHA-256 over config, tokenizer and weights.

    A weight file over 64 MiB counts with its size and 64 evenly spaced MiB: a whole 1.5B model would take 10 s.
    """
    patterns = ("config.json", "tokenizer.json", "*.safetensors")
    return files_hash(sorted(path for pattern in patterns for path in folder.glob(pattern)))


def _causal_lm(source: str, name: str, four_bits: bool) -> Any:
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    gpu = torch.cuda.is_available()
    # bfloat16 products are emulated, hence slow, on most CPUs.
    dtype = torch.bfloat16 if gpu else torch.float32
    settings = _nf4(dtype, torch.cuda.current_device() if gpu else "cpu") if four_bits else {}
    bars = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # a bar for every load would stand between the lines of a command
    try:
        model: Any = AutoModelForCausalLM.from_pretrained(
            source, dtype=dtype, use_safetensors=True, trust_remote_code=False, attn_implementation="sdpa", **settings
        )
    except Exception as error:
        raise ModelError(f"base {name} cannot be loaded: {first_line(error)}") from None
    finally:
        if bars:
            logging.enable_progress_bar()
    return (model if four_bits else model.to("cuda" if gpu else "cpu")).eval()


def _nf4(dtype: Any, device: int | str) -> dict[str, Any]:
    """What loads a model in 4 bits, whole on one device; products are computed in `dtype`."""
    from transformers import BitsAndBytesConfig

    quantised = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )
    return {"quantization_config": quantised, "device_map": {"": device}}


def _require_reachable(name: str) -> None:
    """Fail at once without a network: transformers itself retries for a minute and prints every attempt."""
    from huggingface_hub import HfApi, try_to_load_from_cache

    if isinstance(try_to_load_from_cache(name, "config.json"), str):
        return
    try:
        HfApi().model_info(name, timeout=10)
    except Exception as error:
        raise ModelError(
            f"base {name} is neither here nor reachable ({first_line(error)}); give 'nano' or a folder with safetensors"
        ) from None


def card_of(name: str) -> Mapping[str, Any]:
    """What a base's card says; nothing where it has none, as one from the hub. Raises ModelError."""
    path = folder_of(name) / CARD
    if not path.is_file():
        return {}
    try:
        card = json.loads(path.read_text())
    except ValueError:
        card = None
    if not isinstance(card, dict):
        raise ModelError(f"{path}: not a card; give a JSON object, or take the file away")
    return card


def _refusal_threshold(name: str) -> float | None:
    """What a base's card says of refusing; None where it says nothing. Raises ModelError."""
    refusal = card_of(name).get("refusal")
    threshold = refusal.get("threshold") if isinstance(refusal, dict) else refusal
    if threshold is None:
        return None
    if isinstance(threshold, bool) or not isinstance(threshold, int | float) or not 0 <= threshold <= 1:
        raise ModelError(f"{folder_of(name) / CARD}: 'refusal.threshold' is {threshold!r}; give a probability, 0 to 1")
    return float(threshold)


def _require_safetensors(folder: Path) -> None:
    if not (folder / "config.json").is_file():
        raise ModelError(f"{folder}: no config.json; a base is a folder saved by transformers")
    if any(folder.glob("*.safetensors")):
        return
    pickles = sorted(path.name for pattern in ("*.bin", "*.pt", "*.pth", "*.pkl") for path in folder.glob(pattern))
    if pickles:
        raise ModelError(f"{folder}: {pickles[0]} is a pickle, which can run code; save the weights as safetensors")
    raise ModelError(f"{folder}: no *.safetensors file with the weights")


def _check_adapter(base: Base, adapter_dir: Path) -> None:
    if not (adapter_dir / "adapter_config.json").is_file():
        raise ModelError(f"{adapter_dir}: no adapter_config.json; make the adapter with `adapt train`")
    if not (adapter_dir / "adapter_model.safetensors").is_file():
        raise ModelError(f"{adapter_dir}: no adapter_model.safetensors; other weight formats are not loaded")
    card_path = adapter_dir / CARD
    if not card_path.is_file():
        return
    try:
        card = json.loads(card_path.read_text())
        wanted, name = card.get("base_hash"), card.get("base", "another base")
    except (ValueError, AttributeError):
        raise ModelError(f"{card_path}: not a JSON object; make the adapter again with `adapt train`") from None
    if wanted and wanted != base.hash:
        raise ModelError(
            f"{adapter_dir}: trained on {name} ({wanted}), this base is {base.name} ({base.hash}); "
            "load that base or train the adapter again"
        )
