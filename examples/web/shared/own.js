// What this page sends: the camera or the test picture, as the person chooses in the form.
import {makeTestPicture} from './test-picture.js';

async function openCamera() {
  const stream = await navigator.mediaDevices.getUserMedia({video: {width: 640, height: 360}, audio: true});
  return {stream, stop: () => { for (const track of stream.getTracks()) track.stop(); }};
}

/** Sets the form up; the function that it returns yields {stream, stop()}. */
export function offerOwn() {
  const camera = document.querySelector('#camera');
  // Browsers give it to pages from this machine and to those with TLS.
  camera.disabled = !navigator.mediaDevices;
  document.querySelector('#no-camera').hidden = !camera.disabled;
  return () => camera.checked ? openCamera() : makeTestPicture();
}
