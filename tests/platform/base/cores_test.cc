#include "platform/base/cores.h"

#include <sched.h>

#include <filesystem>

#include "platform/base/file.h"
#include "tests/testing/testing.h"

namespace openp5 {
namespace {

class CoresTest : public ::testing::Test {
 protected:
  // A file of the system's, below the test's own root.
  void Write(const std::string& path, const std::string& text) {
    const std::string file = root_.File(path);
    std::filesystem::create_directories(std::filesystem::path(file).parent_path());
    OPENP5_ASSERT_OK(WriteFileAtomic(file, text));
  }

  const testing::TemporaryFolder root_;
};

TEST_F(CoresTest, AreThoseOfTheAffinityMask) {
  cpu_set_t before, one;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  EXPECT_EQ(AvailableCores(root_.path()), CPU_COUNT(&before));
  CPU_ZERO(&one);
  CPU_SET(sched_getcpu(), &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(AvailableCores(root_.path()), 1);
  ASSERT_EQ(sched_setaffinity(0, sizeof before, &before), 0);
}

TEST_F(CoresTest, AreNoMoreThanTheControlGroupGives) {
  const int64_t all = AvailableCores(root_.path());
  if (all < 2) GTEST_SKIP() << "needs two cores";
  Write("proc/self/cgroup", "0::/job/7\n");
  Write("sys/fs/cgroup/job/7/cpu.max", "max 100000\n");
  EXPECT_EQ(AvailableCores(root_.path()), all);
  Write("sys/fs/cgroup/job/7/cpu.max", "20000 100000\n");
  EXPECT_EQ(AvailableCores(root_.path()), 1);
  Write("sys/fs/cgroup/job/7/cpu.max", "150000 100000\n");  // rounded up
  EXPECT_EQ(AvailableCores(root_.path()), 2);
  Write("sys/fs/cgroup/cpu.max", "100000 100000\n");
  EXPECT_EQ(AvailableCores(root_.path()), 1);
}

TEST_F(CoresTest, AreThoseOfAControlGroupOfVersion1) {
  const int64_t all = AvailableCores(root_.path());
  Write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  Write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(AvailableCores(root_.path()), all);
  Write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "100000\n");
  EXPECT_EQ(AvailableCores(root_.path()), 1);
}

}  // namespace
}  // namespace openp5
