// The C table that the loader reads, and tensors across it.
#include "internal.h"
#include "kbshim/module.h"

namespace kbshim {

struct Module {
  struct Function {
    std::string name;
    std::string arguments;
    std::string result;
    std::string doc;
    std::string argument_names;  // each followed by a newline
    std::vector<Value> defaults;  // kind_absent where there is none
    void* closure;
    Thunk thunk;
  };
  std::vector<Function> functions;
  std::string doc;
  std::vector<Entry> entries;
  Table table;
};

void define(Module* module, const Definition& d) {
  module->functions.push_back({d.name, d.arguments, d.result, "", "", {}, d.closure, d.thunk});
}
void set_doc(Module* module, const char* doc) { module->functions.back().doc = doc; }
void add_argument(Module* module, const char* name, const Value& default_value) {
  module->functions.back().argument_names += std::string(name) + "\n";
  module->functions.back().defaults.push_back(default_value);
}
void set_module_doc(Module* module, const char* doc) { module->doc = doc; }

namespace {

struct DLType {
  c10::ScalarType type;
  uint8_t code;
  uint8_t bits;
};
// Codes of the DLPack specification: 0 signed, 1 unsigned, 2 float, 4 bfloat, 6 bool.
constexpr DLType dl_types[] = {
    {c10::kByte, 1, 8},  {c10::kChar, 0, 8},   {c10::kShort, 0, 16},  {c10::kInt, 0, 32}, {c10::kLong, 0, 64},
    {c10::kHalf, 2, 16}, {c10::kFloat, 2, 32}, {c10::kDouble, 2, 64}, {c10::kBool, 6, 8}, {c10::kBFloat16, 4, 16}};

constexpr int32_t dl_cpu = 1;
constexpr int32_t dl_cuda = 2;

struct Exported {
  DLManagedTensor managed;
  at::Tensor tensor;
};

char* copy_text(const char* data, size_t size) {
  char* out = static_cast<char*>(std::malloc(size + 1));
  if (!out) throw std::bad_alloc();
  std::memcpy(out, data, size);
  out[size] = 0;
  return out;
}

Module* the_module = nullptr;

int32_t say(char* message, int64_t size, const char* text, int32_t code) {
  if (size > 0) {
    const size_t kept = std::min<size_t>(std::strlen(text), static_cast<size_t>(size - 1));
    std::memcpy(message, text, kept);
    message[kept] = 0;
  }
  return code;
}

void release_value(Value* value) {
  if (value->kind == kind_list || value->kind == kind_tuple) {
    for (int64_t i = 0; i < value->size; i++) release_value(static_cast<Value*>(value->p) + i);
    std::free(value->p);
  } else if (value->kind == kind_text) {
    std::free(value->p);
  }
  value->kind = kind_none;
}

// A result that nobody will take.
void drop(Value* value) {
  if (value->kind == kind_tensor) {
    DLManagedTensor* managed = static_cast<DLManagedTensor*>(value->p);
    managed->deleter(managed);
  } else if (value->kind == kind_list || value->kind == kind_tuple) {
    for (int64_t i = 0; i < value->size; i++) drop(static_cast<Value*>(value->p) + i);
  }
  release_value(value);
}

void blocks_of(const Value& value, std::vector<const Block*>& blocks) {
  if (value.kind == kind_tensor) {
    const DLManagedTensor* managed = static_cast<const DLManagedTensor*>(value.p);
    blocks.push_back(static_cast<const Exported*>(managed->context)->tensor.kbshim_body()->block);
  } else if (value.kind == kind_list || value.kind == kind_tuple) {
    for (int64_t i = 0; i < value.size; i++) blocks_of(static_cast<const Value*>(value.p)[i], blocks);
  }
}

// The candidate's own function. What one that throws wrote beside a tensor is not the next call's.
void run_own(const Module::Function& function, const Value* arguments, Value* result) {
  try {
    function.thunk(function.closure, arguments, result);
  } catch (...) {
    try {
      if (kbshim_bounds) check_guards({});
    } catch (...) {
    }
    throw;
  }
}

// Fails as the candidate fails, and for what it did not notice: a launch that failed, a write beside a tensor.
void run(const Module::Function& function, const Value* arguments, Value* result) {
  run_own(function, arguments, result);
  try {
    if (device_operations) device_operations->check();
    if (kbshim_bounds) {
      std::vector<const Block*> returned;
      blocks_of(*result, returned);
      check_guards(returned);
    }
  } catch (...) {
    drop(result);
    throw;
  }
}

int32_t call(int64_t index, const Value* arguments, Value* result, char* message, int64_t size) {
  const Module::Function& function = the_module->functions[index];
  try {
    run(function, arguments, result);
    return failure_none;
  } catch (const c10::IndexError& error) {
    return say(message, size, error.what(), failure_index);
  } catch (const c10::ValueError& error) {
    return say(message, size, error.what(), failure_value);
  } catch (const c10::TypeError& error) {
    return say(message, size, error.what(), failure_type);
  } catch (const c10::NotImplementedError& error) {
    return say(message, size, error.what(), failure_not_implemented);
  } catch (const std::exception& error) {
    return say(message, size, error.what(), failure_runtime);
  } catch (...) {
    return say(message, size, "Caught an unknown exception!", failure_unknown);
  }
}

// Says which device and stream the calls that follow use; 0 or a Failure.
int32_t set_stream(int32_t device, void* stream, char* message, int64_t size) {
  try {
    if (device_operations) device_operations->set_stream(device, stream);
    return failure_none;
  } catch (const std::exception& error) {
    return say(message, size, error.what(), failure_runtime);
  }
}

}  // namespace

Value make_int(int64_t x, int64_t kind) {
  Value v;
  v.kind = kind;
  v.i = x;
  return v;
}
Value make_real(double x) {
  Value v;
  v.kind = kind_real;
  v.d = x;
  return v;
}
Value make_text(const char* data, size_t size) {
  Value v;
  v.kind = kind_text;
  v.size = static_cast<int64_t>(size);
  v.p = copy_text(data, size);
  return v;
}
Value make_list(size_t size, int64_t kind) {
  Value v;
  v.kind = kind;
  v.size = static_cast<int64_t>(size);
  v.p = std::calloc(std::max<size_t>(size, 1), sizeof(Value));
  if (!v.p) throw std::bad_alloc();
  return v;
}

// The loader has checked device and type; what it lets through by mistake is refused here.
at::Tensor import_tensor(void* pointer) {
  DLManagedTensor* managed = static_cast<DLManagedTensor*>(pointer);
  const DLTensor& tensor = managed->tensor;
  const DLType* found = std::find_if(std::begin(dl_types), std::end(dl_types), [&](const DLType& t) {
    return t.code == tensor.code && t.bits == tensor.bits && tensor.lanes == 1;
  });
  const bool on_device = tensor.device_type == dl_cuda;
  if (found == std::end(dl_types) || !(tensor.device_type == dl_cpu || (on_device && device_operations))) {
    fail("kbshim: tensor of a type that cannot cross");
  }
  Dims sizes(tensor.shape, tensor.shape + tensor.ndim);
  Dims strides = tensor.strides ? Dims(tensor.strides, tensor.strides + tensor.ndim) : contiguous_strides(sizes);
  Block* block = new Block;
  block->owner = managed;
  if (on_device) block->device = c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(tensor.device_id));
  char* data = static_cast<char*>(tensor.data) + tensor.byte_offset;
  return at::Tensor::kbshim_adopt(make_body(block, data, found->type, sizes, strides));
}

