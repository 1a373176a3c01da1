"""Packages that only teachers need."""

from __future__ import annotations

from importlib.util import find_spec

from base_gtm.errors import TeacherError


def need(*modules: str) -> None:
    """Raises TeacherError, one line, for the first of these that is not installed."""
    missing = next((name for name in modules if find_spec(name) is None), None)
    if missing is not None:
        raise TeacherError(f"the package '{missing}' is not installed: pip install 'gtm-adapt[teachers]'")
