#include "vault/root_material.hpp"

#include "crypto/hash.hpp"
#include "crypto/random.hpp"
#include "vault/custody.hpp"

#include <algorithm>

namespace dstack::vault {

namespace {

constexpr std::uint8_t version = 1;

keys::RootKeys copy_of(const keys::RootKeys& roots)
{
  auto ca = crypto::P256Key::from_scalar(roots.ca.scalar().view());
  DSTACK_ASSERT(ca); // it was one
  return {*std::move(ca), roots.k256};
}

Secret<scalar_size> random_seed()
{
  Secret<scalar_size> out;
  crypto::random_bytes(out.mutable_view());
  return out;
}

Secret<scalar_size> random_k256()
{
  while (true) {
    Secret<scalar_size> out = random_seed();
    if (crypto::k256_public(out)) return out;
  }
}

Result<Secret<scalar_size>> secret_of(ByteView raw)
{
  if (raw.size() != scalar_size)
    return fail(Errc::malformed, "a secret of {} bytes (want {})", raw.size(), scalar_size);
  Secret<scalar_size> out;
  std::copy(raw.begin(), raw.end(), out.mutable_view().begin());
  return out;
}

Result<std::int64_t> read_time(ByteReader& in)
{
  const std::uint64_t raw = TRY(in.u64be());
  if (raw > INT64_MAX) return fail(Errc::malformed, "a time of {}", raw);
  return static_cast<std::int64_t>(raw);
}

Result<EpochSecret> read_epoch(ByteReader& in, std::uint32_t expected)
{
  const std::uint32_t epoch = TRY(in.u32be());
  if (epoch != expected)
    return fail(Errc::malformed, "epoch {} where {} was expected", epoch, expected);
  const std::int64_t created_at = TRY(read_time(in));
  return make_epoch(epoch, TRY(secret_of(TRY(in.take(scalar_size)))), created_at);
}

} // namespace

Result<EpochSecret> make_epoch(std::uint32_t epoch, const Secret<32>& seed, std::int64_t created_at)
{
  if (epoch == 0) return fail(Errc::malformed, "epoch 0 is the root itself");
  const Bytes number = ByteWriter{}.u32be(epoch).take();
  const auto context = [&](std::string_view what) {
    return fmt::format("dstack-kms-epoch:{}:{}", as_text(number), what);
  };
  crypto::P256Key ca = TRY(keys::derive_p256(seed.view(), {context("ca")}));
  Secret<32> k256 = keys::derive(seed.view(), {context("k256")});
  static_cast<void>(TRY(crypto::k256_public(k256)));
  return EpochSecret{epoch, created_at, seed, {std::move(ca), std::move(k256)}};
}

Result<RootMaterial> root_from(ByteView ca32, ByteView k256_32, ByteView temp_ca32)
{
  crypto::P256Key ca = TRY(crypto::P256Key::from_scalar(ca32).within("root CA"));
  Secret<32> k256 = TRY(secret_of(k256_32).within("root k256"));
  static_cast<void>(TRY(crypto::k256_public(k256).within("root k256")));
  crypto::P256Key temp_ca = TRY(crypto::P256Key::from_scalar(temp_ca32).within("temporary CA"));
  return RootMaterial{{std::move(ca), std::move(k256)}, std::move(temp_ca)};
}

RootMaterial generate_root()
{
  return RootMaterial{{crypto::P256Key::generate(), random_k256()}, crypto::P256Key::generate()};
}

RootMaterial duplicate(const RootMaterial& material)
{
  auto temp_ca = crypto::P256Key::from_scalar(material.temp_ca.scalar().view());
  DSTACK_ASSERT(temp_ca); // it was one
  RootMaterial out{copy_of(material.root), *std::move(temp_ca)};
  out.created_at = material.created_at;
  for (const EpochSecret& one : material.epochs)
    out.epochs.push_back({one.epoch, one.created_at, one.seed, copy_of(one.roots)});
  return out;
}

Result<RootMaterial> with_new_epoch(const RootMaterial& material, std::int64_t now)
{
  if (material.epochs.size() >= max_epochs)
    return fail(Errc::denied, "there are {} epochs, no more can be added", max_epochs);
  RootMaterial out = duplicate(material);
  while (true) { // a seed fails about once in 2^32
    auto fresh = make_epoch(material.current_epoch() + 1, random_seed(), now);
    if (!fresh) continue;
    out.epochs.push_back(*std::move(fresh));
    return out;
  }
}

Result<RootMaterial> with_epochs_of(const RootMaterial& ours, const RootMaterial& theirs)
{
  const bool same_root =
      crypto::equal_ct(ours.root.ca.scalar().view(), theirs.root.ca.scalar().view()) &&
      crypto::equal_ct(ours.root.k256.view(), theirs.root.k256.view()) &&
      crypto::equal_ct(ours.temp_ca.scalar().view(), theirs.temp_ca.scalar().view());
  if (!same_root) return fail(Errc::untrusted, "the keys are of another root");
  RootMaterial out = duplicate(ours);
  for (std::size_t i = 0; i < theirs.epochs.size(); ++i) {
    const EpochSecret& one = theirs.epochs[i];
    if (i >= ours.epochs.size())
      out.epochs.push_back({one.epoch, one.created_at, one.seed, copy_of(one.roots)});
    else if (!crypto::equal_ct(one.seed.view(), ours.epochs[i].seed.view()))
      return fail(Errc::denied,
                  "epoch {} there is not epoch {} here: each has added one of its own", one.epoch,
                  one.epoch);
  }
  return out;
}

Result<const keys::RootKeys*> derivation_roots(const RootMaterial& material, std::uint32_t epoch)
{
  if (epoch == 0) return &material.root;
  if (epoch > material.epochs.size())
    return fail(Errc::not_found, "there is no epoch {} (the newest is {})", epoch,
                material.current_epoch());
  return &material.epochs[epoch - 1].roots;
}

SecretBytes encode(const RootMaterial& material)
{
  const auto time = [](std::int64_t at) {
    return ByteWriter{}.u64be(static_cast<std::uint64_t>(at)).take();
  };
  SecretBytes out;
  out.append(Bytes{version});
  out.append(material.root.ca.scalar().view());
  out.append(material.root.k256.view());
  out.append(material.temp_ca.scalar().view());
  out.append(time(material.created_at));
  out.append(ByteWriter{}.u16be(static_cast<std::uint16_t>(material.epochs.size())).take());
  for (const EpochSecret& one : material.epochs) {
    out.append(ByteWriter{}.u32be(one.epoch).take());
    out.append(time(one.created_at));
    out.append(one.seed.view());
  }
  return out;
}

Result<RootMaterial> decode_root(ByteView raw)
{
  ByteReader in{raw};
  const std::uint8_t seen = TRY(in.u8());
  if (seen != version)
    return fail(Errc::unsupported, "a root of version {} (want {})", seen, version);
  const ByteView ca = TRY(in.take(scalar_size));
  const ByteView k256 = TRY(in.take(scalar_size));
  const ByteView temp_ca = TRY(in.take(scalar_size));
  RootMaterial out = TRY(root_from(ca, k256, temp_ca));
  out.created_at = TRY(read_time(in));
  const std::uint16_t count = TRY(in.u16be());
  if (count > max_epochs) return fail(Errc::malformed, "{} epochs (limit {})", count, max_epochs);
  for (std::uint32_t epoch = 1; epoch <= count; ++epoch)
    out.epochs.push_back(TRY(read_epoch(in, epoch)));
  TRY(in.finish());
  return out;
}

} // namespace dstack::vault
