import torch
import torch.nn as nn


class Model(nn.Module):
    """log(1 + energy) of each row."""

    def __init__(self):
        super().__init__()

    def forward(self, x):
        return torch.log1p((x * x).sum(dim=1))


def get_inputs():
    return [torch.randn(512, 2048)]


def get_init_inputs():
    return []
