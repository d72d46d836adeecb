#pragma once
/// What the listeners for VMs, operators and browsers have in common.

#include "http/message.hpp"

namespace dstack::gatewaynode {

inline constexpr unsigned owner_only = 0600; ///< mode of a socket

inline http::Response plain(int status, std::string text)
{
  return {status, {{"Content-Type", "text/plain; charset=utf-8"}}, std::move(text)};
}

} // namespace dstack::gatewaynode
