#include "cli/cmd/add.hpp"
#include "cli/doctor/facts.hpp"
#include "cli/images.hpp"
#include "cli/settings.hpp"
#include "cli/vms.hpp"
#include "probe/probe.hpp"

#include <algorithm>

namespace dstack::cli {

namespace {

using host::Check;
using host::Severity;

struct Options {
  std::string tee; ///< empty: what a deploy would take
  std::string facts;
  std::string record;
  bool offline = false;
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

codec::Json document_of(const std::vector<Check>& checks, host::Platform platform, bool usable)
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
      .set("tee", host::name_of(platform))
      .set("usable", usable)
      .set("checks", list);
}

/// Checks with which platform they are for.
struct Findings {
  host::Platform platform = host::Platform::sim;
  std::vector<Check> checks;
};

host::Platform asked_for(const Options& o, const host::Facts& facts)
{
  const auto asked = host::parse_platform(o.tee); // only choices of the option come here
  return asked ? *asked : host::usual_platform(facts);
}

Result<Findings> judge_recorded(const Options& o)
{
  const host::Facts facts = TRY(read_facts(o.facts).within("--facts"));
  Findings out{asked_for(o, facts), {}};
  out.checks = host::judge(facts, out.platform);
  return out;
}

Result<Findings> judge_here(const Options& o, Context& ctx)
{
  const config::Config config = TRY(load_config(ctx, SettingOptions{}));
  use_programs(config);
  codec::Json gathered = probe::gather({});
  Findings out;
  out.platform = asked_for(o, TRY(host::Facts::from_json(gathered)));
  const auto network = o.offline ? Network::left_alone : Network::asked;
  if (out.platform == host::Platform::tdx) probe::add_quote_service(gathered);
  add_services(gathered, out.platform, config, network);
  const host::Facts facts = TRY(host::Facts::from_json(gathered));
  if (!o.record.empty()) TRY(record_facts(std::move(gathered), o.record, ctx));
  out.checks = host::judge(facts, out.platform);
  check_programs(out.checks, ctx);
  check_image(out.checks, ctx);
  check_space(out.checks, ctx);
  check_vms(out.checks, ctx);
  return out;
}

Result<Exit> run(const Options& o, Context& ctx)
{
  if (!o.facts.empty() && !o.record.empty())
    return fail(Errc::usage, "--record writes what is found here, --facts judges a recording: "
                             "one of them");
  const Findings found = o.facts.empty() ? TRY(judge_here(o, ctx)) : TRY(judge_recorded(o));
  if (o.record == "-") return Exit::ok;
  const bool usable =
      std::none_of(found.checks.begin(), found.checks.end(),
                   [](const Check& check) { return check.severity == Severity::problem; });
  if (ctx.ui().json())
    ctx.ui().document(document_of(found.checks, found.platform, usable));
  else
    print(found.checks, ctx);
  return usable ? Exit::ok : Exit::failed;
}

} // namespace

void add_doctor(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("doctor", "Check what this machine can do, and say what is missing");
  leaf.option("--tee", o->tee, "TEE", "What VMs are to be protected by")
      .choices({"sim", "tdx", "snp"})
      .fallback("what deploy would take");
  leaf.file("--record", o->record,
            "Also write what was found to a file, for a bug report; - is stdout, nothing else is "
            "printed then");
  leaf.file("--facts", o->facts, "Judge what was recorded elsewhere instead; - is stdin");
  leaf.flag("--offline", o->offline, "Do not ask the PCCS or AMD's key service");
  leaf.json("dstack.doctor/1")
      .describe(
          "One line for each check with what was seen and what to do about it. 'note' means "
          "that VMs run without it; 'FAIL' that they do not, and then the exit status is 1.\n\n"
          "Which checks count is a matter of the TEE asked about: a machine without TDX is good "
          "for simulated VMs. With --tee tdx or --tee snp every piece is looked at, from the "
          "processor to the service that signs quotes, whatever this machine is. The recording is "
          "a JSON document (dstack.host-facts/1) about processor, kernel, devices, programs and the "
          "services asked; it says nothing of users, VMs or serial numbers. A recording that "
          "cannot be read ends with status 4.")
      .example("dstack doctor", "For people")
      .example("dstack doctor --tee tdx", "What is missing for TDX, from firmware to quotes")
      .example("dstack doctor --json", "For programs")
      .example("dstack doctor --record facts.json", "For bug reports")
      .example("dstack doctor --tee tdx --facts facts.json", "Judge another machine")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
