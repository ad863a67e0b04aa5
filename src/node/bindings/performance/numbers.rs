//! Counting values in a histogram, and what is known of them, as HdrHistogram's own library in C has it.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use hdrhistogram::Histogram;
use isolate::library::{memory_for, monotonic};

/// What a histogram has as its smallest value while it has none.
const NO_MINIMUM: i64 = i64::MAX;

/// See the module.
pub(super) struct Numbers {
    counts: RefCell<Histogram<u64>>,
    /// Values that were too large.
    exceeds: Cell<u64>,
    /// When a span was recorded last, in nanoseconds.
    previous: Cell<Option<u64>>,
    resets: Cell<u32>,
    /// How often a span is recorded by itself.
    pub resolution: Cell<Duration>,
    /// Counts beginnings of that: what was begun before is forgotten; none while it stands still.
    pub sampling: Cell<Option<u64>>,
    pub last_sampling: Cell<u64>,
}

/// Bytes that a histogram takes.
fn size(lowest: u64, highest: u64, figures: u8) -> usize {
    let largest = 2 * 10u64.saturating_pow(u32::from(figures));
    let slots = largest.next_power_of_two();
    let mut reach = u128::from(slots) * u128::from(lowest.max(1));
    let mut buckets = 2u64;
    while reach <= u128::from(highest) {
        reach <<= 1;
        buckets += 1;
    }
    usize::try_from(buckets * slots / 2 * 8).unwrap_or(usize::MAX)
}

impl Numbers {
    /// `None` if there is no such histogram, or no memory for it.
    pub fn new(lowest: u64, highest: u64, figures: u8) -> Option<Numbers> {
        if !(1..=5).contains(&figures)
            || lowest == 0
            || highest / 2 < lowest
            || !memory_for(size(lowest, highest, figures))
        {
            return None;
        }
        let counts = Histogram::new_with_bounds(lowest, highest, figures).ok()?;
        Some(Numbers::of(counts))
    }

    fn of(counts: Histogram<u64>) -> Numbers {
        Numbers {
            counts: RefCell::new(counts),
            exceeds: Cell::new(0),
            previous: Cell::new(None),
            resets: Cell::new(0),
            resolution: Cell::default(),
            sampling: Cell::default(),
            last_sampling: Cell::default(),
        }
    }

    /// A copy. `None` if there is no memory for it.
    pub fn copy(&self) -> Option<Numbers> {
        let counts = self.counts.borrow();
        if !memory_for(size(counts.low(), counts.high(), counts.sigfig())) {
            return None;
        }
        let copy = Numbers::of(counts.clone());
        copy.exceeds.set(self.exceeds.get());
        Some(copy)
    }

    pub fn record(&self, value: u64) {
        if self.counts.borrow_mut().record(value).is_err() {
            self.exceeds.set(self.exceeds.get().saturating_add(1));
        }
    }

    /// As if values had been recorded all the time: at most so many as there are steps of the histogram's own.
    pub fn record_corrected(&self, value: u64, interval: u64) {
        const STEPS_MAX: u64 = 1 << 24;
        if interval == 0 || value / interval > STEPS_MAX {
            return self.record(value);
        }
        if self.counts.borrow_mut().record_correct(value, interval).is_err() {
            self.exceeds.set(self.exceeds.get().saturating_add(1));
        }
    }

    /// The time since the last call, if there was one.
    pub fn record_delta(&self) {
        let now = u64::try_from(monotonic().as_nanos()).unwrap_or(u64::MAX);
        if let Some(previous) = self.previous.replace(Some(now)) {
            self.record(now.saturating_sub(previous));
        }
    }

    pub fn forget_previous(&self) {
        self.previous.set(None);
    }

    pub fn reset(&self) {
        self.counts.borrow_mut().reset();
        self.exceeds.set(0);
        self.previous.set(None);
        self.resets.set(self.resets.get().wrapping_add(1));
    }

    pub fn resets(&self) -> u32 {
        self.resets.get()
    }

    /// Adds the values of another: how many were too large.
    pub fn add(&self, other: &Numbers) -> u64 {
        let (mut dropped, others) = (0, other.recorded());
        let mut counts = self.counts.borrow_mut();
        for (value, count) in others {
            if counts.record_n(value, count).is_err() {
                dropped += count;
            }
        }
        dropped
    }

    /// Takes the values of another away; no count falls below 0.
    pub fn subtract(&self, other: &Numbers) {
        let mine = self.recorded();
        let others = other.counts.borrow().clone();
        let mut counts = self.counts.borrow_mut();
        counts.reset();
        for (value, count) in mine {
            let left = count.saturating_sub(others.count_at(value));
            let _ = counts.record_n(value, left);
        }
    }

    /// Values with how often they were recorded, in order.
    fn recorded(&self) -> Vec<(u64, u64)> {
        let counts = self.counts.borrow();
        counts
            .iter_recorded()
            .map(|step| (counts.lowest_equivalent(step.value_iterated_to()), step.count_at_value()))
            .collect()
    }

