#include "kms/names.hpp"
#include "kms/policy_review.hpp"
#include "kms/policy_words.hpp"
#include "kms/webhook.hpp"

#include <algorithm>

namespace dstack::kms {

namespace {

class Lint {
public:
  explicit Lint(const Policy& policy) : policy_(policy) {}

  std::vector<Warning> run()
  {
    general();
    if (policy_.webhook)
      over_network("webhook", policy_.webhook->url, redact_url(policy_.webhook->url));
    if (policy_.chain)
      over_network("chain", policy_.chain->rpc, scheme_and_host(policy_.chain->rpc));
    evidence();
    if (policy_.lists_decide()) kms();
    for (const ImageRule& image : policy_.images)
      check(image);
    for (const AppRule& app : policy_.apps)
      check(app);
    std::stable_sort(out_.begin(), out_.end(),
                     [](const Warning& a, const Warning& b) { return a.line < b.line; });
    return std::move(out_);
  }

private:
  template <class... Args>
  void warn(unsigned line, fmt::format_string<Args...> text, Args&&... args)
  {
    out_.push_back({line, fmt::format(text, std::forward<Args>(args)...)});
  }

  void general()
  {
    if (policy_.images.empty()) warn(0, "no [[image]]: no key is given to anybody");
    if (policy_.rules == Rules::file && policy_.apps.empty())
      warn(0, "no [[app]]: no app gets keys");
    if (!policy_.lists_decide() && !policy_.apps.empty())
      warn(0, "the {} decides alone: of each [[app]] only the epoch counts",
           policy_.webhook ? "webhook" : "contract");
    if (policy_.gateway_app_id == "any")
      warn(0, "gateway_app_id = \"any\": apps will take any gateway for theirs");
  }

  void over_network(std::string_view what, const std::string& url, const std::string& shown)
  {
    if (url.starts_with("http://") && !is_local(host_of_url(url)))
      warn(0, "{} {} is asked without TLS: whoever is in between can answer for it", what, shown);
  }

  void evidence()
  {
    const EvidenceRules& e = policy_.evidence;
    if (e.simulated)
      warn(0, "evidence.simulated = true: keys go to VMs no hardware vouches for (development)");
    if (e.tees.empty()) warn(0, "evidence.tee = []: no TEE gets keys");
    if (e.tcb.empty()) warn(0, "evidence.tcb = []: no TCB status is accepted");
    for (const std::string& status : e.tcb)
      if (status.starts_with("OutOfDate") || (status == "*" && policy_.rules != Rules::webhook))
        warn(0, "evidence.tcb accepts {}: platforms with known, unpatched holes get keys",
             status == "*" ? "anything" : status);
    if (contains(e.advisories, star) && policy_.rules != Rules::webhook)
      warn(0, "evidence.advisories accepts any advisory");
  }

  void kms()
  {
    const KmsRules& k = policy_.kms;
    if (k.mr_aggregated.any)
      warn(0, "kms.mr_aggregated = \"any\": any system of a listed image gets the root keys "
              "(development)");
    if (k.devices.any && !k.mr_aggregated.values.empty())
      warn(0, "kms.devices = \"any\": a KMS may run on anybody's hardware");
    if (!k.mr_aggregated.any && k.mr_aggregated.values.empty())
      warn(0, "[kms] lists no mr_aggregated: no KMS can join, and none that is asked to prove "
              "itself starts");
    else if (!k.devices.any && k.devices.values.empty())
      warn(0, "[kms] lists no devices: an empty list allows none (\"any\" allows all)");
  }

  void check(const ImageRule& image)
  {
    const auto states = [&](std::string_view name) {
      return std::any_of(image.registers.begin(), image.registers.end(),
                         [&](const auto& one) { return one.first == name && !one.second.empty(); });
    };
    const std::string name = image.name.empty() ? image.hash : image.name;
    std::vector<std::string> missing;
    for (const char* one : {"mrtd", "rtmr1", "rtmr2"})
      if (!states(one)) missing.emplace_back(one);
    if (states("measurement") && missing.size() == 3) return; // for SEV-SNP only
    if (!missing.empty())
      warn(image.line, "image {} states no {}: it cannot be checked, and gets no keys", name,
           join(missing, ", "));
    else if (!states("rtmr0"))
      warn(image.line,
           "image {} states no rtmr0: the host may give the VM tables of its own "
           "(ACPI)",
           name);
  }

  void check(const AppRule& app)
  {
    const std::string name = app.name.empty() ? app.id : app.name;
    if (app.compose.empty())
      warn(app.line, "app {} lists no compose hash: no version of it gets keys", name);
    if (!app.devices.any && app.devices.values.empty())
      warn(app.line,
           "app {} has devices = []: an empty list allows none (other servers take it "
           "for any)",
           name);
    const auto& retired = policy_.retired_epochs;
    if (std::find(retired.begin(), retired.end(), app.epoch) != retired.end())
      warn(app.line, "app {} has keys of epoch {}, which is retired: it gets none", name,
           app.epoch);
  }

  const Policy& policy_;
  std::vector<Warning> out_;
};

} // namespace

std::vector<Warning> warnings_of(const Policy& policy)
{
  return Lint{policy}.run();
}

} // namespace dstack::kms
