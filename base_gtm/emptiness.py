"""Whether a text or a list that is about to be written is empty, decided as one question.

What ends an empty value stands against thousands of first tokens of one that is not. It can be the likeliest of them
all though the value is hardly ever empty; so it is taken only where it is likelier than all others together.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from base_gtm.places import Place

if TYPE_CHECKING:
    import numpy as np
    import torch


def without_unlikely_end(lltokenizer: Any, place: Place, tokens: np.ndarray, logs: torch.Tensor) -> torch.Tensor:
    """`logs` [tokens], log probabilities, with those that leave the value at `place` empty at minus infinity where they
    come to less than one half.
    """
    import numpy as np
    import torch

    starts = _starts(place)
    if not starts:
        return logs
    empty = torch.from_numpy(np.isin(tokens, _beginning_with(lltokenizer, starts))).to(logs.device)
    chance = float(logs[empty].exp().sum())
    return logs.masked_fill(empty, -torch.inf) if 0 < chance < 0.5 else logs


def _starts(place: Place) -> tuple[bytes, ...]:
    """What a token begins with that leaves the value empty."""
    if place.partial == '"':
        return (b'"',)
    if place.partial:
        return ()
    return (b'""', b"[]", b"]") if place.path and place.siblings[-1] == [] else (b'""', b"[]")


@lru_cache(maxsize=16)
def _beginning_with(lltokenizer: Any, starts: tuple[bytes, ...]) -> np.ndarray:
    """The vocabulary's tokens that begin so."""
    import numpy as np

    texts = (
        b"" if lltokenizer.is_special_token(token) else bytes(lltokenizer.decode_bytes([token]))
        for token in range(lltokenizer.vocab_size)
    )
    return np.array([token for token, text in enumerate(texts) if text.startswith(starts)], dtype=np.int64)
