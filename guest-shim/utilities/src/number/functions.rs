//! The functions of `bc -l`, in fixed point: integers that stand for multiples of a small power of ten.

use num_bigint::BigInt;

use super::{Number, ten};

/// Digits beyond those that are asked for, which rounding may make wrong.
const GUARD: usize = 12;

/// Numbers in multiples of `10^-digits`.
struct Fixed {
    digits: usize,
    one: BigInt,
}

impl Fixed {
    fn new(digits: usize) -> Self {
        Self { digits, one: ten(digits) }
    }

    fn of(&self, number: &Number) -> BigInt {
        number.at(self.digits)
    }

    fn times(&self, one: &BigInt, other: &BigInt) -> BigInt {
        one * other / &self.one
    }

    fn divided(&self, one: &BigInt, other: &BigInt) -> BigInt {
        one * &self.one / other
    }

    fn root(&self, value: &BigInt) -> BigInt {
        (value * &self.one).sqrt()
    }

    fn back(&self, value: BigInt, scale: usize) -> Number {
        Number { value, scale: self.digits }.cut(scale)
    }

    /// `first * x^(2k)` over the products of what `next` gives, with changing signs where `alternates`.
    fn series(&self, first: BigInt, square: &BigInt, alternates: bool, next: impl Fn(u64) -> u64) -> BigInt {
        let (mut sum, mut term, mut count) = (first.clone(), first, 1);
        while term != BigInt::ZERO {
            term = self.times(&term, square) / next(count);
            if alternates {
                term = -term;
            }
            sum += &term;
            count += 1;
        }
        sum
    }

    /// Powers over odd numbers: of the arc tangent, or of its like without changing signs.
    fn odd_series(&self, x: &BigInt, alternates: bool) -> BigInt {
        let square = self.times(x, x);
        let (mut sum, mut power, mut odd) = (x.clone(), x.clone(), 1u64);
        loop {
            power = self.times(&power, &square);
            if alternates {
                power = -power;
            }
            odd += 2;
            let term = &power / odd;
            if term == BigInt::ZERO {
                return sum;
            }
            sum += term;
        }
    }

    fn exponential(&self, x: &BigInt) -> BigInt {
        // Halved until the series is short.
        const HALVES: usize = 16;
        let small: BigInt = x >> HALVES;
        let (mut sum, mut term, mut count) = (self.one.clone(), self.one.clone(), 1u64);
        while term != BigInt::ZERO {
            term = self.times(&term, &small) / count;
            sum += &term;
            count += 1;
        }
        for _ in 0..HALVES {
            sum = self.times(&sum, &sum);
        }
        sum
    }

    fn arctangent(&self, x: &BigInt) -> BigInt {
        const HALVES: u32 = 6;
        let mut small = x.clone();
        for _ in 0..HALVES {
            let square = self.times(&small, &small);
            let root = self.root(&(&square + &self.one));
            small = self.divided(&small, &(&self.one + root));
        }
        self.odd_series(&small, true) << HALVES
    }

    fn pi(&self) -> BigInt {
        let part = |number: u32| self.odd_series(&(&self.one / number), true);
        (part(5) * 4 - part(239)) * 4
    }
}

/// None where the result has too many digits.
pub fn exponential(x: &Number, scale: usize) -> Option<Number> {
    let whole = x.to_i64().filter(|whole| whole.unsigned_abs() < 1_000_000)?;
    // Digits in front of the point: more than the logarithm to the base of ten.
    let front = usize::try_from(whole.unsigned_abs()).ok()? / 2 + 2;
    let fixed = Fixed::new(scale + front + GUARD);
    let value = fixed.exponential(&fixed.of(&if x.is_negative() { x.negated() } else { x.clone() }));
    let value = if x.is_negative() { fixed.divided(&fixed.one, &value) } else { value };
    Some(fixed.back(value, scale))
}

pub fn logarithm(x: &Number, scale: usize) -> Number {
    if x.is_zero() || x.is_negative() {
        return Number { value: (BigInt::from(1) - ten(scale)) * ten(scale), scale };
    }
    let fixed = Fixed::new(scale + x.scale() + GUARD + 8);
    let mut value = fixed.of(x);
    let mut halves = 0u32;
    // Near to one, where the series is short. Each root costs half of the digits' last bit.
    while halves < 64 && (&value * 10 > &fixed.one * 11 || &value * 10 < &fixed.one * 9) {
        value = fixed.root(&value);
        halves += 1;
    }
    if halves > 0 {
        let exact = Fixed::new(fixed.digits + (halves as usize).div_ceil(3) + 2);
        let mut value = exact.of(x);
        (0..halves).for_each(|_| value = exact.root(&value));
        let ratio = exact.divided(&(&value - &exact.one), &(&value + &exact.one));
        return exact.back(exact.odd_series(&ratio, false) << (halves + 1), scale);
    }
    let ratio = fixed.divided(&(&value - &fixed.one), &(&value + &fixed.one));
    fixed.back(fixed.odd_series(&ratio, false) * 2, scale)
}

fn circular(x: &Number, scale: usize, is_sine: bool) -> Number {
    let fixed = Fixed::new(scale + x.length() + GUARD);
    let around = fixed.pi() * 2;
    let mut value = fixed.of(x) % &around;
    let half: BigInt = &around / 2;
    if value > half {
        value -= &around;
    } else if value < -half {
        value += &around;
    }
    let square = fixed.times(&value, &value);
    let sum = if is_sine {
        fixed.series(value, &square, true, |count| (2 * count) * (2 * count + 1))
    } else {
        fixed.series(fixed.one.clone(), &square, true, |count| (2 * count - 1) * (2 * count))
    };
    fixed.back(sum, scale)
}

pub fn sine(x: &Number, scale: usize) -> Number {
    circular(x, scale, true)
}

pub fn cosine(x: &Number, scale: usize) -> Number {
    circular(x, scale, false)
}

pub fn arctangent(x: &Number, scale: usize) -> Number {
    let fixed = Fixed::new(scale + x.length() + GUARD);
    fixed.back(fixed.arctangent(&fixed.of(x)), scale)
}

/// Bessel's function of a whole order. None where the order or the argument is too large.
pub fn bessel(order: &Number, x: &Number, scale: usize) -> Option<Number> {
    let order = order.to_i64().filter(|order| order.unsigned_abs() <= 10_000)?;
    let size = x.to_i64().filter(|whole| whole.unsigned_abs() <= 10_000)?.unsigned_abs();
    // The terms grow about as the exponential does, before they become small.
    let fixed = Fixed::new(scale + usize::try_from(size).ok()? + x.scale() + GUARD);
    let half: BigInt = fixed.of(x) / 2;
    let count = order.unsigned_abs();
    let mut first = fixed.one.clone();
    for step in 1..=count {
        first = fixed.times(&first, &half) / step;
    }
    if order < 0 && order % 2 != 0 {
        first = -first;
    }
    let square = fixed.times(&half, &half);
    Some(fixed.back(fixed.series(first, &square, true, |step| step * (step + count)), scale))
}
