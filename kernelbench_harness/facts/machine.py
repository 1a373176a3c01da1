"""What translated C++ runs on: loops with a budget, memory, the C++ library, torch's C++ API on our tensors.

`build(source)` compiles the Python that `translate` wrote (never the candidate's own Python) and returns its functions.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from kernelbench_harness.facts import dispatch, mathematics
from kernelbench_harness.facts import torch_ops as ops
from kernelbench_harness.facts import torch_views as views
from kernelbench_harness.facts.machine_library import library
from kernelbench_harness.facts.memory import Fault, Memory, OverBudget, Source, Tensor, Unsupported

_NAMES_OF = {
    "float": "float32",
    "double": "float64",
    "long": "int64",
    "int": "int32",
    "bool": "bool",
    "uchar": "uint8",
    "half": "float16",
}
_OPERATORS = {"+": "add", "-": "sub", "*": "mul", "/": "div", ">": "gt", "<": "lt", ">=": "ge", "<=": "le",
"==": "eq", "!=": "ne",
              "&": "bitwise_and", "|": "bitwise_or"}  # fmt: skip


class Machine:
    """State of one dry run: the steps left, and every memory that was made, to look for stray writes afterwards."""

    def __init__(self, steps: int) -> None:
        self.left = steps
        self.memories: list[Memory] = []
        self.source = Source(7, True)
        self.extra: dict[str, Any] = {}
        """Further names of translated code: those of a device."""

    def build(self, code: str) -> dict[str, Any]:
        """The functions of translated `code`, by Python name."""
        scope: dict[str, Any] = {
            "_range": self.counted, "_tick": self.tick, "_array": self.array, "_vector": self.vector,
            "_list": self.listed,
            "_idiv": _int_divide, "_imod": _int_modulo, "_div": mathematics.divide, "_any_div": _any_divide,
            "_int": mathematics.to_int,
            "_maybe_int": _maybe_int, "_size": _size, "_data": _data, "_method": self.method,
            "_torch": self.torch, "_lib": partial(library, self),
            "_check": _check, "_torch_name": _torch_name, "_tensor_op": _tensor_op, "_neg": _negative,
            "_load": lambda p: p[0][p[1]],
            "__builtins__": {"max": max, "min": min, "abs": abs, "bool": bool}, "_each": self.each,
            "_accessor": _accessor, "_null": lambda: self.memory(0, "nullptr"), "_ONCE": (0,),
            "INF": mathematics.INF, "NAN": mathematics.NAN,
        }  # fmt: skip
        scope.update(self.extra)
        exec(compile(code, "<kernel>", "exec"), scope)
        return scope

    def counted(self, low: int, high: int, step: int = 1) -> range:
        if step == 0:
            raise Fault("loop without progress")
        r = range(int(low), int(high), step)
        self.left -= len(r)
        if self.left < 0:
            raise OverBudget("steps")
        return r

    def tick(self) -> None:
        self.left -= 2
        if self.left < 0:
            raise OverBudget("steps")

    def each(self, items: Any) -> list[Any]:
        values = [items[i] for i in range(items.size)] if isinstance(items, Memory) else list(items)
        self.left -= len(values)
        if self.left < 0:
            raise OverBudget("steps")
        return values

    def memory(self, size: int, name: str) -> Memory:
        if size < 0 or size > 100_000:
            raise Unsupported("array size")
        memory = Memory(size, "", name)
        self.memories.append(memory)
        return memory

    def array(self, sizes: list[Any], name: str, values: list[Any] | None = None) -> Memory:
        """A C array; `values` fill it, the rest is zero when any are given."""
        first = len(values or ()) if sizes[0] is None else sizes[0]
        memory = self.memory(first, name)
        if len(sizes) > 1:
            for i in range(first):
                memory[i] = self.array(sizes[1:], name, values)
        elif values is not None:
            for i in range(first):
                memory[i] = values[i] if i < len(values) else 0
        return memory

    def vector(self, size: int, value: Any, name: str) -> Memory:
        memory = self.memory(size, name)
        for i in range(size):
            memory[i] = value
        return memory

    def listed(self, values: Any, name: str) -> Memory:
        if isinstance(values, Memory):
            values = [values[i] for i in range(values.size)]
        memory = self.memory(len(values), name)
        memory.update(enumerate(values))
        return memory

    def torch(self, name: str, args: list[Any]) -> Any:
        """`torch::name(args)`."""
        if name == "parallel_for":
            low, high, _, body = args
            return body(low, high) if high > low else None
        if name in ("empty", "zeros", "ones", "rand", "randn", "full"):
            shape = tuple(args[0]) if isinstance(args[0], (list, tuple)) else _ints(args[0])
            dtype = _dtype(args[1:])
            made = dispatch.make(name, shape, self.source, dtype, {"fill": args[1] if name == "full" else 0.0})
            if made.memory is not None:
                made.memory.name = made.memory.name or "out"
                self.memories.append(made.memory)
            return made
        if name in ("empty_like", "zeros_like", "ones_like", "full_like"):
            own = 2 if name == "full_like" else 1
            options = {"dtype": _dtype(args[own:])} if any(isinstance(a, str) for a in args[own:]) else {}
            made = dispatch.call(name, tuple(args[:own]), options)
            if made.memory is not None:
                self.memories.append(made.memory)
            return made
        if name == "tensor":
            return views.full((), args[0], _dtype(args[1:]))
        if name in ("get_num_threads", "get_max_threads"):
            return 1
        if name in ("dtype", "TensorOptions", "device"):
            return args[0] if args else "float32"
        if name in ("set_num_threads", "manual_seed", "NoGradGuard"):
            return None
        if name == "divup":
            return -(-args[0] // args[1])
        return dispatch.call(name, tuple(_plain(a) for a in args), {})

    def method(self, owner: Any, name: str, args: list[Any]) -> Any:
        """`owner.name(args)` on a tensor, a vector, or options."""
        if isinstance(owner, Memory):
            return self.container(owner, name, args)
        if isinstance(owner, (list, tuple)):
            if name == "size":
                return len(owner)
            if self.extra and name in ("back", "front", "at") and owner:
                return owner[args[0] if name == "at" else 0 if name == "front" else -1]
            if name == "vec":
                return self.listed(list(owner), "sizes")
            if name == "slice":
                return list(owner)[slice(args[0], (args[0] + args[1]) if len(args) > 1 else None)]
            if name in ("begin", "end"):
                return self.listed(list(owner), "sizes"), 0 if name == "begin" else len(owner)
            raise Unsupported(f"sizes {name}")
        if isinstance(owner, str):
            if self.extra and name in ("is_cuda", "is_cpu"):
                return (owner == "cuda") == (name == "is_cuda")
            return next((a for a in args if a in dispatch.DTYPES.values()), owner)
        if not isinstance(owner, Tensor):
            raise Unsupported(f"method {name}")
        if name in _QUESTIONS:
            if self.extra and name in ("is_cuda", "is_cpu", "device"):
                return {"is_cuda": True, "is_cpu": False, "device": "cuda"}[name]
            return _question(owner, name, args)
        if name in ("to", "toType"):
            wanted = [a for a in args if a in dispatch.DTYPES.values()]
            return views.to_dtype(owner, wanted[0]) if wanted else owner
        if name == "new_empty" or name == "new_zeros":
            return self.torch(name[4:], [args[0], owner.dtype])
        if name == "copy_":
            return views.copy_into(owner, views.expand(args[0], owner.shape).flat())
        if name in ("fill_", "zero_"):
            return views.copy_into(owner, [args[0] if args else 0.0] * owner.numel)
        return dispatch.call(name, (owner, *(_plain(a) for a in args)), {})

    def container(self, memory: Memory, name: str, args: list[Any]) -> Any:
        size = memory.size
        if name == "size":
            return size
        if name in ("begin", "data"):
            return memory, 0
        if name == "end":
            return memory, size
        if name in ("push_back", "emplace_back"):
            memory[size] = args[0]
            memory.size = size + 1
        elif name in ("back", "front"):
            return memory[size - 1 if name == "back" else 0]
        elif name == "at":
            return memory[args[0]]
        elif name == "empty":
            return size == 0
        elif name in ("fill", "assign", "resize"):
            count = size if name == "fill" else args[0]
            for i in range(size if name == "resize" else 0, count):
                memory[i] = args[-1] if name != "resize" or len(args) > 1 else 0.0
            memory.size = count
        elif name not in ("reserve", "clear"):
            raise Unsupported(f"vector {name}")
        elif name == "clear":
            memory.clear()
            memory.size = 0
        return None

    def stray(self) -> str:
        """The first write outside a memory, or ""."""
        for memory in self.memories:
            if memory and (len(memory) > memory.size or max(memory) >= memory.size or min(memory) < 0):
                worst = max(memory) if max(memory) >= memory.size else min(memory)
                return f"writes {memory.name or 'array'}[{worst}] of {memory.size}"
        return ""


_QUESTIONS = frozenset(
    """
    accessor defined device dim dtype is_contiguous is_cpu is_cuda is_floating_point item ndimension numel options
    packed_accessor32 packed_accessor64 requires_grad scalar_type sizes stride strides
    """.split()
)
"""Methods that ask a tensor something."""


def _question(owner: Tensor, name: str, args: list[Any]) -> Any:
    if name in ("sizes", "strides"):
        return owner.shape if name == "sizes" else owner.strides
    if name in ("dim", "ndimension"):
        return len(owner.shape)
    if name == "numel":
        return owner.numel
    if name in ("options", "scalar_type", "dtype"):
        return owner.dtype
    if name == "stride":
        return owner.strides[args[0]]
    if name in ("is_contiguous", "defined"):
        return owner.is_contiguous if name == "is_contiguous" else True
    if name in ("is_cuda", "requires_grad"):
        return False
    if name in ("is_cpu", "is_floating_point"):
        return name == "is_cpu" or owner.dtype in ("float32", "float64", "float16")
    if name in ("accessor", "packed_accessor32", "packed_accessor64"):
        return owner
    if name == "item":
        return owner.flat()[0]
    if name == "device":
        return "cpu"
    raise Unsupported(f"method {name}")


def _plain(value: Any) -> Any:
    return [value[i] for i in range(value.size)] if isinstance(value, Memory) else value


def _ints(value: Any) -> tuple[int, ...]:
    if isinstance(value, Memory):
        return tuple(value[i] for i in range(value.size))
    if isinstance(value, int):
        return (value,)
    raise Unsupported("shape")


def _dtype(args: list[Any]) -> str:
    return next((a for a in reversed(args) if isinstance(a, str) and a in dispatch.DTYPES.values()), "float32")


def _size(owner: Any, dim: int) -> int:
    if not isinstance(owner, Tensor):
        raise Unsupported("size of a value")
    if not -len(owner.shape) <= dim < len(owner.shape):
        raise Fault(f"size({dim}) of {len(owner.shape)}-d")
    return owner.shape[dim]


def _data(owner: Any, want: str) -> tuple[Memory, int]:
    if not isinstance(owner, Tensor):
        raise Unsupported("data of a value")
    if want and _NAMES_OF.get(want, owner.dtype) != owner.dtype:
        raise Fault(f"data_ptr<{want}> of {owner.dtype}")
    return views.memory_of(owner), owner.offset


def _accessor(owner: Any, want: str, dims: int) -> Tensor:
    if not isinstance(owner, Tensor):
        raise Unsupported("accessor of a value")
    if want and _NAMES_OF.get(want, owner.dtype) != owner.dtype:
        raise Fault(f"accessor<{want}> of {owner.dtype}")
    if dims and dims != len(owner.shape):
        raise Fault(f"accessor dims {dims} of {len(owner.shape)}")
    return owner


def _check(test: Any, line: int) -> None:
    if not test:
        raise Fault(f"TORCH_CHECK line {line}")


def _torch_name(name: str) -> Any:
    if name in dispatch.DTYPES:
        return dispatch.DTYPES[name]
    if name in ("kCPU", "nullopt") or name.startswith("FE_"):
        return None
    raise Unsupported(f"c++ name {name}")


def _tensor_op(op: str, a: Any, b: Any) -> Any:
    if op not in _OPERATORS:
        raise Unsupported(f"tensor {op}")
    return ops.binary(_OPERATORS[op], a, b)


def _negative(value: Any) -> Any:
    return ops.unary("neg", value) if isinstance(value, Tensor) else -value


def _int_divide(a: int, b: int) -> int:
    if b == 0:
        raise Fault("integer division by zero")
    return a // b if a >= 0 and b > 0 else mathematics.int_divide(a, b)


def _int_modulo(a: int, b: int) -> int:
    if b == 0:
        raise Fault("modulo zero")
    return a % b if a >= 0 and b > 0 else mathematics.remainder_c(a, b)


def _any_divide(a: Any, b: Any) -> Any:
    if isinstance(a, Tensor) or isinstance(b, Tensor):
        return ops.binary("div", a, b)
    return _int_divide(a, b) if isinstance(a, int) and isinstance(b, int) else mathematics.divide(a, b)


def _maybe_int(value: Any) -> Any:
    return mathematics.to_int(value) if isinstance(value, float) else value
