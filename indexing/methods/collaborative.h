#ifndef OPENP5_INDEXING_METHODS_COLLABORATIVE_H_
#define OPENP5_INDEXING_METHODS_COLLABORATIVE_H_

#include <array>
#include <cstdint>

#include "platform/config/options.h"

namespace openp5::indexing {

// How the items of a leaf group are numbered.
enum class LastToken { kSequential, kRandom };
constexpr auto EnumNames(LastToken) { return std::to_array<const char*>({"sequential", "random"}); }

// Identifiers of items without training data. kOpenP5: one token, which may be a prefix of others.
enum class UnseenItems { kOpenP5, kPrefixFree };
constexpr auto EnumNames(UnseenItems) {
  return std::to_array<const char*>({"openp5", "prefix-free"});
}

// Names and defaults are OpenP5's.
struct CollaborativeOptions {
  int64_t token_size = 200;  // most items in a leaf group, and modulus of group tokens
  int64_t cluster = 20;      // groups a split makes
  LastToken last_token = LastToken::kSequential;
  UnseenItems unseen_items = UnseenItems::kOpenP5;

  void ForEach(OptionVisitor& visitor);
};

}  // namespace openp5::indexing

#endif  // OPENP5_INDEXING_METHODS_COLLABORATIVE_H_
