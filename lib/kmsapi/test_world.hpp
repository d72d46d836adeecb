#pragma once
/// For tests only: a KMS of the published roots (spec kms 20), asked by the app of spec kms 20.6,
/// in a world that does as it is told and writes down what it was asked.

#include "crypto/hash.hpp"
#include "kmsapi/front.hpp"
#include "vault/test_roots.hpp"

namespace dstack::kmsapi::testing {

inline std::string times(std::string_view byte, std::size_t count)
{
  std::string out;
  for (std::size_t i = 0; i < count; ++i)
    out += byte;
  return out;
}

inline std::string policy_text()
{
  return fmt::format(R"(gateway_app_id = "{0}"
[[image]]
name = "test"
hash = "{1}"
mrtd = ["{2}"]
rtmr1 = ["{3}"]
rtmr2 = ["{4}"]
[kms]
mr_aggregated = "any"
devices = "any"
[[app]]
id = "{5}"
name = "shop"
compose = ["{6}"]
)",
                     times("99", 20), times("f1", 32), times("01", 48), times("03", 48),
                     times("04", 48), times("a1", 20), times("c1", 32));
}

inline std::vector<attest::RuntimeEvent> whole_boot()
{
  return {{"system-preparing", {}},
          {"app-id", Bytes(20, 0xa1)},
          {"compose-hash", Bytes(32, 0xc1)},
          {"instance-id", Bytes(20, 0xb2)},
          {"boot-mr-done", {}},
          {"key-provider", to_bytes(R"({"name":"kms","id":"aabb"})")},
          {"storage-fs", to_bytes("zfs")},
          {"system-ready", {}}};
}

inline verify::Proven proven_app(std::vector<attest::RuntimeEvent> events = whole_boot())
{
  verify::Proven out;
  out.verdict.answer = verify::Answer::trusted;
  out.subject.tcb_status = "UpToDate";
  out.subject.platform_id = Bytes(16, 0x77);
  attest::TdxRegisters registers;
  registers.mrtd.fill(1);
  for (std::uint8_t i = 0; i < 3; ++i)
    registers.rtmr.at(i).fill(static_cast<std::uint8_t>(i + 2));
  attest::Register rtmr3;
  for (const attest::RuntimeEvent& event : events)
    rtmr3.extend(attest::digest_of(event));
  registers.rtmr[3] = rtmr3.value();
  out.registers = registers;
  out.identity = *attest::identity_of(events);
  out.events = std::move(events);
  out.vm_config = fmt::format(R"({{"os_image_hash":"{}"}})", times("f1", 32));
  return out;
}

struct World {
  explicit World(const std::string& policy = policy_text())
  {
    auto material = vault::testing::published_root();
    auto open = *vault::public_root_of(material, vault::testing::now);
    state.root = std::make_shared<const vault::OpenRoot>(
        vault::OpenRoot{std::move(material), std::move(open), {}, {}});
    state.policy = std::make_shared<const kms::Policy>(*kms::policy_from_toml(policy, "p.toml"));
    state.policy_digest = "d1";
    state.self =
        std::make_shared<const kms::BootInfo>(*boot_info_of(proven_app(), "", kms::Replay::whole));
    arrangement.domains = {"kms.example.com"};
    caller.address = "192.0.2.1";
    caller.proven = std::make_shared<const verify::Proven>(proven_app());
    outside.now = [] { return Time{vault::testing::now * 1000}; };
    outside.prove = [this](const attest::Evidence&, const verify::BoundData& data,
                           const kms::Policy&) -> Result<verify::Proven> {
      bound_to = data;
      if (unproven) return *unproven;
      return proven_app();
    };
    outside.decide = [this](const kms::Policy& from, kms::Role role,
                            const kms::BootInfo& info) -> Result<kms::Decision> {
      steps.push_back(fmt::format("decide {}", kms::name_of(role)));
      if (unanswered) return *unanswered;
      return kms::decide(from, role, info);
    };
    outside.webhook_info = [this](const kms::Policy&) -> Result<kms::WebhookInfo> {
      if (unanswered) return *unanswered;
      return kms::WebhookInfo{"ok", "0xc0", "0xaa", 8453, "0xdd", ""};
    };
    outside.record = [this](const kms::AuditRecord& record) -> Status {
      if (full_disk) return fail(Errc::io, "disk full");
      steps.push_back(fmt::format("record {} {}", record.event,
                                  record.allowed == true ? "yes" : record.reason));
      records.push_back(record);
      return ok();
    };
    outside.replicated = [this](const State&, const Caller&, const kms::BootInfo&) -> Status {
      if (full_disk) return fail(Errc::io, "disk full");
      steps.emplace_back("replicated");
      return ok();
    };
    outside.held_share = [](ByteView cluster) -> Result<std::string> {
      if (cluster.size() == 32) return std::string{"{}"};
      return fail(Errc::not_found, "no share");
    };
  }

  http::Response ask(http::Request request)
  {
    const auto service = service_for(outside, arrangement, std::make_shared<const State>(state),
                                     caller, method_of(request));
    return rpc::answer(service, request);
  }
  http::Response post(std::string_view method, const codec::Json& body = codec::Json::object())
  {
    return ask({"POST", fmt::format("/prpc/{}?json", method), {}, codec::write_json(body)});
  }
  /// The answer's JSON; null when it was an error.
  codec::Json get(std::string_view method, const codec::Json& body = codec::Json::object())
  {
    const http::Response answer = post(method, body);
    return answer.status == 200 ? *codec::parse_json(answer.body) : codec::Json{};
  }
  std::string why(std::string_view method, const codec::Json& body = codec::Json::object())
  {
    const http::Response answer = post(method, body);
    if (answer.status == 200) return "answered";
    return *codec::parse_json(answer.body)->need_string("error");
  }

  State state{};
  Arrangement arrangement{};
  Caller caller{};
  Outside outside{};
  verify::BoundData bound_to{};
  std::optional<Error> unproven{};
  std::optional<Error> unanswered{};
  bool full_disk = false;
  std::vector<std::string> steps{};
  std::vector<kms::AuditRecord> records{};
};

} // namespace dstack::kmsapi::testing
