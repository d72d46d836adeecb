#include "cli/verify/inputs.hpp"

#include <algorithm>
#include <unistd.h>

namespace dstack::cli {

namespace {

constexpr std::size_t max_list = std::size_t{64} << 20U;
constexpr std::size_t max_inputs = 1'000'000;

Input named(std::string_view word)
{
  if (word == "-") return {"-", Input::Kind::stdin};
  if (word.starts_with("https://")) return {std::string{word}, Input::Kind::address};
  return {std::string{word}, Input::Kind::file};
}

Status add_directory(const sys::fs::path& directory, std::vector<Input>& out)
{
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : sys::fs::directory_iterator{directory, error})
    if (entry.is_regular_file(error)) names.push_back(entry.path().string());
  if (error) return fail(Errc::io, "{}: {}", directory.string(), error.message());
  std::sort(names.begin(), names.end());
  for (const std::string& name : names)
    out.push_back({name, Input::Kind::file});
  return ok();
}

Status add_list(const std::string& file, std::vector<Input>& out)
{
  const std::string text = TRY(sys::read_text(file, max_list));
  for (const std::string_view line : split(text, '\n'))
    if (!trim(line).empty()) out.push_back(named(trim(line)));
  return ok();
}

} // namespace

Result<std::vector<Input>> expand_inputs(const std::vector<std::string>& words)
{
  std::vector<Input> out;
  for (const std::string& word : words) {
    const Input input = named(word);
    std::error_code error;
    if (input.kind == Input::Kind::file && word.starts_with('@'))
      TRY(add_list(word.substr(1), out));
    else if (input.kind == Input::Kind::file && sys::fs::is_directory(word, error))
      TRY(add_directory(word, out));
    else
      out.push_back(input);
    if (out.size() > max_inputs) return fail(Errc::usage, "more than {} inputs", max_inputs);
  }
  if (out.empty()) return fail(Errc::not_found, "no files in {}", join(words, ", "));
  return out;
}

Result<Bytes> read_input(const Input& input)
{
  if (input.kind == Input::Kind::file) return sys::read_file(input.name, attest::max_evidence);
  Bytes out;
  while (true) {
    const Bytes piece = TRY(sys::read_some(STDIN_FILENO, std::size_t{64} << 10U));
    if (piece.empty()) return out;
    out.insert(out.end(), piece.begin(), piece.end());
    if (out.size() > attest::max_evidence)
      return fail(Errc::malformed, "more than {} bytes", attest::max_evidence);
  }
}

} // namespace dstack::cli
