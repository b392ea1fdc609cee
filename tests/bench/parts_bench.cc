// Speed of the parts, beside the machine's own rate of matrix products. Not a test.
//   openp5_parts_bench [--benchmark_filter=REGEX] [Google Benchmark's other options]
// Threads: OMP_NUM_THREADS.
#include <benchmark/benchmark.h>
#include <c10/core/GradMode.h>
#include <torch/types.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <set>
#include <vector>

#include "indexing/token_trie.h"
#include "platform/base/random.h"
#include "platform/decoding/beam_search.h"
#include "platform/models/common/layers.h"
#include "platform/models/llama/llama.h"
#include "platform/models/t5/t5.h"

namespace openp5 {
namespace {

using Clock = std::chrono::steady_clock;
using Sequences = std::vector<std::vector<int32_t>>;

double Seconds(Clock::time_point since) {
  return std::chrono::duration<double>(Clock::now() - since).count();
}

// The limit that everything is compared with: the largest product of a t5-small layer, by what
// LibTorch takes for it and by what our layers take.
template <class Multiply>  // ([rows, 512], [2048, 512])
void MeasureProduct(benchmark::State& state, const Multiply& multiply) {
  const int64_t rows = state.range(0);
  const at::Tensor a = at::randn({rows, 512}), b = at::randn({2048, 512});
  for (auto _ : state) multiply(a, b);
  state.counters["GFLOP/s"] = benchmark::Counter(2e-9 * static_cast<double>(rows) * 512 * 2048,
                                                 benchmark::Counter::kIsIterationInvariantRate);
}

void MatrixProduct(benchmark::State& state) {
  at::Tensor out = at::empty({state.range(0), 2048});
  MeasureProduct(state,
                 [&](const at::Tensor& a, const at::Tensor& b) { at::mm_out(out, a, b.t()); });
}
BENCHMARK(MatrixProduct)->Arg(200)->Arg(1024)->Arg(8192)->UseRealTime();

void LayerProduct(benchmark::State& state) {
  const c10::AutoGradMode no_gradients(false);
  MeasureProduct(state, [](const at::Tensor& a, const at::Tensor& b) {
    benchmark::DoNotOptimize(models::Linear(a, b, at::kFloat));
  });
}
BENCHMARK(LayerProduct)->Arg(200)->Arg(1024)->Arg(8192)->UseRealTime();

// ---- prefix trees -------------------------------------------------------------------------------

// Items of four tokens, of which one in `spread` values each, and an end token.
Sequences MakeItems(int64_t count) {
  Random random(1);
  const auto spread =
      static_cast<uint64_t>(std::max(4.0, std::pow(static_cast<double>(count), 0.25) * 2));
  Sequences items;
  items.reserve(static_cast<size_t>(count));
  std::vector<bool> used(static_cast<size_t>(std::pow(static_cast<double>(spread), 4)));
  while (static_cast<int64_t>(items.size()) < count) {
    uint64_t code = random.Below(used.size());
    if (used[code]) continue;
    used[code] = true;
    std::vector<int32_t> item;
    for (int i = 0; i < 4; ++i, code /= spread)
      item.push_back(static_cast<int32_t>(2 + code % spread));
    item.push_back(1);
    items.push_back(std::move(item));
  }
  return items;
}

void TrieBuild(benchmark::State& state) {
  const Sequences items = MakeItems(state.range(0));
  int64_t nodes = 0;
  for (auto _ : state) nodes = indexing::TokenTrie::Create(items)->node_count();
  state.counters["nodes"] = static_cast<double>(nodes);
  state.counters["MB"] =
      (static_cast<double>(nodes) * 12 + static_cast<double>(state.range(0)) * 4) / 1e6;
}
BENCHMARK(TrieBuild)->RangeMultiplier(10)->Range(1'000, 10'000'000)->Iterations(1)->UseRealTime();

// Mapping a tree from the file it is kept in, its content checked; the file is in the page cache.
void TrieOpen(benchmark::State& state) {
  const std::string path = std::filesystem::temp_directory_path() / "openp5_parts_bench.trie";
  const std::string key(64, '0');
  const auto trie = indexing::TokenTrie::Create(MakeItems(state.range(0)));
  if (!trie->Write(path, key).ok()) return state.SkipWithError("cannot write the temporary file");
  for (auto _ : state) benchmark::DoNotOptimize(indexing::TokenTrie::Open(path, key)->node_count());
  std::filesystem::remove(path);
}
BENCHMARK(TrieOpen)->Arg(1'000'000)->Arg(10'000'000)->UseRealTime();

// One step of a search in the tree: the children of a random node of each depth, and one of them.
void TrieStep(benchmark::State& state) {
  const auto trie = indexing::TokenTrie::Create(MakeItems(state.range(0)));
  Random random(2);
  decoding::NodeId node = trie->root();
  int64_t sum = 0;
  for (auto _ : state) {
    const auto children = trie->ChildTokens(node);
    if (children.empty()) {
      node = trie->root();
      continue;
    }
    const auto chosen = static_cast<decoding::NodeId>(random.Below(children.size()));
    node = trie->FirstChild(node) + chosen;
    sum += trie->ItemCount(node);
  }
  benchmark::DoNotOptimize(sum);
}
BENCHMARK(TrieStep)->RangeMultiplier(10)->Range(1'000, 10'000'000);

// ---- a t5-small's search ------------------------------------------------------------------------

// As ML100K's under T5's tokenizer: seven tokens that all items share, then two to four.
Sequences MakeIdentifiers() {
  Random random(3);
  std::set<std::vector<int32_t>> items;
  while (items.size() < 1349) {
    std::vector<int32_t> item = {100, 101, 102, 103, 104, 105, 106};
    for (uint64_t i = 2 + random.Below(3); i > 0; --i)
      item.push_back(static_cast<int32_t>(1000 + random.Below(60)));
    item.push_back(1);
    items.insert(item);
  }
  return {items.begin(), items.end()};
}

models::PackedBatch MakePrompts(int64_t users, uint64_t seed) {
  Random random(seed);
  models::PackedBatch batch;
  std::vector<int64_t> tokens;
  for (int64_t user = 0; user < users; ++user) {
    batch.lengths.push_back(static_cast<int64_t>(110 + random.Below(48)));  // 134 in the mean
    for (int64_t i = 0; i < batch.lengths.back(); ++i)
      tokens.push_back(static_cast<int64_t>(10 + random.Below(30000)));
  }
  std::sort(batch.lengths.rbegin(), batch.lengths.rend());
  batch.tokens = torch::tensor(tokens, at::kLong);
  return batch;
}

// Where a search's time goes: what is none of these is its bookkeeping and the tree.
struct Profile {
  double read = 0, advance = 0, vocabulary = 0, select = 0;
};

class TimedState final : public models::GenerationState {
 public:
  TimedState(std::unique_ptr<models::GenerationState> inner, Profile* profile)
      : inner_(std::move(inner)), profile_(profile) {}
  at::Tensor start_tokens() const override { return inner_->start_tokens(); }
  at::Tensor Advance(const at::Tensor& tokens) override {
    const auto start = Clock::now();
    at::Tensor hidden = inner_->Advance(tokens);
    profile_->advance += Seconds(start);
    return hidden;
  }
  at::Tensor Logits(const at::Tensor& hidden) const override {
    const auto start = Clock::now();
    at::Tensor logits = inner_->Logits(hidden);
    profile_->vocabulary += Seconds(start);
    return logits;
  }
  void Select(const at::Tensor& users, const at::Tensor& beams) override {
    const auto start = Clock::now();
    inner_->Select(users, beams);
    profile_->select += Seconds(start);
  }
  std::unique_ptr<models::GenerationState> Clone() const override {
    return std::make_unique<TimedState>(inner_->Clone(), profile_);
  }

 private:
  std::unique_ptr<models::GenerationState> inner_;
  Profile* profile_;
};

class TimedModel final : public models::GenerativeModel {
 public:
  TimedModel(models::GenerativeModel* inner, Profile* profile) : inner_(inner), profile_(profile) {}
  std::unique_ptr<models::GenerationState> Begin(const models::PackedBatch& prompts) override {
    const auto start = Clock::now();
    auto state = inner_->Begin(prompts);
    profile_->read += Seconds(start);
    return std::make_unique<TimedState>(std::move(state), profile_);
  }
  int64_t vocabulary_size() const override { return inner_->vocabulary_size(); }

 private:
  models::GenerativeModel* inner_;
  Profile* profile_;
};

models::T5Model& Small() {
  static models::T5Model* const model = models::T5Model::Create(models::T5Config(), 1).release();
  return *model;
}

models::T5Model& SmallInt8() {
  static models::T5Model* const model = [] {
    auto made = models::T5Model::Create(models::T5Config(), 1);
    made->QuantizeWeights();
    return made.release();
  }();
  return *model;
}

// Items that each user has seen.
std::vector<std::vector<int32_t>> MakeExcluded(int64_t users, int64_t items) {
  Random random(5);
  std::vector<std::vector<int32_t>> excluded(static_cast<size_t>(users));
  for (auto& some : excluded) {
    for (int i = 0; i < 50; ++i)
      some.push_back(static_cast<int32_t>(random.Below(static_cast<uint64_t>(items))));
  }
  return excluded;
}

// users, beams, whether 50 of each user's items are excluded, whether in int8. Shares of the time
// are counters.
void Search(benchmark::State& state) {
  static const auto* const trie =
      new indexing::TokenTrie(*indexing::TokenTrie::Create(MakeIdentifiers()));
  const models::PackedBatch prompts = MakePrompts(state.range(0), 4);
  std::vector<std::vector<int32_t>> excluded;
  if (state.range(2) != 0) excluded = MakeExcluded(state.range(0), 1349);
  Profile profile;
  TimedModel model(state.range(3) != 0 ? &SmallInt8() : &Small(), &profile);
  const auto start = Clock::now();
  for (auto _ : state) {
    const auto lists = decoding::BeamSearch(model, prompts, *trie, excluded,
                                            {.beams = state.range(1), .max_length = 50});
    if (!lists.ok()) state.SkipWithError("the search failed");
  }
  const double total = Seconds(start);
  state.counters["users/s"] = benchmark::Counter(static_cast<double>(state.range(0)),
                                                 benchmark::Counter::kIsIterationInvariantRate);
  state.counters["read"] = profile.read / total;
  state.counters["steps"] = profile.advance / total;
  state.counters["vocabulary"] = profile.vocabulary / total;
  state.counters["select"] = profile.select / total;
  state.counters["rest"] =
      1 - (profile.read + profile.advance + profile.vocabulary + profile.select) / total;
}
BENCHMARK(Search)
    ->Args({20, 10, 0, 0})
    ->Args({20, 10, 1, 0})
    ->Args({20, 10, 0, 1})
    ->Args({20, 20, 0, 0})
    ->Args({20, 20, 0, 1})
    ->Args({20, 50, 0, 0})
    ->Args({20, 50, 1, 0})
    ->Args({20, 50, 0, 1})
    ->MinTime(8)
    ->UseRealTime();

// Twenty users and ten beams in a tree of so many items: plain and filtered searches in turn.
void FilteredSearch(benchmark::State& state) {
  const auto trie = indexing::TokenTrie::Create(MakeItems(state.range(0)));
  const models::PackedBatch prompts = MakePrompts(20, 4);
  const auto excluded = MakeExcluded(20, state.range(0));
  double plain = 0, filtered = 0;
  const auto search = [&](std::span<const std::vector<int32_t>> items) {
    const auto start = Clock::now();
    if (!decoding::BeamSearch(Small(), prompts, *trie, items, {.beams = 10}).ok())
      state.SkipWithError("the search failed");
    return Seconds(start);
  };
  for (auto _ : state) {
    plain += search({});
    filtered += search(excluded);
  }
  state.counters["filtered/plain"] = filtered / plain;
}
BENCHMARK(FilteredSearch)
    ->Arg(1'000)
    ->Arg(1'000'000)
    ->Arg(10'000'000)
    ->Iterations(3)
    ->UseRealTime();

// One user at a time: the time to a list that 50 and 99 of a hundred users see at most.
void Latency(benchmark::State& state) {
  static const auto* const trie =
      new indexing::TokenTrie(*indexing::TokenTrie::Create(MakeIdentifiers()));
  std::vector<double> times;
  uint64_t user = 0;
  for (auto _ : state) {
    const models::PackedBatch prompt = MakePrompts(1, 100 + user++);
    const auto start = Clock::now();
    const auto list = decoding::BeamSearch(Small(), prompt, *trie, {}, {.beams = 10});
    times.push_back(1e3 * Seconds(start));
    if (!list.ok()) state.SkipWithError("the search failed");
  }
  std::sort(times.begin(), times.end());
  state.counters["p50_ms"] = times[times.size() / 2];
  state.counters["p99_ms"] = times[times.size() * 99 / 100];
}
BENCHMARK(Latency)->Iterations(100)->UseRealTime();

// ---- a t5-small's training ----------------------------------------------------------------------

void TrainingStep(benchmark::State& state) {
  models::T5Model& model = Small();
  models::TrainingBatch batch;
  batch.input = MakePrompts(64, 6);
  std::vector<int64_t> labels;
  Random random(7);
  for (int i = 0; i < 64; ++i) {
    batch.labels.lengths.push_back(11);
    for (int j = 0; j < 11; ++j) labels.push_back(static_cast<int64_t>(10 + random.Below(30000)));
  }
  batch.labels.tokens = torch::tensor(labels, at::kLong);
  model.SetTraining(true);
  double forward = 0, total = 0;
  for (auto _ : state) {
    const auto start = Clock::now();
    const at::Tensor loss = model.TokenLosses(batch).mean();
    forward += Seconds(start);
    loss.backward();
    for (const auto& [name, tensor] : model.parameters()) tensor.mutable_grad().reset();
    total += Seconds(start);
  }
  model.SetTraining(false);
  state.counters["samples/s"] =
      benchmark::Counter(64, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["forward"] = forward / total;
}
BENCHMARK(TrainingStep)->MinTime(15)->UseRealTime();

}  // namespace
}  // namespace openp5

BENCHMARK_MAIN();
