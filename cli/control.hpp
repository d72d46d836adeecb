#pragma once
/// The supervisor of one VM as seen from a command: HTTP over the control socket.

#include "codec/json.hpp"
#include "http/message.hpp"
#include "store/vm_store.hpp"

#include <chrono>
#include <functional>

namespace dstack::cli {

class Control {
public:
  explicit Control(store::VmPaths paths) : paths_(std::move(paths)) {}

  Result<codec::Json> get(std::string target, std::chrono::milliseconds deadline) const;
  Result<codec::Json>
  post(std::string target, const codec::Json& body, std::chrono::milliseconds deadline) const;
  /// A method of the guest agent.
  Result<codec::Json> guest(std::string_view method, const codec::Json& params) const;
  /// The body of an answer, piece by piece, to its end.
  Status stream(std::string target, const std::function<Status(std::string_view)>& sink) const;

private:
  Result<codec::Json> exchange(const http::Request& request,
                               std::chrono::milliseconds deadline) const;

  store::VmPaths paths_;
};

/// An answer that is no success as an error, with the code the supervisor gave.
Error control_error(const http::Response& response);

} // namespace dstack::cli
