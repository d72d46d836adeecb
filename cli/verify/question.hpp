#pragma once
/// From the options of `dstack verify` to the question that is put to the evidence.

#include "cli/context.hpp"
#include "verify/verify.hpp"

namespace dstack::cli {

struct QuestionOptions {
  std::string policy; ///< empty: strict, or that of a bundle
  bool allow_simulated = false;
  std::string compose;
  std::string app_id;
  std::string image;
  std::string nonce;
  std::string report_data;
  std::string tls;
  std::string at;
};

void add_question_options(Leaf& leaf, QuestionOptions& options);
/// Those among them that say who must have made the evidence, not what for.
void add_identity_options(Leaf& leaf, QuestionOptions& options);

/// The hash of an app-compose.json as it stands, or of the one in a bundle; hex.
Result<std::string> compose_hash_of(const std::string& file);

/// "strict" (also when empty), "permissive" or a file.
Result<verify::Policy> read_policy(const std::string& word);
/// Policy, expectations and time; reads the files the options name.
Result<verify::Question> question_of(const QuestionOptions& options, const Context& ctx);

} // namespace dstack::cli
