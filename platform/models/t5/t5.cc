#include "platform/models/t5/t5.h"

#include <torch/types.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "platform/models/common/activation_checkpointing.h"
#include "platform/models/common/config_json.h"
#include "platform/models/common/layers.h"
#include "platform/models/common/ragged_attention.h"
#include "platform/models/common/state_dict.h"
#include "platform/models/common/vocabulary_loss.h"
#include "platform/models/t5/t5_generation.h"
#include "platform/models/t5/t5_weights.h"
#include "platform/tensor/tensor_checks.h"

namespace openp5::models {
namespace {

// Names Hugging Face and OpenP5 write for a tied tensor besides the one we keep.
bool IsTiedCopy(const std::string& name, const T5Config& config) {
  return name == "encoder.embed_tokens.weight" || name == "decoder.embed_tokens.weight" ||
         (config.tie_word_embeddings && name == "lm_head.weight");
}

std::string DecoderNorm(int64_t block) {
  return StrCat("decoder.block.", block, ".layer.0.layer_norm.weight");
}

// At least 1: a first block that is not there is named with all else that is missing.
absl::StatusOr<int64_t> CountDecoderBlocks(const TensorIndex& weights) {
  int64_t count = 1;
  while (weights.Find(DecoderNorm(count)) != nullptr) {
    if (++count > kMostLayers) {
      return DataLoss("weights: ", DecoderNorm(count - 1), ": expected at most ", kMostLayers,
                      " blocks");
    }
  }
  return count;
}

}  // namespace

struct T5Model::Impl {
  T5Config config;
  T5Weights weights;
  NamedTensors parameters;
  double dropout = 0;             // as configured for training
  double attention_dropout = -1;  // < 0: the same
  bool training = false, checkpointing = false;
  c10::ScalarType compute_type = c10::ScalarType::Float;

  double ActiveDropout() const { return training ? dropout : 0; }
  double AttentionDropout() const {
    return attention_dropout < 0 || !training ? ActiveDropout() : attention_dropout;
  }
  c10::Device device() const { return weights.shared.device(); }

  at::Tensor SelfAttention(const T5Attention& a, const at::Tensor& x, const at::Tensor& bias,
                           const std::shared_ptr<const AttentionLayout>& layout) const {
    const at::Tensor normed = RmsNorm(x, a.norm, config.layer_norm_epsilon);
    return Linear(
        RaggedAttention(Linear(normed, a.q, compute_type), Linear(normed, a.k, compute_type),
                        Linear(normed, a.v, compute_type), bias, layout,
                        {.heads = config.num_heads, .dropout = AttentionDropout()}),
        a.o, compute_type);
  }

  at::Tensor CrossAttention(const T5Attention& a, const at::Tensor& x, const at::Tensor& encoded,
                            const std::shared_ptr<const AttentionLayout>& layout) const {
    const at::Tensor normed = RmsNorm(x, a.norm, config.layer_norm_epsilon);
    return Linear(
        RaggedAttention(Linear(normed, a.q, compute_type), Linear(encoded, a.k, compute_type),
                        Linear(encoded, a.v, compute_type), std::nullopt, layout,
                        {.heads = config.num_heads, .dropout = AttentionDropout()}),
        a.o, compute_type);
  }

  at::Tensor AddResidual(const at::Tensor& x, const at::Tensor& y) const {
    return x + Dropout(y, ActiveDropout());
  }

  // `part(inputs)`, its activations kept or not.
  at::Tensor Run(const ModelPart& part, const std::vector<at::Tensor>& inputs) const {
    return training && checkpointing ? Checkpoint(part, inputs) : part(inputs);
  }

  at::Tensor AddFeedForward(const T5Block& block, const at::Tensor& x) const {
    return AddResidual(x,
                       FeedForward(block.feed_forward, x, config, ActiveDropout(), compute_type));
  }

  // What scores are products of: decoder outputs, scaled as the config says, and the head.
  at::Tensor HeadInput(const at::Tensor& decoded) const {
    if (!config.scales()) return decoded;
    return decoded * std::pow(static_cast<double>(config.d_model), -0.5);
  }
  Matrix Head() const {
    return weights.lm_head.defined() ? weights.lm_head : Matrix{weights.shared, {}};
  }

