"""A refusal: how probable it is that a tool refuses a call that its schema accepts, and what it says then.

Guarantees: the probability is that of ERROR against every token that an answer may begin with, from the logits of the
prompt's last token; a message is text of at most `MOST` characters, and ends. Does not decide how probable is enough.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from base_gtm.decode import Decoded, Grammar, compile_grammar, writing
from base_gtm.prompt import ERROR
from base_gtm.schema import ToolSpec
from base_gtm.scoring import Reads, Trie
from base_gtm.tokenizer import encode_text

if TYPE_CHECKING:
    import torch

MOST = 300
"""Characters of a message."""


@dataclass(frozen=True)
class Refusal:
    """How refusals are written with one tokenizer."""

    tokens: tuple[int, ...]
    """Of ERROR, which stands before the message."""
    grammar: Grammar
    """Of the message, a JSON string."""

    @classmethod
    def of(cls, tokenizer: Any, lltok: Any) -> Refusal:
        """Compile the message's form."""
        schema = {"type": "string", "minLength": 1, "maxLength": MOST}
        grammar = compile_grammar(ToolSpec("refusal", "", {}, schema), tokenizer, lltok)
        return cls(tuple(encode_text(tokenizer, ERROR)), grammar)

    def probability(self, grammar: Grammar, logits: torch.Tensor) -> float:
        """Of ERROR against the beginning of an answer; `logits` [vocabulary] follow the prompt."""
        import math

        starts = [(token,) for token in grammar.opening.starts if token < len(logits)]
        trie = Trie.of([self.tokens, *starts])
        return math.exp(trie.log_probabilities({(): logits})[0])

    def written(self, ids: list[int], probability: float) -> Reads[Decoded]:
        """Write a refusal after the prompt `ids`, which it is appended to; its confidence is its probability."""
        ids += self.tokens
        message = yield from writing(self.grammar, ids)
        return replace(message, confidence=probability, tokens=message.tokens + len(self.tokens))
