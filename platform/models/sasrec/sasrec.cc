#include "platform/models/sasrec/sasrec.h"

#include <torch/types.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "platform/models/common/config_json.h"
#include "platform/models/common/layers.h"
#include "platform/models/common/ragged_attention.h"
#include "platform/models/common/state_dict.h"
#include "platform/models/common/vocabulary_loss.h"

namespace openp5::models {
namespace {

constexpr double kNormEpsilon = 1e-8;  // the original's
constexpr double kEmbeddingDeviation = 0.02;

struct Affine {
  at::Tensor weight, bias;  // [out, in] and [out], or both [hidden] of a layer norm
};

struct Layer {
  Affine attention_norm, query, key, value, feed_forward_norm, inner, outer;
};

// The place of each token counted from the end of its sequence of at most `max_length`: the last
// one is max_length - 1.
at::Tensor PositionsFromEnd(const std::vector<int64_t>& lengths, int64_t max_length) {
  std::vector<int64_t> positions;
  for (const int64_t length : lengths) {
    OPENP5_CHECK(length > 0 && length <= max_length);
    for (int64_t p = max_length - length; p < max_length; ++p) positions.push_back(p);
  }
  return torch::tensor(positions, torch::kLong);
}

at::Tensor Norm(const Affine& norm, const at::Tensor& x) {
  return at::layer_norm(x, {x.size(-1)}, norm.weight, norm.bias, kNormEpsilon);
}

}  // namespace

struct SasrecModel::Impl {
  SasrecConfig config;
  at::Tensor item_embeddings, position_embeddings;
  std::vector<Layer> layers;
  Affine final_norm;
  NamedTensors parameters;
  double dropout = 0, attention_dropout = 0;
  c10::ScalarType compute_type = c10::ScalarType::Float;

  // Calls `visit(name, shape, tensor)` for every parameter.
  template <class Visit>
  void ForEach(const Visit& visit) {
    const int64_t d = config.hidden_size;
    const auto affine = [&](const std::string& name, std::vector<int64_t> shape, Affine& a) {
      visit(name + ".weight", shape, a.weight);
      visit(name + ".bias", std::vector<int64_t>{shape[0]}, a.bias);
    };
    visit("item_embeddings.weight", std::vector<int64_t>{config.item_count, d}, item_embeddings);
    visit("position_embeddings.weight", std::vector<int64_t>{config.max_length, d},
          position_embeddings);
    layers.resize(static_cast<size_t>(config.num_layers));
    for (size_t i = 0; i < layers.size(); ++i) {
      Layer& layer = layers[i];
      const std::string name = "layers." + std::to_string(i) + ".";
      affine(name + "attention_norm", {d}, layer.attention_norm);
      affine(name + "attention.query", {d, d}, layer.query);
      affine(name + "attention.key", {d, d}, layer.key);
      affine(name + "attention.value", {d, d}, layer.value);
      affine(name + "feed_forward_norm", {d}, layer.feed_forward_norm);
      affine(name + "feed_forward.inner", {d, d}, layer.inner);
      affine(name + "feed_forward.outer", {d, d}, layer.outer);
    }
    affine("final_norm", {d}, final_norm);
  }

  void Collect() {
    ForEach([&](const std::string& name, const std::vector<int64_t>&, at::Tensor& tensor) {
      tensor.requires_grad_(true);
      parameters.emplace_back(name, tensor);
    });
  }

  at::Tensor Apply(const Affine& linear, const at::Tensor& x) const {
    return Linear(x, linear.weight, compute_type) + linear.bias;
  }

  at::Tensor Attend(const Layer& layer, const at::Tensor& x, const at::Tensor& causal,
                    std::shared_ptr<const AttentionLayout> layout) const {
    const at::Tensor normed = Norm(layer.attention_norm, x);
    const double depth = static_cast<double>(config.hidden_size / config.num_heads);
    return RaggedAttention(
        Apply(layer.query, normed), Apply(layer.key, normed), Apply(layer.value, normed), causal,
        std::move(layout),
        {.heads = config.num_heads, .divisor = std::sqrt(depth), .dropout = attention_dropout});
  }

