/// The TDX backend over a stand-in of the kernel's files (kernel_files.cpp). Where FUSE cannot be
/// had, says so and is skipped.
#define DOCTEST_CONFIG_IMPLEMENT

#include "base/text.hpp"
#include "crypto/random.hpp"
#include "dcap/quote.hpp"
#include "sys/clock.hpp"
#include "sys/files.hpp"
#include "sys/spawn.hpp"
#include "tee/snp_report.hpp"
#include "tee/tdx_guest.hpp"

#include <cerrno>
#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace dstack::tee {
namespace {

namespace fs = std::filesystem;
using attest::Register;
using crypto::Sha384Digest;

constexpr int skipped = 77;

/// Mounts of ours are seen by nobody else and go when we go.
bool enter_own_mounts()
{
  if (::unshare(CLONE_NEWNS) != 0) {
    const std::string uid = fmt::format("0 {} 1", ::getuid());
    const std::string gid = fmt::format("0 {} 1", ::getgid());
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
    for (const auto& [file, text] : {std::pair{"/proc/self/setgroups", std::string{"deny"}},
                                     {"/proc/self/uid_map", uid},
                                     {"/proc/self/gid_map", gid}}) {
      const sys::Fd fd{::open(file, O_WRONLY | O_CLOEXEC)};
      if (!fd || !sys::write_all(fd.get(), as_bytes(text))) return false;
    }
  }
  return ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

/// The mounted stand-in; gone with the value.
class Kernel {
public:
  Kernel()
  {
    sys::Command command;
    command.argv = {DSTACK_TDX_KERNEL_FILES, mount_.string(), (work_ / "authority").string()};
    command.fds = {{2, 2}};
    REQUIRE(sys::make_directories(mount_, sys::Privacy::shared));
    child_.emplace(*sys::spawn(command));
    const sys::Deadline until{std::chrono::seconds{20}};
    while (!fs::exists(mount_ / "control") && !until.passed() && !*child_->try_wait())
      ::usleep(10'000);
    REQUIRE(fs::exists(mount_ / "control"));
  }
  ~Kernel()
  {
    static_cast<void>(child_->kill(SIGTERM));
    static_cast<void>(child_->wait(std::chrono::seconds{10}));
    ::umount2(mount_.c_str(), MNT_DETACH);
    static_cast<void>(sys::remove_tree(work_));
  }
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;

  void order(const std::string& text) const { REQUIRE(put("control", as_bytes(text)) == 0); }
  /// 0 or errno of one write(2).
  int put(const fs::path& file, ByteView data) const
  {
    const sys::Fd fd{::open((mount_ / file).c_str(), O_WRONLY | O_CLOEXEC)};
    if (!fd) return errno;
    return ::write(fd.get(), data.data(), data.size()) < 0 ? errno : 0;
  }
  Sha384Digest value(const std::string& name) const
  {
    const auto raw = sys::read_file(mount_ / "measurements" / (name + ":sha384"), 100);
    REQUIRE(raw);
    REQUIRE(raw->size() == 48);
    Sha384Digest out{};
    std::copy(raw->begin(), raw->end(), out.begin());
    return out;
  }
  TdxPaths paths() const
  {
    return {mount_ / "tdx_guest", mount_ / "measurements", mount_ / "report/com.intel.dcap",
            mount_ / "CCEL", work_ / "tdx-attest.conf"};
  }
  const fs::path& work() const { return work_; }

private:
  fs::path work_ = *sys::make_temp_directory(fs::temp_directory_path(), "dstack-tdx-test");
  fs::path mount_ = work_ / "kernel";
  std::optional<sys::Child> child_;
};

ReportData data_of(std::uint8_t fill)
{
  ReportData out{};
  out.fill(fill);
  return out;
}

template <class T> std::string why(const Result<T>& result)
{
  return result ? std::string{"no error"} : result.error().message();
}

bool says(const std::string& text, std::string_view part)
{
  INFO(text);
  return text.find(part) != std::string::npos;
}

/// A firmware log with one event for each of RTMR0 to RTMR2.
Bytes firmware_log()
{
  ByteWriter out;
  out.u32le(1).u32le(3).zeros(20).u32le(33).text(std::string_view{"Spec ID Event03\0", 16});
  out.zeros(8).u32le(1).u16le(0x0c).u16le(48).u8(0);
  for (std::uint32_t index = 1; index <= 3; ++index)
    out.u32le(index)
        .u32le(10)
        .u32le(1)
        .u16le(0x0c)
        .put(crypto::sha384(as_bytes("ACPI DATA")))
        .u32le(9)
        .text("ACPI DATA");
  return out.u32le(0xffffffff).take();
}

Sha384Digest register_after(const Sha384Digest& digest)
{
  return crypto::sha384(concat({Sha384Digest{}, digest}));
}

void give_firmware_log(const Kernel& kernel)
{
  kernel.order("ccel " + hex(firmware_log()));
  const auto value = hex(register_after(crypto::sha384(as_bytes("ACPI DATA"))));
  for (int i = 0; i < 3; ++i)
    kernel.order(fmt::format("register {} {}", i, value));
}

/// An SEV-SNP report of version 2 without a signature; the kernel does not look at it either.
Bytes snp_report(const ReportData& data)
{
  Bytes raw(snp::report_size);
  raw[0] = 2;
  raw[0x34] = 1; // signature algorithm
  std::copy(data.begin(), data.end(), raw.begin() + 0x50);
  raw[0xc0] = 0x5a; // HOST_DATA
  return raw;
}

} // namespace

TEST_SUITE("snp")
{
  TEST_CASE("a report carries the report data, and the host's certificates come with it")
  {
    const Kernel kernel;
    kernel.order("provider sev_guest");
    auto reports = SnpReport::open(kernel.paths().report);
    INFO(why(reports));
    REQUIRE(reports);
    kernel.order("outblob " + hex(snp_report(data_of(3))));
    const auto none = reports->report(data_of(3));
    INFO(why(none));
    REQUIRE(none);
    CHECK(none->report == snp_report(data_of(3)));
    CHECK(none->parsed.host_data[0] == 0x5a);
    CHECK(none->certificates.vcek.empty());
    ByteWriter table;
    table.put(*parse_hex("63da758de6644564adc5f4b93be8accd")).u32le(48).u32le(2).zeros(24);
    kernel.order("auxblob " + hex(table.put(Bytes{0xca, 0xfe}).take()));
    CHECK(reports->report(data_of(3))->certificates.vcek == Bytes{0xca, 0xfe});
    kernel.order("auxblob 00ff");
    const auto garbled = reports->report(data_of(3));
    REQUIRE(garbled);
    CHECK(garbled->certificates.vcek.empty());
  }

  TEST_CASE("other data, other providers and broken reports are refused")
  {
    const Kernel kernel;
    CHECK(says(why(SnpReport::open(kernel.paths().report)), "says 'tdx_guest' (want sev_guest)"));
    kernel.order("provider none");
    CHECK(says(why(SnpReport::open(kernel.paths().report.parent_path() / "other")),
               "sev-guest found no SEV-SNP"));
    kernel.order("provider sev_guest");
    auto reports = *SnpReport::open(kernel.paths().report);
    kernel.order("outblob " + hex(snp_report(data_of(7))));
    CHECK(says(why(reports.report(data_of(1))), "is about other report data (0707"));
    kernel.order("outblob " + hex(Bytes(1183, 1)));
    CHECK(says(why(reports.report(data_of(1))), "own report"));
    kernel.order(fmt::format("error {} 1", EIO));
    CHECK(says(why(reports.report(data_of(1))), "firmware, asked through the host, refused"));
    kernel.order("outblob " + hex(snp_report(data_of(1))));
    kernel.order("foreign 1");
    CHECK(reports.report(data_of(1)));
  }
}

TEST_SUITE("tdx")
{
  TEST_CASE("the stand-in behaves as the kernel does")
  {
    const Kernel kernel;
    CHECK(kernel.put("measurements/rtmr3:sha384", Bytes(47, 1)) == EINVAL);
    CHECK(kernel.put("measurements/rtmr0:sha384", Bytes(48, 1)) == EINVAL);
    CHECK(kernel.put("measurements/rtmr4:sha384", Bytes(48, 1)) == ENOENT);
    CHECK(kernel.value("rtmr3") == Sha384Digest{});
    REQUIRE(make_tdx(kernel.paths()));
    CHECK(kernel.put("report/com.intel.dcap/inblob", Bytes(65, 1)) == EFBIG);
    CHECK(kernel.put("report/com.intel.dcap/provider", Bytes(1, 1)) == EACCES);
    CHECK(says(why(sys::read_file(kernel.paths().report / "outblob", 9000)), "Invalid argument"));
  }

  TEST_CASE("a quote carries the report data and the registers")
  {
    const Kernel kernel;
    auto tdx = make_tdx(kernel.paths());
    INFO(why(tdx));
    REQUIRE(tdx);
    CHECK((*tdx)->name() == "tdx");
    CHECK_FALSE((*tdx)->simulated());
    CHECK((*tdx)->provider_root()->vendor() == "Intel");
    for (const std::uint8_t fill : Bytes{1, 2, 3}) {
      const auto raw = (*tdx)->quote(data_of(fill));
      INFO(why(raw));
      REQUIRE(raw);
      CHECK(dcap::parse_quote(*raw)->td.report_data == data_of(fill));
    }
  }

  TEST_CASE("extension makes a register SHA384 of its value and the digest")
  {
    const Kernel kernel;
    auto tdx = *make_tdx(kernel.paths());
    const auto digest = crypto::sha384(as_bytes("an event"));
    REQUIRE(tdx->extend(3, digest));
    CHECK(kernel.value("rtmr3") == register_after(digest));
    REQUIRE(tdx->extend(3, digest));
    CHECK(kernel.value("rtmr3") == crypto::sha384(concat({register_after(digest), digest})));
    CHECK(kernel.value("rtmr2") == Sha384Digest{});
    const auto quoted = *tdx->quote(data_of(9));
    CHECK(dcap::parse_quote(quoted)->td.rtmr[3] == kernel.value("rtmr3"));
    CHECK(tdx->extend(0, digest).error().code() == Errc::denied);
    CHECK(tdx->extend(1, digest).error().code() == Errc::denied);
    CHECK(tdx->extend(4, digest).error().code() == Errc::denied);
  }

  TEST_CASE("without measurement registers the ioctl is tried, and its absence named")
  {
    const Kernel kernel;
    TdxPaths paths = kernel.paths();
    paths.measurements = kernel.work() / "nowhere";
    auto tdx = *make_tdx(paths);
    const Status extended = tdx->extend(3, Sha384Digest{});
    REQUIRE(!extended);
    CHECK(extended.error().code() == Errc::unsupported);
    CHECK(says(extended.error().message(), "neither measurement registers in sysfs"));
    paths.device = kernel.work() / "nothing";
    CHECK(says(why(make_tdx(paths)), "RTMRs cannot be extended"));
  }

  TEST_CASE("what is missing is named, with what helps")
  {
    const Kernel kernel;
    kernel.order("provider none");
    CHECK(says(why(make_tdx(kernel.paths())), "no driver provides reports"));
    kernel.order("provider tdx_guest");
    TdxPaths paths = kernel.paths();
    paths.device = kernel.work() / "tdx_guest";
    CHECK(make_tdx(paths).error().code() == Errc::not_found);
    CHECK(says(why(make_tdx(paths)), "load tdx_guest"));
    paths = kernel.paths();
    paths.report = kernel.work() / "no/configfs";
    CHECK(says(why(make_tdx(paths)), "mount configfs"));
    const std::string config = "# comment\nport=4050\n";
    REQUIRE(sys::write_file_atomic(paths.attest_config, as_bytes(config), sys::Privacy::shared));
    CHECK(says(why(make_tdx(paths)), "port=4050) is not spoken to directly"));
    kernel.order("provider sev_guest");
    CHECK(make_tdx(kernel.paths()).error().code() == Errc::unsupported);
    CHECK(says(why(make_tdx(kernel.paths())), "says 'sev_guest' (want tdx_guest)"));
  }

  TEST_CASE("a busy or interrupted quoting service is asked again, a silent one is named")
  {
    const Kernel kernel;
    auto tdx = *make_tdx(kernel.paths());
    kernel.order(fmt::format("error {} 2", EBUSY));
    CHECK(tdx->quote(data_of(1)));
    kernel.order(fmt::format("error {} 1", EINTR));
    CHECK(tdx->quote(data_of(1)));
    kernel.order(fmt::format("error {} 100", EBUSY));
    CHECK(says(why(tdx->quote(data_of(1))), "holds an earlier request"));
    kernel.order(fmt::format("error {} 1", ETIMEDOUT));
    CHECK(says(why(tdx->quote(data_of(1))), "does not answer"));
    CHECK(tdx->quote(data_of(1)));
    kernel.order(fmt::format("error {} 1", EIO));
    CHECK(says(why(tdx->quote(data_of(1))), "(QGS) refused"));
  }

  TEST_CASE("quotes of impossible size, or about other data, are refused")
  {
    const Kernel kernel;
    auto tdx = *make_tdx(kernel.paths());
    const auto with = [&](const Bytes& outblob) {
      kernel.order("outblob " + hex(outblob));
      return why(tdx->quote(data_of(1)));
    };
    CHECK(says(with({}), "the quote is empty"));
    CHECK(says(with(Bytes(1020, 1)), "a quote of 1020 bytes"));
    CHECK(says(with(Bytes(8192, 1)), "a quote of 8192 bytes"));
    CHECK(says(with(Bytes(8191, 1)), "own quote: quote header"));
    kernel.order("quotes");
    const Bytes stale = *tdx->quote(data_of(7));
    CHECK(says(with(stale), "is about other report data (0707"));
    kernel.order("quotes");
    CHECK(tdx->quote(data_of(1)));
  }

  TEST_CASE("a second user of the entry is noticed by the generation")
  {
    const Kernel kernel;
    auto tdx = *make_tdx(kernel.paths());
    kernel.order("foreign 1");
    const auto again = tdx->quote(data_of(4));
    INFO(why(again));
    REQUIRE(again);
    CHECK(dcap::parse_quote(*again)->td.report_data == data_of(4));
    kernel.order("foreign 1000");
    CHECK(says(why(tdx->quote(data_of(4))), "used by another process (generation"));
  }

  TEST_CASE("two writers race: each gets its own data or an error, never the other's")
  {
    const Kernel kernel;
    auto tdx = *make_tdx(kernel.paths());
    const pid_t other = ::fork();
    if (other == 0) ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (other == 0) {
      static_cast<void>(kernel.put("report/com.intel.dcap/inblob", Bytes(64, 0xee)));
      ::usleep(3'000);
    }
    const auto generation = [&] {
      return *parse_u64(trim(*sys::read_text(kernel.paths().report / "generation", 100)));
    };
    while (generation() < 10)
      ::usleep(3'000);
    unsigned quoted = 0;
    unsigned refused = 0;
    for (unsigned i = 0; i < 5; ++i) {
      const auto data = data_of(static_cast<std::uint8_t>(i));
      const auto raw = tdx->quote(data);
      raw ? ++quoted : ++refused;
      if (raw) CHECK(dcap::parse_quote(*raw)->td.report_data == data);
      if (!raw) CHECK(says(why(raw), "used by another process"));
    }
    ::kill(other, SIGKILL);
    CHECK(quoted + refused == 5);
    MESSAGE(quoted << " quotes, " << refused << " refused, generation " << generation());
    ::waitpid(other, nullptr, 0);
    CHECK(tdx->quote(data_of(1)));
  }

  TEST_CASE("the firmware's log is read and must explain RTMR0 to RTMR2")
  {
    const Kernel kernel;
    auto tdx = *make_tdx(kernel.paths());
    CHECK(says(why(tdx->boot()), "event log header"));
    give_firmware_log(kernel);
    const auto boot = tdx->boot();
    INFO(why(boot));
    REQUIRE(boot);
    REQUIRE(boot->events.size() == 3);
    CHECK(boot->events[0].name == "acpi-loader");
    for (std::uint32_t i = 0; i < 3; ++i)
      CHECK(*attest::replay(boot->events, i) == boot->registers.rtmr.at(i));
    kernel.order("register 1 " + std::string(96, '0'));
    CHECK(says(why(tdx->boot()), "does not explain RTMR1"));
    TdxPaths paths = kernel.paths();
    paths.event_log = kernel.work() / "CCEL";
    CHECK(says(why((*make_tdx(paths))->boot()), "this firmware keeps no event log"));
  }
}

} // namespace dstack::tee

int main(int argc, char** argv)
{
  std::signal(SIGPIPE, SIG_IGN);
  const bool fuse = ::access("/dev/fuse", R_OK | W_OK) == 0;
  if (!fuse || !dstack::tee::enter_own_mounts()) {
    fmt::print("skipped: {}\n", fuse ? "no mounts of our own here" : "no /dev/fuse here");
    return dstack::tee::skipped;
  }
  return doctest::Context{argc, argv}.run();
}
