#include <vector>

#include "indexing/token_trie.h"
#include "tests/fuzz/fuzz.h"

namespace {

using openp5::fuzz::Expect;

constexpr size_t kKeyBegin = 24, kKeySize = 64;

// Goes down every branch; a damaged tree must have been refused before.
void Read(std::string_view bytes) {
  const std::string key(bytes.size() < kKeyBegin + kKeySize ? std::string_view()
                                                            : bytes.substr(kKeyBegin, kKeySize));
  const auto trie =
      openp5::indexing::TokenTrie::Open(openp5::fuzz::WriteInput("items.trie", bytes), key);
  openp5::fuzz::ExpectMessage(trie.status());
  if (!trie.ok()) return;
  std::vector<openp5::decoding::NodeId> open = {trie->root()};
  while (!open.empty()) {
    const openp5::decoding::NodeId node = open.back();
    open.pop_back();
    Expect(trie->ItemCount(node) > 0, "a node has items");
    const auto children = static_cast<int32_t>(trie->ChildTokens(node).size());
    if (children == 0) Expect(trie->LeafOf(trie->ItemAt(node)) == node, "a leaf is its item's");
    for (int32_t i = 0; i < children; ++i) {
      open.push_back(trie->FirstChild(node) + i);
      Expect(trie->Parent(open.back()) == node, "a child has its parent");
    }
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  openp5::fuzz::ReadWithDigest(openp5::fuzz::Text(data, size), Read);
  return 0;
}
