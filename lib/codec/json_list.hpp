#pragma once
/// JSON lists made of any range.

#include "codec/json.hpp"

#include <functional>

namespace dstack::codec {

/// What `each` makes of every item, in order; without it the items themselves.
template <class Range, class Each = std::identity>
Json list_of(const Range& items, const Each& each = {})
{
  Json out = Json::array();
  for (const auto& item : items)
    out.push(Json{std::invoke(each, item)});
  return out;
}

} // namespace dstack::codec
