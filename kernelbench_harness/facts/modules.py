"""nn modules of the dry run: their parameters, and which function they call.

A layer is built like torch builds it: the same attribute names and shapes, so that ModelNew's parameters can be matched
with Model's by path and shape, as the harness copies state_dict.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kernelbench_harness.facts import dispatch
from kernelbench_harness.facts.memory import Source, Tensor
from kernelbench_harness.facts.torch_nn import spread
from kernelbench_harness.facts.torch_views import full


class Module:
    """An instance of a class of the source, or of torch.nn."""

    __slots__ = ("attrs", "cls", "forward")

    def __init__(self, cls: Any, forward: Callable[..., Any] | None = None) -> None:
        self.cls = cls
        self.attrs: dict[str, Any] = {}
        self.forward = forward


def parameters(module: Module, prefix: str = "") -> dict[str, Tensor]:
    """Tensors by path, in the order of creation."""
    found: dict[str, Tensor] = {}
    for name, value in module.attrs.items():
        if isinstance(value, Tensor):
            found[prefix + name] = value
        elif isinstance(value, Module):
            found.update(parameters(value, f"{prefix}{name}."))
        elif isinstance(value, list) and value and isinstance(value[0], Module):
            for i, item in enumerate(value):
                found.update(parameters(item, f"{prefix}{name}.{i}."))
    return found


def share_state(model: Module, other: Module) -> None:
    """Copy values of parameters that have the same path and shape, as load_state_dict would."""
    have = parameters(model)
    for path, target in parameters(other).items():
        source = have.get(path)
        if (
            source is not None
            and source.shape == target.shape
            and target.memory is not None
            and source.memory is not None
        ):
            target.memory.clear()
            target.memory.update(enumerate(source.flat()))


def _activation(name: str, *names: str) -> Callable[..., Module]:
    def make(source: Source, *args: Any, **kwargs: Any) -> Module:
        module = Module(name)
        values = dict(zip(names, args, strict=False)) | kwargs
        module.attrs.update(values)
        values.pop("inplace", None)
        module.forward = lambda *xs: dispatch.call(name, xs, dict(values))
        return module

    return make


def _linear(source: Source, in_features: int, out_features: int, bias: bool = True, **_: Any) -> Module:
    module = Module("linear")
    module.attrs["weight"] = _small(source, (out_features, in_features), in_features)
    module.attrs["bias"] = _small(source, (out_features,), in_features) if bias else None
    module.attrs |= {"in_features": in_features, "out_features": out_features}
    module.forward = lambda x: dispatch.call("linear", (x, module.attrs["weight"], module.attrs["bias"]), {})
    return module


def _small(source: Source, shape: tuple[int, ...], fan_in: int) -> Tensor:
    """Uniform in +-1/sqrt(fan_in), as torch's default."""
    x = source.fill(shape, "uniform")
    if x.memory is not None:
        bound = max(fan_in, 1) ** -0.5
        for i, v in x.memory.items():
            x.memory[i] = (2.0 * v - 1.0) * bound
    return x


