//! Decimal numbers of any length for `bc` and `dc`: an integer and how many of its digits are behind the point.

pub mod bc;
pub mod dc;
mod functions;

use std::cmp::Ordering;

use num_bigint::{BigInt, BigUint, Sign};

pub use functions::{arctangent, bessel, cosine, exponential, logarithm, sine};

/// Results of more digits than this are refused: they would take the VM's memory.
const DIGITS_MAX: u64 = 20_000_000;
/// More digits than this behind the point are none.
pub const SCALE_MAX: usize = 1_000_000;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Number {
    value: BigInt,
    scale: usize,
}

fn ten(exponent: usize) -> BigInt {
    BigInt::from(10u32).pow(u32::try_from(exponent).unwrap_or(u32::MAX))
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self { value: value.into(), scale: 0 }
    }
}

impl Number {
    /// Digits as a program writes them; those that the base does not have count as its last, but for one alone.
    pub fn parse(text: &str, base: u32) -> Self {
        let (sign, text) = match text.strip_prefix(['-', '_']) {
            Some(rest) => (-1, rest),
            None => (1, text),
        };
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let is_alone = text.trim_start_matches('0').len() == 1;
        let digit = |letter: u8| {
            let value = char::from(letter).to_digit(36).unwrap_or(0);
            if is_alone { value } else { value.min(base.saturating_sub(1)) }
        };
        let scale = fraction.len().min(SCALE_MAX);
        let digits: Vec<u8> = whole
            .bytes()
            .chain(fraction.bytes().take(scale))
            .map(|letter| u8::try_from(digit(letter)).unwrap_or(0))
            .collect();
        let all = if base == 10 && digits.iter().all(|digit| *digit < 10) {
            // Faster than by hand, for numbers that are long.
            let text: Vec<u8> = digits.iter().map(|digit| digit + b'0').collect();
            BigInt::parse_bytes(&text, 10).unwrap_or_default()
        } else {
            digits.iter().fold(BigInt::ZERO, |sum, digit| sum * base + *digit)
        };
        let value = if base == 10 || scale == 0 {
            all
        } else {
            all * ten(scale) / BigInt::from(base).pow(u32::try_from(scale).unwrap_or(u32::MAX))
        };
        Self { value: value * sign, scale }
    }

    pub const fn scale(&self) -> usize {
        self.scale
    }

    pub fn is_zero(&self) -> bool {
        self.value.sign() == Sign::NoSign
    }

    pub fn is_negative(&self) -> bool {
        self.value.sign() == Sign::Minus
    }

    /// How many digits there are without zeros in front, on either side of the point.
    pub fn significant(&self) -> usize {
        if self.is_zero() { 0 } else { self.value.magnitude().to_string().len() }
    }

    /// How many digits there are, the zeros in front of the point left out.
    pub fn length(&self) -> usize {
        self.significant().max(self.scale).max(1)
    }

    fn at(&self, scale: usize) -> BigInt {
        match scale.cmp(&self.scale) {
            Ordering::Less => &self.value / ten(self.scale - scale),
            Ordering::Equal => self.value.clone(),
            Ordering::Greater => &self.value * ten(scale - self.scale),
        }
    }

    /// With no more digits behind the point than these.
    pub fn cut(&self, scale: usize) -> Self {
        if scale < self.scale { Self { value: self.at(scale), scale } } else { self.clone() }
    }

    pub fn whole(&self) -> BigInt {
        self.at(0)
    }

    pub fn to_i64(&self) -> Option<i64> {
        i64::try_from(&self.whole()).ok()
    }

    pub fn negated(&self) -> Self {
        Self { value: -&self.value, scale: self.scale }
    }

    pub fn plus(&self, other: &Self) -> Self {
        let scale = self.scale.max(other.scale);
        Self { value: self.at(scale) + other.at(scale), scale }
    }

    pub fn minus(&self, other: &Self) -> Self {
        self.plus(&other.negated())
    }

    pub fn times(&self, other: &Self, scale: usize) -> Self {
        let full = self.scale + other.scale;
        let kept = full.min(scale.max(self.scale).max(other.scale));
        Self { value: &self.value * &other.value, scale: full }.cut(kept)
    }

    /// None for zero.
    pub fn divided(&self, other: &Self, scale: usize) -> Option<Self> {
        if other.is_zero() {
            return None;
        }
        let value = &self.value * ten(scale + other.scale) / (&other.value * ten(self.scale));
        Some(Self { value, scale })
    }

