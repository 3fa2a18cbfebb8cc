#!/usr/bin/env python3
"""The media programs of examples/ with real browsers at the pages of examples/web, over the loopback interface.

  media_test.py FLAGS TEST   runs one test; exit code 77: what it needs is not installed
  media_test.py --list       prints the names of the tests
"""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "examples"))

from browsers import WEB, Page  # noqa: E402
from stage import Skipped, Stage, Tests, check  # noqa: E402

DONE = 0
# So much has to have been decoded, or recorded, before a stream is believed.
FRAMES = 60
SECONDS = 3
# The colour code (examples/media/picture.h).
FIELDS = 8
WIDTH, HEIGHT = 320, 180
# FFmpeg makes no steady rate of what cameras do not deliver at one.
EVERY_FRAME = ("-fps_mode", "passthrough", "-enc_time_base", "-1")


class MediaStage(Stage):
    def serve(self):
        self.url, _ = self.signal("--www", WEB)
        self.pages = "http" + self.url.removeprefix("ws").removesuffix("signal")

    def host(self, program, *flags):
        """Starts one of the programs, in its room."""
        path = getattr(self.args, program)
        if not path:
            raise Skipped(f"{program} was not built; scripts/setup installs libvpx-dev and libopus-dev")
        started = self.start(program, path, "--signal", self.url, "--loopback", *flags)
        started.expect("in room media; open http")
        return started

    def page(self, browser, name):
        return MediaPage(self, browser, f"{self.pages}{name}/")

    def ffmpeg(self, *arguments, program="ffmpeg"):
        """What it prints. It complains about nothing."""
        if shutil.which(program) is None:
            raise Skipped(f"{program} is not installed; scripts/setup installs it")
        done = subprocess.run([program, "-v", "error", *map(str, arguments)], capture_output=True, timeout=120, check=False)
        check(done.returncode == 0 and not done.stderr, f"{program} {arguments} says {done.stderr.decode(errors='replace')}")
        return done.stdout

    def make_file(self, name, source, *flags):
        path = self.folder / name
        self.ffmpeg("-f", "lavfi", "-i", source, *flags, path)
        return path


os.environ["FLOE_FAKE_MEDIA"] = "1"  # For browser.mjs.
tests = Tests(__doc__, MediaStage)


class MediaPage(Page):
    """Somebody at one of the pages watch, publish and echo."""

    def begin(self):
        self.click("#join [type=submit]")

    def wait_for_phase(self, phase):
        self.wait(f"document.body.dataset.phase === '{phase}'")

    def figures(self, kind, way):
        return self.evaluate(f"({{...document.querySelector('[data-kind={kind}][data-way={way}]')?.dataset}})")

    def wait_for_frames(self, way, count=FRAMES):
        """So many more than there are now."""
        shown = f"Number(document.querySelector('[data-kind=video][data-way={way}]')?.dataset.frames ?? 0)"
        before = self.evaluate(shown)
        self.wait(f"{shown} >= {before + count}")

    def read_picture(self):
        """(milliseconds, number) of the picture on the screen, by its colours."""
        return self.evaluate("""import('../shared/colour-code.js').then(async ({readVideo}) => {
            const video = document.querySelector('#video');
            for (let tries = 0; tries < 100; ++tries) {
              const number = readVideo(video);
              if (number !== undefined) return [performance.now(), number];
              await new Promise((done) => setTimeout(done, 50));
            }
            throw new Error('no picture can be read');
          })""")

    def check_moving_picture(self, rate=30):
        """The picture on the screen is the one that is made, and goes on in its time."""
        self.wait_for_frames("down")
        (begin, first), _ = self.read_picture(), time.sleep(SECONDS)
        end, last = self.read_picture()
        seconds = (end - begin) / 1000
        found = ((last - first) & 0xffff) / seconds
        print(f"{self.browser}: pictures {first} to {last} in {seconds:.1f} s", self.figures("video", "down"))
        check(rate * 0.6 < found < rate * 1.5, f"the picture moves {found:.1f} times a second, not {rate}")

    def check_sound(self):
        """Not silence: browsers sum up the energy of what they play, once somebody listens."""
        if self.evaluate("document.querySelector('#video').muted"):
            self.click("#sound")
        self.wait("Number(document.querySelector('[data-kind=audio][data-way=down]')?.dataset.energy) > 0.001")
        print(f"{self.browser}:", self.figures("audio", "down"))

    def check_look(self, *words):
        """It fits on a phone, and explains what goes on."""
        width = self.evaluate("document.documentElement.scrollWidth")
        check(width <= 390, f"on a phone the page is {width} pixels wide")
        self.wait("/direct|NAT/.test(document.querySelector('#path').innerText)")
        shown = self.text("main")
        for word in ("live", "kbit/s", "packets (", *words):
            check(word in shown or word.replace("k", "M") in shown, f"the page has no {word!r}: {shown}")

    def can(self, way, mime_type):
        return self.evaluate(f"{'RTCRtpReceiver' if way == 'receive' else 'RTCRtpSender'}.getCapabilities('video')"
                             f".codecs.some(({{mimeType}}) => mimeType === {json.dumps(mime_type)})")


