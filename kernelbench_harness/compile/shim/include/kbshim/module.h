// PYBIND11_MODULE without Python: the module becomes a table of C functions that the loader reads through ctypes.
// Supported: m.def(name, function or lambda, docstrings, py::arg with and without defaults) and m.doc() = "...".
#pragma once

#include "kbshim/abi.h"
#include "kbshim/torch.h"

namespace kbshim {

// Type codes of a function's arguments, each followed by a comma, or of its result.
class Code {
 public:
  void add(char c) {
    if (size_ + 1 < sizeof text_) text_[size_++] = c;
    else fail("kbshim: a function with too many arguments");
  }
  const char* c_str() const { return text_; }

 private:
  char text_[1024] = {};
  size_t size_ = 0;
};

// How one C++ type crosses the table. Types without a specialisation do not compile: the stock headers decide.
template <typename T, typename = void>
struct Cross;

template <typename T>
constexpr bool is_number =
    std::is_same_v<T, int8_t> || std::is_same_v<T, uint8_t> || std::is_same_v<T, int16_t> ||
    std::is_same_v<T, uint16_t> || std::is_same_v<T, int32_t> || std::is_same_v<T, uint32_t> ||
    std::is_same_v<T, int64_t> || std::is_same_v<T, uint64_t> || std::is_same_v<T, long long> ||
    std::is_same_v<T, unsigned long long>;

template <typename T>
struct Cross<T, std::enable_if_t<is_number<T>>> {
  static void name(Code& code) {
    code.add(std::is_signed_v<T> ? 'i' : 'u');
    code.add(static_cast<char>('0' + sizeof(T)));
  }
  static T in(const Value& v) { return static_cast<T>(v.i); }
  static Value out(T x) { return make_int(static_cast<int64_t>(x), std::is_signed_v<T> ? kind_int : kind_unsigned); }
};
template <typename T>
struct Cross<T, std::enable_if_t<std::is_floating_point_v<T> && sizeof(T) <= 8>> {
  static void name(Code& code) {
    code.add('f');
    code.add(static_cast<char>('0' + sizeof(T)));
  }
  static T in(const Value& v) { return static_cast<T>(v.d); }
  static Value out(T x) { return make_real(x); }
};
template <>
struct Cross<bool> {
  static void name(Code& code) { code.add('b'); }
  static bool in(const Value& v) { return v.i != 0; }
  static Value out(bool x) { return make_int(x, kind_bool); }
};
#ifdef KBSHIM_HAS_STREAM
template <>
struct Cross<std::string> {
  static void name(Code& code) { code.add('s'); }
  static std::string in(const Value& v) { return std::string(static_cast<const char*>(v.p), v.size); }
  static Value out(const std::string& x) { return make_text(x.data(), x.size()); }
};
#endif
template <>
struct Cross<at::Tensor> {
  static void name(Code& code) { code.add('T'); }
  static at::Tensor in(const Value& v) { return import_tensor(v.p); }
  static Value out(const at::Tensor& x) { return export_tensor(x); }
};
#ifdef KBSHIM_HAS_OPTIONAL
template <typename T>
struct Cross<std::optional<T>> {
  static void name(Code& code) {
    code.add('?');
    Cross<T>::name(code);
  }
  static std::optional<T> in(const Value& v) {
    return v.kind == kind_none ? std::optional<T>() : std::optional<T>(Cross<T>::in(v));
  }
  static Value out(const std::optional<T>& x) { return x ? Cross<T>::out(*x) : Value{}; }
};
#endif
#ifdef KBSHIM_HAS_VECTOR
template <typename T>
struct Cross<std::vector<T>, std::enable_if_t<!std::is_same_v<T, bool>>> {
  static void name(Code& code) {
    code.add('[');
    Cross<T>::name(code);
  }
  static std::vector<T> in(const Value& v) {
    std::vector<T> items;
    items.reserve(v.size);
    for (int64_t i = 0; i < v.size; i++) items.push_back(Cross<T>::in(static_cast<const Value*>(v.p)[i]));
    return items;
  }
  static Value out(const std::vector<T>& items) {
    Value list = make_list(items.size(), kind_list);
    for (size_t i = 0; i < items.size(); i++) static_cast<Value*>(list.p)[i] = Cross<T>::out(items[i]);
    return list;
  }
};
template <>
struct Cross<c10::IntArrayRef> {
  static void name(Code& code) { Cross<std::vector<int64_t>>::name(code); }
  static std::vector<int64_t> in(const Value& v) { return Cross<std::vector<int64_t>>::in(v); }
};
#endif
#ifdef KBSHIM_HAS_TUPLE
template <typename... T>
struct Cross<std::tuple<T...>> {
  static void name(Code& code) {
    code.add('(');
    (Cross<T>::name(code), ...);
    code.add(')');
  }
  static Value out(const std::tuple<T...>& items) { return fill(items, std::index_sequence_for<T...>()); }
  template <size_t... I>
  static Value fill(const std::tuple<T...>& items, std::index_sequence<I...>) {
    Value list = make_list(sizeof...(T), kind_tuple);
    ((static_cast<Value*>(list.p)[I] = Cross<T>::out(std::get<I>(items))), ...);
    return list;
  }
};
template <typename A, typename B>
struct Cross<std::pair<A, B>> {
  static void name(Code& code) { Cross<std::tuple<A, B>>::name(code); }
  static Value out(const std::pair<A, B>& x) { return Cross<std::tuple<A, B>>::out({x.first, x.second}); }
};
#endif

// By value, by const reference, and (tensors alone) by reference; anything else is no argument of ours.
template <typename T>
struct Argument {
  using Plain = std::remove_cv_t<std::remove_reference_t<T>>;
  static_assert(!std::is_rvalue_reference_v<T>, "kbshim: rvalue reference argument");
  static_assert(!std::is_lvalue_reference_v<T> || std::is_const_v<std::remove_reference_t<T>> ||
                    std::is_same_v<Plain, at::Tensor>,
                "kbshim: reference argument");
  using Held = decltype(Cross<Plain>::in(std::declval<const Value&>()));
};

// One argument for the time of the call: a temporary that lives until the call is over.
template <typename T>
struct Holder {
  explicit Holder(const Value& value) : held(Cross<typename Argument<T>::Plain>::in(value)) {}
  typename Argument<T>::Held& get() { return held; }
  typename Argument<T>::Held held;
};

using Thunk = void (*)(void* closure, const Value* arguments, Value* result);

template <typename F, typename R, typename... A>
struct Caller {
  static void call(void* closure, const Value* arguments, Value* result) {
    invoke(*static_cast<F*>(closure), arguments, result, std::index_sequence_for<A...>());
  }
  template <size_t... I>
  static void invoke(F& f, const Value* arguments, Value* result, std::index_sequence<I...>) {
    (void)arguments;
    if constexpr (std::is_void_v<R>) {
      f(static_cast<A>(Holder<A>(arguments[I]).get())...);
      *result = Value{};
    } else {
      *result = Cross<std::remove_cv_t<std::remove_reference_t<R>>>::out(
          f(static_cast<A>(Holder<A>(arguments[I]).get())...));
    }
  }
};

template <typename R>
void result_name(Code& code) {
  if constexpr (std::is_void_v<R>) code.add('v');
  else Cross<std::remove_cv_t<std::remove_reference_t<R>>>::name(code);
}
template <typename T>
void argument_name(Code& code) {
  Cross<T>::name(code);
  code.add(',');
}

template <typename F>
struct Shape : Shape<decltype(&F::operator())> {};
template <typename R, typename... A>
struct Shape<R (*)(A...)> {
  static constexpr size_t arity = sizeof...(A);
  template <typename F>
  using Call = Caller<F, R, A...>;
  static void names(Code& code) { (argument_name<typename Argument<A>::Plain>(code), ...); }
  static void result(Code& code) { result_name<R>(code); }
};
template <typename C, typename R, typename... A>
struct Shape<R (C::*)(A...) const> : Shape<R (*)(A...)> {};

// One m.def, as the header hands it to the runtime, which copies it.
struct Definition {
  const char* name;
  const char* arguments;
  const char* result;
  void* closure;
  Thunk thunk;
};
struct Module;
void define(Module* module, const Definition& definition);
// For the definition last made.
void set_doc(Module* module, const char* doc);
void add_argument(Module* module, const char* name, const Value& default_value);
void set_module_doc(Module* module, const char* doc);

}  // namespace kbshim

