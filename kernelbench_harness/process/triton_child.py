"""Triton in a candidate's process without a GPU: its front end says what does not compile, its interpreter runs it.

Every launch of a kernel goes first through Triton's own front end, with the types and constants of that launch, for the
GPU that is stood in for: what it refuses is a compile error with the candidate's line. Then the interpreter runs each
block, one after another, on this process's memory (`triton_memory.py`); an error there is a runtime error that names
the line.

Guarantees: no compiler is started and nothing is written outside the work folder; the judge's watch sees a launch as on
a GPU, and one that failed is remembered, whatever the candidate does about it.
Not guaranteed, since it shows on a GPU only: what Triton's later passes and ptxas refuse (too much shared memory, say),
races between blocks, and sums in another order. Autotuned kernels run with their first configuration.
"""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable
from typing import Any

from kernelbench_harness.compile import load
from kernelbench_harness.process import triton_arithmetic
from kernelbench_harness.process.triton_errors import Unsupported, said

_NEEDED = ("interpreter_semantic", "_InterpreterComparison")
"""What rewritten kernels look up in the candidate's module; the interpreter would put its whole namespace there."""


class KernelError(RuntimeError):
    """What happened inside a kernel, as one line that names the kernel and the candidate's line."""


class Launches:
    """The launches of one candidate."""

    def __init__(self, path: str) -> None:
        from kernelbench_harness.process.triton_memory import Memory

        self.path = path
        self.memory = Memory(path)
        self._interpreted: dict[int, tuple[Any, Any]] = {}

    def launch(self, kernel: Any, front_end: Callable[..., Any], args: Any, kwargs: Any, *, grid: Any) -> None:
        """Checks one launch and runs it. Raises what the front end or the interpreter raised."""
        watching = sys.getprofile()
        sys.setprofile(None)
        try:
            front_end(kernel, *args, grid=grid, warmup=True, **kwargs)
            self._run(kernel, args, kwargs, grid)
        except BaseException:
            load.FAILED.append(kernel.__name__)
            raise
        finally:
            sys.setprofile(watching)

    def _run(self, kernel: Any, args: Any, kwargs: Any, grid: Any) -> None:
        import triton
        from triton.errors import TritonError
        from triton.runtime.interpreter import GridExecutor, _LangPatchScope

        # The same function object would be rewritten again for every launch.
        interpreted, _ = self._interpreted.setdefault(id(kernel), (_interpreted(kernel), kernel))
        rewritten = interpreted.rewrite()
        scope = _LangPatchScope()
        triton_arithmetic.expose_libdevice(scope)
        try:
            with triton.knobs.compilation.scope():
                triton.knobs.compilation.front_end_debugging = True  # else the interpreter hides where it fell
                GridExecutor(rewritten, interpreted.arg_names, grid)(*args, **kwargs)
        except NotImplementedError as error:
            raise Unsupported(str(error).removesuffix(" not supported in interpreter mode")) from error
        except (TritonError, KernelError):
            raise
        except Exception as error:
            raise KernelError(f"kernel {kernel.__name__}: {self._line(error)}{said(error)}") from error
        finally:
            scope.restore()

    def call(self, function: Any, args: Any, kwargs: Any) -> Any:
        """A kernel's call of another function under @triton.jit."""
        from triton.runtime.interpreter import _patch_lang

        interpreted, _ = self._interpreted.setdefault(id(function), (_interpreted(function), function))
        scope = _patch_lang(function.fn)
        try:
            return interpreted.rewrite()(*args, **kwargs)
        finally:
            scope.restore()

    def _line(self, error: BaseException) -> str:
        """The innermost line of the candidate's that the error passed."""
        walk, line = error.__traceback__, 0
        while walk is not None:
            if walk.tb_frame.f_code.co_filename == self.path:
                line = walk.tb_lineno
            walk = walk.tb_next
        return f"line {line}: " if line else ""


def install(path: str, code: str, arch: str = "") -> Launches:
    """Makes this process's triton check and interpret. Call it before the candidate's module `path` is loaded."""
    import triton
    import triton.compiler
    import triton.runtime.interpreter as interpreter
    import triton.testing
    from triton.runtime import driver
    from triton.runtime.jit import JITFunction

    from kernelbench_harness.process import triton_device, triton_memory

    capability = int("".join(letter for letter in arch if letter.isdigit()) or 90)
    linecache.cache[path] = (len(code), None, code.splitlines(keepends=True), path)
    launches = Launches(path)
    front_end = JITFunction.run

    def run(self: Any, *args: Any, grid: Any, warmup: bool, **kwargs: Any) -> Any:
        if warmup:
            return front_end(self, *args, grid=grid, warmup=True, **kwargs)
        return launches.launch(self, front_end, args, kwargs, grid=grid)

    def device_call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not _in_kernel():
            raise RuntimeError("Cannot call @triton.jit'd outside of the scope of a kernel")
        return launches.call(self, args, kwargs)

    prepare = interpreter.GridExecutor._init_args_hst

    def prepared(self: Any, args: Any, kwargs: Any) -> Any:
        on_host, named = prepare(self, args, kwargs)
        launches.memory.launched([*on_host, *named.values()])
        return on_host, named

    compile_and_exec = interpreter.FunctionRewriter._compile_and_exec

    def clean(self: Any, tree: Any) -> Any:
        """The rewritten function; of the names that the interpreter adds to the module only those it needs stay."""
        space = self.fn.__globals__
        before = set(space)
        try:
            return compile_and_exec(self, tree)
        finally:
            for name in set(space) - before - set(_NEEDED):
                del space[name]

    driver.set_active(triton_device.Driver(capability))
    replacements: tuple[tuple[Any, str, Any], ...] = (
        (JITFunction, "run", run),
        (JITFunction, "__call__", device_call),
        (triton.compiler, "compile", _front_end),
        (triton.testing, "do_bench", triton_device.unmeasured),
        (triton.testing, "do_bench_cudagraph", triton_device.unmeasured),
        (interpreter.GridExecutor, "_init_args_hst", prepared),
        (interpreter.FunctionRewriter, "_compile_and_exec", clean),
    )
    for owner, name, ours in replacements:
        setattr(owner, name, ours)
    triton_arithmetic.correct(interpreter.InterpreterBuilder)
    triton_memory.guard(interpreter.InterpreterBuilder, launches.memory)
    triton_device.replace_torch_cuda(capability)
    return launches


def _front_end(src: Any, target: Any = None, options: Any = None, **others: Any) -> Any:
    """Triton's compilation as far as its intermediate language."""
    from triton._C.libtriton import ir
    from triton.compiler import make_backend

    backend = make_backend(target)
    parsed = backend.parse_options(dict(options or {}, **src.parse_options()))
    context = ir.context()
    ir.load_dialects(context)
    backend.load_dialects(context)
    implementation, modules = backend.get_codegen_implementation(parsed), backend.get_module_map()
    module = src.make_ir(target, parsed, implementation, modules, context)
    if not module.verify():
        raise RuntimeError("Triton's front end made a module that does not verify")
    return object()


def _interpreted(kernel: Any) -> Any:
    from triton.runtime.interpreter import InterpretedFunction

    return InterpretedFunction(kernel.fn)


def _in_kernel() -> bool:
    """Whether the interpreter is running a kernel."""
    frame: Any = sys._getframe()
    while frame is not None:
        if frame.f_code is Launches._run.__code__:
            return True
        frame = frame.f_back
    return False
