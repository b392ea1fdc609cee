#ifndef OPENP5_PLATFORM_RECOMMENDERS_TRANSITIONS_RECOMMENDER_H_
#define OPENP5_PLATFORM_RECOMMENDERS_TRANSITIONS_RECOMMENDER_H_

#include <cstdint>
#include <memory>

#include "datasets/sequences.h"
#include "platform/config/options.h"
#include "platform/recommenders/recommender.h"

namespace openp5::recommenders {

struct TransitionsOptions {
  int64_t window = 3;           // items after an item that count as its successors
  double decay = 0.7;           // weight of a successor one step further away
  double history_weight = 0.3;  // weight of a history item one step further back
  int64_t history = 20;         // latest items of a user's past that are asked

  void ForEach(OptionVisitor& visitor);
};

// The baseline of successor counts, without training. The training parts say how often item y came
// d steps after item x (d up to `window`); each time counts decay^(d - 1). An item's score is the
// sum of its counts after the user's latest items, of which the j-th from the end counts
// history_weight^j. Equal scores are ordered by the number of interactions in the training parts,
// then by raw id; items that nothing leads to follow, with score 0, in the same order. Keeps a
// reference to the dataset.
// Time: window times the interactions to count, and for each user the successors of his latest
// items. Memory: 16 bytes for each distinct pair of an item and a successor.
std::unique_ptr<Recommender> MakeTransitions(const datasets::SequenceDataset& dataset,
                                             const TransitionsOptions& options);

}  // namespace openp5::recommenders

#endif  // OPENP5_PLATFORM_RECOMMENDERS_TRANSITIONS_RECOMMENDER_H_
