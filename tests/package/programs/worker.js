/**
 * Takes the tour in the module worker of `main.js`.
 */

import { tour } from './tour.js';

tour().then(postMessage, (error) => postMessage(String(error)));
