#pragma once
/// The launch contract of every agent: configuration as JSON on descriptor 3, readiness on
/// descriptor 4, nothing on standard input.

#include "codec/json.hpp"
#include "sys/fd.hpp"

namespace dstack::launch {

inline constexpr int config_fd = 3;
inline constexpr int readiness_fd = 4;
inline constexpr std::size_t max_config = std::size_t{1} << 20U;

/// Standard input becomes /dev/null, SIGPIPE and SIGHUP are ignored, new files are owner-only, and
/// the contract's descriptors do not leak into children.
void settle();

/// The document on fd; an empty object when nothing is open there or nothing was written.
Result<codec::Json> read_config(int fd = config_fd);

/// Tells whoever started us, once: "READY=1", perhaps with a word on where we are to be found, or
/// one line with the error.
class Readiness {
public:
  explicit Readiness(int fd = readiness_fd);
  void ready();
  void ready(std::string_view where); ///< "READY=1 https://127.0.0.1:8000"
  void failed(const Error& error);
  bool told() const { return !fd_; }

private:
  void tell(std::string line);
  sys::Fd fd_;
};

} // namespace dstack::launch
