#include "platform/config/command_line.h"

#include <algorithm>
#include <boost/program_options.hpp>
#include <charconv>
#include <sstream>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "platform/base/file.h"
#include "platform/base/numbers.h"
#include "platform/base/standard_streams.h"
#include "platform/base/utf8.h"

namespace openp5 {
namespace {

namespace po = boost::program_options;

bool ParseBool(const std::string& text, bool* value) {
  if (text == "1" || text == "true" || text == "yes" || text == "on") return *value = true, true;
  if (text == "0" || text == "false" || text == "no" || text == "off") return *value = false, true;
  return false;
}

std::vector<std::string> SplitList(const std::string& text) {
  std::vector<std::string> parts = absl::StrSplit(text, ',', absl::SkipWhitespace());
  for (std::string& part : parts) part = std::string(absl::StripAsciiWhitespace(part));
  return parts;
}

std::string NumberText(double value) {
  char buffer[32];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value);
  return std::string(buffer, error == std::errc() ? end : buffer);
}

// Blanks at an end would be trimmed when a config file is read: such values stand in quotes.
std::string Quoted(const std::string& text) {
  constexpr std::string_view kBlanks = " \t";
  const bool bare =
      text.empty() || (kBlanks.find(text.front()) == std::string_view::npos &&
                       kBlanks.find(text.back()) == std::string_view::npos && text.front() != '"');
  return bare ? text : "\"" + text + "\"";
}

std::string Unquoted(const std::string& text) {
  const bool quoted = text.size() >= 2 && text.front() == '"' && text.back() == '"';
  return quoted ? text.substr(1, text.size() - 2) : text;
}

// Boost's complaint about a line without '=' names neither file nor line, and its making does not
// end where the line holds one of the marks it replaces, such as %invalid_line%.
absl::Status CheckConfigLines(const std::string& text, const std::string& path) {
  int number = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    const absl::string_view bare = absl::StripAsciiWhitespace(line.substr(0, line.find('#')));
    const bool is_section = absl::StartsWith(bare, "[") && absl::EndsWith(bare, "]");
    if (bare.empty() || is_section || absl::StrContains(bare, '=')) continue;
    return UsageError(StrCat(path, ":", number, ": expected 'option = value', got '",
                             absl::CHexEscape(bare.substr(0, 80)), "'"));
  }
  return absl::OkStatus();
}

// Values stand in config files, records and JSON, none of which can hold other bytes.
absl::Status CheckUtf8(const std::string& text, const std::string& where) {
  if (FindInvalidUtf8(text) == std::string::npos) return absl::OkStatus();
  return UsageError(StrCat(where, ": expected UTF-8, got '", absl::CHexEscape(text),
                           "'; hint: a file or folder of that name can be renamed or linked to"));
}

int EditDistance(const std::string& a, const std::string& b) {
  std::vector<int> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = static_cast<int>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    int diagonal = std::exchange(row[0], static_cast<int>(i));
    for (size_t j = 1; j <= b.size(); ++j) {
      const int change = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, change}));
    }
  }
  return row[b.size()];
}

}  // namespace

// Collects one struct's options, merging those already known by name.
class BindingVisitor final : public OptionVisitor {
 public:
  BindingVisitor(CommandLine* line, std::string heading)
      : line_(line), heading_(std::move(heading)) {}

  void Heading(const std::string& heading) override { heading_ = heading; }

