#include "platform/base/isolated.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "tests/testing/testing.h"

namespace openp5 {
namespace {

using ::openp5::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Work = std::function<void(const Say& say)>;

std::vector<std::string> heard;

absl::Status Isolate(const Work& work, const IsolationOptions& options = {}) {
  heard.clear();
  return RunIsolated(options, work, [](std::string text) { heard.push_back(std::move(text)); });
}

TEST(RunIsolated, HearsWhatTheWorkSays) {
  const std::string large(300'000, 'x');  // more than a pipe holds
  OPENP5_EXPECT_OK(Isolate([&](const Say& say) {
    say("one");
    say("");
    say(large);
  }));
  EXPECT_THAT(heard, ElementsAre("one", "", large));
}

TEST(RunIsolated, NamesWhateverTheWorkDoesInstead) {
  const auto fails = [](const Work& work, const std::string& message) {
    const auto say_first = [&](const Say& say) {
      say("begun");
      work(say);
    };
    EXPECT_THAT(Isolate(say_first), StatusIs(absl::StatusCode::kFailedPrecondition, message));
    EXPECT_THAT(heard, ElementsAre("begun")) << message;
  };
  fails([](const Say&) { raise(SIGSEGV); }, "was ended by signal 11 (Segmentation fault)");
  fails([](const Say&) { std::abort(); }, "was ended by signal 6 (Aborted)");
  fails([](const Say&) { throw 1; }, "was ended by signal 6 (Aborted)");
  fails([](const Say&) { std::exit(0); }, "called exit(0)");
  fails([](const Say&) { _exit(7); }, "called exit(7)");
  fails([](const Say&) { std::puts("hello\x1b"); }, "wrote to standard output: 'hello\\033\\n'");
  fails([](const Say&) { close(2); }, "closed standard error");
  fails(
      [](const Say&) {
        for (int fd = 0; fd < 1024; ++fd) close(fd);
      },
      "closed the descriptors of its parent");
  fails(
      [](const Say&) {
        for (int fd = 3; fd < 1024; ++fd) {
          if ((fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY) (void)!write(fd, "garbage", 7);
        }
      },
      "wrote into the connection to its parent");
}

TEST(RunIsolated, EndsWhatDoesNotEndAndAllThatItStarted) {
  int alive[2];
  ASSERT_EQ(pipe2(alive, O_CLOEXEC), 0);
  EXPECT_THAT(Isolate(
                  [&](const Say&) {
                    if (fork() == 0) setpgid(0, getpgid(getppid()));
                    while (true) pause();
                  },
                  {.timeout = std::chrono::milliseconds(200)}),
              StatusIs(absl::StatusCode::kDeadlineExceeded, "had not ended after 0.2 s"));
  // Nobody holds the other end any more.
  close(alive[1]);
  char byte;
  EXPECT_EQ(read(alive[0], &byte, 1), 0);
  close(alive[0]);
}

TEST(RunIsolated, EndsWhatTakesAllMemory) {
  EXPECT_THAT(Isolate(
                  [](const Say&) {
                    std::vector<std::string> all;
                    while (true) all.emplace_back(1 << 20, 'x');
                  },
                  {.memory = 300 << 20}),
              StatusIs(absl::StatusCode::kResourceExhausted, "took more than 300 MiB of memory"));
}

TEST(RunIsolated, TheOutputOfThisProcessIsNotWrittenTwice) {
  ::testing::internal::CaptureStdout();
  std::printf("before");
  OPENP5_EXPECT_OK(Isolate([](const Say&) {}));
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "before");
}

}  // namespace
}  // namespace openp5
