"""Reading a causal model: the key-value cache, and exact probabilities over a short list of token sequences.

What decides which token comes next is written as a generator of reads (`Reads`): it yields the continuations whose
logits it needs and is sent these, so that one text (`Reader`) and many at once (`Batch`) are read by the same code.

Guarantees: the probabilities of a list sum to one and are those that constrained decoding with the model's own
probabilities would draw; tokens that every remaining sequence shares cost nothing. Prompts are padded on the right and
read without an attention mask: causal attention never looks right, and a mask costs a CPU several times the time.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import torch

_FEWER = 0.75
"""Share of a batch's rows that still ask, below which the others are taken out: that copies the cache."""

Prefix = tuple[int, ...]
T = TypeVar("T")
Reads = Generator[Sequence[Prefix], Mapping[Prefix, Any], T]
"""Yields continuations of a text, each to be read with its prefixes; is sent the logits [vocabulary] after the text
(the empty continuation) and after each of them; appends to the text what it decides on; returns what was wanted."""


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

    def __init__(self, model: Any, ids: list[int]) -> None:
        """ids: the text, which is appended to."""
        from transformers import DynamicCache

        self.model = model
        self.ids = ids
        self.cache = DynamicCache(config=model.config)
        self.read_to = 0
        self.last: torch.Tensor | None = None

    def next_logits(self) -> torch.Tensor:
        """Logits [vocabulary] of the token that follows `ids`."""
        if self.read_to < len(self.ids) or self.last is None:
            fresh = self.ids[self.read_to :]
            ((self.last,),) = forward(self.model, [fresh], [[len(fresh) - 1]], self.cache)
            self.read_to = len(self.ids)
        return self.last

    def read_tree(self, paths: Sequence[Prefix]) -> dict[Prefix, torch.Tensor]:
        """Read what is unread and, in the same go, a tree of continuations, of which nothing is kept.

        Returns the logits [vocabulary] after `ids` (the empty path), after each of `paths` and each prefix of theirs.
        """
        import torch

        if not paths:
            return {(): self.next_logits()}
        seen = torch.ones(1, self.read_to, dtype=torch.bool)
        ask = _Ask(self.ids[self.read_to :], with_prefixes(tuple(paths)))
        (rows,) = tree_logits(self.model, self.cache, seen, [self.read_to], [ask])
        self.read_to, self.last = len(self.ids), rows.get((), self.last)
        assert self.last is not None
        return {(): self.last, **rows}

    def answer(self, reads: Reads[T]) -> T:
        """What a generator comes to that appends to `ids`."""
        try:
            paths = next(reads)
            while True:
                paths = reads.send(self.read_tree(paths))
        except StopIteration as done:
            return done.value


@dataclass(frozen=True)
class Shared:
    """What prompts begin with, read once for all of them."""

    cache: Any
    """Keys and values of one row: of all tokens that the prompts share but the last."""
    costs: Mapping[int, float]
    """Position -> negative log-likelihood of the token after it, in nats."""

    @classmethod
    def read(cls, model: Any, ids: Sequence[int], positions: Sequence[int]) -> Shared:
        """Read the tokens `ids`, all but the last; `positions` among those read are those whose costs are wanted."""
        from transformers import DynamicCache

        cache = DynamicCache(config=model.config)
        (logits,) = forward(model, [ids[:-1]], [positions], cache)
        return cls(cache, costs(logits, ids, positions))

    def begun(self, rows: int) -> Any:
        """A cache of that many rows that all begin so."""
        from transformers import DynamicCache

        cache = DynamicCache()
        for index, layer in enumerate(self.cache.layers):
            cache.update(layer.keys.expand(rows, -1, -1, -1), layer.values.expand(rows, -1, -1, -1), index)
        return cache


def costs(logits: torch.Tensor, ids: Sequence[int], positions: Sequence[int]) -> dict[int, float]:
    """Position -> negative log-likelihood of the token after it, in nats; `logits` [len(positions), vocabulary]."""
    import torch

    if not positions:
        return {}
    targets = torch.tensor([ids[at + 1] for at in positions], device=logits.device)
    losses = torch.nn.functional.cross_entropy(logits.float(), targets, reduction="none")
    return dict(zip(positions, losses.tolist(), strict=True))


def reading(paths: Sequence[Prefix]) -> Reads[Mapping[Prefix, Any]]:
    """The logits after some continuations and nothing else."""
    return (yield paths)


