"""Whether a text, list or object that is about to be written is empty, decided as one question.

What ends an empty value stands against thousands of first tokens of one that is not, and can be the likeliest of them
all though the value is hardly ever empty.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from base_gtm.places import Place

if TYPE_CHECKING:
    import numpy as np
    import torch


def without_end(
    lltokenizer: Any, text: bytes, place: Place | None, tokens: np.ndarray, logs: torch.Tensor, empty_above: float
) -> torch.Tensor:
    """`logs` [tokens], log probabilities, with those that leave a value empty at minus infinity, unless they come to
    more than `empty_above` or no other is allowed. `text` is what is written, `place` the value that is being written.
    """
    import numpy as np
    import torch

    starts = _starts(text, place)
    if not starts:
        return logs
    empty = torch.from_numpy(np.isin(tokens, _beginning_with(lltokenizer, starts))).to(logs.device)
    if empty.all() or float(logs[empty].exp().sum()) > empty_above:
        return logs
    return logs.masked_fill(empty, -torch.inf)


def _starts(text: bytes, place: Place | None) -> tuple[bytes, ...]:
    """What a token begins with that leaves the value, or a name in an object, empty."""
    if place is None and text.endswith(b"{"):
        return (b"}",)
    if text.endswith((b'{"', b',"')) if place is None else place.partial == '"':
        return (b'"',)
    if place is None or place.partial:
        return ()
    here = (b'""', b"[]", b"{}")
    return (*here, b"]") if place.path and place.siblings[-1] == [] else here


@lru_cache(maxsize=16)
def _beginning_with(lltokenizer: Any, starts: tuple[bytes, ...]) -> np.ndarray:
    """The vocabulary's tokens that begin so."""
    import numpy as np

    texts = (
        b"" if lltokenizer.is_special_token(token) else bytes(lltokenizer.decode_bytes([token]))
        for token in range(lltokenizer.vocab_size)
    )
    return np.array([token for token, text in enumerate(texts) if text.startswith(starts)], dtype=np.int64)
