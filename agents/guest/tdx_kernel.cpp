#include "guest/tdx_kernel.hpp"

#include "base/text.hpp"
#include "guest/modules.hpp"
#include "guest/mounts.hpp"
#include "tee/tdx_guest.hpp"

#include <sched.h>
#include <sys/mount.h>

namespace dstack::guest {

namespace {

const std::vector<std::string> tdx_modules = {"configfs", "tsm_report", "tdx_guest"};

/// "configfs tsm_report" of the modules that the kernel keeps; tdx_guest ends itself outside TDX.
std::string loaded_modules()
{
  std::vector<std::string> out;
  std::error_code ignored;
  for (const std::string& name : tdx_modules)
    if (std::filesystem::exists("/sys/module/" + name, ignored)) out.push_back(name);
  return out.empty() ? "none" : join(out, " ");
}

} // namespace

Result<std::unique_ptr<tee::Tee>> open_tdx_kernel()
{
  TRY(load_modules(tdx_modules).within("kernel modules"));
  TRY(mount_at("configfs", "/sys/kernel/config", "configfs", MS_NOSUID | MS_NODEV, ""));
  return tee::make_tdx({}).within("TDX");
}

int probe_tdx_kernel()
{
  const bool apart = ::unshare(CLONE_NEWNS) == 0 &&
                     ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
  if (!apart) return 1;
  const auto opened = open_tdx_kernel();
  fmt::print("TDX not used (modules: {}): {}\n", loaded_modules(),
             opened ? "the processor does not say so" : opened.error().message());
  return 0;
}

} // namespace dstack::guest
