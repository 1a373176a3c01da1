"""Errors of the harness.

    HarnessError              one clear line: what, where, how to fix; the command line exits with status 2
    +-- ProblemError          a problem that cannot be read, lacks `Model`, or does not fit this machine
    +-- CandidateError        a candidate file that is no candidate at all (empty, not text)
    +-- StoreError            a label store that cannot be read or written
    +-- PlaceError            a folder that cannot take a run's files: full, read-only
    +-- ToolchainError        no compiler, or one that does not work
    +-- RequestError          a compile request that this harness does not carry out: malformed

What a candidate does wrong is never an error of ours: it is a label.
"""


class HarnessError(Exception):
    """A mistake in what the user gave, or a machine that lacks something. Says what, where, and how to mend it."""


class ProblemError(HarnessError):
    """A problem that cannot be used; the message names the problem."""


class CandidateError(HarnessError):
    """A file that is no candidate; the message names the file."""


class StoreError(HarnessError):
    """A label store that cannot be read or written; the message names the file."""


class PlaceError(HarnessError):
    """A folder for the files of runs that is full or cannot be written; the message names it."""


class ToolchainError(HarnessError):
    """No usable compiler on this machine."""


class RequestError(HarnessError):
    """A compile request that is malformed, or that needs what this harness does not do; the message says which."""
