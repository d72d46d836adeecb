/// Holds the event logs a firmware wrote while it booted an image, with a TPM in the place of TDX'
/// registers, against the events that are predicted for it.
///
/// Usage: measured_boot IMAGE-DIRECTORY MEMORY-BYTES KERNEL BLOBS LOG...
/// KERNEL is "header" when QEMU wrote into its setup header, "file" when the firmware got the file;
/// BLOBS is a file of what acpi_digests printed for the machine.
/// The longest readable log counts. A PCR's events go to the register that UEFI 2.10, 38.4.1 gives.
#include "attest/tcg_log.hpp"
#include "base/text.hpp"
#include "codec/json.hpp"
#include "measure/boot.hpp"
#include "measure/boot_events.hpp"
#include "measure/kernel.hpp"
#include "sys/files.hpp"

#include <algorithm>

namespace dstack::measure {
namespace {

using attest::TcgRecord;

constexpr std::size_t max_file = std::size_t{512} << 20U;
constexpr std::uint32_t separator_type = 4; // EV_SEPARATOR

struct Log {
  Bytes raw{};
  std::vector<TcgRecord> records{};
};

Result<Log> longest_log(const std::vector<std::string>& files)
{
  Log longest;
  for (const std::string& file : files) {
    Bytes raw = TRY(sys::read_file(file, attest::max_tcg_log));
    auto records = attest::parse_tcg_log(raw);
    if (!records || records->size() <= longest.records.size()) continue;
    longest.records = *std::move(records);
    longest.raw = std::move(raw); // moving keeps the bytes where the views point
  }
  if (longest.records.empty()) return fail(Errc::not_found, "no event log among {}", files.size());
  return longest;
}

/// The runtime register that holds a PCR's events, or none.
std::optional<std::size_t> register_of(std::uint32_t pcr)
{
  if (pcr == 1 || pcr == 7) return 0;
  if (pcr >= 2 && pcr <= 6) return 1;
  if (pcr >= 8 && pcr <= 15) return 2;
  return {};
}

/// Events of a register. Each PCR has a separator; the register they share has one, the first.
std::vector<TcgRecord> events_of(const Log& log, std::size_t number)
{
  std::vector<TcgRecord> out;
  bool separated = false;
  for (const TcgRecord& record : log.records) {
    if (record.type == attest::tcg_no_action || register_of(record.index) != number) continue;
    const bool separator = record.type == separator_type;
    if (!separator || !separated) out.push_back(record);
    separated = separated || separator;
  }
  return out;
}

Status compare(std::size_t number,
               const std::vector<TcgRecord>& seen,
               const std::vector<BootEvent>& predicted)
{
  for (std::size_t i = 0; i < std::max(seen.size(), predicted.size()); ++i) {
    if (i >= predicted.size())
      return fail(Errc::untrusted, "RTMR{}: event {}, of PCR {}, digest {}, is not predicted",
                  number, i, seen[i].index, hex(seen[i].sha384));
    if (i >= seen.size() || !equal(seen[i].sha384, predicted[i].digest))
      return fail(Errc::untrusted, "RTMR{}: event {} '{}' is {} (predicted {})", number, i,
                  predicted[i].name, i < seen.size() ? hex(seen[i].sha384) : "missing",
                  hex(predicted[i].digest));
    fmt::print("RTMR{} {:<40} {}\n", number, predicted[i].name, hex(predicted[i].digest));
  }
  return ok();
}

/// RTMR0 without what only TDX measures: the HOB and the configuration volume, which no PCR has.
/// The machine's TPM adds one to the ACPI blobs, its log area.
Result<std::vector<BootEvent>> configuration_events(std::string_view blob_digests)
{
  constexpr std::size_t only_tdx = 2;
  std::vector<crypto::Sha384Digest> blobs;
  for (const std::string_view line : split(trim(blob_digests), '\n'))
    blobs.push_back(TRY(parse_hex_array<48>(line).within("ACPI blob")));
  if (blobs.size() != 4) return fail(Errc::malformed, "{} ACPI blobs (want 4)", blobs.size());
  Rtmr0Digests digests;
  digests.acpi_loader = blobs[0];
  digests.acpi_rsdp = blobs[1];
  digests.acpi_tables = blobs[3];
  std::vector<BootEvent> out = rtmr0_events(digests);
  out.erase(out.begin(), out.begin() + only_tdx);
  const auto tables = std::find_if(out.begin(), out.end(), [&](const BootEvent& event) {
    return event.digest == digests.acpi_tables;
  });
  out.insert(tables, {"tpm-log", blobs[2]});
  return out;
}

struct Boot {
  std::string image{}; ///< directory
  std::uint64_t memory = 0;
  bool header_written = false;
  std::string blobs{}; ///< file of digests
  std::vector<std::string> logs{};
};

Result<crypto::Sha384Digest> kernel_event(const Boot& boot, ByteView kernel, std::size_t initrd)
{
  return boot.header_written ? kernel_digest(kernel, {boot.memory, initrd})
                             : authenticode_sha384(kernel);
}

Status check(const Boot& boot)
{
  const Log log = TRY(longest_log(boot.logs));
  const codec::Json metadata =
      TRY(codec::parse_json(as_text(TRY(sys::read_file(boot.image + "/metadata.json", max_file)))));
  const auto file = [&](std::string_view key) -> Result<Bytes> {
    return sys::read_file(boot.image + "/" + TRY(metadata.need_string(key)), max_file);
  };
  TRY(check_ovmf_variant(TRY(metadata.need_string("ovmf_variant"))));
  const Bytes kernel = TRY(file("kernel"));
  const Bytes initrd = TRY(file("initrd"));
  const std::string cmdline = TRY(metadata.need_string("cmdline"));
  const Bytes blobs = TRY(sys::read_file(boot.blobs, max_file));
  TRY(compare(0, events_of(log, 0), TRY(configuration_events(as_text(blobs)))));
  const auto loaded = TRY(kernel_event(boot, kernel, initrd.size()).within("kernel"));
  TRY(compare(1, events_of(log, 1), rtmr1_events(loaded)));
  return compare(2, events_of(log, 2),
                 rtmr2_events(cmdline_digest(cmdline), crypto::sha384(initrd)));
}

} // namespace
} // namespace dstack::measure

int main(int argc, char** argv)
{
  const std::vector<std::string> arguments{argv + 1, argv + argc};
  dstack::measure::Boot boot;
  boot.image = arguments.at(0);
  boot.memory = *dstack::parse_u64(arguments.at(1));
  boot.header_written = arguments.at(2) == "header";
  boot.blobs = arguments.at(3);
  boot.logs.assign(arguments.begin() + 4, arguments.end());
  const auto done = dstack::measure::check(boot);
  if (done) return 0;
  fmt::print("FAILED: {}\n", done.error().message());
  return 1;
}
