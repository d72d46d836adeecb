// QEMU, asked what it is and can do, and optional programs.
#include "probe/probe.hpp"

#include "base/text.hpp"
#include "store/host_facts.hpp"
#include "sys/spawn.hpp"

#include <algorithm>

namespace dstack::probe {

using codec::Json;

namespace {

constexpr std::chrono::milliseconds help_deadline{20'000};
/// Objects that a check or a command line asks for.
constexpr std::string_view wanted_objects[] = {
    "tdx-guest", "sev-snp-guest", "iommufd", "memory-backend-file", "memory-backend-memfd"};

Json object_names(const std::string& qemu)
{
  Json out = Json::array();
  const auto help = sys::run({.argv = {qemu, "-object", "help"}}, {}, {.deadline = help_deadline});
  if (!help) return out;
  const auto all = parse_object_names(help->out);
  for (const std::string_view name : wanted_objects)
    if (std::find(all.begin(), all.end(), name) != all.end()) out.push(name);
  return out;
}

/// QEMU without KVM does not know the answer, and asking takes a start of QEMU.
void add_sev(const std::string& qemu, Json& out)
{
  const auto told = ask_sev_capabilities(qemu);
  if (!told) {
    out.set("sev_error", told.error().message());
    return;
  }
  out.set("c_bit_position", told->c_bit_position);
  out.set("reduced_phys_bits", told->reduced_phys_bits);
}

} // namespace

std::vector<std::string> parse_object_names(std::string_view help)
{
  std::vector<std::string> out;
  for (const std::string_view line : split(help, '\n')) {
    const std::string_view word = trim(line);
    if (!word.empty() && word.find(' ') == std::string_view::npos) out.emplace_back(word);
  }
  return out;
}

Result<SevCapabilities> parse_sev_capabilities(std::string_view answers)
{
  for (const std::string_view line : split(answers, '\n')) {
    if (trim(line).empty()) continue;
    const Json message = TRY(codec::parse_json(trim(line)).within("QMP"));
    if (const Json* error = message.find("error"))
      return fail(Errc::unsupported, "{}", printable(TRY(error->get_string("desc", "no reason"))));
    const Json* told = message.find("return");
    if (told == nullptr || told->find("cbitpos") == nullptr) continue;
    const std::uint64_t bit = TRY(told->need_u64("cbitpos").within("QMP"));
    const std::uint64_t reduced = TRY(told->need_u64("reduced-phys-bits").within("QMP"));
    constexpr std::uint64_t most = 63;
    if (bit > most || reduced > most)
      return fail(Errc::malformed, "QMP: bit {} and {} address bits less", bit, reduced);
    return SevCapabilities{static_cast<std::uint32_t>(bit), static_cast<std::uint32_t>(reduced)};
  }
  return fail(Errc::malformed, "QEMU ended without an answer");
}

Result<SevCapabilities> ask_sev_capabilities(const std::string& qemu)
{
  constexpr std::string_view questions = "{\"execute\":\"qmp_capabilities\"}\n"
                                         "{\"execute\":\"query-sev-capabilities\"}\n"
                                         "{\"execute\":\"quit\"}\n";
  const sys::Command command{.argv = {qemu, "-machine", "none,accel=kvm", "-display", "none",
                                      "-nodefaults", "-qmp", "stdio"}};
  const auto output =
      TRY(sys::run_ok(command, as_bytes(questions), {.deadline = help_deadline}).within("QEMU"));
  return parse_sev_capabilities(output.out);
}

void add_programs(Json& facts)
{
  Json qemu = Json::object();
  const auto found = store::find_qemu();
  if (found) {
    const std::string path = found->path.string();
    qemu.set("path", path).set("version", found->version).set("objects", object_names(path));
    const auto checked = host::Facts::from_json(facts);
    constexpr unsigned vm_type_snp = 4;
    const std::uint64_t types = checked ? checked->number("kvm.vm_types").value_or(0) : 0;
    if ((types >> vm_type_snp & 1U) != 0) add_sev(path, qemu);
  } else {
    qemu.set("error", found.error().message());
  }
  facts.set("qemu", std::move(qemu));
  Json swtpm = Json::object();
  if (const auto path = sys::find_program("swtpm")) swtpm.set("path", path->string());
  facts.set("swtpm", std::move(swtpm));
}

} // namespace dstack::probe
