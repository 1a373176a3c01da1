"""The shim for CUDA units: what nvcc takes and refuses, a library that loads anywhere, tensors on a GPU."""

from __future__ import annotations

import ctypes
import multiprocessing
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kernelbench_harness.compile import capture, demand, load
from kernelbench_harness.compile import front_end as compile_front_end
from kernelbench_harness.compile.build import build, toolchain
from kernelbench_harness.compile.job import Job, Tier
from kernelbench_harness.compile.nvcc import COMMON_FLAGS, find_nvcc
from kernelbench_harness.compile.request import CompileRequest, CompileResult, Unit
from kernelbench_harness.compile.tokens import tokenize
from kernelbench_harness.compile.toolchain import SHIM

torch = pytest.importorskip("torch")
needs_nvcc = pytest.mark.skipif(
    shutil.which("nvcc") is None and not Path("/usr/local/cuda/bin/nvcc").exists(), reason="no nvcc on this machine"
)

PROBE = r"""
#include <torch/extension.h>
#include <cuda_runtime.h>
#include <cuda_fp16.h>
#include <ATen/cuda/CUDAContext.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <vector>

template <typename T>
__global__ void twice(const T* __restrict__ x, T* __restrict__ y, int64_t n) {
  const int64_t i = blockIdx.x * (int64_t)blockDim.x + threadIdx.x;
  if (i < n) y[i] = x[i] + x[i] * T(0.5f) * 2;
}
__global__ void turned(torch::PackedTensorAccessor32<float, 2, torch::RestrictPtrTraits> x,
                       torch::PackedTensorAccessor64<float, 2> y) {
  const int i = blockIdx.x, j = threadIdx.x;
  if (i < x.size(0) && j < x.size(1)) y[j][i] = x[i][j];
}
__global__ void narrow(const c10::Half* a, const at::BFloat16* b, float* y, int n) {
  const int i = threadIdx.x;
  if (i >= n) return;
  c10::Half h = a[i];
  h += a[i];
  h = h * 2.0f;
  __half raw = h;
  y[i] = h > 1 ? float(c10::Half(raw)) - b[i] : __half2float(raw) + __bfloat162float(__nv_bfloat16(b[i]));
}
torch::Tensor t_twice(torch::Tensor x) {
  TORCH_CHECK(x.is_cuda(), "x must be a CUDA tensor, got ", x.device(), " of ", x.sizes());
  const at::cuda::OptionalCUDAGuard guard(device_of(x));
  auto in = x.contiguous();
  auto y = torch::empty_like(in);
  const int64_t n = in.numel();
  AT_DISPATCH_FLOATING_TYPES_AND2(at::ScalarType::Half, at::ScalarType::BFloat16, in.scalar_type(), "twice", [&] {
    twice<scalar_t><<<(n + 255) / 256, 256, 0, at::cuda::getCurrentCUDAStream()>>>(
        in.data_ptr<scalar_t>(), y.data_ptr<scalar_t>(), n);
  });
  C10_CUDA_KERNEL_LAUNCH_CHECK();
  return y;
}
torch::Tensor t_turned(torch::Tensor x) {
  auto y = torch::zeros({x.size(1), x.size(0)}, x.options().dtype(torch::kFloat32));
  turned<<<x.size(0), x.size(1)>>>(x.packed_accessor32<float, 2, torch::RestrictPtrTraits>(),
                                   y.packed_accessor64<float, 2>());
  AT_CUDA_CHECK(cudaGetLastError());
  return y;
}
torch::Tensor t_narrow(torch::Tensor a, torch::Tensor b) {
  auto y = torch::empty({a.numel()}, torch::TensorOptions().dtype(torch::kFloat32).device(a.device()));
  narrow<<<1, 256>>>(a.data_ptr<at::Half>(), b.data_ptr<at::BFloat16>(), y.data_ptr<float>(), (int)a.numel());
  return y;
}
torch::Tensor t_fresh(int64_t n) { return torch::empty({n}, torch::dtype(torch::kFloat32).device(torch::kCUDA)); }
torch::Tensor t_full(int64_t n, double v) { return torch::full({n}, v, torch::device(torch::kCUDA)); }
torch::Tensor t_cast(torch::Tensor x, int64_t to) { return x.to(static_cast<at::ScalarType>(to)); }
torch::Tensor t_contiguous(torch::Tensor x) { return x.contiguous(); }
torch::Tensor t_clone(torch::Tensor x) { return x.clone(); }
torch::Tensor t_cpu(torch::Tensor x) { return x.cpu(); }
torch::Tensor t_cuda(torch::Tensor x) { return x.cuda(); }
torch::Tensor t_fill_row(torch::Tensor x) { x[1] = 7; return x; }
double t_item(torch::Tensor x) { return x.item<double>(); }
std::vector<int64_t> t_about(torch::Tensor x) {
  return {x.is_cuda(), x.is_cpu(), x.device().is_cuda(), x.get_device(), x.dim(), x.element_size()};
}
int64_t t_stream() { return (int64_t)c10::cuda::getCurrentCUDAStream().stream(); }
void t_bad_launch(torch::Tensor x) {
  twice<float><<<1, 4096>>>(x.data_ptr<float>(), x.data_ptr<float>(), 1);
  C10_CUDA_CHECK(cudaGetLastError());
}
torch::Tensor t_unread_error(torch::Tensor x) {
  twice<float><<<1, 4096>>>(x.data_ptr<float>(), x.data_ptr<float>(), 1);
  return x;
}
"""
BOUND = re.findall(r"^[\w:<>]+ (t_\w+)\(", PROBE, re.M)
DECLARED = "\n".join(
    line.rstrip(" {").split("{")[0].rstrip() + ";" for line in PROBE.splitlines() if " t_" in line[:40]
)


