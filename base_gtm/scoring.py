"""Reading a causal model: the key-value cache, and exact probabilities over a short list of token sequences.

Guarantees: the probabilities of a list sum to one and are those that constrained decoding with the model's own
probabilities would draw; tokens that every remaining sequence shares cost nothing. Padding is on the right and without
an attention mask: causal attention never looks right, and a mask costs a CPU several times the time.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

Prefix = tuple[int, ...]


@dataclass(frozen=True)
class Trie:
    """Token sequences, none a prefix of another, and the places where they part."""

    sequences: tuple[Prefix, ...]
    children: Mapping[Prefix, tuple[int, ...]]
    """Prefix after which more than one token follows -> those tokens. The empty prefix is the root."""
    paths: tuple[Prefix, ...]
    """Prefixes that, read once each, give the logits of every branch but those at the root; longest first."""

    @classmethod
    def of(cls, sequences: Iterable[Sequence[int]]) -> Trie:
        """The trie of the sequences."""
        rows = tuple(tuple(row) for row in sequences)
        follows: dict[Prefix, dict[int, None]] = {}
        for row in rows:
            for at in range(len(row)):
                follows.setdefault(row[:at], {})[row[at]] = None
        children = {prefix: tuple(tokens) for prefix, tokens in follows.items() if len(tokens) > 1}
        paths: list[Prefix] = []
        for prefix in sorted(children, key=len, reverse=True):
            if prefix and not any(path[: len(prefix)] == prefix for path in paths):
                paths.append(prefix)
        return cls(rows, children, tuple(paths))

    @property
    def first_path(self) -> Prefix:
        """The path that is read together with what comes before it."""
        return self.paths[0] if self.paths else ()

    def log_probabilities(self, logits: Mapping[Prefix, torch.Tensor]) -> list[float]:
        """Natural logs of the sequences' probabilities; `logits` holds a [vocabulary] row for every branch."""
        import torch

        steps: dict[Prefix, float] = {}
        for prefix, tokens in self.children.items():
            logs = torch.log_softmax(logits[prefix][list(tokens)].double(), -1)
            steps |= {(*prefix, token): value for token, value in zip(tokens, logs.tolist(), strict=True)}
        return [sum(steps.get(row[:at], 0.0) for at in range(1, len(row) + 1)) for row in self.sequences]


class Reader:
    """One text going through the model. Mutable: tokens are appended, the cache follows."""

    def __init__(self, model: Any, ids: Sequence[int]) -> None:
        from transformers import DynamicCache

        self.model = model
        self.ids = list(ids)
        self.cache = DynamicCache(config=model.config)
        self.read_to = 0
        self.last: torch.Tensor | None = None

    def resume(self, cache: Any, length: int, last: torch.Tensor) -> Reader:
        """Go on after `length` tokens that `cache` holds, `last` [vocabulary] being the logits after them."""
        self.cache, self.read_to, self.last = cache, length, last
        return self

    def next_logits(self) -> torch.Tensor:
        """Logits [vocabulary] of the token that follows `ids`."""
        if self.read_to < len(self.ids) or self.last is None:
            self.read((), ())
        assert self.last is not None
        return self.last

    def read(self, path: Prefix, also: Sequence[int]) -> tuple[list[torch.Tensor], torch.Tensor]:
        """Read what is unread and `path` after it, then forget `path` again.

        Returns the logits after `ids` and after each token of `path`, and those [len(also), vocabulary] at the unread
        positions `also`.
        """
        end, start = len(self.ids), self.read_to
        fresh = self.ids[start:] + list(path)
        keep = [at - start for at in also] + list(range(max(end - 1 - start, 0), len(fresh)))
        rows = forward(self.model, [fresh], keep, self.cache)[0]
        if path:
            self.cache.crop(-len(path))  # negative: so many fewer
        tail = list(rows[len(also) :])
        if start == end:
            assert self.last is not None
            tail = [self.last, *tail]
        self.read_to, self.last = end, tail[0]
        return tail, rows[: len(also)]

    def score(self, trie: Trie, also: Sequence[int] = ()) -> tuple[list[float], torch.Tensor | None]:
        """Log probabilities of the trie's sequences as continuations, and the logits at `also` (see `read`)."""
        extra = None
        known: dict[Prefix, torch.Tensor] = {}
        if self.read_to < len(self.ids) or trie.first_path:
            rows, extra = self.read(trie.first_path, also)
            known |= {trie.first_path[:at]: row for at, row in enumerate(rows)}
        else:
            known[()] = self.next_logits()
        if trie.paths[1:]:
            known |= {path: row for path, row in self.read_tree(trie.paths[1:]).items() if path not in known}
        return trie.log_probabilities(known), extra

    def read_tree(self, paths: Sequence[Prefix]) -> dict[Prefix, torch.Tensor]:
        """Read what is unread and, in the same go, a tree of continuations, of which nothing is kept.

        Returns the logits [vocabulary] after `ids` (the empty path), after each of `paths` and each prefix of theirs.
        """
        fresh = self.ids[self.read_to :]
        nodes = sorted({path[:at] for path in paths for at in range(1, len(path) + 1)}, key=len)
        if not nodes:
            return {(): self.next_logits()}
        rows = tree_logits(self.model, self.cache, self.read_to, fresh, nodes)
        self.cache.crop(-len(nodes))
        if fresh:
            self.read_to, self.last = len(self.ids), rows[0]
        assert self.last is not None
        return dict(zip([(), *nodes], [self.last, *rows[1 if fresh else 0 :]], strict=True))


