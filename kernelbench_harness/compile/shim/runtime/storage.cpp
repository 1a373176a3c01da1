// Allocation, layout and the numbers of a tensor: everything that moves no elements.
#include "internal.h"

namespace kbshim {

const DeviceOperations* device_operations = nullptr;

void fail(const char* message) { throw c10::Error(message); }
void fail_as(Failure kind, const char* message) {
  switch (kind) {
    case failure_index: throw c10::IndexError(message);
    case failure_value: throw c10::ValueError(message);
    case failure_type: throw c10::TypeError(message);
    case failure_not_implemented: throw c10::NotImplementedError(message);
    default: throw c10::Error(message);
  }
}
void fail_internal(const char* condition, const char* file, int line, const char* message) {
  throw c10::Error(text(condition, " INTERNAL ASSERT FAILED at \"", file, "\":", line,
                        ", please report a bug to PyTorch. ", message));
}

static void release(Block* block) noexcept {
  if (!block || block->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  if (block->owner && block->owner->deleter) block->owner->deleter(block->owner);
  if (block->ticket) device_operations->release(block->ticket);
  if (block->guard) forget_guarded(block);
  std::free(block->bytes);
  delete block;
}

void destroy(Body* body) noexcept {
  release(body->block);
  delete[] body->sizes.data();
  delete body;
}

int64_t wrap_dim(int64_t dim, int64_t dims, bool scalar_as_one) {
  if (dims == 0) {
    TORCH_CHECK_INDEX(scalar_as_one, "Dimension specified as ", dim, " but tensor has no dimensions");
    dims = 1;
  }
  TORCH_CHECK_INDEX(-dims <= dim && dim < dims, "Dimension out of range (expected to be in range of [", -dims, ", ",
                    dims - 1, "], but got ", dim, ")");
  return dim < 0 ? dim + dims : dim;
}

Dims contiguous_strides(const Dims& sizes) {
  Dims strides(sizes.size());
  int64_t step = 1;
  for (size_t i = sizes.size(); i-- > 0;) {
    strides[i] = step;
    step *= std::max<int64_t>(sizes[i], 1);
  }
  return strides;
}

static bool is_contiguous(const Dims& sizes, const Dims& strides, int64_t count) {
  if (count == 0) return true;
  int64_t step = 1;
  for (size_t i = sizes.size(); i-- > 0;) {
    if (sizes[i] == 1) continue;
    if (strides[i] != step) return false;
    step *= sizes[i];
  }
  return true;
}

static bool is_dense(const Body& body) {
  std::vector<size_t> order(body.sizes.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    if (body.sizes[a] < 2 || body.sizes[b] < 2) return body.sizes[a] >= 2 && body.sizes[b] < 2;
    return body.strides[a] < body.strides[b];
  });
  int64_t step = 1;
  for (size_t i : order) {
    if (body.sizes[i] < 2) continue;
    if (body.strides[i] != step) return false;
    step *= body.sizes[i];
  }
  return true;
}

// Which of two dimensions lies further in: 1 to exchange them, -1 not to, 0 when the strides do not say.
static int compare_dims(const Body& body, size_t a, size_t b) {
  if (body.strides[a] == 0 || body.strides[b] == 0) return 0;
  if (body.strides[a] != body.strides[b]) return body.strides[a] < body.strides[b] ? -1 : 1;
  return body.sizes[a] > body.sizes[b] ? 1 : 0;
}

// The layout of empty_like and clone (MemoryFormat::Preserve): the same strides where the tensor is dense, else dense
// strides in the same order of dimensions.
Dims preserved_strides(const Body& body) {
  if (body.contiguous) return contiguous_strides(dims_of(body.sizes));
  if (is_dense(body)) return dims_of(body.strides);
  const size_t dims = body.sizes.size();
  std::vector<size_t> inner_first(dims);
  for (size_t i = 0; i < dims; i++) inner_first[i] = dims - 1 - i;
  for (size_t i = 1; i < dims; i++) {
    size_t moving = i;
    for (size_t j = i; j-- > 0;) {
      const int order = compare_dims(body, inner_first[j], inner_first[moving]);
      if (order > 0) {
        std::swap(inner_first[j], inner_first[moving]);
        moving = j;
      } else if (order < 0) {
        break;
      }
    }
  }
  Dims strides(dims);
  int64_t step = 1;
  for (size_t dim : inner_first) {
    strides[dim] = step;
    if (body.sizes[dim] > 1) step *= body.sizes[dim];
  }
  return strides;
}

Body* make_body(Block* block, char* data, c10::ScalarType type, const Dims& sizes, const Dims& strides) {
  const int64_t dims = static_cast<int64_t>(sizes.size());
  int64_t* extents = new int64_t[2 * sizes.size() + 1];  // one array for both, which the sizes own
  std::copy(sizes.begin(), sizes.end(), extents);
  std::copy(strides.begin(), strides.end(), extents + dims);
  int64_t count = 1;
  for (int64_t size : sizes) count *= size;
  return new Body{1,     block, data, Extents(extents, dims), Extents(extents + dims, dims),
                  count, type,  is_contiguous(sizes, strides, count), block->device.type(), block->device.index()};
}

at::Tensor view_of(const at::Tensor& base, char* data, const Dims& sizes, const Dims& strides) {
  Body* from = base.kbshim_body();
  from->block->references.fetch_add(1, std::memory_order_relaxed);
  return at::Tensor::kbshim_adopt(make_body(from->block, data, from->type, sizes, strides));
}

static size_t bytes_of(const Dims& sizes, c10::ScalarType type) {
  size_t count = 1;
  for (int64_t size : sizes) {
    TORCH_CHECK(size >= 0, "Trying to create tensor with negative dimension ", size, ": ", c10::IntArrayRef(sizes));
    if (__builtin_mul_overflow(count, static_cast<size_t>(size), &count) || count > (size_t(1) << 56)) {
      fail("Storage size calculation overflowed");
    }
  }
  return count * c10::elementSize(type);
}

at::Tensor allocate(const Dims& sizes, const Dims& strides, c10::ScalarType type, c10::Device device) {
  const size_t bytes = bytes_of(sizes, type);
  std::unique_ptr<Block> block(new Block);
  char* data = nullptr;
  if (device.is_cuda()) {
    TORCH_CHECK(device_operations, "PyTorch is not linked with support for cuda devices");
    const c10::DeviceIndex index = device.has_index() ? device.index() : device_operations->current_device();
    block->device = c10::Device(c10::kCUDA, index);
    if (bytes) data = device_operations->allocate(bytes, index, &block->ticket);
  } else if (!bytes || !(data = allocate_guarded(block.get(), bytes))) {
    void* memory = nullptr;
    if (bytes && posix_memalign(&memory, 64, bytes)) {
      fail(text("DefaultCPUAllocator: not enough memory: you tried to allocate ", bytes, " bytes."));
    }
    block->bytes = memory;
    data = static_cast<char*>(memory);
  }
  return at::Tensor::kbshim_adopt(make_body(block.release(), data, type, sizes, strides));
}

}  // namespace kbshim

