#include "kms/policy.hpp"

#include "base/text.hpp"
#include "dcap/tcb_status.hpp"
#include "kms/policy_words.hpp"

#include <algorithm>

namespace dstack::kms {

namespace {

using verify::Check;
using verify::Outcome;

/// What an image must state to be checked at all. RTMR0 holds the machine's tables and depends on
/// its shape: it counts when it is stated.
constexpr std::array<std::string_view, 3> tdx_registers{"mrtd", "rtmr1", "rtmr2"};
constexpr std::array<std::string_view, 1> snp_registers{"measurement"};

bool permits(const Allowed& allowed, std::string_view value)
{
  return allowed.any || contains(allowed.values, value);
}

std::string shown(const std::vector<std::string>& words)
{
  constexpr std::size_t many = 4;
  if (words.empty()) return "nothing";
  if (words.size() <= many) return join(words, ", ");
  return fmt::format("one of {}", words.size());
}

std::string shown(const Allowed& allowed)
{
  return allowed.any ? "any" : shown(allowed.values);
}

std::string or_none(std::string_view text)
{
  return text.empty() ? "none" : printable(text);
}

/// The rules in order, each looked at; the first that says no is the reason.
class Judge {
public:
  Judge(const Policy& policy, const BootInfo& info) : policy_(policy), info_(info)
  {
    out_.allowed = true;
    out_.gateway_app_id = policy.gateway_app_id;
  }

  Decision decide(Role role)
  {
    sizes();
    evidence();
    if (policy_.lists_decide()) {
      image_listed();
      if (role == Role::kms)
        kms();
      else
        app();
    }
    if (role == Role::app) epoch();
    return std::move(out_);
  }

  Decision judge_image()
  {
    const std::string hash = hex(info_.os_image_hash);
    const ImageRule* image = policy_.find_image(hash);
    rule("image.known", "the OS image is one this policy can check", image != nullptr,
         "an [[image]] of the policy", or_none(hash), "OS image is not allowed");
    const bool tdx = info_.tee_variant == attest::name_of(attest::Platform::tdx);
    if (tdx)
      registers(image, tdx_registers);
    else
      registers(image, snp_registers);
    if (image != nullptr && tdx && !stated(*image, "rtmr0"))
      note("image.rtmr0", "RTMR0 is what this image gives", "not stated in the policy");
    return std::move(out_);
  }

private:
  /// One rule. The reason starts with the words other authorisation servers use (spec kms 11.2).
  void rule(std::string_view id,
            std::string_view title,
            bool good,
            std::string expected,
            std::string seen,
            std::string_view reason)
  {
    if (!good && out_.allowed) {
      out_.allowed = false;
      out_.reason = fmt::format("{} (seen {})", reason, seen);
    }
    out_.checks.push_back({std::string{id}, std::string{title},
                           good ? Outcome::passed : Outcome::failed, std::move(expected),
                           std::move(seen), source()});
  }

  void note(std::string_view id, std::string_view title, std::string_view seen)
  {
    out_.checks.push_back(
        {std::string{id}, std::string{title}, Outcome::noted, "", std::string{seen}, source()});
  }

  void skip(std::string_view id, std::string_view title)
  {
    out_.checks.push_back(
        {std::string{id}, std::string{title}, Outcome::not_run, "", "", source()});
  }

  std::string source() const { return fmt::format("policy {}", policy_.name); }

  void sizes()
  {
    constexpr std::size_t id_size = 20;
    const std::size_t instance = info_.instance_id.size();
    rule("caller.app-id", "the app id has 20 bytes", info_.app_id.size() == id_size, "",
         fmt::format("{} bytes", info_.app_id.size()), "app_id must be 20 bytes");
    rule("caller.instance-id", "the instance id has 20 bytes, or there is none",
         instance == id_size || instance == 0, "", fmt::format("{} bytes", instance),
         "instance_id must be 20 bytes or empty");
  }

  void evidence()
  {
    const EvidenceRules& rules = policy_.evidence;
    rule("evidence.simulated", "hardware vouches for the caller, or simulated evidence counts",
         !info_.simulated || rules.simulated, rules.simulated ? "either" : "hardware",
         info_.simulated ? "simulated" : "hardware", "simulated evidence is not allowed");
    rule("evidence.tee", "the TEE gets keys", contains(rules.tees, info_.tee_variant),
         shown(rules.tees), or_none(info_.tee_variant), "TEE is not allowed");
    rule("evidence.tcb", "the TCB status is accepted", tcb_accepted(),
         contains(rules.tcb, star) ? "any" : shown(rules.tcb), or_none(info_.tcb_status),
         "TCB status is not allowed");
    std::vector<std::string> refused;
    for (const std::string& id : info_.advisory_ids)
      if (!contains(rules.advisories, id) && !contains(rules.advisories, star))
        refused.push_back(printable(id));
    rule("evidence.advisories", "every advisory is accepted", refused.empty(),
         contains(rules.advisories, star) ? "any" : shown(rules.advisories),
         refused.empty() ? or_none(join(info_.advisory_ids, ", ")) : join(refused, ", "),
         "advisory ID is not allowed");
  }

  /// "*" stands for what a vendor names; no status at all is none of these (trap 7).
  bool tcb_accepted() const
  {
    const auto status = dcap::parse_tcb_status(info_.tcb_status);
    if (!status || *status == dcap::TcbStatus::revoked) return false;
    return contains(policy_.evidence.tcb, star) || contains(policy_.evidence.tcb, info_.tcb_status);
  }

