#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "floe/core/bytes.h"
#include "floe/core/random.h"
#include "floe/core/result.h"
#include "floe/net/endpoint.h"
#include "floe/stun_client/attribute.h"

namespace floe::stun {

/// RFC 8489 section 5.
inline constexpr std::uint32_t kMagicCookie = 0x2112a442;
inline constexpr std::size_t kHeaderSize = 20;

using TransactionId = std::array<std::uint8_t, 12>;
TransactionId random_transaction_id(Random& random);

enum class Class : std::uint8_t { kRequest, kIndication, kSuccess, kError };

/// RFC 8489 section 18.2, RFC 8656 section 17, RFC 6062 section 6.1. A parsed message may hold any
/// 12-bit value.
enum class Method : std::uint16_t {
  kBinding = 0x001,
  kAllocate = 0x003,
  kRefresh = 0x004,
  kSend = 0x006,
  kData = 0x007,
  kCreatePermission = 0x008,
  kChannelBind = 0x009,
  kConnect = 0x00a,
  kConnectionBind = 0x00b,
  kConnectionAttempt = 0x00c,
};

/// True for bytes that can only be meant as a STUN message (RFC 8489 section 6.3): the first two
/// bits are zero, the magic cookie is there, the length is a multiple of four and within `bytes`.
/// Cheap; what a socket shared with DTLS and RTP asks first.
bool looks_like_stun(Bytes bytes);

/// The length of the message that a stream's `bytes` begin with (RFC 8489 section 6.2.2), header
/// included; nullopt while fewer than four bytes are there or they cannot begin a STUN message.
std::optional<std::size_t> message_size(Bytes bytes);

/// A parsed STUN message: a view over bytes that must outlive it. Parsing checks the structure;
/// each getter checks its attribute's own length and content and yields nullopt when they are
/// wrong, as if the attribute was not there. It allocates nothing.
///
/// Attributes that stand behind the message integrity are not seen, save for the second integrity
/// and the fingerprint (RFC 8489 section 9): nothing vouches for them. Of attributes that appear
/// more than once the getters read the first, unless they take an index.
class Message {
 public:
  /// Errors are `kMalformed` and say what is wrong, `kLimitExceeded` above kMaxAttributes.
  [[nodiscard]] static Result<Message> parse(Bytes bytes);
  /// Also takes a message without the magic cookie, as RFC 3489 clients send them; the cookie's
  /// bytes are then the first four of a 16-byte transaction id.
  [[nodiscard]] static Result<Message> parse_classic(Bytes bytes);

  Class cls() const;
  Method method() const;
  const TransactionId& transaction_id() const { return transaction_id_; }
  std::uint32_t cookie() const { return cookie_; }
  bool has_magic_cookie() const { return cookie_ == kMagicCookie; }
  Bytes bytes() const { return bytes_; }
  bool is_request(Method method) const {
    return cls() == Class::kRequest && this->method() == method;
  }
  bool is_response() const { return cls() == Class::kSuccess || cls() == Class::kError; }

  /// The types of all attributes that are seen, in order.
  AttributeTypes attribute_types() const;
  /// The value of the `index`th attribute of `type`.
  std::optional<Bytes> find(AttributeType type, std::size_t index = 0) const;
  bool has(AttributeType type) const { return find(type).has_value(); }
  /// The comprehension-required attributes that are not in `known` (RFC 8489 section 6.3), each
  /// once.
  AttributeTypes unknown_required(std::span<const AttributeType> known) const;

  std::optional<net::Endpoint> mapped_address() const;
  std::optional<net::Endpoint> xor_mapped_address() const;
  std::optional<net::Endpoint> xor_peer_address(std::size_t index = 0) const;
  std::optional<net::Endpoint> xor_relayed_address(std::size_t index = 0) const;
  std::optional<net::Endpoint> alternate_server(std::size_t index = 0) const;
  std::optional<net::Endpoint> response_origin() const;
  std::optional<net::Endpoint> other_address() const;
  /// For any attribute encoded like MAPPED-ADDRESS or like XOR-MAPPED-ADDRESS.
  std::optional<net::Endpoint> address(AttributeType type, std::size_t index = 0) const;
  std::optional<net::Endpoint> xor_address(AttributeType type, std::size_t index = 0) const;