  void Visit(const OptionInfo& info, bool* value) override {
    Bind(
        info, "", [value] { return std::string(*value ? "true" : "false"); },
        [value](const std::string& text) {
          return std::string(ParseBool(text, value) ? "" : "true or false");
        });
  }
  void Visit(const OptionInfo& info, int64_t* value) override {
    Bind(
        info, "N", [value] { return std::to_string(*value); },
        [info, value](const std::string& text) {
          const auto parsed = ParseNumber<int64_t>(text);
          if (!parsed.has_value()) return std::string("a whole number");
          std::string violation = Violation(info, static_cast<double>(*parsed));
          if (violation.empty()) *value = *parsed;
          return violation;
        });
  }
  void Visit(const OptionInfo& info, double* value) override {
    Bind(
        info, "X", [value] { return NumberText(*value); },
        [info, value](const std::string& text) {
          const auto parsed = ParseNumber<double>(text);
          if (!parsed.has_value()) return std::string("a number");
          std::string violation = Violation(info, *parsed);
          if (violation.empty()) *value = *parsed;
          return violation;
        });
  }
  void Visit(const OptionInfo& info, std::string* value) override {
    Bind(
        info, info.choices.empty() ? "S" : absl::StrJoin(info.choices, "|"),
        [value] { return *value; },
        [info, value](const std::string& text) {
          std::string violation = Violation(info, text);
          if (violation.empty()) *value = text;
          return violation;
        });
  }
  void Visit(const OptionInfo& info, const NamedValue& value) override {
    Bind(info, absl::StrJoin(info.choices, "|"), value.get, [info, value](const std::string& text) {
      std::string violation = Violation(info, text);
      if (violation.empty()) value.set(text);
      return violation;
    });
  }
  void Visit(const OptionInfo& info, std::vector<std::string>* value) override {
    Bind(
        info, "A,B", [value] { return absl::StrJoin(*value, ","); },
        [info, value](const std::string& text) {
          const std::vector<std::string> parts = SplitList(text);
          for (const std::string& part : parts) {
            std::string violation = Violation(info, part);
            if (!violation.empty()) return violation;
          }
          *value = parts;
          return std::string();
        });
  }

 private:
  void Bind(const OptionInfo& info, std::string value_name, std::function<std::string()> get,
            std::function<std::string(const std::string&)> set) {
    CommandLine::Option* option = line_->Find(info.name);
    if (option == nullptr) {
      line_->options_.push_back(
          {info, std::move(value_name), false, false, heading_, {}, std::move(get)});
      option = &line_->options_.back();
    }
    option->set.push_back(std::move(set));
  }

  CommandLine* line_;
  std::string heading_;
};

CommandLine::CommandLine(std::string command, std::string summary)
    : command_(std::move(command)), summary_(std::move(summary)) {}

void CommandLine::AddStruct(const std::string& heading,
                            const std::function<void(OptionVisitor&)>& for_each) {
  BindingVisitor binder(this, heading);
  for_each(binder);
}

void CommandLine::AddPositional(const std::string& name, const std::string& help,
                                std::string* value) {
  positionals_.push_back({.name = name, .help = help, .value = value});
}

void CommandLine::AddPositionals(const std::string& name, const std::string& help,
                                 std::vector<std::string>* values) {
  positionals_.push_back({.name = name, .help = help, .values = values});
}

void CommandLine::Require(const std::string& name) {
  Option* option = Find(name);
  OPENP5_CHECK(option != nullptr);
  option->required = true;
}

void CommandLine::Imply(const std::string& name, const std::string& other) {
  OPENP5_CHECK(Find(name) != nullptr && Find(other) != nullptr);
  implied_.emplace_back(name, other);
}

absl::Status CommandLine::SetImplied() {
  for (const auto& [name, other] : implied_) {
    if (Find(name)->get() != "true" || IsGiven(other)) continue;
    OPENP5_RETURN_IF_ERROR(Set(other, "true", "--" + name));
  }
  return absl::OkStatus();
}

CommandLine::Option* CommandLine::Find(const std::string& name) {
  const auto found = std::find_if(options_.begin(), options_.end(),
                                  [&](const Option& option) { return option.info.name == name; });
  return found == options_.end() ? nullptr : &*found;
}

bool CommandLine::IsGiven(const std::string& name) const {
  return std::any_of(options_.begin(), options_.end(), [&](const Option& option) {
    return option.info.name == name && option.given;
  });
}

std::set<std::string> CommandLine::NamesOfOthersThan(Affects affects) const {
  std::set<std::string> names;
  for (const Option& option : options_) {
    if (option.info.affects != affects) names.insert(option.info.name);
  }
  return names;
}

std::string CommandLine::Get(const std::string& name) const {
  const auto found = std::find_if(options_.begin(), options_.end(),
                                  [&](const Option& option) { return option.info.name == name; });
  OPENP5_CHECK(found != options_.end());
  return found->get();
}

