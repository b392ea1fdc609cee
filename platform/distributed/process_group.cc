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
#include <cstdlib>
#include <cstring>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "platform/base/numbers.h"
#include "platform/base/signals.h"
#include "platform/distributed/loopback_listener.h"
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
  const auto number = ParseNumber<int64_t>(text);
  if (!number.has_value() || *number < low || *number > high) {
    return UsageError(StrCat("environment: ", name, ": expected a number from ", low, " to ", high,
                             ", got '", text, "'"));
  }
  return *number;
}

std::string Text(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// The store that the ranks meet at. Rank 0 serves it, to this machine alone where that is enough:
// c10d's own socket listens on all interfaces, and whoever reaches it may write to the store.
absl::StatusOr<c10::intrusive_ptr<c10d::TCPStore>> OpenStore(const ProcessGroupOptions& options) {
  const World& world = options.world;
  c10d::TCPStoreOptions store;
  store.port = world.port;
  store.isServer = world.rank == 0 && !world.has_host;
  store.numWorkers = static_cast<size_t>(world.size);
  store.waitWorkers = !world.has_host;
  store.timeout = options.timeout;
  if (store.isServer && IsLoopback(world.address)) {
    OPENP5_ASSIGN_OR_RETURN(const auto listener, LoopbackListener::Open(world.address, world.port));
    store.masterListenFd = listener.fd;
  }
  return c10::make_intrusive<c10d::TCPStore>(world.address, store);
}

std::shared_ptr<gloo::transport::Device> GlooDevice(const World& world) {
  const std::string interface = Text("GLOO_SOCKET_IFNAME");
  if (!interface.empty()) return c10d::ProcessGroupGloo::createDeviceForInterface(interface);
  // On one machine it must not depend on what its name resolves to.
  if (world.local_size == world.size || IsLoopback(world.address)) {
    return c10d::ProcessGroupGloo::createDeviceForHostname("127.0.0.1");
  }
  return c10d::ProcessGroupGloo::createDefaultDevice();
}

// True if the failure came out of the connection to other ranks. Gloo, c10d and the system say so
// in words only, and the backward pass hands them on.
bool IsLostConnection(const absl::Status& status) {
  if (IsUsageError(status)) return false;
  const std::string message = absl::AsciiStrToLower(status.message());
  constexpr const char* kParts[] = {
      "gloo",           "tcpstore",     "nccl",          "c10d",
      "connection",     "broken pipe",  "timed out",     "pair closure",
      "socket timeout", "read timeout", "write timeout", "connect timeout",
      "wait timeout",   "remote peer",  "unreachable",   "no route to host"};
  return std::any_of(std::begin(kParts), std::end(kParts),
                     [&](const char* part) { return message.find(part) != std::string::npos; });
}

// Runs `work` on a thread of its own and waits for it, but no longer than `limit`: most of the
// store's calls have no time limit, and hang where its host is frozen or the link to it is cut.
// Then the thread is left to itself, so `work` owns all that it uses.
absl::Status RunWithin(std::chrono::seconds limit, const std::string& context,
                       std::function<absl::Status()> work) {
  auto task = std::make_shared<std::packaged_task<absl::Status()>>(
      [context, work = std::move(work)] { return CatchTorch(context, work); });
  std::future<absl::Status> result = task->get_future();
  std::thread([task] { (*task)(); }).detach();
  if (result.wait_for(limit) == std::future_status::ready) return result.get();
  return absl::DeadlineExceededError(StrCat(context, ": no answer within ", limit.count(), " s"));
}

// What the ranks have said of their ends, as far as it is known.
class Ends {
 public:
  void Hear(std::vector<int64_t> silent, bool is_reported) {
    const std::lock_guard lock(mutex_);
    silent_ = std::move(silent);
    is_reported_ = is_reported;
  }
  // Ranks that have said nothing; nothing if none could be asked.
  std::optional<std::vector<int64_t>> silent() const {
    const std::lock_guard lock(mutex_);
    return silent_;
  }
  // One of them reports the failure to the user.
  bool is_reported() const {
    const std::lock_guard lock(mutex_);
    return is_reported_;
  }

 private:
  mutable std::mutex mutex_;
  std::optional<std::vector<int64_t>> silent_;
  bool is_reported_ = false;
};

struct Question {
  int64_t rank = 0, others = 0;  // ranks below `others` are asked
  bool lost = false;             // the connection to them was
  std::string reason = {};       // for this rank's end; empty if it is that
};

// Says that this rank ends, and asks the others, until one reports it or all have answered.
absl::Status AskOthers(c10d::Store& store, const Question& question, Ends& ends) {
  const std::string& reason = question.reason;
  store.set(EndKey(question.rank), std::vector<uint8_t>(reason.begin(), reason.end()));
  const auto deadline = std::chrono::steady_clock::now() + (question.lost ? kGrace : kEcho);
  while (true) {
    std::vector<int64_t> silent;
    bool is_reported = false;
    for (int64_t other = 0; other < question.others; ++other) {
      if (!store.check({EndKey(other)})) {
        silent.push_back(other);
        continue;
      }
      const std::vector<uint8_t> said = store.get(EndKey(other));
      is_reported |=
          !said.empty() && (question.lost || std::string(said.begin(), said.end()) == reason);
    }
    ends.Hear(silent, is_reported);
    if (is_reported || silent.empty() || std::chrono::steady_clock::now() >= deadline) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return absl::OkStatus();
}

// "rank 1", "ranks 1, 3", or where the ranks meet: whoever is the reason that this rank ends. Empty
// if it is nobody.
std::string LostOnes(const World& world, const absl::Status& asked, const Ends& ends) {
  const auto silent = ends.silent();
  // Rank 0 keeps the store and takes it along when it ends: that it had said so is no loss.
  const bool host_said_so =
      silent.has_value() && !world.has_host && std::count(silent->begin(), silent->end(), 0) == 0;
  if (!asked.ok() && !host_said_so) {
    return world.has_host ? StrCat("the meeting point at ", world.address, ":", world.port)
                          : "rank 0, where the ranks meet,";
  }
  if (silent->empty()) return "";
  return StrCat(silent->size() == 1 ? "rank " : "ranks ", absl::StrJoin(*silent, ", "));
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
  OPENP5_ASSIGN_OR_RETURN(const auto listener, LoopbackListener::Open("127.0.0.1", 0));
  OPENP5_RETURN_IF_ERROR(CatchTorch("processes: meeting point", [&] {
    c10d::TCPStoreOptions options;
    options.port = listener.port;
    options.masterListenFd = listener.fd;
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

absl::Status ProcessGroup::Impl::Join() {
  const World& world = options.world;
  OPENP5_ASSIGN_OR_RETURN(auto tcp_store, OpenStore(options));
  store = c10::make_intrusive<c10d::PrefixStore>("openp5" + world.session, std::move(tcp_store));
  auto gloo_options = c10d::ProcessGroupGloo::Options::create(options.timeout);
  gloo_options->devices.push_back(GlooDevice(world));
  gloo = c10::make_intrusive<c10d::ProcessGroupGloo>(
      c10::make_intrusive<c10d::PrefixStore>("gloo", store), static_cast<int>(world.rank),
      static_cast<int>(world.size), gloo_options);
  group = c10::make_intrusive<c10d::ProcessGroup>(store, static_cast<int>(world.rank),
                                                  static_cast<int>(world.size));
  group->setBackend(c10::kCPU, c10d::ProcessGroup::BackendType::GLOO, gloo);
  group->setDefaultBackend(c10d::ProcessGroup::BackendType::GLOO);
  group->setGroupName("openp5");
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<ProcessGroup>> ProcessGroup::Create(
    const ProcessGroupOptions& options) {
  const World& world = options.world;
  IgnoreBrokenPipes();
  // Owned by the thread, too, in case it hangs.
  const auto shared = std::make_shared<std::unique_ptr<Impl>>(std::make_unique<Impl>());
  (*shared)->options = options;
  const absl::Status joined =
      RunWithin(options.timeout + kEcho, "", [shared] { return (*shared)->Join(); });
  if (absl::IsFailedPrecondition(joined)) return joined;
  if (!joined.ok()) {
    return absl::DeadlineExceededError(StrCat(
        "processes: rank ", world.rank, " at ", world.address, ":", world.port, ": expected ",
        world.size, " processes within ", options.timeout.count(), " s, got", joined.message()));
  }
  std::unique_ptr<Impl> impl = std::move(*shared);
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
  const Question question{.rank = rank(),
                          .others = lost ? size() : rank(),
                          .lost = lost,
                          .reason = lost ? "" : std::string(failure.message())};
  const auto ends = std::make_shared<Ends>();
  const absl::Status asked = RunWithin(
      (lost ? kGrace : kEcho) + kEcho, "",
      [store = impl_->store, question, ends] { return AskOthers(*store, question, *ends); });
  if (ends->is_reported()) return IsUsageError(failure) ? UsageError("") : absl::AbortedError("");
  if (!lost) return failure;
  const std::string names = LostOnes(impl_->options.world, asked, *ends);
  if (names.empty()) return failure;
  return absl::UnavailableError(
      StrCat("processes: rank ", rank(), " of ", size(), ": lost ", names,
             " (ended, or no answer within ", impl_->options.timeout.count(),
             " s); hint: --resume goes on from the last saved state (", failure.message(), ")"));
}

}  // namespace openp5
