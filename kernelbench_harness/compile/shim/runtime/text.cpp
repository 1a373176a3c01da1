// Texts of units that have no streams (KBSHIM_SLIM): the same words as std::ostream would write.
#include "internal.h"

namespace kbshim {
namespace plain {

// As in text.h, which shows one of the two forms at a time.
class Text {
 public:
  void add(const char* text);
  void add(char c);
  void add(long long value);
  void add(unsigned long long value);
  void add(double value);
  void add(caffe2::TypeMeta type);
  void add(c10::DeviceType type);
  void add(const c10::Device& device);
  void add(c10::ArrayRef<int64_t> list);

 private:
  void append(const char* text, size_t size);
  char* data_;
  size_t size_;
};

void Text::append(const char* text, size_t size) {
  char* grown = static_cast<char*>(std::realloc(data_, size_ + size + 1));
  if (!grown) throw std::bad_alloc();
  std::memcpy(grown + size_, text, size);
  data_ = grown;
  size_ += size;
  data_[size_] = 0;
}

void Text::add(const char* text) { append(text, std::strlen(text)); }
void Text::add(char c) { append(&c, 1); }
void Text::add(long long value) { add(std::to_string(value).c_str()); }
void Text::add(unsigned long long value) { add(std::to_string(value).c_str()); }
void Text::add(double value) { add(streamed::text(value).c_str()); }
void Text::add(caffe2::TypeMeta type) { add(streamed::text(type).c_str()); }
void Text::add(c10::DeviceType type) { add(streamed::text(type).c_str()); }
void Text::add(const c10::Device& device) { add(streamed::text(device).c_str()); }
void Text::add(c10::ArrayRef<int64_t> list) { add(streamed::text(list).c_str()); }

}  // namespace plain
}  // namespace kbshim
