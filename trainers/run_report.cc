#include "trainers/run_report.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <variant>

#include "absl/strings/str_format.h"
#include "platform/base/json.h"
#include "platform/base/log.h"
#include "platform/base/status.h"

namespace openp5::trainers {
namespace {

using Json = nlohmann::json;  // whose names are sorted

struct Point {
  double x, y;
};

struct Curve {
  std::string name, color;
  std::vector<Point> points;
};

struct Chart {
  std::string title;
  std::vector<Curve> curves;
};

constexpr double kWidth = 460, kHeight = 240, kLeft = 62, kRight = 14, kTop = 30, kBottom = 34;

// As HTML on one line, control characters as in messages.
std::string Escape(std::string_view text) {
  std::string html;
  for (const char c : OneLine(text)) {
    switch (c) {
      case '&':
        html += "&amp;";
        break;
      case '<':
        html += "&lt;";
        break;
      case '>':
        html += "&gt;";
        break;
      case '"':
        html += "&quot;";
        break;
      case '\'':
        html += "&#39;";
        break;
      default:
        html += c;
    }
  }
  return html;
}

std::string EscapeLines(std::string_view text) {
  std::string html;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    html += Escape(text.substr(0, end));
    if (end < text.size()) html += '\n';
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return html;
}

// A scale of one axis: the range of the data, widened to round numbers.
struct Axis {
  double low = 0, high = 1, step = 1;

  static Axis Over(double low, double high) {
    if (!(high > low)) {
      const double margin = std::max(std::abs(low) / 2, 1e-9);
      low -= margin;
      high += margin;
    }
    constexpr int kTicks = 5;
    const double rough = (high - low) / kTicks;
    const double power = std::pow(10.0, std::floor(std::log10(rough)));
    Axis axis;
    axis.step = 10 * power;
    for (const double factor : {5.0, 2.0, 1.0}) {
      if (factor * power >= rough) axis.step = factor * power;
    }
    axis.low = std::floor(low / axis.step) * axis.step;
    axis.high = std::ceil(high / axis.step) * axis.step;
    return axis;
  }

  int Ticks() const { return static_cast<int>(std::lround((high - low) / step)); }
  double Tick(int number) const { return low + step * number; }
  double Share(double value) const { return (value - low) / (high - low); }
};

// Places of a chart's points on the page.
struct Scales {
  Axis x, y;

