"""CARG, context-aware response generation: a teacher gives scenes, checks judge them, what passes all becomes a record.

groups.py     which tools belong into one dialogue
checks.py     what a record must hold: single, multi, error
maker.py      one job: attempts, complaints, a record or none
pipeline.py   many jobs: parts of a table, resumed after a kill, pass rates
show.py       records as a person reads them
plant.py      do the checks have teeth? faults planted in good records
command.py    base-gtm carg
"""
