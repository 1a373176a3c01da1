"""The nano agent's tokenizer, and demonstrations as token ids.

Byte-level BPE over whole lines: a token never crosses a line break, and nothing else holds it back. What every
candidate has is a handful of tokens then, and a candidate some sixty instead of three hundred and fifty; what the agent
chooses, a formula or a flag, is a token or two. Training and sampling cost by the token.

Guarantees: any text survives encode and decode; the same demonstrations give the same tokenizer; a folder written by
`save_pretrained` gives the same tokens through AutoTokenizer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adapt.study.task import Problem

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

SPECIALS = ("<|end|>", "<|pad|>", "<|user|>", "<|agent|>")
TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] == 'assistant' %}{{ '<|agent|>' + message['content'] + '<|end|>' }}"
    "{% else %}{{ '<|user|>' + message['content'] }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|agent|>' }}{% endif %}"
)
_LINE = r"\n[^\n]*|[^\n]+"


@dataclass(frozen=True)
class Demonstration:
    """One demonstration as tokens: the prompt under the chat template, then what the agent should write and its end."""

    ids: tuple[int, ...]
    prompt: int
    """How many of them are the prompt's."""


def messages(problem: Problem) -> list[dict[str, str]]:
    """A problem as a conversation: the same for every agent."""
    return [{"role": "user", "content": problem.prompt}]


def train_agent_tokenizer(texts: Iterable[str], vocab_size: int) -> PreTrainedTokenizerFast:
    """A tokenizer with `vocab_size` tokens at most, its chat template in it.

    Raises ModelError when the vocabulary cannot hold the bytes.
    """
    from base_gtm.tokenizer import train_tokenizer

    return train_tokenizer(
        texts,
        vocab_size,
        SPECIALS,
        split=_LINE,
        least_count=2,
        model_input_names=["input_ids", "attention_mask"],
        padding_side="left",
        chat_template=TEMPLATE,
    )


def encode_demonstrations(tokenizer: Any, pairs: Iterable[tuple[Problem, str]]) -> Iterator[Demonstration]:
    """Each pair as tokens."""
    from base_gtm.tokenizer import encode_text

    prompts: dict[str, Sequence[int]] = {}
    for problem, text in pairs:
        if problem.id not in prompts:
            prompt = tokenizer.apply_chat_template(messages(problem), add_generation_prompt=True, tokenize=False)
            prompts[problem.id] = encode_text(tokenizer, prompt)
        ids = (*prompts[problem.id], *encode_text(tokenizer, text), tokenizer.eos_token_id)
        yield Demonstration(ids, len(prompts[problem.id]))
