#include "guest/verity_table.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace dstack::guest {

namespace {

/// Text in a fixed field, up to the first NUL; what follows must be NUL too.
Result<std::string> fixed_text(ByteView field)
{
  const auto end = std::find(field.begin(), field.end(), std::uint8_t{0});
  if (std::any_of(end, field.end(), [](std::uint8_t byte) { return byte != 0; }))
    return fail(Errc::malformed, "bytes after the end of the name");
  return to_text(field.first(static_cast<std::size_t>(end - field.begin())));
}

} // namespace

Result<VeritySuperblock> parse_verity_superblock(ByteView block, std::uint64_t data_size_bytes)
{
  ByteReader in{block};
  const ByteView magic = TRY(in.take(8).within("signature"));
  if (as_text(magic) != std::string_view{"verity\0\0", 8})
    return fail(Errc::malformed, "no dm-verity superblock behind the root file system");
  const std::uint32_t version = TRY(in.u32le().within("version"));
  const std::uint32_t type = TRY(in.u32le().within("hash type"));
  if (version != 1 || type != 1)
    return fail(Errc::unsupported, "version {} hash type {} (want 1 and 1)", version, type);
  TRY(in.take(16).within("uuid"));
  const std::string algorithm = TRY(fixed_text(TRY(in.take(32))).within("algorithm"));
  if (algorithm != "sha256")
    return fail(Errc::unsupported, "hash \"{}\" (want sha256)", printable(algorithm));
  const std::uint32_t data_block = TRY(in.u32le().within("data block size"));
  const std::uint32_t hash_block = TRY(in.u32le().within("hash block size"));
  if (data_block != verity_block_size || hash_block != verity_block_size)
    return fail(Errc::unsupported, "blocks of {} and {} bytes (want 4096)", data_block, hash_block);
  VeritySuperblock out;
  out.data_blocks = TRY(in.u64le().within("data blocks"));
  if (out.data_blocks != data_size_bytes / verity_block_size)
    return fail(Errc::malformed, "{} data blocks (the command line says {})", out.data_blocks,
                data_size_bytes / verity_block_size);
  const std::uint16_t salt_size = TRY(in.u16le().within("salt size"));
  TRY(in.take(6).within("padding"));
  const ByteView salt = TRY(in.take(256).within("salt"));
  if (salt_size > salt.size()) return fail(Errc::malformed, "salt of {} bytes", salt_size);
  out.salt = to_bytes(salt.first(salt_size));
  return out;
}

std::string
verity_table(const VeritySuperblock& superblock, std::string_view device, ByteView root_hash)
{
  // The tree starts one block behind the superblock, which itself follows the data.
  const std::uint64_t tree_block = superblock.data_blocks + 1;
  return fmt::format("1 {0} {0} {1} {1} {2} {3} sha256 {4} {5} 1 panic_on_corruption", device,
                     verity_block_size, superblock.data_blocks, tree_block, hex(root_hash),
                     superblock.salt.empty() ? "-" : hex(superblock.salt));
}

} // namespace dstack::guest
