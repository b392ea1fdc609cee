#include "platform/app/load_model.h"

#include <algorithm>
#include <set>
#include <utility>

#include "checkpoints/checkpoint.h"
#include "checkpoints/torch_file.h"
#include "platform/base/file.h"
#include "platform/base/log.h"

namespace openp5::app {
namespace {

constexpr char kPresetPrefix[] = "preset:";

// Tokens all indexes need, in order of first appearance.
std::vector<std::string> AddedTokens(const std::vector<indexing::ItemIndex>& indexes) {
  std::vector<std::string> tokens;
  std::set<std::string> seen;
  for (const indexing::ItemIndex& index : indexes) {
    for (const std::string& token : index.AddedTokens()) {
      if (seen.insert(token).second) tokens.push_back(token);
    }
  }
  return tokens;
}

// Gives the tokenizer the tokens it has not yet. A saved tokenizer has them all, and in this order.
absl::Status CompleteTokenizer(const std::vector<indexing::ItemIndex>& indexes,
                               text::Tokenizer* tokenizer) {
  std::vector<std::string> missing;
  const std::vector<std::string>& known = tokenizer->added_tokens();
  for (std::string& token : AddedTokens(indexes)) {
    if (std::find(known.begin(), known.end(), token) == known.end()) {
      missing.push_back(std::move(token));
    }
  }
  return missing.empty() ? absl::OkStatus() : tokenizer->AddTokens(missing);
}

// Published models round their embedding up: T5 has 32128 rows for 32100 tokens.
bool RowsFit(int64_t rows, int64_t tokens) {
  constexpr int64_t kMultiple = 128;
  return rows == tokens || rows == (tokens + kMultiple - 1) / kMultiple * kMultiple;
}

absl::Status CheckVocabulary(const std::string& where, const models::T5Model& model,
                             const text::Tokenizer& tokenizer) {
  if (RowsFit(model.config().vocab_size, tokenizer.vocabulary_size())) return absl::OkStatus();
  return FailedPrecondition(
      where, ": the embedding has ", model.config().vocab_size, " rows, the tokenizer ",
      tokenizer.vocabulary_size(), " tokens (", tokenizer.added_tokens().size(),
      " added for item identifiers); hint: another --tokenizer or another item index");
}

absl::StatusOr<std::vector<indexing::ItemIndex>> LoadIndexes(
    const std::vector<datasets::SequenceDataset>& datasets, const IndexRequest& request) {
  std::vector<indexing::ItemIndex> indexes;
  for (const datasets::SequenceDataset& dataset : datasets) {
    OPENP5_ASSIGN_OR_RETURN(auto index,
                            indexing::LoadItemIndex(request.index_db, dataset, request.parameters));
    indexes.push_back(std::move(index));
  }
  return indexes;
}

absl::Status CheckSameIndex(const std::string& checkpoint, const indexing::ItemIndex& own,
                            const datasets::SequenceDataset& dataset, const IndexRequest& request) {
  if (request.parameters_given && own.parameters().Key() != request.parameters.Key()) {
    return FailedPrecondition(checkpoint, ": ", own.dataset_name(), ": trained with item index ",
                              own.parameters().Key(), ", got ", request.parameters.Key(),
                              "; hint: leave the index options out to use the checkpoint's");
  }
  if (!request.index_db_given) return absl::OkStatus();
  indexing::IndexParameters parameters =
      request.parameters_given ? request.parameters : own.parameters();
  OPENP5_ASSIGN_OR_RETURN(const auto given,
                          indexing::LoadItemIndex(request.index_db, dataset, parameters));
  if (given.Digest() == own.Digest()) return absl::OkStatus();
  return FailedPrecondition(checkpoint, ": ", own.dataset_name(), ": trained with item index ",
                            own.Digest(), ", but ", request.index_db, " has ", given.Digest(), " (",
                            given.parameters().Key(),
                            "); hint: leave --index-db out to use the checkpoint's");
}

// The indexes of `items.index` for the datasets asked for.
absl::StatusOr<std::vector<indexing::ItemIndex>> OwnIndexes(
    const std::string& checkpoint, const std::vector<indexing::ItemIndex>& all,
    const std::vector<datasets::SequenceDataset>& datasets, const IndexRequest& request) {
  std::vector<indexing::ItemIndex> indexes;
  for (const datasets::SequenceDataset& dataset : datasets) {
    const auto found = std::find_if(all.begin(), all.end(), [&](const indexing::ItemIndex& index) {
      return index.dataset_name() == dataset.name();
    });
    if (found == all.end()) {
      std::string known;
      for (const auto& index : all) known += (known.empty() ? "" : ", ") + index.dataset_name();
      return FailedPrecondition(checkpoint, ": trained on ", known, ", not on ", dataset.name());
    }
    OPENP5_RETURN_IF_ERROR(CheckSameIndex(checkpoint, *found, dataset, request));
    if (found->dataset_digest() != dataset.digest()) {
      LogWarning(
          StrCat(dataset.name(), ": not the data the checkpoint's item index was built from"));
    }
    indexes.push_back(*found);
  }
  return indexes;
}

absl::StatusOr<std::unique_ptr<models::T5Model>> ModelFrom(const std::string& where,
                                                           const nlohmann::json& config,
                                                           const NamedTensors& weights) {
  auto shape = models::T5Config::FromHuggingFace(config);
  if (!shape.ok()) return Annotate(shape.status(), where);
  auto model = models::T5Model::FromStateDict(*shape, weights);
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

absl::StatusOr<LoadedModel> LoadOwn(const CheckpointOptions& options,
                                    const std::vector<datasets::SequenceDataset>& datasets,
                                    const IndexRequest& request) {
  const std::string& path = options.checkpoint;
  LoadedModel loaded;
  OPENP5_ASSIGN_OR_RETURN(const auto manifest, checkpoints::ReadManifest(path));
  if (manifest.model_family != "t5") {
    return InvalidArgument(path, ": expected a model of family t5, got '", manifest.model_family,
                           "'");
  }
  OPENP5_ASSIGN_OR_RETURN(const auto all,
                          indexing::ReadItemIndexFile(JoinPath(path, "items.index")));
  OPENP5_ASSIGN_OR_RETURN(loaded.indexes, OwnIndexes(path, all, datasets, request));
  OPENP5_ASSIGN_OR_RETURN(
      loaded.tokenizer,
      TokenizerFor(options.tokenizer, JoinPath(path, "tokenizer"), manifest.tokenizer_family));
  OPENP5_RETURN_IF_ERROR(CompleteTokenizer(all, loaded.tokenizer.get()));
  OPENP5_ASSIGN_OR_RETURN(const NamedTensors weights, checkpoints::ReadWeights(path));
  OPENP5_ASSIGN_OR_RETURN(loaded.model, ModelFrom(path, manifest.model_config, weights));
  loaded.training = manifest.training;
  return loaded;
}

absl::StatusOr<LoadedModel> LoadForeign(const CheckpointOptions& options,
                                        const std::vector<datasets::SequenceDataset>& datasets,
                                        const IndexRequest& request) {
  const std::string& path = options.checkpoint;
  LoadedModel loaded;
  nlohmann::json config;
  NamedTensors weights;
  if (IsDirectory(path)) {
    if (!FileExists(JoinPath(path, "config.json"))) {
      return NotFound(path,
                      ": neither a checkpoint (manifest.json) nor a Hugging Face folder "
                      "(config.json)");
    }
    OPENP5_ASSIGN_OR_RETURN(auto folder, checkpoints::ReadHuggingFaceFolder(path));
    config = std::move(folder.config);
    weights = std::move(folder.weights);
  } else {
    if (!FileExists(path)) return NotFound(path, ": no such file or folder");
    if (options.backbone.empty()) {
      return UsageError(StrCat("missing --backbone (a folder with the config.json of ", path, ")"));
    }
    OPENP5_ASSIGN_OR_RETURN(config, checkpoints::ReadHuggingFaceConfig(options.backbone));
    OPENP5_ASSIGN_OR_RETURN(weights, checkpoints::ReadTorchStateDict(path));
  }
  OPENP5_ASSIGN_OR_RETURN(loaded.indexes, LoadIndexes(datasets, request));
  OPENP5_ASSIGN_OR_RETURN(
      loaded.tokenizer,
      TokenizerFor(options.tokenizer, IsDirectory(path) ? path : options.backbone, ""));
  OPENP5_RETURN_IF_ERROR(CompleteTokenizer(loaded.indexes, loaded.tokenizer.get()));
  OPENP5_ASSIGN_OR_RETURN(loaded.model, ModelFrom(path, config, weights));
  return loaded;
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
                 .help = "checkpoint folder, Hugging Face folder, or OpenP5 .pt (with --backbone)"},
                &checkpoint);
  visitor.Visit({.name = "backbone", .help = "folder with the config.json of an OpenP5 .pt"},
                &backbone);
  visitor.Visit({.name = "tokenizer",
                 .help = "SentencePiece model or a folder that holds one (default: the "
                         "checkpoint's, else the backbone's folder)"},
                &tokenizer);
}

void BackboneOptions::ForEach(OptionVisitor& visitor) {
  visitor.Visit({.name = "backbone",
                 .help = "Hugging Face folder, or preset:NAME for random weights (t5-tiny, "
                         "t5-mini, t5-small, t5-base, t5-large)"},
                &backbone);
  visitor.Visit({.name = "tokenizer",
                 .help = "SentencePiece model or a folder that holds one (default: the backbone's "
                         "folder)"},
                &tokenizer);
}

IndexRequest IndexRequest::From(const CommandLine& line,
                                const indexing::IndexParameters& parameters,
                                const DataOptions& data) {
  IndexRequest request{.parameters = parameters, .index_db = data.IndexDb()};
  request.index_db_given = line.IsGiven("index-db");
  for (const char* name :
       {"indexing", "sequential-order", "collaborative-token-size", "collaborative-cluster",
        "collaborative-last-token", "unseen-items", "seed"}) {
    request.parameters_given = request.parameters_given || line.IsGiven(name);
  }
  return request;
}

absl::StatusOr<LoadedModel> LoadCheckpoint(const CheckpointOptions& options,
                                           const std::vector<datasets::SequenceDataset>& datasets,
                                           const IndexRequest& request, const Runtime& runtime) {
  LoadedModel loaded;
  OPENP5_RETURN_IF_ERROR(CatchTorch(options.checkpoint, [&]() -> absl::Status {
    OPENP5_ASSIGN_OR_RETURN(loaded, checkpoints::IsCheckpoint(options.checkpoint)
                                        ? LoadOwn(options, datasets, request)
                                        : LoadForeign(options, datasets, request));
    OPENP5_RETURN_IF_ERROR(CheckVocabulary(options.checkpoint, *loaded.model, *loaded.tokenizer));
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
      OPENP5_ASSIGN_OR_RETURN(const auto folder,
                              checkpoints::ReadHuggingFaceFolder(options.backbone));
      OPENP5_ASSIGN_OR_RETURN(loaded.model,
                              ModelFrom(options.backbone, folder.config, folder.weights));
      FitVocabulary(*loaded.tokenizer, create, loaded.model.get());
      OPENP5_RETURN_IF_ERROR(CheckVocabulary(options.backbone, *loaded.model, *loaded.tokenizer));
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
