#include "datasets/loaders/python_literal.h"

#include <algorithm>
#include <string>
#include <utility>

#include "datasets/text_lines.h"
#include "platform/base/numbers.h"
#include "platform/base/utf8.h"

namespace openp5::datasets {
namespace {

using Json = nlohmann::json;

constexpr int kDeepest = 64;

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  absl::StatusOr<Json> Parse() {
    OPENP5_ASSIGN_OR_RETURN(Json value, Value(0));
    SkipBlanks();
    if (at_ != text_.size()) return Expected("the end");
    return value;
  }

 private:
  absl::StatusOr<Json> Value(int depth) {
    if (depth > kDeepest) return Expected(StrCat("at most ", kDeepest, " levels"));
    SkipBlanks();
    const char first = Peek();
    if (first == '{') return Dict(depth);
    if (first == '[') return List(']', depth);
    if (first == '(') return List(')', depth);
    if (first == '\'' || first == '"') return String(/*is_unicode=*/false);
    if (first == 'u' && (text_.substr(at_ + 1, 1) == "'" || text_.substr(at_ + 1, 1) == "\"")) {
      ++at_;
      return String(/*is_unicode=*/true);
    }
    for (const auto& [word, value] :
         {std::pair<std::string_view, Json>{"None", nullptr}, {"True", true}, {"False", false}}) {
      if (text_.substr(at_).starts_with(word)) {
        at_ += word.size();
        return value;
      }
    }
    return Number();
  }

  absl::StatusOr<Json> Dict(int depth) {
    Json result = Json::object();
    ++at_;
    while (true) {
      SkipBlanks();
      if (Take('}')) return result;
      OPENP5_ASSIGN_OR_RETURN(const Json key, Value(depth + 1));
      if (!key.is_string()) return Expected("a text as key");
      SkipBlanks();
      if (!Take(':')) return Expected("':'");
      OPENP5_ASSIGN_OR_RETURN(Json value, Value(depth + 1));
      if (!result.emplace(key.get<std::string>(), std::move(value)).second) {
        return Expected(StrCat("key '", Excerpt(key.get<std::string>()), "' once"));
      }
      OPENP5_RETURN_IF_ERROR(SeparatorOr('}'));
    }
  }

  absl::StatusOr<Json> List(char end, int depth) {
    Json result = Json::array();
    ++at_;
    while (true) {
      SkipBlanks();
      if (Take(end)) return result;
      OPENP5_ASSIGN_OR_RETURN(result.emplace_back(), Value(depth + 1));
      OPENP5_RETURN_IF_ERROR(SeparatorOr(end));
    }
  }

  // A comma, or the end, which is left there.
  absl::Status SeparatorOr(char end) {
    SkipBlanks();
    if (Take(',') || Peek() == end) return absl::OkStatus();
    return Expected(StrCat("',' or '", std::string(1, end), "'"));
  }

  absl::StatusOr<Json> String(bool is_unicode) {
    const char quote = text_[at_++];
    std::string value;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == quote) {
        if (FindInvalidUtf8(value) != std::string_view::npos) value = Utf8FromLatin1(value);
        return Json(std::move(value));
      }
      if (c != '\\') {
        value += c;
      } else {
        OPENP5_RETURN_IF_ERROR(Escape(is_unicode, &value));
      }
    }
    return Expected(StrCat("a closing ", std::string(1, quote)));
  }

  absl::Status Escape(bool is_unicode, std::string* value) {
    if (at_ == text_.size()) return Expected("a character after \\");
    const char c = text_[at_++];
    static constexpr std::string_view kNames = "\\'\"abfnrtv", kValues = "\\'\"\a\b\f\n\r\t\v";
    if (const size_t place = kNames.find(c); place != std::string_view::npos) {
      *value += kValues[place];
    } else if (c == 'x') {
      OPENP5_ASSIGN_OR_RETURN(const uint32_t byte, Hexadecimal(2));
      if (is_unicode) {
        AppendUtf8(byte, value);
      } else {
        *value += static_cast<char>(byte);
      }
    } else if (c == 'u' || c == 'U') {
      return UnicodeEscape(c == 'u' ? 4 : 8, value);
    } else {
      // As Python: a backslash before anything else is itself.
      *value += '\\';
      *value += c;
    }
    return absl::OkStatus();
  }

  absl::Status UnicodeEscape(size_t digits, std::string* value) {
    OPENP5_ASSIGN_OR_RETURN(uint32_t code, Hexadecimal(digits));
    if (code >= 0xd800 && code < 0xdc00 && text_.substr(at_).starts_with("\\u")) {
      at_ += 2;
      OPENP5_ASSIGN_OR_RETURN(const uint32_t low, Hexadecimal(4));
      if (low < 0xdc00 || low > 0xdfff) return Expected("the second half of a surrogate pair");
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return Expected("a character");
    AppendUtf8(code, value);
    return absl::OkStatus();
  }

  absl::StatusOr<uint32_t> Hexadecimal(size_t digits) {
    const std::string_view text = text_.substr(at_, digits);
    const auto value = ParseNumber<uint32_t>(text, 16);
    if (text.size() != digits || !value.has_value()) {
      return Expected(StrCat(digits, " hexadecimal digits"));
    }
    at_ += digits;
    return *value;
  }

  absl::StatusOr<Json> Number() {
    const size_t end = std::min(text_.find_first_not_of("+-.0123456789eELlxX", at_), text_.size());
    std::string_view text = text_.substr(at_, end - at_);
    if (text.empty() || (text.front() != '-' && (text.front() < '0' || text.front() > '9'))) {
      return Expected("a literal");
    }
    if (text.ends_with('L') || text.ends_with('l')) text.remove_suffix(1);
    const auto whole = ParseNumber<int64_t>(text);
    const auto real = ParseNumber<double>(text);
    if (!whole.has_value() && !real.has_value()) return Expected("a number");
    at_ = end;
    return whole.has_value() ? Json(*whole) : Json(*real);
  }

  void SkipBlanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }
  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool Take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  absl::Status Expected(std::string_view what) const {
    return InvalidArgument("column ", at_ + 1, ": expected ", what, ", got '",
                           Excerpt(text_.substr(std::min(at_, text_.size()))),
                           "'; not a literal, and nothing is evaluated");
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

absl::StatusOr<nlohmann::json> ParsePythonLiteral(std::string_view text) {
  return Parser(text).Parse();
}

}  // namespace openp5::datasets