Value export_tensor(const at::Tensor& tensor) {
  Value value;
  if (!tensor.defined()) return value;
  Body* body = tensor.kbshim_body();
  const DLType* type =
      std::find_if(std::begin(dl_types), std::end(dl_types), [&](const DLType& t) { return t.type == body->type; });
  Exported* out = new Exported{{}, tensor};
  const bool on_device = body->device_type == c10::kCUDA;
  out->managed.tensor = {body->data, on_device ? dl_cuda : dl_cpu, on_device ? body->device_index : 0,
                         static_cast<int32_t>(body->sizes.size()), type->code,
                         type->bits, 1, body->sizes.data(), body->strides.data(), 0};
  out->managed.context = out;
  out->managed.deleter = [](DLManagedTensor* self) { delete static_cast<Exported*>(self->context); };
  value.kind = kind_tensor;
  value.p = &out->managed;
  return value;
}

const Table* table(void (*fill)(pybind11::module_&)) {
  if (the_module) return &the_module->table;
  Module* made = new Module;
  try {
    pybind11::module_ module(made);
    fill(module);
  } catch (...) {
    delete made;
    return nullptr;
  }
  for (const Module::Function& f : made->functions) {
    made->entries.push_back({f.name.c_str(), f.arguments.c_str(), f.result.c_str(), f.doc.c_str(),
                             f.argument_names.c_str(), f.defaults.data(), static_cast<int64_t>(f.defaults.size())});
  }
  made->table = {abi_version, made->doc.c_str(), static_cast<int64_t>(made->entries.size()), made->entries.data(),
                 &call, &release_value, device_operations ? device_cuda : device_cpu, &set_stream};
  the_module = made;
  return &made->table;
}

}  // namespace kbshim