  // Decoder input: the start token, then every label but the last, sequence by sequence.
  at::Tensor ShiftRight(const PackedBatch& labels) const {
    at::Tensor shifted = at::empty_like(labels.tokens);
    const int64_t total = labels.tokens.size(0);
    if (total > 1) shifted.narrow(0, 1, total - 1).copy_(labels.tokens.narrow(0, 0, total - 1));
    std::vector<int64_t> starts;
    int64_t start = 0;
    for (const int64_t length : labels.lengths) {
      starts.push_back(start);
      start += length;
    }
    shifted.index_fill_(0, torch::tensor(starts, at::kLong).to(device()),
                        config.decoder_start_token_id);
    return shifted;
  }
};

T5Model::T5Model(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
T5Model::~T5Model() = default;

std::unique_ptr<T5Model> T5Model::Create(const T5Config& config, uint64_t seed) {
  auto impl = std::make_unique<Impl>();
  impl->config = config;
  impl->dropout = config.dropout_rate;
  Random random(seed);
  impl->weights.ForEach(config, [&](const std::string& name, std::vector<int64_t> shape,
                                    double deviation, at::Tensor& tensor) {
    tensor = deviation < 0 ? at::ones(shape) : at::empty(shape);
    if (deviation >= 0) FillNormal(tensor, deviation, random);
    tensor.requires_grad_(true);
    impl->parameters.emplace_back(name, tensor);
  });
  return std::unique_ptr<T5Model>(new T5Model(std::move(impl)));
}

absl::StatusOr<std::unique_ptr<T5Model>> T5Model::FromStateDict(T5Config config,
                                                                NamedTensors weights) {
  StripModulePrefix(&weights);
  const TensorIndex index(weights);
  const at::Tensor* shared = index.Find("shared.weight");
  if (shared == nullptr || shared->dim() != 2) {
    return DataLoss("weights: shared.weight: expected a matrix [vocabulary, d_model], got ",
                    shared == nullptr ? "none" : ShapeText(shared->sizes()));
  }
  config.vocab_size = shared->size(0);
  if (const at::Tensor* words = index.Find("encoder.whole_word_embeddings.weight");
      words != nullptr && words->dim() == 2) {
    config.whole_word_rows = words->size(0);
  }
  // OpenP5 builds as many decoder blocks as encoder blocks, whatever its config.json says.
  OPENP5_ASSIGN_OR_RETURN(config.num_decoder_layers, CountDecoderBlocks(index));
  if (const at::Tensor* head = index.Find("lm_head.weight");
      head != nullptr && !head->is_meta() && !IsSame(*head, *shared)) {
    config.scale_decoder_outputs = config.scales();
    config.tie_word_embeddings = false;  // what there is counts
  }
  auto impl = std::make_unique<Impl>();
  impl->config = config;
  impl->dropout = config.dropout_rate;
  absl::Status status;
  impl->weights.ForEach(
      config, [&](const std::string& name, std::vector<int64_t> shape, double, at::Tensor& tensor) {
        if (!status.ok()) return;
        const auto place = index.Place(name);
        at::Tensor* found = place.has_value() ? &weights[*place].second : nullptr;
        if (found == nullptr && name == "encoder.whole_word_embeddings.weight") {
          tensor = at::zeros(shape);
        } else if (found == nullptr || found->sizes() != at::IntArrayRef(shape)) {
          status = DataLoss("weights: ", name, ": expected shape ", ShapeText(shape), ", got ",
                            found == nullptr ? "no such tensor" : ShapeText(found->sizes()));
          return;
        } else {
          tensor = found->to(at::kFloat, /*non_blocking=*/false, /*copy=*/true).contiguous();
          *found = at::Tensor();  // what it was read from is not needed beside the parameter
        }
        tensor.requires_grad_(true);
        impl->parameters.emplace_back(name, tensor);
      });
  OPENP5_RETURN_IF_ERROR(status);
  const TensorIndex own(impl->parameters);
  for (const auto& [name, tensor] : weights) {
    if (own.Find(name) == nullptr && !IsTiedCopy(name, config)) {
      return DataLoss(
          "weights: ", name,
          ": this model has no such tensor; hint: does config.json belong to these weights?");
    }
  }
  return std::unique_ptr<T5Model>(new T5Model(std::move(impl)));
}

const T5Config& T5Model::config() const { return impl_->config; }
const NamedTensors& T5Model::parameters() const { return impl_->parameters; }
nlohmann::json T5Model::ToHuggingFace() const { return impl_->config.ToHuggingFace(); }
at::Tensor T5Model::embeddings() const { return impl_->weights.shared; }
int64_t T5Model::vocabulary_size() const { return impl_->config.vocab_size; }

void T5Model::SetTraining(bool training, double dropout, double attention_dropout) {
  impl_->training = training;
  if (dropout >= 0) impl_->dropout = dropout;
  if (attention_dropout >= 0) impl_->attention_dropout = attention_dropout;
}

void T5Model::SetGradientCheckpointing(bool enabled) { impl_->checkpointing = enabled; }

void T5Model::SetComputeType(c10::ScalarType type) { impl_->compute_type = type; }

void T5Model::QuantizeWeights() {
  impl_->weights.Quantize();
  impl_->parameters.clear();
}

void T5Model::To(c10::Device device) {
  for (auto& [name, tensor] : impl_->parameters) tensor.set_data(tensor.to(device));
}

void T5Model::ResizeVocabulary(int64_t rows, Random& random) {
  for (at::Tensor* table : {&impl_->weights.shared, &impl_->weights.lm_head.weight}) {
    if (table->defined()) table->set_data(ResizeRows(*table, rows, embedding_deviation(), random));
  }
  impl_->config.vocab_size = rows;
}

at::Tensor T5Model::Encode(const PackedBatch& input, std::vector<at::Tensor>* block_outputs) {
  OPENP5_CHECK(input.branches.empty());  // all tokens see each other
  const Impl& m = *impl_;
  const auto layout =
      std::make_shared<const AttentionLayout>(input.lengths, input.lengths, m.device());
  at::Tensor x = at::embedding(m.weights.shared, input.tokens);
  if (input.whole_words.defined()) {
    x = x + at::embedding(m.weights.whole_words,
                          input.whole_words.clamp_max(m.config.whole_word_rows - 1));
  } else {
    x = x + m.weights.whole_words[0];
  }
  x = Dropout(x, m.ActiveDropout());
  const int64_t longest = layout->longest_query();
  const at::Tensor bias = RelativeBias(
      m.weights.encoder.relative_bias,
      RelativeBuckets(m.config, /*bidirectional=*/true, longest, longest, 0, m.device()));
  for (const T5Block& block : m.weights.encoder.blocks) {
    x = m.Run(
        [&m, &block, layout](const std::vector<at::Tensor>& inputs) {
          const at::Tensor& y = inputs[0];
          return m.AddFeedForward(
              block, m.AddResidual(y, m.SelfAttention(block.self, y, inputs[1], layout)));
        },
        {x, bias});
    if (block_outputs != nullptr) block_outputs->push_back(x);
  }
  return Dropout(RmsNorm(x, m.weights.encoder.final_norm, m.config.layer_norm_epsilon),
                 m.ActiveDropout());
}

at::Tensor T5Model::Decode(const PackedBatch& input, const at::Tensor& encoded,
                           const PackedBatch& labels, std::vector<at::Tensor>* block_outputs) {
  const Impl& m = *impl_;
  const auto self_layout =
      std::make_shared<const AttentionLayout>(labels.lengths, labels.lengths, m.device());
  const auto cross_layout =
      std::make_shared<const AttentionLayout>(labels.lengths, input.lengths, m.device());
  at::Tensor x = Dropout(at::embedding(m.weights.shared, m.ShiftRight(labels)), m.ActiveDropout());
  const int64_t longest = self_layout->longest_query();
  const at::Tensor causal = at::full({longest, longest}, std::numeric_limits<float>::lowest(),
                                     x.options().requires_grad(false))
                                .triu_(1);
  const at::Tensor bias = RelativeBias(m.weights.decoder.relative_bias,
                                       RelativeBuckets(m.config, /*bidirectional=*/false, longest,
                                                       longest, 0, m.device())) +
                          causal;
  for (const T5Block& block : m.weights.decoder.blocks) {
    x = m.Run(
        [&m, &block, self_layout, cross_layout](const std::vector<at::Tensor>& inputs) {
          at::Tensor y = inputs[0];
          y = m.AddResidual(y, m.SelfAttention(block.self, y, inputs[1], self_layout));
          y = m.AddResidual(y, m.CrossAttention(block.cross, y, inputs[2], cross_layout));
          return m.AddFeedForward(block, y);
        },
        {x, bias, encoded});
    if (block_outputs != nullptr) block_outputs->push_back(x);
  }
  return Dropout(RmsNorm(x, m.weights.decoder.final_norm, m.config.layer_norm_epsilon),
                 m.ActiveDropout());
}

at::Tensor T5Model::Logits(const at::Tensor& decoded) const {
  const Impl& m = *impl_;
  return Linear(m.HeadInput(decoded), m.Head(), m.compute_type);
}

at::Tensor T5Model::TokenLosses(const TrainingBatch& batch) {
  at::Tensor decoded = Decode(batch.input, Encode(batch.input), batch.labels);
  at::Tensor labels = batch.labels.tokens;
  if (batch.label_positions.defined()) {
    decoded = decoded.index_select(0, batch.label_positions);
    labels = labels.index_select(0, batch.label_positions);
  }
  const Impl& m = *impl_;
  return VocabularyLosses(m.HeadInput(decoded), m.Head().weight, labels,
                          {.smoothing = batch.label_smoothing, .compute_type = m.compute_type});
}

std::unique_ptr<GenerationState> T5Model::Begin(const PackedBatch& prompts) {
  const at::NoGradGuard no_gradients;
  // Written to only in training, when no other thread may come here.
  const bool was_training = impl_->training;
  if (was_training) impl_->training = false;
  const at::Tensor encoded = Encode(prompts);
  if (was_training) impl_->training = true;
  return MakeT5Generation(*this, impl_->weights, encoded, prompts.lengths, impl_->compute_type);
}

}  // namespace openp5::models
