#ifndef OPENP5_PLATFORM_DISTRIBUTED_PROCESS_GROUP_H_
#define OPENP5_PLATFORM_DISTRIBUTED_PROCESS_GROUP_H_

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "platform/base/status.h"

namespace openp5 {

// One process among those that work together, as torchrun's environment variables say.
struct World {
  int64_t rank = 0, size = 1;
  int64_t local_rank = 0, local_size = 1;  // among those of this machine
  std::string address = "127.0.0.1";       // where the ranks meet
  uint16_t port = 0;
  bool has_host = false;     // another process already listens there; else rank 0 does
  std::string session = {};  // keeps a restarted world apart from the one before

  // From RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT, LOCAL_RANK, LOCAL_WORLD_SIZE; one process
  // where neither of the first two is set. A usage error naming the variable that is missing or
  // malformed.
  static absl::StatusOr<World> FromEnvironment();
};

// Where the processes of one machine meet: listens on a free port for as long as it lives.
class MeetingPoint {
 public:
  static absl::StatusOr<std::unique_ptr<MeetingPoint>> Open();
  ~MeetingPoint();
  uint16_t port() const;

 private:
  struct Impl;
  explicit MeetingPoint(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

struct ProcessGroupOptions {
  World world = {};
  c10::Device device = c10::Device(c10::kCPU);  // of the tensors of Broadcast and of gradients
  // How long a rank waits for another before it takes it for dead.
  std::chrono::seconds timeout = std::chrono::seconds(600);
};

// Processes that compute together, over LibTorch's c10d: Gloo, and NCCL for tensors on CUDA devices
// where LibTorch was built with it. Every rank must call the same functions in the same order; each
// waits for all others. One thread at a time.
class ProcessGroup {
 public:
  // Waits until all have come. DeadlineExceeded naming address and number if some do not.
  static absl::StatusOr<std::unique_ptr<ProcessGroup>> Create(const ProcessGroupOptions& options);
  ~ProcessGroup();

  int64_t rank() const;
  int64_t size() const;

  // The sums of all ranks' `values`, equal on all.
  absl::StatusOr<std::vector<double>> Sum(std::vector<double> values);
  // Gives every rank the content of rank 0's tensors, in place.
  absl::Status Broadcast(std::vector<at::Tensor> tensors);
  // Everybody's bytes, by rank.
  absl::StatusOr<std::vector<std::string>> Gather(const std::string& bytes);

  // What to report when `failure` ends this rank. Tells the others. If it is only the echo of
  // another rank's end: a status without a message where that one reports itself, else one that
  // says which rank it was.
  absl::Status Explain(const absl::Status& failure);

 private:
  friend class GradientReducer;
  struct Impl;
  explicit ProcessGroup(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace openp5

#endif  // OPENP5_PLATFORM_DISTRIBUTED_PROCESS_GROUP_H_
