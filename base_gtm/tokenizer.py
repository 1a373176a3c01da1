"""Byte-level BPE for the nano model: trained here, saved in the Hugging Face form (tokenizer.json), read offline.

Guarantees: any text survives encode and decode; a token never holds two punctuation characters, two digits, or
letters of two identifiers, so an error's place can be pointed at. Does not guarantee the fewest tokens.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from base_gtm.errors import ModelError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

END = "<|end|>"
PAD = "<|pad|>"
SPECIALS: tuple[str, ...] = (
    END,
    PAD,
    "<|spec|>",
    "<|history|>",
    "<|arg|>",
    "<|facts|>",
    "<|result|>",
    "<|error|>",
)
"""Token ids 0, 1, ... in this order. The prompt's markers are among them (see `base_gtm.prompt`)."""

# Alternatives, first match wins: line breaks with the indentation that follows; a word, an underscore or one space
# clinging to its front; one digit; one punctuation character with the space before it; what space is left.
# The clinging space saves about a fifth of the tokens of C++ text.
_SPLIT = r"[\r\n]+[ \t]*| ?_?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]|[ \t]+(?=[ \t]\S)|\s+"


def train_tokenizer(
    texts: Iterable[str],
    vocab_size: int,
    specials: Sequence[str] = SPECIALS,
    *,
    split: str = _SPLIT,
    least_count: int = 0,
    **settings: Any,
) -> PreTrainedTokenizerFast:
    """Byte-level BPE over `texts` with `vocab_size` tokens, specials and the 256 bytes included.

    `specials` begins with the end token, then the padding. `split`: a pattern of the pieces that no token crosses.
    `least_count`: pairs rarer than this are not joined. `settings` go to the tokenizer's wrapper, a chat template say.
    The same texts give the same tokenizer. Raises ModelError when the vocabulary cannot hold bytes and specials.
    """
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    least = 256 + len(specials)
    if vocab_size < least:
        raise ModelError(f"vocab_size {vocab_size}: bytes and special tokens alone take {least}; give more")
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(split), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=list(specials),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
        min_frequency=least_count,
    )
    core.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        eos_token=specials[0],
        pad_token=specials[1],
        additional_special_tokens=list(specials[2:]),
        clean_up_tokenization_spaces=False,
        **settings,
    )


def load_tokenizer(folder: str | Path, *, revision: str | None = None) -> PreTrainedTokenizerFast:
    """The tokenizer of a model folder or hub id, exactly as its tokenizer.json says. Raises ModelError.

    AutoTokenizer would read the same file and then, seeing a Qwen2 model beside it, put Qwen's own pre-tokenisation in
    place of ours (transformers 5.17): other tokens without a word of warning.
    """
    from transformers import PreTrainedTokenizerFast

    if Path(folder).is_dir() and not (Path(folder) / "tokenizer.json").is_file():
        raise ModelError(f"{folder}: no tokenizer.json; constrained decoding needs the fast tokenizer's file")
    try:
        return PreTrainedTokenizerFast.from_pretrained(str(folder), revision=revision or "main")
    except Exception as error:
        raise ModelError(f"{folder}: its tokenizer cannot be loaded ({first_line(error)})") from None


def encode_text(tokenizer: Any, text: str) -> list[int]:
    """Token ids of `text` and nothing else: no beginning or end added."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is not None:
        # The wrapper's __call__ costs more than the encoding of a short text.
        return list(backend.encode(text, add_special_tokens=False).ids)
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def encode_offsets(tokenizer: Any, text: str) -> tuple[list[int], list[tuple[int, int]]]:
    """Token ids and, for each, the (start, end) characters of `text` that it stands for."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is not None:
        encoding = backend.encode(text, add_special_tokens=False)
        return list(encoding.ids), list(encoding.offsets)
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    return list(encoded["input_ids"]), [tuple(pair) for pair in encoded["offset_mapping"]]


def first_line(error: BaseException) -> str:
    """The first line of an exception's text, or its type's name: for errors of one line."""
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
