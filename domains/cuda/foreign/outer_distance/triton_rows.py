import torch
import triton
import triton.language as tl
from torch import nn


@triton.jit
def distances(a, b, out, width, SPAN: tl.constexpr):
    row = tl.program_id(0)
    here = tl.program_id(1) * SPAN + tl.arange(0, SPAN)
    inside = here < width
    gap = tl.load(a + row) - tl.load(b + here, mask=inside)
    tl.store(out + row * width + here, tl.abs(gap), mask=inside)


class ModelNew(nn.Module):
    def forward(self, a, b):
        out = torch.empty(len(a), len(b), device=a.device)
        distances[(len(a), triton.cdiv(len(b), 256))](a, b, out, len(b), SPAN=256)
        return out
