#pragma once
/// The DstackKms contract as whose rules decide (spec kms 11.5, 12): what an Ethereum node is asked
/// by JSON-RPC, and what counts as an answer. Only bytes; the caller sends them, every time and
/// with a deadline. The node is believed: no state proof is asked for.

#include "kms/policy.hpp"

#include <functional>

namespace dstack::kms {

inline constexpr std::size_t max_chain_answer = std::size_t{64} << 10U;

/// Calldata of isAppAllowed or isKmsAllowed (spec kms 12.1, 12.4). Errc::denied for fields of other
/// sizes than the contract's types: nothing is padded, so that no two callers look the same to it
/// (trap 24). A VM without an instance id has address(0), as no VM with one may.
Result<Bytes> boot_auth_calldata(Role role, const BootInfo& info);

struct ChainAnswer {
  unsigned status = 0; ///< of HTTP
  std::string body{};
};
/// POSTs one JSON-RPC request to chain.rpc; any status is an answer.
using ChainPost = std::function<Result<ChainAnswer>(const std::string& body)>;

/// Asks for the chain's id, for the head where confirmations are wanted, for the contract's word,
/// and for the gateway where an app is allowed. Refusals and reverts are decisions; errors
/// (Errc::denied, as no keys follow) are another chain, nodes that do not answer, and whatever is
/// not exactly an answer to what was asked. No text shows more of the node's address than its host.
Result<Decision>
ask_chain(const Chain& chain, Role role, const BootInfo& info, const ChainPost& post);

/// "contract 0xd343… on chain 1 through https://rpc.example", for people.
std::string to_line(const Chain& chain);

} // namespace dstack::kms
