#include "certs/workshop.hpp"

namespace dstack::certs {

namespace {

constexpr unsigned threads = 12; ///< an issuance waits for one thing at a time, and mostly pauses
constexpr std::size_t max_queue = 4096;
constexpr std::chrono::milliseconds when_full{1000};

} // namespace

Result<std::unique_ptr<Workshop>> Workshop::create(sys::Loop& loop, Listener listener, World world)
{
  std::unique_ptr<Workshop> out{new Workshop{loop, std::move(listener), std::move(world)}};
  out->pool_ = TRY(sys::WorkerPool::create(loop, {threads, max_queue}));
  return out;
}

void Workshop::start(std::function<void()> work, std::function<void()> done)
{
  if (pool_->run(work, done)) return;
  loop_.after(when_full, [work, done, here = std::weak_ptr<const bool>{here_}, this] {
    if (here.lock()) start(work, done);
  });
}

void Workshop::answer_for(const void* issuance, Challenges challenges)
{
  const bool nothing = challenges.alpn.empty() && challenges.http.empty();
  if (nothing && challenges_.erase(issuance) == 0) return;
  if (!nothing) challenges_[issuance] = std::move(challenges);
  Challenges all;
  for (const auto& [of, some] : challenges_) {
    all.alpn.insert(all.alpn.end(), some.alpn.begin(), some.alpn.end());
    all.http.insert(all.http.end(), some.http.begin(), some.http.end());
  }
  if (listener_.challenges) listener_.challenges(all);
}

} // namespace dstack::certs
