#include <algorithm>

#include "trainers/collator.h"

namespace openp5::trainers {

std::vector<bool> CountedLabels(const std::vector<int32_t>& labels,
                                const indexing::TokenTrie* choices) {
  std::vector<bool> counted(labels.size(), true);
  if (choices == nullptr || labels.empty()) return counted;
  decoding::NodeId node = choices->root();
  bool any = false;
  for (size_t i = 0; i < labels.size(); ++i) {
    const std::span<const int32_t> allowed = choices->ChildTokens(node);
    const auto place = std::lower_bound(allowed.begin(), allowed.end(), labels[i]);
    if (place == allowed.end() || *place != labels[i])
      break;  // none of the tree's: the rest counts
    counted[i] = allowed.size() > 1;
    any = any || counted[i];
    node = choices->FirstChild(node) + static_cast<decoding::NodeId>(place - allowed.begin());
  }
  if (!any) counted.back() = true;
  return counted;
}

}  // namespace openp5::trainers