  double X(double value) const { return kLeft + x.Share(value) * (kWidth - kLeft - kRight); }
  double Y(double value) const {
    return kHeight - kBottom - y.Share(value) * (kHeight - kTop - kBottom);
  }
};

Scales ScalesOf(const Chart& chart) {
  Point low = chart.curves.front().points.front(), high = low;
  for (const Curve& curve : chart.curves) {
    for (const Point& point : curve.points) {
      low = {std::min(low.x, point.x), std::min(low.y, point.y)};
      high = {std::max(high.x, point.x), std::max(high.y, point.y)};
    }
  }
  return {Axis::Over(std::min(0.0, low.x), high.x), Axis::Over(low.y, high.y)};
}

std::string GridSvg(const Scales& scales) {
  std::string svg;
  for (int i = 0; i <= scales.y.Ticks(); ++i) {
    const double value = scales.y.Tick(i), y = scales.Y(value);
    absl::StrAppendFormat(&svg,
                          "<line x1=\"%g\" x2=\"%g\" y1=\"%.1f\" y2=\"%.1f\" class=\"grid\"/>"
                          "<text x=\"%g\" y=\"%.1f\" text-anchor=\"end\">%.4g</text>\n",
                          kLeft, kWidth - kRight, y, y, kLeft - 6, y + 4, value);
  }
  for (int i = 0; i <= scales.x.Ticks(); ++i) {
    const double value = scales.x.Tick(i);
    absl::StrAppendFormat(&svg, "<text x=\"%.1f\" y=\"%g\" text-anchor=\"middle\">%.6g</text>\n",
                          scales.X(value), kHeight - kBottom + 16, value);
  }
  absl::StrAppendFormat(&svg, "<text x=\"%g\" y=\"%g\" text-anchor=\"end\">steps</text>\n",
                        kWidth - kRight, kHeight - 4);
  return svg;
}

std::string CurveSvg(const Curve& curve, const Scales& scales) {
  std::string places;
  for (const Point& point : curve.points) {
    absl::StrAppendFormat(&places, "%.1f,%.1f ", scales.X(point.x), scales.Y(point.y));
  }
  std::string svg =
      absl::StrFormat("<polyline points=\"%s\" stroke=\"%s\"/>\n", places, curve.color);
  // A curve of few points shows each, with its number when pointed at.
  constexpr size_t kFew = 60;
  if (curve.points.size() > kFew) return svg;
  for (const Point& point : curve.points) {
    absl::StrAppendFormat(&svg,
                          "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2.5\" fill=\"%s\"><title>step %.0f: "
                          "%.6g</title></circle>\n",
                          scales.X(point.x), scales.Y(point.y), curve.color, point.x, point.y);
  }
  return svg;
}

std::string ChartSvg(const Chart& chart) {
  const Scales scales = ScalesOf(chart);
  std::string svg = absl::StrFormat(
      "<svg viewBox=\"0 0 %g %g\" role=\"img\" aria-label=\"%s\">\n"
      "<text x=\"%g\" y=\"16\" class=\"title\">%s</text>\n",
      kWidth, kHeight, Escape(chart.title), kLeft, Escape(chart.title));
  svg += GridSvg(scales);
  double legend = kWidth - kRight;
  for (auto curve = chart.curves.rbegin(); curve != chart.curves.rend(); ++curve) {
    svg += CurveSvg(*curve, scales);
    if (chart.curves.size() == 1) continue;
    absl::StrAppendFormat(
        &svg, "<text x=\"%g\" y=\"16\" text-anchor=\"end\" style=\"fill:%s\">%s</text>\n", legend,
        curve->color, Escape(curve->name));
    legend -= 7.0 * static_cast<double>(curve->name.size()) + 12;
  }
  return svg + "</svg>\n";
}

// The numbers that every event of a kind has at `value`, over steps; those that are finite.
template <class Event, class Value>
Curve CurveOf(const std::vector<RunMetrics>& metrics, Value value, const char* name = "",
              const char* color = "#1f5fbf") {
  Curve curve{.name = name, .color = color, .points = {}};
  for (const RunMetrics& one : metrics) {
    const Event* event = std::get_if<Event>(&one);
    if (event == nullptr) continue;
    const std::optional<double> y = std::invoke(value, *event);
    if (!y.has_value() || !std::isfinite(*y)) continue;
    curve.points.push_back({static_cast<double>(event->step), *y});
  }
  return curve;
}

std::vector<Chart> ChartsOf(const std::vector<RunMetrics>& metrics) {
  using Step = StepMetrics;
  using Epoch = EpochMetrics;
  std::vector<Chart> charts = {
      {"Loss after each epoch",
       {CurveOf<Epoch>(metrics, &Epoch::train_loss, "train loss"),
        CurveOf<Epoch>(metrics, &Epoch::validation_loss, "validation loss", "#c0392b")}},
      {"Training loss, mean since the epoch began", {CurveOf<Step>(metrics, &Step::loss)}},
      {"Validation metric that chooses the best epoch",
       {CurveOf<Epoch>(metrics, &Epoch::validation_metric)}},
      {"Learning rate", {CurveOf<Step>(metrics, &Step::learning_rate)}},
      {"Samples per second",
       {CurveOf<Step>(metrics,
                      [](const Step& step) { return step.throughput.samples_per_second; })}},
      {"Tokens per second",
       {CurveOf<Step>(metrics,
                      [](const Step& step) { return step.throughput.tokens_per_second; })}},
      {"Norm of the gradients, before clipping", {CurveOf<Step>(metrics, &Step::gradient_norm)}}};
  for (Chart& chart : charts) {
    std::erase_if(chart.curves, [](const Curve& curve) { return curve.points.empty(); });
  }
  std::erase_if(charts, [](const Chart& chart) { return chart.curves.empty(); });
  return charts;
}

std::string TextOf(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_float()) return absl::StrFormat("%.4f", value.get<double>());
  return value.is_null() ? "" : DumpJson(value);
}

// A row for every dataset and task of every test.
std::string TestTable(const std::vector<RunMetrics>& metrics) {
  std::string head, rows;
  for (const RunMetrics& one : metrics) {
    const TestMetrics* test = std::get_if<TestMetrics>(&one);
    if (test == nullptr) continue;
    for (const Json result : test->results) {
      if (!result.is_object()) continue;
      std::string cells, names = "<th>epoch</th>";
      absl::StrAppend(&cells, "<td>", test->epoch, test->checkpoint == "best" ? " (best)" : "",
                      "</td>");
      for (const char* key : {"dataset", "task", "prompt", "filter", "users"}) {
        absl::StrAppend(&names, "<th>", key, "</th>");
        absl::StrAppend(&cells, "<td>", Escape(TextOf(result.value(key, Json()))), "</td>");
      }
      const Json values = result.value("metrics", Json::object());
      for (const auto& [name, value] : values.items()) {
        absl::StrAppend(&names, "<th>", Escape(name), "</th>");
        absl::StrAppend(&cells, "<td class=\"number\">", Escape(TextOf(value)), "</td>");
      }
      if (head.empty()) head = names;
      absl::StrAppend(&rows, "<tr>", cells, "</tr>\n");
    }
  }
  if (rows.empty()) return "";
  return absl::StrCat("<h2>Test split</h2>\n<table>\n<tr>", head, "</tr>\n", rows, "</table>\n");
}

constexpr char kStyle[] =
    "body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:960px;padding:0 1rem;"
    "color:#222;background:#fff}h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}"
    ".charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(380px,1fr));gap:1rem}"
    "svg{width:100%;font-size:11px}svg text{fill:#555}svg .title{font-size:13px;fill:#222}"
    ".grid{stroke:#e4e4e4}polyline{fill:none;stroke-width:1.6}table{border-collapse:collapse}"
    "td,th{padding:.25rem .7rem;border-bottom:1px solid #ddd;text-align:left}"
    ".number{text-align:right;font-variant-numeric:tabular-nums}"
    "pre{background:#f6f6f6;padding:1rem;overflow:auto;font-size:13px}";

}  // namespace

std::string RunReport(const RunReportContent& content) {
  const std::string title = Escape(content.title);
  std::string page =
      absl::StrCat("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>",
                   title, "</title>\n<style>", kStyle,
                   "</style>\n</head>\n<body>\n<h1>Training run ", title, "</h1>\n");
  const std::vector<Chart> charts = ChartsOf(content.metrics);
  if (charts.empty()) absl::StrAppend(&page, "<p>Nothing has been measured yet.</p>\n");
  absl::StrAppend(&page, "<div class=\"charts\">\n");
  for (const Chart& chart : charts) page += ChartSvg(chart);
  absl::StrAppend(&page, "</div>\n", TestTable(content.metrics),
                  "<h2>Options</h2>\n<p>Run again with <code>openp5 train --config config.ini "
                  "--run-dir NEW</code>.</p>\n<pre>",
                  EscapeLines(content.config), "</pre>\n</body>\n</html>\n");
  return page;
}

}  // namespace openp5::trainers
