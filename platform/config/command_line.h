#ifndef OPENP5_PLATFORM_CONFIG_COMMAND_LINE_H_
#define OPENP5_PLATFORM_CONFIG_COMMAND_LINE_H_

#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "platform/base/status.h"
#include "platform/config/options.h"

namespace openp5 {

// The options of one command: binds options structs to `--flags`, to `--config FILE` (INI; a flag
// wins over the file), to the help text and to `--dump-config`. Abbreviations are off; a bool may
// stand alone (`--filtered`) or take a value (`--filtered false`).
//
//   CommandLine line("index build", "Give every item an identifier.");
//   line.Add(&index_options);
//   OPENP5_ASSIGN_OR_RETURN(bool run, line.Parse(arguments));
//   if (!run) return absl::OkStatus();    // --help or --dump-config was answered on standard
//   output
class CommandLine {
 public:
  CommandLine(std::string command, std::string summary);

  // Binds every option of `options`, which must outlive this object. An option that an earlier
  // struct has under the same name and type is set in both. The help shows them under `heading`, or
  // those that the struct has itself.
  template <class Options>
  void Add(Options* options, const std::string& heading = "") {
    AddStruct(heading, [options](OptionVisitor& visitor) { options->ForEach(visitor); });
  }
  // One positional argument, written `name` in the help, e.g. "NAME" of `dataset prepare NAME`.
  void AddPositional(const std::string& name, const std::string& help, std::string* value);
  // Any number of them, at least one, after all others: "RESULT…" of `compare RESULT…`.
  void AddPositionals(const std::string& name, const std::string& help,
                      std::vector<std::string>* values);
  // Marks an option without which the command makes no sense.
  void Require(const std::string& name);

  // The switch `other` is on if `name` is on and `other` is given neither as a flag nor in the
  // config file.
  void Imply(const std::string& name, const std::string& other);

  // Fills the bound structs. A usage error (see IsUsageError) names the option, what was expected,
  // and for an unknown option the known ones; NotFound or a usage error names the config file and
  // line. False if only the help or the configuration was asked for, which is then printed on
  // stdout.
  absl::StatusOr<bool> Parse(const std::vector<std::string>& arguments);
  // The same with a further config file, over which flags and --config win. `fallback` is asked for
  // its path when they have been read; an empty path: none.
  absl::StatusOr<bool> Parse(const std::vector<std::string>& arguments,
                             const std::function<std::string()>& fallback);

  // Sets one option as a flag would. A usage error, as Parse's, that names `where` it comes from.
  absl::Status Set(const std::string& name, const std::string& text, const std::string& where);

  // True if `name` was given on the command line or in the config file.
  bool IsGiven(const std::string& name) const;
  // True if any option of such a struct was.
  template <class Options>
  bool IsAnyGiven(const Options& options) const {
    const std::vector<std::string> names = OptionNames(options);
    return std::any_of(names.begin(), names.end(),
                       [this](const std::string& name) { return IsGiven(name); });
  }
  // The present value of the bound option `name`, as a flag would give it.
  std::string Get(const std::string& name) const;
  // The options that affect something else.
  std::set<std::string> NamesOfOthersThan(Affects affects) const;
  std::string Help() const;
  // INI text of all bound options with their present values.
  std::string Dump() const;

 private:
  friend class BindingVisitor;
  struct Option {
    OptionInfo info;
    std::string value_name;  // "N", "X", "S", "A,B"; empty for a bool
    bool required = false, given = false;
    std::string heading;  // in the help; empty: none
    // Sets every bound value from text; returns what was expected, or "".
    std::vector<std::function<std::string(const std::string&)>> set;
    std::function<std::string()> get;
  };

  // What the help says of an option that is not given.
  static std::string DefaultText(const Option& option);
  void AddStruct(const std::string& heading, const std::function<void(OptionVisitor&)>& for_each);
  Option* Find(const std::string& name);
  absl::Status ReadConfigFile(const std::string& path);
  absl::Status ReadFlags(const std::vector<std::string>& arguments, std::string* config_file,
                         bool* help, bool* dump);
  absl::Status SetPositionals(const std::vector<std::string>& given);
  absl::Status UnknownOption(const std::string& name, const std::string& where) const;
  absl::Status SetImplied();

  std::string command_, summary_;
  std::vector<Option> options_;
  std::vector<std::pair<std::string, std::string>> implied_;  // the second by the first
  struct Positional {
    std::string name, help;
    // One of the two; `values` takes all that are left.
    std::string* value = nullptr;
    std::vector<std::string>* values = nullptr;

    bool is_missing() const { return value != nullptr ? value->empty() : values->empty(); }
  };
  std::vector<Positional> positionals_;
};

}  // namespace openp5

#endif  // OPENP5_PLATFORM_CONFIG_COMMAND_LINE_H_
