"""Formats of tool descriptions, each a module with a `Format`; the first that recognises a record reads it.

A format reads one record at a time (a line, an element, a document) and gives a tool, several, or what was left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from base_gtm.collection.collected import Collected, Dropped

Read = Iterator[Collected | Dropped]


@dataclass(frozen=True)
class Format:
    """How records of one kind are told and read."""

    name: str
    """As counts and options name it."""
    about: str
    """What its records look like, in a few words."""
    recognises: Callable[[Any], bool]
    """Whether a parsed record is of this kind."""
    read: Callable[[Any, str], Read]
    """A record and its origin -> its tools. Raises nothing for a broken one: that is a Dropped."""


def formats() -> tuple[Format, ...]:
    """All of them, the most particular first."""
    from base_gtm.collection.formats import bfcl, collection, mcp, openapi, seal_tools, tooleyes, xlam

    own = (collection.FORMAT, openapi.FORMAT, seal_tools.FORMAT)
    return (*own, bfcl.FORMAT, xlam.FORMAT, tooleyes.FORMAT, mcp.FORMAT)
