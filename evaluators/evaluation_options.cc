#include "evaluators/evaluation_options.h"

namespace openp5::evaluators {

void EvaluationOptions::ForEach(OptionVisitor& visitor) {
  visitor.Visit({.name = "split",
                 .help = "whose target is asked for: a user's last item (test) or the one before",
                 .choices = {"validation", "test"}},
                &split);
  visitor.Visit({.name = "prompt", .help = "template to ask with: seen:N or unseen:N"}, &prompt);
  visitor.Visit(
      {.name = "metrics",
       .help = "metrics of the first K items, each as NAME@K: hit, recall, precision, ndcg, mrr, "
               "map, rbp; coverage, gini, entropy, novelty, popularity, tail, debiased-hit"},
      &metrics);
  visitor.Visit({.name = "filtered", .help = "never recommend an item the user has seen before"},
                &filtered);
  visitor.Visit({.name = "filtered-batch",
                 .help = "the same, by a wider search whose seen items are removed afterwards"},
                &filtered_batch);
  visitor.Visit({.name = "beams",
                 .help = "width of the search; 0: the largest K of the metrics",
                 .minimum = 0,
                 .maximum = 100000},
                &beams);
  visitor.Visit({.name = "exact",
                 .help = "score every item instead of searching: slower the more items there are; "
                         "--beams is only the length of the lists then"},
                &exact);
  visitor.Visit({.name = "eval-batch-size",
                 .help = "users searched for at once",
                 .minimum = 1,
                 .maximum = 100000},
                &eval_batch_size);
  visitor.Visit({.name = "users", .help = "only the first N users; 0: all", .minimum = 0}, &users);
  visitor.Visit({.name = "max-length",
                 .help = "longest generation in tokens, start token included; 0: what identifiers "
                         "need, at least 50 (30 filtered)",
                 .minimum = 0,
                 .maximum = 100000},
                &max_length);
  visitor.Visit({.name = "score-normalization",
                 .help = "scores over the whole vocabulary (as published), or over the allowed "
                         "tokens only (faster, other scores)",
                 .choices = {"full", "allowed"}},
                &score_normalization);
}

datasets::Split EvaluationOptions::SplitKind() const {
  return split == "test" ? datasets::Split::kTest : datasets::Split::kValidation;
}

std::string EvaluationOptions::FilterName() const {
  if (filtered) return "search";
  return filtered_batch ? "afterwards" : "none";
}

absl::Status EvaluationOptions::Check(bool openp5_compat) const {
  if (filtered && filtered_batch) {
    return UsageError("--filtered and --filtered-batch: expected one of them, got both");
  }
  if (exact && max_length > 0) {
    return UsageError("--exact and --max-length: expected one of them, got both");
  }
  if (exact && openp5_compat) {
    return UsageError(
        "--exact and --openp5-compat: expected one of them, got both; hint: OpenP5 searches");
  }
  return absl::OkStatus();
}

}  // namespace openp5::evaluators
