#include "cli/cmd/add.hpp"
#include "cli/control.hpp"
#include "cli/vms.hpp"
#include "crypto/random.hpp"

namespace dstack::cli {

namespace {

constexpr std::size_t nonce_size = 32;

struct Options {
  std::string vm;
  std::string nonce;
};

Result<Exit> run(const Options& o, Context& ctx)
{
  const store::VmRecord vm = TRY(pick_vm(ctx, o.vm));
  if (!store::is_alive(vm))
    return fail(Errc::not_found, "{} is not running\n'dstack start {}' starts it", shown_name(vm),
                shown_name(vm));
  Bytes nonce(nonce_size);
  if (o.nonce.empty())
    crypto::random_bytes(nonce);
  else
    nonce = TRY(as_usage(parse_hex(o.nonce).within("--nonce")));
  const codec::Json answer = TRY(Control{vm.paths()}
                                     .guest("Quote", codec::Json::object().set("nonce", hex(nonce)))
                                     .within("{}", shown_name(vm)));
  ctx.ui().raw(codec::write_json(answer, {.indent = 2}) + "\n");
  if (vm.spec.tee == store::Tee::sim)
    ctx.ui().note("simulated: no TEE hardware vouches for this quote");
  return Exit::ok;
}

} // namespace

void add_quote_get(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("quote get", "A fresh quote of a running VM, with its event log");
  leaf.argument("VM", o->vm, "Name or id; may be left out when there is only one")
      .completes(live_vm_names);
  leaf.option("--nonce", o->nonce, "HEX",
              "Challenge to answer, at most 64 bytes; default is random");
  leaf.describe("Asks the guest agent and prints what GetQuote answers: quote, event_log, "
                "report_data, vm_config, and the nonce. The report data is the SHA-512 of "
                "\"dstack-host-quote:\" and the nonce: the host cannot have anything else vouched "
                "for this way. 'dstack verify --nonce' knows the form.")
      .example("dstack quote get hello --nonce 00ff", "Ask, and keep the answer for verify")
      .example("dstack verify att.json --nonce 00ff --image dstack-0.6.0", "Judge")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