def tree_logits(model: Any, cache: Any, length: int, fresh: Sequence[int], nodes: Sequence[Prefix]) -> torch.Tensor:
    """Logits after `fresh` (where there is any) and after each node, read as one row: [1 + len(nodes), vocabulary].

    A node sees the cache, `length` long, `fresh` and its own prefixes, not the other nodes. `nodes` come with all their
    prefixes, shorter ones first.
    """
    import torch

    trunk, total = len(fresh), len(fresh) + len(nodes)
    place = {node: length + trunk + at for at, node in enumerate(nodes)}
    sees = torch.zeros(total, length + total, dtype=torch.bool)
    sees[:, : length + trunk] = torch.ones(total, length + trunk, dtype=torch.bool).tril(length)
    rows, columns = [], []
    for at, node in enumerate(nodes):
        rows += [trunk + at] * len(node)
        columns += [place[node[:end]] for end in range(1, len(node) + 1)]
    sees[rows, columns] = True
    depths = [*range(trunk), *(trunk + len(node) - 1 for node in nodes)]
    device = model.device
    with torch.inference_mode():
        out = model(
            input_ids=torch.tensor([[*fresh, *(node[-1] for node in nodes)]], device=device),
            position_ids=torch.tensor([depths], device=device) + length,
            attention_mask=sees[None, None].to(device),
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=len(nodes) + (1 if fresh else 0),
        )
    logits: torch.Tensor = out.logits[0]
    return logits


def branch_logits(model: Any, cache: Any, length: int, path: Prefix, row: int | None = None) -> dict[Prefix, Any]:
    """Logits after every non-empty prefix of `path`, read on a copy of the first `length` entries of the cache.

    `row` picks one row of a batch's cache.
    """
    fork = copy.deepcopy(cache)
    if row is not None:
        import torch

        fork.batch_select_indices(torch.tensor([row]))
    surplus = fork.get_seq_length() - length
    if surplus > 0:
        fork.crop(-surplus)
    rows = forward(model, [list(path)], list(range(len(path))), fork)[0]
    return {path[: at + 1]: logits for at, logits in enumerate(rows)}


def row_cache(model: Any, cache: Any, row: int, length: int) -> Any:
    """The first `length` entries of one row of a batch's cache as a cache of its own; None where its layers forget."""
    from transformers import DynamicCache
    from transformers.cache_utils import DynamicLayer

    if any(type(layer) is not DynamicLayer for layer in cache.layers):
        return None  # a sliding window, say, whose last entries are another row's padding
    own = DynamicCache(config=model.config)
    for index, layer in enumerate(cache.layers):
        own.update(layer.keys[row : row + 1, :, :length], layer.values[row : row + 1, :, :length], index)
    return own


def forward(model: Any, rows: Sequence[Sequence[int]], keep: Sequence[int], cache: Any = None) -> torch.Tensor:
    """Logits [row, len(keep), vocabulary] at the positions `keep`; shorter rows are padded on the right."""
    import torch

    device = model.device
    longest = max(map(len, rows))
    ids = torch.tensor([[*row, *[0] * (longest - len(row))] for row in rows], device=device)
    with torch.inference_mode():
        out = model(
            input_ids=ids,
            past_key_values=cache,
            use_cache=cache is not None,
            logits_to_keep=torch.tensor(list(keep), device=device),
        )
    logits: torch.Tensor = out.logits
    return logits


def tempered(logs: Sequence[float], temperature: float) -> list[float]:
    """Probabilities of whole sequences at a temperature, summing to one.

    Dividing the sequences' log probabilities, rather than the logits of every branch, keeps the most probable one
    first at any temperature.
    """
    scaled = [value / temperature for value in logs]
    top = max(scaled)
    weights = [math.exp(value - top) for value in scaled]
    total = sum(weights)
    return [weight / total for weight in weights]