def request(cuda: str, functions: list[str], cpp: str = "") -> CompileRequest:
    return CompileRequest("ext", (cpp,), capture.pairs(functions) if functions else None, cuda_sources=(cuda,))


@pytest.fixture(scope="module")
def built(build_cache: Path) -> CompileResult:
    result = build(request(PROBE, BOUND, DECLARED), cache_dir=build_cache, mode="shim")
    assert result.ok, result.error
    return result


@pytest.fixture(scope="module")
def probe(built: CompileResult) -> Any:
    assert built.library is not None
    return load.load_shim(built.library, "ext")


@needs_nvcc
def test_the_library_needs_the_c_library_and_nothing_else(built: CompileResult) -> None:
    told = subprocess.run(["readelf", "-d", str(built.library)], capture_output=True, text=True, check=True).stdout
    needed = set(re.findall(r"NEEDED.*\[(.+?)\]", told))
    assert needed <= {"libc.so.6", "libm.so.6", "libdl.so.2", "librt.so.1", "libpthread.so.0", "ld-linux-x86-64.so.2"}


@needs_nvcc
def test_it_loads_in_a_process_without_torch(built: CompileResult) -> None:
    script = (
        "import sys; from kernelbench_harness.compile.load import load_shim\n"
        f"m = load_shim({str(built.library)!r}, 'ext'); assert 'torch' not in sys.modules\n"
        "print(sorted(n for n in dir(m) if n.startswith('t_')))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.stdout.strip(), done.returncode) == (str(sorted(BOUND)), 0), done.stderr


@needs_nvcc
def test_a_cpu_tensor_reaches_the_candidates_own_check(probe: Any) -> None:
    assert probe.t_about(torch.ones(2, 3)) == [0, 1, 0, -1, 2, 4]
    with pytest.raises(RuntimeError, match=r"^x must be a CUDA tensor, got cpu of \[2, 3\]$"):
        probe.t_twice(torch.ones(2, 3))
    assert torch.equal(probe.t_clone(torch.arange(6).view(2, 3).t()), torch.arange(6).view(2, 3).t())
    assert probe.t_fill_row(torch.zeros(2, 3)).sum() == 21
    assert probe.t_item(torch.tensor(2.5)) == 2.5
    assert torch.equal(probe.t_cast(torch.tensor([1.5, -2.0]), 5), torch.tensor([1.5, -2.0]).half())


@needs_nvcc
@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_the_device_is_refused_in_words(probe: Any) -> None:
    for call in (lambda: probe.t_fresh(4), lambda: probe.t_full(4, 1.0), lambda: probe.t_cuda(torch.ones(2))):
        with pytest.raises(
            RuntimeError, match=r"CUDA error: .*(no CUDA-capable device|driver version is insufficient)"
        ):
            call()


@needs_nvcc
def test_the_table_says_what_it_is(built: CompileResult) -> None:
    library = ctypes.PyDLL(str(built.library))
    opener = library["kbshim_table_ext"]
    opener.restype = ctypes.POINTER(load._Table)
    table = opener().contents
    assert (table.version, table.device, table.count) == (2, 1, len(BOUND))
    assert ctypes.c_int32.in_dll(library, "kbshim_fill_byte").value == -1


TYPES_ONLY = "#include <torch/types.h>\n"
REFUSED = {
    "fstream forgotten": ("void f() { std::ofstream out; }", "ofstream"),
    "stream without its header": (
        "void f() { auto s = at::cuda::getCurrentCUDAStream(); }",
        '"at::cuda" has no member',
    ),
    "stream of another header": (
        "#include <c10/cuda/CUDAException.h>\nvoid f() { c10::cuda::getCurrentCUDAStream(); }",
        "getCurrentCUDAStream",
    ),
    "a check without its header": ("void f() { C10_CUDA_CHECK(cudaGetLastError()); }", "C10_CUDA_CHECK"),
    "pybind11 without its header": ('void f() {}\nPYBIND11_MODULE(ext, m) { m.def("f", &f); }', "PYBIND11_MODULE"),
    "dispatch over the deprecated type": (
        'void f(torch::Tensor x) { AT_DISPATCH_FLOATING_TYPES(x.type(), "f", [&] {}); }',
        "DeprecatedTypeProperties",
    ),
    "a host function called on the device": (
        "void g() {}\n__global__ void k() { g(); }",
        "g",
    ),
    "bfloat16 to half without a cast": (
        "__global__ void k(at::BFloat16 b, __nv_bfloat16* y) { *y = b; }",
        "BFloat16",
    ),
    "a tensor in a kernel": ("__global__ void k(torch::Tensor x, float* y) { *y = x.dim(); }", "dim"),
    "a packed accessor on the host": (
        "float f(torch::PackedTensorAccessor32<float, 1> x) { return x[0]; }",
        "operator",
    ),
}


@needs_nvcc
@pytest.mark.parametrize("name", REFUSED)
def test_what_libtorch_refuses_is_refused(name: str, tmp_path: Path) -> None:
    text, word = REFUSED[name]
    unit = f"{TYPES_ONLY}#include <cuda.h>\n#include <cuda_runtime.h>\n{text}\n"
    wanted = [*(demand.flags(tokenize(unit)) or []), f"-I{SHIM / 'include'}"]
    told = front_end(
        unit, [*wanted, "--compiler-options", f"-include,{SHIM / 'include' / demand.PRELUDE[1]}"], tmp_path
    )
    assert re.search(rf"t\.cu\(\d+\): error: [\s\S]*{word}", told), told


def front_end(text: str, words: list[str], work: Path) -> str:
    """What nvcc's front end says of a unit."""
    (work / "t.cu").write_text(text)
    nvcc = shutil.which("nvcc") or "/usr/local/cuda/bin/nvcc"
    command = [nvcc, "-std=c++20", *COMMON_FLAGS, *words, "-Xcudafe", "--error_limit", "-Xcudafe", "9999", "-cuda"]
    done = subprocess.run([*command, "t.cu", "-o", "t.ii"], cwd=work, capture_output=True, text=True, timeout=300)
    return done.stdout + done.stderr


NARROW_EXPRESSIONS = """
a + b;a * 2;a * 2.0f;a * 2.0;2 * a;a / 3;a + 1L;a + 1u;a += b;a += 1.5f;f += a;d += a;f = a;i = a;a = f;a = d;a = 1
a > b;a < 1;a == b;a >= 0.5f;-a;!a;a && b;a % 2;a & b;a << 1;++a;~a;max(a, b);min(f, a);fmaxf(a, b);exp(a);expf(a)
sqrt(a);fabs(a);abs(a);pow(a, 2);powf(a, 2.0f);a = raw;raw = a;raw + raw;raw < a;a + raw;i * a;l * a;b8 + a;__ldg(&a)
N c = 3;N c{1};N c{1.0f};N c(d);__half2float(a);__hadd(raw, raw);static_cast<int>(a);a.x = 3;N(3, N::from_bits())
std::numeric_limits<N>::lowest() < a;f = std::numeric_limits<N>::infinity();atomicAdd(&a, b);atomicAdd(&f, a)
h == g;a + h;a = h;a = g;auto q = true ? a : f;auto q = true ? a : 0;auto q = true ? a : b;switch (a) {};p[a];bool z = a
""".replace("\n", ";")


def refusals(head: str, includes: list[str], raw: str, kind: str, work: Path) -> dict[int, str]:
    """Line -> message of every expression that nvcc's front end refuses, one to a line."""
    parameters = f"N a, N b, float f, double d, int i, int64_t l, uint8_t b8, {raw} raw, float* p, c10::Half h"
    lines = [head, f"using N = {kind};"]
    for number, expression in enumerate(NARROW_EXPRESSIONS.strip(";").split(";")):
        lines.append(f"__device__ void f{number}({parameters}, c10::BFloat16 g) {{ {expression}; }}")
    told = front_end("\n".join(lines) + "\n", includes, work)
    return {int(m[1]): m[2] for m in reversed(list(re.finditer(r"t\.cu\((\d+)\): error: (.*)", told)))}


@needs_nvcc
@pytest.mark.parametrize(("kind", "raw"), [("c10::Half", "__half"), ("c10::BFloat16", "__nv_bfloat16")])
def test_half_precision_takes_what_libtorchs_own_takes(kind: str, raw: str, tmp_path: Path) -> None:
    stock = Path(torch.__file__).parent / "include"
    own = "#include <c10/util/Half.h>\n#include <c10/util/BFloat16.h>\n#include <cmath>"
    want = refusals(own, [f"-I{stock}"], raw, kind, tmp_path)
    shim = [f"-I{SHIM / 'include'}", "-DKBSHIM_SLIM", "-DKBSHIM_WITH_NARROW"]
    got = refusals("#include <torch/types.h>\n\n", shim, raw, kind, tmp_path)
    assert got == want
    assert len(want) > 10


def flags(text: str) -> list[str] | None:
    return demand.flags(tokenize(text))


def test_the_demand_follows_the_names_of_a_source() -> None:
    assert flags("__global__ void k(float* x) { x[0] = std::sqrt(x[1]); }") == ["-DKBSHIM_SLIM"]
    parts = {
        "void f(std::vector<int64_t> v);": "VECTOR",
        "auto v = x.sizes().vec();": "VECTOR",
        "c10::optional<int> f();": "OPTIONAL",
        "int n = std::max(1, 2);": "ALGORITHM_BASE",
        "__half2 h;": "NARROW",
        'AT_DISPATCH_FLOATING_TYPES_AND_HALF(t, "f", [&] {});': "NARROW",
        "PYBIND11_MODULE(ext, m) {}": "MODULE",
        "throw std::runtime_error(why);": "STREAM",
    }
    for text, part in parts.items():
        wanted = sorted((f"-DKBSHIM_WITH_{part}", "-DKBSHIM_WITH_UTILITY"))
        assert flags(text) == ["-DKBSHIM_SLIM", *wanted], text
    alone = {
        "CUdevice d;": "DRIVER",
        "float y = sinf32(x);": "FLOATN",
        "auto most = std::numeric_limits<float>::max();": "UTILITY",
        "template <class T, class = std::enable_if_t<true>> void f();": "UTILITY",
        "#include <cub/cub.cuh>": "UTILITY",
        "#include <algorithm>": "UTILITY",
    }
    for text, part in alone.items():
        assert flags(text) == ["-DKBSHIM_SLIM", f"-DKBSHIM_WITH_{part}"], text
    for text in ("using namespace std;", "namespace s = std;", "std::sort(a, b);", "std::thread t;"):
        assert flags(text) is None, text


def toolkit(text: str) -> list[str]:
    return demand.toolkit(tokenize(text), find_nvcc().include)


SHOWN = {
    "v += __shfl_xor_sync(0xffffffff, v, 1);": ["SM_30_INTRINSICS"],
    "v += __ldg(p);": ["SM_32_INTRINSICS"],
    "atomicAdd(p, v);": ["SM_20_ATOMIC_FUNCTIONS", "SM_60_ATOMIC_FUNCTIONS"],
    "v += __dp4a(1, 2, 3);": ["SM_61_INTRINSICS"],
    "v += tex1Dfetch<float>(t, 1);": ["TEXTURE_INDIRECT_FUNCTIONS"],
    "v += surf1Dread<float>(t, 4);": ["SURFACE_INDIRECT_FUNCTIONS"],
    "__syncthreads(); v += expf(p[0]) + threadIdx.x % 32;": [],
    "__half h = __float2half(v); v += __half2float(h) + __shfl_down_sync(0xffffffff, v, 1);": ["SM_30_INTRINSICS"],
    "v += std::numeric_limits<float>::max() + std::max(v, 1.0f);": [],
}


@needs_nvcc
@pytest.mark.parametrize("line", SHOWN)
def test_a_slim_unit_has_what_its_source_names(line: str, build_cache: Path) -> None:
    """At the first attempt: a unit that fails so is compiled again with everything, which nobody would notice."""
    text = f"""{TYPES_ONLY}#include <cuda_runtime.h>
__global__ void k(float* p, unsigned long long t) {{ float v = p[0]; {line} p[0] = v; }}
torch::Tensor go(torch::Tensor x) {{
  TORCH_CHECK(x.dim() == 2 && x.is_contiguous(), "two dimensions, got ", x.dim());
  auto y = torch::zeros({{x.size(0), 1}}, x.options());
  k<<<1, 1>>>(y.data_ptr<float>(), 0);
  return y;
}}
"""
    assert toolkit(line) == [f"-DKBSHIM_WITH_{name}" for name in SHOWN[line]]
    assert front_end_of(text, "slim", build_cache) == ""


def front_end_of(text: str, tier: Tier, cache: Path) -> str:
    """What nvcc's front ends say of a unit under some of the headers; empty when they take it."""
    made, tools = CompileRequest("ext", (), files=(Unit("t.cu", text, "cuda"),)), toolchain(cache)
    with tools.scratch() as work:
        job = Job(made, tools, find_nvcc(), "sm_90", work, 300.0, None)
        job.write()
        done = compile_front_end._read(job, job.units[0], tier)
        return done.output.decode() if done.returncode else ""


def test_a_tensor_on_a_device_wants_a_library_for_it() -> None:
    class Elsewhere:
        is_cuda = True

    opened = load._Opened(lambda *_: 0, lambda _: None, None)
    signature = load.Signature("f", 0, ("T",), "v", "", (), ())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(load, "fill", lambda value, code, argument, keep, tensors: tensors.append((value, argument)))
        with pytest.raises(load.CannotCross, match="without CUDA units"):
            load._call(opened, signature, (Elsewhere(),), None)


gpu = pytest.mark.gpu
LAYOUTS = {
    "plain": lambda: torch.randn(4, 6, device="cuda"),
    "transposed": lambda: torch.randn(6, 4, device="cuda").t(),
    "every second": lambda: torch.randn(4, 12, device="cuda")[:, ::2],
    "expanded": lambda: torch.randn(1, 6, device="cuda").expand(4, 6),
    "permuted": lambda: torch.randn(3, 4, 5, 6, device="cuda").permute(3, 1, 0, 2),
    "empty": lambda: torch.randn(0, 6, device="cuda"),
    "large": lambda: torch.randn(1 << 21, 17, device="cuda").t(),
}


@gpu
@pytest.mark.parametrize("layout", LAYOUTS)
def test_copies_keep_values_on_the_device(probe: Any, layout: str) -> None:
    x = LAYOUTS[layout]()
    for got, want in (
        (probe.t_contiguous(x), x.contiguous()),
        (probe.t_clone(x), x.clone()),
        (probe.t_cpu(x), x.cpu()),
        (probe.t_cuda(x.cpu()), x),
    ):
        assert (got.device, got.shape, got.stride()) == (want.device, want.shape, want.stride()) or got.numel() < 2
        assert torch.equal(got, want)


@gpu
@pytest.mark.parametrize(
    "source", ["float16", "float32", "float64", "bfloat16", "int8", "int32", "int64", "uint8", "bool"]
)
def test_casts_are_torchs(probe: Any, source: str) -> None:
    x = (torch.rand(1000, device="cuda") * 100).to(getattr(torch, source))
    numbers = {0: "uint8", 1: "int8", 3: "int32", 4: "int64", 5: "float16", 6: "float32", 7: "float64", 11: "bool"}
    for number, name in {**numbers, 15: "bfloat16"}.items():
        assert torch.equal(probe.t_cast(x, number), x.to(getattr(torch, name))), name


@gpu
def test_kernels_run_and_give_torchs_values(probe: Any) -> None:
    x = torch.randn(1000, 3, device="cuda")
    assert torch.allclose(probe.t_twice(x), x * 2)
    for kind in (torch.float64, torch.float16, torch.bfloat16):
        assert torch.allclose(probe.t_twice(x.to(kind)), x.to(kind) * 2)
    assert torch.equal(probe.t_turned(x[:50]), x[:50].t())
    a, b = torch.rand(64, device="cuda").half() + 1, torch.rand(64, device="cuda").bfloat16()
    assert torch.allclose(probe.t_narrow(a, b), a.float() * 4 - b.float())
    assert torch.equal(probe.t_full(5, 2.5), torch.full((5,), 2.5, device="cuda"))
    assert probe.t_item(x[0, 0]) == x[0, 0].item()
    assert probe.t_fill_row(x.clone())[1].tolist() == [7, 7, 7]
    assert probe.t_about(x) == [1, 0, 1, 0, 2, 4]


@gpu
def test_the_current_stream_is_torchs(probe: Any) -> None:
    side = torch.cuda.Stream()
    x = torch.zeros(4, device="cuda")
    assert probe.t_stream() == torch.cuda.current_stream().cuda_stream
    with torch.cuda.stream(side):
        assert probe.t_stream() == side.cuda_stream
        torch.cuda._sleep(100_000_000)
        x.fill_(3)
        doubled = probe.t_twice(x)
    torch.cuda.synchronize()
    assert doubled.tolist() == [6] * 4


@gpu
def test_errors_of_a_launch_surface(probe: Any) -> None:
    with pytest.raises(RuntimeError, match="CUDA error: invalid configuration argument"):
        probe.t_bad_launch(torch.zeros(4, device="cuda"))
    with pytest.raises(RuntimeError, match="CUDA error: invalid configuration argument"):
        probe.t_unread_error(torch.zeros(4, device="cuda"))
    assert probe.t_item(torch.ones(1, device="cuda")) == 1
    with pytest.raises(RuntimeError, match="CUDA out of memory"):
        probe.t_fresh(1 << 50)


@gpu
def test_fresh_memory_can_be_poisoned_and_is_used_again(probe: Any, built: CompileResult) -> None:
    byte = ctypes.c_int32.in_dll(ctypes.PyDLL(str(built.library)), "kbshim_fill_byte")
    first = probe.t_fresh(1000)
    place = first.data_ptr()
    del first
    byte.value = 0xFF
    try:
        again = probe.t_fresh(1000)
    finally:
        byte.value = -1
    assert again.data_ptr() == place
    assert bool(again.isnan().all())


def _exit_with_tensor(library: str) -> None:
    module = load.load_shim(library, "ext")
    globals()["kept"] = module.t_full(1000, 1.0)


@gpu
def test_a_tensor_alive_at_exit_does_no_harm(built: CompileResult) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_exit_with_tensor, args=(built.library,))
    process.start()
    process.join(120)
    assert process.exitcode == 0