  void image_listed()
  {
    std::vector<std::string> hashes;
    for (const ImageRule& image : policy_.images)
      hashes.push_back(image.hash);
    const std::string seen = hex(info_.os_image_hash);
    rule("image.listed", "the OS image is listed", contains(hashes, seen), shown(hashes),
         or_none(seen), "OS image is not allowed");
  }

  void kms()
  {
    const std::string mr = hex(info_.mr_aggregated);
    rule("kms.mr-aggregated", "the system is one that may be a KMS",
         permits(policy_.kms.mr_aggregated, mr), shown(policy_.kms.mr_aggregated), or_none(mr),
         "aggregated MR not allowed");
    const std::string device = hex(info_.device_id);
    rule("kms.device", "a KMS may run on this device", permits(policy_.kms.devices, device),
         shown(policy_.kms.devices), or_none(device), "KMS is not allowed to boot on this device");
  }

  void app()
  {
    constexpr std::string_view compose_title = "the compose hash is one of the app's";
    constexpr std::string_view device_title = "the app may run on this device";
    const std::string id = hex(info_.app_id);
    const AppRule* app = policy_.find_app(id);
    rule("app.registered", "the app is registered", app != nullptr, "an [[app]] of the policy",
         or_none(id), "app not registered");
    if (app == nullptr) {
      skip("app.compose-hash", compose_title);
      skip("app.device", device_title);
      return;
    }
    const std::string compose = hex(info_.compose_hash);
    rule("app.compose-hash", compose_title, contains(app->compose, compose), shown(app->compose),
         or_none(compose), "compose hash not allowed");
    const std::string device = hex(info_.device_id);
    rule("app.device", device_title, permits(app->devices, device), shown(app->devices),
         or_none(device), "app is not allowed to boot on this device");
  }

  void epoch()
  {
    const AppRule* app = policy_.find_app(hex(info_.app_id));
    out_.epoch = app == nullptr ? 0 : app->epoch;
    const auto& retired = policy_.retired_epochs;
    const bool good = std::find(retired.begin(), retired.end(), out_.epoch) == retired.end();
    rule("app.epoch", "the keys of the app's epoch are still given out", good,
         retired.empty() ? "any" : "not retired", fmt::format("epoch {}", out_.epoch),
         "the app's key epoch is retired");
  }

  static bool stated(const ImageRule& image, std::string_view name)
  {
    return std::any_of(image.registers.begin(), image.registers.end(),
                       [&](const auto& one) { return one.first == name && !one.second.empty(); });
  }

  template <class Needed> void registers(const ImageRule* image, const Needed& needed)
  {
    for (const std::string_view name : needed) {
      const std::string title = fmt::format("{} is what this image gives", name);
      const std::string id = fmt::format("image.{}", name);
      if (image == nullptr)
        skip(id, title);
      else if (!stated(*image, name))
        rule(id, title, false, "a value in the policy",
             fmt::format("no {} of image {}", name, shown_name(*image)),
             "OS image cannot be checked");
    }
    if (image == nullptr) return;
    for (const auto& [name, values] : image->registers)
      if (applies(name)) compare(name, values);
  }

  /// An image may be listed for several TEEs.
  bool applies(std::string_view name) const
  {
    const bool snp = name == snp_registers.front();
    return snp == (info_.tee_variant == attest::name_of(attest::Platform::amd_sev_snp));
  }

  void compare(const std::string& name, const std::vector<std::string>& values)
  {
    if (values.empty()) return; // said above, or RTMR0
    const std::string* seen = info_.find_register(name);
    rule(fmt::format("image.{}", name), fmt::format("{} is what this image gives", name),
         seen != nullptr && contains(values, *seen), shown(values),
         seen == nullptr ? "not in the evidence" : *seen, "OS image is not what it is called");
  }

  static std::string shown_name(const ImageRule& image)
  {
    return image.name.empty() ? image.hash : image.name;
  }

  const Policy& policy_;
  const BootInfo& info_;
  Decision out_;
};

} // namespace

const ImageRule* Policy::find_image(std::string_view hash_hex) const
{
  const auto at = std::find_if(images.begin(), images.end(),
                               [&](const ImageRule& one) { return one.hash == hash_hex; });
  return at == images.end() ? nullptr : &*at;
}

const AppRule* Policy::find_app(std::string_view id_hex) const
{
  const auto at =
      std::find_if(apps.begin(), apps.end(), [&](const AppRule& one) { return one.id == id_hex; });
  return at == apps.end() ? nullptr : &*at;
}

Decision decide(const Policy& policy, Role role, const BootInfo& info)
{
  return Judge{policy, info}.decide(role);
}

Decision judge_image(const Policy& policy, const BootInfo& info)
{
  return Judge{policy, info}.judge_image();
}

Decision both_of(Decision file, const Decision& other, std::string_view who)
{
  file.checks.insert(file.checks.end(), other.checks.begin(), other.checks.end());
  if (!other.allowed && file.allowed) {
    file.allowed = false;
    file.reason = other.reason;
  }
  const bool differ = !file.gateway_app_id.empty() && !other.gateway_app_id.empty() &&
                      lower(file.gateway_app_id) != lower(other.gateway_app_id);
  if (differ && file.allowed) {
    file.allowed = false;
    file.reason = fmt::format("the policy names gateway {} and the {} {}",
                              printable(file.gateway_app_id), who, printable(other.gateway_app_id));
  }
  if (file.gateway_app_id.empty()) file.gateway_app_id = other.gateway_app_id;
  return file;
}

verify::Policy evidence_policy(const Policy& policy)
{
  verify::Policy out = verify::strict_policy();
  out.name = policy.name;
  out.tcb_statuses = verify::permissive_policy().tcb_statuses;
  out.allow_simulated = policy.evidence.simulated;
  return out;
}

} // namespace dstack::kms
