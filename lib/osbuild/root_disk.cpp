#include "osbuild/root_disk.hpp"

#include "image/gpt.hpp"
#include "image/verity.hpp"

#include <algorithm>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace dstack::osbuild {

namespace {

constexpr std::uint64_t alignment = std::uint64_t{1} << 20U;
constexpr std::size_t copied_at_once = std::size_t{1} << 20U;
constexpr std::string_view linux_file_system = "0fc63daf-8483-4772-8e79-3d69d8477de4";
constexpr std::string_view disk_id = "d5acc000-0000-4000-8000-000000000000";
constexpr std::string_view partition_id = "d5acc000-0000-4000-8000-000000000001";
constexpr std::string_view partition_name = "dstack-rootfs";

std::uint64_t round_up(std::uint64_t value, std::uint64_t to)
{
  return (value + to - 1) / to * to;
}

Result<Bytes> read_exactly(int fd, std::uint64_t at, std::size_t size)
{
  Bytes out(size);
  std::size_t have = 0;
  while (have < size) {
    const ssize_t n = ::pread(fd, out.data() + have, size - have, static_cast<off_t>(at + have));
    if (n < 0) return sys::errno_error("read");
    if (n == 0) return fail(Errc::malformed, "ends at {} (want {})", at + have, at + size);
    have += static_cast<std::size_t>(n);
  }
  return out;
}

Status write_at(int fd, std::uint64_t at, ByteView data)
{
  if (::lseek(fd, static_cast<off_t>(at), SEEK_SET) < 0) return sys::errno_error("seek");
  return sys::write_all(fd, data);
}

Result<image::VerityTree>
tree_of(int fd, std::uint64_t at, std::uint64_t size, const image::VerityParameters& parameters)
{
  image::VerityBuilder builder{parameters};
  for (std::uint64_t done = 0; done < size; done += copied_at_once) {
    const auto count =
        static_cast<std::size_t>(std::min<std::uint64_t>(copied_at_once, size - done));
    TRY(builder.add(TRY(read_exactly(fd, at + done, count))));
  }
  return builder.finish();
}

Result<image::GptBytes> partition_table(std::uint64_t disk_size)
{
  image::Partition root;
  root.type = TRY(image::parse_guid(linux_file_system));
  root.id = TRY(image::parse_guid(partition_id));
  root.name = std::string{partition_name};
  root.first_lba = root_partition_offset / image::sector_size;
  root.last_lba = (disk_size - alignment) / image::sector_size - 1;
  return image::write_gpt({TRY(image::parse_guid(disk_id)), {root}},
                          disk_size / image::sector_size);
}

Result<image::Partition> find_root_partition(int fd, std::uint64_t disk_size)
{
  const Bytes head = TRY(read_exactly(fd, 0, image::gpt_head_sectors * image::sector_size));
  const auto table = TRY(image::parse_gpt(head, disk_size / image::sector_size));
  for (const image::Partition& partition : table.partitions)
    if (partition.name == partition_name) return partition;
  return fail(Errc::malformed, "no partition named {}", partition_name);
}

} // namespace

Result<SealedRoot> seal_root_disk(const fs::path& file)
{
  const std::uint64_t end = TRY(sys::file_size(file));
  DSTACK_ASSERT(end > root_partition_offset);
  const std::uint64_t size = round_up(end - root_partition_offset, image::verity_block_size);
  const sys::Fd fd{::open(file.c_str(), O_RDWR | O_CLOEXEC)};
  if (!fd) return sys::errno_error("open " + file.string());
  if (::fchmod(fd.get(), 0644) != 0) return sys::errno_error("chmod " + file.string());
  if (::ftruncate(fd.get(), static_cast<off_t>(root_partition_offset + size)) != 0)
    return sys::errno_error("extend " + file.string());
  const auto tree = TRY(tree_of(fd.get(), root_partition_offset, size, {}));
  const std::uint64_t disk_size =
      root_partition_offset + round_up(size + tree.area.size(), alignment) + alignment;
  const auto gpt = TRY(partition_table(disk_size));
  TRY(write_at(fd.get(), root_partition_offset + size, tree.area));
  TRY(write_at(fd.get(), 0, gpt.head));
  TRY(write_at(fd.get(), disk_size - gpt.tail.size(), gpt.tail));
  return SealedRoot{hex(tree.root), size};
}

Status check_root_disk(const fs::path& file, const image::RootParameters& root)
{
  const std::uint64_t disk_size = TRY(sys::file_size(file));
  const sys::Fd fd = TRY(sys::open_read(file));
  const auto partition = TRY(find_root_partition(fd.get(), disk_size));
  if (root.size_bytes > partition.size_bytes())
    return fail(Errc::untrusted, "the partition has {} bytes, the command line says {}",
                partition.size_bytes(), root.size_bytes);
  const std::uint64_t area_at = partition.offset() + root.size_bytes;
  const auto parameters = TRY(
      image::parse_verity_superblock(TRY(read_exactly(fd.get(), area_at, image::verity_block_size)))
          .within("behind the file system"));
  const auto tree = TRY(tree_of(fd.get(), partition.offset(), root.size_bytes, parameters));
  if (tree.root != root.hash)
    return fail(Errc::untrusted, "its root hash is {}, the kernel command line wants {}",
                hex(tree.root), hex(root.hash));
  const Bytes stored = TRY(read_exactly(fd.get(), area_at, tree.area.size()));
  if (stored != tree.area)
    return fail(Errc::untrusted, "its hash tree does not belong to its data");
  return ok();
}

} // namespace dstack::osbuild
