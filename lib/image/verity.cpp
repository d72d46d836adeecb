#include "image/verity.hpp"

#include "crypto/hash.hpp"

#include <algorithm>

namespace dstack::image {

namespace {

constexpr std::size_t digest_size = 32;

/// Format version 1 hashes salt, then block; digests are packed without gaps.
Bytes hash_blocks(ByteView salt, ByteView blocks)
{
  Bytes salted(salt.size() + verity_block_size);
  std::copy(salt.begin(), salt.end(), salted.begin());
  Bytes out;
  out.reserve(blocks.size() / verity_block_size * digest_size);
  for (; !blocks.empty(); blocks = blocks.subspan(verity_block_size)) {
    std::copy_n(blocks.begin(), verity_block_size,
                salted.begin() + static_cast<std::ptrdiff_t>(salt.size()));
    const auto digest = crypto::sha256(salted);
    out.insert(out.end(), digest.begin(), digest.end());
  }
  return out;
}

void pad_to_block(Bytes& bytes)
{
  bytes.resize((bytes.size() + verity_block_size - 1) / verity_block_size * verity_block_size);
}

// cryptsetup wiki "DMVerity", section "Verity superblock format"; little-endian.
constexpr std::uint32_t format_version = 1;
constexpr std::uint32_t hash_type_normal = 1;
constexpr std::size_t algorithm_field = 32;
constexpr std::string_view algorithm = "sha256";

Bytes superblock(const VerityParameters& parameters, std::uint64_t data_blocks)
{
  ByteWriter out;
  out.text("verity").zeros(2).u32le(format_version).u32le(hash_type_normal).put(parameters.uuid);
  out.text(algorithm).zeros(algorithm_field - algorithm.size());
  out.u32le(verity_block_size).u32le(verity_block_size).u64le(data_blocks);
  out.u16le(static_cast<std::uint16_t>(parameters.salt.size())).zeros(6).put(parameters.salt);
  out.zeros(verity_block_size - out.size());
  return out.take();
}

} // namespace

Result<VerityParameters> parse_verity_superblock(ByteView block)
{
  VerityParameters out;
  ByteReader in{block};
  if (as_text(TRY(in.take(8))) != std::string_view{"verity\0\0", 8})
    return fail(Errc::malformed, "no verity superblock");
  if (TRY(in.u32le()) != format_version || TRY(in.u32le()) != hash_type_normal)
    return fail(Errc::unsupported, "verity format is not version 1, normal hashes");
  out.uuid = TRY(in.array<16>());
  const std::string_view name = as_text(TRY(in.take(algorithm_field)));
  if (name.substr(0, name.find('\0')) != algorithm)
    return fail(Errc::unsupported, "verity hash is not {}", algorithm);
  if (TRY(in.u32le()) != verity_block_size || TRY(in.u32le()) != verity_block_size)
    return fail(Errc::unsupported, "verity blocks are not of {} bytes", verity_block_size);
  TRY(in.u64le()); // number of blocks: the caller knows it from a source it trusts
  if (TRY(in.u16le()) != out.salt.size())
    return fail(Errc::unsupported, "verity salt is not of {} bytes", out.salt.size());
  TRY(in.take(6));
  out.salt = TRY(in.array<32>());
  return out;
}

Status VerityBuilder::add(ByteView blocks)
{
  if (blocks.size() % verity_block_size != 0)
    return fail(Errc::malformed, "{} bytes are no whole number of verity blocks", blocks.size());
  const Bytes digests = hash_blocks(parameters_.salt, blocks);
  leaves_.insert(leaves_.end(), digests.begin(), digests.end());
  return ok();
}

Result<VerityTree> VerityBuilder::finish() const
{
  if (leaves_.empty()) return fail(Errc::malformed, "no data to make a verity tree of");
  std::vector<Bytes> levels; // bottom first
  Bytes digests = leaves_;
  while (digests.size() > digest_size) {
    pad_to_block(digests);
    Bytes above = hash_blocks(parameters_.salt, digests);
    levels.push_back(std::move(digests));
    digests = std::move(above);
  }
  VerityTree tree;
  std::copy(digests.begin(), digests.end(), tree.root.begin());
  tree.area = superblock(parameters_, leaves_.size() / digest_size);
  for (auto level = levels.rbegin(); level != levels.rend(); ++level)
    tree.area.insert(tree.area.end(), level->begin(), level->end());
  return tree;
}

} // namespace dstack::image
