#ifndef OPENP5_DATASETS_SEQUENCE_ORDER_H_
#define OPENP5_DATASETS_SEQUENCE_ORDER_H_

#include <cstdint>
#include <span>
#include <vector>

#include "datasets/interactions.h"

namespace openp5::datasets {

// How events become sequences.
enum class SequenceOrder {
  kGlobal,   // all rows sorted by time; users in order of first appearance in the sorted rows
  kPerUser,  // users in order of first appearance in the file; each one's rows sorted by time
};

// How rows of one time are ordered.
enum class TieOrder {
  kNumpy,   // as NumPy's unstable sort left them, see numpy_argsort.h
  kStable,  // as in the file
};

// Users and their items, oldest first; numbers of Interactions' tables.
struct OrderedSequences {
  std::vector<int32_t> users;
  std::vector<size_t> offsets{0};  // [users + 1]
  std::vector<int32_t> items;      // of the user at place p: from offsets[p] to offsets[p + 1]

  std::span<const int32_t> Items(size_t place) const {
    return std::span(items).subspan(offsets[place], offsets[place + 1] - offsets[place]);
  }
};

// Every user who has rows, in the order asked for. Memory: 4 bytes a row for stable ties, 16 for
// NumPy's, besides the result.
OrderedSequences OrderSequences(const Interactions& interactions, SequenceOrder order,
                                TieOrder ties);

}  // namespace openp5::datasets

#endif  // OPENP5_DATASETS_SEQUENCE_ORDER_H_
