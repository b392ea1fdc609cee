#include <algorithm>
#include <functional>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "platform/app/command.h"
#include "platform/app/tokenizer_train_command.h"
#include "platform/base/json.h"
#include "platform/base/log.h"
#include "platform/base/text_output.h"
#include "platform/config/command_line.h"
#include "platform/text/clean_up.h"
#include "platform/text/tokenizer.h"

namespace openp5::app {
namespace {

using nlohmann::json;
using text::Tokenizer;

struct TokenizerOptions {
  std::string tokenizer;
  std::string family = "auto";
  std::string added_tokens;

  void ForEach(OptionVisitor& visitor) {
    visitor.Visit(
        {.name = "tokenizer",
         .help = "spiece.model, tokenizer.model, tokenizer.json, or a folder that holds one"},
        &tokenizer);
    std::vector<std::string> families = text::TokenizerFamilies();
    families.insert(families.begin(), "auto");
    visitor.Visit({.name = "family",
                   .help = "how the model's pieces are used; auto: told from the files. "
                           "llama-legacy, llama and llama-fast are those of transformers 4.31",
                   .choices = std::move(families)},
                  &family);
    visitor.Visit({.name = "added-tokens",
                   .help = "text file of tokens that get the ids after the model's, one a line"},
                  &added_tokens);
  }

