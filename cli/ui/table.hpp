#pragma once
/// Plain columns: no borders, the last one unwrapped, widths from the content.

#include <string>
#include <string_view>
#include <vector>

namespace dstack::cli {

class Table {
public:
  explicit Table(std::vector<std::string> head) : rows_{std::move(head)} {}
  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.size() == 1; }
  /// Lines with the heading first, each ended by a newline.
  std::string text() const;

private:
  std::vector<std::vector<std::string>> rows_;
};

/// Two columns: a name and its text, wrapped at the width and indented under itself.
std::string
definition(std::string_view name, std::string_view text, std::size_t column, std::size_t width);
/// Paragraphs (separated by an empty line) wrapped at the width; indented lines are kept as they
/// are.
std::string wrap(std::string_view text, std::size_t indent, std::size_t width);

/// How many columns a text takes (UTF-8 code points; no wide characters expected).
std::size_t columns_of(std::string_view text);

} // namespace dstack::cli
