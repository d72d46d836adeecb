// links: rpc
// Any bytes as a protobuf message: what is read can be written and read again to the same tree, and
// as a request it is answered with 200 or 400.
#include "rpc/wire.hpp"

using namespace dstack;
using codec::Json;

namespace {

const std::vector<rpc::Field> inner = {{1, "name"}, {2, "size", rpc::FieldKind::u64}};
const std::vector<rpc::Field> fields = {
    {1, "text"},
    {2, "flag", rpc::FieldKind::boolean},
    {3, "until", rpc::FieldKind::u64, rpc::Need::optional},
    {4, "raw", rpc::FieldKind::bytes},
    {5, "texts", rpc::FieldKind::texts},
    {6, "raws", rpc::FieldKind::bytes_list},
    {7, "when", rpc::FieldKind::i64},
    {8, "one", rpc::FieldKind::message, rpc::Need::defaulted, inner},
    {9, "many", rpc::FieldKind::messages, rpc::Need::defaulted, inner}};

void answer_as_request(ByteView data)
{
  rpc::Service service;
  service.methods["Echo"] = {fields, fields,
                             [](const Json& params) -> Result<Json> { return params; }};
  http::Request request;
  request.method = "POST";
  request.target = "/Echo";
  request.body = to_text(data);
  const http::Response response = rpc::answer(service, request);
  DSTACK_ASSERT(response.status == 200 || response.status == 400);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const ByteView bytes{data, size};
  answer_as_request(bytes);
  const auto read = rpc::read_message(fields, bytes);
  if (!read) return 0;
  const auto again = rpc::read_message(fields, *rpc::write_message(fields, *read));
  DSTACK_ASSERT(again && codec::write_json(*again) == codec::write_json(*read));
  return 0;
}
