//! Tests of the guest as it is built for the host, in one program.

mod batches;
#[path = "../../fuzz/bodies/mod.rs"]
mod bodies;
mod common;
mod external_tables;
mod faults;
mod hostile_hosts;
mod model;
mod scenarios;
mod vectors;
