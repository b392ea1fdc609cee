#ifndef OPENP5_TRAINERS_RUN_REPORT_H_
#define OPENP5_TRAINERS_RUN_REPORT_H_

#include <string>
#include <vector>

#include "trainers/run_metrics.h"

namespace openp5::trainers {

// What a page about a training run is made from.
struct RunReportContent {
  std::string title;   // the run folder's name
  std::string config;  // config.ini: the options it was started with
  std::vector<RunMetrics> metrics;
};

// One HTML page that needs no other file and no network: curves of the losses, the validation
// metric, the learning rate and the speed (inline SVG), results on the test split, the options. The
// same input gives the same bytes.
std::string RunReport(const RunReportContent& content);

}  // namespace openp5::trainers

#endif  // OPENP5_TRAINERS_RUN_REPORT_H_
