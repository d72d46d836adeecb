#include "cli/ui/table.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace dstack::cli {

namespace {

/// Appends words to out, breaking lines at the width; `at` is the column reached.
void fill(
    std::string& out, std::string_view text, std::size_t indent, std::size_t width, std::size_t at)
{
  bool first = true;
  for (const std::string_view word : split(text, ' ')) {
    if (word.empty()) continue;
    const std::size_t need = columns_of(word) + (first ? 0 : 1);
    if (!first && at + need > width) {
      out += "\n" + std::string(indent, ' ');
      at = indent;
      first = true;
    }
    if (!first) {
      out += ' ';
      ++at;
    }
    out += word;
    at += columns_of(word);
    first = false;
  }
}

} // namespace

std::size_t columns_of(std::string_view text)
{
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;
  }));
}

std::string Table::text() const
{
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], columns_of(row[i]));
  }
  std::string out;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line.append(widths[i] - columns_of(row[i]) + 2, ' ');
    }
    while (!line.empty() && line.back() == ' ')
      line.pop_back();
    out += line + "\n";
  }
  return out;
}

std::string
definition(std::string_view name, std::string_view text, std::size_t column, std::size_t width)
{
  std::string out = "  " + std::string{name};
  std::size_t at = 2 + columns_of(name);
  if (at + 2 > column) {
    out += "\n" + std::string(column, ' ');
  } else {
    out.append(column - at, ' ');
  }
  at = column;
  fill(out, text, column, width, at);
  return out + "\n";
}

std::string wrap(std::string_view text, std::size_t indent, std::size_t width)
{
  std::string out;
  std::string paragraph;
  const auto flush = [&] {
    if (paragraph.empty()) return;
    out.append(indent, ' ');
    fill(out, paragraph, indent, width, indent);
    out += '\n';
    paragraph.clear();
  };
  for (const std::string_view line : split(text, '\n')) {
    if (!line.empty() && line.front() != ' ') {
      paragraph += (paragraph.empty() ? "" : " ") + std::string{line};
      continue;
    }
    flush();
    if (!line.empty()) out.append(indent, ' ');
    out += std::string{line} + "\n";
  }
  flush();
  return out;
}

} // namespace dstack::cli
