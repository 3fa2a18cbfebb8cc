#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "floe/core/result.h"
#include "floe/rtp/header_extensions.h"
#include "floe/rtp/packet.h"
#include "floe/rtp/packet_builder.h"

namespace floe::rtp {

/// Which id stands for which header extension on one path, as both sides agreed (RFC 8285 section
/// 5): one table per BUNDLE group and direction.
class ExtensionMap {
 public:
  /// `id` is 1 to 255. URIs that floe does not know are kept too: `id_of(uri)` finds them. Errors:
  /// kInvalidArgument for another id, and for one that stands for another URI already.
  [[nodiscard]] Result<> add(std::uint8_t id, std::string_view uri);
  [[nodiscard]] Result<> add(std::uint8_t id, ExtensionType type) { return add(id, to_uri(type)); }

  /// a=extmap-allow-mixed was agreed on: builders may use two-byte elements.
  bool mixed() const { return mixed_; }
  void set_mixed(bool mixed) { mixed_ = mixed; }

  /// Nothing if it was not agreed on.
  std::optional<std::uint8_t> id_of(ExtensionType type) const;
  std::optional<std::uint8_t> id_of(std::string_view uri) const;
  /// Empty for an id that stands for nothing.
  std::string_view uri_of(std::uint8_t id) const { return uris_[id]; }

  /// The extension's value in a packet; nothing if it is not there, or malformed.
  template <typename T>
  std::optional<T> get(const Packet& packet) const {
    const auto id = id_of(T::kType);
    if (!id) return std::nullopt;
    const auto value = packet.extension(*id);
    return value ? T::read(*value) : std::nullopt;
  }
  /// Adds it to a packet. False if it was not agreed on or does not fit.
  template <typename T>
  bool add(PacketBuilder& builder, const T& value) const {
    const auto id = id_of(T::kType);
    if (!id) return false;
    std::array<std::uint8_t, T::kMaxSize> space;
    ByteWriter writer(space);
    value.write(writer);
    return writer.ok() && builder.add_extension(*id, writer.written());
  }
  /// Overwrites a value of the same size that stands in the packet already, e.g. the send time of
  /// one that waited in a pacer. False if it is not there or has another size.
  template <typename T>
  bool replace(const Packet& packet, const T& value) const {
    const auto id = id_of(T::kType);
    const auto old = id ? packet.extension(*id) : std::nullopt;
    if (!old) return false;
    std::array<std::uint8_t, T::kMaxSize> space;
    ByteWriter writer(space);
    value.write(writer);
    if (!writer.ok() || writer.size() != old->size()) return false;
    std::copy_n(space.begin(), writer.size(), old->begin());
    return true;
  }

 private:
  std::array<std::string, 256> uris_;
  std::array<std::uint8_t, kExtensionTypes> ids_{};  // 0: not agreed on
  bool mixed_ = false;
};

}  // namespace floe::rtp