def _conv(dims: int, transposed: bool = False) -> Callable[..., Module]:
    def make(source: Source, in_channels: int, out_channels: int, kernel_size: Any, stride: Any = 1,
    padding: Any = 0, *more: Any,
             **kw: Any) -> Module:  # fmt: skip
        names = ("output_padding", "groups", "bias", "dilation") if transposed else ("dilation", "groups", "bias")
        kw = dict(zip(names, more, strict=False)) | kw
        module = Module("conv")
        kernel, groups = spread(kernel_size, dims), kw.get("groups", 1)
        shape = (
            (in_channels, out_channels // groups, *kernel)
            if transposed
            else (out_channels, in_channels // groups, *kernel)
        )
        fan_in = shape[1]
        for k in kernel:
            fan_in *= k
        module.attrs["weight"] = _small(source, shape, fan_in)
        module.attrs["bias"] = _small(source, (out_channels,), fan_in) if kw.pop("bias", True) else None
        kw.pop("padding_mode", None)
        options = kw | {"stride": stride, "padding": padding}
        module.attrs |= {
            "in_channels": in_channels, "out_channels": out_channels, "kernel_size": kernel,
            "stride": spread(stride, dims),
            "padding": padding if isinstance(padding, str) else spread(padding, dims), "groups": groups,
            "dilation": spread(kw.get("dilation", 1), dims), "output_padding": spread(kw.get("output_padding",
            0), dims),
        }  # fmt: skip
        name = f"conv_transpose{dims}d" if transposed else f"conv{dims}d"
        module.forward = lambda x: dispatch.call(name, (x, module.attrs["weight"], module.attrs["bias"]), dict(options))
        return module

    return make


def _pool(name: str) -> Callable[..., Module]:
    def make(source: Source, kernel_size: Any, stride: Any = None, padding: Any = 0, *more: Any, **kw: Any) -> Module:
        if more:
            kw["dilation" if name.startswith("max") else "ceil_mode"] = more[0]
        module = Module(name)
        options = {
            "kernel_size": kernel_size,
            "stride": kernel_size if stride is None else stride,
            "padding": padding,
        } | kw
        module.attrs.update({"dilation": 1, "count_include_pad": True, "ceil_mode": False} | options)
        module.forward = lambda x: dispatch.call(name, (x,), dict(options))
        return module

    return make


def _norm(name: str, running: bool) -> Callable[..., Module]:
    def make(source: Source, *args: Any, **kw: Any) -> Module:
        module = Module(name)
        sizes = args[0] if args else kw.get("normalized_shape", kw.get("num_features", kw.get("num_groups")))
        at = 2 if name == "group_norm" else 1
        eps = kw.get("eps", args[at] if len(args) > at else 1e-5)
        affine = kw.get("affine", kw.get("elementwise_affine", name != "instance_norm"))
        channels = kw.get("num_channels", args[1] if len(args) > 1 else None) if name == "group_norm" else sizes
        shape = spread(channels, 1)
        weight = (
            full(shape, 1.0) if affine and source.with_values else (Tensor(shape, None, "float32") if affine else None)
        )
        bias = full(shape, 0.0) if affine and source.with_values else weight
        module.attrs |= {"weight": weight, "bias": bias, "eps": eps, "num_features": sizes, "normalized_shape": shape,
                         "num_groups": sizes, "num_channels": channels, "momentum": 0.1, "training": True,
                         "affine": affine}  # fmt: skip
        if running:
            module.attrs["running_mean"] = full(shape, 0.0) if source.with_values else weight
            module.attrs["running_var"] = full(shape, 1.0) if source.with_values else weight

        def forward(x: Tensor) -> Any:
            w, b = module.attrs["weight"], module.attrs["bias"]
            if name == "batch_norm":
                means = module.attrs.get("running_mean"), module.attrs.get("running_var")
                return dispatch.call(name, (x, *means, w, b), {"training": module.attrs["training"], "eps": eps})
            if name == "instance_norm":
                return dispatch.call(name, (x, None, None, w, b), {"eps": eps})
            return dispatch.call(name, (x, sizes, w, b), {"eps": eps})

        module.forward = forward
        return module

    return make


def _sequential(source: Source, *layers: Any) -> Module:
    module = Module("sequential")
    module.attrs.update({str(i): layer for i, layer in enumerate(layers)})
    return module


LAYERS: dict[str, Callable[..., Module]] = {
    "Linear": _linear, "Sequential": _sequential, "ModuleList": lambda source, items=(): _sequential(source, *items),
    **{f"Conv{d}d": _conv(d) for d in (1, 2, 3)}, **{f"ConvTranspose{d}d": _conv(d, True) for d in (1, 2, 3)},
    **{f"MaxPool{d}d": _pool(f"max_pool{d}d") for d in (1, 2, 3)},
    **{f"AvgPool{d}d": _pool(f"avg_pool{d}d") for d in (1, 2, 3)},
    **{f"AdaptiveAvgPool{d}d": _activation(f"adaptive_avg_pool{d}d", "output_size") for d in (1, 2, 3)},
    **{f"BatchNorm{d}d": _norm("batch_norm", True) for d in (1, 2, 3)},
    **{f"InstanceNorm{d}d": _norm("instance_norm", False) for d in (1, 2, 3)},
    "LayerNorm": _norm("layer_norm", False), "GroupNorm": _norm("group_norm", False),
    "RMSNorm": _norm("rms_norm", False),
    "ReLU": _activation("relu", "inplace"), "GELU": _activation("gelu"), "Sigmoid": _activation("sigmoid"),
    "Tanh": _activation("tanh"),
    "SiLU": _activation("silu", "inplace"), "Mish": _activation("mish", "inplace"), "ELU": _activation("elu",
    "alpha", "inplace"),
    "SELU": _activation("selu"), "LeakyReLU": _activation("leaky_relu", "negative_slope", "inplace"),
    "ReLU6": _activation("relu6"),
    "Hardtanh": _activation("hardtanh", "min_val", "max_val"), "Hardswish": _activation("hardswish"),
    "Hardsigmoid": _activation("hardsigmoid"),
    "Softplus": _activation("softplus", "beta", "threshold"), "Softsign": _activation("softsign"),
    "LogSigmoid": _activation("logsigmoid"),
    "Softmax": _activation("softmax", "dim"), "LogSoftmax": _activation("log_softmax", "dim"),
    "Flatten": _activation("flatten"),
    "CosineSimilarity": _activation("cosine_similarity", "dim", "eps"),
    "TripletMarginLoss": _activation("triplet_margin_loss", "margin", "p"),
    "MSELoss": _activation("mse_loss"), "L1Loss": _activation("l1_loss"), "SmoothL1Loss": _activation("smooth_l1_loss"),
    "HuberLoss": _activation("huber_loss"), "KLDivLoss": _activation("kl_div"),
    "CrossEntropyLoss": _activation("cross_entropy"),
    "Dropout": _activation("dropout", "p"), "Identity": lambda source, *a, **k: Module("identity", lambda x: x),
    "CELU": _activation("celu", "alpha"),
}  # fmt: skip
