#include "verify/bundle.hpp"

#include "base/calendar.hpp"
#include "codec/json_list.hpp"

namespace dstack::verify {

namespace {

using codec::Json;

Json expectation_json(const Expectation& e)
{
  Json out = Json::object()
                 .set("id", e.id)
                 .set("title", e.title)
                 .set("value", e.value)
                 .set("source", e.source);
  if (!e.or_value.empty()) out.set("or_value", e.or_value);
  return out;
}

Result<Expectation> read_expectation(const Json& in)
{
  Expectation out;
  out.id = TRY(in.need_string("id"));
  out.title = TRY(in.need_string("title"));
  out.value = TRY(in.need_string("value"));
  out.source = TRY(in.need_string("source"));
  out.or_value = TRY(in.get_string("or_value", ""));
  return out;
}

struct Slot {
  std::string_view name;
  std::optional<Expectation> Expectations::*member;
};
constexpr std::array<Slot, 4> slots{{{"report_data", &Expectations::report_data},
                                     {"compose_hash", &Expectations::compose_hash},
                                     {"app_id", &Expectations::app_id},
                                     {"os_image_hash", &Expectations::os_image_hash}}};

Json image_json(const ImageExpectation& image)
{
  Json registers = Json::object();
  for (const auto& [name, values] : image.registers)
    registers.set(name, codec::list_of(values));
  return Json::object()
      .set("source", image.source)
      .set("os_image_hash", image.os_image_hash)
      .set("registers", std::move(registers))
      .set("not_predicted", codec::list_of(image.not_predicted))
      .set("why_not", image.why_not);
}

Result<ImageExpectation> read_image(const Json& in)
{
  ImageExpectation out;
  out.source = TRY(in.need_string("source"));
  out.os_image_hash = TRY(in.need_string("os_image_hash"));
  const Json* registers = TRY(in.need_object("registers"));
  for (const auto& [name, values] : registers->members())
    out.registers.emplace_back(name, TRY(registers->get_strings(name)));
  out.not_predicted = TRY(in.get_strings("not_predicted"));
  out.why_not = TRY(in.get_string("why_not", ""));
  return out;
}

struct CertificateSlot {
  std::string_view name;
  Bytes snp::Certificates::*member;
};
constexpr std::array<CertificateSlot, 4> certificate_slots{{{"vcek", &snp::Certificates::vcek},
                                                            {"ask", &snp::Certificates::ask},
                                                            {"ark", &snp::Certificates::ark},
                                                            {"crl", &snp::Certificates::crl}}};

Result<snp::Certificates> read_certificates(const Json& in)
{
  snp::Certificates out;
  for (const CertificateSlot& slot : certificate_slots)
    out.*slot.member = TRY(parse_base64(TRY(in.get_string(slot.name, ""))).within("{}", slot.name));
  return out;
}

Result<Bundle> read_bundle(const Json& in)
{
  if (TRY(in.need_string("schema")) != bundle_schema)
    return fail(Errc::unsupported, "schema (want {})", bundle_schema);
  Bundle out;
  out.input = TRY(in.need_string("input"));
  out.evidence = TRY(parse_base64(TRY(in.need_string("evidence"))).within("evidence"));
  out.at.ms = TRY(parse_utc(TRY(in.need_string("at"))).within("at")) * 1000;
  out.policy =
      TRY(policy_from_toml(TRY(in.need_string("policy")), TRY(in.need_string("policy_name"))));
  if (const std::string text = TRY(in.get_string("collateral", "")); !text.empty())
    out.collateral = TRY(dcap::collateral_from_json(text));
  if (const Json* amd = in.find("amd_certificates"); amd != nullptr)
    out.amd_certificates = TRY(read_certificates(*amd).within("amd_certificates"));
  if (const Json* wanted = in.find("expectations"); wanted != nullptr)
    for (const Slot& slot : slots)
      if (const Json* one = wanted->find(slot.name); one != nullptr)
        out.expectations.*slot.member = TRY(read_expectation(*one).within("{}", slot.name));
  if (const Json* image = in.find("image"); image != nullptr)
    out.image = TRY(read_image(*image).within("image"));
  return out;
}

} // namespace

std::string to_text(const Bundle& b)
{
  Json expectations = Json::object();
  for (const Slot& slot : slots)
    if (const auto& one = b.expectations.*slot.member; one)
      expectations.set(slot.name, expectation_json(*one));
  Json out = Json::object()
                 .set("schema", bundle_schema)
                 .set("at", format_utc(b.at))
                 .set("input", b.input)
                 .set("evidence", base64(b.evidence))
                 .set("policy_name", b.policy.name)
                 .set("policy", to_toml(b.policy))
                 .set("expectations", std::move(expectations));
  if (b.image) out.set("image", image_json(*b.image));
  if (b.amd_certificates) {
    Json certificates = Json::object();
    for (const CertificateSlot& slot : certificate_slots)
      certificates.set(slot.name, base64((*b.amd_certificates).*slot.member));
    out.set("amd_certificates", std::move(certificates));
  }
  if (b.collateral) out.set("collateral", dcap::to_json_text(*b.collateral));
  return codec::write_json(out, {.indent = 2}) + "\n";
}

Result<Bundle> bundle_from_text(std::string_view text)
{
  codec::JsonLimits limits;
  limits.max_bytes = max_bundle;
  const Json json = TRY(codec::parse_json(text, limits).within("verification bundle"));
  return read_bundle(json).within("verification bundle");
}

bool looks_like_bundle(ByteView file)
{
  constexpr std::size_t window = 256;
  const std::string_view start = as_text(file.first(std::min(file.size(), window)));
  return start.find(bundle_schema) != std::string_view::npos;
}

} // namespace dstack::verify
