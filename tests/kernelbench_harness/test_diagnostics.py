"""What is read from a compiler's output."""

from __future__ import annotations

import pytest

from kernelbench_harness.compile.diagnostics import errors

DEEP = """\
cuda.cu(21): error: expression must be a modifiable lvalue
                  total = total + x_[i];
                  ^

1 error detected in the compilation of "cuda.cu".
"""
TOLD = """\
cuda.cu(43): error: no instance of overloaded function "at::empty" matches the argument list
            argument types are: ({...}, c10::TensorOptions)
                    auto y = at::empty({n, m}, x.options());
                             ^

"""
NO_CODE = """\
cuda.cu(4): error: first
            and more of it
cuda.cu(5): error: second
    y = 1
    ^
"""


@pytest.mark.parametrize(
    ("output", "shown", "column", "more"),
    [
        (DEEP, "total = total + x_[i];", 19, ""),
        (TOLD, "auto y = at::empty({n, m}, x.options());", 30, "argument types are: ({...}, c10::TensorOptions)"),
        (NO_CODE, "", 0, "and more of it"),
    ],
)
def test_code_is_not_taken_for_the_message_however_deep_it_stands(
    output: str, shown: str, column: int, more: str
) -> None:
    error = errors(output)[0]
    assert (error.shown.strip(), error.column, error.more) == (shown, column, more)
