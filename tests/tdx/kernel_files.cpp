/// A stand-in for what Linux shows inside a TDX guest, as a FUSE file system: tdx-kernel-files
/// MOUNTPOINT AUTHORITY-DIRECTORY. It follows the kernel's documents and source in layout, modes,
/// sizes and errors:
///   report/NAME/{provider,generation,inblob,outblob}  configfs-tsm (drivers/virt/coco/guest/
///       report.c, fs/configfs/file.c: binary attributes are taken when the file is closed), with
///       auxblob where the provider is sev_guest (drivers/virt/coco/sev-guest)
///   measurements/{mrtd,rtmr0..3}:sha384               sysfs (drivers/virt/coco/guest/tsm-mr.c:
///       48 bytes at once or EINVAL; rtmr0 and rtmr1 cannot be opened for writing)
///   CCEL, tdx_guest, control                          the last takes orders of the test
/// Quotes are those of the simulated TEE, so they parse and verify.
#define FUSE_USE_VERSION 31

#include "sys/clock.hpp"
#include "tee/sim_host.hpp"

#include <fuse3/fuse.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <optional>
#include <sys/stat.h>

namespace dstack::tdxfiles {
namespace {

constexpr std::size_t inblob_max = 64; ///< TSM_REPORT_INBLOB_MAX
constexpr std::size_t digest_size = 48;

struct Entry {
  std::uint64_t written = 0; ///< generation of what was asked
  std::uint64_t made = 0;    ///< generation the report was made for
  Bytes inblob{};
  Bytes outblob{};
};

/// What the test ordered.
struct Faults {
  std::string provider = "tdx_guest";
  int read_error = 0;         ///< of the next `errors` reads of outblob
  unsigned errors = 0;        ///< how many
  unsigned foreign = 0;       ///< so many requests are followed by somebody else's
  std::optional<Bytes> fixed; ///< outblob instead of a quote
  Bytes auxiliary;            ///< auxblob
};

struct Open {
  std::vector<std::string> path{};
  std::optional<Bytes> content{}; ///< of this open file, made at the first read
  Bytes input{};
  bool wrote = false;
};

struct Kernel {
  explicit Kernel(tee::SimAuthority with) : authority(std::move(with)) {}
  tee::SimAuthority authority;
  attest::TdxRegisters registers{};
  std::map<std::string, Entry> entries{};
  Faults faults{};
  Bytes event_log{};
  std::map<std::uint64_t, Open> open{};
  std::uint64_t next_handle = 1;
};

Kernel& kernel()
{
  return *static_cast<Kernel*>(fuse_get_context()->private_data);
}

std::vector<std::string> parts(const char* path)
{
  std::vector<std::string> out;
  for (const std::string_view part : split(path, '/'))
    if (!part.empty()) out.emplace_back(part);
  return out;
}

/// Register of "rtmrN:sha384", or none.
std::optional<std::size_t> rtmr_of(const std::string& name)
{
  for (std::size_t i = 0; i < 4; ++i)
    if (name == fmt::format("rtmr{}:sha384", i)) return i;
  return {};
}

const std::map<std::string, mode_t> report_files{
    {"provider", 0444}, {"generation", 0444}, {"inblob", 0200}, {"outblob", 0444},
    {"auxblob", 0444}};
const std::map<std::string, mode_t> measurement_files{{"mrtd:sha384", 0444},
                                                      {"rtmr0:sha384", 0444},
                                                      {"rtmr1:sha384", 0444},
                                                      {"rtmr2:sha384", 0644},
                                                      {"rtmr3:sha384", 0644}};
const std::map<std::string, mode_t> top_files{
    {"CCEL", 0400}, {"tdx_guest", 0600}, {"control", 0600}};

/// Type and mode of a path; 0 when it does not exist.
mode_t mode_of(const std::vector<std::string>& path)
{
  const auto file = [](const std::map<std::string, mode_t>& among, const std::string& name) {
    const auto at = among.find(name);
    return at == among.end() ? 0U : S_IFREG | at->second;
  };
  constexpr mode_t directory = S_IFDIR | 0755;
  if (path.empty()) return directory;
  const bool report = path[0] == "report";
  const bool measurements = path[0] == "measurements";
  if (path.size() == 1) return report || measurements ? directory : file(top_files, path[0]);
  if (path.size() == 2 && measurements) return file(measurement_files, path[1]);
  if (!report || !kernel().entries.contains(path[1])) return 0;
  if (path.size() == 2) return directory;
  if (path[2] == "auxblob" && kernel().faults.provider != "sev_guest") return 0;
  return path.size() == 3 ? file(report_files, path[2]) : 0;
}

int get_attributes(const char* name, struct stat* out, fuse_file_info* /*file*/)
{
  const auto path = parts(name);
  const mode_t mode = mode_of(path);
  if (mode == 0) return -ENOENT;
  std::memset(out, 0, sizeof *out);
  out->st_mode = mode;
  out->st_nlink = S_ISDIR(mode) ? 2 : 1;
  if (path.size() == 2 && S_ISREG(mode)) out->st_size = digest_size;
  return 0;
}

int list(const char* name,
         void* buffer,
         fuse_fill_dir_t fill,
         off_t /*offset*/,
         fuse_file_info* /*file*/,
         fuse_readdir_flags /*flags*/)
{
  const auto path = parts(name);
  const auto add = [&](const std::string& entry) {
    fill(buffer, entry.c_str(), nullptr, 0, fuse_fill_dir_flags{});
  };
  const auto add_all = [&](const auto& from) {
    for (const auto& item : from)
      add(item.first);
  };
  if (path.empty()) {
    add_all(top_files);
    add("report");
    add("measurements");
  } else if (path[0] == "measurements") {
    add_all(measurement_files);
  } else if (path.size() == 1) {
    add_all(kernel().entries);
  } else {
    add_all(report_files);
  }
  return 0;
}

int make_entry(const char* name, mode_t /*mode*/)
{
  const auto path = parts(name);
  if (path.size() != 2 || path[0] != "report") return -EPERM;
  if (kernel().faults.provider == "none") return -ENXIO;
  return kernel().entries.try_emplace(path[1]).second ? 0 : -EEXIST;
}

int open_file(const char* name, fuse_file_info* file)
{
  const auto path = parts(name);
  const mode_t mode = mode_of(path);
  if (mode == 0) return -ENOENT;
  const auto access = static_cast<unsigned>(file->flags) & static_cast<unsigned>(O_ACCMODE);
  // sysfs and configfs look at the mode bits even where root's privileges would not.
  const int refused = path[0] == "measurements" ? -EINVAL : -EACCES;
  if (access != O_RDONLY && (mode & 0222U) == 0) return refused;
  if (access != O_WRONLY && (mode & 0444U) == 0) return refused;
  file->direct_io = 1;
  file->fh = kernel().next_handle++;
  kernel().open[file->fh].path = path;
  return 0;
}

/// tsm_report_read: the report is made when there is none for the present request.
int read_report(Entry& entry, Bytes& out)
{
  Faults& faults = kernel().faults;
  if (faults.provider == "none") return -ENXIO;
  if (entry.inblob.empty()) return -EINVAL;
  if (faults.errors > 0) {
    --faults.errors;
    return -faults.read_error;
  }
  if (entry.outblob.empty() || entry.made != entry.written) {
    if (entry.inblob.size() != inblob_max) return -EINVAL; // tdx_report_new
    entry.outblob =
        faults.fixed ? *faults.fixed : kernel().authority.quote(kernel().registers, entry.inblob);
    entry.made = entry.written;
  }
  out = entry.outblob;
  return 0;
}

int content_of(const std::vector<std::string>& path, Bytes& out)
{
  Kernel& k = kernel();
  if (path[0] == "measurements") {
    const auto rtmr = rtmr_of(path[1]);
    out = to_bytes(rtmr ? k.registers.rtmr.at(*rtmr) : k.registers.mrtd);
  } else if (path[0] == "report") {
    Entry& entry = k.entries[path[1]];
    if (path[2] == "provider") out = to_bytes(k.faults.provider + "\n");
    if (path[2] == "generation") out = to_bytes(fmt::format("{}\n", entry.written));
    if (path[2] == "outblob") return read_report(entry, out);
    if (path[2] == "auxblob") out = k.faults.auxiliary;
  } else if (path[0] == "CCEL") {
    out = k.event_log;
  }
  return 0;
}

int read_file(const char* /*name*/, char* to, std::size_t size, off_t offset, fuse_file_info* file)
{
  Open& open = kernel().open[file->fh];
  if (!open.content) {
    Bytes made;
    const int error = content_of(open.path, made);
    if (error != 0) return error;
    open.content = std::move(made);
  }
  const auto from = std::min(static_cast<std::size_t>(offset), open.content->size());
  const std::size_t count = std::min(size, open.content->size() - from);
  std::copy_n(open.content->begin() + static_cast<std::ptrdiff_t>(from), count, to);
  return static_cast<int>(count);
}

/// sysfs_kf_bin_write cuts at the attribute's size, then tm_digest_write wants all of it at once.
int write_register(const std::string& name, ByteView data, std::size_t offset)
{
  if (offset >= digest_size) return -EFBIG;
  const std::size_t count = std::min(data.size(), digest_size - offset);
  if (offset != 0 || count != digest_size) return -EINVAL;
  crypto::Sha384Digest digest{};
  std::copy_n(data.begin(), count, digest.begin());
  auto& value = kernel().registers.rtmr.at(*rtmr_of(name));
  attest::Register extended = attest::Register::of(value);
  extended.extend(digest);
  value = extended.value();
  return static_cast<int>(count);
}

int write_file(
    const char* /*name*/, const char* from, std::size_t size, off_t offset, fuse_file_info* file)
{
  Open& open = kernel().open[file->fh];
  const ByteView data = as_bytes({from, size});
  if (open.path[0] == "measurements")
    return write_register(open.path[1], data, static_cast<std::size_t>(offset));
  if (open.path[0] == "report" && open.input.size() + size > inblob_max) return -EFBIG;
  open.input.insert(open.input.end(), data.begin(), data.end());
  open.wrote = true;
  return static_cast<int>(size);
}

void take_request(Entry& entry, const Bytes& inblob)
{
  Faults& faults = kernel().faults;
  ++entry.written;
  entry.inblob = inblob;
  if (faults.foreign == 0) return;
  --faults.foreign;
  ++entry.written;
  entry.inblob.assign(inblob_max, 0xee);
}

/// One order: "provider NAME", "error ERRNO COUNT", "foreign COUNT", "outblob HEX", "quotes",
/// "auxblob HEX", "register N HEX", "ccel HEX".
void obey(std::string_view order)
{
  const auto words = split(trim(order), ' ');
  Kernel& k = kernel();
  const auto number = [&](std::size_t at) { return *parse_u64(words.at(at)); };
  if (words[0] == "provider") k.faults.provider = words.at(1);
  if (words[0] == "foreign") k.faults.foreign = static_cast<unsigned>(number(1));
  if (words[0] == "outblob") k.faults.fixed = *parse_hex(words.size() > 1 ? words[1] : "");
  if (words[0] == "auxblob") k.faults.auxiliary = *parse_hex(words.at(1));
  if (words[0] == "quotes") k.faults.fixed.reset();
  if (words[0] == "ccel") k.event_log = *parse_hex(words.at(1));
  if (words[0] == "register") k.registers.rtmr.at(number(1)) = *parse_hex_array<48>(words.at(2));
  if (words[0] != "error") return;
  k.faults.read_error = static_cast<int>(number(1));
  k.faults.errors = static_cast<unsigned>(number(2));
}

/// close(2). configfs takes a binary attribute now; what its owner says about it is lost.
int close_file(const char* /*name*/, fuse_file_info* file)
{
  Open& open = kernel().open[file->fh];
  if (!open.wrote) return 0;
  open.wrote = false;
  if (open.path[0] == "control") obey(as_text(open.input));
  if (open.path[0] == "report") take_request(kernel().entries[open.path[1]], open.input);
  return 0;
}

int forget_file(const char* /*name*/, fuse_file_info* file)
{
  kernel().open.erase(file->fh);
  return 0;
}

void* begin(fuse_conn_info* /*connection*/, fuse_config* config)
{
  config->attr_timeout = 0;
  config->entry_timeout = 0;
  config->negative_timeout = 0;
  return fuse_get_context()->private_data;
}

int run(const char* program, const char* mountpoint, const char* authority)
{
  auto opened = tee::SimAuthority::open(authority, sys::now());
  if (!opened) {
    fmt::print(stderr, "{}\n", opened.error().message());
    return 1;
  }
  Kernel state{*std::move(opened)};
  fuse_operations operations{};
  operations.getattr = get_attributes;
  operations.readdir = list;
  operations.mkdir = make_entry;
  operations.open = open_file;
  operations.read = read_file;
  operations.write = write_file;
  operations.flush = close_file;
  operations.release = forget_file;
  operations.init = begin;
  std::string name{program};
  std::string where{mountpoint};
  std::string foreground{"-f"};
  std::string one_thread{"-s"};
  std::array<char*, 4> arguments{name.data(), foreground.data(), one_thread.data(), where.data()};
  return fuse_main(static_cast<int>(arguments.size()), arguments.data(), &operations, &state);
}

} // namespace
} // namespace dstack::tdxfiles

int main(int argc, char** argv)
{
  if (argc != 3) {
    fmt::print(stderr, "usage: tdx-kernel-files MOUNTPOINT AUTHORITY-DIRECTORY\n");
    return 2;
  }
  return dstack::tdxfiles::run(argv[0], argv[1], argv[2]);
}