  // Text: UTF-8 of at most 763 bytes (RFC 8489 section 14.3).
  std::optional<std::string_view> username() const;
  std::optional<std::string_view> realm() const;
  std::optional<std::string_view> nonce() const;  ///< Any bytes: only its server reads it.
  std::optional<std::string_view> software() const;
  std::optional<std::string_view> alternate_domain() const;
  std::optional<std::string_view> third_party_authorization() const;

  std::optional<Bytes> userhash() const;  ///< 32 bytes.
  /// A reason phrase that is too long or not UTF-8 is left out; the code still counts.
  std::optional<ErrorCode> error_code() const;
  /// The list in a 420 response, cut at kMaxAttributes entries; empty when there is none.
  AttributeTypes unknown_attributes() const;
  /// The undivided value, for echoing; nullopt unless it is a well-formed list of 1 to 128 bytes.
  std::optional<Bytes> password_algorithms() const;
  /// The first entry of PASSWORD-ALGORITHMS that floe can use (RFC 8489 section 9.2.5).
  std::optional<PasswordAlgorithm> first_supported_password_algorithm() const;
  std::optional<PasswordAlgorithm> password_algorithm() const;

  std::optional<std::uint32_t> priority() const;
  bool use_candidate() const { return has(AttributeType::kUseCandidate); }
  std::optional<std::uint64_t> ice_controlling() const;
  std::optional<std::uint64_t> ice_controlled() const;
  std::optional<std::uint32_t> nomination() const;
  std::optional<NetworkInfo> goog_network_info() const;

  std::optional<std::uint32_t> lifetime() const;  ///< Seconds.
  /// 0x4000 to 0x4fff (RFC 8656 section 12).
  std::optional<std::uint16_t> channel_number() const;
  std::optional<Bytes> data() const { return find(AttributeType::kData); }
  std::optional<std::uint8_t> requested_transport() const;  ///< An IP protocol number; UDP is 17.
  std::optional<EvenPort> even_port() const;
  std::optional<Bytes> reservation_token() const;  ///< 8 bytes.
  std::optional<net::Family> requested_address_family() const;
  std::optional<net::Family> additional_address_family() const;
  bool dont_fragment() const { return has(AttributeType::kDontFragment); }
  struct AddressError {
    net::Family family = net::Family::kIpv4;
    ErrorCode error;
  };
  std::optional<AddressError> address_error_code(std::size_t index = 0) const;
  std::optional<Icmp> icmp() const;
  std::optional<std::uint32_t> connection_id() const;
  std::optional<ChangeRequest> change_request() const;
  std::optional<std::uint16_t> response_port() const;
  std::optional<Bytes> access_token() const { return find(AttributeType::kAccessToken); }

  enum class Integrity : std::uint8_t { kMissing, kBad, kOk };
  /// RFC 8489 section 14.5. `key` comes from `credentials.h`.
  Integrity check_integrity_sha1(Bytes key) const;
  /// RFC 8489 section 14.6: the full 32 bytes, unless the usage allows a truncation down to
  /// `min_size` (a multiple of 4 from 16 to 32).
  Integrity check_integrity_sha256(Bytes key, std::size_t min_size = 32) const;

  enum class Fingerprint : std::uint8_t { kMissing, kBad, kOk };
  /// RFC 8489 section 14.7.
  Fingerprint check_fingerprint() const;

 private:
  struct Attribute {
    AttributeType type{};
    std::uint16_t offset = 0;  ///< Of the value; the header stands 4 bytes before.
    std::uint16_t length = 0;
  };

