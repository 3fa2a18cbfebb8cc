// Something to send without a camera: a moving picture with a clock and the colour code, and a tone.
import {drawCode} from './colour-code.js';

const WIDTH = 640;
const HEIGHT = 360;
const RATE = 30;

function draw(context, number) {
  const seconds = number / RATE;
  for (let bar = 0; bar < 8; ++bar) {
    const gradient = context.createLinearGradient(0, 0, 0, HEIGHT);
    gradient.addColorStop(0, `hsl(${190 + 12 * bar} 60% 62%)`);
    gradient.addColorStop(1, `hsl(${190 + 12 * bar} 60% 18%)`);
    context.fillStyle = gradient;
    context.fillRect(WIDTH * bar / 8, 0, WIDTH / 8, HEIGHT);
  }
  const radius = HEIGHT / 10;
  context.fillStyle = '#ffc828';
  context.beginPath();
  context.arc(radius + (0.5 - 0.5 * Math.cos(2 * Math.PI * seconds / 3.1)) * (WIDTH - 2 * radius),
    HEIGHT * 7 / 8 - radius - Math.abs(Math.sin(Math.PI * seconds / 1.3)) * (HEIGHT * 7 / 8 - 2 * radius), radius, 0, 7);
  context.fill();
  context.fillStyle = '#10141ecc';
  context.fillRect(WIDTH / 2 - 150, 40, 300, 86);
  context.fillStyle = '#fff';
  context.font = '600 64px ui-monospace, monospace';
  context.textAlign = 'center';
  const two = (value) => String(Math.floor(value)).padStart(2, '0');
  context.fillText(`${two(seconds / 60 % 100)}:${two(seconds % 60)}.${two(number % RATE * 100 / RATE)}`, WIDTH / 2, 105);
  drawCode(context, WIDTH, HEIGHT, number);
}

/** {stream, stop(), age(number)}; `age` is how long ago, in seconds, the picture with that number was made. Browsers let sound begin only where the person has done something. */
export function makeTestPicture() {
  const canvas = document.createElement('canvas');
  canvas.width = WIDTH;
  canvas.height = HEIGHT;
  const context = canvas.getContext('2d');
  const began = performance.now();
  const number = () => Math.floor((performance.now() - began) * RATE / 1000);
  const show = () => draw(context, number());
  show();
  const timer = setInterval(show, 1000 / RATE);
  const stream = canvas.captureStream(RATE);
  const sound = new AudioContext();
  const tone = new OscillatorNode(sound, {frequency: 440});
  const loudness = new GainNode(sound, {gain: 0.18});
  const end = new MediaStreamAudioDestinationNode(sound);
  tone.connect(loudness).connect(end);
  tone.start();
  sound.resume();
  stream.addTrack(end.stream.getAudioTracks()[0]);
  return {
    stream,
    age: (shown) => (number() - shown & 0xffff) / RATE,
    stop() {
      clearInterval(timer);
      for (const track of stream.getTracks()) track.stop();
      sound.close();
    },
  };
}
