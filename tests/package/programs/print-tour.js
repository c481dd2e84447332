/**
 * Takes the tour and prints what it gave: a program that bundlers for Node make one file of.
 */

import { tour } from './tour.js';

tour().then((outcome) => console.log(JSON.stringify(outcome)));
