#pragma once
/// One server after the other, until one answers or the time is over: for KMS and gateways.

#include "kmsclient/url.hpp"
#include "sys/clock.hpp"

#include <algorithm>
#include <optional>

namespace dstack::kmsclient {

/// How the network is used.
struct Reach {
  std::vector<std::string> dns{};            ///< numeric; empty: this machine's own
  std::chrono::milliseconds connect{10'000}; ///< of one connection, TLS included
  std::chrono::milliseconds answer{60'000};  ///< of one request: the KMS may fetch collateral
  std::chrono::milliseconds total{180'000};  ///< of everything, all addresses together
};

/// The time that is left, of one step and of everything.
class Budget {
public:
  explicit Budget(const Reach& reach) : reach_(reach), all_(reach.total) {}
  std::chrono::milliseconds connect() const { return std::min(reach_.connect, all_.left()); }
  std::chrono::milliseconds answer() const { return std::min(reach_.answer, all_.left()); }
  bool over() const { return all_.passed(); }
  const Reach& reach() const { return reach_; }

private:
  const Reach& reach_;
  sys::Deadline all_;
};

/// Calls ask with each address until one succeeds. The error has the first address' code and tells
/// of all.
template <class T, class Ask>
Result<T> first_of(const std::vector<Url>& urls, const Budget& budget, const Ask& ask)
{
  std::optional<Error> first;
  std::string all;
  for (const Url& url : urls) {
    if (first && budget.over()) {
      all += fmt::format("; {}: no time left to ask", url.text);
      break;
    }
    Result<T> got = ask(url);
    if (got) return got;
    all += fmt::format("{}{}: {}", first ? "; " : "", url.text, got.error().message());
    if (!first) first = std::move(got).error();
  }
  if (!first) return fail(Errc::config, "No KMS URLs are set");
  return Error{first->code(), std::move(all)};
}

} // namespace dstack::kmsclient
