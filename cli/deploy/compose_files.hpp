#pragma once
/// Reading a compose file and the files it names.

#include "compose/project.hpp"
#include "sys/files.hpp"

namespace dstack::cli {

struct SourceFile {
  sys::fs::path path; ///< empty: stdin
  std::string name;   ///< for messages
  std::string head;   ///< first bytes of a file; the whole text of stdin
};

/// "" looks for compose.yaml and its other names; a directory likewise; "-" reads stdin.
Result<SourceFile> open_source(const std::string& word);
/// The whole text.
Result<std::string> read_source(const SourceFile& file);

struct ComposeFiles {
  std::string name;
  std::string directory_name; ///< made into a valid project name
  std::string text;
  compose::Project project;
  std::map<std::string, std::string> env_files; ///< path -> text, ".env" included
};

/// Judges the compose file and reads the environment files beside it. encrypted: variables that
/// reach the VM another way.
Result<ComposeFiles> read_compose_files(const SourceFile& file,
                                        const std::string& text,
                                        const std::vector<std::string>& encrypted);

} // namespace dstack::cli
