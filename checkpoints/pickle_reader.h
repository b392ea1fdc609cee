#ifndef OPENP5_CHECKPOINTS_PICKLE_READER_H_
#define OPENP5_CHECKPOINTS_PICKLE_READER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "platform/base/status.h"

namespace openp5::checkpoints {

// A value of a pickle as data: calls are recorded, never made.
struct PickleValue {
  enum class Kind {
    kNone,
    kBool,          // integer: 0 or 1
    kInteger,       // integer
    kBigInteger,    // text: two's complement bytes, lowest first; for more than 64 bits
    kReal,          // real
    kString,        // text
    kBytes,         // text
    kTuple,         // items
    kList,          // items
    kDict,          // entries
    kGlobal,        // text: "module.name"
    kObject,        // items: {callable, arguments}, or none for a set; entries if a dict; state
    kPersistentId,  // items: {id}
  };
  using Entry = std::pair<const PickleValue*, const PickleValue*>;

  Kind kind = Kind::kNone;
  int64_t integer = 0;
  double real = 0;
  std::string text;
  std::vector<const PickleValue*> items;
  std::vector<Entry> entries;          // in the order of the file; keys may repeat
  const PickleValue* state = nullptr;  // what BUILD would give the object

  bool IsGlobal(std::string_view name) const { return kind == Kind::kGlobal && text == name; }
  // True if this is what calling the global of that name would have made.
  bool IsCallOf(std::string_view name) const {
    return kind == Kind::kObject && !items.empty() && items[0]->IsGlobal(name);
  }
};

// "a list" and the like, for messages.
std::string_view NameOf(PickleValue::Kind kind);

struct PickleOptions {
  std::string where;         // file, for messages
  size_t base_position = 0;  // of the pickle in the file, for messages
  // Whether a global ("module.name") may appear at all.
  std::function<bool(std::string_view)> allows_global;
  // Objects of any class and sets are kept as values of kind kObject, of which nothing is known but
  // what the pickle would have made them from; else their opcodes are refused.
  bool keeps_objects = false;
};

// The values of one pickle. They may form cycles, which is why they are owned together: walk them
// with a bound. Memory: about 150 bytes a value, at most one value an opcode, and at most
// kMaximumValues of them.
class Pickle {
 public:
  static constexpr size_t kMaximumValues = 1'000'000;

  // Reads the pickle at the beginning of `bytes` (protocols 2 to 5, what Python writes for dicts,
  // lists, tuples, strings and numbers). DataLoss naming the byte for a damaged pickle;
  // InvalidArgument naming the opcode or global for one that could do more than hold such data.
  static absl::StatusOr<Pickle> Read(std::string_view bytes, const PickleOptions& options);

  const PickleValue& root() const { return *root_; }
  const std::deque<PickleValue>& values() const { return values_; }
  // Bytes it takes in `bytes`.
  size_t size() const { return size_; }

 private:
  friend class PickleMachine;
  std::deque<PickleValue> values_;  // a deque: pointers stay valid while it grows and moves
  const PickleValue* root_ = nullptr;
  size_t size_ = 0;
};

}  // namespace openp5::checkpoints

#endif  // OPENP5_CHECKPOINTS_PICKLE_READER_H_
