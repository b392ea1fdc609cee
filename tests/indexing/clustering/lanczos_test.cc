#include "indexing/clustering/lanczos.h"

#include <Eigen/Dense>
#include <utility>

#include "platform/base/random.h"
#include "tests/testing/testing.h"

namespace openp5::indexing {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using ::testing::IsEmpty;

MatrixXd RandomMatrix(Index rows, Index columns, Random* random) {
  MatrixXd matrix(rows, columns);
  for (Index i = 0; i < matrix.size(); ++i) matrix.data()[i] = random->Normal();
  return matrix;
}

std::vector<double> RandomStart(Index size, Random* random) {
  const MatrixXd start = RandomMatrix(size, 1, random);
  return {start.data(), start.data() + size};
}

SymmetricProduct ProductWith(const MatrixXd& matrix) {
  return [&matrix](const double* x, double* y) {
    Eigen::Map<VectorXd>(y, matrix.rows()) = matrix * Eigen::Map<const VectorXd>(x, matrix.rows());
  };
}

MatrixXd AsMatrix(const std::vector<double>& vectors, Index size) {
  return Eigen::Map<const MatrixXd>(vectors.data(), size,
                                    static_cast<Index>(vectors.size()) / size);
}

TEST(LanczosTest, EqualsADenseSolver) {
  Random random(1);
  for (const Index size : {30, 150, 400}) {
    SCOPED_TRACE(size);
    const MatrixXd half = RandomMatrix(size, size, &random);
    const MatrixXd matrix = half + half.transpose();
    const MatrixXd found =
        AsMatrix(LargestEigenvectors(ProductWith(matrix), RandomStart(size, &random),
                                     {.wanted = 5, .basis = 20}),
                 size);
    ASSERT_EQ(found.cols(), 5);
    const MatrixXd expected = Eigen::SelfAdjointEigenSolver<MatrixXd>(matrix)
                                  .eigenvectors()
                                  .rightCols(5)
                                  .rowwise()
                                  .reverse();
    for (Index i = 0; i < 5; ++i) {
      EXPECT_NEAR(std::abs(found.col(i).dot(expected.col(i))), 1, 1e-6) << i;
    }
  }
}

// Longer than one block of rows: eigenvalues are the diagonal's.
TEST(LanczosTest, FindsTheLargestOfALongDiagonal) {
  constexpr size_t kSize = 10000;
  std::vector<double> diagonal(kSize, 0.5);
  const std::vector<size_t> places = {9999, 3, 5000, 2048};
  for (size_t i = 0; i < places.size(); ++i)
    diagonal[places[i]] = 4 - 0.25 * static_cast<double>(i);
  const SymmetricProduct product = [&](const double* x, double* y) {
    for (size_t i = 0; i < kSize; ++i) y[i] = diagonal[i] * x[i];
  };
  Random random(2);
  const std::vector<double> found =
      LargestEigenvectors(product, RandomStart(kSize, &random), {.wanted = 4, .basis = 20});
  ASSERT_EQ(found.size(), 4 * kSize);
  for (size_t i = 0; i < places.size(); ++i) {
    EXPECT_NEAR(std::abs(found[i * kSize + places[i]]), 1, 1e-6) << i;
  }
}

// Three steps close the basis of a matrix of rank two; the others must still be orthonormal.
TEST(LanczosTest, GoesOnWhereTheBasisIsClosed) {
  Random random(3);
  const Index size = 60;
  const MatrixXd half = RandomMatrix(size, 2, &random);
  const MatrixXd matrix = half * half.transpose();
  const MatrixXd found =
      AsMatrix(LargestEigenvectors(ProductWith(matrix), RandomStart(size, &random),
                                   {.wanted = 6, .basis = 20}),
               size);
  ASSERT_EQ(found.cols(), 6);
  EXPECT_LT((found.transpose() * found - MatrixXd::Identity(6, 6)).cwiseAbs().maxCoeff(), 1e-10);
  const MatrixXd expected =
      Eigen::SelfAdjointEigenSolver<MatrixXd>(matrix).eigenvectors().rightCols(2);
  EXPECT_NEAR((expected.transpose() * found.leftCols(2)).norm(), std::sqrt(2.0), 1e-8);
}

TEST(LanczosTest, SaysWhereItDidNotConverge) {
  Random random(4);
  const MatrixXd half = RandomMatrix(300, 300, &random);
  const MatrixXd matrix = half + half.transpose();
  EXPECT_THAT(LargestEigenvectors(ProductWith(matrix), RandomStart(300, &random),
                                  {.wanted = 5, .basis = 10, .tolerance = 1e-8, .max_restarts = 1}),
              IsEmpty());
}

}  // namespace
}  // namespace openp5::indexing