  at::Tensor FeedForward(const Layer& layer, const at::Tensor& x) const {
    const at::Tensor inner = Apply(layer.inner, Norm(layer.feed_forward_norm, x));
    return Apply(layer.outer, ReluDropout(inner, dropout));
  }
};

SasrecModel::SasrecModel(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SasrecModel::~SasrecModel() = default;

std::unique_ptr<SasrecModel> SasrecModel::Create(const SasrecConfig& config, uint64_t seed) {
  auto impl = std::make_unique<Impl>();
  impl->config = config;
  Random random(seed);
  impl->ForEach(
      [&](const std::string& name, const std::vector<int64_t>& shape, at::Tensor& tensor) {
        const bool is_norm = name.ends_with("norm.weight");
        tensor = is_norm ? at::ones(shape) : at::zeros(shape);
        if (shape.size() < 2) return;
        const double deviation = name.find("embeddings") != std::string::npos
                                     ? kEmbeddingDeviation
                                     : std::sqrt(2.0 / static_cast<double>(shape[0] + shape[1]));
        FillNormal(tensor, deviation, random);
      });
  impl->Collect();
  return std::unique_ptr<SasrecModel>(new SasrecModel(std::move(impl)));
}

absl::StatusOr<std::unique_ptr<SasrecModel>> SasrecModel::FromStateDict(
    const SasrecConfig& config, const NamedTensors& weights) {
  auto impl = std::make_unique<Impl>();
  impl->config = config;
  absl::Status status;
  const TensorIndex index(weights);
  impl->ForEach(
      [&](const std::string& name, const std::vector<int64_t>& shape, at::Tensor& tensor) {
        if (!status.ok()) return;
        const at::Tensor* found = index.Find(name);
        if (found == nullptr || found->sizes() != at::IntArrayRef(shape)) {
          status = DataLoss("weights: ", name, ": expected shape ", ShapeText(shape), ", got ",
                            found == nullptr ? "no such tensor" : ShapeText(found->sizes()));
          return;
        }
        tensor = found->to(at::kFloat, /*non_blocking=*/false, /*copy=*/true).contiguous();
      });
  OPENP5_RETURN_IF_ERROR(status);
  impl->Collect();
  const TensorIndex own(impl->parameters);
  for (const auto& [name, tensor] : weights) {
    if (own.Find(name) == nullptr) {
      return DataLoss("weights: ", name, ": SASRec has no such tensor");
    }
  }
  return std::unique_ptr<SasrecModel>(new SasrecModel(std::move(impl)));
}

const SasrecConfig& SasrecModel::config() const { return impl_->config; }
const NamedTensors& SasrecModel::parameters() const { return impl_->parameters; }

at::Tensor SasrecModel::Forward(const PackedBatch& histories) const {
  const Impl& m = *impl_;
  const c10::Device device = histories.tokens.device();
  const auto layout =
      std::make_shared<const AttentionLayout>(histories.lengths, histories.lengths, device);
  const int64_t longest = layout->longest_query();
  const at::Tensor causal = at::full({1, longest, longest}, std::numeric_limits<float>::lowest(),
                                     at::TensorOptions().device(device))
                                .triu_(1);
  const at::Tensor positions = PositionsFromEnd(histories.lengths, m.config.max_length).to(device);
  at::Tensor x = at::embedding(m.item_embeddings, histories.tokens) *
                     std::sqrt(static_cast<double>(m.config.hidden_size)) +
                 at::embedding(m.position_embeddings, positions);
  x = Dropout(x, m.dropout);
  for (const Layer& layer : m.layers) {
    x = x + Dropout(m.Attend(layer, x, causal, layout), m.dropout);
    x = x + Dropout(m.FeedForward(layer, x), m.dropout);
  }
  return Norm(m.final_norm, x);
}

at::Tensor SasrecModel::Scores(const at::Tensor& states) const {
  return Linear(states, impl_->item_embeddings, impl_->compute_type);
}

at::Tensor SasrecModel::Losses(const TrainingBatch& batch) const {
  const at::Tensor states = Forward(batch.input).index_select(0, batch.label_positions);
  const at::Tensor &labels = batch.labels.tokens, &negatives = batch.negatives;
  if (!negatives.defined()) {
    return VocabularyLosses(states, impl_->item_embeddings, labels,
                            {.compute_type = impl_->compute_type});
  }
  const Impl& m = *impl_;
  const at::Tensor of_label = (states * at::embedding(m.item_embeddings, labels)).sum(1);
  const at::Tensor is_label = labels.unsqueeze(1).eq(negatives.unsqueeze(0));
  const at::Tensor others =
      Linear(states, at::embedding(m.item_embeddings, negatives), m.compute_type)
          .masked_fill(is_label, -std::numeric_limits<float>::infinity());
  // log(1): the label stands for itself; of no other negative: nothing but the label is left.
  const at::Tensor count = negatives.size(0) - is_label.sum(1);
  const at::Tensor weight = ((m.config.item_count - 1) / count.clamp_min(1).to(at::kFloat)).log();
  const at::Tensor total =
      at::logsumexp(at::cat({of_label.unsqueeze(1), others + weight.unsqueeze(1)}, 1), /*dim=*/1);
  return total - of_label;
}

void SasrecModel::SetTraining(bool training, double dropout, double attention_dropout) {
  impl_->dropout = training ? dropout : 0;
  impl_->attention_dropout =
      training && attention_dropout >= 0 ? attention_dropout : impl_->dropout;
}
void SasrecModel::SetComputeType(c10::ScalarType type) { impl_->compute_type = type; }
void SasrecModel::To(c10::Device device) {
  for (auto& [name, tensor] : impl_->parameters) tensor.set_data(tensor.to(device));
}

nlohmann::json SasrecConfig::ToJson() const {
  return {{"model_type", "sasrec"},   {"item_count", item_count}, {"hidden_size", hidden_size},
          {"num_layers", num_layers}, {"num_heads", num_heads},   {"max_length", max_length}};
}

absl::StatusOr<SasrecConfig> SasrecConfig::FromJson(const nlohmann::json& json) {
  SasrecConfig config;
  const std::pair<const char*, int64_t*> fields[] = {{"item_count", &config.item_count},
                                                     {"hidden_size", &config.hidden_size},
                                                     {"num_layers", &config.num_layers},
                                                     {"num_heads", &config.num_heads},
                                                     {"max_length", &config.max_length}};
  for (const auto& [name, value] : fields) {
    *value = 0;  // a missing field is out of range
    OPENP5_RETURN_IF_ERROR(ReadField(json, name, value));
    OPENP5_RETURN_IF_ERROR(CheckPositive(name, *value));
  }
  if (config.num_layers > 1000) {
    return InvalidArgument("config.json: num_layers: expected at most 1000, got ",
                           config.num_layers);
  }
  if (config.hidden_size % config.num_heads != 0) {
    return InvalidArgument("config.json: num_heads: expected a divisor of hidden_size ",
                           config.hidden_size, ", got ", config.num_heads);
  }
  return config;
}

int64_t SasrecConfig::CountParameters() const {
  const int64_t d = hidden_size;
  return (item_count + max_length) * d + num_layers * (5 * d * d + 9 * d) + 2 * d;
}

}  // namespace openp5::models
