#include "route/app_table.hpp"

#include "base/text.hpp"

namespace dstack::route {

namespace {

constexpr std::uint16_t built_in_port = 80;

Route to_app(const AppLabel& label, std::string domain, const AppTable& table)
{
  const AppTable::Match* match = table.find(label.id);
  if (match == nullptr)
    return Refusal{RefusedFor::unknown_app,
                   fmt::format("no app or instance {} is registered", printable(label.id))};
  return ToApp{label, std::move(domain), match};
}

} // namespace

AppTable::AppTable(std::vector<InstanceRecord> records) : records_(std::move(records))
{
  // Instances first: an id that is both is the instance's (spec gateway 9.4).
  for (std::uint32_t i = 0; i < records_.size(); ++i)
    by_id_.try_emplace(records_[i].id, Match{MatchKind::instance, {i}});
  for (std::uint32_t i = 0; i < records_.size(); ++i) {
    if (by_id_.at(records_[i].id).members.front() != i) continue;
    Match& match = by_id_[records_[i].app_id];
    if (match.kind == MatchKind::app) match.members.push_back(i);
  }
}

const AppTable::Match* AppTable::find(std::string_view id) const
{
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &found->second;
}

std::string_view name_of(RefusedFor why)
{
  switch (why) {
  case RefusedFor::no_name:
    return "no_name";
  case RefusedFor::bad_label:
    return "bad_label";
  case RefusedFor::unknown_app:
    return "unknown_app";
  case RefusedFor::built_in_port:
    return "built_in_port";
  case RefusedFor::port_closed:
    return "port_closed";
  case RefusedFor::policy_unknown:
    return "policy_unknown";
  case RefusedFor::over_limit:
    return "over_limit";
  case RefusedFor::no_txt_record:
    return "no_txt_record";
  case RefusedFor::resolver_failed:
    return "resolver_failed";
  case RefusedFor::unreachable:
    return "unreachable";
  }
  bug("no such reason");
}

Alert alert_of(RefusedFor why)
{
  switch (why) {
  case RefusedFor::no_name:
  case RefusedFor::bad_label:
  case RefusedFor::unknown_app:
  case RefusedFor::built_in_port:
  case RefusedFor::no_txt_record:
    return Alert::unrecognized_name;
  case RefusedFor::port_closed:
  case RefusedFor::policy_unknown:
    return Alert::access_denied;
  case RefusedFor::over_limit:
  case RefusedFor::resolver_failed:
  case RefusedFor::unreachable:
    return Alert::internal_error;
  }
  bug("no such reason");
}

Route route_of(const Hello& hello, const RouteSettings& settings, const AppTable& table)
{
  if (hello.server_name.empty())
    return Refusal{RefusedFor::no_name,
                   hello.literal_address.empty()
                       ? "the client named no host"
                       : fmt::format("the client named the address {}", hello.literal_address)};
  const auto below = name_below(hello.server_name, settings.domains);
  if (!below) return ToCustomDomain{hello.server_name};
  const auto label = parse_app_label(below->label);
  if (!label) return Refusal{RefusedFor::bad_label, label.error().message()};
  const bool built_in = label->id == "gateway" || label->id == "health";
  if (built_in && label->mode != Mode::passthrough) {
    if (label->port != built_in_port)
      return Refusal{RefusedFor::built_in_port,
                     fmt::format("{} has no port {}", label->id, label->port)};
    return ToBuiltIn{label->id == "health" ? ToBuiltIn::Page::health : ToBuiltIn::Page::gateway,
                     std::string{below->domain}};
  }
  return to_app(*label, std::string{below->domain}, table);
}

Route route_of(const CustomTarget& target, const AppTable& table)
{
  return to_app({target.id, target.port, Mode::passthrough}, {}, table);
}

} // namespace dstack::route
