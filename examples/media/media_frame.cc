#include "examples/media/media_frame.h"

#include <array>
#include <utility>

#include "examples/media/annex_b.h"
#include "examples/media/ivf.h"
#include "examples/media/ogg_opus.h"

namespace media {

using floe::Result;

Result<std::unique_ptr<FrameReader>> open_media_file(const std::string& path,
                                                     double frames_per_second) {
  auto file = InputFile::open(path);
  if (!file) return floe::forward(file);
  std::array<std::uint8_t, 4> signature{};
  file->read(signature);
  const auto as_reader = [](auto opened) -> Result<std::unique_ptr<FrameReader>> {
    if (!opened) return floe::forward(opened);
    return std::move(*opened);
  };
  if (floe::as_text(signature) == kIvfSignature) return as_reader(IvfReader::open(path));
  if (floe::as_text(signature) == OggPage::kSignature) return as_reader(OggOpusReader::open(path));
  return as_reader(AnnexBReader::open(path, frames_per_second));
}

}  // namespace media
