#pragma once
/// Help texts for terminals, written from the tree.

#include "cli/parse.hpp"

namespace dstack::cli {

/// Help for a command, a group, or everything (no leaf, no group).
std::string
help_text(const Tree& tree, const Leaf* leaf, std::string_view group, std::size_t width);
/// "dstack logs [OPTIONS] VM [SERVICE]"
std::string usage_line(const Leaf& leaf);
/// "-f, --follow" or "    --tail N"
std::string option_label(const Option& option);
/// The help sentence with choices, default and environment variable added.
std::string option_about(const Option& option);
/// Headings in order of first use, "Options" first, each with its options.
std::vector<std::pair<std::string, std::vector<const Option*>>> option_groups(const Leaf& leaf);

} // namespace dstack::cli
