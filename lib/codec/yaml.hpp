#pragma once
/// YAML 1.2 as docker compose reads it (libyaml events -> a plain, bounded tree). Every node keeps
/// its place in the source, every scalar its exact bytes, so that text can be replaced in place.
/// Merge keys and aliases are resolved here; duplicate keys and several documents are refused.

#include "codec/json.hpp"

namespace dstack::codec {

struct YamlLimits {
  std::size_t max_bytes = std::size_t{1} << 20U;
  std::size_t max_depth = 32;
  std::size_t max_nodes = 100'000; ///< aliases count as much as what they stand for
};

enum class YamlKind { scalar, list, map };
enum class YamlStyle { plain, single_quoted, double_quoted, literal, folded };

struct YamlMark {
  std::size_t line = 1;   ///< from 1
  std::size_t column = 1; ///< from 1, in characters
};

struct YamlMember;

struct Yaml {
  YamlKind kind = YamlKind::scalar;
  YamlStyle style = YamlStyle::plain;
  std::string tag;  ///< as resolved by libyaml ("tag:yaml.org,2002:str"), empty when not written
  std::string text; ///< of a scalar, after unescaping and folding
  YamlMark at;
  /// Bytes of the source that spell this scalar: quotes included, anchor and tag not. For an alias
  /// of a scalar: the alias itself.
  std::size_t begin = 0;
  std::size_t end = 0;
  std::vector<Yaml> items;
  std::vector<YamlMember> members; ///< in the order written; merged ones last

  bool is_scalar() const { return kind == YamlKind::scalar; }
  bool is_list() const { return kind == YamlKind::list; }
  bool is_map() const { return kind == YamlKind::map; }
  /// A plain scalar that means null (also the empty value after "key:").
  bool is_null() const;
  /// A scalar that is a string for YAML itself: quoted, tagged !!str, or not resolvable otherwise.
  bool is_string() const;
  /// Value of a member of a map, or nullptr.
  const Yaml* find(std::string_view key) const;
};

struct YamlMember {
  std::string key;
  YamlMark at; ///< of the key
  Yaml value;
  bool string_key = true; ///< false: an unquoted number, boolean or null as key
};

/// Errors are Errc::malformed and start with "file_name:line:column: ". An empty document is null.
Result<Yaml>
parse_yaml(std::string_view text, std::string_view file_name, const YamlLimits& limits = {});

/// The scalar's value as Go's yaml.v3 resolves it: null, bool (true/false only), integer (also 0x,
/// 0o, 0b, leading 0 = octal, with _), float, else string. yes/no/on/off are strings.
Json yaml_scalar(const Yaml& scalar);
/// The whole tree with scalars resolved. Keys keep their text.
Json yaml_to_json(const Yaml& tree);

} // namespace dstack::codec
