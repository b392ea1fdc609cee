#ifndef OPENP5_PLATFORM_RECOMMENDERS_KINDS_H_
#define OPENP5_PLATFORM_RECOMMENDERS_KINDS_H_

#include <memory>
#include <string>
#include <vector>

#include "checkpoints/checkpoint.h"
#include "checkpoints/reading.h"
#include "datasets/prompts.h"
#include "datasets/sequences.h"
#include "platform/base/status.h"
#include "platform/config/options.h"
#include "platform/recommenders/checkpoint_index.h"
#include "platform/recommenders/load_model.h"
#include "platform/recommenders/recommender.h"
#include "platform/registry/registry.h"
#include "platform/tensor/runtime.h"

namespace openp5::recommenders {

// What a recommender is opened with that was trained before.
struct OpenRequest {
  checkpoints::ModelSource source;
  CheckpointOptions checkpoint;
  IndexRequest index;
  checkpoints::Reading reading;
  std::vector<datasets::SequenceDataset> datasets;
  datasets::PromptSet prompts;
  Runtime runtime;
};

// A kind of recommender: everything the program knows of it besides its training, which is a kind
// of task of the same name (trainers/tasks).
struct RecommenderKind {
  std::string title = {};  // what messages call it, "a SASRec"
  // A kind that is trained says whether `manifest` is of one of its checkpoints (nullptr stands for
  // files that are no checkpoint of openp5), and opens one. Opening fails as LoadCheckpoint.
  bool (*holds)(const checkpoints::Manifest* manifest) = nullptr;
  absl::StatusOr<std::unique_ptr<Recommender>> (*open)(OpenRequest request) = nullptr;
  bool reads_prompts = false;

  // A baseline, which is not trained, has options, and is made of a dataset, to which it keeps a
  // reference.
  std::unique_ptr<OptionGroup> (*make_options)() = nullptr;
  std::unique_ptr<Recommender> (*make)(const datasets::SequenceDataset& dataset,
                                       const OptionGroup& options) = nullptr;

  bool is_baseline() const { return make != nullptr; }
};

// "generative", "sasrec"; "popularity", "item-knn", "transitions".
absl::Status RegisterBuiltinKinds(Registry<RecommenderKind>* kinds);
// Returns a registry of these only.
Registry<RecommenderKind> BuiltinKinds();

// The kind that `source` is of. FailedPrecondition for a checkpoint of no kind that is known.
absl::StatusOr<const RecommenderKind*> FindKind(const Registry<RecommenderKind>& kinds,
                                                const checkpoints::ModelSource& source);

// Some baselines, by name, with the options of all that there are.
class BaselineOptions {
 public:
  // Knows the baselines among `kinds`.
  explicit BaselineOptions(const Registry<RecommenderKind>& kinds);

  void ForEach(OptionVisitor& visitor);

  // False for "none".
  bool any() const { return names.front() != "none"; }
  // A usage error if none is named, one is named twice, or "none" beside others.
  absl::Status Check() const;
  // The baselines of `dataset` in the order of the names; the options must pass Check.
  std::vector<std::unique_ptr<Recommender>> Make(const datasets::SequenceDataset& dataset) const;

  std::vector<std::string> names = {"none"};

 private:
  struct Baseline {
    std::string name;
    RecommenderKind kind;
    AnyOptions options;
  };
  std::vector<Baseline> known_;
};

}  // namespace openp5::recommenders

#endif  // OPENP5_PLATFORM_RECOMMENDERS_KINDS_H_
