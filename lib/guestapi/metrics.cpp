#include "guestapi/metrics.hpp"

#include "guestapi/log_text.hpp"

namespace dstack::guestapi {

namespace {

/// Label values escape backslash, line feed and quote, and are UTF-8.
std::string label(std::string_view text)
{
  std::string out;
  for (const char c : lossy_utf8(text)) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
  return out;
}

class Metrics {
public:
  void gauge(std::string_view name, std::uint64_t value)
  {
    head(name);
    out_ += fmt::format("{} {}\n", name, value);
  }

  /// A text as the label of a constant 1.
  void text(std::string_view name, std::string_view label_name, std::string_view value)
  {
    head(name);
    out_ += fmt::format("{}{{{}=\"{}\"}} 1\n", name, label_name, label(value));
  }

  void head(std::string_view name) { out_ += fmt::format("# TYPE {} gauge\n", name); }

  void disk(std::string_view name, const Disk& disk, std::string_view value)
  {
    out_ += fmt::format("{}{{name=\"{}\",mount_point=\"{}\"}} {}\n", name, label(disk.name),
                        label(disk.mount_point), value);
  }

  std::string take() { return std::move(out_); }

private:
  std::string out_;
};

std::string percentage(const Disk& disk)
{
  if (disk.total_size == 0) return "0";
  return fmt::format("{:.2f}", 100.0 * static_cast<double>(disk.used_size()) /
                                   static_cast<double>(disk.total_size));
}

void add_disks(Metrics& out, const std::vector<Disk>& disks)
{
  out.head("disk_total_size");
  for (const Disk& disk : disks)
    out.disk("disk_total_size", disk, std::to_string(disk.total_size));
  out.head("disk_free_size");
  for (const Disk& disk : disks)
    out.disk("disk_free_size", disk, std::to_string(disk.free_size));
  out.head("disk_used_size");
  for (const Disk& disk : disks)
    out.disk("disk_used_size", disk, std::to_string(disk.used_size()));
  out.head("disk_usage_percentage");
  for (const Disk& disk : disks)
    out.disk("disk_usage_percentage", disk, percentage(disk));
}

} // namespace

std::string render_metrics(const SystemInfo& info)
{
  Metrics out;
  out.text("system_os_name", "os_name", info.os_name);
  out.text("system_os_version", "os_version", info.os_version);
  out.text("system_kernel_version", "kernel_version", info.kernel_version);
  out.text("system_cpu_model", "cpu_model", info.cpu_model);
  out.gauge("system_num_cpus", info.num_cpus);
  out.gauge("system_memory_total", info.total_memory);
  out.gauge("system_memory_available", info.available_memory);
  out.gauge("system_memory_used", info.used_memory);
  out.gauge("system_memory_free", info.free_memory);
  out.gauge("system_swap_total", info.total_swap);
  out.gauge("system_swap_used", info.used_swap);
  out.gauge("system_swap_free", info.free_swap);
  out.gauge("system_uptime", info.uptime);
  out.gauge("system_load_average_1m", info.loadavg_one);
  out.gauge("system_load_average_5m", info.loadavg_five);
  out.gauge("system_load_average_15m", info.loadavg_fifteen);
  add_disks(out, info.disks);
  return out.take();
}

} // namespace dstack::guestapi
