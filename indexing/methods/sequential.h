#ifndef OPENP5_INDEXING_METHODS_SEQUENTIAL_H_
#define OPENP5_INDEXING_METHODS_SEQUENTIAL_H_

#include <array>

#include "platform/config/options.h"

namespace openp5::indexing {

// Users in file order, or by the length of their history.
enum class UserOrder { kOriginal, kShortToLong, kLongToShort };
constexpr auto EnumNames(UserOrder) {
  return std::to_array<const char*>({"original", "short2long", "long2short"});
}

struct SequentialOptions {
  UserOrder order = UserOrder::kOriginal;

  void ForEach(OptionVisitor& visitor);
};

}  // namespace openp5::indexing

#endif  // OPENP5_INDEXING_METHODS_SEQUENTIAL_H_
