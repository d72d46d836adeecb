#include "vault/crash.hpp"

#include <csignal>
#include <unistd.h>

namespace dstack::vault {

FailPoints crash_at(std::string point)
{
  return [wanted = std::move(point)](std::string_view reached) {
    if (wanted == "list")
      static_cast<void>(sys::write_all(STDERR_FILENO, as_bytes(fmt::format("{}\n", reached))));
    if (wanted == reached) ::kill(::getpid(), SIGKILL);
  };
}

void reach(const FailPoints& points, std::string_view point)
{
  if (points) points(point);
}

Status write_new_file(const sys::fs::path& path,
                      ByteView data,
                      const FailPoints& points,
                      std::string_view name)
{
  const auto step = [&](std::string_view what) { reach(points, fmt::format("{}.{}", name, what)); };
  const sys::Fd fd = TRY(sys::create_new(path, sys::Privacy::owner_only));
  step("created");
  TRY(sys::write_all(fd.get(), data.first(data.size() / 2)).within("{}", path.string()));
  step("half");
  TRY(sys::write_all(fd.get(), data.subspan(data.size() / 2)).within("{}", path.string()));
  step("written");
  if (::fsync(fd.get()) != 0) return sys::errno_error(fmt::format("fsync {}", path.string()));
  step("synced");
  return ok();
}

Status replace_file(const sys::fs::path& path,
                    ByteView data,
                    const FailPoints& points,
                    std::string_view name)
{
  const sys::fs::path fresh = sys::fs::path{path}.concat(".new");
  TRY(sys::remove_tree(fresh)); // what an interruption left
  TRY(write_new_file(fresh, data, points, name));
  TRY(sys::rename_path(fresh, path));
  reach(points, fmt::format("{}.replaced", name));
  return ok();
}

} // namespace dstack::vault
