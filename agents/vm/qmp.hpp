#pragma once
/// The QEMU machine protocol (docs/interop/qmp-spec), as much of it as a supervisor needs. No
/// sockets here: bytes in, events out, bytes to send collected in output().

#include "codec/json.hpp"

namespace dstack::supervisor {

inline constexpr std::size_t max_qmp_line = std::size_t{1} << 20U;

struct QmpEvent {
  std::string name{}; ///< "SHUTDOWN", "BLOCK_IO_ERROR", …; "" when commands are accepted from now
  codec::Json data{};
};

class Qmp {
public:
  /// Errors: a line that is no JSON object, one that is too long, a refused command.
  Result<std::vector<QmpEvent>> feed(ByteView data);
  void execute(std::string_view command);
  bool ready() const { return ready_; }
  std::string take_output() { return std::exchange(output_, {}); }

private:
  Status line(std::string_view text, std::vector<QmpEvent>& events);

  std::string line_;
  std::string output_;
  bool greeted_ = false;
  bool ready_ = false;
};

} // namespace dstack::supervisor
