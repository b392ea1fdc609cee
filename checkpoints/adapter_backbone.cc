#include "checkpoints/adapter_backbone.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "checkpoints/hugging_face.h"
#include "platform/base/digest.h"
#include "platform/models/common/lora.h"
#include "platform/models/families.h"
#include "platform/tensor/runtime.h"
#include "platform/tensor/tensor_layout.h"

namespace openp5::checkpoints {
namespace {

constexpr const char* kTables[] = {"model.embed_tokens", "lm_head"};
constexpr char kRows[] = ".replaced.rows", kValues[] = ".replaced.weight";

bool IsReplaced(const std::string& name) {
  return name.ends_with(kRows) || name.ends_with(kValues);
}

// Over the names and bytes of `weights`, in their order.
std::string DigestOf(const NamedTensors& weights) {
  Sha256 digest;
  for (const auto& [name, tensor] : weights) {
    const at::Tensor bytes = tensor.to(at::kCPU).contiguous();
    digest.Update(name);
    digest.Update({static_cast<const char*>(bytes.const_data_ptr()), bytes.nbytes()});
  }
  return digest.Finish();
}

NamedTensors FrozenOf(const models::LanguageModel& model) {
  NamedTensors frozen;
  for (const auto& [name, parameter] : model.parameters()) {
    if (!parameter.requires_grad()) frozen.emplace_back(name, parameter);
  }
  return frozen;
}

// The weights of the plain model, before any adapter, under the model's own names.
absl::StatusOr<NamedTensors> PlainWeights(const std::string& path, const Manifest& manifest,
                                          const std::string& given, c10::ScalarType type) {
  const Backbone& backbone = *manifest.backbone;
  std::unique_ptr<models::LanguageModel> model;
  if (backbone.is_folder()) {
    OPENP5_ASSIGN_OR_RETURN(const std::string folder, FindBackbone(backbone, path, given));
    OPENP5_ASSIGN_OR_RETURN(auto files, ReadHuggingFaceFolder(folder));
    const auto kept = backbone.type == "BF16" ? at::kBFloat16 : type;
    auto loaded = models::LoadLanguageModel(files.config, std::move(files.weights), kept);
    if (!loaded.ok()) return Annotate(loaded.status(), folder);
    model = *std::move(loaded);
  } else if (!given.empty()) {
    return UsageError(StrCat("--backbone: the backbone of ", path, " has random weights (",
                             backbone.path, "), which come from their seed again"));
  } else {
    nlohmann::json config = manifest.model_config;
    config.erase(models::kLoraField);
    OPENP5_ASSIGN_OR_RETURN(
        model, models::CreateLanguageModel(config, static_cast<uint64_t>(backbone.seed)));
  }
  NamedTensors weights;
  for (const auto& [name, parameter] : model->parameters()) {
    weights.emplace_back(name, parameter.detach());
  }
  return weights;
}

at::Tensor FitRows(const at::Tensor& table, int64_t rows) {
  if (table.size(0) >= rows) return table.narrow(0, 0, rows);
  return at::constant_pad_nd(table, {0, 0, 0, rows - table.size(0)});
}

// The backbone's `table` as the training had it: with the rows that `own`, the checkpoint, has.
absl::Status RestoreTable(const std::string& where, const std::string& module,
                          const NamedTensors& own, int64_t vocabulary, at::Tensor* table) {
  const at::Tensor* added = FindTensor(own, module + ".added.weight");
  *table = FitRows(*table, vocabulary - (added == nullptr ? 0 : added->size(0)));
  const at::Tensor *rows = FindTensor(own, module + kRows),
                   *values = FindTensor(own, module + kValues);
  if (rows == nullptr && values == nullptr) return absl::OkStatus();
  if (rows == nullptr || values == nullptr || rows->scalar_type() != at::kLong ||
      rows->dim() != 1 || values->dim() != 2 || values->size(0) != rows->size(0) ||
      values->size(1) != table->size(1) ||
      (rows->numel() > 0 &&
       (rows->min().item<int64_t>() < 0 || rows->max().item<int64_t>() >= table->size(0)))) {
    return DataLoss(where, ": ", module, std::string_view(kValues),
                    ": expected as many rows of the table as ", module, std::string_view(kRows),
                    " has numbers, all of rows that exist");
  }
  *table = table->index_copy(0, *rows, values->to(table->scalar_type()));
  return absl::OkStatus();
}

// The backbone's weights as the adapter found them.
absl::StatusOr<NamedTensors> FrozenWeights(const std::string& path, const Manifest& manifest,
                                           const NamedTensors& own, const std::string& given,
                                           c10::ScalarType type) {
  OPENP5_ASSIGN_OR_RETURN(NamedTensors weights, PlainWeights(path, manifest, given, type));
  const auto vocabulary = manifest.model_config.value("vocab_size", int64_t{0});
  for (const std::string module : kTables) {
    at::Tensor* table = FindTensor(&weights, module + ".weight");
    if (table == nullptr) continue;
    OPENP5_RETURN_IF_ERROR(RestoreTable(path, module, own, vocabulary, table));
  }
  const Backbone& backbone = *manifest.backbone;
  if (!backbone.is_folder() && DigestOf(weights) != backbone.sha256) {
    return FailedPrecondition(path, ": backbone: ", backbone.path, " with seed ", backbone.seed,
                              " gives other weights here than where it was trained; hint: export "
                              "it there with `checkpoint export --to checkpoint`");
  }
  return weights;
}

}  // namespace

void BackboneOption::ForEach(OptionVisitor& visitor) {
  visitor.Visit({.name = "backbone",
                 .help = "folder of the model that an adapter was trained on (default: where it "
                         "was in training)"},
                &backbone);
}

absl::StatusOr<Backbone> NameFrozenWeights(const std::string& given, int64_t seed,
                                           const models::LanguageModel& model) {
  Backbone backbone{.path = given, .seed = seed};
  if (given.starts_with(kPresetPrefix)) {
    backbone.sha256 = DigestOf(FrozenOf(model));
  } else {
    OPENP5_ASSIGN_OR_RETURN(backbone, NameBackbone(given));
  }
  backbone.type = NameOfType(model.embeddings().scalar_type());
  return backbone;
}

NamedTensors ReplacedRows(const models::LanguageModel& model, std::vector<int64_t> drawn,
                          int64_t backbone_rows) {
  NamedTensors replaced;
  for (const std::string module : kTables) {
    const at::Tensor* table = FindTensor(model.parameters(), module + ".weight");
    if (table == nullptr) continue;  // a tied head
    for (int64_t row = backbone_rows; row < table->size(0); ++row) drawn.push_back(row);
    std::sort(drawn.begin(), drawn.end());
    drawn.erase(std::unique(drawn.begin(), drawn.end()), drawn.end());
    if (!drawn.empty()) {
      const at::Tensor rows = at::tensor(drawn, at::kLong);
      replaced.emplace_back(module + kRows, rows);
      replaced.emplace_back(module + kValues,
                            table->detach().index_select(0, rows.to(table->device())));
    }
    drawn.clear();  // only the embeddings' rows are drawn
  }
  return replaced;
}

absl::StatusOr<NamedTensors> ReadModelWeights(const std::string& path, const Manifest& manifest,
                                              const std::string& given, c10::ScalarType type) {
  OPENP5_ASSIGN_OR_RETURN(NamedTensors own, ReadWeights(path));
  if (!manifest.backbone.has_value()) return own;
  OPENP5_ASSIGN_OR_RETURN(NamedTensors weights, FrozenWeights(path, manifest, own, given, type));
  for (auto& named : own) {
    if (!IsReplaced(named.first)) weights.push_back(std::move(named));
  }
  return weights;
}

absl::Status VerifyBackbone(const std::string& path, const Manifest& manifest,
                            const std::string& given) {
  if (!manifest.backbone.has_value()) return absl::OkStatus();
  if (manifest.backbone->is_folder()) {
    return FindBackbone(*manifest.backbone, path, given).status();
  }
  OPENP5_ASSIGN_OR_RETURN(const NamedTensors own, ReadWeights(path));
  return CatchTorch(path,
                    [&] { return FrozenWeights(path, manifest, own, given, at::kFloat).status(); });
}

}  // namespace openp5::checkpoints
