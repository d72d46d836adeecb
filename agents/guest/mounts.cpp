#include "guest/mounts.hpp"

#include "base/text.hpp"
#include "sys/files.hpp"

#include <cerrno>
#include <cpuid.h>
#include <cstring>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

namespace dstack::guest {

namespace {

constexpr std::size_t max_kernel_text = 64 * 1024;

struct Mount {
  const char* type;
  const char* where;
  unsigned long flags;
  const char* options;
};

constexpr unsigned long safe = MS_NOSUID | MS_NODEV | MS_NOEXEC;
constexpr Mount table[] = {
    {"proc", "/proc", safe, ""},
    {"sysfs", "/sys", safe, ""},
    {"devtmpfs", "/dev", MS_NOSUID, ""},
    {"tmpfs", "/run", MS_NOSUID | MS_NODEV, "mode=755"},
    {"devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "gid=5,mode=620,ptmxmode=000"},
    {"tmpfs", "/dev/shm", MS_NOSUID | MS_NODEV, ""},
    {"mqueue", "/dev/mqueue", safe, ""},
    {"tmpfs", "/tmp", MS_NOSUID | MS_NODEV, ""},
    {"cgroup2", "/sys/fs/cgroup", safe, "nsdelegate"},
};

bool is_mounted(const std::string& mounts, std::string_view where)
{
  return mounts.find(fmt::format(" {} ", where)) != std::string::npos;
}

Status enable_controllers()
{
  const std::string root = "/sys/fs/cgroup/";
  const std::string names = TRY(sys::read_text(root + "cgroup.controllers", max_kernel_text));
  std::string wanted;
  for (const std::string_view name : split(trim(names), ' '))
    if (!name.empty()) wanted += fmt::format("+{} ", name);
  return write_setting(root + "cgroup.subtree_control", trim(wanted));
}

/// Vendor texts come in one of two orders of registers.
enum class VendorOrder { bcd, bdc };

/// The twelve bytes of text a CPUID leaf spreads over three registers.
std::string cpuid_text(unsigned leaf, VendorOrder order)
{
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  __cpuid_count(leaf, 0, a, b, c, d);
  const std::array<unsigned, 3> words =
      order == VendorOrder::bdc ? std::array{b, d, c} : std::array{b, c, d};
  std::string out(sizeof words, '\0');
  std::memcpy(out.data(), words.data(), sizeof words);
  return out;
}

} // namespace

Status mount_at(const std::string& what,
                const std::string& where,
                const std::string& type,
                unsigned long flags,
                const std::string& options)
{
  ::mkdir(where.c_str(), 0755);
  if (::mount(what.c_str(), where.c_str(), type.c_str(), flags, options.c_str()) == 0) return ok();
  return sys::errno_error(fmt::format("mount {} on {}", what, where));
}

Status bind_mount(const std::string& from, const std::string& to)
{
  TRY(sys::make_directories(from, sys::Privacy::shared));
  TRY(sys::make_directories(to, sys::Privacy::shared));
  if (::mount(from.c_str(), to.c_str(), nullptr, MS_BIND, nullptr) == 0) return ok();
  return sys::errno_error(fmt::format("bind {} to {}", from, to));
}

Status write_setting(const std::string& path, std::string_view value)
{
  const sys::Fd file{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
  if (!file) return sys::errno_error("open " + path);
  return sys::write_all(file.get(), as_bytes(value)).within("{}", path);
}

Status mount_system()
{
  const auto read = sys::read_text("/proc/mounts", max_kernel_text);
  const std::string mounts = read ? *read : std::string{};
  for (const Mount& mount : table)
    if (!is_mounted(mounts, mount.where))
      TRY(mount_at(mount.type, mount.where, mount.type, mount.flags, mount.options));
  // Containers share mounts with us only where they are told to.
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_SHARED, nullptr) != 0)
    return sys::errno_error("share the root mount");
  TRY(enable_controllers().within("cgroup controllers"));
  std::error_code exists;
  sys::fs::create_symlink("/proc/self/fd", "/dev/fd", exists);
  ::umask(022);
  return sys::make_directories("/run/dstack", sys::Privacy::shared);
}

bool is_tdx_guest()
{
  constexpr unsigned tdx_leaf = 0x21; // answered by the TDX module itself, not by the host
  unsigned highest = 0;
  unsigned ignored = 0;
  __cpuid(0, highest, ignored, ignored, ignored);
  return highest >= tdx_leaf && cpuid_text(tdx_leaf, VendorOrder::bdc) == "IntelTDX    ";
}

bool is_snp_guest()
{
  // AMD64 Architecture Programmer's Manual, volume 3, CPUID 8000_001F, EAX bit 4.
  constexpr unsigned encryption_leaf = 0x8000001f;
  constexpr unsigned snp_bit = 4;
  if (__get_cpuid_max(0x80000000, nullptr) < encryption_leaf) return false;
  unsigned a = 0;
  unsigned ignored = 0;
  __cpuid_count(encryption_leaf, 0, a, ignored, ignored, ignored);
  return (a >> snp_bit & 1U) != 0;
}

bool is_software_emulated()
{
  constexpr unsigned hypervisor_leaf = 0x40000000;
  return !is_tdx_guest() && cpuid_text(hypervisor_leaf, VendorOrder::bcd) == "TCGTCGTCGTCG";
}

} // namespace dstack::guest
