#include "verify/judge.hpp"

#include "dcap/tcb_status.hpp"

#include <algorithm>

namespace dstack::verify {

namespace {

constexpr std::int64_t day = 86'400;

bool contains(const std::vector<std::string>& words, const std::string& word)
{
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::string listed(const std::vector<std::string>& words)
{
  return words.empty() ? "none" : join(words, ", ");
}

class Judge {
public:
  Judge(const Policy& policy, const Subject& subject, Time at)
      : policy_(policy), subject_(subject), at_(at.seconds())
  {
  }

  std::vector<Check> run()
  {
    simulated();
    revocation();
    tcb_status();
    evaluation_number();
    advisories();
    attributes();
    freshness();
    app();
    registers();
    return std::move(checks_);
  }

private:
  void add(std::string_view id,
           std::string_view title,
           bool good,
           std::string expected,
           std::string seen)
  {
    checks_.push_back({fmt::format("policy.{}", id), std::string{title},
                       good ? Outcome::passed : Outcome::failed, std::move(expected),
                       std::move(seen), fmt::format("policy {}", policy_.name)});
  }

  void simulated()
  {
    if (!subject_.simulated) return;
    add("simulated", "evidence of a simulated TEE is accepted", policy_.allow_simulated,
        policy_.allow_simulated ? "the root of a hardware vendor or of a simulated TEE"
                                : "a hardware vendor's root",
        "simulated root");
  }

  void revocation()
  {
    if (subject_.revocation_judged) return;
    add("revocation", "a revocation list was at hand", !policy_.require_revocation,
        policy_.require_revocation ? "the vendor's list" : "", "none");
  }

  /// Accepted as it is, or out of date for no longer than the grace period.
  void tcb_status()
  {
    if (contains(policy_.tcb_statuses, subject_.tcb_status)) {
      add("tcb-status", "the TCB status is acceptable", true, listed(policy_.tcb_statuses),
          subject_.tcb_status);
      return;
    }
    std::string seen = subject_.tcb_status;
    bool good = false;
    if (subject_.tcb_status.starts_with("OutOfDate") && policy_.grace_days > 0) {
      const std::int64_t until =
          subject_.out_of_date_since + static_cast<std::int64_t>(policy_.grace_days) * day;
      // With its configuration to be seen to as well, that must be acceptable on its own.
      const bool rest = subject_.tcb_status == "OutOfDate" ||
                        contains(policy_.tcb_statuses, "ConfigurationNeeded");
      good = rest && subject_.out_of_date_since != 0 && at_ <= until;
      if (subject_.out_of_date_since != 0)
        seen += fmt::format(" since {}, grace until {}",
                            format_utc({subject_.out_of_date_since * 1000}),
                            format_utc({until * 1000}));
    }
    add("tcb-status", "the TCB status is acceptable", good, listed(policy_.tcb_statuses),
        std::move(seen));
  }

  void evaluation_number()
  {
    if (policy_.min_evaluation_number == 0) return;
    const auto& number = subject_.evaluation_number;
    add("evaluation-number", "the TCB evaluation data is recent enough",
        number && *number >= policy_.min_evaluation_number,
        fmt::format("at least {}", policy_.min_evaluation_number),
        number ? fmt::format("{}", *number) : "none");
  }

  void advisories()
  {
    std::vector<std::string> refused;
    for (const std::string& id : subject_.advisory_ids)
      if (contains(policy_.refused_advisories, id) ||
          (policy_.accepted_advisories && !contains(*policy_.accepted_advisories, id)))
        refused.push_back(id);
    if (policy_.refused_advisories.empty() && !policy_.accepted_advisories) return;
    add("advisories", "no advisory applies that the policy refuses", refused.empty(),
        policy_.accepted_advisories ? fmt::format("only {}", listed(*policy_.accepted_advisories))
                                    : fmt::format("none of {}", listed(policy_.refused_advisories)),
        listed(refused.empty() ? subject_.advisory_ids : refused));
  }

  void attributes()
  {
    std::vector<std::string> refused;
    for (const std::string& flag : subject_.attribute_flags)
      if (!contains(policy_.accepted_attributes, flag)) refused.push_back(flag);
    add("attributes", "the TD's or enclave's attributes are acceptable", refused.empty(),
        policy_.accepted_attributes.empty()
            ? "no debug, migration, or other weakening attribute"
            : fmt::format("none but {}", listed(policy_.accepted_attributes)),
        listed(subject_.attribute_flags));
  }

  void freshness()
  {
    if (!policy_.max_collateral_age_days) return;
    const auto limit = static_cast<std::int64_t>(*policy_.max_collateral_age_days) * day;
    const bool known = subject_.oldest_issue != 0;
    add("freshness", "the collateral is fresh enough",
        known && at_ - subject_.oldest_issue <= limit,
        fmt::format("at most {} days old", *policy_.max_collateral_age_days),
        known ? fmt::format("issued {}", format_utc({subject_.oldest_issue * 1000})) : "no date");
  }

  void one_of(std::string_view id,
              std::string_view title,
              const std::vector<std::string>& accepted,
              std::string AppIdentity::*member)
  {
    if (accepted.empty()) return;
    const std::string seen = subject_.app ? (*subject_.app).*member : "";
    add(id, title, !seen.empty() && contains(accepted, seen), listed(accepted),
        seen.empty() ? "not in the evidence" : seen);
  }

  void app()
  {
    one_of("app-id", "the app id is accepted", policy_.app_ids, &AppIdentity::app_id);
    one_of("instance-id", "the instance id is accepted", policy_.instance_ids,
           &AppIdentity::instance_id);
    one_of("compose-hash", "the compose hash is accepted", policy_.compose_hashes,
           &AppIdentity::compose_hash);
    one_of("os-image-hash", "the OS image is accepted", policy_.os_image_hashes,
           &AppIdentity::os_image_hash);
    if (policy_.key_providers.empty()) return;
    std::string name;
    std::string full;
    if (subject_.app) {
      name = subject_.app->key_provider_name;
      full = fmt::format("{}:{}", name, subject_.app->key_provider_id);
    }
    add("key-provider", "the key provider is accepted",
        !name.empty() &&
            (contains(policy_.key_providers, name) || contains(policy_.key_providers, full)),
        listed(policy_.key_providers), name.empty() ? "not in the evidence" : full);
  }

  void registers()
  {
    for (const auto& [name, accepted] : policy_.registers) {
      if (accepted.empty()) continue;
      const std::string* seen = subject_.find_register(name);
      add(fmt::format("register.{}", name), fmt::format("{} is accepted", name),
          seen != nullptr && contains(accepted, *seen), listed(accepted),
          seen != nullptr ? *seen : "not in the evidence");
    }
  }

  const Policy& policy_;
  const Subject& subject_;
  std::int64_t at_;
  std::vector<Check> checks_;
};

void expect(std::vector<Check>& out,
            const std::optional<Expectation>& wanted,
            const std::string& seen)
{
  if (!wanted) return;
  const bool other = !wanted->or_value.empty() && seen == wanted->or_value;
  const bool good = other || seen == wanted->value;
  out.push_back({wanted->id, wanted->title, good ? Outcome::passed : Outcome::failed,
                 other ? wanted->or_value : wanted->value,
                 seen.empty() ? "not in the evidence" : seen, wanted->source});
}

} // namespace

const std::string* Subject::find_register(std::string_view name) const
{
  const auto at = std::find_if(registers.begin(), registers.end(),
                               [&](const auto& one) { return one.first == name; });
  return at == registers.end() ? nullptr : &at->second;
}

std::vector<Check> judge_policy(const Policy& policy, const Subject& subject, Time at)
{
  return Judge{policy, subject, at}.run();
}

std::vector<Check> judge_expectations(const Expectations& wanted, const Subject& subject)
{
  const AppIdentity app = subject.app.value_or(AppIdentity{});
  std::vector<Check> out;
  expect(out, wanted.report_data, hex(subject.report_data));
  expect(out, wanted.compose_hash, app.compose_hash);
  expect(out, wanted.app_id, app.app_id);
  expect(out, wanted.os_image_hash, app.os_image_hash);
  return out;
}

} // namespace dstack::verify
