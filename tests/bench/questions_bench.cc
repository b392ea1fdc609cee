// What questions cost that come one by one, beside the same users in one evaluation:
//   openp5_questions_bench CHECKPOINT DATA_DIR DATASET [USERS [ASKERS]]
// ASKERS threads (default: the cores) ask an opened recommender for USERS users (default 1000),
// each question on its own; then one call ranks all of them.
#include <ATen/Parallel.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "platform/base/file.h"
#include "platform/recommenders/open_folder.h"

namespace openp5::recommenders {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsOf(const std::function<void()>& work) {
  const auto start = Clock::now();
  work();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

absl::StatusOr<std::unique_ptr<Recommender>> Open(const std::string& path,
                                                  const std::string& dataset_folder) {
  OPENP5_ASSIGN_OR_RETURN(const Runtime runtime, StartRuntime({}));
  std::vector<datasets::SequenceDataset> datasets;
  OPENP5_ASSIGN_OR_RETURN(auto dataset, datasets::SequenceDataset::Open(dataset_folder));
  datasets.push_back(std::move(dataset));
  return OpenFolder(BuiltinKinds(), path, std::move(datasets), runtime);
}

absl::Status Measure(const std::vector<std::string>& words) {
  OPENP5_ASSIGN_OR_RETURN(const auto opened, Open(words[1], JoinPath(words[2], words[3])));
  const datasets::SequenceDataset& dataset = opened->dataset(0);
  const auto users =
      std::min<size_t>(words.size() > 4 ? std::stoul(words[4]) : 1000, dataset.user_count());
  const auto askers =
      words.size() > 5 ? std::stoul(words[5]) : std::max(1u, std::thread::hardware_concurrency());
  std::vector<Query> queries(users);
  for (size_t i = 0; i < users; ++i) {
    queries[i].user = static_cast<int32_t>(i);
    queries[i].history = dataset.Sequence(static_cast<int32_t>(i));
  }
  std::atomic<size_t> next = 0;
  std::atomic<bool> failed = false;
  const double alone = SecondsOf([&] {
    std::vector<std::jthread> threads;
    for (size_t asker = 0; asker < askers; ++asker) {
      threads.emplace_back([&] {
        at::set_num_threads(1);
        for (size_t i = next++; i < users; i = next++) {
          if (!opened->Rank(std::span(&queries[i], 1), 10, {}).ok()) failed = true;
        }
      });
    }
  });
  const double together = SecondsOf([&] {
    if (!opened->Rank(queries, 10, {}).ok()) failed = true;
  });
  if (failed) return absl::InternalError("a question was not answered");
  std::printf("%zu questions one by one, %lu askers: %.2f s; in one call: %.2f s; ratio %.2f\n",
              users, static_cast<unsigned long>(askers), alone, together, alone / together);
  return absl::OkStatus();
}

}  // namespace
}  // namespace openp5::recommenders

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fputs("usage: openp5_questions_bench CHECKPOINT DATA_DIR DATASET [USERS [ASKERS]]\n",
               stderr);
    return 2;
  }
  const absl::Status status =
      openp5::recommenders::Measure(std::vector<std::string>(argv, argv + argc));
  if (!status.ok())
    std::fprintf(stderr, "%s\n", std::string(openp5::ToStd(status.message())).c_str());
  return status.ok() ? 0 : 1;
}
