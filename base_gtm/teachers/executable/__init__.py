"""Tools that really compute: one module a field, in the handwriting of `kit.py`; `worlds/` holds those with a state.

Whatever a well-kept library knows (units, calendars, countries, elements) is asked of that library.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from base_gtm.errors import SpecError
from base_gtm.teachers.executable.kit import Tool, tools_of


@cache
def executable_tools() -> tuple[Tool, ...]:
    """Every executable tool, in the order of the modules' names. Raises SpecError where two have one name."""
    found: dict[str, Tool] = {}
    for module in pkgutil.walk_packages(__path__, __name__ + "."):
        for tool in tools_of(importlib.import_module(module.name)):
            if tool.name in found:
                raise SpecError(f"{module.name}: {found[tool.name].function.__module__} has a tool '{tool.name}' too")
            found[tool.name] = tool
    return tuple(found.values())
