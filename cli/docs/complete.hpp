#pragma once
/// Completion at the shell prompt, answered from the tree (`dstack __complete N WORD...`).

#include "cli/context.hpp"

namespace dstack::cli {

struct Completions {
  std::vector<Candidate> words;
  std::string directive; ///< ":files", ":dirs", ":none", or empty when words say it all
};

/// words: the whole command line, the program's name first; index: the word at the cursor.
Completions complete(Context& ctx, std::vector<std::string> words, std::size_t index);
/// "candidate<TAB>description" lines, then the directive.
std::string completions_text(const Completions& completions);

} // namespace dstack::cli
