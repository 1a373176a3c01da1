"""Errors of the generalist.

GtmError                  one clear line: what, where, how to fix; the command line exits with status 2
+-- SpecError             a tool spec that cannot be used
+-- ModelError            a base model or adapter that cannot be loaded
+-- DataError             a training or input file that cannot be read
+-- TeacherError          a teacher that cannot be asked, or keeps answering what cannot be used
    +-- UnusableAnswer    the same of one question alone: the others can be asked
"""


class GtmError(Exception):
    """A mistake in what the user gave. The message says what is wrong, where, and how to mend it."""


class SpecError(GtmError):
    """A tool spec that is not valid JSON Schema, or uses a keyword that decoding cannot honour."""


class ModelError(GtmError):
    """A base model or adapter that is missing, broken, or of another architecture."""


class DataError(GtmError):
    """A file of records that cannot be read."""


class TeacherError(GtmError):
    """A teacher that cannot be asked, or keeps answering what cannot be used."""


class UnusableAnswer(TeacherError):
    """One question whose answers cannot be used, or which is refused; the others can be asked."""
