"""Tools with a state: what a call answers follows from the calls before it."""
