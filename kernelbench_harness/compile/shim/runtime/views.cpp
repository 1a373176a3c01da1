// Views: new sizes and strides over the same bytes.
#include "internal.h"

using kbshim::Body;
using kbshim::Dims;

namespace {

// Strides under which `body` can be seen as `shape`, if there are any without moving data.
std::optional<Dims> view_strides(const Body& body, const Dims& shape) {
  if (body.count == 0) return kbshim::contiguous_strides(shape);
  Dims strides(shape.size());
  int64_t next = static_cast<int64_t>(shape.size()) - 1;
  int64_t base = body.strides.empty() ? 1 : body.strides.back();
  int64_t in_chunk = 1;
  int64_t in_view = 1;
  for (int64_t i = static_cast<int64_t>(body.sizes.size()) - 1; i >= 0; i--) {
    in_chunk *= body.sizes[i];
    // A chunk ends where the next outer dimension does not continue it.
    if (i > 0 && (body.sizes[i - 1] == 1 || body.strides[i - 1] == in_chunk * base)) continue;
    while (next >= 0 && (in_view < in_chunk || shape[next] == 1)) {
      strides[next] = in_view * base;
      in_view *= shape[next];
      next--;
    }
    if (in_view != in_chunk) return std::nullopt;
    if (i > 0) {
      base = body.strides[i - 1];
      in_chunk = in_view = 1;
    }
  }
  for (; next >= 0; next--) {
    if (shape[next] != 1) return std::nullopt;
    strides[next] = in_view * base;
  }
  return strides;
}

Dims infer_shape(c10::IntArrayRef wanted, int64_t count) {
  Dims shape = wanted.vec();
  int64_t known = 1;
  int64_t open = -1;
  for (size_t i = 0; i < shape.size(); i++) {
    if (shape[i] == -1) {
      TORCH_CHECK(open < 0, "only one dimension can be inferred");
      open = static_cast<int64_t>(i);
    } else {
      TORCH_CHECK(shape[i] >= 0, "invalid shape dimension ", shape[i]);
      known *= shape[i];
    }
  }
  if (open >= 0 && known > 0 && count % known == 0) {
    shape[open] = count / known;
  } else {
    TORCH_CHECK(open < 0 && known == count, "shape '", wanted, "' is invalid for input of size ", count);
  }
  return shape;
}

char* moved(const at::Tensor& tensor, int64_t elements) {
  return static_cast<char*>(tensor.data_ptr()) + elements * tensor.element_size();
}

}  // namespace