    pub fn remainder(&self, other: &Self, scale: usize) -> Option<Self> {
        let quotient = self.divided(other, scale)?;
        let kept = self.scale.max(other.scale + scale);
        let product = Self { value: &quotient.value * &other.value, scale: quotient.scale + other.scale };
        Some(self.minus(&product).cut(kept))
    }

    /// # Errors
    /// What is wrong with it.
    pub fn power(&self, exponent: &Self, scale: usize) -> Result<Self, &'static str> {
        let Some(times) = exponent.to_i64() else { return Err("exponent too large in raise") };
        let count = times.unsigned_abs();
        let digits = u64::try_from(self.length()).unwrap_or(u64::MAX);
        let is_small = self.value.magnitude() <= &BigUint::from(1u32);
        if count > u64::from(u32::MAX) || (!is_small && digits.saturating_mul(count) > DIGITS_MAX) {
            return Err("exponent too large in raise");
        }
        if is_small && (self.scale as u64).saturating_mul(count) > DIGITS_MAX {
            return Err("exponent too large in raise");
        }
        let power = u32::try_from(count).unwrap_or(u32::MAX);
        let full = self.scale.saturating_mul(power as usize);
        let raised = Self { value: self.value.pow(power), scale: full };
        if times < 0 {
            return Self::from(1).divided(&raised, scale).ok_or("Divide by zero");
        }
        Ok(raised.cut(full.min(scale.max(self.scale))))
    }

    /// None for what is negative.
    pub fn root(&self, scale: usize) -> Option<Self> {
        if self.is_negative() {
            return None;
        }
        let scale = scale.max(self.scale);
        Some(Self { value: self.at(scale * 2).sqrt(), scale })
    }

    /// As it is printed in a base, without breaks.
    pub fn shown(&self, base: u32) -> String {
        if self.is_zero() {
            return "0".into();
        }
        let sign = if self.is_negative() { "-" } else { "" };
        let size = ten(self.scale).magnitude().clone();
        let whole = self.value.magnitude() / &size;
        let mut fraction = self.value.magnitude() - &whole * &size;
        if base == 10 {
            let digits = if whole == BigUint::ZERO { String::new() } else { whole.to_string() };
            if self.scale == 0 {
                return format!("{sign}{digits}");
            }
            let behind = fraction.to_string();
            return format!("{sign}{digits}.{}{behind}", "0".repeat(self.scale.saturating_sub(behind.len())));
        }
        let width = (base - 1).to_string().len();
        let mut text = sign.to_owned();
        if whole != BigUint::ZERO {
            if base <= 16 {
                text.push_str(&whole.to_str_radix(base).to_uppercase());
            } else {
                let mut digits = vec![];
                let mut left = whole;
                while left != BigUint::ZERO {
                    digits.push(&left % base);
                    left /= base;
                }
                digits.iter().rev().for_each(|digit| text.push_str(&format!(" {digit:0>width$}")));
            }
        }
        if self.scale > 0 {
            text.push('.');
            let mut passed = BigUint::from(1u32);
            let mut is_first = true;
            let most = ten(self.scale).magnitude().clone();
            while passed < most {
                fraction *= base;
                let digit = &fraction / &size;
                fraction -= &digit * &size;
                if base <= 16 {
                    text.push_str(&digit.to_str_radix(base).to_uppercase());
                } else {
                    let gap = if is_first { "" } else { " " };
                    text.push_str(&format!("{gap}{digit:0>width$}"));
                }
                is_first = false;
                passed *= base;
            }
        }
        text
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        let scale = self.scale.max(other.scale);
        Some(self.at(scale).cmp(&other.at(scale)))
    }
}

/// Writes texts in lines that are broken with a backslash where they are long.
pub struct Lines {
    /// 0 where nothing is broken.
    width: usize,
    column: usize,
}

impl Lines {
    /// `dc`'s lines are longer than `bc`'s by a letter.
    pub fn new(variable: &str, spare: usize) -> Self {
        let given = std::env::var(variable).ok().and_then(|text| text.parse::<usize>().ok());
        let width = given.filter(|given| *given == 0 || *given > 2).unwrap_or(70);
        Self { width: width.saturating_sub(spare), column: 0 }
    }

    pub fn write(&mut self, text: &str, out: &mut impl std::io::Write) -> std::io::Result<()> {
        if self.width == 0 {
            return out.write_all(text.as_bytes());
        }
        let mut line = String::with_capacity(text.len());
        for letter in text.chars() {
            if letter == '\n' {
                self.column = 0;
            } else {
                self.column += 1;
                if self.column == self.width {
                    line.push_str("\\\n");
                    self.column = 1;
                }
            }
            line.push(letter);
        }
        out.write_all(line.as_bytes())
    }
}
