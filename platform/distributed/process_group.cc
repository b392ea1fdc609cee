#include "platform/distributed/process_group.h"

#include <torch/types.h>
#include <unistd.h>

#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#include <torch/csrc/distributed/c10d/comm.hpp>
#if defined(USE_C10D_NCCL)
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <utility>

#include "platform/base/signals.h"
#include "platform/distributed/process_group_impl.h"
#include "platform/tensor/runtime.h"

namespace openp5 {
namespace {

// For the others to say why they end; for a lower rank to fail in the same way.
constexpr std::chrono::seconds kGrace(5), kEcho(1);

std::string EndKey(int64_t rank) { return StrCat("end/", rank); }

absl::StatusOr<int64_t> EnvironmentNumber(const char* name, int64_t low, int64_t high) {
  const char* text = std::getenv(name);
  if (text == nullptr) {
    return UsageError(StrCat("environment: ", name,
                             ": expected a number, got nothing; hint: "
                             "RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT belong together"));
  }
  int64_t number = 0;
  const char* end = text + std::strlen(text);
  const auto [stop, error] = std::from_chars(text, end, number);
  if (error != std::errc() || stop != end || number < low || number > high) {
    return UsageError(StrCat("environment: ", name, ": expected a number from ", low, " to ", high,
                             ", got '", text, "'"));
  }
  return number;
}

std::string Text(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

c10::intrusive_ptr<c10d::TCPStore> OpenStore(const ProcessGroupOptions& options) {
  c10d::TCPStoreOptions store;
  store.port = options.world.port;
  store.isServer = options.world.rank == 0 && !options.world.has_host;
  store.numWorkers = static_cast<size_t>(options.world.size);
  store.waitWorkers = !options.world.has_host;
  store.timeout = options.timeout;
  return c10::make_intrusive<c10d::TCPStore>(options.world.address, store);
}

std::shared_ptr<gloo::transport::Device> GlooDevice(const World& world) {
  const std::string interface = Text("GLOO_SOCKET_IFNAME");
  if (!interface.empty()) return c10d::ProcessGroupGloo::createDeviceForInterface(interface);
  // On one machine it must not depend on what its name resolves to.
  if (world.local_size == world.size) {
    return c10d::ProcessGroupGloo::createDeviceForHostname("127.0.0.1");
  }
  return c10d::ProcessGroupGloo::createDefaultDevice();
}

// True if the failure came out of the connection to other ranks.
bool IsLostConnection(const absl::Status& status) {
  const std::string message(status.message());
  constexpr const char* kParts[] = {"gloo",       "TCPStore",    "NCCL",
                                    "Connection", "Broken pipe", "c10d"};
  return std::any_of(std::begin(kParts), std::end(kParts),
                     [&](const char* part) { return message.find(part) != std::string::npos; });
}

}  // namespace

absl::StatusOr<World> World::FromEnvironment() {
  World world;
  if (std::getenv("RANK") == nullptr && std::getenv("WORLD_SIZE") == nullptr) return world;
  OPENP5_ASSIGN_OR_RETURN(world.size, EnvironmentNumber("WORLD_SIZE", 1, 1 << 20));
  OPENP5_ASSIGN_OR_RETURN(world.rank, EnvironmentNumber("RANK", 0, world.size - 1));
  if (world.size == 1) return world;
  OPENP5_ASSIGN_OR_RETURN(const int64_t port, EnvironmentNumber("MASTER_PORT", 1, 65535));
  world.port = static_cast<uint16_t>(port);
  world.address = Text("MASTER_ADDR");
  if (world.address.empty()) {
    return UsageError("environment: MASTER_ADDR: expected a host, got nothing");
  }
  world.local_size = 1;
  if (std::getenv("LOCAL_WORLD_SIZE") != nullptr) {
    OPENP5_ASSIGN_OR_RETURN(world.local_size, EnvironmentNumber("LOCAL_WORLD_SIZE", 1, world.size));
    OPENP5_ASSIGN_OR_RETURN(world.local_rank,
                            EnvironmentNumber("LOCAL_RANK", 0, world.local_size - 1));
  }
  // torchrun's agents keep the meeting point themselves, for all restarts.
  world.has_host = Text("TORCHELASTIC_USE_AGENT_STORE") == "True";
  world.session = Text("TORCHELASTIC_RESTART_COUNT");
  return world;
}

struct MeetingPoint::Impl {
  c10::intrusive_ptr<c10d::TCPStore> store;
};

MeetingPoint::MeetingPoint(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
MeetingPoint::~MeetingPoint() = default;
uint16_t MeetingPoint::port() const { return impl_->store->getPort(); }

absl::StatusOr<std::unique_ptr<MeetingPoint>> MeetingPoint::Open() {
  IgnoreBrokenPipes();  // Neither c10d's store nor Gloo does; a lost peer is to be reported.
  auto impl = std::make_unique<Impl>();
  OPENP5_RETURN_IF_ERROR(CatchTorch("processes: meeting point", [&] {
    c10d::TCPStoreOptions options;
    options.port = 0;
    options.isServer = true;
    options.waitWorkers = false;
    impl->store = c10::make_intrusive<c10d::TCPStore>("127.0.0.1", options);
    return absl::OkStatus();
  }));
  return std::unique_ptr<MeetingPoint>(new MeetingPoint(std::move(impl)));
}

ProcessGroup::ProcessGroup(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ProcessGroup::~ProcessGroup() = default;
int64_t ProcessGroup::rank() const { return impl_->options.world.rank; }
int64_t ProcessGroup::size() const { return impl_->options.world.size; }

absl::StatusOr<std::unique_ptr<ProcessGroup>> ProcessGroup::Create(
    const ProcessGroupOptions& options) {
  const World& world = options.world;
  IgnoreBrokenPipes();
  auto impl = std::make_unique<Impl>();
  impl->options = options;
  const absl::Status joined = CatchTorch("", [&] {
    impl->store =
        c10::make_intrusive<c10d::PrefixStore>("openp5" + world.session, OpenStore(options));
    auto gloo_options = c10d::ProcessGroupGloo::Options::create(options.timeout);
    gloo_options->devices.push_back(GlooDevice(world));
    impl->gloo = c10::make_intrusive<c10d::ProcessGroupGloo>(
        c10::make_intrusive<c10d::PrefixStore>("gloo", impl->store), static_cast<int>(world.rank),
        static_cast<int>(world.size), gloo_options);
    impl->group = c10::make_intrusive<c10d::ProcessGroup>(impl->store, static_cast<int>(world.rank),
                                                          static_cast<int>(world.size));
    impl->group->setBackend(c10::kCPU, c10d::ProcessGroup::BackendType::GLOO, impl->gloo);
    impl->group->setDefaultBackend(c10d::ProcessGroup::BackendType::GLOO);
    impl->group->setGroupName("openp5");
    return absl::OkStatus();
  });
  if (!joined.ok()) {
    return absl::DeadlineExceededError(StrCat(
        "processes: rank ", world.rank, " at ", world.address, ":", world.port, ": expected ",
        world.size, " processes within ", options.timeout.count(), " s, got", joined.message()));
  }
  if (options.device.is_cuda()) {
#if defined(USE_C10D_NCCL)
    OPENP5_RETURN_IF_ERROR(CatchTorch("processes: NCCL", [&] {
      auto nccl_options = c10d::ProcessGroupNCCL::Options::create();
      nccl_options->timeout = options.timeout;
      impl->group->setBackend(
          c10::kCUDA, c10d::ProcessGroup::BackendType::NCCL,
          c10::make_intrusive<c10d::ProcessGroupNCCL>(
              c10::make_intrusive<c10d::PrefixStore>("nccl", impl->store),
              static_cast<int>(world.rank), static_cast<int>(world.size), nccl_options));
      return absl::OkStatus();
    }));
#else
    return FailedPrecondition(
        "processes: several processes on CUDA devices need a build with NCCL; "
        "hint: --device cpu, or one process");
#endif
  }
  return std::unique_ptr<ProcessGroup>(new ProcessGroup(std::move(impl)));
}

absl::StatusOr<std::vector<double>> ProcessGroup::Sum(std::vector<double> values) {
  OPENP5_RETURN_IF_ERROR(CatchTorch("processes: sum", [&] {
    std::vector<at::Tensor> tensors = {
        torch::from_blob(values.data(), {static_cast<int64_t>(values.size())}, at::kDouble)};
    impl_->gloo->allreduce(tensors)->wait();
    return absl::OkStatus();
  }));
  return values;
}

absl::Status ProcessGroup::Broadcast(std::vector<at::Tensor> tensors) {
  constexpr size_t kBucketBytes = size_t{25} << 20;
  return CatchTorch("processes: broadcast", [&] {
    const c10::AutoGradMode no_gradients(false);
    c10d::broadcast_coalesced(impl_->group, tensors, kBucketBytes, 0);
    return absl::OkStatus();
  });
}

absl::StatusOr<std::vector<std::string>> ProcessGroup::Gather(const std::string& bytes) {
  const auto count = static_cast<size_t>(size());
  std::vector<double> lengths(count, 0.0);
  lengths[static_cast<size_t>(rank())] = static_cast<double>(bytes.size());
  OPENP5_ASSIGN_OR_RETURN(lengths, Sum(std::move(lengths)));
  const auto longest = static_cast<int64_t>(*std::max_element(lengths.begin(), lengths.end()));
  std::vector<std::string> all(count);
  if (longest == 0) return all;
  OPENP5_RETURN_IF_ERROR(CatchTorch("processes: gather", [&] {
    at::Tensor own = torch::zeros({longest}, at::kByte);
    std::memcpy(own.mutable_data_ptr(), bytes.data(), bytes.size());
    std::vector<std::vector<at::Tensor>> outputs(1);
    for (size_t i = 0; i < count; ++i) outputs[0].push_back(torch::empty({longest}, at::kByte));
    std::vector<at::Tensor> inputs = {own};
    impl_->gloo->allgather(outputs, inputs)->wait();
    for (size_t i = 0; i < count; ++i) {
      all[i].assign(static_cast<const char*>(outputs[0][i].const_data_ptr()),
                    static_cast<size_t>(lengths[i]));
    }
    return absl::OkStatus();
  }));
  return all;
}

absl::Status ProcessGroup::Explain(const absl::Status& failure) {
  if (failure.ok()) return failure;
  // All stop together.
  if (absl::IsCancelled(failure)) return rank() == 0 ? failure : absl::CancelledError("");
  const bool lost = IsLostConnection(failure);
  const std::string reason = lost ? "" : std::string(failure.message());
  std::vector<int64_t> silent;
  bool is_reported = false;
  const absl::Status asked = CatchTorch("", [&] {
    impl_->store->set(EndKey(rank()), std::vector<uint8_t>(reason.begin(), reason.end()));
    const auto deadline = std::chrono::steady_clock::now() + (lost ? kGrace : kEcho);
    do {
      silent.clear();
      for (int64_t other = 0; other < (lost ? size() : rank()); ++other) {
        if (!impl_->store->check({EndKey(other)})) {
          silent.push_back(other);
          continue;
        }
        const std::vector<uint8_t> said = impl_->store->get(EndKey(other));
        is_reported |= !said.empty() && (lost || std::string(said.begin(), said.end()) == reason);
      }
      if (!silent.empty()) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    } while (!is_reported && !silent.empty() && std::chrono::steady_clock::now() < deadline);
    return absl::OkStatus();
  });
  if (is_reported) return IsUsageError(failure) ? UsageError("") : absl::AbortedError("");
  if (!lost) return failure;
  std::string names;
  for (const int64_t other : silent) names += StrCat(names.empty() ? "" : ", ", other);
  if (!asked.ok()) names = "0, where the ranks meet,";
  if (names.empty()) return failure;
  return absl::UnavailableError(
      StrCat("processes: rank ", rank(), " of ", size(), ": lost rank ", names,
             " (ended, or no answer within ", impl_->options.timeout.count(),
             " s); hint: --resume goes on from the last saved state (", failure.message(), ")"));
}

}  // namespace openp5
