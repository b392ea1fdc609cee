#include "platform/text/unigram.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "platform/text/bpe_merges.h"
#include "platform/text/character_bpe.h"
#include "platform/text/unicode.h"

namespace openp5::text {
namespace {

constexpr int32_t kUnknownStep = -1;
constexpr double kUnknownPenalty = 10;  // below the least likely piece

}  // namespace

absl::StatusOr<Unigram> Unigram::Create(const Parts& parts) {
  Unigram model;
  model.scores_ = parts.scores;
  model.unknown_ = parts.unknown;
  model.byte_fallback_ = parts.byte_fallback;
  double least = std::numeric_limits<double>::infinity();
  for (size_t id = 0; id < parts.pieces.size(); ++id) {
    const std::string& piece = parts.pieces[id];
    if (piece.empty()) continue;
    if (!std::isfinite(parts.scores[id])) {
      return DataLoss("model: vocab: expected finite scores, got another for piece ", id);
    }
    least = std::min(least, parts.scores[id]);
    uint32_t node = 0;
    for (const char c : piece) {
      const auto [child, is_new] = model.children_.try_emplace(
          Key(node, static_cast<unsigned char>(c)), static_cast<uint32_t>(model.nodes_.size()));
      if (is_new) model.nodes_.emplace_back();
      node = child->second;
    }
    model.nodes_[node].id = static_cast<int32_t>(id);
  }
  model.unknown_score_ = least - kUnknownPenalty;
  const auto ids = PieceIds(parts.pieces);
  for (int byte = 0; byte < 256; ++byte) {
    const auto found = ids.find(BytePiece(static_cast<unsigned char>(byte)));
    model.byte_ids_[byte] = found == ids.end() ? -1 : found->second;
  }
  return model;
}

std::vector<Unigram::Step> Unigram::BestSteps(std::string_view word) const {
  std::vector<Step> best(word.size() + 1);
  best[0].is_reached = true;
  for (size_t begin = 0; begin < word.size();) {
    const auto consider = [&](size_t length, int32_t id, double score) {
      Step& step = best[begin + length];
      const double sum = best[begin].score + score;
      if (!step.is_reached || sum > step.score) step = {id, begin, sum, true};
    };
    const size_t character = FirstCharacter(word.substr(begin)).length;
    bool has_single = false;
    uint32_t node = 0;
    for (size_t length = 1; length <= word.size() - begin; ++length) {
      const auto child =
          children_.find(Key(node, static_cast<unsigned char>(word[begin + length - 1])));
      if (child == children_.end()) break;
      node = child->second;
      const int32_t id = nodes_[node].id;
      if (id < 0) continue;
      consider(length, id, scores_[static_cast<size_t>(id)]);
      has_single = has_single || length == character;
    }
    if (!has_single) consider(character, kUnknownStep, unknown_score_);
    begin += character;
  }
  return best;
}

void Unigram::AppendUnknown(std::string_view stretch, std::vector<int32_t>* ids) const {
  const bool has_bytes =
      byte_fallback_ && std::all_of(stretch.begin(), stretch.end(), [&](char byte) {
        return byte_ids_[static_cast<unsigned char>(byte)] >= 0;
      });
  if (has_bytes) {
    for (const char byte : stretch) ids->push_back(byte_ids_[static_cast<unsigned char>(byte)]);
  } else if (unknown_ >= 0) {
    ids->push_back(unknown_);
  }
}

void Unigram::Encode(std::string_view word, std::vector<int32_t>* ids) const {
  const std::vector<Step> best = BestSteps(word);
  std::vector<std::pair<int32_t, std::string_view>> pieces;  // last one first
  for (size_t end = word.size(); end > 0;) {
    const Step& step = best[end];
    // A literal unknown piece in the text counts as unknown, too.
    const int32_t id = step.id == unknown_ ? kUnknownStep : step.id;
    const std::string_view piece = word.substr(step.begin, end - step.begin);
    if (id == kUnknownStep && !pieces.empty() && pieces.back().first == kUnknownStep) {
      const size_t whole = piece.size() + pieces.back().second.size();
      pieces.back().second = word.substr(step.begin, whole);
    } else {
      pieces.emplace_back(id, piece);
    }
    end = step.begin;
  }
  for (auto piece = pieces.rbegin(); piece != pieces.rend(); ++piece) {
    if (piece->first == kUnknownStep) {
      AppendUnknown(piece->second, ids);
    } else {
      ids->push_back(piece->first);
    }
  }
}

}  // namespace openp5::text