    pub fn count(&self) -> u64 {
        self.counts.borrow().len()
    }

    pub fn exceeds(&self) -> u64 {
        self.exceeds.get()
    }

    pub fn min(&self) -> i64 {
        let counts = self.counts.borrow();
        if counts.is_empty() { NO_MINIMUM } else { i64::try_from(counts.min()).unwrap_or(NO_MINIMUM) }
    }

    pub fn max(&self) -> i64 {
        let counts = self.counts.borrow();
        if counts.is_empty() { 0 } else { i64::try_from(counts.max()).unwrap_or(i64::MAX) }
    }

    pub fn mean(&self) -> f64 {
        let counts = self.counts.borrow();
        if counts.is_empty() { f64::NAN } else { counts.mean() }
    }

    pub fn deviation(&self) -> f64 {
        let counts = self.counts.borrow();
        if counts.is_empty() { f64::NAN } else { counts.stdev() }
    }

    /// The mean of a power of the distances to the mean, in standard deviations; 0 if there are none.
    fn moment(&self, power: i32) -> Option<f64> {
        let (mean, deviation) = (self.mean(), self.deviation());
        if deviation.is_nan() || deviation <= 0.0 {
            return None;
        }
        let counts = self.counts.borrow();
        let sum: f64 = counts
            .iter_recorded()
            .map(|step| {
                let value = counts.median_equivalent(step.value_iterated_to()) as f64;
                ((value - mean) / deviation).powi(power) * step.count_at_value() as f64
            })
            .sum();
        Some(sum / counts.len() as f64)
    }

    pub fn skewness(&self) -> f64 {
        self.moment(3).unwrap_or(0.0)
    }

    pub fn kurtosis(&self) -> f64 {
        self.moment(4).map_or(0.0, |moment| moment - 3.0)
    }

    pub fn percentile(&self, percentile: f64) -> i64 {
        let total = self.count();
        let wanted = (percentile.clamp(0.0, 100.0) / 100.0 * total as f64 + 0.5).floor().max(1.0) as u64;
        let mut seen = 0;
        for (value, count) in self.recorded() {
            seen += count;
            if seen >= wanted {
                let highest = self.counts.borrow().highest_equivalent(value);
                return i64::try_from(highest).unwrap_or(i64::MAX);
            }
        }
        0
    }

    /// Percentiles with their values: each closes half of the distance that is left.
    pub fn percentiles(&self) -> Vec<(f64, u64)> {
        let total = self.count() as f64;
        let (mut told, mut seen, mut next) = (Vec::new(), 0u64, 0.0f64);
        let mut last = 0;
        for (value, count) in self.recorded() {
            seen += count;
            last = value;
            let here = 100.0 * seen as f64 / total;
            while next <= here && told.len() < 128 {
                told.push((next, value));
                if seen as f64 >= total {
                    break;
                }
                let halves = ((100.0 / (100.0 - next)).log2() as i32) + 1;
                next += 100.0 / 2f64.powi(halves);
            }
        }
        told.push((100.0, last));
        told
    }

    /// The part of the values that are not larger.
    pub fn share_below(&self, value: f64) -> f64 {
        let total = self.count();
        if total == 0 {
            return 0.0;
        }
        let below: u64 = self
            .recorded()
            .iter()
            .take_while(|(known, _)| *known as f64 <= value)
            .map(|(_, count)| count)
            .sum();
        below as f64 / total as f64
    }

    pub fn count_at(&self, value: f64) -> u64 {
        // Below and beyond the range of numbers it is the nearest.
        self.counts.borrow().count_at(value as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::Numbers;

    #[test]
    fn numbers_are_those_of_nodes() {
        let numbers = Numbers::new(1, 1_000_000, 3).unwrap();
        for value in [1, 2, 3, 10, 100, 1000, 5000, 123_456, 99_999_999] {
            numbers.record(value);
        }
        assert_eq!((numbers.count(), numbers.exceeds(), numbers.min(), numbers.max()), (8, 1, 1, 123_519));
        assert_eq!((numbers.mean(), numbers.deviation()), (16200.75, 40582.634613680515));
        assert!((numbers.skewness() - 2.260796179224824).abs() < 1e-9);
        assert!((numbers.kurtosis() - 3.1247531743197072).abs() < 1e-9);
        let expected = [(0.0, 1), (50.0, 10), (75.0, 1000), (87.5, 5000), (93.75, 123_456), (100.0, 123_456)];
        assert_eq!(numbers.percentiles(), expected);
        assert_eq!([1.0, 25.0, 50.0, 99.0].map(|at| numbers.percentile(at)), [1, 2, 10, 123_519]);
        assert_eq!((numbers.share_below(50.0), numbers.count_at(25.0)), (0.5, 0));
        numbers.reset();
        assert_eq!((numbers.count(), numbers.min(), numbers.max()), (0, i64::MAX, 0));
        assert!(numbers.mean().is_nan() && numbers.deviation().is_nan());
        assert!(Numbers::new(0, 10, 3).is_none() && Numbers::new(1, 10, 9).is_none());
    }
}
