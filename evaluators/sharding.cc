#include "evaluators/sharding.h"

#include "platform/base/bytes.h"
#include "platform/base/signals.h"

namespace openp5::evaluators {
namespace {

// A list as bytes: its length, items, scores. Both ends are the same program.
void AppendList(const recommenders::Ranking& ranking, std::string* bytes) {
  *bytes += NumberBytes(uint64_t{ranking.items.size()});
  *bytes += ViewBytes(std::span<const int32_t>(ranking.items));
  *bytes += ViewBytes(std::span<const float>(ranking.scores));
}

void TakeList(ByteReader* bytes, recommenders::Ranking* ranking) {
  uint64_t count = 0;
  OPENP5_CHECK(bytes->Number(&count));
  ranking->items.resize(count);
  ranking->scores.resize(count);
  OPENP5_CHECK(bytes->Numbers(std::span(ranking->items)));
  OPENP5_CHECK(bytes->Numbers(std::span(ranking->scores)));
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
  std::vector<ByteReader> shards;
  for (const std::string& bytes : all) {
    if (bytes.front() == 's') return Stopped();
    shards.emplace_back(bytes, 1);
  }
  for (size_t i = 0; i < order.size(); ++i) {
    const size_t shard = i / batch_size % static_cast<size_t>(count);
    if (!Owns(i / batch_size)) TakeList(&shards[shard], &(*rankings)[order[i]]);
  }
  return absl::OkStatus();
}

}  // namespace openp5::evaluators
