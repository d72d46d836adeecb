// links: etcd
// What etcd answers: no crash; what is taken has keys, revisions that are not negative, and texts of
// refusals that obey no terminal. The first byte chooses the reader.
#include "base/text.hpp"
#include "etcd/messages.hpp"

using namespace dstack;

namespace {

void check(const etcd::KeyValue& one)
{
  DSTACK_ASSERT(!one.key.empty() && one.key.size() <= etcd::max_key);
  DSTACK_ASSERT(one.created >= 0 && one.changed >= 0);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  if (size == 0) return 0;
  const std::string_view text = as_text({data + 1, size - 1});
  switch (data[0] % 5) {
  case 0:
    if (const auto found = etcd::parse_found(text))
      for (const etcd::KeyValue& one : found->all)
        check(one);
    break;
  case 1:
    if (const auto outcome = etcd::parse_outcome(text))
      for (const etcd::KeyValue& one : outcome->there)
        check(one);
    break;
  case 2:
    if (const auto lease = etcd::parse_lease(text)) DSTACK_ASSERT(lease->seconds >= 0);
    break;
  case 3:
    if (const auto notice = etcd::parse_notice(text))
      for (const etcd::Event& one : notice->events)
        check(one.item);
    break;
  default: {
    const std::string why = etcd::refusal(500, text).message();
    DSTACK_ASSERT(printable(why) == why);
  }
  }
  return 0;
}
