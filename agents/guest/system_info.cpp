#include "guest/system_info.hpp"

#include "guest/data_disk.hpp"
#include "guestsite/machine.hpp"

namespace dstack::guest {

guestapi::SystemInfo system_facts()
{
  return guestsite::read_system({"/", data_mount_point});
}

codec::Json system_info()
{
  return guestapi::to_json(system_facts());
}

codec::Json network_info()
{
  return guestapi::to_json(guestsite::read_network());
}

} // namespace dstack::guest
