"""A GPU from within one confined process: opening it, its errors, its memory, its caches.

The process sees one GPU, as number 0, and is the first to touch it: the warm process that it was forked from must never
have done so (a context does not survive a fork). Everything that ends with a context ends with this process.

Guarantees: `settle` returns only when all work on all streams is done and no launch has failed, checked or not, in
torch's runtime or in one that a library brought along (`add_runtime`); an error that kills the context is told in
CUDA's own words. `poison` leaves no free block of torch's allocator with what was in it before. Not guaranteed: memory
that a candidate takes from the driver itself is not poisoned; errors of launches from other threads are CUDA's to keep.
"""

from __future__ import annotations

import contextlib
import ctypes
import re
from collections.abc import Callable
from typing import Any

MEMORY_SHARE = 0.9
"""Of the device's memory that torch may take; the rest is for the context, libraries' work space and cudaMalloc."""
FRESH = 0xFE
"""Byte of poisoned memory: -1.7e38 as float32 and bfloat16, NaN as float16, -5.3e303 as float64."""
_SMALL, _LARGE = 1 << 20, 20 << 20
"""torch's allocator serves requests up to the first from a pool of their own, and shares blocks above the second."""
_STICKY = frozenset({214, 700, 702, 709, 710, 714, 715, 716, 717, 718, 719, 721, 999})
"""Runtime errors of a kernel that ran: the context is dead after them. Any other error that is left behind was a call,
nearly always a launch, that was refused."""
_REFUSED = re.compile(
    "invalid configuration argument|too many resources requested for launch|invalid device function"
    "|no kernel image is available|too many blocks in cooperative launch|a launch that nobody checked"
    r"|CUDA error: invalid argument|out of resource: (?:shared memory|threads|registers|tensor memory)"
    "|cudaErrorInvalidConfiguration|cudaErrorLaunchOutOfResources|device kernel image is invalid"
)
_library: ctypes.CDLL | None = None
"""The runtime that torch uses, once the device is open."""
_synchronize: Callable[[], None] = lambda: None  # noqa: E731  torch's own, without its Python around it
_runtimes: list[Callable[[], tuple[int, str]]] = []


class LaunchError(RuntimeError):
    """A launch failed, and nobody had looked."""


def open_device() -> None:
    """Makes this process's context and pins float32 to full precision. Raises RuntimeError when the GPU cannot be used.

    Call it once, in the sandbox, before anything else of the process touches CUDA: 0.3 to 0.5 s.
    """
    import torch

    global _library, _synchronize  # noqa: PLW0603  known when the device is open, and frozen with this module after that
    torch.cuda.init()
    torch.cuda.set_device(0)
    torch.zeros(1, device="cuda")
    torch.cuda.synchronize()
    _synchronize = torch._C._cuda_synchronize
    _library = _runtime()
    if _library is not None:
        _runtimes[:] = [_last_error]
    torch.cuda.set_per_process_memory_fraction(MEMORY_SHARE)
    pin_precision()


def pin_precision() -> None:
    """No TF32 and no half-precision sums, whatever a module has set: an input of float32 is computed on as such."""
    import torch

    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction = False
    torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False
    torch.backends.cudnn.benchmark = False


def facts() -> dict[str, Any]:
    """What the open device is. JSON."""
    import torch

    found = torch.cuda.get_device_properties(0)
    return {
        "name": found.name,
        "capability": [found.major, found.minor],
        "memory_bytes": found.total_memory,
        "l2_bytes": l2_bytes(),
        "torch_cuda": torch.version.cuda or "",
        "launch_errors": _library is not None,
    }


def try_out() -> None:
    """Uses what candidates use (BLAS, convolution, streams, events, pinned memory), so that a sandbox that is too tight
    shows at once."""
    import torch

    x = torch.randn(64, 64, device="cuda")
    torch.nn.functional.conv2d((x @ x)[None, None], x[None, None, :3, :3])
    with torch.cuda.stream(torch.cuda.Stream()):
        x.add(1.0)
    torch.ones(1 << 16).pin_memory().to("cuda", non_blocking=True)
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    begin.record()
    poison(1 << 20)
    end.record()
    settle()
    begin.elapsed_time(end)


def l2_bytes() -> int:
    """Size of the L2 cache; 64 MB where torch does not tell."""
    import torch

    return int(getattr(torch.cuda.get_device_properties(0), "L2_cache_size", 0)) or 64 << 20


