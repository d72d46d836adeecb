/// Prints the SHA-384 digests of the blobs a firmware measures as "ACPI DATA" in a machine with a
/// TPM, in the order of its table loader. Arguments: QEMU and those of the machine.
#include "crypto/hash.hpp"
#include "firmware_config.hpp"

namespace dstack::qtest {
namespace {

Status print_digests(const std::string& qemu, const std::vector<std::string>& arguments)
{
  Machine machine = TRY(Machine::start(qemu, arguments));
  TRY(play_firmware(machine));
  for (const std::string_view name :
       {"etc/table-loader", "etc/acpi/rsdp", "etc/tpm/log", "etc/acpi/tables"}) {
    const Bytes blob = TRY(config_file(machine, name).within("{}", name));
    fmt::print("{}\n", hex(crypto::sha384(blob)));
  }
  return ok();
}

} // namespace
} // namespace dstack::qtest

int main(int argc, char** argv)
{
  const auto done = dstack::qtest::print_digests(argv[1], {argv + 2, argv + argc});
  if (done) return 0;
  fmt::print(stderr, "{}\n", done.error().message());
  return 1;
}
