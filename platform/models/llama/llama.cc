#include "platform/models/llama/llama.h"

#include <torch/types.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_join.h"
#include "platform/models/common/layers.h"
#include "platform/models/common/state_dict.h"
#include "platform/models/common/vocabulary_loss.h"
#include "platform/models/llama/llama_generation.h"
#include "platform/models/llama/llama_weights.h"
#include "platform/tensor/tensor_checks.h"

namespace openp5::models {
namespace {

using Kind = LlamaWeights::Kind;

constexpr char kEmbeddings[] = "model.embed_tokens.weight";
constexpr char kAddedRows[] = "model.embed_tokens.added.weight";
constexpr char kHead[] = "lm_head.weight";

// What a state dict may hold besides the parameters: a tied head's copy, and tables of the rotary
// embedding that old versions of transformers saved.
bool IsKnownExtra(const std::string& name, const LlamaConfig& config) {
  return name.ends_with(".rotary_emb.inv_freq") || (config.tie_word_embeddings && name == kHead);
}

absl::Status CheckTargets(const LoraConfig& lora) {
  const std::vector<std::string>& known = LoraModules();
  for (const std::string& target : lora.target_modules) {
    if (std::find(known.begin(), known.end(), target) != known.end()) continue;
    return InvalidArgument("LoRA: target_modules: expected names of ", absl::StrJoin(known, ", "),
                           "; got ", target);
  }
  return absl::OkStatus();
}

}  // namespace

struct LlamaModel::Impl {
  LlamaConfig config;
  LlamaWeights weights;
  NamedTensors parameters;
  double dropout = 0, attention_dropout = 0, lora_dropout = 0;  // in training
  bool training = false, checkpointing = false, lora = true;
  c10::ScalarType compute_type = c10::ScalarType::Float;

  LlamaContext Context() const {
    return {.config = config,
            .weights = weights,
            .compute_type = compute_type,
            .dropout = training ? dropout : 0,
            .attention_dropout = training ? attention_dropout : 0,
            .lora_dropout = training ? lora_dropout : 0,
            .lora = lora,
            .checkpointing = training && checkpointing};
  }

  void Collect() {
    parameters.clear();
    weights.ForEach(config, [&](const std::string& name, const std::vector<int64_t>&, Kind,
                                at::Tensor& tensor) { parameters.emplace_back(name, tensor); });
  }

