//! Runs every target for a little while without libFuzzer, on damaged seeds and on random bytes: `short CORPUS SECONDS`,
//! so many seconds for each target. Prints a line `inputs<TAB>TARGET<TAB>NUMBER` for each; a property that does not hold
//! is a panic that shows its input.
//!
//! Needs `--cfg fuzzing`, which the functions that are fuzzed exist under (scripts/fuzz.sh short).

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Inputs between two looks at the clock.
const INPUTS_AT_ONCE: usize = 64;

/// The longest random input, and the most places that a seed is damaged in.
const RANDOM_BYTES: usize = 256;
const DAMAGES: usize = 8;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: short CORPUS SECONDS";
    let corpus = PathBuf::from(arguments.next().expect(usage));
    let seconds: f64 = arguments.next().and_then(|text| text.parse().ok()).expect(usage);
    for (name, target) in cordon_fuzz::TARGETS {
        let files = fs::read_dir(corpus.join(name)).into_iter().flatten().flatten();
        let seeds: Vec<Vec<u8>> = files.filter_map(|entry| fs::read(entry.path()).ok()).collect();
        let (mut random, mut inputs) = (Random(0x9e37_79b9_7f4a_7c15), 0);
        let end = Instant::now() + Duration::from_secs_f64(seconds);
        while Instant::now() < end {
            for _ in 0..INPUTS_AT_ONCE {
                let input = random.input(&seeds);
                let _shown = ShownOnPanic(&input);
                target(&input);
                inputs += 1;
            }
        }
        println!("inputs\t{name}\t{inputs}");
    }
}

/// Shows an input when a property did not hold for it.
struct ShownOnPanic<'a>(&'a [u8]);

impl Drop for ShownOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the input was b\"{}\"", self.0.escape_ascii());
        }
    }
}

/// A xorshift generator: the same inputs each time.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }

    fn input(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        if seeds.is_empty() || self.below(8) == 0 {
            return (0..self.below(RANDOM_BYTES)).map(|_| self.below(256) as u8).collect();
        }
        let mut input = seeds[self.below(seeds.len())].clone();
        for _ in 0..self.below(DAMAGES) {
            let at = self.below(input.len());
            match self.below(5) {
                0 => input.truncate(at),
                1 => input.insert(at, self.below(256) as u8),
                2 if at < input.len() => drop(input.remove(at)),
                3 => {
                    // A part of another seed.
                    let other = &seeds[self.below(seeds.len())];
                    let from = self.below(other.len());
                    let length = self.below((other.len() - from).min(64) + 1);
                    input.splice(at..at, other[from..from + length].iter().copied());
                }
                _ if at < input.len() => input[at] = self.below(256) as u8,
                _ => {}
            }
        }
        input
    }
}
