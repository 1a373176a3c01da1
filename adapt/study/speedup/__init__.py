"""`adapt study speedup`: an agent learns with the real tool, its simulator, both in turn, or the gate.

study.py     the whole: agent, arms and seeds, final judgement, figures
recipe.py, grpo.py, trainer.py, order.py    one arm with one seed: TRL's GRPO, its settings, its order of problems
judging.py   what the real tool says at the end
gather.py, scores.py, times.py    raw records -> figures
report.py, words.py, tables.py, pictures.py, paper.py    figures -> report.html

What other studies share stands one level up: arms, run, journal, record, clocks, statistics, sampling, task.
"""
