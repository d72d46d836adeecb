#include "tee/tsm_entry.hpp"

#include "base/text.hpp"
#include "sys/files.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace dstack::tee {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t max_attribute = 256;
/// More than any provider makes (TSM_REPORT_OUTBLOB_MAX of newer kernels is 16 MiB).
constexpr std::size_t max_blob = std::size_t{1} << 20U;
constexpr int most_tries = 5;
constexpr int wait_ms = 100; ///< before the second try; one more of it before each further one

/// A refusal that may be gone a moment later (tdx_report_new: an earlier request is in flight).
bool passes_soon(int error)
{
  return error == EBUSY || error == EINTR || error == EAGAIN;
}

Error cannot_make(const fs::path& entry, const TsmProvider& provider, int error)
{
  const std::string what = fmt::format("make {}", entry.string());
  switch (error) {
  case ENOENT:
    return sys::errno_error(what + ": mount configfs on /sys/kernel/config and load tsm_report",
                            error);
  case ENXIO:
    return sys::errno_error(
        fmt::format("{}: no driver provides reports, so {}", what, provider.missing), error);
  default:
    return sys::errno_error(what, error);
  }
}

struct Blob {
  int error = 0;
  Bytes data{};
};

/// The kernel makes the report at the first read, so its errors appear here.
Blob read_blob(const fs::path& file)
{
  const sys::Fd fd{::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd) return {errno};
  Blob out;
  std::array<std::uint8_t, 4096> buffer{};
  while (out.data.size() < max_blob) {
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n < 0) return {errno};
    if (n == 0) break;
    out.data.insert(out.data.end(), buffer.begin(), buffer.begin() + n);
  }
  return out;
}

Error no_report(const fs::path& file, const TsmProvider& provider, int error)
{
  const std::string what = fmt::format("read {}: ", file.string());
  switch (error) {
  case EBUSY:
    return sys::errno_error(fmt::format("{}{} holds an earlier request", what, provider.service),
                            error);
  case ETIMEDOUT:
    return sys::errno_error(fmt::format("{}{} does not answer", what, provider.service), error);
  case EIO:
    return sys::errno_error(fmt::format("{}{} refused", what, provider.service), error);
  case ENXIO:
    return sys::errno_error(fmt::format("{}the driver {} is gone", what, provider.name), error);
  default:
    return sys::errno_error(what + "no report", error);
  }
}

/// configfs hands a binary attribute to its owner when the file is closed, as one value.
Status write_blob(const fs::path& file, ByteView value)
{
  const sys::Fd fd{::open(file.c_str(), O_WRONLY | O_CLOEXEC)};
  if (!fd) return sys::errno_error("open " + file.string());
  return sys::write_all(fd.get(), value).within("{}", file.string());
}

} // namespace

/// An answer, or why there is none and whether another try may help.
struct TsmEntry::Try {
  Result<TsmAnswer> answer;
  bool again = false;
};

Result<TsmEntry> TsmEntry::open(const fs::path& entry, const TsmProvider& provider)
{
  if (::mkdir(entry.c_str(), 0700) != 0 && errno != EEXIST)
    return cannot_make(entry, provider, errno);
  const std::string name = TRY(sys::read_text(entry / "provider", max_attribute));
  if (trim(name) != provider.name)
    return fail(Errc::unsupported, "{} says '{}' (want {})", (entry / "provider").string(),
                printable(trim(name)), provider.name);
  return TsmEntry{entry, provider};
}

Result<std::uint64_t> TsmEntry::generation() const
{
  const fs::path file = entry_ / "generation";
  return parse_u64(trim(TRY(sys::read_text(file, max_attribute)))).within("{}", file.string());
}

TsmEntry::Try TsmEntry::attempt(const ReportData& report_data) const
{
  const auto before = generation();
  if (!before) return {before.error()};
  if (const Status asked = write_blob(entry_ / "inblob", report_data); !asked)
    return {asked.error()};
  const auto taken = generation();
  if (!taken) return {taken.error()};
  Blob out = read_blob(entry_ / "outblob");
  if (out.error != 0)
    return {no_report(entry_ / "outblob", provider_, out.error), passes_soon(out.error)};
  Blob more = read_blob(entry_ / "auxblob");
  if (more.error != 0 && more.error != ENOENT)
    return {no_report(entry_ / "auxblob", provider_, more.error), passes_soon(more.error)};
  const auto after = generation();
  if (!after) return {after.error()};
  if (*taken != *before + 1 || *after != *taken)
    return {fail(Errc::io, "{} was used by another process (generation {}, {}, {})",
                 entry_.string(), *before, *taken, *after),
            true};
  return {TsmAnswer{std::move(out.data), std::move(more.data)}};
}

Result<TsmAnswer> TsmEntry::ask(const ReportData& report_data) const
{
  for (int number = 1;; ++number) {
    Try done = attempt(report_data);
    if (done.answer || !done.again || number >= most_tries) return std::move(done.answer);
    ::poll(nullptr, 0, wait_ms * number);
  }
}

} // namespace dstack::tee
