// links: route
// Host names, labels, TXT records and networks: what is accepted reads the same once more, and no
// question is one that DNS could not hold.
#include "base/text.hpp"
#include "route/app_name.hpp"
#include "route/custom_domain.hpp"
#include "route/host_name.hpp"
#include "route/ip.hpp"

using namespace dstack;

namespace {

void questions(std::string_view host)
{
  const auto all =
      route::txt_questions(host, route::default_txt_prefix, route::LegacyRecords::asked);
  for (const auto& name : {all.exact, all.legacy, all.wildcard})
    DSTACK_ASSERT(!name || route::host_name(*name));
}

void addresses(std::string_view text)
{
  if (const auto address = route::parse_address(text))
    DSTACK_ASSERT(*route::parse_address(address->text()) == *address);
  if (const auto network = route::parse_network(text)) {
    DSTACK_ASSERT(*route::parse_network(network->text()) == *network);
    DSTACK_ASSERT(network->contains(network->base()));
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const std::string_view text = as_text({data, size});
  if (const auto host = route::host_name(text)) {
    DSTACK_ASSERT(host->size() <= route::max_host_name && lower(*host) == *host);
    DSTACK_ASSERT(*route::host_name(*host) == *host);
    questions(*host);
    const auto below = route::name_below(*host, {"example.com"});
    DSTACK_ASSERT(!below || fmt::format("{}.{}", below->label, below->domain) == *host);
  }
  if (const auto label = route::parse_app_label(text))
    DSTACK_ASSERT(label->port != 0 && !label->id.empty() && text.starts_with(label->id));
  if (const auto target = route::parse_app_address(text))
    DSTACK_ASSERT(*route::parse_app_address(fmt::format("{}:{}", target->id, target->port)) ==
                  *target);
  addresses(text);
  return 0;
}
