#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <set>
#include <sstream>
#include <thread>

#include "platform/base/file.h"
#include "tests/cli/program.h"
#include "tests/testing/testing.h"

namespace openp5 {
namespace {

namespace fs = std::filesystem;
using ::openp5::testing::Arguments;
using ::openp5::testing::ExpectSuccess;
using ::openp5::testing::Program;
using ::openp5::testing::ProgramResult;
using ::openp5::testing::RunProgram;
using ::openp5::testing::TemporaryFolder;
using ::openp5::testing::operator+;
using ::testing::AnyOf;
using ::testing::HasSubstr;

using Clock = std::chrono::steady_clock;

// How long a rank that is not lost may take: the time-out, some seconds in which the ranks tell
// each other why they end, and a slow machine.
constexpr std::chrono::seconds kTimeout(3), kLongest(30);

int FreePort() {
  static int port = 20000 + getpid() % 20000;
  return port++;
}

// Processes that train together, ended by hand.
class DistributedTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TemporaryFolder>();
    ExpectSuccess(RunProgram({"dataset", "generate", "--out", Path("data/Toy"), "--users", "40",
                              "--items", "60", "--groups", "5"}));
    ExpectSuccess(RunProgram(Arguments{"index", "build"} + Data()));
    ExpectSuccess(RunProgram(Arguments{"tokenizer", "train", "--out", Path("tokenizer")} + Data()));
  }
  static void TearDownTestSuite() { folder_.reset(); }

  static std::string Path(const std::string& name) { return folder_->File(name); }
  static Arguments Data() { return {"--data-dir", Path("data"), "--datasets", "Toy"}; }
  static Arguments Train(const std::string& run) {
    return Arguments{"train",
                     "--backbone",
                     "preset:t5-tiny",
                     "--tokenizer",
                     Path("tokenizer"),
                     "--run-dir",
                     Path(run),
                     "--threads",
                     "1",
                     "--epochs",
                     "5000",
                     "--batch-size",
                     "8",
                     "--logging-step",
                     "1",
                     "--valid-select",
                     "none",
                     "--distributed-timeout",
                     std::to_string(kTimeout.count())} +
           Data();
  }
  // What torchrun would say to rank `rank` of two, whose first is at `address`.
  static std::vector<std::string> Rank(int rank, const std::string& address, int port) {
    return {StrCat("RANK=", rank), "WORLD_SIZE=2", StrCat("MASTER_ADDR=", address),
            StrCat("MASTER_PORT=", port)};
  }
  static bool WaitForStep(Program* program, const std::string& run) {
    while (program->IsRunning()) {
      const std::string log = ReadFile(Path(run + "/metrics.jsonl")).value_or("");
      if (log.find("\"step\":3,") != std::string::npos) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    ADD_FAILURE() << program->Wait().err;
    return false;
  }
  // That it ends in time, and says whom it has lost.
  static void ExpectLost(Program* program, const ::testing::Matcher<std::string>& line) {
    const auto start = Clock::now();
    while (program->IsRunning() && Clock::now() - start < kLongest) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    const bool ended = !program->IsRunning();
    if (!ended) program->Signal(SIGKILL);
    const ProgramResult result = program->Wait();
    EXPECT_TRUE(ended) << "waited for ever: " << result.err;
    EXPECT_EQ(result.exit_code, 1) << result.err;
    EXPECT_THAT(result.LastError(), line);
  }

  static std::unique_ptr<TemporaryFolder> folder_;
};

std::unique_ptr<TemporaryFolder> DistributedTest::folder_;

// All processes whose parents' chain leads to `pid`, that included.
std::vector<int> FamilyOf(int pid) {
  std::vector<int> family = {pid};
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string status = ReadFile(entry.path().string() + "/status").value_or("");
    if (status.find(StrCat("\nPPid:\t", pid, "\n")) == std::string::npos) continue;
    for (const int child : FamilyOf(std::atoi(entry.path().filename().c_str()))) {
      family.push_back(child);
    }
  }
  return family;
}

// The local addresses, in hexadecimal, that the processes listen on.
std::set<std::string> ListeningAddresses(const std::vector<int>& processes) {
  std::set<std::string> sockets, addresses;  // sockets by inode
  for (const int pid : processes) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(StrCat("/proc/", pid, "/fd"), error)) {
      const std::string target = fs::read_symlink(entry.path(), error).string();
      if (target.starts_with("socket:[")) sockets.insert(target.substr(8, target.size() - 9));
    }
  }
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::istringstream lines(ReadFile(table).value_or(""));
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      std::vector<std::string> word(10);
      for (std::string& each : word) words >> each;
      constexpr const char* kListening = "0A";
      if (word[3] != kListening || !sockets.contains(word[9])) continue;
      addresses.insert(word[1].substr(0, word[1].find(':')));
    }
  }
  return addresses;
}

constexpr char kLoopback[] = "0100007F";

