#pragma once
/// Getting a sealing key from the host's SGX key provider (spec host 1.18): blocking and with the
/// parsing of what others send, so it runs in a process of its own, `dstack-vm --sealing-key`.

#include "agents/vm/settings.hpp"
#include "sys/poll.hpp"

namespace dstack::supervisor {

/// In the helper process: the quote on standard input, one JSON document on standard output, the
/// answer or {"error":{"code","message"}}. Arguments: ADDRESS PORT COLLATERAL-PROGRAM.
int run_sealing_exchange(const std::vector<std::string>& arguments);

/// The helper process, watched by the loop. Ends with the object.
class SealingExchange {
public:
  /// Called once: {"encrypted_key","provider_quote","collateral"} (bytes in hex), or why not.
  using Done = std::function<void(const Result<codec::Json>&)>;
  static Result<std::unique_ptr<SealingExchange>>
  start(sys::Loop& loop, const KeyProvider& provider, const Bytes& quote, Done done);
  ~SealingExchange();
  SealingExchange(const SealingExchange&) = delete;
  SealingExchange& operator=(const SealingExchange&) = delete;

  bool over() const { return !done_; }

private:
  struct Process;
  SealingExchange(sys::Loop& loop, Done done);
  void take(ByteView data);
  void finish(const Result<codec::Json>& result);

  sys::Loop& loop_;
  Done done_;
  std::unique_ptr<Process> process_;
  std::string output_;
  sys::Loop::TimerId timer_ = 0;
};

} // namespace dstack::supervisor
