"""How well a generalist answers for tools that it has never seen, and how that was found out.

records.py     which records of CARG are asked, and which may be copied from
question.py    a call in its situation, and what was answered
subjects.py    who answers: a base with or without the grammar, untrained, or the nearest known call copied
asking.py      every answer asked for once, in a journal
criteria.py    the columns of Table 1, decided by running the tools
opinion.py     the same columns as a model sees them, and how far the two agree
report.py      shares with intervals; the tables
recorded.py    recorded calls of real tools, of which no spec came along
command.py     `base-gtm judge`
"""
