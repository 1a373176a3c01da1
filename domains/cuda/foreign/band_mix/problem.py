import torch
import torch.nn as nn


class Model(nn.Module):
    """Each column mixed with its neighbours, zeros beyond the edges."""

    def forward(self, x):
        wide = torch.nn.functional.pad(x, (1, 1))
        return 0.25 * wide[:, :-2] + 0.5 * x + 0.25 * wide[:, 2:]


def get_inputs():
    return [torch.randn(300, 1111)]


def get_init_inputs():
    return []
