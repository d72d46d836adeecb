#include "tee/tdx_guest.hpp"

#include "base/text.hpp"
#include "dcap/quote.hpp"
#include "sys/files.hpp"

#include <algorithm>
#include <fcntl.h>
#include <sys/stat.h>

namespace dstack::tee {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t max_attribute = 256;

/// sysfs and configfs take a whole value in one write.
Status write_attribute(const fs::path& path, ByteView value)
{
  const sys::Fd fd{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
  if (!fd) return sys::errno_error(fmt::format("open {}", path.string()));
  return sys::write_all(fd.get(), value).within("{}", path.string());
}

class Tdx : public Tee {
public:
  explicit Tdx(TdxPaths paths) : paths_(std::move(paths)) {}

  std::string_view name() const override { return "tdx"; }
  bool simulated() const override { return false; }

  Result<BootLog> boot() override
  {
    const Bytes raw = TRY(quote(ReportData{}));
    const dcap::TdReport td = TRY(dcap::parse_quote(raw).within("own quote")).td;
    BootLog out;
    out.registers = {td.mrtd, td.rtmr, td.mr_config_id, td.mr_owner, td.mr_owner_config};
    return out;
  }

  Status extend(unsigned rtmr, const crypto::Sha384Digest& digest) override
  {
    return write_attribute(paths_.measurements / fmt::format("rtmr{}:sha384", rtmr), digest);
  }

  Result<Bytes> quote(const ReportData& report_data) override
  {
    const fs::path entry = paths_.report / "com.intel.dcap";
    if (::mkdir(entry.c_str(), 0700) != 0 && errno != EEXIST)
      return sys::errno_error(fmt::format("create {}", entry.string()));
    const std::string provider = TRY(sys::read_text(entry / "provider", max_attribute));
    if (!provider.starts_with("tdx_guest"))
      return fail(Errc::unsupported, "the TSM provider is '{}' (want tdx_guest)",
                  printable(trim(provider)));
    const std::uint64_t before = TRY(generation(entry));
    TRY(write_attribute(entry / "inblob", report_data));
    Bytes out = TRY(sys::read_file(entry / "outblob", dcap::max_quote));
    // Somebody else using the entry between our write and read would answer for other data.
    const std::uint64_t after = TRY(generation(entry));
    if (after != before + 1)
      return fail(Errc::io, "the TSM entry was used by another process (generation {} to {})",
                  before, after);
    return out;
  }

  Result<std::optional<Secret<32>>> sealing_key(std::string_view /*app_id*/,
                                                std::string_view /*instance_id*/) override
  {
    return std::optional<Secret<32>>{}; // TDX keeps nothing across restarts
  }

  Result<dcap::Anchor> provider_root() override { return dcap::Anchor::intel(); }

private:
  static Result<std::uint64_t> generation(const fs::path& entry)
  {
    return parse_u64(trim(TRY(sys::read_text(entry / "generation", max_attribute))))
        .within("{}", (entry / "generation").string());
  }

  TdxPaths paths_;
};

} // namespace

Result<std::unique_ptr<Tee>> make_tdx(const TdxPaths& paths)
{
  for (const fs::path& needed : {paths.report, paths.measurements})
    if (!fs::is_directory(needed))
      return fail(Errc::not_found, "{} is missing: this is no TDX guest, or its kernel lacks it",
                  needed.string());
  return std::unique_ptr<Tee>{std::make_unique<Tdx>(paths)};
}

} // namespace dstack::tee
