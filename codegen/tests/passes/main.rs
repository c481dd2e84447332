//! The passes, on modules built for the purpose and, where it is behaviour that counts, run in Node.
#![cfg(feature = "passes")]

mod features;
mod fixture;
mod lower;
mod node;
mod pin;
mod seal;
mod unwind;
