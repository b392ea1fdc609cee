#include "platform/tensor/runtime.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <new>
#include <stdexcept>

#include "platform/tensor/named_tensors.h"
#include "tests/testing/testing.h"

namespace openp5 {
namespace {

using ::openp5::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Code = absl::StatusCode;

TEST(CatchTorchTest, PassesTheStatusOn) {
  OPENP5_EXPECT_OK(CatchTorch("what", [] { return absl::OkStatus(); }));
  EXPECT_THAT(CatchTorch("what", [] { return DataLoss("mine"); }),
              StatusIs(Code::kDataLoss, ::testing::StrEq("mine")));
}

TEST(CatchTorchTest, ErrorsOfTorchBecomeOneLine) {
  const absl::Status status = CatchTorch("adding", [] {
    at::add(at::ones({2}), at::ones({3}));
    return absl::OkStatus();
  });
  EXPECT_THAT(status, StatusIs(Code::kInternal, AllOf(HasSubstr("adding: The size of tensor a (2)"),
                                                      Not(HasSubstr("\n")))));
}

TEST(CatchTorchTest, OtherExceptions) {
  EXPECT_THAT(CatchTorch("what", []() -> absl::Status { throw std::bad_alloc(); }),
              StatusIs(Code::kResourceExhausted, HasSubstr("what: out of memory")));
  EXPECT_THAT(CatchTorch("what", []() -> absl::Status { throw std::runtime_error("a\nb"); }),
              StatusIs(Code::kInternal, ::testing::StrEq("what: a")));
}

TEST(StartRuntimeTest, TakesWhatIsAskedFor) {
  OPENP5_ASSERT_OK_AND_ASSIGN(
      const Runtime runtime,
      StartRuntime(
          {.device = DeviceChoice::kCpu, .precision = Precision::kBfloat16, .threads = 1}));
  EXPECT_TRUE(runtime.device.is_cpu());
  EXPECT_EQ(runtime.compute_type, c10::ScalarType::BFloat16);
  EXPECT_EQ(at::get_num_threads(), 1);
}

TEST(StartRuntimeTest, ComputesInFloat32UnlessAsked) {
  OPENP5_ASSERT_OK_AND_ASSIGN(const Runtime exact, StartRuntime({.device = DeviceChoice::kCpu}));
  EXPECT_EQ(exact.compute_type, c10::ScalarType::Float);
}

TEST(StartRuntimeTest, Int8IsForCpusWithTheInstructions) {
  const auto runtime =
      StartRuntime({.device = DeviceChoice::kCpu, .precision = Precision::kInt8, .threads = 1});
  if (CpuComputesInt8()) {
    OPENP5_ASSERT_OK(runtime);
    EXPECT_TRUE(runtime->int8);
    EXPECT_EQ(runtime->compute_type, c10::ScalarType::Float);
    EXPECT_EQ(runtime->precision(), "int8");
  } else {
    EXPECT_THAT(runtime, StatusIs(Code::kInvalidArgument, HasSubstr("hint: --precision float32")));
  }
  if (!at::hasCUDA()) GTEST_SKIP() << "the refusal on CUDA needs CUDA";
  EXPECT_THAT(StartRuntime({.device = DeviceChoice::kCuda, .precision = Precision::kInt8}),
              StatusIs(Code::kInvalidArgument, HasSubstr("hint: --device cpu")));
}

TEST(StartRuntimeTest, AbsentDeviceIsRefused) {
  if (at::hasCUDA()) GTEST_SKIP() << "needs a machine without CUDA";
  EXPECT_THAT(StartRuntime({.device = DeviceChoice::kCuda}),
              StatusIs(Code::kInvalidArgument, HasSubstr("hint: --device cpu")));
  EXPECT_TRUE(StartRuntime({})->device.is_cpu());
}

TEST(NamedTensorsTest, FindsByName) {
  const NamedTensors tensors = {{"a", at::ones({1})}, {"b", at::zeros({2})}};
  EXPECT_EQ(FindTensor(tensors, "b"), &tensors[1].second);
  EXPECT_EQ(FindTensor(tensors, "c"), nullptr);
}

TEST(NamedTensorsTest, TheIndexFindsTheFirstOfAName) {
  const NamedTensors tensors = {{"a", at::ones({1})}, {"b", at::zeros({2})}, {"b", at::ones({2})}};
  const TensorIndex index(tensors);
  EXPECT_EQ(index.Find("b"), &tensors[1].second);
  EXPECT_EQ(index.Place("a"), 0u);
  EXPECT_EQ(index.Find("c"), nullptr);
  EXPECT_EQ(index.Place(""), std::nullopt);
}

}  // namespace
}  // namespace openp5
