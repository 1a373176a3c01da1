"""Who answers a tool call: the argument check, the simulator, a domain's cheap exact check, or the real tool.

    with Gate(domain, policy="hybrid:30", specialist=specialist) as gate:
        gate.step = 12
        answers = gate.call_many(calls)      # simulated ones in one batch, real ones all at once on warm workers
        gate.policy = "real"                 # live, also while others call

policies.py  who may answer, with a text form
gate.py      the gate
doubt.py     what an unsure simulator's call is to be asked of whom, and why
real.py      the real tool, kept open and warm
memory.py    what it said before, in this run or in one that is replayed
checks.py    a domain's cheap exact checks, several at once
ledger.py    answers and seconds by source

Importing this imports no torch.
"""

from adapt.gate.gate import Gate, GateAnswer
from adapt.gate.ledger import Source
from adapt.gate.policies import Confident, Hybrid, Policy, Real, Simulate, policy

__all__ = ["Confident", "Gate", "GateAnswer", "Hybrid", "Policy", "Real", "Simulate", "Source", "policy"]
