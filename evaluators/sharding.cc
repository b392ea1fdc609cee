#include "evaluators/sharding.h"

#include <algorithm>
#include <string_view>

#include "platform/base/signals.h"

namespace openp5::evaluators {
namespace {

// A list as bytes: its length, items, scores. Both ends are the same program.
void AppendList(const recommenders::Ranking& ranking, std::string* bytes) {
  const auto append = [bytes](const void* data, size_t size) {
    bytes->append(static_cast<const char*>(data), size);
  };
  const size_t count = ranking.items.size();
  append(&count, sizeof count);
  append(ranking.items.data(), count * sizeof(int32_t));
  append(ranking.scores.data(), count * sizeof(float));
}

void TakeList(std::string_view* bytes, recommenders::Ranking* ranking) {
  const auto take = [bytes](void* data, size_t size) {
    OPENP5_CHECK(size <= bytes->size());
    std::copy_n(bytes->data(), size, static_cast<char*>(data));
    bytes->remove_prefix(size);
  };
  size_t count = 0;
  take(&count, sizeof count);
  ranking->items.resize(count);
  ranking->scores.resize(count);
  take(ranking->items.data(), count * sizeof(int32_t));
  take(ranking->scores.data(), count * sizeof(float));
}

absl::Status Stopped() { return absl::CancelledError("evaluation: stopped by a signal"); }

}  // namespace

absl::Status Sharding::Finish(const std::vector<size_t>& order, size_t batch_size,
                              std::vector<recommenders::Ranking>* rankings) const {
  const bool stopped = TerminationSignal() != 0;
  if (count == 1) return stopped ? Stopped() : absl::OkStatus();
  std::string own(1, stopped ? 's' : 'r');
  for (size_t i = 0; !stopped && i < order.size(); ++i) {
    if (Owns(i / batch_size)) AppendList((*rankings)[order[i]], &own);
  }
  OPENP5_ASSIGN_OR_RETURN(const std::vector<std::string> all, gather(own));
  std::vector<std::string_view> rests(all.begin(), all.end());
  for (std::string_view& rest : rests) {
    if (rest.front() == 's') return Stopped();
    rest.remove_prefix(1);
  }
  for (size_t i = 0; i < order.size(); ++i) {
    const size_t shard = i / batch_size % static_cast<size_t>(count);
    if (!Owns(i / batch_size)) TakeList(&rests[shard], &(*rankings)[order[i]]);
  }
  return absl::OkStatus();
}

}  // namespace openp5::evaluators
