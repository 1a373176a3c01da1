// Guards: known bytes before and after the tensors that the runtime makes on the CPU, looked at when a call ends and
// when a tensor goes, so that a write beside a tensor is one clear failure, whatever happened to lie there. A write
// further away than the guards reach (64 KiB and the tensor's own size, at most 4 MiB) is not seen.
// Made only while kbshim_bounds is set: an allocation of a timed call costs what it ever did.
#include "internal.h"

// Set by the harness around the calls that it checks.
extern "C" {
__attribute__((visibility("default"))) int32_t kbshim_bounds = 0;
}

namespace kbshim {

namespace {

constexpr unsigned char known_byte = 0xA5;
constexpr size_t least_guard = 64 << 10;
constexpr size_t most_guard = 4 << 20;
constexpr size_t most_together = 256 << 20;  // a candidate that makes thousands of tensors goes on without guards

struct Guarded {
  std::mutex mutex;
  Block* first = nullptr;
  size_t together = 0;
  std::string found;  // beside a tensor that is gone
};
Guarded& guarded() {
  static Guarded* all = new Guarded;  // outlives static destructors: tensors may be freed after them
  return *all;
}

void write_guards(const Block& block) {
  char* start = static_cast<char*>(block.bytes) + block.guard;
  std::memset(start - block.guard, known_byte, block.guard);
  std::memset(start + block.size, known_byte, block.guard);
}

// How many bytes into a guard the first wrong byte lies, counted from the tensor; -1 where all are as they were.
int64_t first_wrong(const char* guard, size_t size, bool before) {
  const uint64_t known = 0x0101010101010101ull * known_byte;
  uint64_t differing = 0;
  for (size_t i = 0; i < size; i += 8) {
    uint64_t word;
    std::memcpy(&word, guard + i, 8);
    differing |= word ^ known;
  }
  if (!differing) return -1;
  for (size_t i = 0; i < size; i++) {
    if (static_cast<unsigned char>(guard[before ? size - 1 - i : i]) != known_byte) return static_cast<int64_t>(i);
  }
  return -1;
}

// What is wrong beside a tensor, in words; empty where nothing is.
std::string wrong_beside(const Block& block, const char* role) {
  const char* start = static_cast<const char*>(block.bytes) + block.guard;
  const int64_t after = first_wrong(start + block.size, block.guard, false);
  const int64_t before = after < 0 ? first_wrong(start - block.guard, block.guard, true) : -1;
  if (after < 0 && before < 0) return "";
  const int64_t distance = after < 0 ? before + 1 : after;
  return text("out of bounds write: byte ", distance, after < 0 ? " before the start of " : " past the end of ", role,
              " of ", block.size, " bytes");
}

}  // namespace

// The bytes of a tensor with guards around them, or nullptr where it gets none; `size` is more than 0.
char* allocate_guarded(Block* block, size_t size) {
  if (!kbshim_bounds) return nullptr;
  const size_t guard = std::min(most_guard, (least_guard + size) / 64 * 64), whole = size + 2 * guard;
  Guarded& all = guarded();
  std::lock_guard<std::mutex> lock(all.mutex);
  void* memory = nullptr;
  if (all.together + 2 * guard > most_together || posix_memalign(&memory, 64, whole)) return nullptr;
  block->bytes = memory;
  block->size = size;
  block->guard = guard;
  write_guards(*block);
  all.together += 2 * guard;
  block->next = all.first;
  if (all.first) all.first->previous = block;
  all.first = block;
  return static_cast<char*>(memory) + guard;
}

void forget_guarded(Block* block) noexcept {
  Guarded& all = guarded();
  std::lock_guard<std::mutex> lock(all.mutex);
  try {
    if (all.found.empty()) all.found = wrong_beside(*block, "a tensor that the function made and freed,");
  } catch (...) {
  }
  (block->previous ? block->previous->next : all.first) = block->next;
  if (block->next) block->next->previous = block->previous;
  all.together -= 2 * block->guard;
}

// Throws when something was written beside a guarded tensor since the last call; `returned` are the result's blocks.
void check_guards(const std::vector<const Block*>& returned) {
  Guarded& all = guarded();
  std::lock_guard<std::mutex> lock(all.mutex);
  std::string found;
  std::swap(found, all.found);
  for (const Block* block = all.first; block && found.empty(); block = block->next) {
    const bool result = std::find(returned.begin(), returned.end(), block) != returned.end();
    found = wrong_beside(*block, result ? "the returned tensor" : "a tensor that the function made,");
    if (!found.empty()) write_guards(*block);  // told once; what is written from now on is another call's
  }
  if (!found.empty()) throw c10::Error(found);
}

}  // namespace kbshim