namespace pybind11 {

struct arg_v;
struct arg {
  constexpr explicit arg(const char* name = nullptr) : name(name) {}
  template <typename T>
  arg_v operator=(T&& value) const;
  const char* name;
};
struct arg_v : arg {
  arg_v(const arg& base, kbshim::Value value) : arg(base), value(value) {}
  kbshim::Value value;
};
template <typename T>
arg_v arg::operator=(T&& value) const {
  using Plain = std::decay_t<T>;
  if constexpr (std::is_same_v<Plain, const char*> || std::is_same_v<Plain, char*>) {
    return arg_v(*this, kbshim::make_text(value, strlen(value)));
#ifdef KBSHIM_HAS_OPTIONAL
  } else if constexpr (std::is_same_v<Plain, std::nullopt_t>) {
    return arg_v(*this, kbshim::Value{});
#endif
  } else {
    return arg_v(*this, kbshim::Cross<Plain>::out(value));
  }
}

class module_ {
 public:
  template <typename F, typename... Extra>
  module_& def(const char* name, F&& function, const Extra&... extra) {
    using Plain = std::decay_t<F>;
    using Shape = kbshim::Shape<Plain>;
    constexpr size_t named = (size_t(0) + ... + size_t(std::is_base_of_v<arg, Extra>));
    static_assert(named == 0 || named == Shape::arity,
                  "The number of argument annotations does not match the number of function arguments");
    kbshim::Code arguments, result;
    Shape::names(arguments);
    Shape::result(result);
    kbshim::define(kbshim_module, {name, arguments.c_str(), result.c_str(), new Plain(std::forward<F>(function)),
                                   &Shape::template Call<Plain>::call});
    (take(extra), ...);
    return *this;
  }

