#include "cli/cmd/add.hpp"
#include "cli/images.hpp"
#include "cli/kms/caller.hpp"
#include "cli/kms/policy_file.hpp"
#include "cli/measure/material.hpp"
#include "tee/sim_image.hpp"

#include <algorithm>

namespace dstack::cli {

namespace {

using Registers = std::vector<std::pair<std::string, std::vector<std::string>>>;

struct Options {
  std::string file;
  std::string image;
  bool simulated = false;
  std::vector<std::string> rtmr0;
  std::vector<std::string> rtmr1;
  CallerOptions caller;
  bool dry_run = false;
};

void put(Registers& registers, std::string_view name, const std::string& value)
{
  auto at = std::find_if(registers.begin(), registers.end(),
                         [&](const auto& one) { return one.first == name; });
  if (at == registers.end()) at = registers.insert(at, {std::string{name}, {}});
  if (std::find(at->second.begin(), at->second.end(), value) == at->second.end())
    at->second.push_back(value);
}

/// What the files of the image determine, whatever shape the VM has.
Result<kms::ImageRule> computed(const Options& o, const Context& ctx)
{
  if (parse_hex_array<32>(o.image))
    return fail(Errc::usage,
                "the registers of image {} cannot be computed from its hash\n"
                "name an image of 'dstack os list', or a directory",
                o.image);
  const sys::fs::path directory = TRY(find_image(ctx, o.image));
  kms::ImageRule out;
  out.hash = TRY(verify_image_cached(ctx, directory).within("--image {}", o.image)).image_hash;
  const ImageFiles image = TRY(open_image_directory(directory));
  out.name = image.name;
  const Bytes firmware = TRY(
      sys::read_file(directory / image.metadata.bios, measure::max_firmware_size).within("firmware"));
  for (const auto order : {measure::PageOrder::two_pass, measure::PageOrder::single_pass})
    put(out.registers, "mrtd", hex(TRY(measure::mrtd(firmware, order))));
  const auto initrd = TRY(tee::boot_file_digest(directory / image.metadata.initrd));
  const auto cmdline = measure::cmdline_digest(image.metadata.cmdline);
  put(out.registers, "rtmr2", hex(measure::replay(measure::rtmr2_events(cmdline, initrd))));
  if (!o.simulated) return out;
  const measure::VmShape any{1, std::uint64_t{1} << 30U}; // RTMR0 alone depends on it
  const auto boot = TRY(tee::simulated_image_boot(directory, image.metadata, any));
  put(out.registers, "mrtd", hex(boot.mrtd));
  put(out.registers, "rtmr1", hex(boot.rtmr[1]));
  put(out.registers, "rtmr2", hex(boot.rtmr[2]));
  return out;
}

/// RTMR0 and RTMR1 of a VM of this image that somebody trusts: measured there, not computed here.
Status take_from_evidence(const Options& o, Context& ctx, kms::ImageRule& image)
{
  const kms::BootInfo info = TRY(read_caller(o.caller, kms::Policy{}, ctx));
  if (hex(info.os_image_hash) != image.hash)
    return fail(Errc::untrusted, "{}: a VM of image {}, not {}", o.caller.attestation,
                info.os_image_hash.empty() ? "no name" : hex(info.os_image_hash), image.hash);
  for (const char* name : {"mrtd", "rtmr2"}) {
    const std::string* seen = info.find_register(name);
    const auto known = std::find_if(image.registers.begin(), image.registers.end(),
                                    [&](const auto& one) { return one.first == name; });
    if (seen == nullptr || known == image.registers.end() ||
        std::find(known->second.begin(), known->second.end(), *seen) == known->second.end())
      return fail(Errc::untrusted, "{}: its {} is not what this image gives", o.caller.attestation,
                  name);
  }
  for (const char* name : {"rtmr0", "rtmr1"})
    if (const std::string* seen = info.find_register(name)) put(image.registers, name, *seen);
  return ok();
}

Status check_given(const Options& o)
{
  for (const auto* values : {&o.rtmr0, &o.rtmr1})
    for (const std::string& value : *values)
      TRY(as_usage(
          parse_hex_array<48>(value).within("{}", values == &o.rtmr0 ? "--rtmr0" : "--rtmr1")));
  return ok();
}

Result<Exit> run(const Options& o, Context& ctx)
{
  TRY(check_given(o));
  kms::ImageRule image = TRY(computed(o, ctx));
  for (const std::string& value : o.rtmr0)
    put(image.registers, "rtmr0", lower(value));
  for (const std::string& value : o.rtmr1)
    put(image.registers, "rtmr1", lower(value));
  if (!o.caller.attestation.empty()) TRY(take_from_evidence(o, ctx, image));
  const EditMode mode = o.dry_run ? EditMode::only_say : EditMode::write;
  const auto changes = TRY(edit_kms_policy(
      o.file,
      [&](std::string_view text, std::string_view name) {
        return kms::add_image(text, image, name);
      },
      mode));
  show_edit(ctx, o.file, changes, mode);
  const bool whole = std::any_of(image.registers.begin(), image.registers.end(),
                                 [](const auto& one) { return one.first == "rtmr1"; });
  if (!whole)
    ctx.ui().warn("RTMR1 (the kernel as firmware measures it) is not computed for TDX hardware; "
                  "until the policy states it, VMs of this image get no keys: give --rtmr1, or "
                  "--attestation of a VM you trust");
  return Exit::ok;
}

} // namespace

void add_kms_policy_allow_image(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("kms policy allow-image", "List an OS image in a policy");
  leaf.file_argument("FILE", o->file, "The policy").required();
  leaf.argument("IMAGE", o->image, "Name or directory of the image")
      .required()
      .completes(image_candidates);
  leaf.flag("--simulated", o->simulated, "Also the registers it has on the simulated TEE");
  leaf.option("--rtmr0", o->rtmr0, "HEX", "RTMR0 it may have: tables and devices of the VM");
  leaf.option("--rtmr1", o->rtmr1, "HEX", "RTMR1 it may have: the kernel");
  leaf.flag("-n,--dry-run", o->dry_run, "Only say what would change");
  leaf.file("--attestation", o->caller.attestation,
            "Evidence of a VM you trust: its RTMR0 and RTMR1 are listed")
      .group("Evidence");
  leaf.option("--at", o->caller.at, "TIME", "Judge it as of this time; default is now")
      .group("Evidence");
  add_trust_options(leaf, o->caller.trust);
  leaf.json(policy_edit_schema)
      .describe(
          "The image is checked against its hashes and its registers are computed from its "
          "files, as 'dstack verify --image' does: MRTD and RTMR2 for TDX hardware, with "
          "--simulated also RTMR1 for the simulated TEE. A KMS gives keys to a VM of an image "
          "only when MRTD, RTMR1 and RTMR2 are stated and are what the VM has.")
      .describe("Everything that stands in the file stays, comments too. Of an image that is "
                "there, registers are added.")
      .example("dstack kms policy allow-image policy.toml dstack-0.6.0 --simulated",
               "For a machine without TDX")
      .example("dstack kms policy allow-image policy.toml dstack-0.6.0 --attestation att.json",
               "For TDX, with what a trusted VM measured")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
