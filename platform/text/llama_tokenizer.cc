#include <utility>

#include "platform/text/llama_slow_tokenizer.h"
#include "platform/text/tokenizer_families.h"

namespace openp5::text {
namespace {

// A literal U+2581 of the text is a blank.
std::string MarksToBlanks(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size();) {
    const bool mark = text.substr(i).starts_with(kWordMark);
    result += mark ? ' ' : text[i];
    i += mark ? kWordMark.size() : 1;
  }
  return result;
}

// Hugging Face's slow tokenizer with `legacy=False` (transformers 4.31): a stretch after an added
// token loses its word mark, by cutting it from the first piece; what is left need not be a piece
// and is then unknown.
class LlamaTokenizer final : public LlamaSlowTokenizer {
 public:
  explicit LlamaTokenizer(Parts parts) : LlamaSlowTokenizer(std::move(parts)) {}
  std::string_view family() const override { return "llama"; }

 private:
  void EncodeStretch(std::string_view stretch, bool after_token,
                     std::vector<int32_t>* ids) const override {
    const auto first = static_cast<std::ptrdiff_t>(ids->size());
    model().Encode(MarksToBlanks(stretch), ids);
    if (!after_token || !StartsWord((*ids)[first])) return;
    const std::string rest = Piece((*ids)[first]).substr(kWordMark.size());
    if (rest.empty()) {
      ids->erase(ids->begin() + first);
      return;
    }
    const int32_t id = model().Find(rest);
    (*ids)[first] = id >= 0 ? id : unk_id();
  }
};

}  // namespace

absl::StatusOr<std::unique_ptr<Tokenizer>> MakeLlamaTokenizer(TokenizerParts parts) {
  OPENP5_ASSIGN_OR_RETURN(auto checked, LlamaParts(std::move(parts)));
  return std::make_unique<LlamaTokenizer>(std::move(checked));
}

}  // namespace openp5::text
