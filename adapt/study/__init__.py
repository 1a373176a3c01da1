"""Studies: the paper's experiments, with the real tool and its simulator side by side.

One package a study (`speedup`), the agents that learn in it (`agent`), and what all studies share: arms.py and run.py
(units with results, resumable), journal.py and record.py (lines that outlive a kill), clocks.py, statistics.py,
sampling.py, folders.py, and task.py, what a domain gives to a study.
"""
