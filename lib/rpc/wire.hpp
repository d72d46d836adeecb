#pragma once
/// The protobuf encoding (proto3 wire format) of the messages that prpc.hpp describes by fields.
/// Values are the same trees as in JSON: bytes are hex there and raw here.

#include "rpc/prpc.hpp"

namespace dstack::rpc {

/// Fields of other numbers are passed over; groups, which proto3 does not have, are refused. A
/// field given twice counts as protobuf has it: the last one, or one more of a list.
Result<codec::Json> read_message(const std::vector<Field>& fields, ByteView data);

/// Members that hold their default are left out. value follows fields: our own answers do.
Bytes write_message(const std::vector<Field>& fields, const codec::Json& value);

} // namespace dstack::rpc
