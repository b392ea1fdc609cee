#include <algorithm>
#include <cstring>
#include <utility>

#include "indexing/token_trie.h"
#include "platform/base/bytes.h"
#include "platform/base/digest.h"
#include "platform/base/file.h"

// The file is described in indexing/FORMAT.md.
namespace openp5::indexing {
namespace {

constexpr size_t kDigestSize = 64;  // SHA-256 in hexadecimal

struct Header {
  char magic[8] = {'O', 'P', '5', 'T', 'R', 'I', 'E', 'S'};
  uint32_t version = 1;
  int32_t nodes = 0, items = 0, depth = 0;
  char key[kDigestSize] = {};

  size_t numbers() const { return 3 * static_cast<size_t>(nodes) + 1 + static_cast<size_t>(items); }
};

// The header of a file's `bytes`, which hold what it promises.
absl::StatusOr<Header> ReadHeader(std::string_view bytes, std::string_view key) {
  Header header;
  const Header expected;
  if (bytes.size() < sizeof(Header) + kDigestSize) {
    return DataLoss("expected a token trie, got ", bytes.size(), " bytes");
  }
  std::memcpy(&header, bytes.data(), sizeof header);
  if (std::memcmp(header.magic, expected.magic, sizeof header.magic) != 0) {
    return DataLoss("expected a token trie");
  }
  if (header.version != expected.version) {
    return DataLoss("expected version ", expected.version, ", got ", header.version);
  }
  if (header.nodes < 1 || header.items < 1 || header.items >= header.nodes ||
      bytes.size() != sizeof(Header) + 4 * header.numbers() + kDigestSize) {
    return DataLoss("expected ", header.nodes, " nodes and ", header.items, " items, got ",
                    bytes.size(), " bytes");
  }
  if (std::string_view(header.key, kDigestSize) != key) {
    return DataLoss("expected the tree of ", key, ", got another");
  }
  if (Sha256Of(bytes.substr(0, bytes.size() - kDigestSize)) !=
      bytes.substr(bytes.size() - kDigestSize)) {
    return DataLoss("the content is not what was written");
  }
  return header;
}

}  // namespace

absl::StatusOr<TokenTrie> TokenTrie::Open(const std::string& path, std::string_view key) {
  OPENP5_ASSIGN_OR_RETURN(MappedFile mapped, MappedFile::Open(path));
  auto file = std::make_shared<const MappedFile>(std::move(mapped));
  const absl::StatusOr<Header> header = ReadHeader(file->bytes(), key);
  OPENP5_RETURN_IF_ERROR(Annotate(header.status(), path));
  std::span<const int32_t> rest(
      reinterpret_cast<const int32_t*>(file->bytes().data() + sizeof(Header)), header->numbers());
  const auto take = [&rest](int32_t count) {
    const auto taken = rest.first(static_cast<size_t>(count));
    rest = rest.subspan(taken.size());
    return taken;
  };
  TokenTrie trie;
  trie.token_ = take(header->nodes);
  trie.first_ = take(header->nodes + 1);
  trie.count_ = take(header->nodes);
  trie.leaf_ = take(header->items);
  trie.depth_ = header->depth;
  trie.storage_ = std::move(file);
  if (!trie.IsSound()) return DataLoss(path, ": the numbers make no tree");
  return trie;
}

absl::Status TokenTrie::Write(const std::string& path, std::string_view key) const {
  OPENP5_CHECK(key.size() == kDigestSize);
  Header header;
  header.nodes = node_count();
  header.items = static_cast<int32_t>(leaf_.size());
  header.depth = depth_;
  std::copy(key.begin(), key.end(), header.key);
  std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
  bytes.reserve(sizeof header + 4 * header.numbers() + kDigestSize);
  for (const auto array : {token_, first_, count_, leaf_}) bytes += ViewBytes(array);
  bytes += Sha256Of(bytes);
  return WriteFileAtomic(path, bytes);
}

bool TokenTrie::IsSound() const {
  const int32_t nodes = node_count();
  if (first_[0] != 1 || first_.back() != nodes || depth_ < 1) return false;
  int32_t leaves = 0;
  for (int32_t node = 0; node < nodes; ++node) {
    const int32_t begin = first_[node], end = first_[node + 1];
    if (begin <= node || begin > end || end > nodes) return false;
    for (int32_t child = begin + 1; child < end; ++child) {
      if (token_[child] <= token_[child - 1]) return false;
    }
    if (begin < end) {
      if (token_[begin] < 0 || count_[node] < 1) return false;
    } else if (LeafOf(count_[node]) != node) {
      return false;
    } else {
      ++leaves;
    }
  }
  return leaves == static_cast<int32_t>(leaf_.size());
}

}  // namespace openp5::indexing