  struct kbshim_Doc {
    kbshim::Module* module;
    void operator=(const char* text) { kbshim::set_module_doc(module, text); }
  };
  kbshim_Doc doc() { return {kbshim_module}; }

  explicit module_(kbshim::Module* module) : kbshim_module(module) {}

 private:
  void take(const char* doc) { kbshim::set_doc(kbshim_module, doc); }
  void take(const arg& a) { kbshim::add_argument(kbshim_module, a.name, {kbshim::kind_absent, 0, {0}}); }
  void take(const arg_v& a) { kbshim::add_argument(kbshim_module, a.name, a.value); }
  kbshim::Module* kbshim_module;
};
using module = module_;

}  // namespace pybind11

namespace py = pybind11;

namespace torch {

template <typename F>
auto wrap_pybind_function(F&& function) {
  return std::decay_t<F>(std::forward<F>(function));
}

}  // namespace torch

// The exported name carries the module's name, so a module under another name than the request's is not found, as with
// PyInit_<name>. Two steps, because TORCH_EXTENSION_NAME is itself a macro.
#define PYBIND11_MODULE(name, variable) KBSHIM_MODULE(name, variable)
#define KBSHIM_MODULE(name, variable)                                                                          \
  static void pybind11_init_##name(::pybind11::module_&);                                                      \
  extern "C" __attribute__((visibility("default"))) const ::kbshim::Table* kbshim_table_##name() {             \
    return ::kbshim::table(&pybind11_init_##name);                                                             \
  }                                                                                                            \
  void pybind11_init_##name(::pybind11::module_&(variable))
