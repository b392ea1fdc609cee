#ifndef OPENP5_DATASETS_SEQUENCE_ORDER_H_
#define OPENP5_DATASETS_SEQUENCE_ORDER_H_

#include <string>

#include "datasets/interactions.h"

namespace openp5::datasets {

// How rows of one time are ordered.
enum class TieOrder {
  kNumpy,   // as NumPy's unstable sort left them, see numpy_argsort.h
  kStable,  // as in the file
};

// The text of user_sequence.txt under OpenP5's "global" order: all rows sorted by time, users in
// order of first appearance in the sorted rows, each user's items as sorted. One line a user,
// `user item item …`, single blanks, LF.
std::string GlobalOrderText(const Interactions& interactions, TieOrder ties);

}  // namespace openp5::datasets

#endif  // OPENP5_DATASETS_SEQUENCE_ORDER_H_
