"""From many jobs to one store: skip what has a label, give the rest to workers, keep what comes back.

backend.py      the Protocol behind which workers stand; outcomes and whose fault a failure is
local.py        threads of this process, a harness and a core each (the default)
ahead.py        compilers in front of the workers that run
here.py         this machine's cores and GPUs, shared out between both
ray_pool.py     actors of a Ray cluster, one a GPU, or one a core
submitit_pool.py  chunks as jobs of a Slurm cluster, or of this machine
message.py      jobs and outcomes as JSON
outcomes.py     the loop: submit, take, give again where a worker failed
run.py          `label_many`, the only writer of the store
"""

from kernelbench_harness.engine.backend import Backend, Fault, Job, Labeller, Open, Outcome
from kernelbench_harness.engine.outcomes import outcomes
from kernelbench_harness.engine.run import Failure, Summary, label_many

__all__ = ["Backend", "Failure", "Fault", "Job", "Labeller", "Open", "Outcome", "Summary", "label_many", "outcomes"]