  absl::StatusOr<std::unique_ptr<Tokenizer>> Open() const {
    OPENP5_ASSIGN_OR_RETURN(auto opened,
                            text::OpenTokenizer(tokenizer, family == "auto" ? "" : family));
    if (!added_tokens.empty()) {
      OPENP5_ASSIGN_OR_RETURN(const auto tokens, text::ReadTokenList(added_tokens));
      OPENP5_RETURN_IF_ERROR(Annotate(opened->AddTokens(tokens), added_tokens));
    }
    return opened;
  }
};

// Calls `convert` with every line of standard input parsed as JSON, and writes what it returns, a
// line each. A failure names the line.
absl::Status ConvertLines(const std::string& command,
                          const std::function<absl::StatusOr<json>(const json&)>& convert) {
  OPENP5_ASSIGN_OR_RETURN(TextOutput output, TextOutput::Open(""));
  int64_t number = 0;
  for (std::string line; std::getline(std::cin, line);) {
    const std::string where = StrCat(command, ": standard input: line ", ++number);
    OPENP5_ASSIGN_OR_RETURN(const json value, ParseJson(line, where));
    const absl::StatusOr<json> result = convert(value);
    if (!result.ok()) return Annotate(result.status(), where);
    OPENP5_RETURN_IF_ERROR(output.Write(DumpJson(*result) + "\n"));
  }
  return output.Close();
}

absl::Status RunEncode(const std::vector<std::string>& arguments) {
  struct EncodeOptions {
    int64_t max_length = 0;
    void ForEach(OptionVisitor& visitor) {
      visitor.Visit({.name = "max-length",
                     .help = "most tokens kept of a text, its end token included; 0: all",
                     .minimum = 0},
                    &max_length);
    }
  };
  TokenizerOptions options;
  EncodeOptions encode;
  CommandLine line("tokenizer encode",
                   "Token ids of texts: JSON strings in, JSON arrays out, one a line.");
  line.Add(&options);
  line.Add(&encode);
  line.Require("tokenizer");
  OPENP5_ASSIGN_OR_RETURN(const bool run, line.Parse(arguments));
  if (!run) return absl::OkStatus();
  OPENP5_ASSIGN_OR_RETURN(const auto tokenizer, options.Open());
  return ConvertLines("tokenizer encode", [&](const json& value) -> absl::StatusOr<json> {
    if (!value.is_string()) return InvalidArgument("expected one JSON string");
    std::vector<int32_t> ids = tokenizer->Encode(value.get_ref<const std::string&>());
    text::Truncate(encode.max_length, tokenizer->eos_id(), &ids);
    return json(ids);
  });
}

absl::StatusOr<std::vector<int32_t>> ReadIds(const json& value, const Tokenizer& tokenizer) {
  if (!value.is_array()) return InvalidArgument("expected one JSON array of token ids");
  std::vector<int32_t> ids;
  for (const json& id : value) {
    // Larger than any 64-bit number, and fractions, are no integers to the parser.
    if (!id.is_number_integer() || id < 0 || id >= tokenizer.vocabulary_size()) {
      return InvalidArgument("id ", ids.size() + 1, ": expected a number from 0 to ",
                             tokenizer.vocabulary_size() - 1, ", got ", JsonExcerpt(id));
    }
    ids.push_back(id.get<int32_t>());
  }
  return ids;
}

absl::Status RunDecode(const std::vector<std::string>& arguments) {
  struct DecodeOptions {
    bool special_tokens = false;
    bool clean_up = false;
    void ForEach(OptionVisitor& visitor) {
      visitor.Visit({.name = "special-tokens", .help = "write special tokens out too"},
                    &special_tokens);
      visitor.Visit({.name = "clean-up", .help = "drop the blanks before punctuation"}, &clean_up);
    }
  };
  TokenizerOptions options;
  DecodeOptions decode;
  CommandLine line("tokenizer decode",
                   "Texts of token ids: JSON arrays in, JSON strings out, one a line.");
  line.Add(&options);
  line.Add(&decode);
  line.Require("tokenizer");
  OPENP5_ASSIGN_OR_RETURN(const bool run, line.Parse(arguments));
  if (!run) return absl::OkStatus();
  OPENP5_ASSIGN_OR_RETURN(const auto tokenizer, options.Open());
  return ConvertLines("tokenizer decode", [&](const json& value) -> absl::StatusOr<json> {
    OPENP5_ASSIGN_OR_RETURN(const std::vector<int32_t> ids, ReadIds(value, *tokenizer));
    std::string text =
        decode.special_tokens ? tokenizer->DecodeWithSpecialTokens(ids) : tokenizer->Decode(ids);
    return json(decode.clean_up ? text::CleanUpBlanks(std::move(text)) : std::move(text));
  });
}

// Behind the special pieces and those of single bytes, where the commonest pieces are.
int32_t FirstWordPiece(const Tokenizer& tokenizer) {
  int32_t id = 0;
  while (id < tokenizer.vocabulary_size() && !tokenizer.StartsWord(id)) ++id;
  return id;
}

json Describe(const Tokenizer& tokenizer) {
  json special = json::object();
  const auto add = [&](const char* name, int32_t id) {
    if (id >= 0) special[name] = {{"id", id}, {"piece", tokenizer.Piece(id)}};
  };
  add("pad", tokenizer.pad_id());
  add("bos", tokenizer.bos_id());
  add("eos", tokenizer.eos_id());
  add("unk", tokenizer.unk_id());
  json pieces = json::array();
  constexpr int32_t kCount = 10;
  for (int32_t id = FirstWordPiece(tokenizer); id < tokenizer.vocabulary_size(); ++id) {
    if (pieces.size() == kCount) break;
    pieces.push_back({{"id", id}, {"piece", tokenizer.Piece(id)}});
  }
  return {{"family", tokenizer.family()},
          {"vocabulary_size", tokenizer.vocabulary_size()},
          {"base_vocabulary_size", tokenizer.base_vocabulary_size()},
          {"added_tokens", tokenizer.added_tokens().size()},
          {"special_tokens", special},
          {"pieces", pieces}};
}

std::string DescriptionText(const json& description) {
  std::string text = StrCat("family           ", OneLine(description["family"].get<std::string>()),
                            "\nvocabulary size  ", description["vocabulary_size"].get<int>(),
                            "\n  base           ", description["base_vocabulary_size"].get<int>(),
                            "\n  added tokens   ", description["added_tokens"].get<int>(), "\n");
  for (const auto& [name, token] : description["special_tokens"].items()) {
    text += StrCat(name, "              ", token["id"].get<int>(), " ",
                   OneLine(token["piece"].get<std::string>()), "\n");
  }
  text += "pieces           ";
  for (const json& piece : description["pieces"]) {
    text += StrCat(piece["id"].get<int>(), " ", OneLine(piece["piece"].get<std::string>()), "  ");
  }
  text.erase(text.find_last_not_of(' ') + 1);
  return text + "\n";
}

absl::Status RunInspect(const std::vector<std::string>& arguments) {
  struct InspectOptions {
    std::string format = "text";
    void ForEach(OptionVisitor& visitor) {
      visitor.Visit({.name = "format",
                     .help = "results as text or as one JSON object",
                     .choices = {"text", "json"}},
                    &format);
    }
  };
  TokenizerOptions options;
  InspectOptions inspect;
  CommandLine line("tokenizer inspect", "Sizes, special tokens and a few pieces of a tokenizer.");
  line.Add(&options);
  line.Add(&inspect);
  line.Require("tokenizer");
  OPENP5_ASSIGN_OR_RETURN(const bool run, line.Parse(arguments));
  if (!run) return absl::OkStatus();
  OPENP5_ASSIGN_OR_RETURN(const auto tokenizer, options.Open());
  const json description = Describe(*tokenizer);
  OPENP5_ASSIGN_OR_RETURN(TextOutput output, TextOutput::Open(""));
  OPENP5_RETURN_IF_ERROR(output.Write(inspect.format == "json" ? DumpJson(description) + "\n"
                                                               : DescriptionText(description)));
  return output.Close();
}

}  // namespace

std::vector<Command> TokenizerCommands() {
  return {
      {"tokenizer encode", "Token ids of texts", RunEncode},
      {"tokenizer decode", "Texts of token ids", RunDecode},
      {"tokenizer inspect", "Sizes, special tokens and pieces of a tokenizer", RunInspect},
      {"tokenizer train", "Train a SentencePiece model on prompts or text", RunTokenizerTrain},
  };
}

}  // namespace openp5::app
