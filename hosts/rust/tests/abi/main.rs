//! The counterparts of the tests of `tests/js/abi/`, on the typed bindings: each has the name of the test in JavaScript.

#[path = "../support/mod.rs"]
mod support;

mod counterparts;
mod documented;
mod examples;
mod functions;
mod negotiate;
mod output;
mod refusals;
mod result_vectors;
mod results;
mod robustness;
mod states;
mod vectors;
mod within;
