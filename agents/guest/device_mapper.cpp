#include "guest/device_mapper.hpp"

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

namespace dstack::guest {

namespace {

constexpr std::size_t buffer_size = 4096;
constexpr std::uint64_t sector = 512;

/// One request to the device mapper: the fixed header, then what belongs to the command.
class Request {
public:
  Request(std::string_view name, std::uint32_t flags)
  {
    header_.version[0] = DM_VERSION_MAJOR;
    header_.data_size = buffer_size;
    header_.data_start = sizeof header_;
    header_.flags = flags;
    std::copy(name.begin(), name.end(), std::begin(header_.name));
  }

  void add_target(std::string_view type, std::string_view parameters, std::uint64_t sectors)
  {
    dm_target_spec spec{};
    spec.length = sectors;
    std::copy(type.begin(), type.end(), std::begin(spec.target_type));
    constexpr std::size_t alignment = 8;
    const std::size_t text = (parameters.size() + alignment) / alignment * alignment; // with NUL
    spec.next = static_cast<std::uint32_t>(sizeof spec + text);
    std::memcpy(buffer_.data() + sizeof header_, &spec, sizeof spec);
    std::memcpy(buffer_.data() + sizeof header_ + sizeof spec, parameters.data(),
                parameters.size());
    header_.target_count = 1;
  }

  Status send(int control, unsigned long command, std::string_view what)
  {
    std::memcpy(buffer_.data(), &header_, sizeof header_);
    if (::ioctl(control, command, buffer_.data()) != 0) return sys::errno_error(what);
    std::memcpy(&header_, buffer_.data(), sizeof header_);
    return ok();
  }

  std::uint64_t device() const { return header_.dev; }

private:
  dm_ioctl header_{};
  alignas(dm_ioctl) std::array<char, buffer_size> buffer_{};
};

} // namespace

Result<sys::fs::path> create_readonly_target(std::string_view name,
                                             std::string_view target,
                                             std::string_view parameters,
                                             std::uint64_t size_bytes)
{
  constexpr std::size_t room = buffer_size - sizeof(dm_ioctl) - sizeof(dm_target_spec) - 8;
  if (name.size() >= DM_NAME_LEN || target.size() >= DM_MAX_TYPE_NAME || parameters.size() > room)
    return fail(Errc::malformed, "device-mapper table of {} bytes", parameters.size());
  const sys::Fd control{::open("/dev/mapper/control", O_RDWR | O_CLOEXEC)};
  if (!control) return sys::errno_error("open /dev/mapper/control");

  Request create{name, DM_READONLY_FLAG};
  TRY(create.send(control.get(), DM_DEV_CREATE, "create the device"));
  Request load{name, DM_READONLY_FLAG};
  load.add_target(target, parameters, size_bytes / sector);
  TRY(load.send(control.get(), DM_TABLE_LOAD, "load the table"));
  Request resume{name, 0};
  TRY(resume.send(control.get(), DM_DEV_SUSPEND, "start the device"));
  // The kernel packs the number as its "huge" encoding, which fits minor() for our small numbers.
  return sys::fs::path{fmt::format("/dev/dm-{}", minor(create.device()))};
}

} // namespace dstack::guest
