#ifndef OPENP5_DATASETS_SEQUENCE_ORDER_H_
#define OPENP5_DATASETS_SEQUENCE_ORDER_H_

#include <cstdint>
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

// One user's items, oldest first; numbers of Interactions' tables.
struct UserItems {
  int32_t user = 0;
  std::vector<int32_t> items;
};

// Every user who has rows, in the order asked for.
std::vector<UserItems> OrderSequences(const Interactions& interactions, SequenceOrder order,
                                      TieOrder ties);

}  // namespace openp5::datasets

#endif  // OPENP5_DATASETS_SEQUENCE_ORDER_H_
