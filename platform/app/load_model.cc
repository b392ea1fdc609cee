#include "platform/app/load_model.h"

#include <ATen/ATen.h>

#include <utility>

#include "checkpoints/checkpoint.h"
#include "checkpoints/foreign_model.h"
#include "checkpoints/hugging_face.h"
#include "platform/base/file.h"
#include "platform/base/memory.h"

namespace openp5::app {
namespace {

constexpr char kPresetPrefix[] = "preset:";

absl::StatusOr<std::unique_ptr<models::T5Model>> ModelFrom(const std::string& where,
                                                           const nlohmann::json& config,
                                                           NamedTensors weights) {
  auto shape = models::T5Config::FromHuggingFace(config);
  if (!shape.ok()) return Annotate(shape.status(), where);
  auto model = models::T5Model::FromStateDict(*shape, std::move(weights));
  if (!model.ok()) return Annotate(model.status(), where);
  return model;
}

absl::StatusOr<std::unique_ptr<text::Tokenizer>> TokenizerFor(const std::string& given,
                                                              const std::string& fallback,
                                                              std::string_view family) {
  if (!given.empty()) return text::OpenTokenizer(given, family);
  if (fallback.empty()) return UsageError("missing --tokenizer (nothing else names one)");
  return text::OpenTokenizer(fallback, family);
}

// Says what the parameters will take, before they take it.
absl::Status ReserveFor(const std::string& where, const NamedTensors& weights) {
  int64_t elements = 0;
  for (const auto& [name, tensor] : weights) elements += tensor.numel();
  return ReserveMemory(where, elements * static_cast<int64_t>(sizeof(float)));
}

absl::StatusOr<LoadedModel> LoadOwn(const CheckpointOptions& options,
                                    const std::vector<datasets::SequenceDataset>& datasets,
                                    const IndexRequest& request) {
  const std::string& path = options.checkpoint;
  LoadedModel loaded;
  OPENP5_ASSIGN_OR_RETURN(const auto manifest, checkpoints::ReadManifest(path));
  OPENP5_ASSIGN_OR_RETURN(const auto own,
                          indexing::ReadItemIndexFile(JoinPath(path, "items.index")));
  OPENP5_ASSIGN_OR_RETURN(ChosenIndexes chosen, ChooseIndexes(path, own, datasets, request,
                                                              options.allow_index_mismatch));
  OPENP5_ASSIGN_OR_RETURN(
      loaded.tokenizer,
      TokenizerFor(options.tokenizer, JoinPath(path, "tokenizer"), manifest.tokenizer_family));
  OPENP5_RETURN_IF_ERROR(CompleteTokenizer(own, loaded.tokenizer.get()));
  OPENP5_RETURN_IF_ERROR(CompleteTokenizer(chosen.indexes, loaded.tokenizer.get()));
  OPENP5_ASSIGN_OR_RETURN(NamedTensors weights, checkpoints::ReadWeights(path));
  OPENP5_RETURN_IF_ERROR(ReserveFor(path, weights));
  OPENP5_ASSIGN_OR_RETURN(loaded.model, ModelFrom(path, manifest.model_config, std::move(weights)));
  OPENP5_RETURN_IF_ERROR(
      CheckEmbeddingRows(path, {.rows = loaded.model->vocabulary_size()}, *loaded.tokenizer));
  loaded.indexes = std::move(chosen.indexes);
  loaded.index_mismatches = std::move(chosen.mismatches);
  loaded.training = manifest.training;
  return loaded;
}

absl::StatusOr<LoadedModel> LoadForeign(const CheckpointOptions& options,
                                        const std::vector<datasets::SequenceDataset>& datasets,
                                        const IndexRequest& request) {
  OPENP5_ASSIGN_OR_RETURN(ForeignCheckpoint foreign,
                          OpenForeignCheckpoint(options, datasets, request));
  OPENP5_RETURN_IF_ERROR(ReserveFor(options.checkpoint, foreign.weights));
  LoadedModel loaded;
  OPENP5_ASSIGN_OR_RETURN(
      loaded.model, ModelFrom(options.checkpoint, foreign.config, std::move(foreign.weights)));
  loaded.tokenizer = std::move(foreign.tokenizer);
  loaded.indexes = std::move(foreign.indexes);
  return loaded;
}

// The same names, types and shapes without any memory: a model of them checks a file's.
NamedTensors WithoutData(const NamedTensors& weights) {
  NamedTensors shapes;
  for (const auto& [name, tensor] : weights) {
    shapes.emplace_back(name, at::empty(tensor.sizes(), tensor.options().device(at::kMeta)));
  }
  return shapes;
}

// The weights under the model's own names, each once, as they are in the file.
NamedTensors OwnWeights(const models::T5Model& model, NamedTensors weights) {
  constexpr std::string_view kPrefix = "module.";
  NamedTensors own;
  for (const auto& [name, parameter] : model.parameters()) {
    const at::Tensor* found = FindTensor(weights, name);
    if (found == nullptr) found = FindTensor(weights, std::string(kPrefix) + name);
    // Whole-word rows may be missing: a loaded model has zeros then.
    if (found != nullptr) own.emplace_back(name, *found);
  }
  return own;
}

// Rows of added tokens are drawn anew even where a published model has spare ones.
void FitVocabulary(const text::Tokenizer& tokenizer, const NewModelOptions& create,
                   models::T5Model* model) {
  Random random(create.seed);
  const int64_t base = tokenizer.base_vocabulary_size();
  const int64_t size = tokenizer.vocabulary_size();
  if (size > base && model->config().vocab_size > base) model->ResizeVocabulary(base, random);
  if (model->config().vocab_size < size ||
      (create.openp5_compat && model->config().vocab_size != size)) {
    model->ResizeVocabulary(size, random);
  }
}

}  // namespace

void CheckpointOptions::ForEach(OptionVisitor& visitor) {
  visitor.Visit({.name = "checkpoint",
                 .help = "checkpoint folder, Hugging Face folder, OpenP5 .pt or PEFT folder (the "
                         "latter two with --backbone)"},
                &checkpoint);
  std::vector<std::string> formats = checkpoints::ForeignFormats();
  formats.insert(formats.begin(), "auto");
  visitor.Visit({.name = "from",
                 .help = "what the checkpoint is, if it is none of openp5's own folders; auto: "
                         "told from the files (openp5-llama cannot be)",
                 .choices = std::move(formats)},
                &format);
  visitor.Visit({.name = "backbone",
                 .help = "folder with the config.json of an OpenP5 .pt, or the model that an "
                         "adapter of PEFT belongs to"},
                &backbone);
  visitor.Visit({.name = "tokenizer",
                 .help = "SentencePiece model, tokenizer.json, or a folder that holds one "
                         "(default: the checkpoint's, else the backbone's folder)"},
                &tokenizer);
  visitor.Visit({.name = "allow-index-mismatch",
                 .help = "use the item index that the options ask for, although the checkpoint "
                         "was trained with another: its numbers say nothing about the model"},
                &allow_index_mismatch);
}

void BackboneOptions::ForEach(OptionVisitor& visitor) {
  visitor.Visit({.name = "backbone",
                 .help = "Hugging Face folder, or preset:NAME for random weights (t5-tiny, "
                         "t5-mini, t5-small, t5-base, t5-large)"},
                &backbone);
  visitor.Visit({.name = "tokenizer",
                 .help = "SentencePiece model, tokenizer.json, or a folder that holds one "
                         "(default: the backbone's folder)"},
                &tokenizer);
}

absl::StatusOr<ForeignCheckpoint> OpenForeignCheckpoint(
    const CheckpointOptions& options, const std::vector<datasets::SequenceDataset>& datasets,
    const IndexRequest& request) {
  const std::string& path = options.checkpoint;
  OPENP5_ASSIGN_OR_RETURN(auto model, checkpoints::ReadForeignModel({.checkpoint = path,
                                                                     .backbone = options.backbone,
                                                                     .format = options.format}));
  ForeignCheckpoint foreign{.format = std::move(model.format)};
  OPENP5_ASSIGN_OR_RETURN(foreign.indexes, LoadIndexes(datasets, request));
  OPENP5_ASSIGN_OR_RETURN(
      foreign.tokenizer,
      TokenizerFor(options.tokenizer,
                   options.backbone.empty() || text::HoldsTokenizer(path) ? path : options.backbone,
                   ""));
  OPENP5_RETURN_IF_ERROR(CompleteTokenizer(foreign.indexes, foreign.tokenizer.get()));
  OPENP5_RETURN_IF_ERROR(CatchTorch(path, [&]() -> absl::Status {
    OPENP5_ASSIGN_OR_RETURN(const auto shape,
                            ModelFrom(path, model.config, WithoutData(model.weights)));
    foreign.config = std::move(model.config);
    foreign.config.update(shape->config().ToHuggingFace());
    foreign.weights = OwnWeights(*shape, std::move(model.weights));
    return CheckIndexFits(path, {shape->vocabulary_size(), model.has_exact_rows},
                          *foreign.tokenizer, datasets, request);
  }));
  return foreign;
}

absl::StatusOr<LoadedModel> LoadCheckpoint(const CheckpointOptions& options,
                                           const std::vector<datasets::SequenceDataset>& datasets,
                                           const IndexRequest& request, const Runtime& runtime) {
  LoadedModel loaded;
  OPENP5_RETURN_IF_ERROR(CatchTorch(options.checkpoint, [&]() -> absl::Status {
    OPENP5_ASSIGN_OR_RETURN(loaded, checkpoints::IsCheckpoint(options.checkpoint)
                                        ? LoadOwn(options, datasets, request)
                                        : LoadForeign(options, datasets, request));
    loaded.model->To(runtime.device);
    loaded.model->SetComputeType(runtime.compute_type);
    loaded.model->SetTraining(false);
    return absl::OkStatus();
  }));
  return loaded;
}

absl::StatusOr<LoadedModel> CreateModel(const BackboneOptions& options,
                                        const std::vector<datasets::SequenceDataset>& datasets,
                                        const IndexRequest& request, const NewModelOptions& create,
                                        const Runtime& runtime) {
  const bool preset = options.backbone.starts_with(kPresetPrefix);
  LoadedModel loaded;
  OPENP5_ASSIGN_OR_RETURN(loaded.indexes, LoadIndexes(datasets, request));
  OPENP5_ASSIGN_OR_RETURN(loaded.tokenizer,
                          TokenizerFor(options.tokenizer, preset ? "" : options.backbone, ""));
  OPENP5_RETURN_IF_ERROR(CompleteTokenizer(loaded.indexes, loaded.tokenizer.get()));
  OPENP5_RETURN_IF_ERROR(CatchTorch(options.backbone, [&]() -> absl::Status {
    if (preset) {
      auto config =
          models::T5Config::Preset(options.backbone.substr(std::string(kPresetPrefix).size()));
      if (!config.ok()) return UsageError(StrCat("--backbone: ", ToStd(config.status().message())));
      config->vocab_size = loaded.tokenizer->vocabulary_size();
      loaded.model = models::T5Model::Create(*config, create.seed);
    } else {
      OPENP5_ASSIGN_OR_RETURN(auto folder, checkpoints::ReadHuggingFaceFolder(options.backbone));
      OPENP5_RETURN_IF_ERROR(ReserveFor(options.backbone, folder.weights));
      OPENP5_ASSIGN_OR_RETURN(
          loaded.model, ModelFrom(options.backbone, folder.config, std::move(folder.weights)));
      FitVocabulary(*loaded.tokenizer, create, loaded.model.get());
      OPENP5_RETURN_IF_ERROR(CheckEmbeddingRows(
          options.backbone, {.rows = loaded.model->vocabulary_size()}, *loaded.tokenizer));
    }
    loaded.model->To(runtime.device);
    loaded.model->SetComputeType(runtime.compute_type);
    return absl::OkStatus();
  }));
  return loaded;
}

absl::StatusOr<std::vector<std::unique_ptr<evaluators::IndexedDataset>>> JoinIndexes(
    std::vector<datasets::SequenceDataset> datasets, std::vector<indexing::ItemIndex> indexes,
    const datasets::HistoryOptions& history) {
  OPENP5_CHECK(datasets.size() == indexes.size());
  std::vector<std::unique_ptr<evaluators::IndexedDataset>> joined;
  for (size_t i = 0; i < datasets.size(); ++i) {
    OPENP5_ASSIGN_OR_RETURN(
        auto dataset,
        evaluators::IndexedDataset::Create(std::move(datasets[i]), std::move(indexes[i]), history));
    joined.push_back(std::move(dataset));
  }
  return joined;
}

absl::Status UseTrainedHistory(const CommandLine& line, const nlohmann::json& training,
                               datasets::HistoryOptions* history) {
  datasets::HistoryOptions trained = *history;
  OPENP5_RETURN_IF_ERROR(FromJson(training, &trained));
  if (!line.IsGiven("max-history")) history->max_history = trained.max_history;
  if (!line.IsGiven("history-separator")) history->history_separator = trained.history_separator;
  if (!line.IsGiven("history-prefix")) history->history_prefix = trained.history_prefix;
  return absl::OkStatus();
}

}  // namespace openp5::app
