#include "platform/recommenders/load_model.h"

#include <ATen/ATen.h>

#include <utility>

#include "absl/strings/str_join.h"
#include "checkpoints/adapter_backbone.h"
#include "checkpoints/checkpoint.h"
#include "checkpoints/foreign_model.h"
#include "checkpoints/hugging_face.h"
#include "checkpoints/reading.h"
#include "checkpoints/state_dict_form.h"
#include "platform/base/file.h"
#include "platform/base/memory.h"
#include "platform/models/families.h"
#include "platform/tensor/tensor_checks.h"

namespace openp5::recommenders {
namespace {

// `type`: what weights that are not trained may be kept in.
absl::StatusOr<std::unique_ptr<models::LanguageModel>> ModelFrom(
    const std::string& where, const nlohmann::json& config, NamedTensors weights,
    c10::ScalarType type = c10::ScalarType::Float) {
  auto model = models::LoadLanguageModel(config, std::move(weights), type);
  if (!model.ok()) return Annotate(model.status(), where);
  return model;
}

constexpr char kAuto[] = "auto";

absl::StatusOr<std::unique_ptr<text::Tokenizer>> TokenizerFor(const std::string& given,
                                                              const std::string& fallback,
                                                              std::string_view family) {
  if (family == kAuto) family = "";
  if (!given.empty()) return text::OpenTokenizer(given, family);
  if (fallback.empty()) return UsageError("missing --tokenizer (nothing else names one)");
  return text::OpenTokenizer(fallback, family);
}

// Refuses parameters that do not fit, before they take memory.
absl::Status ReserveFor(const std::string& where, int64_t parameters, c10::ScalarType type) {
  return CheckMemory(where, parameters * static_cast<int64_t>(c10::elementSize(type)));
}

int64_t CountElements(const NamedTensors& weights) {
  int64_t elements = 0;
  for (const auto& [name, tensor] : weights) elements += tensor.numel();
  return elements;
}

// The same for a training: a weight that is trained has a gradient and two moments beside it.
absl::Status ReserveForTraining(const BackboneOptions& options, int64_t parameters,
                                c10::ScalarType type) {
  constexpr int64_t kTrainingCopies = 4;
  return ReserveFor(options.backbone, parameters * (options.lora ? 1 : kTrainingCopies), type);
}

// What a model's weights will be kept in.
absl::StatusOr<c10::ScalarType> StorageType(const nlohmann::json& config, const Runtime& runtime) {
  OPENP5_ASSIGN_OR_RETURN(const models::ModelFamily family, models::FindFamily(config));
  return family.keeps_float32 ? c10::ScalarType::Float : runtime.compute_type;
}

absl::StatusOr<LoadedModel> LoadOwn(const CheckpointOptions& options,
                                    const checkpoints::Manifest& manifest,
                                    const std::vector<datasets::SequenceDataset>& datasets,
                                    const IndexRequest& request, const Runtime& runtime) {
  const std::string& path = options.checkpoint;
  LoadedModel loaded;
  OPENP5_ASSIGN_OR_RETURN(const auto own,
                          indexing::ReadItemIndexFile(JoinPath(path, "items.index")));
  OPENP5_ASSIGN_OR_RETURN(ChosenIndexes chosen, ChooseIndexes(path, own, datasets, request,
                                                              options.allow_index_mismatch));
  OPENP5_ASSIGN_OR_RETURN(
      loaded.tokenizer, TokenizerFor(options.tokenizer, JoinPath(path, "tokenizer"),
                                     options.tokenizer_family == kAuto ? manifest.tokenizer_family
                                                                       : options.tokenizer_family));
  OPENP5_RETURN_IF_ERROR(CompleteTokenizer(path, own, MissingTokens::kAdd, loaded.tokenizer.get()));
  OPENP5_RETURN_IF_ERROR(
      CompleteTokenizer(path, chosen.indexes, MissingTokens::kRefuse, loaded.tokenizer.get()));
  OPENP5_ASSIGN_OR_RETURN(const c10::ScalarType type, StorageType(manifest.model_config, runtime));
  OPENP5_ASSIGN_OR_RETURN(NamedTensors weights,
                          checkpoints::ReadModelWeights(path, manifest, options.backbone, type));
  OPENP5_RETURN_IF_ERROR(CheckFinite(path, weights));
  OPENP5_RETURN_IF_ERROR(ReserveFor(path, CountElements(weights), type));
  OPENP5_ASSIGN_OR_RETURN(loaded.model,
                          ModelFrom(path, manifest.model_config, std::move(weights), type));
  OPENP5_RETURN_IF_ERROR(
      CheckEmbeddingRows(path, {.rows = loaded.model->vocabulary_size()}, *loaded.tokenizer));
  loaded.indexes = std::move(chosen.indexes);
  loaded.index_mismatches = std::move(chosen.mismatches);
  return loaded;
}

absl::StatusOr<LoadedModel> LoadForeign(const CheckpointOptions& options,
                                        const std::vector<datasets::SequenceDataset>& datasets,
                                        const IndexRequest& request, const Runtime& runtime) {
  OPENP5_ASSIGN_OR_RETURN(ForeignCheckpoint foreign,
                          OpenForeignCheckpoint(options, datasets, request));
  OPENP5_ASSIGN_OR_RETURN(const c10::ScalarType type, StorageType(foreign.config, runtime));
  OPENP5_RETURN_IF_ERROR(ReserveFor(options.checkpoint, CountElements(foreign.weights), type));
  LoadedModel loaded;
  OPENP5_ASSIGN_OR_RETURN(loaded.model, ModelFrom(options.checkpoint, foreign.config,
                                                  std::move(foreign.weights), type));
  loaded.tokenizer = std::move(foreign.tokenizer);
  loaded.indexes = std::move(foreign.indexes);
  loaded.index_mismatches = std::move(foreign.index_mismatches);
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
NamedTensors OwnWeights(const models::LanguageModel& model, NamedTensors weights) {
  NamedTensors own;
  const TensorIndex index(weights);
  for (const auto& [name, parameter] : model.parameters()) {
    const at::Tensor* found = index.Find(name);
    // Whole-word rows may be missing: a loaded model has zeros then.
    if (found != nullptr) own.emplace_back(name, *found);
  }
  return own;
}

using LanguageModelOr = absl::StatusOr<std::unique_ptr<models::LanguageModel>>;

// Rows of added tokens are drawn anew even where a published model has spare ones.
void FitVocabulary(const text::Tokenizer& tokenizer, const NewModelOptions& create,
                   models::LanguageModel* model) {
  Random random(create.seed);
  const int64_t base = tokenizer.base_vocabulary_size();
  const int64_t size = tokenizer.vocabulary_size();
  if (size > base && model->vocabulary_size() > base) model->ResizeVocabulary(base, random);
  if (model->vocabulary_size() < size ||
      (create.openp5_compat && model->vocabulary_size() != size)) {
    model->ResizeVocabulary(size, random);
  }
}

LanguageModelOr CreatePreset(const BackboneOptions& options, const NewModelOptions& create,
                             const text::Tokenizer& tokenizer) {
  auto config =
      models::PresetConfig(options.backbone.substr(std::string(checkpoints::kPresetPrefix).size()));
  if (!config.ok()) return UsageError(StrCat("--backbone: ", ToStd(config.status().message())));
  (*config)["vocab_size"] = tokenizer.vocabulary_size();
  (*config)["pad_token_id"] = tokenizer.pad_id();
  (*config)["eos_token_id"] = tokenizer.eos_id();
  OPENP5_ASSIGN_OR_RETURN(const models::ModelFamily family, models::FindFamily(*config));
  if (family.has_begin_token) (*config)["bos_token_id"] = tokenizer.bos_id();
  OPENP5_ASSIGN_OR_RETURN(const int64_t parameters, models::CountParameters(*config));
  OPENP5_RETURN_IF_ERROR(ReserveForTraining(options, parameters, c10::ScalarType::Float));
  return models::CreateLanguageModel(*config, create.seed);
}

// With an adapter the weights themselves stay as they are, in the type they are computed in.
LanguageModelOr LoadBackbone(const BackboneOptions& options, const NewModelOptions& create,
                             const text::Tokenizer& tokenizer, const Runtime& runtime,
                             int64_t* backbone_rows) {
  OPENP5_ASSIGN_OR_RETURN(auto folder, checkpoints::ReadHuggingFaceFolder(options.backbone));
  OPENP5_RETURN_IF_ERROR(
      checkpoints::SettleStateDict(options.backbone, &folder.config, &folder.weights));
  OPENP5_RETURN_IF_ERROR(CheckFinite(options.backbone, folder.weights));
  c10::ScalarType type = c10::ScalarType::Float;
  if (options.lora) {
    OPENP5_ASSIGN_OR_RETURN(type, StorageType(folder.config, runtime));
  }
  OPENP5_RETURN_IF_ERROR(ReserveForTraining(options, CountElements(folder.weights), type));
  OPENP5_ASSIGN_OR_RETURN(
      auto model, ModelFrom(options.backbone, folder.config, std::move(folder.weights), type));
  *backbone_rows = model->vocabulary_size();
  FitVocabulary(tokenizer, create, model.get());
  OPENP5_RETURN_IF_ERROR(
      CheckEmbeddingRows(options.backbone, {.rows = model->vocabulary_size()}, tokenizer));
  return model;
}

absl::Status AddLora(const BackboneOptions& options, const NewModelOptions& create,
                     const text::Tokenizer& tokenizer, models::LanguageModel* model) {
  if (!options.lora) return absl::OkStatus();
  const int64_t first_trained = tokenizer.added_tokens().empty() ? model->vocabulary_size()
                                                                 : tokenizer.base_vocabulary_size();
  Random random(create.seed);
  const absl::Status added = model->AddLora(options.adapter, first_trained, random);
  if (absl::IsUnimplemented(added)) return UsageError(StrCat("--lora: ", ToStd(added.message())));
  return added.ok() ? added : UsageError(StrCat("--lora-target-modules: ", ToStd(added.message())));
}

void VisitTokenizerFamily(OptionVisitor& visitor, std::string* family) {
  std::vector<std::string> families = text::TokenizerFamilies();
  families.insert(families.begin(), kAuto);
  visitor.Visit(
      {.name = "tokenizer-family",
       .help = "how the tokenizer's files are read; auto: told from the files, as today's "
               "transformers reads them. llama-legacy, llama and llama-fast are those of "
               "transformers 4.31; OpenP5 used llama-fast, which does not see "
               "collaborative tokens",
       .choices = std::move(families)},
      family);
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
                         "adapter belongs to (default for a checkpoint trained with --lora: where "
                         "its backbone was in training)"},
                &backbone);
  visitor.Visit({.name = "tokenizer",
                 .help = "SentencePiece model, tokenizer.json, or a folder that holds one "
                         "(default: the checkpoint's, else the backbone's folder)"},
                &tokenizer);
  VisitTokenizerFamily(visitor, &tokenizer_family);
  visitor.Visit({.name = "allow-index-mismatch",
                 .help = "use the item index that the options ask for, although the checkpoint "
                         "was trained with another: its numbers say nothing about the model"},
                &allow_index_mismatch);
}

void BackboneOptions::ForEach(OptionVisitor& visitor) {
  visitor.Visit({.name = "backbone",
                 .help = StrCat("Hugging Face folder, or preset:NAME for random weights (",
                                absl::StrJoin(models::PresetNames(), ", "), ")")},
                &backbone);
  visitor.Visit({.name = "tokenizer",
                 .help = "SentencePiece model, tokenizer.json, or a folder that holds one "
                         "(default: the backbone's folder)"},
                &tokenizer);
  VisitTokenizerFamily(visitor, &tokenizer_family);
  visitor.Visit({.name = "lora",
                 .help = "train a LoRA adapter and the rows of added tokens; the backbone's "
                         "weights stay as they are (Llama only)"},
                &lora);
  visitor.Visit({.name = "lora-r", .help = "rank of the adapter", .minimum = 1}, &adapter.rank);
  visitor.Visit({.name = "lora-alpha", .help = "the update counts alpha / rank times"},
                &adapter.alpha);
  visitor.Visit({.name = "lora-dropout",
                 .help = "dropout of the adapter's input",
                 .minimum = 0,
                 .maximum = 0.99},
                &adapter.dropout);
  visitor.Visit(
      {.name = "lora-target-modules",
       .help = StrCat("layers the adapter changes: ", absl::StrJoin(models::LoraModules(), ", "))},
      &adapter.target_modules);
}

namespace {

// An export of ours brings its item index along; for any other folder the store has it.
absl::Status FindIndexes(const CheckpointOptions& options,
                         const std::vector<datasets::SequenceDataset>& datasets,
                         const IndexRequest& request, ForeignCheckpoint* foreign) {
  const std::string exported = checkpoints::ExportedIndex(options.checkpoint);
  if (!FileExists(exported)) {
    OPENP5_ASSIGN_OR_RETURN(foreign->indexes, LoadIndexes(datasets, request));
    return absl::OkStatus();
  }
  OPENP5_ASSIGN_OR_RETURN(const auto own, indexing::ReadItemIndexFile(exported));
  OPENP5_ASSIGN_OR_RETURN(
      ChosenIndexes chosen,
      ChooseIndexes(options.checkpoint, own, datasets, request, options.allow_index_mismatch));
  foreign->indexes = std::move(chosen.indexes);
  foreign->index_mismatches = std::move(chosen.mismatches);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ForeignCheckpoint> OpenForeignCheckpoint(
    const CheckpointOptions& options, const std::vector<datasets::SequenceDataset>& datasets,
    const IndexRequest& request) {
  const std::string& path = options.checkpoint;
  OPENP5_ASSIGN_OR_RETURN(auto model, checkpoints::ReadForeignModel({.checkpoint = path,
                                                                     .backbone = options.backbone,
                                                                     .format = options.format}));
  ForeignCheckpoint foreign{.format = std::move(model.format)};
  OPENP5_RETURN_IF_ERROR(FindIndexes(options, datasets, request, &foreign));
  OPENP5_ASSIGN_OR_RETURN(
      foreign.tokenizer,
      TokenizerFor(options.tokenizer,
                   options.backbone.empty() || text::HoldsTokenizer(path) ? path : options.backbone,
                   options.tokenizer_family));
  OPENP5_RETURN_IF_ERROR(
      CompleteTokenizer(path, foreign.indexes, MissingTokens::kRefuse, foreign.tokenizer.get()));
  OPENP5_RETURN_IF_ERROR(CatchTorch(path, [&]() -> absl::Status {
    OPENP5_ASSIGN_OR_RETURN(const auto shape,
                            ModelFrom(path, model.config, WithoutData(model.weights)));
    foreign.config = std::move(model.config);
    foreign.config.update(shape->ToHuggingFace());
    foreign.weights = OwnWeights(*shape, std::move(model.weights));
    OPENP5_RETURN_IF_ERROR(CheckFinite(path, foreign.weights));
    return CheckIndexFits(path, {shape->vocabulary_size(), model.has_exact_rows},
                          *foreign.tokenizer, datasets, request);
  }));
  OPENP5_RETURN_IF_ERROR(WarnOfBuiltIndexes(path, datasets, request));
  return foreign;
}

absl::StatusOr<LoadedModel> LoadCheckpoint(const checkpoints::ModelSource& source,
                                           const CheckpointOptions& options,
                                           const std::vector<datasets::SequenceDataset>& datasets,
                                           const IndexRequest& request, const Runtime& runtime) {
  LoadedModel loaded;
  OPENP5_RETURN_IF_ERROR(CatchTorch(options.checkpoint, [&]() -> absl::Status {
    OPENP5_ASSIGN_OR_RETURN(loaded,
                            source.manifest.has_value()
                                ? LoadOwn(options, *source.manifest, datasets, request, runtime)
                                : LoadForeign(options, datasets, request, runtime));
    loaded.model->To(runtime.device);
    loaded.model->SetComputeType(runtime.compute_type);
    if (runtime.int8) loaded.model->QuantizeWeights();
    loaded.model->SetTraining(false);
    return absl::OkStatus();
  }));
  return loaded;
}

absl::StatusOr<LoadedModel> CreateModel(const BackboneOptions& options,
                                        const std::vector<datasets::SequenceDataset>& datasets,
                                        const IndexRequest& request, const NewModelOptions& create,
                                        const Runtime& runtime) {
  const bool preset = options.backbone.starts_with(checkpoints::kPresetPrefix);
  LoadedModel loaded;
  OPENP5_ASSIGN_OR_RETURN(loaded.indexes, LoadIndexes(datasets, request));
  OPENP5_ASSIGN_OR_RETURN(
      loaded.tokenizer,
      TokenizerFor(options.tokenizer, preset ? "" : options.backbone, options.tokenizer_family));
  OPENP5_RETURN_IF_ERROR(CompleteTokenizer(options.backbone, loaded.indexes, MissingTokens::kAdd,
                                           loaded.tokenizer.get()));
  OPENP5_RETURN_IF_ERROR(CatchTorch(options.backbone, [&]() -> absl::Status {
    OPENP5_ASSIGN_OR_RETURN(loaded.model, preset ? CreatePreset(options, create, *loaded.tokenizer)
                                                 : LoadBackbone(options, create, *loaded.tokenizer,
                                                                runtime, &loaded.backbone_rows));
    if (preset) loaded.backbone_rows = loaded.model->vocabulary_size();
    OPENP5_RETURN_IF_ERROR(AddLora(options, create, *loaded.tokenizer, loaded.model.get()));
    loaded.model->To(runtime.device);
    loaded.model->SetComputeType(runtime.compute_type);
    return absl::OkStatus();
  }));
  return loaded;
}

absl::StatusOr<std::vector<std::unique_ptr<indexing::IndexedDataset>>> JoinIndexes(
    std::vector<datasets::SequenceDataset> datasets, std::vector<indexing::ItemIndex> indexes,
    const datasets::HistoryOptions& history) {
  OPENP5_CHECK(datasets.size() == indexes.size());
  std::vector<std::unique_ptr<indexing::IndexedDataset>> joined;
  for (size_t i = 0; i < datasets.size(); ++i) {
    OPENP5_ASSIGN_OR_RETURN(
        auto dataset,
        indexing::IndexedDataset::Create(std::move(datasets[i]), std::move(indexes[i]), history));
    joined.push_back(std::move(dataset));
  }
  return joined;
}

}  // namespace openp5::recommenders
