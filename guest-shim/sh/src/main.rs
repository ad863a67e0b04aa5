//! The program `sh`. Everything is in the library; this file only hands over and leaves with the exit code.

fn main() {
    std::process::exit(cordon_sh::run());
}
