#include "vm/arguments.hpp"

namespace dstack::vm {

void add(Args& args, std::initializer_list<std::string> more)
{
  args.insert(args.end(), more);
}

std::string escaped(std::string_view value)
{
  std::string out;
  for (const char c : value) {
    out += c;
    if (c == ',') out += ',';
  }
  return out;
}

} // namespace dstack::vm
