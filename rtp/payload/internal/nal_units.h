#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "floe/core/bytes.h"
#include "floe/rtp/payload/internal/even_split.h"
#include "floe/rtp/payload/payload_format.h"

// What H.264 (RFC 6184) and H.265 (RFC 7798) have in common: pictures of NAL units, which travel
// alone, aggregated or in fragments.
namespace floe::rtp {

/// NAL units of one picture: an encoder makes one for each slice and parameter set, and more than
/// this is no picture any more.
inline constexpr std::size_t kMaxNalUnits = 4096;
/// Parameter sets that are kept: some hundred bytes each.
inline constexpr std::size_t kMaxParameterSets = 64 * 1024;

/// The NAL units of a byte stream with start codes (ITU-T H.264 annex B), in order; at most
/// `kMaxNalUnits`, the rest is left out.
std::vector<Bytes> split_annex_b(Bytes stream);
void append_start_code(std::vector<std::uint8_t>& stream);

class NalPacketizer : public Packetizer {
 public:
  [[nodiscard]] Result<> start(const FrameView& frame, std::size_t max_payload) override;
  std::optional<Piece> next(MutableBytes space) override;

 protected:
  /// `header_size`: of a NAL unit, and of an aggregation packet; a fragment has one byte more.
  NalPacketizer(std::size_t header_size, bool aggregates_and_fragments)
      : header_size_(header_size), aggregates_and_fragments_(aggregates_and_fragments) {}

  virtual void write_aggregation_header(ByteWriter& writer, std::span<const Bytes> units) const = 0;
  virtual void write_fragment_header(ByteWriter& writer, Bytes unit, bool first,
                                     bool last) const = 0;

 private:
  std::size_t aggregated_count() const;

  std::size_t header_size_;
  bool aggregates_and_fragments_;
  std::vector<Bytes> units_;
  std::size_t next_ = 0;  // in units_
  EvenSplit fragments_;   // of units_[next_], while not done
  std::size_t max_payload_ = 0;
  bool marker_ = false;
};

/// A NAL unit in a payload, or a part of one.
struct NalPart {
  std::uint8_t type = 0;
  bool begins = true;
  bool ends = true;
  std::array<std::uint8_t, 2> header{};  ///< If it begins: not in `body`.
  Bytes body{};
};

class NalDepacketizer : public Depacketizer {
 public:
  std::optional<PayloadShape> inspect(Bytes payload) const override;
  bool assemble(std::span<const Bytes> payloads, Frame& frame) override;
  void set_parameter_sets(Bytes annex_b) override;

 protected:
  explicit NalDepacketizer(std::size_t header_size) : header_size_(header_size) {}

  /// Appends the parts of a payload; false if it is malformed. `parts` is empty before.
  virtual bool read(Bytes payload, std::vector<NalPart>& parts) const = 0;
  virtual bool is_key(std::uint8_t type) const = 0;
  virtual bool is_parameter_set(std::uint8_t type) const = 0;
  /// The unit is the first of its picture, or all that may be before it can be missed.
  virtual bool begins_picture(const NalPart& part) const = 0;

  std::size_t header_size() const { return header_size_; }
  NalPart whole(Bytes unit, std::uint8_t type) const;

 private:
  void keep_parameter_sets(Bytes annex_b);

  std::size_t header_size_;
  std::vector<std::uint8_t> parameter_sets_;  // Annex B
  mutable std::vector<NalPart> parts_;        // kept for its memory
};

}  // namespace floe::rtp
