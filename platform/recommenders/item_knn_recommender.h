#ifndef OPENP5_PLATFORM_RECOMMENDERS_ITEM_KNN_RECOMMENDER_H_
#define OPENP5_PLATFORM_RECOMMENDERS_ITEM_KNN_RECOMMENDER_H_

#include <cstdint>
#include <memory>

#include "datasets/sequences.h"
#include "platform/config/options.h"
#include "platform/recommenders/recommender.h"

namespace openp5::recommenders {

struct ItemKnnOptions {
  int64_t neighbours = 100;  // kept of each item
  // Added to the cosine's denominator: makes less of similarities that few users support.
  double shrink = 0;

  void ForEach(OptionVisitor& visitor);
};

// The baseline of item-based collaborative filtering (Sarwar et al., 2001; Deshpande and Karypis,
// 2004): the similarity of two items is the cosine of the sets of users whose training parts hold
// them; each item keeps its most similar ones, and an item's score is the sum of its similarities
// to those items of the user's past that keep it. Items that none of the past keeps are not ranked,
// so that lists may be short; equal similarities and scores in order of item number. Keeps a
// reference to the dataset.
// Time: the sum of squares of the training parts' lengths. Memory: 16 bytes a neighbour.
std::unique_ptr<Recommender> MakeItemKnn(const datasets::SequenceDataset& dataset,
                                         const ItemKnnOptions& options);

}  // namespace openp5::recommenders

#endif  // OPENP5_PLATFORM_RECOMMENDERS_ITEM_KNN_RECOMMENDER_H_
