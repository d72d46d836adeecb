#include "measure/documents.hpp"

#include <doctest/doctest.h>

namespace dstack::measure {
namespace {

/// Spec host 5.11, T1: the image of a real TDX quote.
TdxDocument published_document()
{
  TdxDocument out;
  out.version = 3;
  out.cmdline_event =
      *parse_hex_array<48>("786280842b7364287a3a70d96f7e309252857beb45fb1f91314a2ea863db0adc"
                           "04c8431ecbf29a966405604631a5aab8");
  out.kernel_event =
      *parse_hex_array<48>("ac7e632dcf5cd2a1fe5c1f41f4d9b8219570e64ed3c61038fdbf25404e6f542f"
                           "fd57f276bc5076307efaf882e6d64177");
  out.initrd_event =
      *parse_hex_array<48>("4fe4f7710134a61d7def357add6ac50bdbfeee5032a4c100375e207216ffe42a"
                           "3bd5822b24e679f91501fff795b81521");
  out.ovmf_variant = "pre202505";
  out.mrtd_single_pass =
      *parse_hex_array<48>("a6f2ac9451810686a4db259fe8fa5438dc4a58bda9fd2f5b1fb0928335705500"
                           "d29a15c92387416a2f52dddce99c83f8");
  out.mrtd_two_pass =
      *parse_hex_array<48>("fd685522ce791dfef67414614eb07d03fc07a32c5a66f36288b329dab92b724b"
                           "1564c73d436ffb9ea84488c51ac5a1c5");
  out.td_hob = *parse_hex("80100904000609020b021010");
  return out;
}

TdxDocument newer_document()
{
  TdxDocument out = published_document();
  out.version = 4;
  out.cmdline = std::string(140, 'x');
  out.kernel_header_normalized = true;
  return out;
}

SnpImage snp_image()
{
  SnpImage out;
  out.cmdline = "dstack.rootfs_hash=00";
  out.kernel.fill(1);
  out.initrd.fill(2);
  out.firmware.digest.fill(3);
  out.firmware.hash_table_address = 0x810c00;
  out.firmware.reset_eip = 0xfffffff0;
  out.firmware.sections = {{0x800000, 0x9000, 1}, {0x810000, 0x1000, 16}};
  return out;
}

/// Every document that is one byte shorter, longer or has one other byte is refused, or is another
/// document that is written as it was read.
template <class Parse> void check_strict(const Bytes& good, const Parse& parse)
{
  REQUIRE(parse(good));
  CHECK(write_document(*parse(good)) == good);
  for (std::size_t n = 0; n < good.size(); ++n)
    CHECK_FALSE(parse(Bytes{good.begin(), good.begin() + static_cast<std::ptrdiff_t>(n)}));
  Bytes longer = good;
  longer.push_back(0);
  CHECK_FALSE(parse(longer));
  for (std::size_t i = 0; i < good.size() * 8; ++i) {
    Bytes changed = good;
    changed[i / 8] = static_cast<std::uint8_t>(changed[i / 8] ^ 1U << i % 8);
    const auto read = parse(changed);
    if (read) CHECK(write_document(*read) == changed);
  }
}

} // namespace

TEST_SUITE("measure::documents")
{
  TEST_CASE("the published TDX document has the hash that its image lists (spec host 4.1, 5.11)")
  {
    const Bytes document = write_document(published_document());
    CHECK(document.size() == 384);
    CHECK(hex(crypto::sha256(document)) ==
          "8c9e955f0b577cc8945a891a34ccfa5b8e08bb5e5d249992603e64dd14870e3c");
    CHECK(*parse_tdx_document(document) == published_document());
  }

  TEST_CASE("version 4 begins as the specification shows (spec host 5.7)")
  {
    const std::string text = hex(write_document(newer_document()));
    CHECK(text.starts_with("a36776657273696f6e0465696d616765a467636d646c696e65788c"));
    const auto read = parse_tdx_document(*parse_hex(text));
    REQUIRE(read);
    CHECK(read->kernel_header_normalized);
    CHECK(read->cmdline == std::string(140, 'x'));
    CHECK(hex(read->cmdline_event) ==
          hex(crypto::sha384([] {
            ByteWriter out;
            for (const char c : std::string(140, 'x') + " initrd=initrd")
              out.u16le(static_cast<std::uint8_t>(c));
            return out.u16le(0).take();
          }())));
  }

  TEST_CASE("readers take what the writer writes and nothing else")
  {
    check_strict(write_document(published_document()),
                 [](const Bytes& raw) { return parse_tdx_document(raw); });
    check_strict(write_document(newer_document()),
                 [](const Bytes& raw) { return parse_tdx_document(raw); });
    check_strict(write_document(snp_image()),
                 [](const Bytes& raw) { return parse_snp_document(raw); });
    GcpDocument gcp;
    gcp.uki_authenticode.fill(7);
    check_strict(write_document(gcp), [](const Bytes& raw) { return parse_gcp_document(raw); });
    for (const bool has_version : {false, true}) {
      AwsDocument aws;
      aws.has_version = has_version;
      aws.boot_pcr_digest.fill(8);
      check_strict(write_document(aws), [](const Bytes& raw) { return parse_aws_document(raw); });
    }
  }

  TEST_CASE("unknown versions, too many sections and large files are refused by name")
  {
    Bytes raw = write_document(published_document());
    constexpr std::size_t version_at = 9;
    raw[version_at] = 5;
    const auto newer = parse_tdx_document(raw);
    REQUIRE_FALSE(newer);
    CHECK(newer.error().code() == Errc::unsupported);
    CHECK(newer.error().message() == "version 5 (want 3 to 4)");
    SnpImage many = snp_image();
    many.firmware.sections.resize(65);
    CHECK_FALSE(parse_snp_document(write_document(many)));
    CHECK_FALSE(parse_snp_document(Bytes(max_document + 1, 0)));
    TdxDocument long_line = newer_document();
    long_line.cmdline = std::string(5000, 'x');
    CHECK(parse_tdx_document(write_document(long_line)).error().message().find("cmdline") !=
          std::string::npos);
  }

  TEST_CASE("a document is bound by the one line of the checksum file (spec host 4.1)")
  {
    const std::string sums =
        "8c9e955f0b577cc8945a891a34ccfa5b8e08bb5e5d249992603e64dd14870e3c  measurement.tdx.cbor\n";
    const Bytes image_hash =
        *parse_hex("e6f5cfec20c02e7b97baa213d0f718020b55e040172d90ccbcb946d56c8b09db");
    Bytes document = write_document(published_document());
    CHECK(check_binding(image_hash, sums, tdx_document_file, document));
    const auto code = [](const Status& status) {
      return status ? Errc::internal : status.error().code();
    };
    CHECK(code(check_binding(image_hash, sums, snp_document_file, document)) == Errc::untrusted);
    CHECK(code(check_binding(Bytes(32, 0), sums, tdx_document_file, document)) == Errc::untrusted);
    document.back() ^= 1U;
    CHECK(code(check_binding(image_hash, sums, tdx_document_file, document)) == Errc::untrusted);
    const std::string twice = sums + sums;
    CHECK(code(check_binding(crypto::sha256(as_bytes(twice)), twice, tdx_document_file,
                             write_document(published_document()))) == Errc::malformed);
  }
}

} // namespace dstack::measure
