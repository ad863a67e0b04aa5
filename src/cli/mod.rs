//! The command line of cordon.
