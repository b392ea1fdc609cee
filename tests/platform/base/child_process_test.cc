#include "platform/base/child_process.h"

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <thread>

#include "platform/base/file.h"
#include "platform/base/signals.h"
#include "tests/testing/testing.h"

namespace openp5 {
namespace {

using ::openp5::testing::StatusIs;
using ::openp5::testing::TemporaryFolder;
using ::testing::HasSubstr;

class ChildProcessTest : public ::testing::Test {
 protected:
  absl::StatusOr<ChildProcess> Shell(const std::string& script) {
    return ChildProcess::Start({.program = "/bin/sh",
                                .arguments = {"sh", "-c", script},
                                .environment = {{"HOME", "/nowhere"}, {"OPENP5_TEST", "a=b"}},
                                .output = Output()});
  }
  std::string Output() const { return folder_.File("output"); }
  static int Wait(ChildProcess* child) {
    while (!child->ExitCode().has_value()) std::this_thread::yield();
    return *child->ExitCode();
  }
  // A shell that works on until it gets SIGTERM, and has begun.
  ChildProcess Worker() {
    auto child = Shell("trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done");
    OPENP5_EXPECT_OK(child);
    while (ReadFile(Output()).value_or("").empty()) std::this_thread::yield();
    return *std::move(child);
  }
  TemporaryFolder folder_;
};

TEST_F(ChildProcessTest, ItsOutputGoesToTheEndOfTheFile) {
  OPENP5_ASSERT_OK_AND_ASSIGN(ChildProcess first, Shell("echo out; echo err >&2; exit 3"));
  EXPECT_EQ(Wait(&first), 3);
  OPENP5_ASSERT_OK_AND_ASSIGN(ChildProcess second, Shell("cat; echo again"));
  EXPECT_EQ(Wait(&second), 0);
  EXPECT_EQ(ReadFile(Output()).value_or(""), "out\nerr\nagain\n");
}

TEST_F(ChildProcessTest, HasThisEnvironmentAndItsOwn) {
  ASSERT_EQ(setenv("OPENP5_TEST_ALSO", "c", 1), 0);
  OPENP5_ASSERT_OK_AND_ASSIGN(ChildProcess child,
                              Shell("echo $HOME $OPENP5_TEST $OPENP5_TEST_ALSO"));
  EXPECT_EQ(Wait(&child), 0);
  EXPECT_EQ(ReadFile(Output()).value_or(""), "/nowhere a=b c\n");
}

TEST_F(ChildProcessTest, WithoutAnOutputItHasThisProcesssStreamsAndGroup) {
  const std::string script = StrCat("test $(ps -o pgid= -p $$) = ", getpgrp());
  OPENP5_ASSERT_OK_AND_ASSIGN(
      ChildProcess child,
      ChildProcess::Start({.program = "/bin/sh", .arguments = {"sh", "-c", script}}));
  EXPECT_EQ(Wait(&child), 0);
}

TEST_F(ChildProcessTest, GetsSignals) {
  ChildProcess child = Worker();
  EXPECT_EQ(child.ExitCode(), std::nullopt);
  child.Signal(SIGTERM);
  EXPECT_EQ(Wait(&child), 7);
  EXPECT_EQ(child.EndSignal(), 0);
  child.Signal(SIGTERM);  // ended: not sent to whoever has the number now
}

TEST_F(ChildProcessTest, TellsWhichSignalEndedIt) {
  OPENP5_ASSERT_OK_AND_ASSIGN(ChildProcess child, Shell("kill -KILL $$"));
  EXPECT_EQ(Wait(&child), 128 + SIGKILL);
  EXPECT_EQ(child.EndSignal(), SIGKILL);
}

TEST_F(ChildProcessTest, DoesNotOutliveItsOwner) {
  {
    OPENP5_ASSERT_OK_AND_ASSIGN(ChildProcess child, Shell("echo $$; while :; do sleep 0.01; done"));
    while (ReadFile(Output()).value_or("").empty()) std::this_thread::yield();
  }
  EXPECT_NE(kill(std::stoi(ReadFile(Output()).value_or("")), 0), 0);
}

TEST_F(ChildProcessTest, ManyAreWaitedForTogether) {
  ChildProcesses children;
  EXPECT_FALSE(children.Wait().has_value());
  children.Add(3, Worker());
  OPENP5_ASSERT_OK_AND_ASSIGN(ChildProcess killed, Shell("kill -KILL $$"));
  children.Add(5, std::move(killed));
  const auto first = children.Wait();
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->number, 5);
  EXPECT_EQ(first->exit_code, 128 + SIGKILL);
  EXPECT_EQ(first->signal, SIGKILL);
  using Clock = ChildProcesses::Clock;
  EXPECT_FALSE(children.Wait(Clock::now() + std::chrono::milliseconds(1)).has_value());
  EXPECT_EQ(children.size(), 1u);
  children.SignalAll(SIGTERM);
  const auto last = children.Wait();
  ASSERT_TRUE(last.has_value());
  EXPECT_EQ(last->number, 3);
  EXPECT_EQ(last->exit_code, 7);
  EXPECT_EQ(last->signal, 0);
  EXPECT_EQ(children.size(), 0u);
}

TEST_F(ChildProcessTest, TheSignalToStopIsPassedOn) {
  const auto stop = [this] {
    CatchTermination();
    ChildProcesses children;
    children.Add(1, Worker());
    raise(SIGTERM);
    std::exit(children.Wait()->exit_code);
  };
  EXPECT_EXIT(stop(), ::testing::ExitedWithCode(7), "");
}

TEST_F(ChildProcessTest, NamesWhatCannotBeDone) {
  ChildProcessOptions options = {
      .program = "/nowhere/program", .arguments = {"program"}, .output = "/nowhere/output"};
  EXPECT_THAT(ChildProcess::Start(options),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("/nowhere/output")));
  options.output = Output();
  OPENP5_ASSERT_OK_AND_ASSIGN(ChildProcess child, ChildProcess::Start(options));
  EXPECT_EQ(Wait(&child), 127);
}

}  // namespace
}  // namespace openp5
