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
}

/// A whole number.
fn whole(value: usize) -> Number {
    Number { value: BigInt::from(value), scale: 0 }
}

/// So many tenths.
fn tenths(value: usize) -> Number {
    Number { value: BigInt::from(value), scale: 1 }
}

fn is_more(one: &Number, other: &Number) -> bool {
    let difference = one.minus(other);
    !difference.is_zero() && !difference.is_negative()
}

/// By what is never zero.
fn quotient(one: &Number, other: &Number, scale: usize) -> Number {
    one.divided(other, scale).unwrap_or_else(|| one.clone())
}

// The following go the way that GNU's goes, with as many digits, for what comes out last depends on it: series until a
// term has no digit left, over arguments that were halved, rooted or turned until they are small.

/// None where the result has too many digits.
pub fn exponential(x: &Number, scale: usize) -> Option<Number> {
    let size = x.to_i64().filter(|size| size.unsigned_abs() < 1_000_000)?;
    let is_negative = x.is_negative();
    let mut x = if is_negative { x.negated() } else { x.clone() };
    let hundredths = x.times(&Number { value: BigInt::from(44), scale: 2 }, 2).to_i64().unwrap_or(size);
    let digits = 6 + scale + usize::try_from(hundredths).ok()?;
    let one = whole(1);
    let (mut halves, mut places) = (0, x.scale() + 1);
    while is_more(&x, &one) {
        x = quotient(&x, &whole(2), places);
        halves += 1;
        places += 1;
    }
    let (mut sum, mut power, mut product, mut count) = (one.plus(&x), x.clone(), one.clone(), 2);
    loop {
        power = power.times(&x, digits);
        product = product.times(&whole(count), digits);
        let term = quotient(&power, &product, digits);
        if term.is_zero() {
            break;
        }
        sum = sum.plus(&term);
        count += 1;
    }
    for _ in 0..halves {
        sum = sum.times(&sum, digits);
    }
    Some(quotient(
        &if is_negative { one.clone() } else { sum.clone() },
        if is_negative { &sum } else { &one },
        scale,
    ))
}

pub fn logarithm(x: &Number, scale: usize) -> Number {
    if x.is_zero() || x.is_negative() {
        return Number { value: (BigInt::from(1) - ten(scale)) * ten(scale), scale };
    }
    let digits = scale + 6;
    let (one, two, half) = (whole(1), whole(2), tenths(5));
    let (mut x, mut factor) = (x.clone(), whole(2));
    let mut root = |x: &mut Number| {
        factor = factor.times(&two, 0);
        *x = x.root(digits).unwrap_or_else(|| whole(1));
    };
    while !is_more(&two, &x) {
        root(&mut x);
    }
    while !is_more(&x, &half) {
        root(&mut x);
    }
    let mut power = quotient(&x.minus(&one), &x.plus(&one), digits);
    let square = power.times(&power, digits);
    let (mut sum, mut odd) = (power.clone(), 3);
    loop {
        power = power.times(&square, digits);
        let term = quotient(&power, &whole(odd), digits);
        if term.is_zero() {
            return quotient(&sum.times(&factor, digits), &one, scale);
        }
        sum = sum.plus(&term);
        odd += 2;
    }
}

pub fn sine(x: &Number, scale: usize) -> Number {
    let is_negative = x.is_negative();
    let mut x = if is_negative { x.negated() } else { x.clone() };
    let quarter = arctangent(&whole(1), scale * 11 / 10 + 2);
    let turns = quotient(&quotient(&x, &quarter, 0).plus(&whole(2)), &whole(4), 0);
    x = x.minus(&turns.times(&whole(4), 0).times(&quarter, 0));
    if turns.value.bit(0) {
        x = x.negated();
    }
    let digits = scale + 2;
    let square = x.times(&x, digits).negated();
    let (mut sum, mut term, mut odd) = (x.clone(), x, 3);
    loop {
        term = term.times(&quotient(&square, &whole(odd * (odd - 1)), digits), digits);
        if term.is_zero() {
            let sum = if is_negative { sum.negated() } else { sum };
            return quotient(&sum, &whole(1), scale);
        }
        sum = sum.plus(&term);
        odd += 2;
    }
}

pub fn cosine(x: &Number, scale: usize) -> Number {
    let digits = scale * 12 / 10;
    let quarter = arctangent(&whole(1), digits).times(&whole(2), digits);
    quotient(&sine(&x.plus(&quarter), digits), &whole(1), scale)
}

pub fn arctangent(x: &Number, scale: usize) -> Number {
    let (one, fifth) = (whole(1), tenths(2));
    let is_known = |value: &Number| x.minus(value).is_zero();
    // These are known so far.
    if scale <= 60 && (is_known(&one) || is_known(&fifth)) {
        let fixed = Fixed::new(scale + x.length() + GUARD);
        return fixed.back(fixed.arctangent(&fixed.of(x)), scale);
    }
    let is_negative = x.is_negative();
    let mut x = if is_negative { x.negated() } else { x.clone() };
    let digits = scale + 3;
    let mut turned = whole(0);
    if is_more(&x, &fifth) {
        let turn = arctangent(&fifth, scale + 5);
        let mut turns = 0;
        while is_more(&x, &fifth) {
            turns += 1;
            x = quotient(&x.minus(&fifth), &one.plus(&x.times(&fifth, digits)), digits);
        }
        turned = turn.times(&whole(turns), digits);
    }
    let square = x.times(&x, digits).negated();
    let (mut sum, mut power, mut odd) = (x.clone(), x, 3);
    loop {
        power = power.times(&square, digits);
        let term = quotient(&power, &whole(odd), digits);
        if term.is_zero() {
            // Both are added with the digits that they have.
            let sum = turned.plus(&sum);
            return quotient(&if is_negative { sum.negated() } else { sum }, &one, scale);
        }
        sum = sum.plus(&term);
        odd += 2;
    }
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
