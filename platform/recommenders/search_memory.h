#ifndef OPENP5_PLATFORM_RECOMMENDERS_SEARCH_MEMORY_H_
#define OPENP5_PLATFORM_RECOMMENDERS_SEARCH_MEMORY_H_

#include <cstdint>

#include "platform/base/status.h"
#include "platform/models/common/generation.h"

namespace openp5::recommenders {

// What a search over identifiers takes of memory, in bytes of tensors.
struct SearchCost {
  int64_t reading = 0;  // at the most while one prompt is read
  int64_t prompt = 0;   // kept of it afterwards
  int64_t step = 0;     // at the most while one continuation is advanced by a token
  int64_t token = 0;    // kept of every token of a continuation
};

// Measures them: `model` reads `prompt`, which is one user's, and goes on by two tokens. Fails as
// LibTorch.
absl::StatusOr<SearchCost> MeasureSearch(models::GenerativeModel& model,
                                         const models::PackedBatch& prompt);

// A search of several users at once.
struct SearchSize {
  int64_t users = 1;
  int64_t beams = 10;  // of each user
  int64_t length = 8;  // tokens of an identifier
  int64_t vocabulary = 0;
  bool exact = false;  // all items are scored instead
};

// What such a search takes of the system's memory at its peak.
int64_t SearchBytes(const SearchCost& cost, const SearchSize& size);

}  // namespace openp5::recommenders

#endif  // OPENP5_PLATFORM_RECOMMENDERS_SEARCH_MEMORY_H_
