#include "osbuild/build_steps.hpp"
#include "sys/threads.hpp"

#include <algorithm>

namespace dstack::osbuild {

namespace {

using image::LockedPackage;

const std::vector<std::string> kernel_files = {"usr/lib/modules/*/vmlinuz",
                                               "usr/lib/modules/*.ko.xz"};
const std::vector<std::string> firmware_files = {"usr/share/ovmf/OVMF.fd"};
const std::vector<std::string> tool_files = {"usr/bin/kmod", "usr/bin/mksquashfs",
                                             "usr/sbin/depmod", "usr/lib64/*",
                                             "usr/lib/x86_64-linux-gnu/*.so*"};

Chooser one_of(const std::vector<std::string>& globs)
{
  return [&globs](const std::string& path) {
    return matches_any(globs, path) ? Choice::write : Choice::skip;
  };
}

Chooser by_rules(const Rules& rules)
{
  return [&rules](const std::string& path) {
    if (rules.takes(path)) return Choice::write;
    const auto joined = [&](const Join& join) { return matches(join.glob, path); };
    return std::any_of(rules.joins.begin(), rules.joins.end(), joined) ? Choice::capture
                                                                       : Choice::skip;
  };
}

struct Job {
  const LockedPackage* package;
  fs::path into;
  Chooser choose;
  Unpacked* result;
};

/// Every keep line must have found something: a program that moved would otherwise just be missing.
Status check_rules_used(const Rules& rules, const Unpacked& all)
{
  for (const std::string& glob : rules.keep) {
    const auto hit = [&](const std::string& path) { return matches(glob, path); };
    if (std::none_of(all.paths.begin(), all.paths.end(), hit))
      return fail(Errc::config, "rootfs.rules: no package has a file for \"keep {}\"", glob);
  }
  return ok();
}

Status make_layout(const Rules& rules, const Unpacked& all, const fs::path& root)
{
  TRY(make_directory(root, "", 0755));
  for (const Directory& directory : rules.directories)
    TRY(make_directory(root, directory.path, directory.mode));
  for (const Join& join : rules.joins) {
    Bytes content;
    for (const auto& [path, piece] : all.captured)
      if (matches(join.glob, path)) content.insert(content.end(), piece.begin(), piece.end());
    if (content.empty())
      return fail(Errc::config, "rootfs.rules: no package has a file for \"join {}\"", join.glob);
    TRY(make_directory(root, fs::path{join.path}.parent_path().string(), 0755));
    TRY(write_file(root / join.path, content, 0644));
  }
  Unpacked links;
  for (const Link& link : rules.links)
    links.symlinks[link.path] = link.target;
  return finish_links(links, root);
}

void merge(Unpacked& into, Unpacked from)
{
  into.paths.insert(into.paths.end(), from.paths.begin(), from.paths.end());
  into.symlinks.merge(from.symlinks);
  into.copies.merge(from.copies);
  into.captured.merge(from.captured);
}

/// What one role's packages left to be done, and the directory it belongs to.
struct Role {
  std::string name;
  fs::path into;
  Chooser choose;
  std::vector<Unpacked> results{};
};

std::vector<Job> jobs_of(std::vector<Role>& roles, const image::PackageLock& lock)
{
  std::vector<Job> jobs;
  for (Role& role : roles) {
    role.results.resize(lock.packages.size());
    for (std::size_t i = 0; i < lock.packages.size(); ++i)
      if (lock.packages[i].has_role(role.name))
        jobs.push_back({&lock.packages[i], role.into, role.choose, &role.results[i]});
  }
  // Large ones first, so that the workers end together.
  std::stable_sort(jobs.begin(), jobs.end(), [](const Job& a, const Job& b) {
    return a.package->size_bytes > b.package->size_bytes;
  });
  return jobs;
}

} // namespace

Status unpack_packages(const Recipe& recipe,
                       const fs::path& packages,
                       const Workplace& work,
                       unsigned workers)
{
  std::vector<Role> roles = {{"rootfs", work.root(), by_rules(recipe.rules)},
                             {"kernel", work.kernel(), one_of(kernel_files)},
                             {"firmware", work.firmware(), one_of(firmware_files)},
                             {"tools", work.tools(), one_of(tool_files)}};
  for (const Role& role : roles)
    TRY(sys::make_directories(role.into, sys::Privacy::shared));
  std::vector<std::function<Status()>> tasks;
  for (const Job& job : jobs_of(roles, recipe.lock))
    tasks.emplace_back([job, &packages]() -> Status {
      *job.result = TRY(unpack(packages / job.package->file_name(), job.into, job.choose));
      return ok();
    });
  TRY(sys::run_parallel(tasks, workers));
  for (Role& role : roles) {
    Unpacked all;
    for (Unpacked& result : role.results)
      merge(all, std::move(result));
    TRY(finish_links(all, role.into).within("{}", role.name));
    if (role.name != "rootfs") continue;
    TRY(check_rules_used(recipe.rules, all));
    TRY(make_layout(recipe.rules, all, role.into));
  }
  return ok();
}

} // namespace dstack::osbuild