namespace at {

Tensor Tensor::view(IntArrayRef size) const {
  const Dims shape = infer_shape(size, numel());
  const auto strides = view_strides(*body(), shape);
  TORCH_CHECK(strides.has_value(),
              "view size is not compatible with input tensor's size and stride (at least one dimension spans across "
              "two contiguous subspaces). Use .reshape(...) instead.");
  return kbshim::view_of(*this, body()->data, shape, *strides);
}

Tensor Tensor::reshape(IntArrayRef wanted) const {
  const Dims shape = infer_shape(wanted, numel());
  const auto strides = view_strides(*body(), shape);
  if (strides) return kbshim::view_of(*this, body()->data, shape, *strides);
  Tensor copy = kbshim::allocate(sizes().vec(), kbshim::contiguous_strides(sizes().vec()), scalar_type(), device());
  copy.copy_(*this);
  return copy.view(shape);
}

Tensor Tensor::flatten(int64_t start_dim, int64_t end_dim) const {
  const int64_t start = kbshim::wrap_dim(start_dim, dim(), true);
  const int64_t end = kbshim::wrap_dim(end_dim, dim(), true);
  TORCH_CHECK(start <= end, "flatten() has invalid args: start_dim cannot come after end_dim");
  if (dim() == 0) return reshape({1});
  if (start == end) return *this;
  Dims shape(sizes().begin(), sizes().begin() + start);
  int64_t merged = 1;
  for (int64_t i = start; i <= end; i++) merged *= size(i);
  shape.push_back(merged);
  shape.insert(shape.end(), sizes().begin() + end + 1, sizes().end());
  return reshape(shape);
}

Tensor Tensor::squeeze() const {
  Dims shape, steps;
  for (int64_t i = 0; i < dim(); i++) {
    if (size(i) == 1) continue;
    shape.push_back(size(i));
    steps.push_back(stride(i));
  }
  return kbshim::view_of(*this, body()->data, shape, steps);
}

Tensor Tensor::squeeze(int64_t dim) const {
  const int64_t at = kbshim::wrap_dim(dim, this->dim(), true);
  Dims shape = sizes().vec(), steps = strides().vec();
  if (!shape.empty() && shape[at] == 1) {
    shape.erase(shape.begin() + at);
    steps.erase(steps.begin() + at);
  }
  return kbshim::view_of(*this, body()->data, shape, steps);
}

Tensor Tensor::unsqueeze(int64_t dim) const {
  const int64_t at = kbshim::wrap_dim(dim, this->dim() + 1, true);
  Dims shape = sizes().vec(), steps = strides().vec();
  const int64_t step = at < this->dim() ? shape[at] * steps[at] : 1;
  shape.insert(shape.begin() + at, 1);
  steps.insert(steps.begin() + at, step);
  return kbshim::view_of(*this, body()->data, shape, steps);
}

Tensor Tensor::transpose(int64_t dim0, int64_t dim1) const {
  const int64_t a = kbshim::wrap_dim(dim0, dim(), true);
  const int64_t b = kbshim::wrap_dim(dim1, dim(), true);
  Dims shape = sizes().vec(), steps = strides().vec();
  if (a != b) {
    std::swap(shape[a], shape[b]);
    std::swap(steps[a], steps[b]);
  }
  return kbshim::view_of(*this, body()->data, shape, steps);
}

Tensor Tensor::t() const {
  TORCH_CHECK(dim() <= 2, "t() expects a tensor with <= 2 dimensions, but self is ", dim(), "D");
  return dim() < 2 ? *this : transpose(0, 1);
}

Tensor Tensor::permute(IntArrayRef dims) const {
  TORCH_CHECK(static_cast<int64_t>(dims.size()) == dim(),
              "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired "
              "ordering of dimensions i.e. input.dim() = ",
              dim(), " is not equal to len(dims) = ", dims.size());
  Dims shape, steps;
  std::vector<bool> seen(dims.size());
  for (int64_t d : dims) {
    const int64_t at = kbshim::wrap_dim(d, dim(), true);
    TORCH_CHECK(!seen[at], "permute(): duplicate dims are not allowed.");
    seen[at] = true;
    shape.push_back(size(at));
    steps.push_back(stride(at));
  }
  return kbshim::view_of(*this, body()->data, shape, steps);
}

Tensor Tensor::select(int64_t dim, int64_t index) const {
  TORCH_CHECK_INDEX(this->dim() > 0, "select() cannot be applied to a 0-dim tensor.");
  const int64_t at = kbshim::wrap_dim(dim, this->dim(), true);
  const int64_t extent = size(at);
  TORCH_CHECK_INDEX(-extent <= index && index < extent, "select(): index ", index, " out of range for tensor of size ",
                    sizes(), " at dimension ", at);
  Dims shape = sizes().vec(), steps = strides().vec();
  char* data = moved(*this, (index < 0 ? index + extent : index) * steps[at]);
  shape.erase(shape.begin() + at);
  steps.erase(steps.begin() + at);
  return kbshim::view_of(*this, data, shape, steps);
}

Tensor Tensor::narrow(int64_t dim, int64_t start, int64_t length) const {
  TORCH_CHECK(this->dim() > 0, "narrow() cannot be applied to a 0-dim tensor.");
  TORCH_CHECK(length >= 0, "narrow(): length must be non-negative.");
  const int64_t at = kbshim::wrap_dim(dim, this->dim(), true);
  const int64_t extent = size(at);
  TORCH_CHECK_INDEX(-extent <= start && start <= extent, "start out of range (expected to be in range of [", -extent,
                    ", ", extent, "], but got ", start, ")");
  if (start < 0) start += extent;
  TORCH_CHECK(start <= extent - length, "start (", start, ") + length (", length, ") exceeds dimension size (", extent,
              ").");
  return slice(at, start, start + length, 1);
}

Tensor Tensor::slice(int64_t dim, std::optional<int64_t> start, std::optional<int64_t> end, int64_t step) const {
  TORCH_CHECK(this->dim() > 0, "slice() cannot be applied to a 0-dim tensor.");
  const int64_t at = kbshim::wrap_dim(dim, this->dim(), true);
  TORCH_CHECK(step > 0, "slice step must be positive");
  const int64_t extent = size(at);
  const auto clip = [extent](int64_t x) { return std::clamp<int64_t>(x < 0 ? x + extent : x, 0, extent); };
  const int64_t first = clip(start.value_or(0));
  const int64_t last = std::max(first, clip(end.value_or(extent)));
  Dims shape = sizes().vec(), steps = strides().vec();
  char* data = moved(*this, first * steps[at]);
  shape[at] = (last - first + step - 1) / step;
  steps[at] *= step;
  return kbshim::view_of(*this, data, shape, steps);
}

Tensor Tensor::expand(IntArrayRef size) const {
  const int64_t added = static_cast<int64_t>(size.size()) - dim();
  TORCH_CHECK(added >= 0, "expand(", sizes(), ", size=", size, "): the number of sizes provided (", size.size(),
              ") must be greater or equal to the number of dimensions in the tensor (", dim(), ")");
  Dims shape(size.size()), steps(size.size());
  for (int64_t i = static_cast<int64_t>(size.size()) - 1; i >= 0; i--) {
    const int64_t from = i - added;
    const int64_t had = from >= 0 ? this->size(from) : 1;
    int64_t want = size[i];
    if (want == -1) {
      TORCH_CHECK(from >= 0, "The expanded size of the tensor (-1) isn't allowed in a leading, non-existing dimension ",
                  i);
      want = had;
    }
    TORCH_CHECK(had == want || had == 1, "The expanded size of the tensor (", want,
                ") must match the existing size (", had, ") at non-singleton dimension ", i, ".  Target sizes: ", size,
                ".  Tensor sizes: ", sizes());
    shape[i] = want;
    steps[i] = had != want ? 0 : from >= 0 ? stride(from) : (i + 1 < static_cast<int64_t>(size.size()) ? shape[i + 1] * steps[i + 1] : 1);
  }
  return kbshim::view_of(*this, body()->data, shape, steps);
}

}  // namespace at
