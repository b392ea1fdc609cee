#ifndef OPENP5_PLATFORM_RECOMMENDERS_LOAD_MODEL_H_
#define OPENP5_PLATFORM_RECOMMENDERS_LOAD_MODEL_H_

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "checkpoints/checkpoint.h"
#include "indexing/indexed_dataset.h"
#include "indexing/item_index.h"
#include "platform/base/status.h"
#include "platform/config/options.h"
#include "platform/models/common/language_model.h"
#include "platform/models/common/lora.h"
#include "platform/recommenders/checkpoint_index.h"
#include "platform/tensor/runtime.h"
#include "platform/text/tokenizer.h"

namespace openp5::recommenders {

// Where a trained model is (evaluate, recommend).
struct CheckpointOptions {
  std::string checkpoint;
  std::string format = "auto";  // of checkpoints::ForeignFormats
  std::string backbone;   // folder with the config.json of an OpenP5 `.pt`, or an adapter's model
  std::string tokenizer;  // empty: in the checkpoint, else in the backbone
  std::string tokenizer_family = "auto";
  bool allow_index_mismatch = false;  // an index asked for takes the place of the checkpoint's own

  void ForEach(OptionVisitor& visitor);
};

// What a training starts from.
struct BackboneOptions {
  std::string backbone = "preset:t5-small";
  std::string tokenizer;  // empty: in the backbone's folder
  std::string tokenizer_family = "auto";
  bool lora = false;  // an adapter is trained instead of all weights
  models::LoraConfig adapter = {.rank = 8};

  void ForEach(OptionVisitor& visitor);
};

struct LoadedModel {
  std::unique_ptr<models::LanguageModel> model;  // on the runtime's device, not in training mode
  std::unique_ptr<text::Tokenizer> tokenizer;
  std::vector<indexing::ItemIndex> indexes;  // of the datasets, in that order
  // How many rows the backbone's tables of tokens have, if the model is to be trained.
  int64_t backbone_rows = 0;
  // One sentence a dataset whose index is not the one the model was trained with (and was allowed).
  std::vector<std::string> index_mismatches;
};

// A model made elsewhere, with all that a checkpoint folder of ours needs.
struct ForeignCheckpoint {
  std::string format = {};     // of checkpoints::ForeignFormats
  nlohmann::json config = {};  // as in Hugging Face's config.json, sizes as in the weights
  NamedTensors weights = {};   // each once, under Hugging Face's names, types as in the file
  std::unique_ptr<text::Tokenizer> tokenizer = {};  // with the indexes' tokens
  std::vector<indexing::ItemIndex> indexes = {};    // of the datasets, the export's or the store's
  std::vector<std::string> index_mismatches = {};   // as LoadedModel's
};

// Reads the files of `options.checkpoint`, which is none of our folders, and checks that weights,
// config, tokenizer and indexes belong together. Fails as ReadForeignModel, LoadItemIndex,
// T5Model::FromStateDict and CheckIndexFits.
absl::StatusOr<ForeignCheckpoint> OpenForeignCheckpoint(
    const CheckpointOptions& options, const std::vector<datasets::SequenceDataset>& datasets,
    const IndexRequest& request);

// Opens `source`, which is `options.checkpoint`: a checkpoint folder of ours, or what
// OpenForeignCheckpoint reads. A folder of ours brings its own indexes (see ChooseIndexes). For the
// others the indexes come from the store. FailedPrecondition, naming both numbers, if the embedding
// does not fit the tokenizer with the indexes' added tokens; ResourceExhausted if the weights do
// not fit the memory that is available. Else NotFound, DataLoss, InvalidArgument of the files.
absl::StatusOr<LoadedModel> LoadCheckpoint(const checkpoints::ModelSource& source,
                                           const CheckpointOptions& options,
                                           const std::vector<datasets::SequenceDataset>& datasets,
                                           const IndexRequest& request, const Runtime& runtime);

struct NewModelOptions {
  uint64_t seed = 1;
  bool openp5_compat = false;  // exactly as many embedding rows as tokens
};

// A model to be trained: `preset:<name>` (random weights) or a Hugging Face folder, its embedding
// grown for the indexes' added tokens. Indexes come from the store.
absl::StatusOr<LoadedModel> CreateModel(const BackboneOptions& options,
                                        const std::vector<datasets::SequenceDataset>& datasets,
                                        const IndexRequest& request, const NewModelOptions& create,
                                        const Runtime& runtime);

// Pairs each dataset with its index.
absl::StatusOr<std::vector<std::unique_ptr<indexing::IndexedDataset>>> JoinIndexes(
    std::vector<datasets::SequenceDataset> datasets, std::vector<indexing::ItemIndex> indexes,
    const datasets::HistoryOptions& history);

}  // namespace openp5::recommenders

#endif  // OPENP5_PLATFORM_RECOMMENDERS_LOAD_MODEL_H_
