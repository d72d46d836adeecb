#include "vault/custody.hpp"

#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "vault/members.hpp"

#include <algorithm>
#include <set>

namespace dstack::vault {

namespace {

using codec::Json;

bool is_alnum(char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

Result<Provider> parse_provider(const std::string& name)
{
  for (const Provider one : {Provider::passphrase, Provider::quorum})
    if (name == name_of(one)) return one;
  return fail(Errc::unsupported, "provider '{}'", printable(name));
}

Result<Custody> passphrase_from_json(const Json& json)
{
  TRY(only_members(json, {"provider", "kdf"}));
  const Kdf kdf = TRY(read_kdf(json));
  Custody out;
  out.cost = kdf.cost;
  out.salt = kdf.salt;
  return out;
}

} // namespace

ClusterId cluster_id_of(ByteView ca_spki)
{
  return crypto::sha256(ca_spki);
}

std::string_view name_of(Provider provider)
{
  switch (provider) {
  case Provider::passphrase:
    return "passphrase";
  case Provider::quorum:
    return "quorum";
  }
  bug("provider");
}

Status check_custodian_name(std::string_view name)
{
  constexpr std::size_t longest = 64;
  const bool good = !name.empty() && name.size() <= longest && is_alnum(name.front()) &&
                    std::all_of(name.begin(), name.end(), [](char c) {
                      return is_alnum(c) || c == '.' || c == '_' || c == '-';
                    });
  if (good) return ok();
  return fail(Errc::malformed,
              "'{}' is no custodian's name (want 1 to {} letters, digits and . _ -)",
              printable(name), longest);
}

std::string Circle::describe(unsigned index) const
{
  if (index == 0 || index > custodians.size()) return fmt::format("{}", index);
  return fmt::format("'{}' ({})", custodians[index - 1], index);
}

Status check_circle(const Circle& circle)
{
  const std::size_t count = circle.custodians.size();
  if (count < 1 || count > crypto::max_shares)
    return fail(Errc::malformed, "{} custodians (want 1 to {})", count, crypto::max_shares);
  if (circle.commitments.empty() || circle.commitments.size() > count)
    return fail(Errc::malformed, "a threshold of {} for {} custodians", circle.commitments.size(),
                count);
  std::set<std::string> seen;
  for (const std::string& name : circle.custodians) {
    TRY(check_custodian_name(name));
    if (!seen.insert(name).second)
      return fail(Errc::malformed, "custodian '{}' is named twice", name);
  }
  return ok();
}

Json to_json(const Custody& custody)
{
  Json out;
  out.set("provider", name_of(custody.provider));
  if (custody.provider == Provider::passphrase)
    return out.set("kdf", to_json(Kdf{custody.cost, custody.salt}));
  return set_circle(out, custody.circle);
}

Result<Custody> custody_from_json(const Json& json)
{
  const Provider provider = TRY(parse_provider(TRY(json.need_string("provider"))));
  if (provider == Provider::passphrase) return passphrase_from_json(json);
  TRY(only_members(json, {"provider", "threshold", "custodians", "commitments"}));
  Custody out;
  out.provider = provider;
  out.circle = TRY(read_circle(json));
  return out;
}

Bytes context_of(const Custody& custody)
{
  ByteWriter out;
  out.text(name_of(custody.provider)).u8(0);
  if (custody.provider == Provider::passphrase)
    return out.u32be(custody.cost.passes).u64be(custody.cost.memory_bytes).put(custody.salt).take();
  out.u8(static_cast<std::uint8_t>(custody.circle.custodians.size()));
  for (const std::string& name : custody.circle.custodians)
    out.u8(static_cast<std::uint8_t>(name.size())).text(name);
  for (const crypto::RistrettoPoint& one : custody.circle.commitments)
    out.put(one.view());
  return out.take();
}

Status check_share(const CustodianShare& share)
{
  if (share.share.index == 0 || share.share.index > share.circle.custodians.size())
    return fail(Errc::malformed, "a share of custodian {} of {}", share.share.index,
                share.circle.custodians.size());
  if (crypto::verify_share(share.share, share.circle.commitments)) return ok();
  return fail(Errc::untrusted,
              "the share of custodian {} does not fit what the dealer committed to",
              share.circle.describe(share.share.index));
}

ShareCollector::ShareCollector(const ClusterId& of_cluster, Circle circle)
    : cluster_(of_cluster), circle_(std::move(circle))
{
}

Result<unsigned> ShareCollector::add(const CustodianShare& share)
{
  if (share.cluster != cluster_)
    return fail(Errc::untrusted, "the share is of cluster {}, this one is {}",
                hex(share.cluster).substr(0, 16), hex(cluster_).substr(0, 16));
  if (share.circle != circle_)
    return fail(Errc::untrusted,
                "the share is of another division of this root: who holds shares, how many are "
                "needed or what they are has changed since");
  TRY(check_share(share));
  const auto same = [&](const crypto::Share& one) { return one.index == share.share.index; };
  if (std::none_of(shares_.begin(), shares_.end(), same)) shares_.push_back(share.share);
  return have();
}

std::vector<std::string> ShareCollector::custodians_in() const
{
  std::vector<std::string> out;
  for (const crypto::Share& one : shares_)
    out.push_back(circle_.custodians[one.index - 1U]);
  return out;
}

} // namespace dstack::vault
