#include "floe/dtls/plaintext_queue.h"

#include "floe/core/check.h"

namespace floe::dtls {

MutableBytes PlaintextQueue::open(std::size_t size) {
  if (next_ == ends_.size()) clear();
  const std::size_t used = ends_.empty() ? 0 : ends_.back();
  if (size > kMaxBytes - used) return {};
  if (storage_.size() < used + size) storage_.resize(used + size);
  return MutableBytes(storage_).subspan(used, size);
}

void PlaintextQueue::commit(std::size_t size) {
  const std::size_t used = ends_.empty() ? 0 : ends_.back();
  FLOE_CHECK(size <= storage_.size() - used);
  ends_.push_back(used + size);
}

std::optional<MutableBytes> PlaintextQueue::pop() {
  if (next_ == ends_.size()) return std::nullopt;
  const std::size_t begin = next_ == 0 ? 0 : ends_[next_ - 1];
  const std::size_t end = ends_[next_++];
  return MutableBytes(storage_).subspan(begin, end - begin);
}

void PlaintextQueue::clear() {
  ends_.clear();
  next_ = 0;
}

}  // namespace floe::dtls
