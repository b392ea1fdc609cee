#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "checkpoints/peft.h"
#include "platform/base/printable.h"
#include "platform/tensor/runtime.h"
#include "platform/tensor/tensor_checks.h"

namespace openp5::checkpoints {
namespace {

using nlohmann::json;

// The table of tokens of a Llama and of a T5, and the layer that a tied head has in common with it.
constexpr std::string_view kLlamaTable = "model.embed_tokens";
constexpr std::string_view kT5Table = "shared";
constexpr std::string_view kHead = "lm_head";

// Removes `suffix` from `name` if it ends so.
bool TakeSuffix(std::string_view suffix, std::string* name) {
  if (!name->ends_with(suffix)) return false;
  name->resize(name->size() - suffix.size());
  return true;
}

// What the adapter has for one layer; undefined tensors are not in it.
struct LayerUpdate {
  at::Tensor base;  // takes the place of the backbone's weight, wherever that is used
  at::Tensor own;   // of `modules_to_save`: takes its place in this layer only
  at::Tensor a, b;  // LoRA's factors
  at::Tensor rows;  // rows of `trainable_token_indices`
  bool is_embedding = false;

  bool ChangesOnlyThisLayer() const { return own.defined() || a.defined() || rows.defined(); }
};
using Layers = std::map<std::string, LayerUpdate>;

// PEFT takes a name of `modules_to_save` for the end of a layer's.
bool IsSaved(const json& config, const std::string& layer) {
  const auto saved = config.find("modules_to_save");
  if (saved == config.end() || !saved->is_array()) return false;
  return std::any_of(saved->begin(), saved->end(), [&](const json& name) {
    return name.is_string() && layer.ends_with(name.get_ref<const std::string&>());
  });
}

absl::StatusOr<Layers> ByLayer(const PeftAdapter& adapter, const std::string& where) {
  Layers layers;
  for (const auto& [name, tensor] : adapter.tensors) {
    std::string layer = name;
    if (TakeSuffix(".lora_A.weight", &layer)) {
      layers[layer].a = tensor;
    } else if (TakeSuffix(".lora_B.weight", &layer)) {
      layers[layer].b = tensor;
    } else if (TakeSuffix(".lora_embedding_A", &layer)) {
      layers[layer].a = tensor;
      layers[layer].is_embedding = true;
    } else if (TakeSuffix(".lora_embedding_B", &layer)) {
      layers[layer].b = tensor;
      layers[layer].is_embedding = true;
    } else if (TakeSuffix(".token_adapter.trainable_tokens_delta", &layer)) {
      layers[layer].rows = tensor;
    } else if (TakeSuffix(".token_adapter.base_layer.weight", &layer) ||
               TakeSuffix(".base_layer.weight", &layer) ||
               TakeSuffix(".original_module.weight", &layer)) {
      layers[layer].base = tensor;
    } else if (TakeSuffix(".modules_to_save.weight", &layer)) {
      layers[layer].own = tensor;
    } else if (TakeSuffix(".weight", &layer)) {
      (IsSaved(adapter.config, layer) ? layers[layer].own : layers[layer].base) = tensor;
    } else {
      return DataLoss(where, ": tensor '", Printable(name),
                      "': expected one of LoRA's or a layer's weight, got another");
    }
  }
  return layers;
}

absl::Status CheckFactors(const LayerUpdate& update, int64_t rank, const std::string& where) {
  if (update.a.defined() != update.b.defined()) {
    return DataLoss(where, ": expected both of LoRA's factors, got one");
  }
  if (update.a.defined() && (update.a.dim() != 2 || update.b.dim() != 2 ||
                             update.a.size(0) != rank || update.b.size(1) != rank)) {
    return DataLoss(where, ": expected factors [", rank, ", n] and [m, ", rank,
                    "] as adapter_config.json says, got other shapes");
  }
  return absl::OkStatus();
}

// The tokens whose rows the adapter has for `layer`. `trainable_token_indices` is a list, or an
// object that has lists by the ends of layers' names.
absl::StatusOr<std::vector<int64_t>> TokensOf(const json& config, const std::string& layer,
                                              const std::string& where) {
  json tokens = config.value("trainable_token_indices", json());
  if (tokens.is_object()) {
    const json by_layer = std::exchange(tokens, json());
    for (const auto& [name, of_layer] : by_layer.items()) {
      // One list alone is also that of a head which is tied to the table.
      if (layer.ends_with(name) || (layer == kHead && by_layer.size() == 1)) tokens = of_layer;
    }
  }
  std::vector<int64_t> indices;
  for (const json& token : tokens) {
    if (!token.is_number_integer() || token.get<int64_t>() < 0) {
      return DataLoss(where, ": trainable_token_indices: expected token ids, got ",
                      Printable(token.dump(-1, ' ', true)));
    }
    indices.push_back(token.get<int64_t>());
  }
  return indices;
}

// Puts the rows of `trainable_token_indices` into a copy of `weight`.
absl::Status ReplaceRows(const json& config, const std::string& layer, const at::Tensor& rows,
                         const std::string& where, at::Tensor* weight) {
  OPENP5_ASSIGN_OR_RETURN(const std::vector<int64_t> tokens, TokensOf(config, layer, where));
  if (rows.dim() != 2 || weight->dim() != 2 || rows.size(1) != weight->size(1) ||
      rows.size(0) != static_cast<int64_t>(tokens.size())) {
    return DataLoss(where, ": expected rows for the ", tokens.size(),
                    " tokens of trainable_token_indices, got another shape");
  }
  for (const int64_t token : tokens) {
    if (token >= weight->size(0)) {
      return DataLoss(where, ": trainable_token_indices: expected token ids below ",
                      weight->size(0), ", got ", token);
    }
  }
  const at::Tensor changed = weight->clone();
  for (size_t i = 0; i < tokens.size(); ++i) {
    changed.select(0, tokens[i]).copy_(rows.select(0, static_cast<int64_t>(i)));
  }
  *weight = changed;
  return absl::OkStatus();
}

// What one adapter does to weights, layer by layer.
class Merger {
 public:
  Merger(const PeftAdapter& adapter, std::string where)
      : config_(adapter.config), where_(std::move(where)) {
    rank_ = config_["r"].get<int64_t>();
    const auto rank = static_cast<double>(rank_);
    scale_ = config_["lora_alpha"].get<double>() /
             (config_.value("use_rslora", false) ? std::sqrt(rank) : rank);
  }

