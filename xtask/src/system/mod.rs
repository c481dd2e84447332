//! Handles files, other programs, and what is shown while they work. Knows nothing of the project.

pub mod diff;
pub mod files;
pub mod process;
pub mod progress;
