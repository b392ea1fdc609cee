#include "platform/models/common/kv_cache.h"

#include <torch/types.h>

#include <algorithm>
#include <limits>

namespace openp5::models {

void KeyValue::Select(const at::Tensor& rows) {
  if (!keys.defined()) return;
  keys = keys.index_select(0, rows);
  values = values.index_select(0, rows);
}

PromptPadding PadPrompts(const std::vector<int64_t>& lengths, const std::vector<int64_t>& real,
                         c10::Device device) {
  const auto users = static_cast<int64_t>(lengths.size());
  const int64_t longest = *std::max_element(lengths.begin(), lengths.end());
  at::Tensor place = at::zeros({users, longest}, at::kLong);
  at::Tensor mask = at::zeros({users, longest});
  int64_t start = 0;
  bool masked = false;
  for (int64_t u = 0; u < users; ++u) {
    const int64_t length = lengths[static_cast<size_t>(u)], count = real[static_cast<size_t>(u)];
    place[u].narrow(0, 0, length).copy_(at::arange(start, start + length, at::kLong));
    mask[u].narrow(0, count, longest - count).fill_(std::numeric_limits<float>::lowest());
    masked = masked || count < longest;
    start += length;
  }
  return {place.view({-1}).to(device), masked ? mask.to(device) : at::Tensor()};
}

// Users only ever leave: the same number means the same users.
bool AllStay(const at::Tensor& users, int64_t count) {
  return users.size(0) == count && at::equal(users, at::arange(count, users.options()));
}

}  // namespace openp5::models
