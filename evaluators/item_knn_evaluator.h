#ifndef OPENP5_EVALUATORS_ITEM_KNN_EVALUATOR_H_
#define OPENP5_EVALUATORS_ITEM_KNN_EVALUATOR_H_

#include <cstdint>
#include <string>
#include <vector>

#include "datasets/sequences.h"
#include "evaluators/evaluation_options.h"
#include "evaluators/ranking_result.h"
#include "platform/config/options.h"

namespace openp5::evaluators {

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
// so that lists may be short. Users, targets, metrics and, if filtered, removal of past items are
// those of the model's evaluation; equal similarities and scores in order of item number.
// Time: the sum of squares of the training parts' lengths. Memory: 16 bytes a neighbour.
RankingResult EvaluateItemKnn(const datasets::SequenceDataset& dataset, const std::string& task,
                              const std::vector<Metric>& metrics, const EvaluationOptions& options,
                              const ItemKnnOptions& knn);

}  // namespace openp5::evaluators

#endif  // OPENP5_EVALUATORS_ITEM_KNN_EVALUATOR_H_