TEST_F(DistributedTest, ALocalMeetingListensOnLoopbackOnly) {
  Program program(Train("nproc") + Arguments{"--nproc", "2"});
  ASSERT_TRUE(WaitForStep(&program, "nproc"));
  EXPECT_THAT(ListeningAddresses(FamilyOf(program.pid())), ::testing::ElementsAre(kLoopback));
  program.Signal(SIGTERM);
  EXPECT_EQ(program.Wait().exit_code, 128 + SIGTERM);

  for (const char* address : {"127.0.0.1", "localhost"}) {
    const std::string run = StrCat("ranks-", address);
    const int port = FreePort();
    Program first(Train(run), "", Rank(0, address, port));
    Program second(Train(run), "", Rank(1, address, port));
    ASSERT_TRUE(WaitForStep(&first, run));
    EXPECT_THAT(ListeningAddresses({first.pid(), second.pid()}),
                ::testing::Each(AnyOf(kLoopback, "00000000000000000000000001000000")));
    first.Signal(SIGTERM);
    second.Signal(SIGTERM);
    EXPECT_EQ(first.Wait().exit_code, 128 + SIGTERM);
    EXPECT_EQ(second.Wait().exit_code, 128 + SIGTERM);
  }
}

// Rank 0 keeps the store in which the ranks tell each other why they end.
TEST_F(DistributedTest, AFrozenRankIsNamedByTheOther) {
  for (const int frozen : {0, 1}) {
    const std::string run = StrCat("frozen", frozen);
    const int port = FreePort();
    Program first(Train(run), "", Rank(0, "127.0.0.1", port));
    Program second(Train(run), "", Rank(1, "127.0.0.1", port));
    ASSERT_TRUE(WaitForStep(&first, run));
    kill(frozen == 0 ? first.pid() : second.pid(), SIGSTOP);
    ExpectLost(frozen == 0 ? &second : &first,
               HasSubstr(StrCat("rank ", 1 - frozen, " of 2: lost rank ", frozen)));
  }
}

TEST_F(DistributedTest, ARankThatIsFrozenBeforeTheyMeetIsNotWaitedForEither) {
  const int port = FreePort();
  Program first(Train("early"), "", Rank(0, "127.0.0.1", port));
  kill(first.pid(), SIGSTOP);
  Program second(Train("early"), "", Rank(1, "127.0.0.1", port));
  ExpectLost(&second, HasSubstr("expected 2 processes within 3 s"));
}

// Two hosts with a cable between them, made of network namespaces.
class TwoHosts {
 public:
  // False if this user or machine may not make them.
  bool Make() {
    return Run("ip netns add HOSTa") && Run("ip netns add HOSTb") &&
           Run("ip link add HOSTa0 type veth peer name HOSTb0") &&
           Run("ip link set HOSTa0 netns HOSTa") && Run("ip link set HOSTb0 netns HOSTb") &&
           Run("ip -n HOSTa addr add 10.77.0.1/24 dev HOSTa0") &&
           Run("ip -n HOSTb addr add 10.77.0.2/24 dev HOSTb0") &&
           Run("ip -n HOSTa link set HOSTa0 up") && Run("ip -n HOSTb link set HOSTb0 up") &&
           Run("ip -n HOSTa link set lo up") && Run("ip -n HOSTb link set lo up");
  }
  ~TwoHosts() {
    Run("ip netns del HOSTa");
    Run("ip netns del HOSTb");
  }
  bool CutCable() { return Run("ip -n HOSTb link set HOSTb0 down"); }

  // Starts the program on host `host`, "a" or "b".
  std::unique_ptr<Program> Start(const std::string& host, const Arguments& arguments,
                                 std::vector<std::string> variables) {
    variables.push_back(StrCat("GLOO_SOCKET_IFNAME=", name_, host, "0"));
    const int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    const int there = open(StrCat("/run/netns/", name_, host).c_str(), O_RDONLY | O_CLOEXEC);
    EXPECT_EQ(setns(there, CLONE_NEWNET), 0);
    auto program = std::make_unique<Program>(arguments, "", variables);
    EXPECT_EQ(setns(home, CLONE_NEWNET), 0);
    close(there);
    close(home);
    return program;
  }

 private:
  bool Run(std::string command) const {
    for (size_t at = 0; (at = command.find("HOST")) != std::string::npos;) {
      command.replace(at, 4, name_);
    }
    return std::system((command + " >/dev/null 2>&1").c_str()) == 0;
  }

  const std::string name_ = StrCat("p5", getpid() % 100000);  // interfaces have short names
};

TEST_F(DistributedTest, BothEndsOfACutCableNameTheOther) {
  TwoHosts hosts;
  if (!hosts.Make()) {
    GTEST_SKIP() << "needs network namespaces: ip netns add, as root; not allowed or absent here";
  }
  const int port = FreePort();
  const auto first = hosts.Start("a", Train("cut"), Rank(0, "10.77.0.1", port));
  const auto second = hosts.Start("b", Train("cut"), Rank(1, "10.77.0.1", port));
  ASSERT_TRUE(WaitForStep(first.get(), "cut"));
  ASSERT_TRUE(hosts.CutCable());
  ExpectLost(first.get(), HasSubstr("rank 0 of 2: lost rank 1"));
  ExpectLost(second.get(), HasSubstr("rank 1 of 2: lost rank 0"));
}

}  // namespace
}  // namespace openp5
