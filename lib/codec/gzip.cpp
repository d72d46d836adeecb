#include "codec/gzip.hpp"

#include <limits>
#include <memory>
#include <zlib.h>

namespace dstack::codec {

namespace {

constexpr int gzip_window = 15 + 16; // zlib: 16 more means gzip framing

struct Inflater {
  z_stream stream{};
  bool ready = inflateInit2(&stream, gzip_window) == Z_OK;
  Inflater() = default;
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater()
  {
    if (ready) inflateEnd(&stream);
  }
};

} // namespace

Result<Bytes> gunzip(ByteView data, std::size_t limit)
{
  if (data.size() > std::numeric_limits<uInt>::max() || limit >= std::numeric_limits<uInt>::max())
    return fail(Errc::malformed, "gzip: {} bytes", data.size());
  Inflater inflater;
  if (!inflater.ready) return fail(Errc::internal, "gzip: cannot start");
  Bytes in = to_bytes(data); // zlib's interface takes bytes that it could change
  Bytes out(limit + 1);
  inflater.stream.next_in = in.data();
  inflater.stream.avail_in = static_cast<uInt>(in.size());
  inflater.stream.next_out = out.data();
  inflater.stream.avail_out = static_cast<uInt>(out.size());
  const int ended = inflate(&inflater.stream, Z_FINISH);
  const std::size_t size = out.size() - inflater.stream.avail_out;
  if (size > limit) return fail(Errc::malformed, "gzip: more than {} bytes come out", limit);
  if (ended != Z_STREAM_END) return fail(Errc::malformed, "gzip: damaged or cut off");
  if (inflater.stream.avail_in != 0) return fail(Errc::malformed, "gzip: bytes after the end");
  out.resize(size);
  return out;
}

} // namespace dstack::codec