  std::string Where(const std::string& layer) const {
    return StrCat(where_, ": layer '", Printable(layer), "'");
  }

  // `weight` as the layer has it with the adapter.
  absl::Status Apply(const std::string& layer, const LayerUpdate& update,
                     at::Tensor* weight) const {
    const std::string where = Where(layer);
    OPENP5_RETURN_IF_ERROR(CheckFactors(update, rank_, where));
    if (update.base.defined()) *weight = update.base;
    if (update.own.defined()) *weight = update.own;
    if (update.rows.defined()) {
      OPENP5_RETURN_IF_ERROR(ReplaceRows(config_, layer, update.rows, where, weight));
    }
    return update.a.defined() ? AddProduct(update, where, weight) : absl::OkStatus();
  }

  // A tied head and its table, of which the adapter may change one alone. `weights` has the table
  // only, and gets the head if it is another now.
  absl::Status ApplyTied(const std::string& table_name, Layers* layers, NamedTensors* weights,
                         bool* tied) const;

 private:
  absl::Status AddProduct(const LayerUpdate& update, const std::string& where,
                          at::Tensor* weight) const {
    at::Tensor change = at::mm(update.b.to(at::kFloat), update.a.to(at::kFloat));
    if (update.is_embedding) change = change.t();
    if (change.sizes() != weight->sizes()) {
      return DataLoss(where, ": expected an update for a weight of ",
                      weight->dim() > 0 ? weight->size(0) : 0, " rows, got one for ",
                      change.size(0),
                      "; hint: is --backbone the model the adapter was trained on?");
    }
    *weight = (weight->to(at::kFloat) + change * scale_).to(weight->scalar_type()).contiguous();
    return absl::OkStatus();
  }