# ---------------------------------------------------------------------------------------- media_send


def watch_media_send(stage, browser, codec):
    stage.serve()
    sender = stage.host("media_send", "--codec", codec)
    page = stage.page(browser, "watch")
    page.begin()
    page.wait_for_phase("live")
    page.check_moving_picture()
    page.check_sound()
    page.check_look(codec.upper(), "640 × 360", "opus", "Its colours say", "Loudness")
    # The program comes to know what this path takes.
    sender.expect(r"1 watching: [\d.]+ pictures/s, \d+ kbit/s of \d+")
    # Who comes later begins with a key frame of their own.
    page.click("#leave")
    page.wait_for_phase("over")
    sender.expect("has left")
    page.begin()
    page.wait_for_phase("live")
    page.check_moving_picture()
    sender.process.send_signal(signal.SIGINT)
    sender.expect_exit(DONE)
    page.wait_for_text("#status", "media_send has")
    print("\n".join(sender.lines))


@tests.add
def chromium_watches_vp8(stage):
    watch_media_send(stage, "chromium", "vp8")


@tests.add
def chromium_watches_vp9(stage):
    watch_media_send(stage, "chromium", "vp9")


@tests.add
def firefox_watches_vp8(stage):
    watch_media_send(stage, "firefox", "vp8")


@tests.add
def firefox_watches_vp9(stage):
    watch_media_send(stage, "firefox", "vp9")


