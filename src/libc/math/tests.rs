//! Agreement with the system's mathematics, counted.