class Batch:
    """Texts that go on together, each a row of one cache, of which some columns are not its own. Mutable."""

    def __init__(self, model: Any, cache: Any, texts: Sequence[list[int]], lasts: Sequence[torch.Tensor]) -> None:
        """cache: begins each row with what is known of its text. lasts: logits [vocabulary] after each text."""
        import torch

        self.model, self.cache, self.texts = model, cache, texts
        self._lasts = list(lasts)
        self._read_to = [len(text) for text in texts]
        self._cached = list(range(len(texts)))
        self._seen = torch.arange(cache.get_seq_length()) < torch.tensor(self._read_to)[:, None]

    def forget(self, row: int, tokens: int) -> None:
        """Take the last tokens of a text back. More must be appended before the next are read."""
        if tokens:
            del self.texts[row][-tokens:]
            place = self._cached.index(row)
            known = self._seen[place].nonzero()[:, 0]
            self._seen[place, known[len(known) - tokens :]] = False
            self._read_to[row] -= tokens

    def answers(self, reads: Mapping[int, Reads[T]]) -> dict[int, T]:
        """What the generators of some texts come to, which append to these; the other texts are forgotten."""
        if not shareable(self.cache):
            return {row: Reader(self.model, self.texts[row]).answer(one) for row, one in reads.items()}
        found: dict[int, T] = {}
        sent: Mapping[int, Mapping[Prefix, Any] | None] = dict.fromkeys(reads)
        while sent:
            asked = {row: self._advanced(row, reads[row], logits, found) for row, logits in sent.items()}
            sent = self._read({row: ask for row, ask in asked.items() if ask is not None})
        return found

    def _advanced(
        self, row: int, reads: Reads[T], logits: Mapping[Prefix, Any] | None, found: dict[int, T]
    ) -> _Ask | None:
        """What a text needs to be read next; None where it has come to its end."""
        try:
            paths = next(reads) if logits is None else reads.send(logits)
            while not paths and self._read_to[row] == len(self.texts[row]):
                paths = reads.send({(): self._lasts[row]})
        except StopIteration as done:
            found[row] = done.value
            return None
        return _Ask(self.texts[row][self._read_to[row] :], with_prefixes(tuple(paths)))

    def _read(self, asked: Mapping[int, _Ask]) -> dict[int, Mapping[Prefix, Any]]:
        """All that the rows ask for, in one go; once many ask for nothing, these lose their place."""
        import torch

        if not asked:
            return {}
        if len(asked) <= _FEWER * len(self._cached):
            places = torch.tensor([self._cached.index(row) for row in asked])
            self.cache.batch_select_indices(places.to(self.model.device))
            self._seen, self._cached = self._seen[places], list(asked)
        asks = [asked.get(row, _NOTHING) for row in self._cached]
        rows = tree_logits(self.model, self.cache, self._seen, [self._read_to[row] for row in self._cached], asks)
        fresh = torch.tensor([len(ask.fresh) for ask in asks])
        self._seen = torch.cat([self._seen, torch.arange(int(fresh.max())) < fresh[:, None]], dim=1)
        sent: dict[int, Mapping[Prefix, Any]] = {}
        for row, logits in zip(self._cached, rows, strict=True):
            if row not in asked:
                continue
            self._read_to[row] = len(self.texts[row])
            self._lasts[row] = logits.get((), self._lasts[row])
            sent[row] = {(): self._lasts[row], **logits}
        return sent


@dataclass(frozen=True)
class _Ask:
    """What is to be read of one row."""

    fresh: Sequence[int]
    """Tokens that follow what its cache holds, and stay there."""
    nodes: tuple[Prefix, ...]
    """Continuations after them with all their prefixes, shorter ones first; nothing is kept of these."""


_NOTHING = _Ask((), ())


@lru_cache(maxsize=256)
def with_prefixes(paths: tuple[Prefix, ...]) -> tuple[Prefix, ...]:
    """The paths and all their beginnings but the empty one, shorter ones first."""
    return tuple(sorted({path[:at] for path in paths for at in range(1, len(path) + 1)}, key=len))


@lru_cache(maxsize=256)
def _ancestry(nodes: tuple[Prefix, ...]) -> Any:
    """Which node sees which: itself and its own prefixes; bool [node, node]."""
    import torch

    sees = torch.zeros(len(nodes), len(nodes), dtype=torch.bool)
    place = {node: at for at, node in enumerate(nodes)}
    for at, node in enumerate(nodes):
        sees[at, [place[node[:end]] for end in range(1, len(node) + 1)]] = True
    return sees


