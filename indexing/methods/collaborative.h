#ifndef OPENP5_INDEXING_METHODS_COLLABORATIVE_H_
#define OPENP5_INDEXING_METHODS_COLLABORATIVE_H_

#include <cstdint>
#include <string>

#include "platform/config/options.h"

namespace openp5::indexing {

// Names and defaults are OpenP5's.
struct CollaborativeOptions {
  int64_t token_size = 200;               // most items in a leaf group, and modulus of group tokens
  int64_t cluster = 20;                   // groups a split makes
  std::string last_token = "sequential";  // or "random"
  // Items without training data: "openp5" (one token, may be a prefix of others), "prefix-free".
  std::string unseen_items = "openp5";

  void ForEach(OptionVisitor& visitor);
};

}  // namespace openp5::indexing

#endif  // OPENP5_INDEXING_METHODS_COLLABORATIVE_H_
