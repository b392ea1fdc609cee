#ifndef OPENP5_INDEXING_METHODS_SEQUENTIAL_H_
#define OPENP5_INDEXING_METHODS_SEQUENTIAL_H_

#include <string>

#include "platform/config/options.h"

namespace openp5::indexing {

struct SequentialOptions {
  std::string order = "original";  // "original", "short2long", "long2short"

  void ForEach(OptionVisitor& visitor);
};

}  // namespace openp5::indexing

#endif  // OPENP5_INDEXING_METHODS_SEQUENTIAL_H_
