"""Calls of torch from the small Python evaluator: functions by path, factories, methods of a tensor."""

from __future__ import annotations

from typing import Any

from kernelbench_harness.facts import dispatch
from kernelbench_harness.facts import torch_views as views
from kernelbench_harness.facts.memory import Source, Tensor, Unsupported, tensor
from kernelbench_harness.facts.modules import LAYERS


def torch_call(program: Any, path: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    name = path.rpartition(".")[2]
    if name in ("load_inline", "load"):
        if program.extension is None:
            raise Unsupported("extension")
        return program.extension
    if path.endswith("nn.Parameter") or name in ("Parameter", "as_tensor"):
        if not isinstance(args[0], Tensor):
            raise Unsupported(name)
        return args[0]
    if name in LAYERS and (".nn." in path or path.startswith("nn.")):
        return LAYERS[name](program.source, *args, **kwargs)
    if name == "no_grad" or name == "manual_seed" or name.startswith("set_"):
        return None
    if name in ("randn", "rand", "zeros", "ones", "empty", "full", "randint", "tensor", "arange"):
        return _create(program.source, name, args, kwargs)
    if name in ("Size", "device"):
        return tuple(args[0]) if name == "Size" else "cpu"
    if path in ("triton.cdiv", "triton.next_power_of_2") and all(isinstance(a, int) for a in args):
        return -(-args[0] // args[1]) if name == "cdiv" else 1 << max(0, args[0] - 1).bit_length()
    if not path.startswith("torch"):
        raise Unsupported(path)
    return dispatch.call(name, tuple(args), kwargs)


def _create(source: Source, name: str, args: list[Any], kwargs: dict[str, Any]) -> Tensor:
    dtype = kwargs.get("dtype") or ("int64" if name in ("randint", "arange") else "float32")
    if name == "randint":
        low, high, shape = (0, args[0], args[1]) if len(args) == 2 else (args[0], args[1], args[2])
        return source.fill(shape, "integer", dtype, low, high)
    if name == "tensor":
        if isinstance(args[0], (int, float)):
            return views.full((), args[0], dtype)
        return tensor((len(args[0]),), list(args[0]), dtype)
    if name == "arange":
        return tensor((len(range(*args)),), list(range(*args)), dtype)
    shape = args[0] if args and isinstance(args[0], (list, tuple)) else tuple(a for a in args if isinstance(a, int))
    if name == "full":
        kwargs = {"fill": args[1] if len(args) > 1 else kwargs.get("fill_value", 0.0)}
    return dispatch.make(name, tuple(shape), source, dtype, kwargs)


def tensor_method(source: Source, x: Tensor, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if name == "size":
        return x.shape[args[0]] if args else x.shape
    if name in ("dim", "ndimension"):
        return len(x.shape)
    if name == "numel":
        return x.numel
    if name in ("to", "type"):
        wanted = [a for a in (*args, *kwargs.values()) if a in dispatch.DTYPES.values()]
        return views.to_dtype(x, wanted[0]) if wanted else x
    if name == "item":
        return x.flat()[0]
    if name == "is_contiguous":
        return x.is_contiguous
    if name in ("normal_", "uniform_", "requires_grad_"):
        if name != "requires_grad_":
            fresh = source.fill(x.shape, name[:-1], x.dtype)
            return views.copy_into(x, fresh.flat()) if fresh.memory is not None else x
        return x
    return dispatch.call(name, (x, *args), kwargs)
