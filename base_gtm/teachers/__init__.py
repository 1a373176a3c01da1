"""Teachers: who says what a tool would answer, so that a generalist can learn it.

teacher.py     what a teacher is: scenes, and doubt
executable/    tools that really compute, by field: every answer is true by construction
schema.py      wrong calls of any tool, and the refusal that its schema gives them
language.py    a large language model that is asked; endpoint.py asks it, journal.py keeps what it said
flaws.py       four ways to make a valid call wrong
plausible.py   arguments for any input schema
"""
