#include "base/text.hpp"
#include "kms/policy_review.hpp"
#include "kms/webhook.hpp"

#include <algorithm>
#include <map>

namespace dstack::kms {

namespace {

using Words = std::vector<std::string>;

std::string named(std::string_view kind, const std::string& id, const std::string& name)
{
  return name.empty() ? fmt::format("{} {}", kind, id) : fmt::format("{} {} ({})", kind, id, name);
}

std::string true_or_false(bool value)
{
  return value ? "true" : "false";
}

class Differ {
public:
  Differ(const Policy& before, const Policy& after) : a_(before), b_(after) {}

  std::vector<PolicyChange> run()
  {
    general();
    evidence();
    allowed("kms.mr_aggregated", a_.kms.mr_aggregated, b_.kms.mr_aggregated);
    allowed("kms.devices", a_.kms.devices, b_.kms.devices);
    images();
    apps();
    return std::move(out_);
  }

private:
  void add(Effect effect, std::string what, std::string before, std::string after)
  {
    out_.push_back({effect, std::move(what), std::move(before), std::move(after)});
  }

  void value(std::string_view what,
             const std::string& before,
             const std::string& after,
             Effect effect = Effect::other)
  {
    if (before != after) add(effect, std::string{what}, before, after);
  }

  /// Each word that came or went. In most lists more words let more through.
  void words(const std::string& what,
             const Words& before,
             const Words& after,
             Effect added = Effect::wider)
  {
    const Effect gone = added == Effect::wider ? Effect::tighter : Effect::wider;
    for (const std::string& word : before)
      if (std::find(after.begin(), after.end(), word) == after.end()) add(gone, what, word, "");
    for (const std::string& word : after)
      if (std::find(before.begin(), before.end(), word) == before.end()) add(added, what, "", word);
  }

  void allowed(const std::string& what, const Allowed& before, const Allowed& after)
  {
    if (before.any == after.any) return words(what, before.values, after.values);
    const auto text = [](const Allowed& one) {
      return one.any ? std::string{"any"} : fmt::format("[{}]", join(one.values, ", "));
    };
    add(after.any ? Effect::wider : Effect::tighter, what, text(before), text(after));
  }

  void general()
  {
    value("gateway_app_id", a_.gateway_app_id, b_.gateway_app_id);
    value("rules", std::string{name_of(a_.rules)}, std::string{name_of(b_.rules)});
    const auto url = [](const Policy& p) { return p.webhook ? redact_url(p.webhook->url) : ""; };
    const bool changed = a_.webhook && b_.webhook && a_.webhook->url != b_.webhook->url;
    if (changed || url(a_) != url(b_)) add(Effect::other, "webhook.url", url(a_), url(b_));
    const auto timeout = [](const Policy& p) {
      return p.webhook ? fmt::format("{}", p.webhook->timeout_ms) : "";
    };
    value("webhook.timeout_ms", timeout(a_), timeout(b_));
    chain();
    const auto epochs = [](const Policy& p) {
      Words out;
      for (const std::uint32_t epoch : p.retired_epochs)
        out.push_back(fmt::format("{}", epoch));
      return out;
    };
    words("retired_epochs", epochs(a_), epochs(b_), Effect::tighter);
  }

  void chain()
  {
    const Chain none;
    const Chain& a = a_.chain ? *a_.chain : none;
    const Chain& b = b_.chain ? *b_.chain : none;
    if (a.rpc != b.rpc)
      add(Effect::other, "chain.rpc", scheme_and_host(a.rpc), scheme_and_host(b.rpc));
    value("chain.contract", a.contract, b.contract);
    const auto number = [&](std::string_view what, std::uint64_t Chain::*member) {
      const auto text = [&](const Policy& p) {
        return p.chain ? fmt::format("{}", *p.chain.*member) : "";
      };
      value(what, text(a_), text(b_));
    };
    number("chain.chain_id", &Chain::chain_id);
    number("chain.confirmations", &Chain::confirmations);
    number("chain.timeout_ms", &Chain::timeout_ms);
  }

