#include "tee/tsm_report.hpp"

#include "base/text.hpp"
#include "dcap/quote.hpp"
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
constexpr std::string_view wanted_provider = "tdx_guest";
constexpr int most_tries = 5;
constexpr int wait_ms = 100; ///< before the second try; one more of it before each further one

/// A refusal that may be gone a moment later (tdx_report_new: an earlier request is in flight).
bool passes_soon(int error)
{
  return error == EBUSY || error == EINTR || error == EAGAIN;
}

Error cannot_make(const fs::path& entry, int error)
{
  const std::string what = fmt::format("make {}", entry.string());
  switch (error) {
  case ENOENT:
    return sys::errno_error(what + ": mount configfs on /sys/kernel/config and load tsm_report",
                            error);
  case ENXIO:
    return sys::errno_error(what + ": no driver provides reports, so tdx_guest found no TDX",
                            error);
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
  while (out.data.size() < dcap::max_quote) {
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n < 0) return {errno};
    if (n == 0) break;
    out.data.insert(out.data.end(), buffer.begin(), buffer.begin() + n);
  }
  return out;
}

Error no_quote(const fs::path& file, int error)
{
  const std::string what = "read " + file.string();
  switch (error) {
  case EBUSY:
    return sys::errno_error(what + ": the host's quoting service holds an earlier request", error);
  case ETIMEDOUT:
    return sys::errno_error(what + ": the host's quoting service (QGS) does not answer", error);
  case EIO:
    return sys::errno_error(what + ": the host's quoting service (QGS) refused", error);
  case ENXIO:
    return sys::errno_error(what + ": the driver tdx_guest is gone", error);
  default:
    return sys::errno_error(what, error);
  }
}

Status check_size(std::size_t size)
{
  if (size == 0)
    return fail(Errc::io, "the quote is empty: the host's quoting service (QGS) refused; its log "
                          "says why");
  if (size <= quote_larger_than || size >= quote_smaller_than)
    return fail(Errc::malformed, "a quote of {} bytes (want more than {}, less than {})", size,
                quote_larger_than, quote_smaller_than);
  return ok();
}

/// configfs hands a binary attribute to its owner when the file is closed, as one value.
Status write_blob(const fs::path& file, ByteView value)
{
  const sys::Fd fd{::open(file.c_str(), O_WRONLY | O_CLOEXEC)};
  if (!fd) return sys::errno_error("open " + file.string());
  return sys::write_all(fd.get(), value).within("{}", file.string());
}

} // namespace

/// A quote, or why there is none and whether another try may help.
struct TsmReport::Try {
  Result<Bytes> quote;
  bool again = false;
};

Result<TsmReport> TsmReport::open(const fs::path& entry)
{
  if (::mkdir(entry.c_str(), 0700) != 0 && errno != EEXIST) return cannot_make(entry, errno);
  const std::string provider = TRY(sys::read_text(entry / "provider", max_attribute));
  if (!provider.starts_with(wanted_provider))
    return fail(Errc::unsupported, "{} says '{}' (want {})", (entry / "provider").string(),
                printable(trim(provider)), wanted_provider);
  return TsmReport{entry};
}

Result<std::uint64_t> TsmReport::generation() const
{
  const fs::path file = entry_ / "generation";
  return parse_u64(trim(TRY(sys::read_text(file, max_attribute)))).within("{}", file.string());
}

TsmReport::Try TsmReport::attempt(const ReportData& report_data) const
{
  const auto before = generation();
  if (!before) return {before.error()};
  if (const Status asked = write_blob(entry_ / "inblob", report_data); !asked)
    return {asked.error()};
  const auto taken = generation();
  if (!taken) return {taken.error()};
  Blob out = read_blob(entry_ / "outblob");
  if (out.error != 0) return {no_quote(entry_ / "outblob", out.error), passes_soon(out.error)};
  const auto after = generation();
  if (!after) return {after.error()};
  if (*taken != *before + 1 || *after != *taken)
    return {fail(Errc::io, "{} was used by another process (generation {}, {}, {})",
                 entry_.string(), *before, *taken, *after),
            true};
  if (const Status fits = check_size(out.data.size()); !fits) return {fits.error()};
  return {std::move(out.data)};
}

Result<Bytes> TsmReport::quote(const ReportData& report_data) const
{
  for (int number = 1;; ++number) {
    Try done = attempt(report_data);
    if (!done.quote && done.again && number < most_tries) {
      ::poll(nullptr, 0, wait_ms * number);
      continue;
    }
    const Bytes raw = TRY(std::move(done.quote));
    const auto quote = TRY(dcap::parse_quote(raw).within("own quote"));
    if (quote.tee != dcap::TeeType::tdx || quote.report_data() != report_data)
      return fail(Errc::io, "the quote is about other report data ({})", hex(quote.report_data()));
    return raw;
  }
}

} // namespace dstack::tee
