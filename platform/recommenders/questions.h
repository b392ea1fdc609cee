#ifndef OPENP5_PLATFORM_RECOMMENDERS_QUESTIONS_H_
#define OPENP5_PLATFORM_RECOMMENDERS_QUESTIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "datasets/sequences.h"
#include "platform/base/status.h"
#include "platform/config/options.h"
#include "platform/recommenders/recommender.h"

namespace openp5::recommenders {

// Who is recommended to, and what never is.
struct QuestionOptions {
  std::string user;                        // one user's raw id
  std::vector<std::string> history_items;  // of one user, instead of his own
  std::string users_file;
  bool all = false;
  bool include_seen = false;
  std::string allow, deny;  // files of raw item ids

  void ForEach(OptionVisitor& visitor);
  // True for more than one question.
  bool many() const { return all || !users_file.empty(); }
  // A usage error unless exactly one of the ways to ask is taken.
  absl::Status Check() const;
  // The files that are read.
  std::vector<std::string> Files() const { return {users_file, allow, deny}; }
};

// One question. `query` refers to `history`, so that it is moved, not copied.
struct Question {
  std::string user = {};  // raw id; empty: nobody in particular
  std::vector<int32_t> history = {};
  Query query = {};

  Question() = default;
  Question(Question&&) = default;
  Question& operator=(Question&&) = default;
  Question(const Question&) = delete;
};

// The questions of `options` in the order of users in file or dataset. NotFound, with file and line
// where there are any, for a user or an item that `dataset` does not have.
absl::StatusOr<std::vector<Question>> ReadQuestions(const QuestionOptions& options,
                                                    const datasets::SequenceDataset& dataset);

}  // namespace openp5::recommenders

#endif  // OPENP5_PLATFORM_RECOMMENDERS_QUESTIONS_H_
