#include "floe/dtls/record.h"

namespace floe::dtls {
namespace {

// RFC 6347 section 4.1: "length" must not exceed 2^14 + 2048.
constexpr std::size_t kMaxRecordBody = 16'384 + 2'048;

// No handshake message of a peer we would accept comes near it; OpenSSL refuses certificate lists
// above 100 KiB, with an alert that ends the handshake.
constexpr std::uint32_t kMaxHandshakeMessage = 100 * 1'024;

// RFC 5246 section 7.4, RFC 6347 section 4.3.2.
enum HandshakeType : std::uint8_t {
  kClientHello = 1,
  kServerHello = 2,
  kHelloVerifyRequest = 3,
  kNewSessionTicket = 4,
  kCertificate = 11,
  kServerKeyExchange = 12,
  kCertificateRequest = 13,
  kServerHelloDone = 14,
  kCertificateVerify = 15,
  kClientKeyExchange = 16,
  kCertificateStatus = 22,
};

// Which unencrypted messages the other side may send. Finished is always encrypted, HelloRequest
// asks for a renegotiation (RFC 8827 section 6.5 forbids it).
bool comes_from_peer_of(Role own, std::uint8_t type) {
  switch (type) {
    case kCertificate:
      return true;
    case kClientHello:
    case kClientKeyExchange:
    case kCertificateVerify:
      return own == Role::kServer;
    case kServerHello:
    case kHelloVerifyRequest:
    case kNewSessionTicket:
    case kServerKeyExchange:
    case kCertificateRequest:
    case kServerHelloDone:
    case kCertificateStatus:
      return own == Role::kClient;
    default:
      return false;
  }
}

// RFC 6347 section 4.2.2. A record may carry several messages, or fragments of them.
std::optional<DropReason> why_drop_handshake(Bytes body, Role own) {
  ByteReader reader(body);
  do {
    const std::uint8_t type = reader.u8();
    const std::uint32_t length = reader.u24();
    reader.skip(2);  // message_seq: OpenSSL drops those out of its window silently
    const std::uint32_t offset = reader.u24();
    const std::uint32_t fragment = reader.u24();
    reader.skip(fragment);
    if (!reader.ok() || length > kMaxHandshakeMessage || offset + fragment > length ||
        (fragment == 0 && length != 0)) {
      return DropReason::kMalformed;
    }
    if (!comes_from_peer_of(own, type)) return DropReason::kUnexpected;
  } while (reader.remaining() != 0);
  return std::nullopt;
}

}  // namespace

std::string_view to_string(DropReason reason) {
  switch (reason) {
    case DropReason::kNotDtls:
      return "not DTLS";
    case DropReason::kMalformed:
      return "malformed";
    case DropReason::kUnexpected:
      return "unexpected";
    case DropReason::kUnencryptedAlert:
      return "unencrypted alert";
    case DropReason::kStaleEpoch:
      return "stale epoch";
    case DropReason::kUndecryptable:
      return "undecryptable";
    case DropReason::kQueueFull:
      return "queue full";
    case DropReason::kNotRunning:
      return "not running";
  }
  return "unknown";
}

std::optional<Record> next_record(Bytes& rest) {
  ByteReader reader(rest);
  Record record;
  record.type = reader.u8();
  if (record.unified()) {
    if (rest.empty()) return std::nullopt;
    record.whole = rest;
    rest = {};
    return record;
  }
  const std::uint16_t version = reader.u16();
  record.epoch = reader.u16();
  reader.skip(6);  // sequence number
  const std::size_t size = reader.u16();
  record.body = reader.bytes(size);
  // All versions of DTLS have major version 254 (RFC 6347 section 4.1).
  if (!reader.ok() || version >> 8 != 0xfe || size == 0 || size > kMaxRecordBody) {
    return std::nullopt;
  }
  record.whole = rest.first(Record::kHeaderSize + size);
  rest = rest.subspan(record.whole.size());
  return record;
}

std::optional<DropReason> why_drop_unencrypted(const Record& record, Role own) {
  if (record.is(ContentType::kHandshake)) return why_drop_handshake(record.body, own);
  if (record.is(ContentType::kChangeCipherSpec)) {
    const bool valid = record.body.size() == 1 && record.body[0] == 1;
    return valid ? std::nullopt : std::optional(DropReason::kMalformed);
  }
  return DropReason::kUnexpected;
}

std::string_view alert_name(std::uint8_t description) {
  switch (description) {
    case 0:
      return "close_notify";
    case 10:
      return "unexpected_message";
    case 20:
      return "bad_record_mac";
    case 22:
      return "record_overflow";
    case 40:
      return "handshake_failure";
    case 42:
      return "bad_certificate";
    case 43:
      return "unsupported_certificate";
    case 44:
      return "certificate_revoked";
    case 45:
      return "certificate_expired";
    case 46:
      return "certificate_unknown";
    case 47:
      return "illegal_parameter";
    case 48:
      return "unknown_ca";
    case 49:
      return "access_denied";
    case 50:
      return "decode_error";
    case 51:
      return "decrypt_error";
    case 70:
      return "protocol_version";
    case 71:
      return "insufficient_security";
    case 80:
      return "internal_error";
    case 90:
      return "user_canceled";
    case 100:
      return "no_renegotiation";
    case 109:
      return "missing_extension";
    case 110:
      return "unsupported_extension";
    case 116:
      return "certificate_required";
    case 120:
      return "no_application_protocol";
    default:
      return "unregistered alert";
  }
}

}  // namespace floe::dtls
