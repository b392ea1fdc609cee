#include "checkpoints/state_dict_form.h"

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "platform/base/log.h"
#include "platform/base/printable.h"
#include "platform/tensor/runtime.h"
#include "platform/tensor/tensor_checks.h"

namespace openp5::checkpoints {
namespace {

using nlohmann::json;

constexpr std::string_view kHead = "lm_head.weight";
// Copies of one model in a file (a moving average, the best so far) that are compared.
constexpr size_t kMostModels = 16;

// Parts of names that wrappers of torch and of Lightning put in, wherever they stand.
constexpr std::string_view kWrappers[] = {"_orig_mod.", "_forward_module.", "_fsdp_wrapped_module.",
                                          "_checkpoint_wrapped_module."};

std::string WithoutWrappers(std::string_view name) {
  std::string plain;
  while (!name.empty()) {
    const size_t end = std::min(name.find('.'), name.size() - 1) + 1;
    const std::string_view part = name.substr(0, end);
    if (std::find(std::begin(kWrappers), std::end(kWrappers), part) == std::end(kWrappers)) {
      plain += part;
    }
    name.remove_prefix(end);
  }
  return plain;
}

// How the names of a family begin, told from two that every model of it has.
struct Family {
  std::string_view first, second;
  std::string_view base;  // what a class with a head calls the model without one
};
constexpr Family kFamilies[] = {
    {"norm.weight", "layers.0.input_layernorm.weight", "model."},
    {"encoder.final_layer_norm.weight", "decoder.final_layer_norm.weight", ""},
};

// A model among the names: `prefix` stands before the names of its base.
struct Place {
  std::string prefix;
  std::string_view base;

