#include "platform/base/memory.h"

#include "platform/base/file.h"
#include "tests/testing/testing.h"

namespace openp5 {
namespace {

using ::openp5::testing::StatusIs;
using ::openp5::testing::TemporaryFolder;
using ::testing::AllOf;
using ::testing::HasSubstr;

// A system's files as the kernel shows them.
class MemoryTest : public ::testing::Test {
 protected:
  void Write(const std::string& name, const std::string& text) {
    OPENP5_ASSERT_OK(MakeDirectories(DirectoryName(folder_.File(name))));
    OPENP5_ASSERT_OK(WriteFileAtomic(folder_.File(name), text));
  }
  std::optional<int64_t> Available() const { return AvailableMemory(folder_.path()); }

  TemporaryFolder folder_;
};

TEST_F(MemoryTest, UnknownWithoutTheFiles) { EXPECT_EQ(Available(), std::nullopt); }

TEST_F(MemoryTest, TheSystemsOwn) {
  Write("proc/meminfo", "MemTotal: 900 kB\nMemAvailable:    700 kB\n");
  EXPECT_EQ(Available(), 700 * 1024);
}

TEST_F(MemoryTest, WhatAProcessHas) {
  EXPECT_EQ(ResidentMemory(folder_.path()), std::nullopt);
  Write("proc/self/status", "Name:\topenp5\nVmHWM:\t  300 kB\nVmRSS:\t  200 kB\n");
  Write("proc/meminfo", "MemTotal: 900 kB\nMemAvailable:    700 kB\n");
  EXPECT_EQ(ResidentMemory(folder_.path()), 200 * 1024);
  EXPECT_EQ(PeakMemory(folder_.path()), 300 * 1024);
  EXPECT_EQ(TotalMemory(folder_.path()), 900 * 1024);
}

TEST_F(MemoryTest, AGroupsLimitLessWhatCannotBeDropped) {
  Write("proc/meminfo", "MemAvailable: 700 kB\n");
  Write("proc/self/cgroup", "0::/job/7\n");
  Write("sys/fs/cgroup/job/7/memory.max", "400000\n");
  Write("sys/fs/cgroup/job/7/memory.current", "300000\n");
  Write("sys/fs/cgroup/job/7/memory.stat", "anon 1\ninactive_file 100000\nactive_file 50000\n");
  EXPECT_EQ(Available(), 250000);
  Write("sys/fs/cgroup/job/7/memory.max", "max\n");
  EXPECT_EQ(Available(), 700 * 1024);
}

TEST_F(MemoryTest, TheFirstVersionsGroups) {
  Write("sys/fs/cgroup/memory/memory.limit_in_bytes", "400000\n");
  Write("sys/fs/cgroup/memory/memory.usage_in_bytes", "500000\n");
  EXPECT_EQ(Available(), 0);
}

constexpr int64_t kGibibyte = int64_t{1} << 30;

TEST(CheckMemoryTest, RefusesWhatCannotFit) {
  OPENP5_EXPECT_OK(CheckMemory("model", kGibibyte, kGibibyte));
  OPENP5_EXPECT_OK(CheckMemory("model", 100 * kGibibyte, std::nullopt));
  EXPECT_THAT(CheckMemory("model", 3 * kGibibyte / 2, kGibibyte),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       "model: expected 1.5 GiB of memory, got 1.0 GiB available"));
}

TEST(ReserveMemoryTest, SaysWhatIsNeededAndWhatMakesItLess) {
  ::testing::internal::CaptureStderr();
  OPENP5_EXPECT_OK(ReserveMemory({.what = "training", .peak = kGibibyte / 2}, kGibibyte));
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              HasSubstr("training: needs about 512 MiB of memory, 1.0 GiB available"));
  OPENP5_EXPECT_OK(ReserveMemory({.what = "training", .peak = kGibibyte}, std::nullopt));
  EXPECT_THAT(ReserveMemory({.what = "training", .peak = 2 * kGibibyte, .hint = "a smaller batch"},
                            kGibibyte),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       "training: expected 2.0 GiB of memory, got 1.0 GiB available; "
                       "hint: a smaller batch"));
}

TEST(MemoryInReachTest, IsMoreThanTheProcessHas) {
  EXPECT_GT(MemoryInReach().value_or(0), ResidentMemory().value_or(0));
}

}  // namespace
}  // namespace openp5
