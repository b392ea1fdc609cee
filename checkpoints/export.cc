#include "checkpoints/export.h"

#include <ATen/ATen.h>

#include <cmath>
#include <cstdint>
#include <map>
#include <utility>

#include "checkpoints/adapter_backbone.h"
#include "checkpoints/checkpoint.h"
#include "checkpoints/folder_kinds.h"
#include "checkpoints/hugging_face.h"
#include "checkpoints/inner_path.h"
#include "checkpoints/peft.h"
#include "checkpoints/reading.h"
#include "checkpoints/sasrec_folder.h"
#include "checkpoints/state_dict_form.h"
#include "indexing/item_index.h"
#include "indexing/openp5_files.h"
#include "platform/base/file.h"
#include "platform/base/log.h"
#include "platform/models/common/language_model.h"
#include "platform/models/common/lora.h"
#include "platform/models/families.h"
#include "platform/tensor/runtime.h"
#include "platform/text/transformers_files.h"

namespace openp5::checkpoints {
namespace {

constexpr char kOpenP5Export[] = "an export of item indexes as OpenP5's files";
constexpr char kEmbeddings[] = "model.embed_tokens.weight";
constexpr char kT5Table[] = "shared.weight";
constexpr char kHead[] = "lm_head.weight";
constexpr char kWholeWords[] = "encoder.whole_word_embeddings.weight";

// Hugging Face's T5 has no whole-word embedding. Its rows stay in the file, where transformers
// passes over them; all of them 0 change nothing and are left out.
absl::Status SettleWholeWords(NamedTensors* weights, Notes* notes) {
  for (auto it = weights->begin(); it != weights->end(); ++it) {
    if (it->first != kWholeWords) continue;
    if (!it->second.any().item<bool>()) {
      weights->erase(it);
      return absl::OkStatus();
    }
    notes->push_back(StrCat(
        kWholeWords,
        " is in model.safetensors, but transformers' T5 does not add it: for the same "
        "logits give the encoder inputs_embeds = shared[token ids] + whole_word_embeddings[whole "
        "word ids]"));
    return absl::OkStatus();
  }
  return absl::OkStatus();
}

// Replaces the weights of a model with an adapter by those of the plain model.
absl::Status MergeOwnAdapter(HuggingFaceFolder* folder) {
  if (!folder->config.contains(models::kLoraField)) return absl::OkStatus();
  const at::Tensor* embeddings = FindTensor(folder->weights, kEmbeddings);
  const auto type = embeddings == nullptr ? at::kFloat : embeddings->scalar_type();
  OPENP5_ASSIGN_OR_RETURN(const auto model, models::LoadLanguageModel(
                                                folder->config, std::move(folder->weights), type));
  folder->weights = model->MergedWeights();
  folder->config.erase(models::kLoraField);
  if (FindTensor(folder->weights, kHead) != nullptr) SeparateHead(&folder->config);
  return absl::OkStatus();
}

// Transformers before 5 takes a T5 that is tied for one that scales what its decoder puts out, and
// one that is not for one that does not. Another is written so that every version reads it right:
// with a head of its own that has the factor in it.
void SettleT5Head(HuggingFaceFolder* folder) {
  const at::Tensor* table = FindTensor(folder->weights, kT5Table);
  if (table == nullptr) return;
  const bool tied = HasTiedHead(folder->config);
  const bool scales = folder->config.value("scale_decoder_outputs", tied);
  if (tied == scales) return;
  if (tied) {
    folder->weights.emplace_back(kHead, *table);
  } else {
    at::Tensor* head = FindTensor(&folder->weights, kHead);
    const double factor = std::pow(static_cast<double>(table->size(1)), -0.5);
    *head = (head->to(at::kFloat) * factor).to(head->scalar_type());
  }
  folder->config["tie_word_embeddings"] = folder->config["scale_decoder_outputs"] = false;
}

// A table of tokens with the rows that were added to it, if any.
at::Tensor WholeTable(const NamedTensors& weights, const std::string& module) {
  const at::Tensor *table = FindTensor(weights, module + ".weight"),
                   *added = FindTensor(weights, module + ".added.weight");
  return added == nullptr ? *table : at::cat({*table, added->to(table->scalar_type())});
}

// An adapter's factor with zeros for the tokens that were added, which it does not change.
at::Tensor ForAllRows(std::string_view name, const at::Tensor& factor, const at::Tensor* added) {
  if (added == nullptr) return factor;
  if (name.ends_with(".lora_embedding_A")) {
    return at::constant_pad_nd(factor, {0, added->size(0)});
  }
  if (name == "lm_head.lora_B.weight") {
    return at::constant_pad_nd(factor, {0, 0, 0, added->size(0)});
  }
  return factor;
}

// The tables of tokens that the training changed outside the adapter, whole, under the names PEFT
// gives them then: grown for added tokens, or with the rows of number tokens drawn anew.
void AddChangedTables(const Manifest& manifest, const NamedTensors& weights, PeftAdapter* adapter,
                      Notes* notes) {
  const at::Tensor* added = FindTensor(weights, "model.embed_tokens.added.weight");
  if (added != nullptr) {
    notes->push_back(StrCat("the model was given ", added->size(0),
                            " tokens: resize_token_embeddings of the base model before the adapter "
                            "is loaded"));
  }
  const bool redrawn = manifest.training.value("random-initialize", false);
  for (const char* module : {"model.embed_tokens", "lm_head"}) {
    const bool is_head = std::string_view(module) == "lm_head";
    if (added == nullptr && (is_head || !redrawn)) continue;
    if (FindTensor(weights, StrCat(module, ".weight")) == nullptr) continue;  // a tied head
    const bool targeted = FindTensor(weights, StrCat(module, ".lora_embedding_A")) != nullptr ||
                          FindTensor(weights, StrCat(module, ".lora_A.weight")) != nullptr;
    adapter->tensors.emplace_back(StrCat(module, targeted ? ".base_layer" : "", ".weight"),
                                  WholeTable(weights, module));
  }
}

// Every weight, in the types of their files.
absl::StatusOr<NamedTensors> ReadAll(const ExportRequest& request, const Manifest& manifest) {
  return ReadModelWeights(request.checkpoint, manifest, request.backbone, at::kFloat);
}

absl::StatusOr<Notes> ExportPeft(const ExportRequest& request, const std::string& out) {
  const std::string& path = request.checkpoint;
  OPENP5_ASSIGN_OR_RETURN(const auto manifest, ReadManifest(path));
  const auto lora = manifest.model_config.find(models::kLoraField);
  if (lora == manifest.model_config.end()) {
    return FailedPrecondition(path,
                              ": expected a model trained with --lora, got one without an "
                              "adapter; hint: --to huggingface");
  }
  PeftAdapter adapter{.config = *lora, .tensors = {}};
  adapter.config["base_model_name_or_path"] = manifest.training.value("backbone", "");
  Notes notes;
  OPENP5_RETURN_IF_ERROR(CatchTorch(path, [&]() -> absl::Status {
    OPENP5_ASSIGN_OR_RETURN(const NamedTensors weights, ReadAll(request, manifest));
    const at::Tensor* added = FindTensor(weights, "model.embed_tokens.added.weight");
    for (const auto& [name, tensor] : weights) {
      if (name.find(".lora_") == std::string::npos) continue;
      adapter.tensors.emplace_back(name, ForAllRows(name, tensor, added));
    }
    AddChangedTables(manifest, weights, &adapter, &notes);
    return absl::OkStatus();
  }));
  OPENP5_RETURN_IF_ERROR(WritePeftAdapter(
      out, adapter, [&](const std::string& to) { return WriteReading(path, to); }));
  return notes;
}

// Version 5 of transformers reads the tokenizer beside a Qwen 2 as Qwen 2's own, whatever class the
// folder names. Version 4 goes by the folder.
absl::Status NoteTokenizerOfQwen2(const std::string& folder, const nlohmann::json& config,
                                  Notes* notes) {
  if (config.value("model_type", "") != "qwen2") return absl::OkStatus();
  OPENP5_ASSIGN_OR_RETURN(const std::string file, ReadFile(JoinPath(folder, "tokenizer.json")));
  constexpr char kSplitsLikeQwen2[] = R"(]?\\p{L}+|\\p{N}| ?[)";
  if (file.find(kSplitsLikeQwen2) != std::string::npos) return absl::OkStatus();
  notes->push_back(
      "AutoTokenizer of transformers 5 takes every tokenizer beside a Qwen 2 for Qwen 2's own and "
      "gives other ids; PreTrainedTokenizerFast.from_pretrained gives the right ones");
  return absl::OkStatus();
}

absl::StatusOr<Notes> ExportHuggingFace(const ExportRequest& request, const std::string& out) {
  const std::string& path = request.checkpoint;
  Notes notes;
  OPENP5_ASSIGN_OR_RETURN(const auto manifest, ReadManifest(path));
  OPENP5_ASSIGN_OR_RETURN(const auto tokenizer, text::OpenTokenizer(JoinPath(path, "tokenizer"),
                                                                    manifest.tokenizer_family));
  HuggingFaceFolder folder{.config = manifest.model_config};
  OPENP5_RETURN_IF_ERROR(CatchTorch(path, [&]() -> absl::Status {
    OPENP5_ASSIGN_OR_RETURN(folder.weights, ReadAll(request, manifest));
    OPENP5_RETURN_IF_ERROR(MergeOwnAdapter(&folder));
    SettleT5Head(&folder);
    return SettleWholeWords(&folder.weights, &notes);
  }));
  OPENP5_RETURN_IF_ERROR(
      WriteHuggingFaceFolder(out, folder, [&](const std::string& to) -> absl::Status {
        OPENP5_RETURN_IF_ERROR(text::SaveForTransformers(*tokenizer, to, &notes));
        OPENP5_RETURN_IF_ERROR(NoteTokenizerOfQwen2(to, folder.config, &notes));
        return WriteReading(path, to);
      }));
  return notes;
}

// A folder a dataset, as in OpenP5's `data/`.
absl::StatusOr<Notes> ExportOpenP5(const ExportRequest& request, const std::string& out) {
  const std::string& path = request.checkpoint;
  OPENP5_ASSIGN_OR_RETURN(const auto indexes,
                          indexing::ReadItemIndexFile(JoinPath(path, "items.index")));
  const auto fill = [&](const std::string& to) -> absl::Status {
    for (const indexing::ItemIndex& index : indexes) {
      if (!IsInnerPath(index.dataset_name())) {
        return DataLoss(path, ": items.index: expected a dataset's name that is a folder's, got '",
                        OneLine(index.dataset_name()), "'");
      }
      const std::string folder = JoinPath(to, index.dataset_name());
      OPENP5_RETURN_IF_ERROR(MakeDirectories(folder));
      OPENP5_RETURN_IF_ERROR(
          WriteFileAtomic(JoinPath(folder, indexing::OpenP5ItemsFileName(index.parameters())),
                          indexing::OpenP5ItemsText(index)));
      OPENP5_RETURN_IF_ERROR(
          WriteFileAtomic(JoinPath(folder, "user_indexing.txt"), indexing::OpenP5UsersText(index)));
    }
    return absl::OkStatus();
  };
  OPENP5_RETURN_IF_ERROR(WriteMarkedFolder(out, kOpenP5Export, fill));
  return Notes();
}

// Copies the `files` of a checkpoint folder but its weights.
absl::Status CopyOthers(const std::string& from, const std::map<std::string, int64_t>& files,
                        const std::string& to) {
  for (const auto& [name, size] : files) {
    if (name.ends_with(".safetensors")) continue;
    OPENP5_ASSIGN_OR_RETURN(const std::string content, ReadFile(JoinPath(from, name)));
    OPENP5_RETURN_IF_ERROR(MakeDirectories(DirectoryName(JoinPath(to, name))));
    OPENP5_RETURN_IF_ERROR(WriteFileAtomic(JoinPath(to, name), content));
  }
  return absl::OkStatus();
}

// An adapter's backbone comes into the folder; what else is in it stays as it is.
absl::StatusOr<Notes> ExportCheckpoint(const ExportRequest& request, const std::string& out) {
  const std::string& path = request.checkpoint;
  OPENP5_ASSIGN_OR_RETURN(auto manifest, ReadManifest(path));
  OPENP5_ASSIGN_OR_RETURN(const auto files, ListCheckpointFiles(path));
  OPENP5_RETURN_IF_ERROR(CatchTorch(path, [&]() -> absl::Status {
    OPENP5_ASSIGN_OR_RETURN(const NamedTensors weights, ReadAll(request, manifest));
    manifest.backbone.reset();
    return WriteCheckpoint(out, manifest, weights,
                           [&](const std::string& to) { return CopyOthers(path, files, to); });
  }));
  return Notes();
}

constexpr ExportForm kForms[] = {{.name = "huggingface",
                                  .help = "a folder for transformers, adapters merged",
                                  .kind = [] { return MarkedKind(kHuggingFaceExport); },
                                  .write = ExportHuggingFace},
                                 {.name = "peft",
                                  .help = "the adapter alone",
                                  .kind = [] { return MarkedKind(kPeftExport); },
                                  .write = ExportPeft},
                                 {.name = "openp5",
                                  .help = "the item index and users as OpenP5's text files",
                                  .kind = [] { return MarkedKind(kOpenP5Export); },
                                  .write = ExportOpenP5},
                                 {.name = "checkpoint",
                                  .help = "one of openp5's that needs no backbone beside it",
                                  .kind = CheckpointKind,
                                  .write = ExportCheckpoint}};

}  // namespace

std::span<const ExportForm> ExportForms() { return kForms; }

}  // namespace openp5::checkpoints