  // What stands before the names of the whole model, head included.
  std::string Root() const {
    return prefix.ends_with(base) ? prefix.substr(0, prefix.size() - base.size()) : prefix;
  }
  // The name within the model of a class with a head; empty if `name` is not the model's.
  std::string Inner(const std::string& name) const {
    const std::string root = Root();
    if (!name.starts_with(root)) return "";
    const std::string inner = name.substr(root.size());
    const bool without_head = !prefix.ends_with(base);
    return without_head && inner != kHead ? std::string(base) + inner : inner;
  }
};

std::vector<Place> FindModels(const NamedTensors& weights) {
  std::map<std::string, at::Tensor> by_name(weights.begin(), weights.end());
  std::vector<Place> places;
  for (const auto& [name, tensor] : weights) {
    for (const Family& family : kFamilies) {
      if (!name.ends_with(family.first)) continue;
      std::string prefix = name.substr(0, name.size() - family.first.size());
      if (!prefix.empty() && !prefix.ends_with('.')) continue;
      if (by_name.contains(prefix + std::string(family.second))) {
        places.push_back({std::move(prefix), family.base});
      }
    }
  }
  return places;
}

NamedTensors ModelAt(const Place& place, const NamedTensors& weights) {
  NamedTensors model;
  for (const auto& [name, tensor] : weights) {
    if (std::string inner = place.Inner(name); !inner.empty()) {
      model.emplace_back(std::move(inner), tensor);
    }
  }
  return model;
}

// Drops tensors whose name came before, which must be the same.
absl::Status DropRepeated(const std::string& where, NamedTensors* weights) {
  std::map<std::string, at::Tensor> seen;
  NamedTensors once;
  for (auto& [name, tensor] : *weights) {
    const auto [place, is_new] = seen.try_emplace(name, tensor);
    if (is_new) {
      once.emplace_back(name, std::move(tensor));
    } else if (!IsSame(place->second, tensor)) {
      return InvalidArgument(where, ": tensor '", Printable(name),
                             "': expected one, got several under other prefixes that disagree");
    }
  }
  *weights = std::move(once);
  return absl::OkStatus();
}

bool AreSame(const NamedTensors& a, const NamedTensors& b) {
  const TensorIndex index(b);
  return a.size() == b.size() && std::all_of(a.begin(), a.end(), [&](const auto& named) {
           const at::Tensor* other = index.Find(named.first);
           return other != nullptr && IsSame(named.second, *other);
         });
}

absl::Status SettleNames(const std::string& where, NamedTensors* weights) {
  for (auto& [name, tensor] : *weights) name = WithoutWrappers(name);
  OPENP5_RETURN_IF_ERROR(DropRepeated(where, weights));
  const std::vector<Place> places = FindModels(*weights);
  if (places.empty()) return absl::OkStatus();
  if (places.size() > kMostModels) {
    return InvalidArgument(where, ": expected the weights of one model, got those of ",
                           places.size(), ", the first below '", Printable(places[0].prefix), "'");
  }
  NamedTensors model = ModelAt(places[0], *weights);
  // A root of nothing has every name: what does not belong is then for the model's loader to name.
  size_t taken = model.size();
  for (size_t i = 1; i < places.size(); ++i) {
    const NamedTensors other = ModelAt(places[i], *weights);
    if (!AreSame(model, other)) {
      return InvalidArgument(where, ": expected the weights of one model, got those below '",
                             Printable(places[0].prefix), "' and below '",
                             Printable(places[i].prefix),
                             "', which disagree; hint: save the one you mean alone");
    }
    taken += other.size();
  }
  if (taken < weights->size()) {
    const auto foreign = std::find_if(weights->begin(), weights->end(), [&](const auto& named) {
      return std::all_of(places.begin(), places.end(),
                         [&](const Place& place) { return place.Inner(named.first).empty(); });
    });
    LogWarning(StrCat(where, ": passed over ", weights->size() - taken,
                      " tensors outside of the model, such as '", Printable(foreign->first), "'"));
  }
  *weights = std::move(model);
  return DropRepeated(where, weights);
}

bool IsT5(const json& config) {
  const auto type = config.find("model_type");
  return type == config.end() || *type == "t5";
}

void Erase(std::string_view name, NamedTensors* weights) {
  std::erase_if(*weights, [&](const auto& named) { return named.first == name; });
}

// Leaves the table under its first name.
absl::Status SettleTable(const std::string& where, const json& config, NamedTensors* weights) {
  std::vector<std::string_view> names = {"model.embed_tokens.weight"};
  if (IsT5(config)) {
    names = {"shared.weight", "encoder.embed_tokens.weight", "decoder.embed_tokens.weight"};
  }
  std::string_view found;
  for (const std::string_view name : names) {
    const at::Tensor* tensor = FindTensor(*weights, name);
    if (tensor == nullptr) continue;
    if (found.empty()) {
      found = name;
    } else if (IsSame(*FindTensor(*weights, found), *tensor)) {
      Erase(name, weights);
    } else {
      return InvalidArgument(where, ": expected one table of tokens, got ", found, " and ", name,
                             ", which disagree");
    }
  }
  if (found.empty() && HasTiedHead(config)) found = kHead;
  for (auto& [name, tensor] : *weights) {
    if (name == found) name = std::string(names[0]);
  }
  return absl::OkStatus();
}

// Leaves a head only where it is one of its own.
void SettleHead(const std::string& where, json* config, NamedTensors* weights) {
  const at::Tensor* table =
      FindTensor(*weights, IsT5(*config) ? "shared.weight" : "model.embed_tokens.weight");
  const at::Tensor* head = FindTensor(*weights, kHead);
  const bool tied = HasTiedHead(*config);
  if (tied && head != nullptr && table != nullptr) {
    if (IsSame(*head, *table)) return Erase(kHead, weights);
    LogWarning(StrCat(where, ": config.json says tie_word_embeddings, but ", kHead,
                      " is not the table of tokens: the file's own head is used"));
    SeparateHead(config);
  } else if (!tied && head == nullptr && IsT5(*config) && table != nullptr) {
    LogWarning(StrCat(where,
                      ": config.json says that tie_word_embeddings is false, but there is "
                      "no ",
                      kHead, ": the table of tokens is used"));
    if (!config->contains("scale_decoder_outputs")) (*config)["scale_decoder_outputs"] = false;
    (*config)["tie_word_embeddings"] = true;
  }
}

}  // namespace

bool HasTiedHead(const json& config) {
  const auto tied = config.find("tie_word_embeddings");
  if (tied == config.end() || !tied->is_boolean()) return IsT5(config);
  return tied->get<bool>();
}

void SeparateHead(json* config) {
  if (IsT5(*config) && !config->contains("scale_decoder_outputs")) {
    (*config)["scale_decoder_outputs"] = HasTiedHead(*config);
  }
  (*config)["tie_word_embeddings"] = false;
}

absl::Status SettleStateDict(const std::string& where, json* config, NamedTensors* weights) {
  return CatchTorch(where, [&] {
    OPENP5_RETURN_IF_ERROR(SettleNames(where, weights));
    OPENP5_RETURN_IF_ERROR(SettleTable(where, *config, weights));
    SettleHead(where, config, weights);
    return absl::OkStatus();
  });
}

}  // namespace openp5::checkpoints
