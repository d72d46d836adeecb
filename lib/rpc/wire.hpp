#pragma once
/// The protobuf encoding (proto3 wire format) of the messages that prpc.hpp describes by fields.
/// Values are the same trees as in JSON: bytes are hex there and raw here.

#include "rpc/prpc.hpp"

namespace dstack::rpc {

/// Fields of other numbers are passed over; groups, which proto3 does not have, are refused. A
/// field given twice counts as protobuf has it: the last one, or one more of a list.
Result<codec::Json> read_message(const std::vector<Field>& fields, ByteView data);

/// Members that hold their default are left out. Errc::malformed names a member that is not what
/// fields say. Null is an empty message.
Result<Bytes> write_message(const std::vector<Field>& fields, const codec::Json& value);
/// The message of a failure: the text as field 1.
Bytes write_error(std::string_view text);

} // namespace dstack::rpc
