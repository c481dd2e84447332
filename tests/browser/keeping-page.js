/**
 * Makes the functions that tests of durable states call reachable from the driver.
 */

import './complaints.js';
import * as image from './image-page.js';
import * as state from './persist-page.js';

/** Tell the server how far something has come. */
function report(name, number) {
  fetch(`/reached/${name}/${number}`, { method: 'POST', keepalive: true });
}

globalThis.state = state;
globalThis.image = image;

/** Save a state and an image, both over and over, until the page ends. */
globalThis.saveForever = (name) => {
  state.saveForever(
    () => {},
    (number) => report('state', number),
  );
  image.saveForever(name, (number) => report('image', number));
};