def tree_logits(
    model: Any, cache: Any, seen: torch.Tensor, lengths: Sequence[int], asked: Sequence[_Ask]
) -> list[dict[Prefix, torch.Tensor]]:
    """For each row the logits [vocabulary] after its fresh tokens (the empty path, where there are any) and its nodes.

    seen: bool [row, column], which entries of the cache are a row's own. lengths: how many these are. The cache keeps a
    column for each fresh token of the longest row, and nothing of the nodes. A node sees its row, the fresh tokens and
    its own prefixes, not the other nodes.
    """
    import torch

    rows, columns = seen.shape
    trunk = max(len(ask.fresh) for ask in asked)
    total = trunk + max(len(ask.nodes) for ask in asked)
    if total == trunk and bool(seen.all()) and all(len(ask.fresh) == trunk for ask in asked):
        return [{(): row} for (row,) in forward(model, [ask.fresh for ask in asked], [[trunk - 1]] * rows, cache)]
    sees = torch.zeros(rows, total, columns + total, dtype=torch.bool)
    sees[:, :, :columns] = seen[:, None]
    sees[:, :, columns:] |= torch.eye(total, dtype=torch.bool)  # padding too sees something: no attention over nothing
    sees[:, :trunk, columns : columns + trunk] = torch.ones(trunk, trunk, dtype=torch.bool).tril()
    ids, positions, kept = [], [], []
    for row, (ask, length) in enumerate(zip(asked, lengths, strict=True)):
        fresh, end = len(ask.fresh), trunk + len(ask.nodes)
        if ask.nodes:
            sees[row, trunk:end, columns : columns + fresh] = True
            sees[row, trunk:end, columns + trunk : columns + end] = _ancestry(ask.nodes)
        gap, rest = [0] * (trunk - fresh), [0] * (total - end)
        ids.append([*ask.fresh, *gap, *[node[-1] for node in ask.nodes], *rest])
        depths = [length + fresh + len(node) - 1 for node in ask.nodes]
        positions.append([*range(length, length + fresh), *gap, *depths, *rest])
        kept.append([*([fresh - 1] if fresh else []), *range(trunk, end)])
    device = model.device
    mask = torch.zeros(rows, 1, *sees.shape[1:], dtype=model.dtype).masked_fill_(~sees[:, None], -math.inf)
    more = {"position_ids": torch.tensor(positions, device=device), "attention_mask": mask.to(device)}
    found = _logits(model, torch.tensor(ids, device=device), kept, cache, **more)
    if total > trunk:
        cache.crop(trunk - total)  # negative: so many fewer
    names = [[*([()] if ask.fresh else []), *ask.nodes] for ask in asked]
    return [dict(zip(some, logits, strict=True)) for some, logits in zip(names, found, strict=True)]


def shareable(cache: Any) -> bool:
    """Whether rows of a batch's cache can go on from different lengths: none of its layers forgets."""
    from transformers.cache_utils import DynamicLayer

    return all(type(layer) is DynamicLayer for layer in cache.layers)


def forward(
    model: Any, rows: Sequence[Sequence[int]], keep: Sequence[Sequence[int]], cache: Any = None
) -> list[torch.Tensor]:
    """For each row the logits [len(keep[row]), vocabulary] at its positions; shorter rows are padded on the right."""
    import torch

    longest = max(map(len, rows))
    ids = torch.tensor([[*row, *[0] * (longest - len(row))] for row in rows], device=model.device)
    return _logits(model, ids, keep, cache)


def _logits(
    model: Any, ids: torch.Tensor, keep: Sequence[Sequence[int]], cache: Any, **more: torch.Tensor
) -> list[torch.Tensor]:
    """As `forward`, of rows [row, length]; the head reads those positions alone, wherever each row has them."""
    import torch

    pairs = [(row, at) for row, some in enumerate(keep) for at in some]
    rows, columns = torch.tensor(pairs, dtype=torch.long, device=ids.device).reshape(-1, 2).unbind(1)
    hook = model.get_output_embeddings().register_forward_pre_hook(lambda _, given: (given[0][rows, columns],))
    try:
        with torch.inference_mode():
            out = model(input_ids=ids, past_key_values=cache, use_cache=cache is not None, **more)
    finally:
        hook.remove()
    return list(out.logits.split([len(some) for some in keep]))


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
