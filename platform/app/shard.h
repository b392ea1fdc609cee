#ifndef OPENP5_PLATFORM_APP_SHARD_H_
#define OPENP5_PLATFORM_APP_SHARD_H_

#include <string>

#include "evaluators/sharding.h"
#include "platform/distributed/processes.h"

namespace openp5::app {

// This process's share of an evaluation.
inline evaluators::Sharding ShardOf(const Processes& processes) {
  if (processes.group == nullptr) return {};
  return {.index = processes.group->rank(),
          .count = processes.group->size(),
          .gather = [group = processes.group.get()](const std::string& bytes) {
            return group->Gather(bytes);
          }};
}

}  // namespace openp5::app

#endif  // OPENP5_PLATFORM_APP_SHARD_H_
