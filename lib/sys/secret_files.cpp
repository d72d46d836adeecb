#include "sys/secret_files.hpp"

#include <cerrno>
#include <sys/stat.h>
#include <unistd.h>

namespace dstack::sys {

Result<SecretBytes> read_secret(const fs::path& file, std::size_t max)
{
  const Fd fd = TRY(open_read(file));
  return read_secret(fd.get(), max).within("{}", file.string());
}

Result<SecretBytes> read_secret(int fd, std::size_t max)
{
  SecretBytes out{max + 1};
  std::size_t have = 0;
  while (have < out.size()) {
    const auto rest = out.mutable_view().subspan(have);
    const ssize_t n = ::read(fd, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("read");
    if (n == 0) break;
    have += static_cast<std::size_t>(n);
  }
  if (have > max) return fail(Errc::malformed, "larger than {} bytes", max);
  out.shrink(have);
  return out;
}

namespace {

Status check_private(int fd, std::string_view name)
{
  constexpr unsigned others = 077;
  struct stat info {};
  if (::fstat(fd, &info) != 0) return errno_error(fmt::format("stat {}", name));
  if (!S_ISREG(info.st_mode) || (info.st_mode & others) == 0) return ok();
  return fail(Errc::config, "{} can be read by others: chmod 600 {}", name, name);
}

} // namespace

Status check_private(const fs::path& file)
{
  const Fd fd = TRY(open_read(file));
  return check_private(fd.get(), file.string());
}

Result<SecretBytes> read_passphrase(const fs::path& file)
{
  const Fd fd = TRY(open_read(file));
  return read_passphrase(fd.get(), file.string());
}

Result<SecretBytes> read_passphrase(int fd, std::string_view name)
{
  TRY(check_private(fd, name));
  SecretBytes out = TRY(read_secret(fd, max_passphrase).within("{}", name));
  std::size_t size = out.size();
  while (size > 0 && (out.view()[size - 1] == '\n' || out.view()[size - 1] == '\r'))
    --size;
  out.shrink(size);
  if (out.empty()) return fail(Errc::config, "{} holds no passphrase", name);
  return out;
}

} // namespace dstack::sys
