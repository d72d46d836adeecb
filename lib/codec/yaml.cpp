#include "codec/yaml.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <yaml.h>

namespace dstack::codec {

namespace {

constexpr std::string_view merge_tag = "tag:yaml.org,2002:merge";

/// libyaml counts characters, splicing needs bytes.
class ByteOffsets {
public:
  explicit ByteOffsets(std::string_view text) : size_(text.size())
  {
    const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U; };
    if (std::none_of(text.begin(), text.end(), continues)) return;
    for (std::size_t i = 0; i < text.size(); ++i)
      if (!continues(text[i])) starts_.push_back(i);
  }

  std::size_t of(std::size_t character) const
  {
    if (starts_.empty()) return std::min(character, size_);
    return character < starts_.size() ? starts_[character] : size_;
  }

private:
  std::size_t size_;
  std::vector<std::size_t> starts_;
};

/// Bytes of the line break that text starts with, or 0: YAML 1.1, which libyaml reads, has five.
std::size_t line_break(std::string_view text)
{
  for (const std::string_view one : {"\n", "\r", "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9"})
    if (text.starts_with(one)) return one.size();
  return 0;
}

struct ParserDelete {
  void operator()(yaml_parser_t* parser) const
  {
    yaml_parser_delete(parser);
    delete parser;
  }
};

struct Event {
  yaml_event_t raw{};
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { yaml_event_delete(&raw); }
};

std::string text_of(const yaml_char_t* from)
{
  // libyaml's strings are unsigned char; this is the one conversion.
  return from == nullptr ? std::string{} : std::string{reinterpret_cast<const char*>(from)};
}

YamlStyle style_of(yaml_scalar_style_t style)
{
  switch (style) {
  case YAML_SINGLE_QUOTED_SCALAR_STYLE:
    return YamlStyle::single_quoted;
  case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
    return YamlStyle::double_quoted;
  case YAML_LITERAL_SCALAR_STYLE:
    return YamlStyle::literal;
  case YAML_FOLDED_SCALAR_STYLE:
    return YamlStyle::folded;
  case YAML_ANY_SCALAR_STYLE:
  case YAML_PLAIN_SCALAR_STYLE:
    break;
  }
  return YamlStyle::plain;
}

bool is_merge(const Yaml& key)
{
  return key.text == "<<" &&
         (key.tag == merge_tag || (key.tag.empty() && key.style == YamlStyle::plain));
}

class Composer {
public:
  Composer(std::string_view text, std::string_view file, const YamlLimits& limits)
      : text_(text), file_(file), limits_(limits), offsets_(text), parser_(new yaml_parser_t{})
  {
    DSTACK_ASSERT(yaml_parser_initialize(parser_.get()) == 1);
    yaml_parser_set_encoding(parser_.get(), YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(
        parser_.get(), reinterpret_cast<const unsigned char*>(text.empty() ? "" : text.data()),
        text.size());
  }

  Result<Yaml> run()
  {
    Event start;
    TRY(next(start));
    Event document;
    TRY(next(document));
    if (document.raw.type == YAML_STREAM_END_EVENT) return Yaml{};
    Yaml root = TRY(node_from_next(0));
    Event end;
    TRY(next(end));
    Event last;
    TRY(next(last));
    if (last.raw.type != YAML_STREAM_END_EVENT)
      return at(mark_of(last.raw.start_mark), "a second document begins (only one is allowed)");
    return root;
  }

private:
  struct Anchored {
    Yaml node;
    std::size_t nodes = 0;
  };

  static YamlMark mark_of(const yaml_mark_t& mark) { return {mark.line + 1, mark.column + 1}; }

  Error at(const YamlMark& mark, std::string_view what) const
  {
    return fail(Errc::malformed, "{}:{}:{}: {}", file_, mark.line, mark.column, what);
  }

  Status next(Event& event)
  {
    if (yaml_parser_parse(parser_.get(), &event.raw) == 1) return ok();
    const yaml_parser_t& p = *parser_;
    const std::string_view problem = p.problem == nullptr ? "cannot be read" : p.problem;
    if (p.error == YAML_READER_ERROR) {
      const auto before = text_.substr(0, std::min(p.problem_offset, text_.size()));
      const auto line = static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
      const std::size_t start = before.rfind('\n') + 1; // npos + 1 is 0
      return at({line + 1, before.size() - start + 1}, problem);
    }
    if (p.context != nullptr)
      return at(mark_of(p.problem_mark), fmt::format("{} {}", p.context, problem));
    return at(mark_of(p.problem_mark), problem);
  }

  Status count(const YamlMark& mark, std::size_t nodes)
  {
    nodes_ += nodes;
    if (nodes_ <= limits_.max_nodes) return ok();
    return at(mark,
              fmt::format("more than {} nodes, counting what aliases repeat", limits_.max_nodes));
  }

  Result<Yaml> node_from_next(std::size_t depth)
  {
    Event event;
    TRY(next(event));
    return node(event, depth);
  }

  Result<Yaml> node(const Event& event, std::size_t depth)
  {
    const YamlMark mark = mark_of(event.raw.start_mark);
    if (event.raw.type == YAML_ALIAS_EVENT) return alias(event);
    const std::size_t before = nodes_;
    TRY(count(mark, 1));
    Yaml out;
    out.at = mark;
    std::string anchor;
    if (event.raw.type == YAML_SCALAR_EVENT) {
      scalar(event, out);
      anchor = text_of(event.raw.data.scalar.anchor);
    } else {
      if (depth >= limits_.max_depth)
        return at(mark, fmt::format("nested deeper than {}", limits_.max_depth));
      if (event.raw.type == YAML_SEQUENCE_START_EVENT) {
        anchor = text_of(event.raw.data.sequence_start.anchor);
        out.tag = text_of(event.raw.data.sequence_start.tag);
        TRY(list(out, depth));
      } else {
        anchor = text_of(event.raw.data.mapping_start.anchor);
        out.tag = text_of(event.raw.data.mapping_start.tag);
        TRY(map(out, depth));
      }
    }
    if (!anchor.empty()) anchors_[anchor] = {out, nodes_ - before};
    return out;
  }

  void scalar(const Event& event, Yaml& out) const
  {
    const auto& raw = event.raw.data.scalar;
    out.text.assign(reinterpret_cast<const char*>(raw.value), raw.length);
    out.tag = text_of(raw.tag);
    out.style = style_of(raw.style);
    out.end = offsets_.of(event.raw.end_mark.index);
    out.begin = std::min(skip_properties(offsets_.of(event.raw.start_mark.index)), out.end);
  }

  /// The event starts at the anchor or tag; the scalar itself comes after them.
  std::size_t skip_properties(std::size_t from) const
  {
    constexpr std::string_view anchor_characters =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-";
    while (from < text_.size() && (text_[from] == '&' || text_[from] == '!')) {
      // An anchor ends with its last name character (libyaml), a tag before a blank.
      from = text_[from] == '&' ? text_.find_first_not_of(anchor_characters, from + 1)
                                : end_of_word(from);
      from = skip_blanks(std::min(from, text_.size()));
      while (from < text_.size() && text_[from] == '#') {
        while (from < text_.size() && line_break(text_.substr(from)) == 0)
          ++from;
        from = skip_blanks(from);
      }
    }
    return from;
  }

  std::size_t end_of_word(std::size_t from) const
  {
    while (from < text_.size() && skip_blanks(from) == from)
      ++from;
    return from;
  }

  std::size_t skip_blanks(std::size_t from) const
  {
    while (from < text_.size()) {
      const bool blank = text_[from] == ' ' || text_[from] == '\t';
      const std::size_t size = blank ? 1 : line_break(text_.substr(from));
      if (size == 0) break;
      from += size;
    }
    return from;
  }

  Result<Yaml> alias(const Event& event)
  {
    const std::string name = text_of(event.raw.data.alias.anchor);
    const YamlMark mark = mark_of(event.raw.start_mark);
    const auto known = anchors_.find(name);
    if (known == anchors_.end())
      return at(mark, fmt::format("alias *{} before the end of its anchor", printable(name)));
    TRY(count(mark, known->second.nodes));
    Yaml out = known->second.node;
    if (out.is_scalar()) {
      out.at = mark;
      out.begin = offsets_.of(event.raw.start_mark.index);
      out.end = offsets_.of(event.raw.end_mark.index);
      out.style = out.style == YamlStyle::literal || out.style == YamlStyle::folded
                      ? YamlStyle::double_quoted
                      : out.style;
    }
    return out;
  }

  Status list(Yaml& out, std::size_t depth)
  {
    out.kind = YamlKind::list;
    for (;;) {
      Event event;
      TRY(next(event));
      if (event.raw.type == YAML_SEQUENCE_END_EVENT) return ok();
      out.items.push_back(TRY(node(event, depth + 1)));
    }
  }

  Status map(Yaml& out, std::size_t depth)
  {
    out.kind = YamlKind::map;
    std::map<std::string, YamlMark> seen;
    std::vector<Yaml> merged;
    for (;;) {
      Event event;
      TRY(next(event));
      if (event.raw.type == YAML_MAPPING_END_EVENT) break;
      Yaml key = TRY(node(event, depth + 1));
      if (!key.is_scalar()) return at(key.at, "a list or map as key");
      const auto [first, fresh] = seen.emplace(key.text, key.at);
      if (!fresh)
        return at(key.at, fmt::format("key '{}' twice (first on line {})", printable(key.text),
                                      first->second.line));
      Yaml value = TRY(node_from_next(depth + 1));
      if (is_merge(key))
        TRY(collect_merge(std::move(value), key.at, merged));
      else
        out.members.push_back({key.text, key.at, std::move(value), key.is_string()});
    }
    return merge(out, seen, std::move(merged));
  }

  Status collect_merge(Yaml value, const YamlMark& mark, std::vector<Yaml>& merged) const
  {
    if (value.is_map()) {
      merged.push_back(std::move(value));
      return ok();
    }
    const bool maps =
        value.is_list() && std::all_of(value.items.begin(), value.items.end(),
                                       [](const Yaml& item) { return item.is_map(); });
    if (!maps) return at(mark, "'<<' wants a map or a list of maps");
    merged = std::move(value.items);
    return ok();
  }

  /// What is written in the map wins, then the earlier of the merged maps.
  static Status merge(Yaml& out, std::map<std::string, YamlMark>& seen, std::vector<Yaml> merged)
  {
    for (Yaml& from : merged)
      for (YamlMember& member : from.members)
        if (seen.emplace(member.key, member.at).second) out.members.push_back(std::move(member));
    return ok();
  }

  std::string_view text_;
  std::string_view file_;
  const YamlLimits& limits_;
  ByteOffsets offsets_;
  std::unique_ptr<yaml_parser_t, ParserDelete> parser_;
  std::map<std::string, Anchored> anchors_;
  std::size_t nodes_ = 0;
};

} // namespace

Result<Yaml> parse_yaml(std::string_view text, std::string_view file_name, const YamlLimits& limits)
{
  if (text.size() > limits.max_bytes)
    return fail(Errc::malformed, "{}:1:1: {} bytes (limit {})", file_name, text.size(),
                limits.max_bytes);
  if (!is_utf8(text)) return fail(Errc::malformed, "{}:1:1: not UTF-8", file_name);
  return Composer{text, file_name, limits}.run();
}

} // namespace dstack::codec
