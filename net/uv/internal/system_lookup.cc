#include "floe/net/uv/internal/system_lookup.h"

#include <uv.h>

#include <algorithm>
#include <string>
#include <utility>

#include "floe/core/text.h"
#include "floe/net/uv/internal/errors.h"
#include "floe/net/uv/internal/reactor.h"
#include "floe/net/uv/internal/system_address.h"

namespace floe::net::uv {
namespace {

/// RFC 1035 section 2.3.4: a name has at most 255 octets; anything longer need not be asked for.
constexpr std::size_t kMaxName = 255;
/// Addresses handed on for one name: more than any client tries, and an answer is bounded by it.
constexpr std::size_t kMaxAddresses = 64;

struct Request;

/// What the lookup and libuv's request for it share: either may end first.
struct Question {
  std::string name;
  LookupCallback callback;
  Request* request = nullptr;  ///< While libuv works on it.

  void answer(Result<std::vector<Address>> addresses) {
    if (LookupCallback call = std::exchange(callback, nullptr)) call(std::move(addresses));
  }
};

/// Owns itself until libuv has called back, which it does even for a request it could cancel.
struct Request {
  uv_getaddrinfo_t uv;
  std::shared_ptr<Reactor> reactor;
  std::shared_ptr<Question> question;
};

Result<std::vector<Address>> collect(const addrinfo* list, std::string_view name) {
  std::vector<Address> addresses;
  for (; list != nullptr && addresses.size() < kMaxAddresses; list = list->ai_next) {
    if (list->ai_family != AF_INET && list->ai_family != AF_INET6) continue;
    const Address address = from_system(list->ai_addr).address;
    if (std::find(addresses.begin(), addresses.end(), address) == addresses.end()) {
      addresses.push_back(address);
    }
  }
  if (addresses.empty()) return fail(Errc::kNotFound, quoted(name) + " has no address");
  return addresses;
}

void on_answer(uv_getaddrinfo_t* uv, int status, addrinfo* list) {
  const std::unique_ptr<Request> request(static_cast<Request*>(uv->data));
  const std::shared_ptr<Question> question = request->question;
  question->request = nullptr;
  Result<std::vector<Address>> addresses = collect(list, question->name);
  if (status < 0) addresses = fail_with(status, "cannot look up " + quoted(question->name));
  uv_freeaddrinfo(list);
  question->answer(std::move(addresses));
}

class SystemLookup final : public Lookup, private Attachment {
 public:
  SystemLookup(std::shared_ptr<Reactor> reactor, std::shared_ptr<Question> question)
      : reactor_(std::move(reactor)), question_(std::move(question)) {
    reactor_->attach(*this);
  }
  ~SystemLookup() override {
    reactor_->forget(*this);
    abandon();
  }

 private:
  void detach() override { abandon(); }
  void abandon() {
    question_->callback = nullptr;
    if (question_->request == nullptr) return;
    // Too late for one that a worker has begun: its answer goes nowhere.
    uv_cancel(reinterpret_cast<uv_req_t*>(&question_->request->uv));
  }

  std::shared_ptr<Reactor> reactor_;
  std::shared_ptr<Question> question_;
};

Result<> ask(const std::shared_ptr<Reactor>& reactor, const std::shared_ptr<Question>& question) {
  const std::string& name = question->name;
  if (name.empty() || name.size() > kMaxName || name.find('\0') != std::string::npos) {
    return fail(Errc::kInvalidArgument, quoted(name) + " is not a host name");
  }
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_DGRAM;  // Any one type: without it each address comes once per type.
  auto request = std::make_unique<Request>();
  request->uv.data = request.get();
  request->reactor = reactor;
  request->question = question;
  const int status =
      uv_getaddrinfo(reactor->loop(), &request->uv, on_answer, name.c_str(), nullptr, &hints);
  if (status < 0) return fail_with(status, "cannot look up " + quoted(name));
  question->request = request.release();
  return {};
}

}  // namespace

std::unique_ptr<Lookup> start_lookup(std::shared_ptr<Reactor> reactor, std::string_view name,
                                     LookupCallback callback) {
  auto question = std::make_shared<Question>();
  question->name = name;
  question->callback = std::move(callback);
  if (Result<> asked = ask(reactor, question); !asked) {
    // Never from within: the caller does not hold the lookup yet.
    reactor->post(
        [question, error = asked.error()] { question->answer(tl::unexpected<Error>(error)); });
  }
  return std::make_unique<SystemLookup>(std::move(reactor), std::move(question));
}

}  // namespace floe::net::uv
