"""Tools that a teacher invents: fields, subfields of each, tools of each, as in section 4.1 of the paper.

fields.py     seed fields grow by exemplar pairs; subfields
invent.py     tools of a subfield, checked; result schemas for tools that lack one
command.py    base-gtm tools generate, base-gtm tools complete
"""
