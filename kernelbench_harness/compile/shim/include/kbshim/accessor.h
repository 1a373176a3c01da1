// Accessors of libtorch: TensorAccessor refers to sizes and strides, the packed ones carry them to a kernel.
#pragma once

#include "kbshim/core.h"

namespace at {

using namespace c10;

template <typename T>
struct DefaultPtrTraits {
  typedef T* PtrType;
};
#ifdef __CUDACC__
template <typename T>
struct RestrictPtrTraits {
  typedef T* __restrict__ PtrType;
};
#endif

template <typename T, size_t N, template <typename U> class PtrTraits = DefaultPtrTraits, typename index_t = int64_t>
class TensorAccessorBase {
 public:
  typedef typename PtrTraits<T>::PtrType PtrType;
  KBSHIM_BOTH TensorAccessorBase(PtrType data_, const index_t* sizes_, const index_t* strides_)
      : data_(data_), sizes_(sizes_), strides_(strides_) {}
  KBSHIM_HOST IntArrayRef sizes() const { return IntArrayRef(sizes_, N); }
  KBSHIM_HOST IntArrayRef strides() const { return IntArrayRef(strides_, N); }
  KBSHIM_BOTH index_t stride(index_t i) const { return strides_[i]; }
  KBSHIM_BOTH index_t size(index_t i) const { return sizes_[i]; }
  KBSHIM_BOTH PtrType data() { return data_; }
  KBSHIM_BOTH const PtrType data() const { return data_; }

 protected:
  PtrType data_;
  const index_t* sizes_;
  const index_t* strides_;
};

template <typename T, size_t N, template <typename U> class PtrTraits = DefaultPtrTraits, typename index_t = int64_t>
class TensorAccessor : public TensorAccessorBase<T, N, PtrTraits, index_t> {
 public:
  typedef typename PtrTraits<T>::PtrType PtrType;
  KBSHIM_BOTH TensorAccessor(PtrType data_, const index_t* sizes_, const index_t* strides_)
      : TensorAccessorBase<T, N, PtrTraits, index_t>(data_, sizes_, strides_) {}
  KBSHIM_BOTH TensorAccessor<T, N - 1, PtrTraits, index_t> operator[](index_t i) {
    return TensorAccessor<T, N - 1, PtrTraits, index_t>(this->data_ + this->strides_[0] * i, this->sizes_ + 1,
                                                        this->strides_ + 1);
  }
  KBSHIM_BOTH const TensorAccessor<T, N - 1, PtrTraits, index_t> operator[](index_t i) const {
    return TensorAccessor<T, N - 1, PtrTraits, index_t>(this->data_ + this->strides_[0] * i, this->sizes_ + 1,
                                                        this->strides_ + 1);
  }
};

template <typename T, template <typename U> class PtrTraits, typename index_t>
class TensorAccessor<T, 1, PtrTraits, index_t> : public TensorAccessorBase<T, 1, PtrTraits, index_t> {
 public:
  typedef typename PtrTraits<T>::PtrType PtrType;
  KBSHIM_BOTH TensorAccessor(PtrType data_, const index_t* sizes_, const index_t* strides_)
      : TensorAccessorBase<T, 1, PtrTraits, index_t>(data_, sizes_, strides_) {}
  KBSHIM_BOTH T& operator[](index_t i) { return this->data_[this->strides_[0] * i]; }
  KBSHIM_BOTH const T& operator[](index_t i) const { return this->data_[this->strides_[0] * i]; }
};

template <typename T, size_t N, template <typename U> class PtrTraits = DefaultPtrTraits, typename index_t = int64_t>
class GenericPackedTensorAccessorBase {
 public:
  typedef typename PtrTraits<T>::PtrType PtrType;
  KBSHIM_HOST GenericPackedTensorAccessorBase(PtrType data_, const index_t* sizes_, const index_t* strides_)
      : data_(data_) {
    for (size_t i = 0; i < N; i++) {
      this->sizes_[i] = sizes_[i];
      this->strides_[i] = strides_[i];
    }
  }
  template <typename source_index_t, class = std::enable_if_t<std::is_same_v<source_index_t, int64_t>>>
  KBSHIM_HOST GenericPackedTensorAccessorBase(PtrType data_, const source_index_t* sizes_,
                                              const source_index_t* strides_)
      : data_(data_) {
    for (size_t i = 0; i < N; i++) {
      this->sizes_[i] = static_cast<index_t>(sizes_[i]);
      this->strides_[i] = static_cast<index_t>(strides_[i]);
    }
  }
  KBSHIM_BOTH index_t stride(index_t i) const { return strides_[i]; }
  KBSHIM_BOTH index_t size(index_t i) const { return sizes_[i]; }
  KBSHIM_BOTH PtrType data() { return data_; }
  KBSHIM_BOTH const PtrType data() const { return data_; }

