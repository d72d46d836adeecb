#include "agents/kms/root_keeper.hpp"

#include "sys/files.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace dstack::kmsnode {

namespace {

/// Says so when it goes.
class Farewell {
public:
  explicit Farewell(std::shared_ptr<const sys::Fd> to) : to_(std::move(to)) {}
  ~Farewell()
  {
    const std::uint64_t one = 1;
    // Fails only when the counter is about to overflow, and then the loop is told already.
    static_cast<void>(!::write(to_->get(), &one, sizeof one));
  }
  Farewell(const Farewell&) = delete;
  Farewell& operator=(const Farewell&) = delete;

private:
  std::shared_ptr<const sys::Fd> to_;
};

struct Kept {
  Kept(std::shared_ptr<const sys::Fd> to, vault::OpenRoot r)
      : farewell(std::move(to)), root(std::move(r))
  {
  }
  Farewell farewell; ///< first, so that it goes last
  vault::OpenRoot root;
};

} // namespace

Result<std::unique_ptr<RootKeeper>> RootKeeper::create(sys::Loop& loop)
{
  auto gone = std::make_shared<const sys::Fd>(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!*gone) return sys::errno_error("eventfd");
  const int fd = gone->get();
  std::unique_ptr<RootKeeper> out{new RootKeeper{loop, std::move(gone)}};
  TRY(loop.watch(fd, EPOLLIN, [at = out.get()](std::uint32_t) { at->look(); }));
  return out;
}

RootKeeper::~RootKeeper()
{
  for (const Waiting& one : waiting_)
    loop_.cancel(one.timer);
  loop_.forget(gone_->get());
}

RootKeeper::Root RootKeeper::keep(vault::OpenRoot root) const
{
  const auto kept = std::make_shared<const Kept>(gone_, std::move(root));
  return {kept, &kept->root};
}

void RootKeeper::await(std::weak_ptr<const vault::OpenRoot> root,
                       std::chrono::milliseconds limit,
                       Done done)
{
  if (root.expired()) return done(ok());
  const auto at = waiting_.insert(waiting_.end(), {std::move(root), std::move(done), 0});
  at->timer = loop_.after(limit, [this, at] {
    const Done told = std::move(at->done);
    waiting_.erase(at);
    told(fail(Errc::timeout, "a request under way still holds the root"));
  });
}

void RootKeeper::look()
{
  std::uint64_t count = 0;
  static_cast<void>(!::read(gone_->get(), &count, sizeof count));
  std::list<Waiting> over;
  for (auto at = waiting_.begin(); at != waiting_.end();) {
    const auto one = at++;
    if (one->root.expired()) over.splice(over.end(), waiting_, one);
  }
  for (const Waiting& one : over) {
    loop_.cancel(one.timer);
    one.done(ok());
  }
}

} // namespace dstack::kmsnode
