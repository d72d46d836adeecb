#pragma once
/// Telling an init system how we are (sd_notify(3)).

#include <string_view>

namespace dstack::launch {

/// "READY=1", "STOPPING=1", "STATUS=…": to the socket that NOTIFY_SOCKET names, if it does.
void notify(std::string_view state);

} // namespace dstack::launch
