"""Loading an agent: a folder or a hub model, with every way in which that goes wrong as one line.

Guarantees: weights come from safetensors only, all of them, and no code from the hub or a folder is run. An agent has a
chat template: the study shows every agent its problems as a conversation.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from adapt.errors import AdaptError, ArtifactError
from base_gtm.errors import GtmError
from base_gtm.tokenizer import first_line, load_tokenizer

PICKLES = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.ckpt")


def load(name: str | Path) -> tuple[Any, Any]:
    """See `adapt.study.agent.load_agent`."""
    folder = Path(name).expanduser()
    if folder.exists():
        _check_folder(folder)
        return _checked(str(folder), None)
    text = str(name)
    if text.startswith((".", "/", "~")) or text.count("/") != 1 or not all(text.split("/")):
        raise ArtifactError(
            f"agent {text}: no such folder; give a folder saved by transformers or a hub id owner/model"
        )
    _check_reachable(text)
    return _checked(text, text)


def _check_folder(folder: Path) -> None:
    """What can be known of a folder before anything is loaded."""
    if not folder.is_dir():
        raise ArtifactError(f"agent {folder}: a file; give the folder that transformers saved")
    path = folder / "config.json"
    if not path.is_file():
        hint = "; a LoRA adapter alone is no agent: merge it into its base" if _is_adapter(folder) else ""
        raise ArtifactError(f"agent {folder}: no config.json, so no model of transformers{hint}")
    try:
        config = json.loads(path.read_text())
        known = isinstance(config, dict)
    except (OSError, ValueError):
        known = False
    if not known:
        raise ArtifactError(f"agent {folder}: its config.json is no JSON object; save the model again")
    if not any(folder.glob("*.safetensors")):
        pickles = sorted(path.name for pattern in PICKLES for path in folder.glob(pattern))
        if pickles:
            raise ArtifactError(
                f"agent {folder}: {pickles[0]} is a pickle, which can run code; save the weights as safetensors"
            )
        raise ArtifactError(f"agent {folder}: no *.safetensors file with the weights")


def _is_adapter(folder: Path) -> bool:
    return (folder / "adapter_config.json").is_file()


def _check_reachable(name: str) -> None:
    """Fail at once without a network: transformers itself retries for a minute and prints every attempt."""
    from huggingface_hub import HfApi, try_to_load_from_cache
    from huggingface_hub.utils import HFValidationError

    try:
        if isinstance(try_to_load_from_cache(name, "config.json"), str):
            return
        HfApi().model_info(name, timeout=10)
    except HFValidationError:
        raise AdaptError(f"agent {name}: neither a folder here nor a hub id owner/model") from None
    except Exception as error:
        raise AdaptError(
            f"agent {name}: neither a folder here nor reachable on the hub ({first_line(error)}); give a folder or nano"
        ) from None


def _checked(source: str, hub: str | None) -> tuple[Any, Any]:
    """Model and tokenizer, or one line."""
    problem = AdaptError if hub else ArtifactError
    with silent():
        _check_code(source, problem)
        try:
            model, report = _model(source)
        except Exception as error:
            raise problem(f"agent {source}: cannot be loaded ({first_line(error)})") from None
    # A checkpoint that lacks weights would get random ones in their place.
    if missing := sorted(report["missing_keys"]):
        raise problem(f"agent {source}: {len(missing)} weights are missing, {missing[0]} among them; save it again")
    try:
        tokenizer = load_tokenizer(source, revision=getattr(model.config, "_commit_hash", None))
    except GtmError as error:
        raise problem(f"agent {error}") from None
    if not getattr(tokenizer, "chat_template", None):
        raise problem(f"agent {source}: its tokenizer has no chat template; give an instruct model")
    if len(tokenizer) > model.get_input_embeddings().num_embeddings:
        raise problem(f"agent {source}: its tokenizer has more tokens than the model; they do not belong together")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    tokenizer.padding_side = "left"
    return model, tokenizer


def _check_code(source: str, problem: type[AdaptError]) -> None:
    """Refuse what transformers has no class for: it would come with code of its own."""
    from transformers import AutoConfig
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING

    try:
        config = AutoConfig.from_pretrained(source, trust_remote_code=False)
    except Exception as error:
        if "trust_remote_code" in str(error):
            raise problem(
                f"agent {source}: needs code of its own, which is never run; give a model that transformers knows"
            ) from None
        raise problem(f"agent {source}: its config.json cannot be used ({first_line(error)})") from None
    if type(config) not in MODEL_FOR_CAUSAL_LM_MAPPING:
        kind = getattr(config, "model_type", "") or "unknown"
        raise problem(f"agent {source}: a model of type {kind} writes no text; give a causal language model")


def _model(source: str) -> tuple[Any, dict[str, Any]]:
    import torch
    from transformers import AutoModelForCausalLM

    gpu = torch.cuda.is_available()
    # bfloat16 products are emulated, hence slow, on most CPUs; a GPU gets the weights as they were stored.
    loaded: Any = AutoModelForCausalLM.from_pretrained(
        source,
        dtype="auto" if gpu else torch.float32,
        use_safetensors=True,
        trust_remote_code=False,
        output_loading_info=True,
    )
    model, report = loaded
    model.generation_config = _plain(model)
    return model.to("cuda" if gpu else "cpu").eval(), report


def _plain(model: Any) -> Any:
    """Sampling from the model's own distribution: instruct models come with penalties and cuts, which learning on
    policy knows nothing of. What ends a text stays."""
    from transformers import GenerationConfig

    kept = {name: getattr(model.generation_config, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    return GenerationConfig(do_sample=True, temperature=1.0, top_k=0, top_p=1.0, **kept)


@contextmanager
def silent() -> Iterator[None]:
    """No bars and no reports of transformers: what matters of them is raised."""
    from transformers.utils import logging

    bars, level = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
