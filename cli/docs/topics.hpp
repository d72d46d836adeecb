#pragma once
/// Help topics: what does not belong to one command.

#include <string>
#include <string_view>
#include <vector>

namespace dstack::cli {

struct Topic {
  std::string name;
  std::string summary;
  std::string text; ///< paragraphs; indented lines are kept
};

const std::vector<Topic>& help_topics();
const Topic* find_topic(std::string_view name);

} // namespace dstack::cli
