#pragma once
/// Manual pages in man(7) format and shell completion files, written from the tree.

#include "cli/tree.hpp"

namespace dstack::cli {

struct GeneratedFile {
  std::string name; ///< "dstack-deploy.1"
  std::string text;
};

std::vector<GeneratedFile> manual_pages(const Tree& tree);
std::vector<GeneratedFile> completion_files();

} // namespace dstack::cli
