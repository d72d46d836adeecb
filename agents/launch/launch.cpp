#include "agents/launch/launch.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <csignal>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace dstack::launch {

namespace {

bool is_open(int fd)
{
  return ::fcntl(fd, F_GETFD) >= 0;
}

} // namespace

void settle()
{
  const sys::Fd null_fd{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  if (null_fd) ::dup2(null_fd.get(), STDIN_FILENO);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGHUP, SIG_IGN);
  ::umask(077);
  for (const int fd : {config_fd, readiness_fd})
    if (is_open(fd)) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
}

Result<codec::Json> read_config(int fd)
{
  if (!is_open(fd)) return codec::Json::object();
  const sys::Fd owned{fd};
  const Bytes text = TRY(sys::read_to_end(fd, max_config).within("configuration"));
  if (trim(as_text(text)).empty()) return codec::Json::object();
  codec::Json config = TRY(codec::parse_json(as_text(text)).within("configuration"));
  if (!config.is_object()) return fail(Errc::config, "configuration: not a JSON object");
  return config;
}

Readiness::Readiness(int fd)
{
  if (is_open(fd)) fd_ = sys::Fd{fd};
}

void Readiness::ready()
{
  tell("READY=1");
}

void Readiness::ready(std::string_view where)
{
  tell(fmt::format("READY=1 {}", where));
}

void Readiness::failed(const Error& error)
{
  std::string line = printable(error.message());
  std::replace(line.begin(), line.end(), '\n', ' ');
  tell(std::move(line));
}

void Readiness::tell(std::string line)
{
  if (!fd_) return;
  // A starter that is gone already cannot be told; that is no reason to stop.
  static_cast<void>(sys::write_all(fd_.get(), as_bytes(line + "\n")));
  fd_.reset();
}

} // namespace dstack::launch
