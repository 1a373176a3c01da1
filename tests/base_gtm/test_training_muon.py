"""Muon against torch's own, which iterates in bfloat16, and against torch's AdamW."""

from __future__ import annotations

from typing import Any

import torch

from base_gtm.model import new_nano
from base_gtm.training.muon import Muon, orthogonalised


def test_singular_values_come_near_one() -> None:
    torch.manual_seed(0)
    for shape in ((24, 64), (64, 24), (32, 32)):
        values = torch.linalg.svdvals(orthogonalised(torch.randn(*shape)))
        assert values.min() > 0.3 and values.max() < 1.3


def _model(tokenizer: Any) -> Any:
    return new_nano(tokenizer, hidden_size=32, num_hidden_layers=1, num_attention_heads=2).train()


def test_steps_are_those_of_torch(tokenizer: Any) -> None:
    ours, theirs = _model(tokenizer), _model(tokenizer)
    inner = [one for name, one in theirs.named_parameters() if one.ndim == 2 and "embed" not in name]
    other = [one for name, one in theirs.named_parameters() if one.ndim < 2 or "embed" in name]
    optimizers = [
        torch.optim.Muon(inner, lr=1e-2, weight_decay=0.1, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(
            [
                {"params": [one for one in other if one.ndim == 2], "weight_decay": 0.1},
                {"params": [one for one in other if one.ndim < 2], "weight_decay": 0.0},
            ],
            lr=1e-2,
            betas=(0.9, 0.98),
        ),
    ]
    mine = Muon(ours, 1e-2, 0.1)
    ids = torch.randint(0, 200, (2, 12), generator=torch.Generator().manual_seed(1))
    for _ in range(4):
        for model, some in ((ours, [mine]), (theirs, optimizers)):
            model(input_ids=ids, labels=ids).loss.backward()
            for optimizer in some:
                optimizer.step()
                optimizer.zero_grad()
    fresh = dict(_model(tokenizer).named_parameters())
    for (name, one), other_one in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        moved, apart = (one - fresh[name]).norm(), (one - other_one).norm()
        assert apart < 0.15 * moved, name  # bfloat16


def test_every_parameter_is_learnt(tokenizer: Any) -> None:
    model = _model(tokenizer)
    model.model.experts = torch.nn.Parameter(torch.ones(2, 3, 4))
    groups = Muon(model, 1e-2, 0.1).param_groups
    held = {id(one): group["orthogonal"] for group in groups for one in group["params"]}
    assert held.keys() == {id(one) for one in model.parameters()} and not held[id(model.model.experts)]


def test_its_state_survives_a_file(tokenizer: Any, tmp_path: Any) -> None:
    model = _model(tokenizer)
    optimizer = Muon(model, 1e-2, 0.1)
    ids = torch.arange(24).reshape(2, 12)

    def step() -> None:
        model(input_ids=ids, labels=ids).loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    step()
    torch.save([model.state_dict(), optimizer.state_dict()], tmp_path / "state.pt")
    step()
    after = {name: one.clone() for name, one in model.state_dict().items()}
    weights, state = torch.load(tmp_path / "state.pt", weights_only=True)
    model.load_state_dict(weights)
    optimizer.load_state_dict(state)
    step()
    assert all(torch.equal(one, after[name]) for name, one in model.state_dict().items())
