#include "platform/app/recommender.h"

#include <utility>

#include "checkpoints/checkpoint.h"
#include "datasets/prompts.h"
#include "evaluators/indexed_dataset.h"
#include "evaluators/ranking_evaluator.h"
#include "evaluators/sasrec_evaluator.h"
#include "platform/models/sasrec.h"
#include "trainers/sasrec_folder.h"

namespace openp5::app {
namespace {

// A language model that writes identifiers.
class GenerativeRecommender final : public Recommender {
 public:
  static absl::StatusOr<std::unique_ptr<Recommender>> Open(const RecommenderOptions& options,
                                                           const CommandLine& line,
                                                           const Runtime& runtime,
                                                           const evaluators::Sharding& sharding) {
    OPENP5_ASSIGN_OR_RETURN(auto datasets, options.data.OpenDatasets());
    OPENP5_ASSIGN_OR_RETURN(auto prompts, options.data.LoadPrompts());
    OPENP5_RETURN_IF_ERROR(options.data.CheckPrompt(prompts, "prompt", options.prompt));
    auto opened = std::unique_ptr<GenerativeRecommender>(
        new GenerativeRecommender(std::move(prompts), runtime.device, sharding));
    OPENP5_ASSIGN_OR_RETURN(
        opened->loaded_,
        LoadCheckpoint(options.checkpoint, datasets,
                       IndexRequest::From(line, options.index, options.data), runtime));
    datasets::HistoryOptions history = options.history;
    OPENP5_RETURN_IF_ERROR(UseTrainedHistory(line, opened->loaded_.training, &history));
    OPENP5_ASSIGN_OR_RETURN(
        opened->datasets_,
        JoinIndexes(std::move(datasets), std::move(opened->loaded_.indexes), history));
    return opened;
  }

  const datasets::SequenceDataset& dataset(size_t number) const override {
    return datasets_[number]->dataset();
  }
  std::vector<std::string> index_mismatches() const override { return loaded_.index_mismatches; }

  absl::StatusOr<evaluators::RankingResult> Evaluate(
      size_t dataset, const std::string& task, const std::vector<evaluators::Metric>& metrics,
      const evaluators::EvaluationOptions& options) override {
    return evaluator().Evaluate(*datasets_[dataset], prompts_, task, metrics, options);
  }

  absl::StatusOr<evaluators::UserRanking> Recommend(const Question& question) override {
    const evaluators::IndexedDataset& dataset = *datasets_.front();
    OPENP5_ASSIGN_OR_RETURN(const datasets::PromptTemplate* prompt,
                            prompts_.Find(question.task, question.prompt));
    const std::string user_number =
        question.user.has_value() ? dataset.user_numbers()[static_cast<size_t>(*question.user)]
                                  : std::to_string(dataset.dataset().user_count() + 1);
    return evaluator().Recommend(
        dataset, dataset.writer().WriteInput(*prompt, user_number, question.history),
        question.excluded, question.count, {});
  }

 private:
  GenerativeRecommender(datasets::PromptSet prompts, c10::Device device,
                        evaluators::Sharding sharding)
      : prompts_(std::move(prompts)), device_(device), sharding_(std::move(sharding)) {}
  evaluators::RankingEvaluator evaluator() {
    return {*loaded_.model, *loaded_.tokenizer, device_, sharding_};
  }

  const datasets::PromptSet prompts_;
  const c10::Device device_;
  const evaluators::Sharding sharding_;
  LoadedModel loaded_;
  std::vector<std::unique_ptr<evaluators::IndexedDataset>> datasets_;
};

// A SASRec, which scores items themselves: prompts, identifiers and tokenizers play no part.
class SasrecRecommender final : public Recommender {
 public:
  static absl::StatusOr<std::unique_ptr<Recommender>> Open(const RecommenderOptions& options,
                                                           const Runtime& runtime,
                                                           const evaluators::Sharding& sharding) {
    const std::string& path = options.checkpoint.checkpoint;
    OPENP5_ASSIGN_OR_RETURN(auto datasets, options.data.OpenDatasets());
    if (datasets.size() != 1) {
      return UsageError(
          StrCat("--datasets: ", path, " is a SASRec of one dataset, got ", datasets.size()));
    }
    if (runtime.int8) {
      return UsageError(
          StrCat("--precision: ", path, " is a SASRec, which is not computed in int8"));
    }
    OPENP5_ASSIGN_OR_RETURN(const auto folder, trainers::ReadSasrecFolder(path));
    OPENP5_ASSIGN_OR_RETURN(auto rows, trainers::RowsOf(folder, path, datasets.front()));
    auto opened =
        std::unique_ptr<SasrecRecommender>(new SasrecRecommender(std::move(datasets.front())));
    OPENP5_RETURN_IF_ERROR(CatchTorch(path, [&]() -> absl::Status {
      auto model = models::SasrecModel::FromStateDict(folder.config, folder.weights);
      if (!model.ok()) return Annotate(model.status(), path);
      opened->model_ = *std::move(model);
      opened->model_->To(runtime.device);
      opened->model_->SetComputeType(runtime.compute_type);
      return absl::OkStatus();
    }));
    opened->evaluator_.emplace(*opened->model_, opened->dataset_, std::move(rows), runtime.device,
                               sharding);
    return opened;
  }

  const datasets::SequenceDataset& dataset(size_t) const override { return dataset_; }

  absl::StatusOr<evaluators::RankingResult> Evaluate(
      size_t, const std::string& task, const std::vector<evaluators::Metric>& metrics,
      const evaluators::EvaluationOptions& options) override {
    return evaluator_->Evaluate(task, metrics, options);
  }

  absl::StatusOr<evaluators::UserRanking> Recommend(const Question& question) override {
    return evaluator_->Recommend(question.history, question.excluded, question.count);
  }

 private:
  explicit SasrecRecommender(datasets::SequenceDataset dataset) : dataset_(std::move(dataset)) {}

  const datasets::SequenceDataset dataset_;
  std::unique_ptr<models::SasrecModel> model_;
  std::optional<evaluators::SasrecEvaluator> evaluator_;  // refers to the members above
};

}  // namespace

absl::StatusOr<std::unique_ptr<Recommender>> OpenRecommender(const RecommenderOptions& options,
                                                             const CommandLine& line,
                                                             const Runtime& runtime,
                                                             const evaluators::Sharding& sharding) {
  const std::string& path = options.checkpoint.checkpoint;
  if (checkpoints::IsCheckpoint(path)) {
    OPENP5_ASSIGN_OR_RETURN(const auto manifest, checkpoints::ReadManifest(path));
    if (trainers::IsSasrec(manifest)) return SasrecRecommender::Open(options, runtime, sharding);
  }
  return GenerativeRecommender::Open(options, line, runtime, sharding);
}

}  // namespace openp5::app
