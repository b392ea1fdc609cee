#ifndef OPENP5_EVALUATORS_EVALUATION_OPTIONS_H_
#define OPENP5_EVALUATORS_EVALUATION_OPTIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "datasets/samples.h"
#include "platform/base/status.h"
#include "platform/config/options.h"

namespace openp5::evaluators {

// What is asked of whom, and how it is counted. Names and defaults are OpenP5's where it has them.
struct EvaluationOptions {
  std::string split = "test";
  std::string prompt = "seen:0";
  std::vector<std::string> metrics = {"hit@5", "hit@10", "ndcg@5", "ndcg@10"};
  // A user's past items (all before the target) cannot be recommended. A target that is among them
  // is lost too, as in OpenP5: showing it again would give the answer away.
  bool filtered = false;
  // The same, but removed after a search with largest k + longest history beams.
  bool filtered_batch = false;
  int64_t beams = 0;  // 0: the largest k of the metrics
  // All items are ranked by their exact scores instead of a search; `beams` is the length of the
  // lists then.
  bool exact = false;
  int64_t eval_batch_size = 20;  // users a search computes at once
  int64_t users = 0;             // first n users only; 0: all
  // Longest generation in tokens, the start token included. 0: OpenP5's 50, or 30 filtered, and
  // longer where an identifier needs it (not with openp5_compat).
  int64_t max_length = 0;
  std::string score_normalization = "full";

  void ForEach(OptionVisitor& visitor);

  // kValidation or kTest.
  datasets::Split SplitKind() const;
  std::string FilterName() const;
  // A usage error for options that exclude each other, or what `openp5_compat` asks for.
  absl::Status Check(bool openp5_compat = false) const;
};

}  // namespace openp5::evaluators

#endif  // OPENP5_EVALUATORS_EVALUATION_OPTIONS_H_