def _runtime() -> ctypes.CDLL | None:
    """The CUDA runtime that torch uses, already mapped into this process; None where torch carries it within itself."""
    with open("/proc/self/maps", encoding="utf-8", errors="replace") as file:
        paths = {line.split(maxsplit=5)[5].strip() for line in file if "libcudart.so" in line}
    if not paths:
        return None
    library = ctypes.CDLL(min(paths))
    library.cudaGetErrorString.restype = ctypes.c_char_p
    library.cudaMemset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
    return library


def _last_error() -> tuple[int, str]:
    """The calling thread's last error in torch's runtime, which forgets it."""
    assert _library is not None
    code = int(_library.cudaGetLastError())
    return code, _library.cudaGetErrorString(code).decode(errors="replace") if code else ""


def add_runtime(library: Any) -> None:
    """Takes a shim library, whose own copy of the runtime keeps its own last error (`kbshim_last_error`)."""
    try:
        ask = library["kbshim_last_error"]
    except (AttributeError, TypeError):
        return
    ask.restype, ask.argtypes = ctypes.c_int, [ctypes.c_char_p, ctypes.c_long]
    text = ctypes.create_string_buffer(256)

    def last_error() -> tuple[int, str]:
        code = int(ask(text, len(text)))
        return code, text.value.decode(errors="replace") if code else ""

    _runtimes.append(last_error)


def forget_errors() -> None:
    """Before a call: what an earlier one left behind is not its fault."""
    for last_error in _runtimes:
        last_error()


def wait() -> None:
    """Waits for all work on all streams, and looks at nothing else. Raises what CUDA raises."""
    _synchronize()


def settle() -> None:
    """Waits for all work on all streams. Raises LaunchError for a launch that failed unseen, else what CUDA raises.

    The runtime is asked first: waiting, like any call that succeeds or fails, may overwrite what it remembers.
    """
    left = [error for last_error in _runtimes if (error := last_error())[0]]
    _synchronize()
    left += [error for last_error in _runtimes if (error := last_error())[0]]
    for code, text in left:
        if code in _STICKY:
            raise RuntimeError(f"CUDA error: {text}")
    if left:
        raise LaunchError(f"CUDA error: {left[0][1]} (error {left[0][0]}, of a launch that nobody checked)")


def refused(error: BaseException) -> bool:
    """Whether an exception says that the device would not start a kernel."""
    if isinstance(error, LaunchError):
        return True
    try:
        return bool(_REFUSED.search(str(error)))
    except BaseException:  # a candidate's own exception may do anything here
        return False


def reset_persisting() -> None:
    """Lines that a kernel has asked the L2 cache to keep become like any other."""
    if _library is not None:
        _library.cudaCtxResetPersistingL2Cache()


def poison(least: int) -> None:
    """Writes poison into every free block of torch's allocator, which is given `least` bytes of them at least, so that
    the next allocations do not come as zeros from the driver."""
    import torch

    with contextlib.suppress(torch.OutOfMemoryError):
        _grow(least)
    _synchronize()
    for segment in torch.cuda.memory_snapshot():
        at = int(segment["address"])
        for block in segment["blocks"]:
            if block["state"] == "inactive":
                _fill(int(block.get("address", at)), int(block["size"]))
            at += int(block["size"])
    _synchronize()


def _grow(least: int) -> None:
    """Makes torch's allocator hold free blocks: some for small requests, and one or more for large ones."""
    import torch

    free = torch.cuda.mem_get_info()[0]
    held = torch.cuda.memory_reserved() - torch.cuda.memory_allocated()
    wanted = min(max(least, _LARGE) - held, free // 4)
    blocks = [torch.empty(_SMALL, dtype=torch.uint8, device="cuda") for _ in range(8)]
    if wanted >= _LARGE:
        blocks.append(torch.empty(wanted, dtype=torch.uint8, device="cuda"))
    del blocks


def _fill(address: int, size: int) -> None:
    """`size` bytes of poison at a free block: by the runtime, else by a tensor of torch's that has no owner."""
    if _library is not None:
        _library.cudaMemset(address, FRESH, size)
        return
    import torch

    torch.full((size,), FRESH, dtype=torch.uint8, device="cuda")  # most likely the block itself: it fits exactly