namespace c10 {

static const char* const scalar_names[] = {"Byte",        "Char",         "Short",         "Int",   "Long",  "Half",
                                           "Float",       "Double",       "ComplexHalf",   "ComplexFloat",
                                           "ComplexDouble", "Bool",       "QInt8",         "QUInt8", "QInt32",
                                           "BFloat16"};
static const char* const type_names[] = {
    "unsigned char",        "signed char",         "short int",            "int",          "long int",    "c10::Half",
    "float",                "double",              "c10::complex<c10::Half>", "c10::complex<float>",
    "c10::complex<double>", "bool",                "c10::qint8",           "c10::quint8",  "c10::qint32", "c10::BFloat16"};
static const size_t scalar_sizes[] = {1, 1, 2, 4, 8, 2, 4, 8, 4, 8, 16, 1, 1, 1, 4, 2};

const char* toString(ScalarType type) { return scalar_names[static_cast<int>(type)]; }
size_t elementSize(ScalarType type) { return scalar_sizes[static_cast<int>(type)]; }
std::ostream& operator<<(std::ostream& out, ScalarType type) { return out << toString(type); }
std::ostream& operator<<(std::ostream& out, DeviceType type) { return out << (type == kCPU ? "cpu" : "cuda"); }
std::ostream& operator<<(std::ostream& out, const Device& device) { return out << device.str(); }

Device::Device(const std::string& text) : type_(DeviceType::CPU), index_(-1) {
  const size_t colon = text.find(':');
  const std::string kind = text.substr(0, colon);
  TORCH_CHECK(kind == "cpu" || kind == "cuda", "Expected one of cpu, cuda device type at start of device string: ", kind);
  type_ = kind == "cpu" ? DeviceType::CPU : DeviceType::CUDA;
  if (colon == std::string::npos) return;
  const std::string digits = text.substr(colon + 1);
  TORCH_CHECK(!digits.empty() && digits.size() < 3 && digits.find_first_not_of("0123456789") == std::string::npos,
              "Invalid device string: '", text, "'");
  index_ = static_cast<DeviceIndex>(std::stoi(digits));
}
std::string Device::str() const {
  return (type_ == kCPU ? "cpu" : "cuda") + (has_index() ? ":" + std::to_string(index_) : std::string());
}

int64_t Scalar::toLong() const {
  if (kind_ != Kind::real) return i_;
  TORCH_CHECK(d_ >= -9223372036854775808.0 && d_ < 9223372036854775808.0,
              "value cannot be converted to type int64_t without overflow");
  return static_cast<int64_t>(d_);
}
int Scalar::toInt() const {
  const int64_t wide = toLong();
  TORCH_CHECK(wide >= INT_MIN && wide <= INT_MAX, "value cannot be converted to type int without overflow");
  return static_cast<int>(wide);
}

}  // namespace c10

namespace caffe2 {

std::ostream& operator<<(std::ostream& out, TypeMeta meta) {
  return out << c10::type_names[static_cast<int>(meta.toScalarType())];
}

}  // namespace caffe2