  // Keeps the rows from `first` on apart.
  void SplitRows(int64_t first) {
    const int64_t added = config.vocab_size - first;
    if (added <= 0) return;
    for (LlamaTable* table : {&weights.embeddings, &weights.head}) {
      if (!table->base.weight.defined()) continue;
      const at::Tensor all = table->base.weight.detach();
      table->base.weight = all.narrow(0, 0, first).clone();
      table->added = all.narrow(0, first, added).to(at::kFloat, false, /*copy=*/true);
    }
    weights.added_rows = added;
  }
};

LlamaModel::LlamaModel(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LlamaModel::~LlamaModel() = default;

std::unique_ptr<LlamaModel> LlamaModel::Create(const LlamaConfig& config, uint64_t seed) {
  auto impl = std::make_unique<Impl>();
  impl->config = config;
  impl->lora_dropout = config.lora.dropout;
  Random random(seed);
  impl->weights.ForEach(
      config, [&](const std::string&, std::vector<int64_t> shape, Kind kind, at::Tensor& tensor) {
        tensor = kind == Kind::kNorm ? at::ones(shape) : at::zeros(shape);
        if (kind == Kind::kMatrix) FillNormal(tensor, config.initializer_range, random);
        tensor.requires_grad_(true);
      });
  impl->Collect();
  return std::unique_ptr<LlamaModel>(new LlamaModel(std::move(impl)));
}

absl::StatusOr<std::unique_ptr<LlamaModel>> LlamaModel::FromStateDict(LlamaConfig config,
                                                                      NamedTensors weights,
                                                                      c10::ScalarType type) {
  StripModulePrefix(&weights);
  const TensorIndex index(weights);
  const at::Tensor* embeddings = index.Find(kEmbeddings);
  if (embeddings == nullptr || embeddings->dim() != 2) {
    return DataLoss("weights: ", kEmbeddings, ": expected a matrix [vocabulary, hidden_size], got ",
                    embeddings == nullptr ? "none" : ShapeText(embeddings->sizes()));
  }
  auto impl = std::make_unique<Impl>();
  if (const at::Tensor* added = index.Find(kAddedRows); added != nullptr) {
    impl->weights.added_rows = added->size(0);
  }
  config.vocab_size = embeddings->size(0) + impl->weights.added_rows;
  const at::Tensor* head = index.Find(kHead);
  if (head != nullptr && !head->is_meta() && !IsSame(*head, *embeddings)) {
    config.tie_word_embeddings = false;  // what there is counts
  }
  if (!config.tie_word_embeddings && head == nullptr) {
    return DataLoss(
        "weights: lm_head.weight: expected it since tie_word_embeddings is false, got "
        "no such tensor; hint: does config.json belong to these weights?");
  }
  impl->config = config;
  impl->lora_dropout = config.lora.dropout;
  absl::Status status;
  const bool has_adapter = config.lora.rank > 0;
  impl->weights.ForEach(config, [&](const std::string& name, std::vector<int64_t> shape, Kind kind,
                                    at::Tensor& tensor) {
    if (!status.ok()) return;
    const auto place = index.Place(name);
    at::Tensor* found = place.has_value() ? &weights[*place].second : nullptr;
    if (found == nullptr || found->sizes() != at::IntArrayRef(shape)) {
      status = DataLoss("weights: ", name, ": expected shape ", ShapeText(shape), ", got ",
                        found == nullptr ? "no such tensor" : ShapeText(found->sizes()));
      return;
    }
    const auto kept = kind == Kind::kMatrix ? type : at::kFloat;
    tensor = found->to(kept).contiguous();
    *found = at::Tensor();  // what it was read from is not needed beside the parameter
    const bool is_backbone = kind == Kind::kMatrix || kind == Kind::kNorm || kind == Kind::kBias;
    if (kept == at::kFloat && !(has_adapter && is_backbone)) tensor.requires_grad_(true);
  });
  OPENP5_RETURN_IF_ERROR(status);
  impl->Collect();
  const TensorIndex own(impl->parameters);
  for (const auto& [name, tensor] : weights) {
    if (own.Find(name) == nullptr && !IsKnownExtra(name, config)) {
      return DataLoss(
          "weights: ", name,
          ": this model has no such tensor; hint: does config.json belong to these weights?");
    }
  }
  return std::unique_ptr<LlamaModel>(new LlamaModel(std::move(impl)));
}

absl::Status LlamaModel::AddLora(const LoraConfig& lora, int64_t first_trained_row,
                                 Random& random) {
  OPENP5_CHECK(impl_->config.lora.rank == 0 && lora.rank > 0);
  OPENP5_RETURN_IF_ERROR(CheckTargets(lora));
  impl_->SplitRows(first_trained_row);
  impl_->config.lora = lora;
  impl_->lora_dropout = lora.dropout;
  const c10::Device device = impl_->weights.final_norm.device();
  std::vector<int64_t> a_shape;
  at::Tensor* a = nullptr;
  impl_->weights.ForEach(impl_->config, [&](const std::string& name, std::vector<int64_t> shape,
                                            Kind kind, at::Tensor& tensor) {
    if (kind == Kind::kLoraA) {
      a = &tensor;
      a_shape = std::move(shape);
    } else if (kind == Kind::kLoraB) {  // always behind its A
      LoraPair pair =
          MakeLoraPair(a_shape[1], shape[0], lora.rank, name.ends_with("lora_embedding_B"), random);
      *a = pair.a.to(device).requires_grad_(true);
      tensor = pair.b.to(device).requires_grad_(true);
    } else {
      tensor.requires_grad_(kind == Kind::kAddedRows);
    }
  });
  impl_->Collect();
  return absl::OkStatus();
}

void LlamaModel::EnableLora(bool enabled) { impl_->lora = enabled; }

const LlamaConfig& LlamaModel::config() const { return impl_->config; }
nlohmann::json LlamaModel::ToHuggingFace() const { return impl_->config.ToHuggingFace(); }
const NamedTensors& LlamaModel::parameters() const { return impl_->parameters; }
at::Tensor LlamaModel::embeddings() const { return impl_->weights.embeddings.base.weight; }
double LlamaModel::embedding_deviation() const { return impl_->config.initializer_range; }
int64_t LlamaModel::vocabulary_size() const { return impl_->config.vocab_size; }

void LlamaModel::SetTraining(bool training, double dropout, double attention_dropout) {
  impl_->training = training;
  if (dropout >= 0) impl_->dropout = dropout;
  if (attention_dropout >= 0) impl_->attention_dropout = attention_dropout;
}

void LlamaModel::SetGradientCheckpointing(bool enabled) { impl_->checkpointing = enabled; }
void LlamaModel::SetComputeType(c10::ScalarType type) { impl_->compute_type = type; }

void LlamaModel::QuantizeWeights() {
  impl_->weights.Quantize();
  impl_->parameters.clear();
}

void LlamaModel::To(c10::Device device) {
  for (auto& [name, tensor] : impl_->parameters) tensor.set_data(tensor.to(device));
}

void LlamaModel::ResizeVocabulary(int64_t rows, Random& random) {
  LlamaWeights& weights = impl_->weights;
  OPENP5_CHECK(weights.added_rows == 0 && impl_->config.lora.rank == 0);
  for (LlamaTable* table : {&weights.embeddings, &weights.head}) {
    at::Tensor& weight = table->base.weight;
    if (!weight.defined()) continue;
    weight.set_data(
        ResizeRows(weight, rows, impl_->config.initializer_range, random).to(weight.scalar_type()));
  }
  impl_->config.vocab_size = rows;
}

at::Tensor LlamaModel::Forward(const PackedBatch& input, const at::Tensor& positions,
                               std::vector<at::Tensor>* layer_outputs) {
  const Impl& m = *impl_;
  LlamaContext::Observer observe;
  if (layer_outputs != nullptr) {
    observe = [&](const at::Tensor& layer_input, const LlamaContext::Heads&) {
      layer_outputs->push_back(layer_input);
    };
  }
  const at::Tensor x = m.Context().Run(input, positions, observe);
  const at::Tensor normed = RmsNorm(x, m.weights.final_norm, m.config.rms_norm_eps);
  if (layer_outputs != nullptr) layer_outputs->push_back(normed);
  return normed;
}

at::Tensor LlamaModel::Logits(const at::Tensor& hidden) const {
  return impl_->Context().Logits(hidden);
}

at::Tensor LlamaModel::TokenLosses(const TrainingBatch& batch) {
  const at::Tensor hidden = Forward(batch.input).index_select(0, batch.label_positions);
  const LlamaContext context = impl_->Context();
  const at::Tensor& labels = batch.labels.tokens;
  if (const auto head = context.PlainHead(); head.has_value()) {
    return VocabularyLosses(
        hidden, *head, labels,
        {.smoothing = batch.label_smoothing, .compute_type = context.compute_type});
  }
  return CrossEntropy(context.Logits(hidden), labels, batch.label_smoothing);
}

NamedTensors LlamaModel::MergedWeights() const {
  const c10::AutoGradMode no_gradients(false);
  const NamedTensors& own = impl_->parameters;
  const TensorIndex index(own);
  const auto find = [&](const std::string& name) { return index.Find(name); };
  // `weight` with the update of the layer `module`.
  const auto merge = [&](const std::string& module, const at::Tensor& weight) {
    const at::Tensor *a = find(module + ".lora_A.weight"), *b = find(module + ".lora_B.weight"),
                     *row_a = find(module + ".lora_embedding_A"),
                     *row_b = find(module + ".lora_embedding_B");
    at::Tensor update;
    if (a != nullptr) update = at::matmul(*b, *a);
    if (row_a != nullptr) update = at::matmul(*row_b, *row_a).t();
    if (!update.defined()) return weight;
    return (weight.to(at::kFloat) + update * impl_->config.lora.scale()).to(weight.scalar_type());
  };
  const auto append = [](const at::Tensor& weight, const at::Tensor* rows) {
    return rows == nullptr ? weight : at::cat({weight, rows->to(weight.scalar_type())});
  };
  NamedTensors merged;
  for (const auto& [name, tensor] : own) {
    if (name.find(".lora_") != std::string::npos || name.ends_with(".added.weight")) continue;
    const std::string module = name.substr(0, name.size() - std::string(".weight").size());
    merged.emplace_back(name,
                        append(merge(module, tensor.detach()), find(module + ".added.weight")));
  }
  const LoraConfig& lora = impl_->config.lora;
  if (impl_->config.tie_word_embeddings &&
      (lora.Targets("embed_tokens") || lora.Targets("lm_head"))) {
    merged.emplace_back(kHead,
                        append(merge("lm_head", find(kEmbeddings)->detach()), find(kAddedRows)));
  }
  return merged;
}

std::unique_ptr<GenerationState> LlamaModel::Begin(const PackedBatch& prompts) {
  const at::NoGradGuard no_gradients;
  LlamaContext context = impl_->Context();
  context.dropout = context.attention_dropout = context.lora_dropout = 0;
  return MakeLlamaGeneration(context, prompts);
}

}  // namespace openp5::models
