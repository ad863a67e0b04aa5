//! A worker process.