  Message() = default;
  Result<> parse_attributes();
  const Attribute* find_attribute(AttributeType type, std::size_t index = 0) const;
  std::optional<std::uint32_t> u32(AttributeType type) const;
  std::optional<std::uint64_t> u64(AttributeType type) const;
  std::optional<std::string_view> text(AttributeType type) const;
  std::optional<net::Family> family(AttributeType type) const;

  Bytes bytes_;
  TransactionId transaction_id_{};
  std::uint32_t cookie_ = 0;
  std::uint16_t type_ = 0;
  std::uint16_t attribute_count_ = 0;
  std::array<Attribute, kMaxAttributes> attributes_{};
};

/// Writes a STUN message in place, attribute by attribute; the header's length is right at every
/// moment. A message that does not fit, or whose attributes come in an order the standard forbids,
/// makes `ok()` false for good.
class MessageBuilder {
 public:
  /// `space` must outlive the builder and start at a message's first byte.
  MessageBuilder(MutableBytes space, Class cls, Method method, const TransactionId& id);
  /// Answers `request`: same method and transaction id (also an RFC 3489 client's).
  MessageBuilder(MutableBytes space, Class cls, const Message& request);

  void add(AttributeType type, Bytes value);
  void add_flag(AttributeType type) { add(type, {}); }
  void add_u32(AttributeType type, std::uint32_t value);
  void add_u64(AttributeType type, std::uint64_t value);
  void add_text(AttributeType type, std::string_view text) { add(type, as_bytes(text)); }
  /// Encoded like MAPPED-ADDRESS (RFC 8489 section 14.1).
  void add_address(AttributeType type, const net::Endpoint& endpoint);
  /// Encoded like XOR-MAPPED-ADDRESS (RFC 8489 section 14.2).
  void add_xor_address(AttributeType type, const net::Endpoint& endpoint);
  /// `code` from 300 to 699. A reason is cut to 127 characters (RFC 8489 section 14.8).
  void add_error(std::uint16_t code, std::string_view reason);
  void add_unknown_attributes(std::span<const AttributeType> types);
  void add_password_algorithms(std::span<const PasswordAlgorithm> algorithms);
  void add_password_algorithm(PasswordAlgorithm algorithm);
  void add_channel_number(std::uint16_t channel);
  void add_requested_transport(std::uint8_t protocol);
  void add_address_family(AttributeType type, net::Family family);
  void add_even_port(EvenPort value);
  void add_address_error(net::Family family, std::uint16_t code, std::string_view reason);
  void add_icmp(const Icmp& icmp);
  void add_change_request(ChangeRequest value);
  void add_goog_network_info(NetworkInfo value);

  /// After these only the stronger integrity and the fingerprint may follow.
  void add_integrity_sha1(Bytes key);
  void add_integrity_sha256(Bytes key);
  /// Must be the last.
  void add_fingerprint();

  /// Bytes written so far; what `bytes()` would hold.
  std::size_t size() const { return size_; }
  bool ok() const { return ok_; }
  /// The message so far; empty unless `ok()`.
  Bytes bytes() const { return ok_ ? Bytes(space_.first(size_)) : Bytes(); }

 private:
  /// What may still be added (RFC 8489 sections 14.5 to 14.7).
  enum class Stage : std::uint8_t { kAttributes, kSha1Done, kSha256Done, kFinished };

  void write_header(Class cls, Method method, std::uint32_t cookie, const TransactionId& id);
  /// The zeroed value of a new attribute, or an empty span and ok() == false.
  MutableBytes append(AttributeType type, std::size_t length, Stage last_stage_allowed);
  MutableBytes append(AttributeType type, std::size_t length) {
    return append(type, length, Stage::kAttributes);
  }
  void add_endpoint(AttributeType type, const net::Endpoint& endpoint, bool xored);
  void write_error(MutableBytes value, std::uint16_t code, std::string_view reason);

  MutableBytes space_;
  std::size_t size_ = 0;
  Stage stage_ = Stage::kAttributes;
  bool ok_ = true;
};

}  // namespace floe::stun
