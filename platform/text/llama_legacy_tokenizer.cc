#include <utility>

#include "platform/text/llama_slow_tokenizer.h"
#include "platform/text/tokenizer_families.h"

namespace openp5::text {
namespace {

// Hugging Face's slow tokenizer with `legacy=True`: every stretch begins with a word mark, the one
// after an added token too.
class LlamaLegacyTokenizer final : public LlamaSlowTokenizer {
 public:
  explicit LlamaLegacyTokenizer(Parts parts) : LlamaSlowTokenizer(std::move(parts)) {}
  std::string_view family() const override { return "llama-legacy"; }

 private:
  void EncodeStretch(std::string_view stretch, bool, std::vector<int32_t>* ids) const override {
    model().Encode(stretch, ids);
  }
};

}  // namespace

absl::StatusOr<std::unique_ptr<Tokenizer>> MakeLlamaLegacyTokenizer(TokenizerParts parts) {
  OPENP5_ASSIGN_OR_RETURN(auto checked, LlamaParts(std::move(parts)));
  return std::make_unique<LlamaLegacyTokenizer>(std::move(checked));
}

}  // namespace openp5::text
