#pragma once
/// Tells when nobody holds an open root any more: requests keep theirs to their end.

#include "sys/poll.hpp"
#include "vault/vault.hpp"

#include <list>

namespace dstack::kmsnode {

/// Lives on the loop's thread, and must not outlive the loop.
class RootKeeper {
public:
  using Done = std::function<void(Status)>;
  using Root = std::shared_ptr<const vault::OpenRoot>;

  static Result<std::unique_ptr<RootKeeper>> create(sys::Loop& loop);
  ~RootKeeper();
  RootKeeper(const RootKeeper&) = delete;
  RootKeeper& operator=(const RootKeeper&) = delete;

  /// From any thread; it may be let go on any thread, too.
  Root keep(vault::OpenRoot root) const;
  /// done is called once: when a root of ours is gone, or after the limit with Errc::timeout.
  void await(std::weak_ptr<const vault::OpenRoot> root, std::chrono::milliseconds limit, Done done);

private:
  struct Waiting {
    std::weak_ptr<const vault::OpenRoot> root;
    Done done;
    sys::Loop::TimerId timer = 0;
  };
  RootKeeper(sys::Loop& loop, std::shared_ptr<const sys::Fd> gone)
      : loop_(loop), gone_(std::move(gone))
  {
  }
  void look();

  sys::Loop& loop_;
  std::shared_ptr<const sys::Fd> gone_; ///< eventfd
  std::list<Waiting> waiting_;
};

} // namespace dstack::kmsnode
