#pragma once
/// The product's version, for the webhook's User-Agent and X-App-Version.

#include <string_view>

namespace dstack::kmsnode {

inline constexpr std::string_view product_version = DSTACK_VERSION;

} // namespace dstack::kmsnode