  void evidence()
  {
    const EvidenceRules& a = a_.evidence;
    const EvidenceRules& b = b_.evidence;
    value("evidence.simulated", true_or_false(a.simulated), true_or_false(b.simulated),
          b.simulated ? Effect::wider : Effect::tighter);
    words("evidence.tee", a.tees, b.tees);
    words("evidence.tcb", a.tcb, b.tcb);
    words("evidence.advisories", a.advisories, b.advisories);
  }

  void images()
  {
    for (const ImageRule& image : a_.images)
      if (b_.find_image(image.hash) == nullptr)
        add(Effect::tighter, "image", named("image", image.hash, image.name), "");
    for (const ImageRule& image : b_.images) {
      const ImageRule* old = a_.find_image(image.hash);
      if (old == nullptr) {
        add(Effect::wider, "image", "", named("image", image.hash, image.name));
        continue;
      }
      const std::string what = named("image", image.hash, image.name);
      value(what + ": name", old->name, image.name);
      registers(what, *old, image);
    }
  }

  void registers(const std::string& what, const ImageRule& before, const ImageRule& after)
  {
    std::map<std::string, std::pair<Words, Words>> all;
    for (const auto& [name, values] : before.registers)
      all[name].first = values;
    for (const auto& [name, values] : after.registers)
      all[name].second = values;
    for (const auto& [name, both] : all) {
      const auto& [old, now] = both;
      // Without RTMR0 anything goes; without another register nothing does.
      const bool optional = name == "rtmr0" && old.empty() != now.empty();
      words(fmt::format("{}: {}", what, name), old, now,
            optional ? Effect::tighter : Effect::wider);
    }
  }

  void apps()
  {
    std::map<std::string, const AppRule*> old;
    for (const AppRule& app : a_.apps)
      old[app.id] = &app;
    std::map<std::string, const AppRule*> now;
    for (const AppRule& app : b_.apps)
      now[app.id] = &app;
    for (const AppRule& app : a_.apps)
      if (!now.contains(app.id)) add(Effect::tighter, "app", named("app", app.id, app.name), "");
    for (const AppRule& app : b_.apps) {
      const auto at = old.find(app.id);
      if (at == old.end()) {
        add(Effect::wider, "app", "", named("app", app.id, app.name));
        words(named("app", app.id, app.name) + ": compose", {}, app.compose);
        continue;
      }
      const std::string what = named("app", app.id, app.name);
      value(what + ": name", at->second->name, app.name);
      words(what + ": compose", at->second->compose, app.compose);
      allowed(what + ": devices", at->second->devices, app.devices);
      value(what + ": epoch", fmt::format("{}", at->second->epoch), fmt::format("{}", app.epoch));
    }
  }

  const Policy& a_;
  const Policy& b_;
  std::vector<PolicyChange> out_;
};

} // namespace

std::string_view name_of(Effect effect)
{
  switch (effect) {
  case Effect::wider:
    return "wider";
  case Effect::tighter:
    return "tighter";
  case Effect::other:
    return "other";
  }
  return "";
}

std::vector<PolicyChange> changes_between(const Policy& before, const Policy& after)
{
  return Differ{before, after}.run();
}

std::string to_line(const PolicyChange& change)
{
  // An app or image says itself what it is.
  const bool whole = change.what == "app" || change.what == "image";
  const std::string what = whole ? "" : change.what + ": ";
  if (change.before.empty()) return fmt::format("+ {}{}", what, change.after);
  if (change.after.empty()) return fmt::format("- {}{}", what, change.before);
  return fmt::format("~ {}{} -> {}", what, change.before, change.after);
}

codec::Json to_json(const PolicyChange& change)
{
  const auto text = [](const std::string& value) {
    return value.empty() ? codec::Json{} : codec::Json{value};
  };
  return codec::Json::object()
      .set("effect", name_of(change.effect))
      .set("what", change.what)
      .set("before", text(change.before))
      .set("after", text(change.after));
}

} // namespace dstack::kms
