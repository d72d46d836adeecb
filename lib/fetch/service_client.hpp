#pragma once
/// GET from a service that publishes collateral: bounded in time and size, no redirects, patient
/// with a busy service as long as the deadline allows (spec verify 9.2).

#include "fetch/http_client.hpp"
#include "sys/clock.hpp"

namespace dstack::fetch {

struct ServiceRequest {
  std::string url{};
  std::string accept{};  ///< Accept header
  std::string missing{}; ///< what a 404 means: "unknown FMSPC or not cached"
};

/// What a waiting client listens to.
struct Stop {
  int fd = -1; ///< readable when the caller gave up; -1: nobody will
};

class ServiceClient {
public:
  explicit ServiceClient(Stop stop) : stop_(stop) {}

  /// The 200 answer; everything else is an error that names the URL. A busy service (429, 5xx) is
  /// asked at most three times, no sooner than it wishes.
  Result<http::Response> get(const ServiceRequest& request, const sys::Deadline& deadline) const;

private:
  Status wait(std::chrono::milliseconds time) const;

  Stop stop_;
  mutable HttpClient client_; ///< any thread may send
};

/// How long a busy service wants to be left alone before the next try (counted from 0); Errc::io
/// when that is longer than what is left or than anybody waits.
Result<std::chrono::milliseconds>
pause_before_retry(const http::Response& busy, int tried, std::chrono::milliseconds left);

} // namespace dstack::fetch