absl::Status CommandLine::UnknownOption(const std::string& name, const std::string& where) const {
  std::vector<std::string> known = {"--config", "--dump-config", "--help"};
  for (const Option& option : options_) known.push_back("--" + option.info.name);
  std::sort(known.begin(), known.end());
  const auto nearest =
      std::min_element(known.begin(), known.end(), [&](const auto& a, const auto& b) {
        return EditDistance(a, "--" + name) < EditDistance(b, "--" + name);
      });
  const std::string hint =
      EditDistance(*nearest, "--" + name) <= 3 ? StrCat("did you mean ", *nearest, "? ") : "";
  return UsageError(
      StrCat(where, ": unknown option '", name, "'; ", hint, "known: ", absl::StrJoin(known, " ")));
}

absl::Status CommandLine::Set(const std::string& name, const std::string& text,
                              const std::string& where) {
  Option* option = Find(name);
  if (option == nullptr) return UnknownOption(name, where);
  OPENP5_RETURN_IF_ERROR(CheckUtf8(text, StrCat(where, ": --", name)));
  for (const auto& set : option->set) {
    const std::string expected = set(text);
    if (!expected.empty()) {
      return UsageError(StrCat(where, ": --", name, ": expected ", expected, ", got '", text, "'"));
    }
  }
  option->given = true;
  return absl::OkStatus();
}

absl::Status CommandLine::ReadConfigFile(const std::string& path) {
  OPENP5_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  OPENP5_RETURN_IF_ERROR(CheckConfigLines(text, path));
  po::options_description description;
  for (const Option& option : options_) {
    description.add_options()(option.info.name.c_str(), po::value<std::string>());
  }
  try {
    std::istringstream stream(text);
    const auto parsed = po::parse_config_file(stream, description, /*allow_unregistered=*/true);
    for (const auto& entry : parsed.options) {
      const Option* option = Find(entry.string_key);
      if (option == nullptr) return UnknownOption(entry.string_key, path);
      if (option->given) continue;  // the flag wins
      OPENP5_RETURN_IF_ERROR(
          Set(entry.string_key, entry.value.empty() ? "" : Unquoted(entry.value.front()), path));
    }
  } catch (const po::error& error) {
    return UsageError(StrCat(path, ": ", error.what()));
  }
  return absl::OkStatus();
}

absl::Status CommandLine::ReadFlags(const std::vector<std::string>& arguments,
                                    std::string* config_file, bool* help, bool* dump) {
  po::options_description description;
  description.add_options()("config", po::value<std::string>())("help", po::bool_switch())(
      "dump-config", po::bool_switch())("positional", po::value<std::vector<std::string>>());
  for (const Option& option : options_) {
    auto* semantic = po::value<std::string>();
    if (option.value_name.empty()) semantic->implicit_value("true");
    description.add_options()(option.info.name.c_str(), semantic);
  }
  // A bool may be followed by its value: joined here, since Boost would take it as a positional.
  std::vector<std::string> joined;
  for (const std::string& argument : arguments) {
    bool ignored;
    if (!joined.empty() && joined.back().starts_with("--") && ParseBool(argument, &ignored)) {
      const Option* previous = Find(joined.back().substr(2));
      if (previous != nullptr && previous->value_name.empty()) {
        joined.back() += "=" + argument;
        continue;
      }
    }
    joined.push_back(argument == "-h" ? "--help" : argument);
  }
  po::positional_options_description positional;
  positional.add("positional", -1);
  const auto style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing &
                     ~po::command_line_style::allow_short;
  std::vector<std::string> given_positionals;
  try {
    const auto parsed = po::command_line_parser(joined)
                            .options(description)
                            .positional(positional)
                            .style(style)
                            .run();
    for (const auto& entry : parsed.options) {
      if (entry.string_key == "help")
        *help = true;
      else if (entry.string_key == "dump-config")
        *dump = true;
      else if (entry.string_key == "config")
        *config_file = entry.value.front();
      else if (entry.string_key == "positional")
        given_positionals.push_back(entry.value.front());
      else
        OPENP5_RETURN_IF_ERROR(Set(entry.string_key,
                                   entry.value.empty() ? "true" : entry.value.front(),
                                   "openp5 " + command_));
    }
  } catch (const po::unknown_option& error) {
    return UnknownOption(std::string(absl::StripPrefix(error.get_option_name(), "--")),
                         "openp5 " + command_);
  } catch (const po::error& error) {
    return UsageError(StrCat("openp5 ", command_, ": ", error.what()));
  }
  return *help ? absl::OkStatus() : SetPositionals(given_positionals);
}

