// The number of a picture, written into it in colours: a band of eight fields along the lower edge, which floe's
// media_send draws and examples/media/picture.h describes.

const FIELDS = 8;
const HEIGHT_DIVISOR = 8;

function codeOf(number) {
  const check = ((number * 167 >>> 4) ^ (number >>> 8) ^ 0x5a) & 0xff;
  return check << 16 | (number ^ number >>> 1);
}

export function drawCode(context, width, height, number) {
  const code = codeOf(number & 0xffff);
  const band = Math.floor(height / HEIGHT_DIVISOR);
  for (let field = 0; field < FIELDS; ++field) {
    const bits = code >>> 3 * field;
    const channel = (bit) => (bits >>> bit & 1) * 255;
    context.fillStyle = `rgb(${channel(0)}, ${channel(1)}, ${channel(2)})`;
    context.fillRect(width * field / FIELDS, height - band, width / FIELDS, band);
  }
}

/** Of pixels as ImageData has them; undefined where the band cannot be read. */
export function readCode({data, width, height}) {
  const band = Math.floor(height / HEIGHT_DIVISOR);
  let code = 0;
  for (let field = 0; field < FIELDS; ++field) {
    // The middle of the field: compression blurs its edges.
    const sums = [0, 0, 0];
    let count = 0;
    for (let y = Math.floor(height - band * 0.65); y < height - band * 0.35; ++y) {
      for (let x = Math.floor(width * (field + 0.35) / FIELDS); x < width * (field + 0.65) / FIELDS; ++x, ++count) {
        for (let channel = 0; channel < 3; ++channel) sums[channel] += data[4 * (y * width + x) + channel];
      }
    }
    sums.forEach((sum, channel) => {
      if (sum / count > 127.5) code |= 1 << 3 * field + channel;
    });
  }
  let number = code & 0xffff;
  for (let shift = 1; shift < 16; shift *= 2) number ^= number >>> shift;
  return code === codeOf(number) ? number : undefined;
}

const canvas = document.createElement('canvas');
const context = canvas.getContext('2d', {willReadFrequently: true});

/** What the picture says that a <video> shows now. */
export function readVideo(video) {
  if (!video.videoWidth) return undefined;
  canvas.width = 320;
  canvas.height = 180;
  context.drawImage(video, 0, 0, canvas.width, canvas.height);
  return readCode(context.getImageData(0, 0, canvas.width, canvas.height));
}