def watch_files(stage, browser):
    """Every kind of file that the browser can decode."""
    stage.serve()
    source = "testsrc2=duration=4:size=480x270:rate=25"
    # Files cannot make key frames when somebody asks: they need many.
    often = ("-g", "25")
    kinds = {
        "video/VP8": ("a.ivf", "-c:v", "libvpx", "-b:v", "500k", *often),
        "video/VP9": ("b.ivf", "-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "500k", *often),
        "video/H264": ("c.h264", "-c:v", "libx264", "-profile:v", "baseline", "-pix_fmt", "yuv420p", "-bf", "0", "-b:v", "500k",
                       *often),
        "video/AV1": ("d.ivf", "-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used", "8", "-b:v", "500k", *often),
    }
    sound = stage.make_file("sound.ogg", "sine=frequency=500:duration=4", "-c:a", "libopus")
    page = stage.page(browser, "watch")
    for mime_type, (name, *flags) in kinds.items():
        if not page.can("receive", mime_type):
            print(f"{browser} cannot decode {mime_type}")
            continue
        file = stage.make_file(name, source, *flags)
        sender = stage.host("media_send", "--video", file, "--audio", sound, "--fps", "25")
        page.begin()
        page.wait_for_phase("live")
        # More than the file has: it goes on from its beginning.
        page.wait_for_frames("down", 110)
        shown = page.evaluate("[document.querySelector('#video').videoWidth, document.querySelector('#video').videoHeight]")
        check(shown == [480, 270], f"the picture has {shown}")
        check(page.figures("video", "down")["codec"].startswith(mime_type.split("/")[1]), "another codec is shown")
        page.check_sound()
        print(f"{browser}, {mime_type}:", page.figures("video", "down"))
        sender.process.send_signal(signal.SIGINT)
        sender.expect_exit(DONE)
        page.wait_for_phase("over")


@tests.add
def chromium_watches_files(stage):
    watch_files(stage, "chromium")


@tests.add
def firefox_watches_files(stage):
    watch_files(stage, "firefox")


# -------------------------------------------------------------------------------------- media_record


def read_colour_code(pixels):
    """What the band of fields along the lower edge says; None where it cannot be read."""
    band = HEIGHT // 8
    code = 0
    for field in range(FIELDS):
        column = WIDTH * (2 * field + 1) // FIELDS // 2
        row = HEIGHT - band // 2
        places = [((row + y) * WIDTH + column + x) * 3 for y in (-3, 0, 3) for x in (-6, 0, 6)]
        for channel in range(3):
            if sum(pixels[place + channel] for place in places) / len(places) > 127.5:
                code |= 1 << (3 * field + channel)
    number = code & 0xffff
    for shift in (1, 2, 4, 8):
        number ^= number >> shift
    right = ((number * 167 >> 4) ^ (number >> 8) ^ 0x5a) & 0xff
    return number if code == right << 16 | (number ^ number >> 1) else None


def check_recording(stage, codec, pictures, sound, *, expect_code=True, expect_sound=True):
    """The files are whole, and hold what was sent."""
    probed = stage.ffmpeg("-count_frames", "-of", "csv=p=0", "-show_entries", "stream=codec_name,nb_read_frames", pictures,
                          program="ffprobe").decode().strip()
    name, frames = probed.split(",")
    check(name == codec and int(frames) > FRAMES // 2, f"{pictures} has {probed}")
    length = float(stage.ffmpeg("-of", "csv=p=0", "-show_entries", "format=duration", sound, program="ffprobe"))
    check(length > SECONDS * 0.8, f"{sound} lasts {length} s")
    raw = stage.ffmpeg("-i", pictures, "-f", "rawvideo", "-pix_fmt", "rgb24", "-vf", f"scale={WIDTH}:{HEIGHT}",
                       *EVERY_FRAME, "-")
    size = WIDTH * HEIGHT * 3
    numbers = [read_colour_code(raw[at:at + size]) for at in range(0, len(raw) - size + 1, size)]
    readable = [number for number in numbers if number is not None]
    print(f"{probed}, sound {length} s, {len(readable)} of {len(numbers)} pictures have numbers: {readable[:3]} to {readable[-3:]}")
    if expect_code:
        check(len(readable) > 0.8 * len(numbers), "the pictures are not those that were sent")
        check(all(first <= second for first, second in zip(readable, readable[1:])), f"out of order: {readable}")
        check(readable[-1] - readable[0] > 30 * SECONDS * 0.7, f"pictures {readable[0]} to {readable[-1]} are too few")
    # The loudness of the decoded sound, which is never quite zero in what was compressed.
    samples = stage.ffmpeg("-i", sound, "-f", "s16le", "-ac", "1", "-ar", "8000", "-")
    loudest = max(abs(int.from_bytes(samples[at:at + 2], "little", signed=True)) for at in range(0, len(samples) - 1, 2))
    check(loudest > 1000 or not expect_sound, f"the loudest sample is {loudest}")
    # And both in one file, as the program says.
    stage.ffmpeg("-i", pictures, "-i", sound, "-c", "copy", stage.folder / "both.mkv")
    stage.ffmpeg("-i", stage.folder / "both.mkv", *EVERY_FRAME, "-f", "null", "-")


def record(stage, browser, codecs):
    stage.serve()
    page = stage.page(browser, "publish")
    for codec, mime_type, probed in codecs:
        if not page.can("send", mime_type):
            print(f"{browser} cannot encode {mime_type}")
            continue
        out = stage.folder / codec
        recorder = stage.host("media_record", "--out", out, "--codec", codec)
        page.begin()
        page.wait_for_phase("live")
        page.wait_for_frames("up", 30)
        recorder.expect(r"writing .*recording-1\.(ivf|h264)")
        time.sleep(SECONDS + 1)
        page.check_look("Pictures sent", "Sound sent", "Encoded")
        page.click("#leave")
        recorder.expect("both in one file: ffmpeg")
        # Where there is no sound card, Firefox begins no AudioContext: its tone is silence. Its fake microphone is not.
        check_recording(stage, probed, *(out / f"recording-1.{ending}"
                                         for ending in ("h264" if codec == "h264" else "ivf", "ogg")),
                        expect_sound=browser != "firefox")
        recorder.process.send_signal(signal.SIGINT)
        recorder.expect_exit(DONE)
        print("\n".join(recorder.lines))
        (stage.folder / "both.mkv").unlink()


RECORDED = (("vp8", "video/VP8", "vp8"), ("vp9", "video/VP9", "vp9"), ("h264", "video/H264", "h264"),
            ("av1", "video/AV1", "av1"))


@tests.add
def chromium_is_recorded(stage):
    record(stage, "chromium", RECORDED)


@tests.add
def firefox_is_recorded(stage):
    record(stage, "firefox", RECORDED)


def record_camera(stage, browser):
    """The browser's fake camera and microphone; the program is interrupted in the middle."""
    stage.serve()
    recorder = stage.host("media_record", "--out", stage.folder)
    page = stage.page(browser, "publish")
    page.click("#camera")
    page.begin()
    page.wait_for_phase("live")
    recorder.expect(r"writing .*\.ivf")
    recorder.expect(r"writing .*\.ogg")
    time.sleep(SECONDS + 1)
    recorder.process.send_signal(signal.SIGINT)
    recorder.expect_exit(DONE)
    check_recording(stage, "vp8", stage.folder / "recording-1.ivf", stage.folder / "recording-1.ogg", expect_code=False)
    page.wait_for_phase("over")


@tests.add
def chromium_camera_is_recorded(stage):
    record_camera(stage, "chromium")


@tests.add
def firefox_camera_is_recorded(stage):
    record_camera(stage, "firefox")


# ----------------------------------------------------------------------------------- echo and forward


def hear_echo(stage, browser):
    stage.serve()
    echo = stage.host("echo")
    page = stage.page(browser, "echo")
    page.begin()
    page.wait_for_phase("live")
    page.check_moving_picture()
    page.check_look("Pictures sent", "Pictures received", "Sound received", "There and back")
    # And once more with the fake camera and microphone.
    page.click("#leave")
    page.wait_for_phase("over")
    page.click("#camera")
    page.begin()
    page.wait_for_phase("live")
    page.wait_for_frames("down")
    page.check_sound()
    echo.process.send_signal(signal.SIGINT)
    echo.expect_exit(DONE)
    page.wait_for_phase("over")


@tests.add
def chromium_gets_its_echo(stage):
    hear_echo(stage, "chromium")


@tests.add
def firefox_gets_its_echo(stage):
    hear_echo(stage, "firefox")


@tests.add
def one_browser_publishes_to_others(stage):
    stage.serve()
    server = stage.host("forward")
    publisher = stage.page("chromium", "publish")
    publisher.begin()
    publisher.wait_for_phase("live")
    publisher.wait_for_frames("up")
    # They come in the middle, each in need of a key frame.
    for browser in ("firefox", "chromium"):
        watcher = stage.page(browser, "watch")
        watcher.begin()
        watcher.wait_for_phase("live")
        watcher.check_moving_picture()
        watcher.check_sound()
        watcher.check_look("Its colours say")
    # Another publisher takes its place, and who watches goes on to see what comes.
    second = stage.page("chromium", "publish")
    second.begin()
    second.wait_for_text("#status", "forward says: somebody publishes already: watch instead")
    publisher.click("#leave")
    server.expect("publish page has left")
    second.begin()
    second.wait_for_phase("live")
    watcher.check_moving_picture()
    server.process.send_signal(signal.SIGINT)
    server.expect_exit(DONE)


@tests.add
def the_page_says_plainly_what_went_wrong(stage):
    stage.serve()
    sender = stage.host("media_send")
    page = stage.page("chromium", "publish")
    page.begin()
    page.wait_for_text("#status", "media_send says: media_send is here to be watched: open the page watch")
    command = page.evaluate("document.querySelector('#command').value")
    check(re.fullmatch(rf"media_record --signal {re.escape(stage.url)} --room media", command), f"the command is {command}")
    sender.process.send_signal(signal.SIGKILL)
    sender.process.wait()
    page.begin()
    page.wait_for_text("#status", "Waiting for the program")
    stage.programs[0].process.terminate()
    page.wait_for_text("#status", "The signalling server closed the connection")
    page.begin()
    page.wait_for_text("#status", "does not answer. Does floe-signal still run there?")


if __name__ == "__main__":
    sys.exit(tests.run("--media_send", "--media_record", "--echo", "--forward", "--signal", "--packages"))
