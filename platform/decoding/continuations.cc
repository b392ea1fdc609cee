#include "platform/decoding/continuations.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>

namespace openp5::decoding {

Excluded CountExcluded(const PrefixConstraint& constraint, std::vector<int32_t> items) {
  std::sort(items.begin(), items.end());
  items.erase(std::unique(items.begin(), items.end()), items.end());
  Excluded excluded;
  for (const int32_t item : items) {
    for (NodeId node = constraint.LeafOf(item); node >= 0; node = constraint.Parent(node))
      ++excluded[node];
  }
  return excluded;
}

bool IsAllowed(const PrefixConstraint& constraint, const Excluded& excluded, NodeId node) {
  if (excluded.empty()) return true;
  const auto found = excluded.find(node);
  return found == excluded.end() || found->second < constraint.ItemCount(node);
}

std::vector<float> LogProbabilities(const models::GenerationState& state, const at::Tensor& hidden,
                                    const std::vector<Wanted>& wanted, bool over_allowed) {
  std::vector<float> result;
  result.reserve(wanted.size());
  size_t first = 0;
  for (int64_t start = 0; start < hidden.size(0); start += kLogitRows) {
    const int64_t count = std::min(kLogitRows, hidden.size(0) - start);
    size_t last = first;
    while (last < wanted.size() && wanted[last].row < start + count) ++last;
    if (last == first) continue;
    const at::Tensor logits = state.Logits(hidden.narrow(0, start, count));
    const int64_t vocabulary = logits.size(1);
    at::Tensor places = at::empty({static_cast<int64_t>(last - first)}, at::kLong);
    int64_t* place = places.data_ptr<int64_t>();
    for (size_t i = first; i < last; ++i)
      *place++ = (wanted[i].row - start) * vocabulary + wanted[i].token;
    const at::Tensor picked = logits.view({-1}).index_select(0, places.to(logits.device())).cpu();
    const float* score = picked.data_ptr<float>();
    if (!over_allowed) {
      const at::Tensor normalizers = at::logsumexp(logits, 1).cpu();
      const float* normalizer = normalizers.data_ptr<float>();
      for (size_t i = first; i < last; ++i)
        result.push_back(score[i - first] - normalizer[wanted[i].row - start]);
    } else {
      for (size_t i = first, end; i < last; i = end) {
        double sum = 0, largest = score[i - first];
        for (end = i; end < last && wanted[end].row == wanted[i].row; ++end)
          largest = std::max<double>(largest, score[end - first]);
        for (size_t j = i; j < end; ++j) sum += std::exp(score[j - first] - largest);
        for (size_t j = i; j < end; ++j)
          result.push_back(static_cast<float>(score[j - first] - largest - std::log(sum)));
      }
    }
    first = last;
  }
  return result;
}

}  // namespace openp5::decoding
