#include "platform/distributed/process_group.h"

#include <signal.h>
#include <torch/types.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <utility>

#include "platform/distributed/gradient_reducer.h"
#include "platform/distributed/loopback_listener.h"
#include "tests/testing/testing.h"

namespace openp5 {
namespace {

using ::openp5::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Runs `work` as each of `size` ranks, threads of this process.
void AsRanks(int64_t size, const std::function<void(ProcessGroup&)>& work) {
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto meeting, MeetingPoint::Open());
  std::vector<std::thread> ranks;
  for (int64_t rank = 0; rank < size; ++rank) {
    ranks.emplace_back([&, rank] {
      auto group = ProcessGroup::Create({.world = {.rank = rank,
                                                   .size = size,
                                                   .local_size = size,
                                                   .port = meeting->port(),
                                                   .has_host = true},
                                         .timeout = std::chrono::seconds(20)});
      OPENP5_ASSERT_OK(group);
      work(**group);
    });
  }
  for (std::thread& rank : ranks) rank.join();
}

TEST(ProcessGroupTest, SumsSharesAndGathers) {
  AsRanks(3, [](ProcessGroup& group) {
    const auto rank = static_cast<double>(group.rank());
    OPENP5_ASSERT_OK_AND_ASSIGN(const auto sums, group.Sum({rank, 1}));
    EXPECT_THAT(sums, ElementsAre(3, 3));
    const at::Tensor numbers = torch::full({5}, rank + 7), counts = torch::full({2}, group.rank());
    OPENP5_EXPECT_OK(group.Broadcast({numbers, counts}));
    EXPECT_TRUE(torch::equal(numbers, torch::full({5}, 7.0)));
    EXPECT_TRUE(torch::equal(counts, torch::zeros({2}, at::kLong)));
    OPENP5_ASSERT_OK_AND_ASSIGN(const auto texts,
                                group.Gather(std::string(static_cast<size_t>(rank), 'x')));
    EXPECT_THAT(texts, ElementsAre("", "x", "xx"));
  });
}

TEST(ProcessGroupTest, AveragesGradientsOfAllGatheredBatches) {
  AsRanks(2, [](ProcessGroup& group) {
    const at::Tensor weight = torch::ones({300, 1000}).requires_grad_();  // more than one bucket
    const at::Tensor bias = torch::ones({3}).requires_grad_();
    OPENP5_ASSERT_OK_AND_ASSIGN(
        const auto reducer, GradientReducer::Create(group, {{"weight", weight}, {"bias", bias}}));
    const double own = group.rank() == 0 ? 1 : 3;
    for (int step = 0; step < 3; ++step) {
      (weight.sum() * own + bias.sum()).backward();  // stays here until the next
      reducer->PrepareBackward();
      (weight.sum() * own + bias.sum() * own).backward();
      EXPECT_TRUE(torch::equal(weight.grad(), torch::full({300, 1000}, 4.0)));
      EXPECT_TRUE(torch::equal(bias.grad(), torch::full({3}, 3.0)));
      weight.mutable_grad().reset();
      bias.mutable_grad().reset();
    }
  });
}

TEST(ProcessGroupTest, OneRankReportsAFailureOfAll) {
  AsRanks(2, [](ProcessGroup& group) {
    const absl::Status said = group.Explain(UsageError("--lr: no"));
    EXPECT_TRUE(IsUsageError(said));
    EXPECT_EQ(said.message().empty(), group.rank() == 1);
  });
}

TEST(ProcessGroupTest, ALostConnectionIsTheFaultOfWhoeverIsSilent) {
  AsRanks(3, [](ProcessGroup& group) {
    if (group.rank() == 1) return;  // ends without a word
    EXPECT_THAT(group.Explain(absl::InternalError("gloo: Connection reset")),
                StatusIs(absl::StatusCode::kUnavailable, HasSubstr("lost rank 1 (")));
  });
}

// In Gloo's, c10d's and the system's words, of a rank each.
TEST(ProcessGroupTest, ACutLinkIsALostConnection) {
  const std::vector<std::string> words = {
      "training step 10: Application timeout caused pair closure",
      "processes: sum: Timed out waiting 3000ms for recv operation to complete",
      "processes: gather: Read timeout [10.0.0.1]:1", "Socket Timeout", "No route to host"};
  AsRanks(static_cast<int64_t>(words.size()) + 1, [&](ProcessGroup& group) {
    const auto rank = static_cast<size_t>(group.rank());
    if (rank == words.size()) return;  // the one behind the cut
    EXPECT_THAT(group.Explain(absl::InternalError(words[rank])),
                StatusIs(absl::StatusCode::kUnavailable, HasSubstr("lost rank 5 (")));
  });
}

TEST(ProcessGroupTest, LostRanksAreNamedTogether) {
  AsRanks(3, [](ProcessGroup& group) {
    if (group.rank() != 0) return;
    EXPECT_THAT(group.Explain(absl::InternalError("gloo: Connection reset")),
                StatusIs(absl::StatusCode::kUnavailable, HasSubstr("lost ranks 1, 2 (")));
  });
}

// The store's host answers nothing any more: a socket that nobody reads from takes its place.
TEST(ProcessGroupTest, AStoreThatDoesNotAnswerIsNotWaitedFor) {
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto listener, LoopbackListener::Open("127.0.0.1", 0));
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THAT(
      ProcessGroup::Create({.world = {.rank = 1, .size = 2, .local_size = 2, .port = listener.port},
                            .timeout = std::chrono::seconds(1)}),
      StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("expected 2 processes")));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(15));
  close(listener.fd);
}

