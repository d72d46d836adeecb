#pragma once
/// A client's part of an exchange, for tests.

#include "net/local_http.hpp"
#include "sys/sockets.hpp"

namespace dstack::net {

inline constexpr std::chrono::milliseconds soon{5000};
inline constexpr LocalLimits test_limits{soon, {}};

inline http::Request request_of(std::string method, std::string target, std::string body = "")
{
  http::Request out;
  out.method = std::move(method);
  out.target = std::move(target);
  out.body = std::move(body);
  return out;
}

/// Sends text as it stands and reads until the server closes.
inline std::string raw_exchange(const sys::Fd& fd, std::string_view text)
{
  static_cast<void>(sys::write_all(fd.get(), as_bytes(text)));
  const auto all = sys::read_to_end(fd.get(), 64 << 20);
  return all ? std::string{as_text(*all)} : all.error().message();
}

} // namespace dstack::net
