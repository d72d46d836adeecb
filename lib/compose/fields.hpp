#pragma once
/// Typed members of a JSON object whose errors name the field. Internal to compose.

#include "codec/json.hpp"

namespace dstack::compose {

enum class WhenNull { refuse, as_missing };

/// read(member) of the member called key, or nothing when it is missing.
template <class Read>
auto optional_field(const codec::Json& object, std::string_view key, WhenNull when_null, Read read)
    -> Result<std::optional<std::decay_t<decltype(*read(object))>>>
{
  using Value = std::decay_t<decltype(*read(object))>;
  const codec::Json* member = object.find(key);
  if (member == nullptr) return std::optional<Value>{};
  if (member->is_null() && when_null == WhenNull::as_missing) return std::optional<Value>{};
  return std::optional<Value>{TRY(read(*member).within("{}", key))};
}

inline Result<bool> flag_field(const codec::Json& object, std::string_view key, bool fallback)
{
  const auto read = [](const codec::Json& value) { return value.as_bool(); };
  return TRY(optional_field(object, key, WhenNull::refuse, read)).value_or(fallback);
}

inline Result<std::optional<std::string>>
text_field(const codec::Json& object, std::string_view key, WhenNull when_null)
{
  return optional_field(object, key, when_null,
                        [](const codec::Json& value) { return value.as_string(); });
}

/// A list whose items are read one by one; errors name the index.
template <class Read>
auto list_of(const codec::Json& value, Read read)
    -> Result<std::vector<std::decay_t<decltype(*read(value))>>>
{
  if (!value.is_array()) return fail(Errc::malformed, "not a list");
  std::vector<std::decay_t<decltype(*read(value))>> out;
  for (const codec::Json& item : value.items())
    out.push_back(TRY(read(item).within("[{}]", out.size())));
  return out;
}

inline Result<std::vector<std::string>> text_list(const codec::Json& value)
{
  return list_of(value, [](const codec::Json& item) { return item.as_string(); });
}

} // namespace dstack::compose
