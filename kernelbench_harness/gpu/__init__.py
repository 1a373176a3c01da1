"""What waits for a machine with a GPU, each a command that is ready before the machine is.

check.py         does the harness hold here: every case of the catalogue, and how well times repeat
labels.py        thousands of CUDA and Triton candidates, labelled within given minutes, in shards that travel
head_to_head.py  KernelBench's own evaluator and this one on the same candidates
h100_sanity.py   times of the reference models against KernelBench's published H100 times
cases/           the catalogue: cheats, hostile candidates, label bugs, honest work
item.py          what they share: results, journal, minutes, environment

    python -m kernelbench_harness.gpu.check [--dry-run]

Guarantees: each may be killed at any point and goes on where it stopped; each ends with a short table and writes
results/gpu/<device>/<item>.json. A dry run takes the same path over a few small cases on the CPU.
"""
