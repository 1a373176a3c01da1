"""A seeded generator of candidate kernels: operators x styles x mistakes, in C++, CUDA and Triton.

    from kernelbench_harness.corpus import pair
    clean, broken = pair(seed=0, index=7)

Guarantee: no torch is imported. What a sample's label is, only the harness decides.
"""

from kernelbench_harness.corpus.samples import MISTAKES, OPERATORS, Sample, pair, siblings, stream

__all__ = ["MISTAKES", "OPERATORS", "Sample", "pair", "siblings", "stream"]