  const json& config_;
  const std::string where_;
  int64_t rank_ = 0;
  double scale_ = 0;
};

absl::Status Merger::ApplyTied(const std::string& table_name, Layers* layers, NamedTensors* weights,
                               bool* tied) const {
  LayerUpdate& of_table = (*layers)[table_name];
  LayerUpdate& of_head = (*layers)[std::string(kHead)];
  // One tensor in PEFT too: what replaces it does so in both places.
  if (of_table.base.defined() && of_head.base.defined() && !IsSame(of_table.base, of_head.base)) {
    return DataLoss(Where(std::string(kHead)), ": expected the weight of ", table_name,
                    ", to which the backbone's head is tied, got another");
  }
  const at::Tensor base = of_table.base.defined() ? of_table.base : of_head.base;
  of_table.base = of_head.base = base;
  // PEFT ties rows of the table to the head's unless it has other ones for the head, and other
  // updates if it is told to.
  const bool ties = of_table.rows.defined() || config_.value("ensure_weight_tying", json()) == true;
  const bool follows = ties && !of_head.ChangesOnlyThisLayer();
  at::Tensor* weight = FindTensor(weights, table_name + ".weight");
  at::Tensor table = *weight, head = *weight;
  OPENP5_RETURN_IF_ERROR(Apply(table_name, of_table, &table));
  if (follows) {
    head = table;
  } else {
    OPENP5_RETURN_IF_ERROR(Apply(std::string(kHead), of_head, &head));
  }
  *weight = table;
  if (!IsSame(table, head)) {
    *tied = false;
    weights->emplace_back(std::string(kHead) + ".weight", head);
  }
  layers->erase(table_name);
  layers->erase(std::string(kHead));
  return absl::OkStatus();
}

// Transformers' T5 has its table under three names, of which PEFT changes one where it trains it:
// that is refused. Where the table was only saved, it is one again.
absl::Status JoinT5Tables(const Merger& merger, Layers* layers) {
  LayerUpdate table;
  for (const char* name : {"shared", "encoder.embed_tokens", "decoder.embed_tokens"}) {
    const auto found = layers->find(name);
    if (found == layers->end()) continue;
    if (found->second.ChangesOnlyThisLayer()) {
      return InvalidArgument(merger.Where(name),
                             ": an adapter of T5's table of tokens is refused; merge it with PEFT "
                             "first");
    }
    if (table.base.defined() && !IsSame(table.base, found->second.base)) {
      return DataLoss(merger.Where(name), ": expected the same table as ", kT5Table,
                      ", got another");
    }
    table.base = found->second.base;
    layers->erase(found);
  }
  if (table.base.defined()) (*layers)[std::string(kT5Table)] = table;
  return absl::OkStatus();
}

}  // namespace

absl::Status MergeAdapter(const PeftAdapter& adapter, const std::string& where,
                          NamedTensors* weights, bool* tied_head) {
  OPENP5_ASSIGN_OR_RETURN(Layers layers, ByLayer(adapter, where));
  const Merger merger(adapter, where);
  const bool is_t5 = FindTensor(*weights, StrCat(kT5Table, ".weight")) != nullptr;
  if (is_t5) OPENP5_RETURN_IF_ERROR(JoinT5Tables(merger, &layers));
  const std::string table(is_t5 ? kT5Table : kLlamaTable);
  if (tied_head != nullptr && *tied_head &&
      (layers.contains(table) || layers.contains(std::string(kHead))) &&
      FindTensor(*weights, table + ".weight") != nullptr) {
    OPENP5_RETURN_IF_ERROR(
        CatchTorch(where, [&] { return merger.ApplyTied(table, &layers, weights, tied_head); }));
  }
  const TensorIndex index(*weights);
  for (const auto& [layer, update] : layers) {
    const auto place = index.Place(layer + ".weight");
    if (!place.has_value()) {
      return DataLoss(merger.Where(layer), ": expected it in the backbone, got no such layer");
    }
    at::Tensor* weight = &(*weights)[*place].second;
    OPENP5_RETURN_IF_ERROR(
        CatchTorch(merger.Where(layer), [&] { return merger.Apply(layer, update, weight); }));
  }
  return absl::OkStatus();
}

}  // namespace openp5::checkpoints