TEST(LoopbackListenerTest, TakesLoopbackAddressesOnly) {
  for (const char* host : {"127.0.0.1", "127.1.2.3", "localhost"}) {
    EXPECT_TRUE(IsLoopback(host)) << host;
    OPENP5_ASSERT_OK_AND_ASSIGN(const auto listener, LoopbackListener::Open(host, 0));
    EXPECT_GT(listener.port, 0);
    // The port is taken now.
    EXPECT_THAT(LoopbackListener::Open(host, listener.port),
                StatusIs(absl::StatusCode::kFailedPrecondition,
                         HasSubstr(StrCat("cannot listen on ", host, ":", listener.port))));
    close(listener.fd);
  }
  for (const char* host : {"0.0.0.0", "10.77.0.1", "::"}) {
    EXPECT_FALSE(IsLoopback(host)) << host;
  }
}

TEST(ProcessGroupTest, AClosedConnectionEndsNoProcess) {
  const auto alive_after_broken_pipe = [](const std::function<void()>& join) {
    signal(SIGPIPE, SIG_DFL);
    join();
    raise(SIGPIPE);
    _exit(::testing::Test::HasFailure() ? 1 : 0);
  };
  EXPECT_EXIT(alive_after_broken_pipe([] { OPENP5_ASSERT_OK(MeetingPoint::Open()); }),
              ::testing::ExitedWithCode(0), "");
  EXPECT_EXIT(alive_after_broken_pipe([] { OPENP5_ASSERT_OK(ProcessGroup::Create({})); }),
              ::testing::ExitedWithCode(0), "");
}

TEST(ProcessGroupTest, AnEchoIsNotReported) {
  AsRanks(2, [](ProcessGroup& group) {
    const absl::Status own =
        group.rank() == 1 ? DataLoss("disk: full") : absl::InternalError("gloo: Connection reset");
    EXPECT_EQ(group.Explain(own).message(), group.rank() == 1 ? "disk: full" : "");
  });
}

TEST(ProcessGroupTest, NamesWhoDidNotCome) {
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto meeting, MeetingPoint::Open());
  EXPECT_THAT(
      ProcessGroup::Create(
          {.world = {.size = 2, .local_size = 2, .port = meeting->port(), .has_host = true},
           .timeout = std::chrono::seconds(1)}),
      StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("expected 2 processes within 1 s")));
}

class WorldTest : public ::testing::Test {
 protected:
  static absl::StatusOr<World> With(const std::map<std::string, std::string>& variables) {
    for (const char* name : {"RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR",
                             "MASTER_PORT", "TORCHELASTIC_USE_AGENT_STORE"}) {
      unsetenv(name);
    }
    for (const auto& [name, value] : variables) setenv(name.c_str(), value.c_str(), 1);
    absl::StatusOr<World> world = World::FromEnvironment();
    for (const auto& [name, value] : variables) unsetenv(name.c_str());
    return world;
  }
};

TEST_F(WorldTest, IsWhatTorchrunSays) {
  OPENP5_ASSERT_OK_AND_ASSIGN(const World alone, With({}));
  EXPECT_EQ(alone.size, 1);
  OPENP5_ASSERT_OK_AND_ASSIGN(const World world, With({{"RANK", "3"},
                                                       {"WORLD_SIZE", "4"},
                                                       {"LOCAL_RANK", "1"},
                                                       {"LOCAL_WORLD_SIZE", "2"},
                                                       {"MASTER_ADDR", "node0"},
                                                       {"MASTER_PORT", "29500"},
                                                       {"TORCHELASTIC_USE_AGENT_STORE", "True"}}));
  EXPECT_EQ(world.rank, 3);
  EXPECT_EQ(world.local_rank, 1);
  EXPECT_EQ(world.address, "node0");
  EXPECT_EQ(world.port, 29500);
  EXPECT_TRUE(world.has_host);
}

TEST_F(WorldTest, NamesWhatIsMissingOrMalformed) {
  EXPECT_THAT(With({{"WORLD_SIZE", "2"}}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("RANK: expected a number")));
  EXPECT_THAT(With({{"WORLD_SIZE", "2"}, {"RANK", "2"}}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("from 0 to 1, got '2'")));
  EXPECT_THAT(With({{"WORLD_SIZE", "2"}, {"RANK", "1"}, {"MASTER_PORT", "29500"}}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("MASTER_ADDR")));
}

}  // namespace
}  // namespace openp5