 protected:
  PtrType data_;
  index_t sizes_[N];
  index_t strides_[N];
};

template <typename T, size_t N, template <typename U> class PtrTraits = DefaultPtrTraits, typename index_t = int64_t>
class GenericPackedTensorAccessor : public GenericPackedTensorAccessorBase<T, N, PtrTraits, index_t> {
 public:
  typedef typename PtrTraits<T>::PtrType PtrType;
  KBSHIM_HOST GenericPackedTensorAccessor(PtrType data_, const index_t* sizes_, const index_t* strides_)
      : GenericPackedTensorAccessorBase<T, N, PtrTraits, index_t>(data_, sizes_, strides_) {}
  template <typename source_index_t, class = std::enable_if_t<std::is_same_v<source_index_t, int64_t>>>
  KBSHIM_HOST GenericPackedTensorAccessor(PtrType data_, const source_index_t* sizes_, const source_index_t* strides_)
      : GenericPackedTensorAccessorBase<T, N, PtrTraits, index_t>(data_, sizes_, strides_) {}
  KBSHIM_DEVICE TensorAccessor<T, N - 1, PtrTraits, index_t> operator[](index_t i) {
    return TensorAccessor<T, N - 1, PtrTraits, index_t>(this->data_ + this->strides_[0] * i, this->sizes_ + 1,
                                                        this->strides_ + 1);
  }
  KBSHIM_DEVICE const TensorAccessor<T, N - 1, PtrTraits, index_t> operator[](index_t i) const {
    return TensorAccessor<T, N - 1, PtrTraits, index_t>(this->data_ + this->strides_[0] * i, this->sizes_ + 1,
                                                        this->strides_ + 1);
  }
};

template <typename T, template <typename U> class PtrTraits, typename index_t>
class GenericPackedTensorAccessor<T, 1, PtrTraits, index_t>
    : public GenericPackedTensorAccessorBase<T, 1, PtrTraits, index_t> {
 public:
  typedef typename PtrTraits<T>::PtrType PtrType;
  KBSHIM_HOST GenericPackedTensorAccessor(PtrType data_, const index_t* sizes_, const index_t* strides_)
      : GenericPackedTensorAccessorBase<T, 1, PtrTraits, index_t>(data_, sizes_, strides_) {}
  template <typename source_index_t, class = std::enable_if_t<std::is_same_v<source_index_t, int64_t>>>
  KBSHIM_HOST GenericPackedTensorAccessor(PtrType data_, const source_index_t* sizes_, const source_index_t* strides_)
      : GenericPackedTensorAccessorBase<T, 1, PtrTraits, index_t>(data_, sizes_, strides_) {}
  KBSHIM_DEVICE T& operator[](index_t i) { return this->data_[this->strides_[0] * i]; }
  KBSHIM_DEVICE const T& operator[](index_t i) const { return this->data_[this->strides_[0] * i]; }
};

template <typename T, size_t N, template <typename U> class PtrTraits = DefaultPtrTraits>
using PackedTensorAccessor32 = GenericPackedTensorAccessor<T, N, PtrTraits, int32_t>;
template <typename T, size_t N, template <typename U> class PtrTraits = DefaultPtrTraits>
using PackedTensorAccessor64 = GenericPackedTensorAccessor<T, N, PtrTraits, int64_t>;

}  // namespace at
