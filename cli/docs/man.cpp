#include "cli/docs/man.hpp"

#include "base/text.hpp"
#include "cli/docs/help.hpp"
#include "cli/docs/topics.hpp"

#include <algorithm>

namespace dstack::cli {

namespace {

/// Text as roff sees it: backslashes and hyphens spelt out, control lines disarmed.
std::string roff(std::string_view text)
{
  std::string out;
  for (const char c : text) {
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else
      out += c;
  }
  return out;
}

std::string roff_line(std::string_view text)
{
  const std::string out = roff(text);
  const bool control = !out.empty() && (out.front() == '.' || out.front() == '\'');
  return control ? "\\&" + out + "\n" : out + "\n";
}

/// Paragraphs of text; lines that start with a blank are kept as they stand.
std::string roff_text(std::string_view text)
{
  enum class In { start, paragraph, kept, gap };
  std::string out;
  In in = In::start;
  for (const std::string_view line : split(text, '\n')) {
    const bool keep = line.starts_with(" ");
    if (in == In::kept && !keep) out += ".fi\n.RE\n";
    if (line.empty()) {
      in = In::gap;
      continue;
    }
    if (keep && in != In::kept) out += std::string{in == In::start ? "" : ".PP\n"} + ".RS 2\n.nf\n";
    if (!keep && (in == In::gap || in == In::kept)) out += ".PP\n";
    out += roff_line(keep ? trim(line) == line ? line : line.substr(2) : line);
    in = keep ? In::kept : In::paragraph;
  }
  if (in == In::kept) out += ".fi\n.RE\n";
  return out;
}

std::string head(std::string_view name, int section, std::string_view summary)
{
  std::string upper{name};
  std::transform(upper.begin(), upper.end(), upper.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return fmt::format(".\\\" Generated from the command tree by \"dstack __man\"; do not edit.\n"
                     ".TH {} {} \"\" \"dstack {}\" \"dstack manual\"\n.SH NAME\n{} \\- {}\n",
                     roff(upper), section, DSTACK_VERSION, roff(name), roff(summary));
}

std::string option_entry(const Option& option)
{
  std::string label;
  for (const std::string& name : option.names())
    label += (label.empty() ? "" : ", ") + fmt::format("\\fB{}\\fR", roff(name));
  if (!option.is_flag()) {
    const std::string value = fmt::format("\\fI{}\\fR", roff(option.value()));
    label += label.empty() ? value : " " + value;
  }
  return fmt::format(".TP\n{}\n{}", label, roff_line(option_about(option)));
}

std::string synopsis(const Leaf& leaf)
{
  std::string out =
      fmt::format(".SH SYNOPSIS\n.B dstack {}\n[\\fIOPTIONS\\fR]", roff(leaf.title()));
  for (const auto& option : leaf.options()) {
    if (!option->positional()) continue;
    const std::string name =
        fmt::format("\\fI{}\\fR{}", roff(option->value()), option->is_repeated() ? "..." : "");
    out += option->is_required() ? "\n" + name : "\n[" + name + "]";
  }
  return out + "\n";
}

std::string options_section(const Leaf& leaf)
{
  std::string out;
  std::string arguments;
  for (const auto& option : leaf.options())
    if (option->positional()) arguments += option_entry(*option);
  if (!arguments.empty()) out += ".SH ARGUMENTS\n" + arguments;
  out += ".SH OPTIONS\n";
  for (const auto& [heading, options] : option_groups(leaf)) {
    if (heading != "Options") out += fmt::format(".SS {}\n", roff(heading));
    for (const Option* option : options)
      out += option_entry(*option);
  }
  Globals globals;
  out += ".SS Common options\n";
  for (const auto& option : global_options(globals))
    if (option->title() != "--json" || !leaf.schema().empty()) out += option_entry(*option);
  return out;
}

std::string examples_section(const Leaf& leaf)
{
  std::string out = ".SH EXAMPLES\n";
  for (const Example& example : leaf.examples())
    out += fmt::format(".TP\n.B {}\n{}", roff(example.line), roff_line(example.about));
  return out;
}

constexpr const char* exit_section =
    ".SH EXIT STATUS\n0 when done, 1 when it could not be done, 2 for wrong use, 3 when the answer "
    "is no,\n4 for malformed input. See\n.BR dstack\\-exit\\-codes (7).\n";

std::string see_also(const Leaf& leaf, const Tree& tree)
{
  std::string out = ".SH SEE ALSO\n.BR dstack (1)";
  for (const auto& other : tree.leaves()) {
    const bool sister = !leaf.group().empty() && other->group() == leaf.group();
    if (sister && !other->hidden() && other.get() != &leaf)
      out += fmt::format(",\n.BR dstack\\-{} (1)", roff(join(other->path(), "-")));
  }
  return out + "\n";
}

GeneratedFile leaf_page(const Leaf& leaf, const Tree& tree)
{
  const std::string name = "dstack-" + join(leaf.path(), "-");
  std::string text = head(name, 1, leaf.summary()) + synopsis(leaf) + ".SH DESCRIPTION\n" +
                     roff_line(leaf.summary() + ".");
  if (!leaf.description().empty()) text += ".PP\n" + roff_text(leaf.description());
  text += options_section(leaf) + examples_section(leaf);
  if (!leaf.schema().empty())
    text += fmt::format(".SH OUTPUT\nWith\n.B \\-\\-json\nthe document has the schema\n.BR {} .\n",
                        roff(leaf.schema()));
  return {name + ".1", text + exit_section + see_also(leaf, tree)};
}

GeneratedFile root_page(const Tree& tree)
{
  std::string text =
      head("dstack", 1, "run Docker Compose apps in confidential VMs") +
      ".SH SYNOPSIS\n.B dstack\n\\fICOMMAND\\fR\n[\\fIOPTIONS\\fR]\n"
      ".SH DESCRIPTION\n"
      "Takes a Docker Compose file and runs it inside a confidential VM that measures "
      "itself,\nso that anyone can check what runs. Without TEE hardware the VM is "
      "simulated and says so.\n.SH COMMANDS\n";
  for (const auto& leaf : tree.leaves()) {
    if (leaf->hidden()) continue;
    text += fmt::format(".TP\n.BR dstack\\-{} (1)\n{}", roff(join(leaf->path(), "-")),
                        roff_line(leaf->summary()));
  }
  text += ".SH TOPICS\n";
  for (const Topic& topic : help_topics())
    text += fmt::format(".TP\n.BR dstack\\-{} (7)\n{}", roff(topic.name), roff_line(topic.summary));
  return {"dstack.1", text + exit_section};
}

GeneratedFile topic_page(const Topic& topic)
{
  const std::string name = "dstack-" + topic.name;
  return {name + ".7", head(name, 7, topic.summary) + ".SH DESCRIPTION\n" + roff_text(topic.text) +
                           ".SH SEE ALSO\n.BR dstack (1)\n"};
}

} // namespace

std::vector<GeneratedFile> manual_pages(const Tree& tree)
{
  std::vector<GeneratedFile> out{root_page(tree)};
  for (const auto& leaf : tree.leaves())
    if (!leaf->hidden()) out.push_back(leaf_page(*leaf, tree));
  for (const Topic& topic : help_topics())
    out.push_back(topic_page(topic));
  return out;
}

} // namespace dstack::cli
