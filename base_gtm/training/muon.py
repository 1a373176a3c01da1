"""Muon: steps of inner matrices made orthogonal, AdamW for all else. A small model learns as much from fewer tokens.

As torch.optim.Muon with `adjust_lr_fn="match_rms_adamw"`, so that AdamW's learning rate suits both kinds; but torch's
iterates in bfloat16, which a CPU emulates: a step of a million parameters takes it as long as the training step itself.
Here the iteration keeps the gradient's own precision.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic Newton-Schulz iteration (Jordan and others 2024)."""
_ITERATIONS = 5
_MOMENTUM = 0.95
_MATCH = 0.2
"""Root mean square of an AdamW step, in learning rates."""


class Muon(torch.optim.Optimizer):
    """One optimizer of two kinds of groups, told apart by `orthogonal`."""

    def __init__(
        self, model: torch.nn.Module, lr: float, weight_decay: float, betas: tuple[float, float] = (0.9, 0.98)
    ) -> None:
        """Takes what `model` learns: matrices that are no embedding and no head are orthogonal, vectors never decay."""
        tables = {id(table.weight) for table in (model.get_input_embeddings(), model.get_output_embeddings())}  # type: ignore[operator]
        learnt = [parameter for parameter in model.parameters() if parameter.requires_grad]
        inner = [one for one in learnt if one.ndim == 2 and id(one) not in tables]
        outer = [one for one in learnt if one.ndim > 2 or (one.ndim == 2 and id(one) in tables)]
        vectors = [one for one in learnt if one.ndim < 2]
        kinds = [(inner, True, weight_decay), (outer, False, weight_decay), (vectors, False, 0.0)]
        groups = [
            {"params": some, "orthogonal": orthogonal, "weight_decay": decay}
            for some, orthogonal, decay in kinds
            if some
        ]
        super().__init__(groups, {"lr": lr, "betas": betas, "eps": 1e-8})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One update of every parameter that has a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            update = _orthogonal if group["orthogonal"] else _adaptive
            for parameter in group["params"]:
                if parameter.grad is not None:
                    parameter.mul_(1 - group["lr"] * group["weight_decay"])
                    update(parameter, self.state[parameter], group)
        return loss


def _orthogonal(parameter: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
    gradient = parameter.grad
    if not state:
        state["momentum"] = torch.zeros_like(gradient)
    momentum = state["momentum"].lerp_(gradient, 1 - _MOMENTUM)
    direction = orthogonalised(gradient.lerp(momentum, _MOMENTUM))
    parameter.add_(direction, alpha=-group["lr"] * _MATCH * max(parameter.shape) ** 0.5)


def _adaptive(parameter: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
    gradient, (first, second) = parameter.grad, group["betas"]
    if not state:
        state |= {"step": 0, "mean": torch.zeros_like(gradient), "square": torch.zeros_like(gradient)}
    state["step"] += 1
    mean = state["mean"].lerp_(gradient, 1 - first)
    square = state["square"].mul_(second).addcmul_(gradient, gradient, value=1 - second)
    root = (square / (1 - second ** state["step"])).sqrt_().add_(group["eps"])
    parameter.addcdiv_(mean, root, value=-group["lr"] / (1 - first ** state["step"]))


def orthogonalised(matrix: torch.Tensor) -> torch.Tensor:
    """[rows, columns] -> the same, its singular values brought near 1 (0.7 to 1.2 where they were not tiny)."""
    linear, cubic, quintic = _COEFFICIENTS
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    wide = wide / wide.norm().clamp_min(1e-7)
    for _ in range(_ITERATIONS):
        gram = wide @ wide.T
        wide = torch.addmm(wide, torch.addmm(gram, gram, gram, beta=cubic, alpha=quintic), wide, beta=linear)
    return wide if matrix.shape[0] <= matrix.shape[1] else wide.T
