#pragma once
/// The port for the world, as far as it speaks with dockerd: the containers on the dashboard and
/// /logs/<container>.

#include "guest/engine.hpp"
#include "guestsite/site.hpp"

namespace dstack::guest {

inline constexpr std::uint16_t external_port = 8090;

/// How long dockerd may take for its list, and how long a followed log may be silent.
struct ExternalTimes {
  std::chrono::milliseconds list{10'000};
  std::chrono::milliseconds silence{600'000};
};

/// Fills in containers, logs and system. The loop and the engine must outlive the site's use.
void bind_machine(guestsite::ExternalSite& site,
                  sys::Loop& loop,
                  Engine& engine,
                  const ExternalTimes& times = {});

} // namespace dstack::guest
