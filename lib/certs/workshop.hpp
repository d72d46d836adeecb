#pragma once
/// What all issuances of a manager share. Not for use outside certs.

#include "certs/dns_provider.hpp"
#include "certs/manager.hpp"
#include "sys/workers.hpp"

namespace dstack::certs {

class Workshop {
public:
  static Result<std::unique_ptr<Workshop>> create(sys::Loop& loop, Listener listener, World world);

  sys::Loop& loop() { return loop_; }
  const Listener& listener() const { return listener_; }
  const World& world() const { return world_; }

  /// Runs `work` on a thread and then `done` here with what it came to, unless the owner is gone
  /// meanwhile.
  template <class Owner, class Work, class Done>
  void run(const std::shared_ptr<Owner>& owner, Work work, Done done)
  {
    using Outcome = decltype(work());
    auto outcome = std::make_shared<std::optional<Outcome>>();
    start([outcome, work]() mutable { outcome->emplace(work()); },
          [outcome, done, alive = std::weak_ptr<Owner>{owner}]() mutable {
            if (const auto held = alive.lock()) done(std::move(**outcome));
          });
  }
  /// After a pause, unless the owner is gone.
  template <class Owner, class Action>
  void after(const std::shared_ptr<Owner>& owner, std::int64_t ms, Action action)
  {
    loop_.after(std::chrono::milliseconds{std::max<std::int64_t>(ms, 0)},
                [action, alive = std::weak_ptr<Owner>{owner}] {
                  if (const auto held = alive.lock()) action();
                });
  }

  /// What one issuance has to be answered for; nothing when it is over.
  void answer_for(const void* issuance, Challenges challenges);

private:
  Workshop(sys::Loop& loop, Listener listener, World world)
      : loop_(loop), listener_(std::move(listener)), world_(std::move(world))
  {
  }
  void start(std::function<void()> work, std::function<void()> done);

  sys::Loop& loop_;
  Listener listener_;
  World world_;
  std::map<const void*, Challenges> challenges_{};
  std::shared_ptr<const bool> here_ = std::make_shared<const bool>(true);
  std::unique_ptr<sys::WorkerPool> pool_{};
};

} // namespace dstack::certs
