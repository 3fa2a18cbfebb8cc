#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "floe/core/check.h"
#include "floe/stun_client/long_term_credential.h"
#include "floe/stun_client/message.h"
#include "floe/stun_client/short_term_credential.h"

// Any bytes: parse, read every attribute, check integrity and fingerprint, judge as a response, and
// rebuild what was read. The rebuilt message must read the same.
namespace floe::stun {
namespace {

constexpr std::string_view kKey = "VOkJxbRl1RmTxUk/WvJxBt";

/// Keeps the compiler from leaving out a getter whose result nobody looks at.
template <typename T>
void use(const T& value) {
  asm volatile("" : : "r"(&value) : "memory");
}

void read_text(std::optional<std::string_view> text) {
  unsigned sum = 0;
  for (const char c : text.value_or(std::string_view())) sum += static_cast<unsigned char>(c);
  use(sum);
}

void read_bytes(std::optional<Bytes> bytes) {
  read_text(as_text(bytes.value_or(Bytes())));
}

void read_everything(const Message& m) {
  use(m.cls());
  use(m.method());
  use(m.transaction_id());
  for (std::size_t i = 0; i < 3; ++i) {
    use(m.xor_peer_address(i));
    use(m.xor_relayed_address(i));
    use(m.alternate_server(i));
    use(m.address_error_code(i));
  }
  use(m.mapped_address());
  use(m.xor_mapped_address());
  use(m.response_origin());
  use(m.other_address());
  read_text(m.username());
  read_text(m.realm());
  read_text(m.nonce());
  read_text(m.software());
  read_text(m.alternate_domain());
  read_text(m.third_party_authorization());
  read_bytes(m.userhash());
  read_bytes(m.password_algorithms());
  read_bytes(m.data());
  read_bytes(m.reservation_token());
  read_bytes(m.access_token());
  if (const auto error = m.error_code()) read_text(error->reason);
  FLOE_CHECK(m.unknown_attributes().size() <= kMaxAttributes);
  use(m.first_supported_password_algorithm());
  use(m.password_algorithm());
  use(m.priority());
  use(m.use_candidate());
  use(m.ice_controlling());
  use(m.ice_controlled());
  use(m.nomination());
  use(m.goog_network_info());
  use(m.lifetime());
  use(m.channel_number());
  use(m.requested_transport());
  use(m.even_port());
  use(m.requested_address_family());
  use(m.additional_address_family());
  use(m.dont_fragment());
  use(m.icmp());
  use(m.connection_id());
  use(m.change_request());
  use(m.response_port());
  use(m.check_integrity_sha1(as_bytes(kKey)));
  use(m.check_integrity_sha256(as_bytes(kKey), 16));
  use(m.check_fingerprint());
}

void judge(const Message& m) {
  static const LongTermCredential long_term = LongTermCredential::create("user", "pass").value();
  static const ShortTermCredential short_term = ShortTermCredential::create("user", "pass").value();
  std::array<std::uint8_t, 4096> space;

  LongTermCredential challenged = long_term;
  Attempt attempt;
  MessageBuilder first(space, Class::kRequest, Method::kBinding, m.transaction_id());
  challenged.authenticate(first, attempt);
  if (challenged.handle_response(m, attempt) == Verdict::kRetry) {
    MessageBuilder second(space, Class::kRequest, Method::kBinding, m.transaction_id());
    challenged.authenticate(second, attempt);
    FLOE_CHECK(second.ok());
    use(challenged.handle_response(m, attempt));
  }

  ShortTermCredential signer = short_term;
  Attempt short_attempt;
  MessageBuilder request(space, Class::kRequest, Method::kBinding, m.transaction_id());
  signer.authenticate(request, short_attempt);
  // The key is not in the corpus: nothing that comes in may pass.
  FLOE_CHECK(signer.handle_response(m, short_attempt) == Verdict::kIntegrityViolated);
}

void rebuild(const Message& m) {
  std::vector<std::uint8_t> space(m.bytes().size() + 64);
  MessageBuilder builder(space, m.cls(), m);
  std::size_t copied = 0;
  AttributeTypes types;
  for (const AttributeType type : m.attribute_types()) {
    if (type == AttributeType::kMessageIntegrity || type == AttributeType::kFingerprint ||
        type == AttributeType::kMessageIntegritySha256) {
      continue;
    }
    std::size_t earlier = 0;
    for (const AttributeType other : types) earlier += other == type;
    builder.add(type, *m.find(type, earlier));
    types.push_back(type);
    ++copied;
  }
  FLOE_CHECK(builder.ok());
  if (m.bytes().size() > 65'000) return;  // The two below would pass the largest length.
  builder.add_integrity_sha1(as_bytes(kKey));
  builder.add_fingerprint();
  FLOE_CHECK(builder.ok());
  if (copied + 2 > kMaxAttributes) return;  // The table has no room for the two.
  const Result<Message> again = Message::parse_classic(builder.bytes());
  FLOE_CHECK(again.has_value());
  FLOE_CHECK(again->cls() == m.cls() && again->method() == m.method());
  FLOE_CHECK(again->attribute_types().size() == copied + 2);
  FLOE_CHECK(again->xor_mapped_address() == m.xor_mapped_address());
  FLOE_CHECK(again->username() == m.username());
  FLOE_CHECK(again->check_integrity_sha1(as_bytes(kKey)) == Message::Integrity::kOk);
  FLOE_CHECK(again->check_fingerprint() == Message::Fingerprint::kOk);
}

}  // namespace
}  // namespace floe::stun

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace floe::stun;
  const floe::Bytes bytes(data, size);
  if (looks_like_stun(bytes)) FLOE_CHECK(message_size(bytes) <= size);
  const floe::Result<Message> strict = Message::parse(bytes);
  const floe::Result<Message> message = Message::parse_classic(bytes);
  if (strict) FLOE_CHECK(message && looks_like_stun(bytes));
  if (!message) return 0;
  read_everything(*message);
  judge(*message);
  rebuild(*message);
  return 0;
}
