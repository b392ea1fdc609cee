#include "platform/text/llama_slow_tokenizer.h"

#include <algorithm>
#include <utility>

namespace openp5::text {
namespace {

// White space of Python's str.strip.
constexpr std::string_view kSpaces[] = {" ",      "\t",     "\n",     "\v",     "\f",     "\r",
                                        "\x1c",   "\x1d",   "\x1e",   "\x1f",   "\u0085", "\u00a0",
                                        "\u1680", "\u2000", "\u2001", "\u2002", "\u2003", "\u2004",
                                        "\u2005", "\u2006", "\u2007", "\u2008", "\u2009", "\u200a",
                                        "\u2028", "\u2029", "\u202f", "\u205f", "\u3000"};

std::string_view StripLeft(std::string_view text) {
  for (bool again = true; again;) {
    again = false;
    for (const std::string_view space : kSpaces) {
      if (!text.starts_with(space)) continue;
      text.remove_prefix(space.size());
      again = true;
    }
  }
  return text;
}

std::string_view StripRight(std::string_view text) {
  for (bool again = true; again;) {
    again = false;
    for (const std::string_view space : kSpaces) {
      if (!text.ends_with(space)) continue;
      text.remove_suffix(space.size());
      again = true;
    }
  }
  return text;
}

}  // namespace

absl::Status CheckLlamaModel(const SentencePieceModel& model) {
  if (model.bos_id() >= 0 && model.eos_id() >= 0 && model.unk_id() >= 0) return absl::OkStatus();
  return InvalidArgument("expected a Llama model with the pieces <s>, </s> and <unk>, got one ",
                         "without", model.bos_id() < 0 ? " <s>" : " </s> or <unk>",
                         "; another tokenizer family may fit");
}

absl::StatusOr<SentencePieceTokenizer::Parts> LlamaParts(TokenizerParts parts) {
  OPENP5_RETURN_IF_ERROR(CheckLlamaModel(*parts.model));
  SentencePieceTokenizer::Parts checked{.tokens = std::move(parts.files.added_tokens),
                                        .file_name = "tokenizer.model"};
  OPENP5_RETURN_IF_ERROR(DropPieces(*parts.model, &checked.tokens));
  checked.model = std::move(parts.model);
  return checked;
}

LlamaSlowTokenizer::LlamaSlowTokenizer(Parts parts) : SentencePieceTokenizer(std::move(parts)) {
  for (const auto& [id, token] : folder_tokens()) cutter_.Add(token.content, id);
}

std::vector<int32_t> LlamaSlowTokenizer::Encode(std::string_view text) const {
  std::vector<int32_t> ids = {bos_id()};
  size_t from = 0;
  bool after_token = false;
  while (true) {
    const TokenCutter::Match match = cutter_.Next(text, from);
    const bool last = match.id < 0;
    std::string_view stretch =
        text.substr(from, last ? std::string_view::npos : match.begin - from);
    if (after_token) stretch = StripLeft(stretch);
    if (!last) stretch = StripRight(stretch);
    if (!stretch.empty()) EncodeStretch(stretch, after_token, &ids);
    if (last) return ids;
    ids.push_back(match.id);
    from = match.begin + match.length;
    after_token = true;
  }
}

std::string LlamaSlowTokenizer::Decode(std::span<const int32_t> ids) const {
  return DecodeRuns(ids, false);
}

std::string LlamaSlowTokenizer::DecodeWithSpecialTokens(std::span<const int32_t> ids) const {
  return DecodeRuns(ids, true);
}

std::string LlamaSlowTokenizer::DecodeRuns(std::span<const int32_t> ids,
                                           bool with_special_tokens) const {
  std::vector<int32_t> kept;
  std::copy_if(ids.begin(), ids.end(), std::back_inserter(kept), [&](int32_t id) {
    return id >= 0 && id < vocabulary_size() && (with_special_tokens || !IsSpecial(id));
  });
  std::string text;
  for (size_t begin = 0; begin < kept.size();) {
    size_t end = begin + 1;
    if (!IsAdded(kept[begin])) {
      while (end < kept.size() && !IsAdded(kept[end])) ++end;
    }
    if (begin > 0) text += ' ';
    text += DecodeRun(std::span(kept).subspan(begin, end - begin), with_special_tokens);
    begin = end;
  }
  return text;
}

// A run without added tokens, or one added token. A special token ends the text before it, so the
// word mark that follows is dropped; a blank parts it from such text.
std::string LlamaSlowTokenizer::DecodeRun(std::span<const int32_t> ids,
                                          bool with_special_tokens) const {
  std::string text;
  size_t from = 0;
  for (size_t i = 0; i < ids.size(); ++i) {
    if (!IsSpecial(ids[i])) continue;
    if (i > from) {
      text += ' ';
      text += DropLeadingBlank(Join(ids.subspan(from, i - from), with_special_tokens));
    }
    text += Piece(ids[i]);
    from = i + 1;
  }
  return text + DropLeadingBlank(Join(ids.subspan(from), with_special_tokens));
}

}  // namespace openp5::text
