/**
 * Takes the tour and prints its results: a program that bundlers for Node turn into one file.
 */

import { tour } from './tour.js';

tour().then((outcome) => console.log(JSON.stringify(outcome)));
