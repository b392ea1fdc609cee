#include "evaluators/compare_report.h"

#include <utility>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "platform/base/log.h"
#include "platform/base/text_table.h"

namespace openp5::evaluators {
namespace {

using Json = nlohmann::ordered_json;
using Table = std::vector<std::vector<std::string>>;

Json TestsToJson(const TestResults& tests) {
  return {{"randomization", tests.randomization}, {"t", tests.t}, {"wilcoxon", tests.wilcoxon}};
}

Json ValueToJson(const MethodValue& value) {
  Json json = {{"mean", value.mean}, {"deviation", value.deviation}, {"best", value.is_best}};
  if (!value.difference.has_value()) return json;
  const MetricDifference& difference = *value.difference;
  json["difference"] = {{"mean", difference.mean},
                        {"interval", {difference.interval.low, difference.interval.high}},
                        {"p", TestsToJson(difference.p)},
                        {"holm", TestsToJson(difference.holm)},
                        {"marked", difference.is_marked},
                        {"wins", difference.wins},
                        {"ties", difference.ties},
                        {"losses", difference.losses}};
  return json;
}

// How one form of text writes what the others write otherwise.
struct Markup {
  const char* plus_minus;
  const char* mark;
  const char* bold_begin;
  const char* bold_end;
};
constexpr Markup kText = {" +- ", "*", "", ""};
constexpr Markup kMarkdown = {" ± ", "\\*", "**", "**"};
constexpr Markup kLatex = {" $\\pm$ ", "$^{*}$", "\\textbf{", "}"};

std::string ValueCell(const MethodValue& value, size_t results, const Markup& markup) {
  std::string cell = absl::StrFormat("%.4f", value.mean);
  if (value.is_best) cell = StrCat(markup.bold_begin, cell, markup.bold_end);
  if (results > 1) cell += StrCat(markup.plus_minus, absl::StrFormat("%.4f", value.deviation));
  const bool is_marked = value.difference.has_value() && value.difference->is_marked;
  return is_marked ? cell + markup.mark : cell;
}

// A line a method, with its values.
Table MethodTable(const Comparison& comparison, const Markup& markup) {
  Table table = {{"method", "results"}};
  table[0].insert(table[0].end(), comparison.metrics.begin(), comparison.metrics.end());
  for (const MethodRow& row : comparison.rows) {
    std::vector<std::string>& cells = table.emplace_back();
    cells = {row.name, std::to_string(row.files.size())};
    for (const MethodValue& value : row.values) {
      cells.push_back(ValueCell(value, row.files.size(), markup));
    }
  }
  return table;
}

std::string ProbabilityCell(double p) { return p < 0.0001 ? "<.0001" : absl::StrFormat("%.4f", p); }

std::vector<std::string> DifferenceRow(const std::string& metric, const std::string& name,
                                       const MetricDifference& difference) {
  return {metric,
          name,
          absl::StrFormat("%+.4f", difference.mean),
          absl::StrFormat("%+.4f to %+.4f", difference.interval.low, difference.interval.high),
          ProbabilityCell(difference.holm.randomization),
          ProbabilityCell(difference.holm.t),
          ProbabilityCell(difference.holm.wilcoxon),
          StrCat(difference.wins, "/", difference.ties, "/", difference.losses)};
}

// A line a metric and method, with what sets the method apart from the baseline.
Table DifferenceTable(const Comparison& comparison) {
  Table table = {{"metric", "method", "difference",
                  absl::StrFormat("%g%% interval", 100 * (1 - comparison.options.alpha)),
                  "p randomization", "p t", "p Wilcoxon", "wins/ties/losses"}};
  for (size_t i = 0; i < comparison.metrics.size(); ++i) {
    for (const MethodRow& row : comparison.rows) {
      const auto& difference = row.values[i].difference;
      if (difference.has_value()) {
        table.push_back(DifferenceRow(comparison.metrics[i], row.name, *difference));
      }
    }
  }
  return table;
}

std::string Note(const Comparison& comparison) {
  const CompareOptions& options = comparison.options;
  std::string note =
      StrCat("*: differs from ", comparison.rows[comparison.baseline].name, ", p at most ",
             options.alpha, " by the ", options.test == "wilcoxon" ? "Wilcoxon" : options.test,
             " test. Every p is corrected by Holm over the ", comparison.rows.size() - 1,
             comparison.rows.size() > 2 ? " methods" : " method",
             " compared. Intervals and randomization: ", options.resamples, " resamples, seed ",
             options.seed, ".");
  if (!comparison.left_out.empty()) {
    note += StrCat(
        " Left out, as not every result has them: ", absl::StrJoin(comparison.left_out, ", "), ".");
  }
  return note;
}

std::string Escaped(const std::string& text, std::string_view special) {
  std::string escaped;
  for (const char c : OneLine(text)) {
    if (special.find(c) != std::string_view::npos) escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string EscapedForLatex(const std::string& text) {
  std::string escaped;
  for (const char c : OneLine(text)) {
    switch (c) {
      case '\\':
        escaped += "\\textbackslash{}";
        break;
      case '~':
        escaped += "\\textasciitilde{}";
        break;
      case '^':
        escaped += "\\textasciicircum{}";
        break;
      default:
        if (std::string_view("&%$#_{}").find(c) != std::string_view::npos) escaped += '\\';
        escaped += c;
    }
  }
  return escaped;
}

// The columns of words are set left, those of numbers right.
std::string MarkdownTable(const Table& table, size_t words) {
  std::string text;
  for (size_t row = 0; row < table.size(); ++row) {
    text += "| " + absl::StrJoin(table[row], " | ") + " |\n";
    if (row > 0) continue;
    for (size_t i = 0; i < table[row].size(); ++i) text += i < words ? "|---" : "|--:";
    text += "|\n";
  }
  return text;
}

// With the names of methods and metrics as `escape` makes them.
template <class Escape>
Comparison WithNames(Comparison comparison, const Escape& escape) {
  for (MethodRow& row : comparison.rows) row.name = escape(row.name);
  for (std::string& metric : comparison.metrics) metric = escape(metric);
  for (std::string& metric : comparison.left_out) metric = escape(metric);
  return comparison;
}

}  // namespace

Json ComparisonToJson(const Comparison& comparison) {
  Json methods = Json::array();
  for (const MethodRow& row : comparison.rows) {
    Json metrics = Json::object();
    for (size_t i = 0; i < comparison.metrics.size(); ++i) {
      metrics[comparison.metrics[i]] = ValueToJson(row.values[i]);
    }
    methods.push_back({{"name", row.name},
                       {"method", row.method},
                       {"label", row.label},
                       {"task", row.task},
                       {"prompt", row.prompt},
                       {"files", row.files},
                       {"metrics", std::move(metrics)}});
  }
  const CompareOptions& options = comparison.options;
  return {{"protocol", ProtocolToJson(comparison.protocol)},
          {"baseline", comparison.rows[comparison.baseline].name},
          {"test", options.test},
          {"alpha", options.alpha},
          {"resamples", options.resamples},
          {"seed", options.seed},
          {"methods", std::move(methods)},
          {"left_out", comparison.left_out}};
}

std::string ComparisonText(const Comparison& comparison) {
  return StrCat("protocol: ", OneLine(ProtocolLine(comparison.protocol)), "\n\n",
                TextTable(MethodTable(comparison, kText)), "\n",
                TextTable(DifferenceTable(comparison)), "\n", OneLine(Note(comparison)), "\n");
}

std::string ComparisonMarkdown(const Comparison& comparison) {
  constexpr std::string_view kSpecial = "\\|*_`<";
  const Comparison named =
      WithNames(comparison, [&](const std::string& name) { return Escaped(name, kSpecial); });
  return StrCat("Protocol: ", Escaped(ProtocolLine(comparison.protocol), kSpecial), "\n\n",
                MarkdownTable(MethodTable(named, kMarkdown), 1), "\n",
                MarkdownTable(DifferenceTable(named), 2), "\n", "\\", Note(named), "\n");
}

std::string ComparisonLatex(const Comparison& comparison) {
  const Comparison named = WithNames(comparison, EscapedForLatex);
  std::string text = "\\begin{table}\n\\centering\n\\begin{tabular}{l";
  text += std::string(comparison.metrics.size() + 1, 'r') + "}\n\\hline\n";
  const Table table = MethodTable(named, kLatex);
  for (size_t row = 0; row < table.size(); ++row) {
    text += absl::StrJoin(table[row], " & ") + " \\\\\n";
    if (row == 0) text += "\\hline\n";
  }
  text += "\\hline\n\\end{tabular}\n";
  return StrCat(text, "\\caption{", EscapedForLatex(ProtocolLine(comparison.protocol)), ". ",
                Note(named), "}\n\\end{table}\n");
}

}  // namespace openp5::evaluators
