#include "trainers/objective.h"

#include <numeric>

#include "trainers/loss.h"

namespace openp5::trainers {
namespace {

double Examples(const std::vector<int64_t>& lengths) { return static_cast<double>(lengths.size()); }

double Tokens(const std::vector<int64_t>& lengths) {
  return static_cast<double>(std::accumulate(lengths.begin(), lengths.end(), int64_t{0}));
}

}  // namespace

absl::Status RegisterBuiltinObjectives(Registry<Objective>* objectives) {
  // Names as OpenP5 spells them: T5's norms are "layer_norm.weight" and are decayed.
  OPENP5_RETURN_IF_ERROR(
      objectives->Register("seq2seq", {.collate = CollateSeq2Seq,
                                       .reduce = MeanOfExampleMeans,
                                       .weight = Examples,
                                       .undecayed = {"bias", "LayerNorm.weight"}}));
  return objectives->Register("causal", {.collate = CollateCausal,
                                         .collate_runs = CollateCausalRuns,
                                         .reduce = MeanOfTokens,
                                         .weight = Tokens,
                                         .undecayed = {"bias", "norm.weight"},
                                         .torch_optimizer = true});
}

}  // namespace openp5::trainers
