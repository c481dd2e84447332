/**
 * Records errors and warnings of the page, for drivers that cannot read its console.
 */

/** @type {string[]} */
const complaints = [];
globalThis.complaints = complaints;

for (const method of ['error', 'warn', 'assert']) {
  const original = console[method];
  console[method] = (...args) => {
    if (method !== 'assert' || !args[0]) complaints.push(`console ${method}: ${args.join(' ')}`);
    original.apply(console, args);
  };
}
addEventListener('error', (event) => complaints.push(`uncaught: ${event.message}`));
addEventListener('unhandledrejection', (event) => complaints.push(`rejected: ${event.reason}`));
addEventListener('securitypolicyviolation', (event) => complaints.push(`policy: ${event.blockedURI}`));
