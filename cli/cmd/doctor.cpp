#include "cli/cmd/add.hpp"
#include "cli/images.hpp"
#include "cli/settings.hpp"
#include "cli/vms.hpp"
#include "store/host_facts.hpp"

#include <algorithm>

namespace dstack::cli {

namespace {

enum class Severity { good, remark, problem };

struct Check {
  std::string name;
  Severity severity = Severity::good;
  std::string evidence;
  std::string remedy;
};

constexpr std::uint64_t little_space = std::uint64_t{4} << 30U;

std::string_view word_of(Severity severity)
{
  switch (severity) {
  case Severity::good:
    return "ok";
  case Severity::remark:
    return "note";
  case Severity::problem:
    return "FAIL";
  }
  return "";
}

Tone tone_of(Severity severity)
{
  switch (severity) {
  case Severity::good:
    return Tone::good;
  case Severity::remark:
    return Tone::warn;
  case Severity::problem:
    return Tone::bad;
  }
  return Tone::plain;
}

Check fact(std::string name, const store::HostFact& fact, std::string remedy)
{
  if (fact.usable) return {std::move(name), Severity::good, fact.why, ""};
  return {std::move(name), Severity::remark, fact.why, std::move(remedy)};
}

void check_host(std::vector<Check>& out)
{
  const store::HostFacts host = store::detect_host();
  if (host.qemu)
    out.push_back({"qemu", Severity::good,
                   fmt::format("{} (version {})", host.qemu->path.string(), host.qemu->version),
                   ""});
  else
    out.push_back({"qemu", Severity::problem, host.qemu.error().message(),
                   "apt-get install qemu-system-x86"});
  out.push_back(
      fact("kvm", host.kvm,
           "VMs run under software emulation, several times slower; enable virtualisation "
           "and join the group kvm"));
  out.push_back(
      fact("tdx", host.tdx,
           "VMs are simulated (dstack help simulated); TDX needs a 4th generation Xeon or "
           "later, TDX on in the BIOS, a kernel with kvm_intel.tdx=1 and QEMU 10.1"));
  out.push_back(fact("vsock", host.vsock, "not needed: a virtio-serial port is used instead"));
}

void check_space(std::vector<Check>& out, const Context& ctx)
{
  for (const auto& [name, path] :
       {std::pair{"vms", ctx.vms_dir()}, std::pair{"images", ctx.images_dir()}}) {
    sys::fs::path existing = path;
    std::error_code code;
    while (!sys::fs::exists(existing, code) && existing.has_relative_path())
      existing = existing.parent_path();
    const auto free = sys::free_space(existing);
    Check check{fmt::format("space for {}", name), Severity::good, "", ""};
    if (!free) {
      check = {check.name, Severity::problem, free.error().message(),
               "check the directory's permissions"};
    } else {
      check.evidence = fmt::format("{} free in {}", format_size(*free), path.string());
      if (*free < little_space) {
        check.severity = Severity::remark;
        check.remedy = "an image takes about 1G, a VM what its app writes";
      }
    }
    out.push_back(std::move(check));
  }
}

void check_programs(std::vector<Check>& out, const Context& ctx)
{
  for (const char* name : {"dstack-vm", "dstack-guest", "dstack-init"}) {
    const auto path = ctx.helper(name);
    if (path)
      out.push_back({name, Severity::good, path->string(), ""});
    else
      out.push_back({name, Severity::problem,
                     std::string{split(path.error().message(), '\n').front()},
                     "build or install dstack again"});
  }
}

void check_image(std::vector<Check>& out, const Context& ctx)
{
  const auto newest = image_or_newest(ctx, "");
  if (!newest) {
    out.push_back({"OS image", Severity::remark, "none yet", "dstack os build"});
    return;
  }
  const auto info = osbuild::describe_image(*newest);
  if (info)
    out.push_back({"OS image", Severity::good,
                   fmt::format("{} ({})", newest->filename().string(), info->image_hash), ""});
  else
    out.push_back(
        {"OS image", Severity::problem, info.error().message(), "dstack os build --force"});
}

void check_vms(std::vector<Check>& out, const Context& ctx)
{
  const auto all = vm_store(ctx).list();
  if (!all) {
    out.push_back(
        {"VMs", Severity::problem, all.error().message(), "check the directory's permissions"});
    return;
  }
  std::size_t alive = 0;
  for (const store::VmRecord& vm : *all) {
    alive += store::is_alive(vm) ? 1U : 0U;
    if (!vm.problem.empty())
      out.push_back({"VM " + shown_name(vm), Severity::problem, vm.problem,
                     fmt::format("dstack rm {}", shown_name(vm))});
  }
  out.push_back({"VMs", Severity::good, fmt::format("{}, {} running", all->size(), alive), ""});
}

void print(const std::vector<Check>& checks, Context& ctx)
{
  std::size_t width = 0;
  for (const Check& check : checks)
    width = std::max(width, check.name.size());
  for (const Check& check : checks) {
    ctx.ui().line(fmt::format(
        "{}  {:<{}}  {}",
        ctx.ui().paint_out(tone_of(check.severity), fmt::format("{:<4}", word_of(check.severity))),
        check.name, width, printable(check.evidence)));
    if (!check.remedy.empty())
      ctx.ui().line(fmt::format("      {:<{}}  -> {}", "", width, check.remedy));
  }
}

codec::Json document_of(const std::vector<Check>& checks, bool usable)
{
  codec::Json list = codec::Json::array();
  for (const Check& check : checks)
    list.push(codec::Json::object()
                  .set("name", check.name)
                  .set("severity", lower(word_of(check.severity)))
                  .set("evidence", check.evidence)
                  .set("remedy", check.remedy));
  return codec::Json::object()
      .set("schema", "dstack.doctor/1")
      .set("usable", usable)
      .set("checks", list);
}

Result<Exit> run(Context& ctx)
{
  use_programs(TRY(load_config(ctx, SettingOptions{})));
  std::vector<Check> checks;
  check_host(checks);
  check_programs(checks, ctx);
  check_image(checks, ctx);
  check_space(checks, ctx);
  check_vms(checks, ctx);
  const bool usable = std::none_of(checks.begin(), checks.end(), [](const Check& check) {
    return check.severity == Severity::problem;
  });
  if (ctx.ui().json())
    ctx.ui().document(document_of(checks, usable));
  else
    print(checks, ctx);
  return usable ? Exit::ok : Exit::failed;
}

} // namespace

void add_doctor(Tree& tree)
{
  tree.leaf("doctor", "Check what this machine can do, and say what is missing")
      .json("dstack.doctor/1")
      .describe(
          "One line for each check with what was seen and what to do about it. 'note' means "
          "that dstack works without it; 'FAIL' that it does not, and then the exit status is 1.")
      .example("dstack doctor", "For people")
      .example("dstack doctor --json", "For programs and bug reports")
      .runs(run);
}

} // namespace dstack::cli
