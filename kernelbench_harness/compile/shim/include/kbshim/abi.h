// The boundary between a candidate's library and the loader: plain C structs, mirrored in load.py. Tensors cross as
// DLManagedTensor (the DLPack ABI, version 0.x); ownership goes with the pointer in both directions.
//
// Frozen, because a library made on one machine is loaded by the harness of another: the order and types of the fields
// of Value, Entry and Table, the numbers of Kind, Failure and DeviceKind, the type codes (module.h), the name of the
// exported function, and DLPack's own layout and numbers. A change to any of them raises abi_version, which the loader
// compares before it reads further; new fields go to the end of Table. Between the objects of one library, which one
// harness builds, nothing is frozen.
#pragma once

#include "kbshim/tensor.h"

namespace pybind11 {
class module_;
}

namespace kbshim {

constexpr int64_t abi_version = 2;

enum Kind : int64_t {
  kind_none = 0, kind_int = 1, kind_real = 2, kind_bool = 3, kind_tensor = 4, kind_text = 5, kind_list = 6,
  kind_tuple = 7, kind_unsigned = 8, kind_absent = 9
};

struct Value {
  int64_t kind = kind_none;
  int64_t size = 0;  // characters of a text, items of a list
  union {
    int64_t i = 0;
    double d;
    void* p;
  };
};

Value make_int(int64_t x, int64_t kind);
Value make_real(double x);
Value make_text(const char* data, size_t size);
Value make_list(size_t size, int64_t kind);
at::Tensor import_tensor(void* managed);
Value export_tensor(const at::Tensor& tensor);

struct Entry {
  const char* name;
  const char* arguments;
  const char* result;
  const char* doc;
  const char* argument_names;
  const Value* defaults;
  int64_t default_count;
};

struct Table {
  int64_t version;
  const char* doc;
  int64_t count;
  const Entry* entries;
  int32_t (*call)(int64_t index, const Value* arguments, Value* result, char* message, int64_t message_size);
  void (*release)(Value* value);  // what a result holds besides its tensors
  int64_t device;                 // whose tensors it takes besides the CPU's: a DeviceKind
  // Device and cudaStream_t of the calls that follow; without effect in a library of no CUDA unit.
  int32_t (*set_stream)(int32_t device, void* stream, char* message, int64_t message_size);
};
enum DeviceKind : int64_t { device_cpu = 0, device_cuda = 1 };

const Table* table(void (*fill)(pybind11::module_&));

}  // namespace kbshim