absl::Status CommandLine::SetPositionals(const std::vector<std::string>& given) {
  auto positional = positionals_.begin();
  for (const std::string& text : given) {
    if (positional == positionals_.end()) {
      return UsageError(StrCat("openp5 ", command_, ": unexpected argument '", text, "'"));
    }
    OPENP5_RETURN_IF_ERROR(CheckUtf8(text, StrCat("openp5 ", command_, ": ", positional->name)));
    if (positional->values != nullptr) {
      positional->values->push_back(text);
    } else {
      *positional->value = text;
      ++positional;
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> CommandLine::Parse(const std::vector<std::string>& arguments) {
  return Parse(arguments, [] { return std::string(); });
}

absl::StatusOr<bool> CommandLine::Parse(const std::vector<std::string>& arguments,
                                        const std::function<std::string()>& fallback) {
  std::string config_file;
  bool help = false, dump = false;
  const std::string default_help = Help();  // before defaults are overwritten
  OPENP5_RETURN_IF_ERROR(ReadFlags(arguments, &config_file, &help, &dump));
  if (help) {
    OPENP5_RETURN_IF_ERROR(WriteStandardOutput(default_help));
    return false;
  }
  if (!config_file.empty()) OPENP5_RETURN_IF_ERROR(ReadConfigFile(config_file));
  if (const std::string file = fallback(); !file.empty()) {
    OPENP5_RETURN_IF_ERROR(ReadConfigFile(file));
  }
  OPENP5_RETURN_IF_ERROR(SetImplied());
  if (dump) {
    OPENP5_RETURN_IF_ERROR(WriteStandardOutput(Dump()));
    return false;
  }
  for (const Positional& positional : positionals_) {
    if (positional.is_missing()) {
      return UsageError(
          StrCat("openp5 ", command_, ": missing ", positional.name, " (", positional.help, ")"));
    }
  }
  for (const Option& option : options_) {
    if (option.required && !option.given) {
      return UsageError(StrCat("openp5 ", command_, ": missing --", option.info.name, " (",
                               option.info.help, ")"));
    }
  }
  return true;
}

std::string CommandLine::DefaultText(const Option& option) {
  if (option.required) return "required";
  const std::string value = option.get();
  if (option.value_name.empty()) return value == "true" ? "on" : "off";
  if (value.empty()) return "none";
  return value.find_first_not_of(" \t") == std::string::npos ? "'" + value + "'" : value;
}

std::string CommandLine::Help() const {
  std::string text = StrCat("usage: openp5 ", command_);
  for (const Positional& positional : positionals_) text += " " + positional.name;
  text += " [options]\n\n" + summary_ + "\n\n";
  for (const Positional& positional : positionals_) {
    text += "  " + positional.name + "\n      " + positional.help + "\n";
  }
  std::string heading;
  for (const Option& option : options_) {
    if (std::exchange(heading, option.heading) != option.heading) text += "\n" + heading + ":\n";
    text += "  --" + option.info.name + (option.value_name.empty() ? "" : " " + option.value_name) +
            "\n      " + option.info.help;
    text += " (" + DefaultText(option) + ")\n";
  }
  if (!heading.empty()) text += "\nEvery command:\n";
  text +=
      "  --config FILE\n      read options from an INI file; flags win over it\n"
      "  --dump-config\n      print the options as such a file and stop\n"
      "\nIn parentheses: what holds where an option is not given. A switch, which shows no value, "
      "is turned on\nby its name, --switch, and off by --switch=false; in a file by switch=true "
      "and switch=false.\n";
  return text;
}

std::string CommandLine::Dump() const {
  std::string text = "# openp5 " + command_ + "\n";
  for (const Option& option : options_)
    text += option.info.name + "=" + Quoted(option.get()) + "\n";
  return text;
}

}  // namespace openp5
