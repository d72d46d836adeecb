// links: kms
#include "base/text.hpp"
#include "kms/chain.hpp"

#include <cstddef>
#include <cstdint>

using namespace dstack;

namespace {

/// Whether an answer's result begins with a true boolean and the place of a string.
bool says_yes(std::string_view answer)
{
  const auto json = codec::parse_json(answer);
  const std::string yes = fmt::format("0x{:064x}{:064x}", 1, 64);
  return json && json->need_string("result")->starts_with(yes);
}

kms::BootInfo caller()
{
  kms::BootInfo out;
  out.app_id = out.instance_id = Bytes(20, 1);
  out.compose_hash = out.device_id = out.mr_aggregated = out.mr_system = out.os_image_hash =
      Bytes(32, 2);
  return out;
}

} // namespace

/// Each line of the input is what a node answers to the next question.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const auto lines = split(as_text(ByteView{data, size}), '\n');
  kms::Chain chain;
  chain.rpc = "https://u:SECRET@node/SECRET";
  chain.contract = "0x" + std::string(40, 'c');
  chain.chain_id = 1;
  for (const std::uint64_t confirmations : {0U, 2U}) {
    chain.confirmations = confirmations;
    std::size_t next = 0;
    const auto out = kms::ask_chain(chain, kms::Role::app, caller(),
                                    [&](const std::string&) -> Result<kms::ChainAnswer> {
                                      if (next == lines.size())
                                        return fail(Errc::timeout, "no answer from {}", chain.rpc);
                                      return kms::ChainAnswer{200, std::string{lines[next++]}};
                                    });
    if (!out) {
      if (out.error().code() != Errc::denied || !is_utf8(out.error().message())) __builtin_trap();
      continue;
    }
    if (out->allowed != out->reason.empty() || !is_utf8(out->reason)) __builtin_trap();
    const std::size_t questions = confirmations == 0 ? 3 : 4;
    if (out->allowed && (next != questions || !says_yes(lines[questions - 2]))) __builtin_trap();
  }
  return 0;
}
