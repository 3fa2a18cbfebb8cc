#include "standard_input.h"

#include <array>
#include <utility>

namespace chat {

/// What libuv reads from. It outlives its owner until libuv has let go of it.
struct StandardInput::Source {
  StandardInput* owner;
  uv_loop_t* loop;
  bool is_file = false;  ///< Files are no streams: they are read by requests.
  bool is_open = false;  ///< A stream whose handle wants closing.
  bool reading = false;
  bool wanted = false;
  uv_any_handle handle{};
  uv_fs_t request{};
  std::array<char, 64 * 1024> buffer{};

  uv_stream_t* stream() { return &handle.stream; }

  void open() {
    constexpr uv_file kInput = 0;
    switch (uv_guess_handle(kInput)) {
      case UV_TTY:
        is_open = uv_tty_init(loop, &handle.tty, kInput, 0) == 0;
        break;
      case UV_NAMED_PIPE:
        is_open = uv_pipe_init(loop, &handle.pipe, 0) == 0;
        if (is_open) uv_pipe_open(&handle.pipe, kInput);
        break;
      case UV_TCP:
        is_open = uv_tcp_init(loop, &handle.tcp) == 0;
        if (is_open) uv_tcp_open(&handle.tcp, kInput);
        break;
      case UV_FILE:
        is_file = true;
        break;
      default:
        break;
    }
    request.data = this;
    handle.handle.data = this;
  }

  void read_file() {
    if (reading) return;
    reading = true;
    const uv_buf_t space = uv_buf_init(buffer.data(), static_cast<unsigned>(buffer.size()));
    uv_fs_read(loop, &request, 0, &space, 1, -1, [](uv_fs_t* done) {
      auto* source = static_cast<Source*>(done->data);
      const auto count = done->result;
      uv_fs_req_cleanup(done);
      source->reading = false;
      if (source->owner == nullptr) {
        delete source;
      } else if (count <= 0) {
        source->owner->end();
      } else {
        source->owner->take({source->buffer.data(), static_cast<std::size_t>(count)});
        if (source->wanted) source->read_file();
      }
    });
  }

  int read_stream() {
    return uv_read_start(
        stream(),
        [](uv_handle_t* of, std::size_t, uv_buf_t* space) {
          auto& buffer = static_cast<Source*>(of->data)->buffer;
          *space = uv_buf_init(buffer.data(), static_cast<unsigned>(buffer.size()));
        },
        [](uv_stream_t* of, ssize_t count, const uv_buf_t* filled) {
          auto* source = static_cast<Source*>(of->data);
          if (source->owner == nullptr || count == 0) return;
          if (count > 0) {
            source->owner->take({filled->base, static_cast<std::size_t>(count)});
          } else {
            uv_read_stop(of);
            source->owner->end();
          }
        });
  }
};

StandardInput::StandardInput(uv_loop_t& loop, std::function<void(std::string_view)> on_line,
                             std::function<void()> on_end, std::size_t max_line)
    : on_line_(std::move(on_line)),
      on_end_(std::move(on_end)),
      max_line_(max_line),
      source_(new Source{.owner = this, .loop = &loop}) {
  source_->open();
}

StandardInput::~StandardInput() {
  source_->owner = nullptr;
  if (source_->is_open) {
    uv_close(&source_->handle.handle,
             [](uv_handle_t* handle) { delete static_cast<Source*>(handle->data); });
  } else if (!source_->reading) {
    delete source_;
  }
}

void StandardInput::resume() {
  if (ended_ || std::exchange(source_->wanted, true)) return;
  if (source_->is_file) {
    source_->read_file();
  } else if (!source_->is_open || source_->read_stream() != 0) {
    end();  // There is no input, as after "<&-".
  }
}

void StandardInput::pause() {
  source_->wanted = false;
  if (source_->is_open) uv_read_stop(source_->stream());
}

void StandardInput::take(std::string_view text) {
  while (!text.empty()) {
    const std::size_t newline = text.find('\n');
    partial_ += text.substr(0, newline);
    text = newline == text.npos ? std::string_view() : text.substr(newline + 1);
    while (partial_.size() > max_line_) {
      std::size_t cut = max_line_;  // Not within a UTF-8 sequence (RFC 3629 section 3).
      while (cut > max_line_ - 4 && (partial_[cut] & 0xC0) == 0x80) --cut;
      deliver_line(partial_.substr(0, cut));
      partial_.erase(0, cut);
    }
    if (newline != text.npos) deliver_line(std::exchange(partial_, {}));
  }
}

void StandardInput::end() {
  if (std::exchange(ended_, true)) return;
  if (!partial_.empty()) deliver_line(std::exchange(partial_, {}));
  on_end_();
}

void StandardInput::deliver_line(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  on_line_(line);
}

}  // namespace chat
