#include "platform/config/command_line.h"
#include "tests/fuzz/fuzz.h"

namespace {

struct Options {
  std::string text;
  int64_t number = 1;
  double real = 0.5;
  bool flag = false;
  std::vector<std::string> list;

  void ForEach(openp5::OptionVisitor& visitor) {
    visitor.Visit({.name = "text", .help = "a text"}, &text);
    visitor.Visit({.name = "number", .help = "a number", .minimum = 1}, &number);
    visitor.Visit({.name = "real", .help = "a real"}, &real);
    visitor.Visit({.name = "flag", .help = "a flag"}, &flag);
    visitor.Visit({.name = "list", .help = "a list", .choices = {"a", "b"}}, &list);
  }
};

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string path = openp5::fuzz::WriteInput("config.ini", openp5::fuzz::Text(data, size));
  Options options;
  openp5::CommandLine line("fuzz", "Reads a config file.");
  line.Add(&options);
  const auto run = line.Parse({"--config", path});
  openp5::fuzz::ExpectMessage(run.status());
  if (run.ok()) openp5::fuzz::Expect(options.number >= 1, "a number stays in its range");
  return 0;
}
