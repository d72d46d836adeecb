#pragma once
/// What `dstack verify` is asked to judge: files, standard input, directories, lists, addresses.

#include "attest/evidence.hpp"
#include "cli/context.hpp"

namespace dstack::cli {

struct Input {
  std::string name{}; ///< as shown
  enum class Kind { file, stdin, address } kind = Kind::file;
};

/// Directories stand for the files in them, "@list" for the names in that file, one a line.
Result<std::vector<Input>> expand_inputs(const std::vector<std::string>& words);

/// The bytes of a file or of standard input; limit is attest::max_evidence.
Result<Bytes> read_input(const Input& input);

} // namespace dstack::cli
