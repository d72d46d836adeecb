// links: rpc
// Any bytes as a guest API request: the answer is 200, 400 or 404 in printable ASCII JSON. The
// first line of the input is verb and target, the rest the body.
#include "rpc/prpc.hpp"

#include <algorithm>

using namespace dstack;
using codec::Json;

namespace {

rpc::Service make_service()
{
  const auto echo = [](const Json& params) -> Result<Json> { return params; };
  rpc::Service out;
  out.trimmed_prefix = "Tappd.";
  out.methods["Echo"] = echo;
  const std::vector<rpc::Field> fields = {{1, "a", rpc::FieldKind::text},
                                          {2, "b", rpc::FieldKind::boolean},
                                          {3, "n", rpc::FieldKind::u64, rpc::Need::optional},
                                          {4, "h", rpc::FieldKind::bytes},
                                          {5, "l", rpc::FieldKind::texts},
                                          {6, "k", rpc::FieldKind::bytes_list}};
  out.methods["Typed"] = rpc::Method{fields, fields, echo};
  return out;
}

http::Request request_from(std::string_view text)
{
  const auto line = text.find('\n');
  const std::string_view start = text.substr(0, line);
  const auto blank = start.find(' ');
  http::Request out;
  out.method = start.substr(0, blank);
  if (blank != std::string_view::npos) out.target = start.substr(blank + 1);
  if (line != std::string_view::npos) out.body = text.substr(line + 1);
  out.headers = {{"Content-Type", "application/json"}};
  return out;
}

void check_typed(const Json& answer)
{
  DSTACK_ASSERT(answer.is_object() && answer.members().size() == 6);
  DSTACK_ASSERT(answer.find("a")->is_string() && answer.find("b")->is_bool());
  DSTACK_ASSERT(answer.find("n")->is_null() || answer.find("n")->is_integer());
  DSTACK_ASSERT(parse_hex(answer.find("h")->text()));
  DSTACK_ASSERT(answer.find("l")->is_array() && answer.find("k")->is_array());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  static const rpc::Service service = make_service();
  const http::Request request = request_from(as_text({data, size}));
  const http::Response response = rpc::answer(service, request);
  DSTACK_ASSERT(response.status == 200 || response.status == 400 || response.status == 404);
  DSTACK_ASSERT(std::all_of(response.body.begin(), response.body.end(),
                            [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); }));
  const auto answer = codec::parse_json(response.body, {.max_bytes = response.body.size()});
  DSTACK_ASSERT(answer);
  DSTACK_ASSERT(response.status == 200 || answer->find("error") != nullptr);
  if (response.status == 200 && request.path().ends_with("Typed")) check_typed(*answer);
  return 0;
}
