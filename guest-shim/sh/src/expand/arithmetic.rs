//! Evaluates arithmetic expressions (POSIX.1-2024 XCU 2.6.4, and bash's beyond), whose expansions are done: as they are
//! read, since what a loop evaluates is short and never twice the same. Our own, because a subscript of an associative
//! array is no expression, which a grammar can't know, and because loops are made of them. Numbers are 64 bits wide and
//! wrap.

use crate::{
    exec::MAX_DEPTH as MAX_NESTED,
    number::{MAX_DIGITS, decimal},
    state::{Flow, Shell},
    syntax::{
        dialect::Dialect,
        extent::{is_name_byte, is_name_start},
        word,
    },
    variables::{Place, Variable},
};

/// How deeply parentheses, assignments, conditions and signs may be nested.
const MAX_DEPTH: u32 = 250;

/// Characters of an expression that a message shows.
const MAX_SHOWN: usize = 200;

/// How often the value of a variable may be an expression that names another variable.
const MAX_INDIRECTION: u32 = 200;

/// Binary operators.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operator {
    Or,
    And,
    BitOr,
    BitXor,
    BitAnd,
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    ShiftLeft,
    ShiftRight,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Power,
}

impl Operator {
    /// The one that a text begins with, and its length.
    fn read(text: &[u8]) -> Option<(Operator, usize)> {
        use Operator::*;
        let second = text.get(1).copied().unwrap_or(0);
        Some(match (*text.first()?, second) {
            (b'*', b'*') => (Power, 2),
            (b'|', b'|') => (Or, 2),
            (b'&', b'&') => (And, 2),
            (b'=', b'=') => (Equal, 2),
            (b'!', b'=') => (Unequal, 2),
            (b'<', b'<') => (ShiftLeft, 2),
            (b'>', b'>') => (ShiftRight, 2),
            (b'<', b'=') => (LessOrEqual, 2),
            (b'>', b'=') => (GreaterOrEqual, 2),
            (b'|', _) => (BitOr, 1),
            (b'^', _) => (BitXor, 1),
            (b'&', _) => (BitAnd, 1),
            (b'<', _) => (Less, 1),
            (b'>', _) => (Greater, 1),
            (b'+', _) => (Add, 1),
            (b'-', _) => (Subtract, 1),
            (b'*', _) => (Multiply, 1),
            (b'/', _) => (Divide, 1),
            (b'%', _) => (Remainder, 1),
            _ => return None,
        })
    }

    /// How tightly it binds.
    fn binds(self) -> u8 {
        use Operator::*;
        match self {
            Or => 1,
            And => 2,
            BitOr => 3,
            BitXor => 4,
            BitAnd => 5,
            Equal | Unequal => 6,
            Less | LessOrEqual | Greater | GreaterOrEqual => 7,
            ShiftLeft | ShiftRight => 8,
            Add | Subtract => 9,
            Multiply | Divide | Remainder => 10,
            Power => 11,
        }
    }

    /// Whether it assigns with `=` behind.
    fn assigns(self) -> bool {
        use Operator::*;
        matches!(
            self,
            BitOr | BitXor | BitAnd | ShiftLeft | ShiftRight | Add | Subtract | Multiply | Divide | Remainder
        )
    }
}

/// Why there is no value.
enum Failure {
    Message(String),
    /// It was reported.
    Reported(Flow),
}

impl From<&str> for Failure {
    fn from(message: &str) -> Self {
        Failure::Message(message.to_owned())
    }
}

type Evaluated<T> = Result<T, Failure>;

impl Shell {
    /// The value of an expression whose expansions are done.
    pub fn arithmetic(&mut self, text: &str) -> Result<i64, Flow> {
        self.evaluate(text, 0).map_err(|failure| match failure {
            Failure::Reported(flow) => flow,
            Failure::Message(message) => {
                let shown: String = text.chars().take(MAX_SHOWN).collect();
                let more = if shown.len() < text.len() { "..." } else { "" };
                self.report(&format!("arithmetic expression: {message}: \"{shown}{more}\""));
                Flow::Error
            }
        })
    }

    fn evaluate(&mut self, text: &str, indirection: u32) -> Evaluated<i64> {
        let trimmed = text.trim_ascii();
        if let Some(number) = whole_number(trimmed) {
            return Ok(number);
        }
        let mut evaluator =
            Evaluator { shell: self, text: trimmed, at: 0, skipped: 0, depth: 0, indirection };
        evaluator.blanks();
        if evaluator.at == trimmed.len() {
            return Ok(0);
        }
        let value = evaluator.comma()?;
        if evaluator.at < trimmed.len() { Err("syntax error".into()) } else { Ok(value) }
    }
}

/// A variable, or an element, that stands in an expression.
struct Target<'a> {
    name: &'a str,
    place: Place,
}

struct Evaluator<'s, 'a> {
    shell: &'s mut Shell,
    text: &'a str,
    at: usize,
    /// Within so many parts that are read but do not count: nothing is assigned there.
    skipped: u32,
    depth: u32,
    indirection: u32,
}

impl<'a> Evaluator<'_, 'a> {
    fn byte(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    /// Passes blanks, and double quotes, which mean nothing here.
    fn blanks(&mut self) {
        while matches!(self.byte(0), Some(b' ' | b'\t' | b'\n' | b'\r' | b'"')) {
            self.at += 1;
        }
    }

    fn takes(&mut self, expected: u8) -> bool {
        let there = self.byte(0) == Some(expected);
        if there {
            self.at += 1;
            self.blanks();
        }
        there
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Evaluated<T>) -> Evaluated<T> {
        if self.depth >= MAX_DEPTH {
            return Err("nested too deeply".into());
        }
        self.depth += 1;
        let outcome = read(self);
        self.depth -= 1;
        outcome
    }

    fn skipping(&mut self, skips: bool, read: impl FnOnce(&mut Self) -> Evaluated<i64>) -> Evaluated<i64> {
        self.skipped += u32::from(skips);
        let outcome = read(self);
        self.skipped -= u32::from(skips);
        outcome
    }

    fn comma(&mut self) -> Evaluated<i64> {
        let mut value = self.conditional()?;
        while self.takes(b',') {
            value = self.conditional()?;
        }
        Ok(value)
    }

    fn conditional(&mut self) -> Evaluated<i64> {
        self.deeper(|this| {
            let condition = this.binary(0)?;
            if !this.takes(b'?') {
                return Ok(condition);
            }
            let then = this.skipping(condition == 0, Self::comma)?;
            if !this.takes(b':') {
                return Err("`:' expected".into());
            }
            let otherwise = this.skipping(condition != 0, Self::conditional)?;
            Ok(if condition != 0 { then } else { otherwise })
        })
    }

    /// The operator here with its length, unless it is part of an assignment.
    fn operator(&self) -> Option<(Operator, usize)> {
        let rest = &self.text.as_bytes()[self.at..];
        let (operator, length) = Operator::read(rest)?;
        (!operator.assigns() || rest.get(length) != Some(&b'=')).then_some((operator, length))
    }

    /// Operators that bind at least as tightly as `least`.
    fn binary(&mut self, least: u8) -> Evaluated<i64> {
        let mut left = self.unary()?;
        while let Some((operator, length)) = self.operator()
            && operator.binds() >= least
        {
            let tighter = operator.binds() + 1;
            self.at += length;
            self.blanks();
            left = match operator {
                Operator::And => {
                    let right = self.skipping(left == 0, |this| this.binary(tighter))?;
                    i64::from(left != 0 && right != 0)
                }
                Operator::Or => {
                    let right = self.skipping(left != 0, |this| this.binary(tighter))?;
                    i64::from(left != 0 || right != 0)
                }
                Operator::Power => {
                    let right = self.deeper(|this| this.binary(operator.binds()))?;
                    self.apply(operator, left, right)?
                }
                _ => {
                    let right = self.binary(tighter)?;
                    self.apply(operator, left, right)?
                }
            };
        }
        Ok(left)
    }

    fn apply(&self, operator: Operator, left: i64, right: i64) -> Evaluated<i64> {
        use Operator::*;
        Ok(match operator {
            Power => match u32::try_from(right) {
                Ok(exponent) => left.wrapping_pow(exponent),
                Err(_) if self.skipped > 0 => 0,
                Err(_) if right < 0 => return Err("exponent less than 0".into()),
                Err(_) => return Err("exponent out of range".into()),
            },
            Divide | Remainder if right == 0 && self.skipped > 0 => 0,
            Divide | Remainder if right == 0 => return Err("division by zero".into()),
            Multiply => left.wrapping_mul(right),
            Divide => left.wrapping_div(right),
            Remainder => left.wrapping_rem(right),
            Add => left.wrapping_add(right),
            Subtract => left.wrapping_sub(right),
            // As the hardware does it: only the lowest six bits count.
            ShiftLeft => left.wrapping_shl(right as u32),
            ShiftRight => left.wrapping_shr(right as u32),
            Less => i64::from(left < right),
            LessOrEqual => i64::from(left <= right),
            Greater => i64::from(left > right),
            GreaterOrEqual => i64::from(left >= right),
            Equal => i64::from(left == right),
            Unequal => i64::from(left != right),
            And => i64::from(left != 0 && right != 0),
            Or => i64::from(left != 0 || right != 0),
            BitAnd => left & right,
            BitXor => left ^ right,
            BitOr => left | right,
        })
    }

    fn unary(&mut self) -> Evaluated<i64> {
        let Some(sign) = self.byte(0) else { return Err("operand expected".into()) };
        if !matches!(sign, b'!' | b'~' | b'+' | b'-') {
            return self.primary();
        }
        if matches!(sign, b'+' | b'-') && self.byte(1) == Some(sign) && self.names_at(2) {
            self.at += 2;
            self.blanks();
            let target = self.target()?;
            let value = self.value(&target)?;
            let changed = if sign == b'+' { value.wrapping_add(1) } else { value.wrapping_sub(1) };
            return self.store(&target, changed);
        }
        self.at += 1;
        self.blanks();
        let value = self.deeper(Self::unary)?;
        Ok(match sign {
            b'!' => i64::from(value == 0),
            b'~' => !value,
            b'-' => value.wrapping_neg(),
            _ => value,
        })
    }

    /// Whether a name stands so far ahead, behind blanks.
    fn names_at(&self, ahead: usize) -> bool {
        let rest = self.text.as_bytes().get(self.at + ahead..).unwrap_or_default();
        rest.trim_ascii_start().first().is_some_and(|byte| is_name_start(*byte))
    }

    fn primary(&mut self) -> Evaluated<i64> {
        match self.byte(0) {
            Some(b'(') => {
                self.at += 1;
                self.blanks();
                let value = self.deeper(Self::comma)?;
                if self.takes(b')') { Ok(value) } else { Err("missing `)'".into()) }
            }
            Some(byte) if byte.is_ascii_digit() => self.number(),
            Some(byte) if is_name_start(byte) => {
                let target = self.target()?;
                self.after_target(&target)
            }
            _ => Err("operand expected".into()),
        }
    }

    fn number(&mut self) -> Evaluated<i64> {
        let bytes = &self.text.as_bytes()[self.at..];
        let length = bytes
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'#' | b'@' | b'_'))
            .count();
        let text = &self.text[self.at..self.at + length];
        self.at += length;
        self.blanks();
        let (base, digits) = match text.split_once('#') {
            Some((base, digits)) => {
                let base = base.parse::<i64>().ok().filter(|base| (2..=64).contains(base));
                (base.ok_or("invalid arithmetic base")?, digits)
            }
            None => match text.strip_prefix("0x").or(text.strip_prefix("0X")) {
                Some(digits) => (16, digits),
                None if text.len() > 1 && text.starts_with('0') => (8, text),
                None => (10, text),
            },
        };
        let mut value = 0i64;
        for byte in digits.bytes() {
            let digit = i64::from(match byte {
                b'0'..=b'9' => byte - b'0',
                b'a'..=b'z' => byte - b'a' + 10,
                b'A'..=b'Z' if base <= 36 => byte - b'A' + 10,
                b'A'..=b'Z' => byte - b'A' + 36,
                b'@' => 62,
                _ => 63,
            });
            if digit >= base {
                return Err("value too great for base".into());
            }
            value = match (
                value.checked_mul(base).and_then(|value| value.checked_add(digit)),
                self.shell.dialect,
            ) {
                (Some(value), _) => value,
                (None, Dialect::Posix) => i64::MAX,
                (None, Dialect::Bash) => value.wrapping_mul(base).wrapping_add(digit),
            };
        }
        Ok(value)
    }

    fn target(&mut self) -> Evaluated<Target<'a>> {
        let text = self.text;
        let start = self.at;
        while self.byte(0).is_some_and(is_name_byte) {
            self.at += 1;
        }
        let name = text.get(start..self.at).unwrap_or_default();
        if name.is_empty() {
            return Err("operand expected".into());
        }
        let mut place = Place::Whole;
        if self.byte(0) == Some(b'[') {
            let subscript = self.subscript()?;
            let expanded;
            // Only bash runs what a value holds: elsewhere it is data, and this an error.
            let subscript = if self.shell.dialect == Dialect::Bash && subscript.contains(['$', '`']) {
                expanded = self.expanded(subscript)?;
                &expanded
            } else {
                subscript
            };
            place = if self.shell.find(name).is_some_and(Variable::is_associative) {
                Place::Key(subscript.replace(['"', '\''], ""))
            } else {
                let indirection = self.indirection + 1;
                if indirection > MAX_INDIRECTION {
                    return Err("nested too deeply".into());
                }
                Place::Index(self.shell.evaluate(subscript, indirection)?)
            };
        }
        self.blanks();
        Ok(Target { name, place })
    }

    /// A subscript that came out of a variable with its expansions yet to be done.
    fn expanded(&mut self, subscript: &str) -> Evaluated<String> {
        let word = word::expanded_text(subscript, self.shell.line, 0).map_err(|_| "syntax error")?;
        self.shell.expand_quoted(&word).map_err(Failure::Reported)
    }

    /// What stands between the brackets here.
    fn subscript(&mut self) -> Evaluated<&'a str> {
        let text = self.text;
        let start = self.at + 1;
        let mut depth = 0usize;
        loop {
            match self.byte(0) {
                None => return Err("missing `]'".into()),
                Some(b'[') => depth += 1,
                Some(b']') => depth -= 1,
                Some(_) => {}
            }
            self.at += 1;
            if depth == 0 {
                return Ok(text.get(start..self.at - 1).unwrap_or_default());
            }
        }
    }

    /// What is done with a variable.
    fn after_target(&mut self, target: &Target<'a>) -> Evaluated<i64> {
        for (sign, step) in [(b'+', 1i64), (b'-', -1)] {
            if self.byte(0) == Some(sign) && self.byte(1) == Some(sign) {
                self.at += 2;
                self.blanks();
                let value = self.value(target)?;
                self.store(target, value.wrapping_add(step))?;
                return Ok(value);
            }
        }
        let rest = &self.text.as_bytes()[self.at..];
        if rest.first() == Some(&b'=') && rest.get(1) != Some(&b'=') {
            self.at += 1;
            self.blanks();
            let value = self.conditional()?;
            return self.store(target, value);
        }
        if let Some((operator, length)) = Operator::read(rest)
            && operator.assigns()
            && rest.get(length) == Some(&b'=')
        {
            self.at += length + 1;
            self.blanks();
            let before = self.value(target)?;
            let operand = self.conditional()?;
            let value = self.apply(operator, before, operand)?;
            return self.store(target, value);
        }
        self.value(target)
    }

    fn value(&mut self, target: &Target<'a>) -> Evaluated<i64> {
        if self.skipped > 0 {
            return Ok(0);
        }
        let text = match &target.place {
            Place::Whole => {
                // What most variables of a loop are.
                if let Some(number) = self.shell.variables.get(target.name).and_then(plain_number) {
                    return Ok(number);
                }
                match self.shell.referred_element(target.name).map_err(Failure::Reported)? {
                    Some((name, place)) => self.shell.element(&name, &place),
                    None => self.shell.parameter(target.name),
                }
            }
            place => self.shell.element(target.name, place),
        };
        let Some(text) = text else {
            if self.shell.options.nounset && self.shell.dialect == Dialect::Bash {
                self.shell.report(&format!("{}: unbound variable", target.name));
                return Err(Failure::Reported(Flow::Exit(1)));
            }
            return Ok(0);
        };
        if self.indirection >= MAX_INDIRECTION || self.shell.depth + 4 * self.indirection >= MAX_NESTED {
            return Err(Failure::Message(format!("{}: refers to too many variables in turn", target.name)));
        }
        self.shell.evaluate(&text, self.indirection + 1)
    }

    fn store(&mut self, target: &Target<'a>, value: i64) -> Evaluated<i64> {
        if self.skipped > 0 {
            return Ok(value);
        }
        if self.shell.find(target.name).is_some_and(|variable| variable.readonly) {
            return Err(Failure::Message(format!("{}: is read only", target.name)));
        }
        let stored = self.shell.assign_place(target.name, &target.place, value.to_string(), false);
        stored.map_err(Failure::Reported)?;
        Ok(value)
    }
}

/// The number that a variable holds, if it is written as one.
fn plain_number(variable: &Variable) -> Option<i64> {
    if variable.reference {
        return None;
    }
    whole_number(variable.text()?)
}

/// The number that a text is from its beginning to its end.
fn whole_number(text: &str) -> Option<i64> {
    // What is larger is rare, and may be out of range.
    decimal(text).or_else(|| {
        let digits = text.trim_start_matches(['-', '+']);
        if digits.len() < MAX_DIGITS || digits.starts_with('0') { None } else { text.parse().ok() }
    })
}

#[cfg(test)]
mod tests {
    use crate::state::{Descriptors, Shell};

    #[test]
    fn expressions() {
        let mut shell = Shell::new("sh", Descriptors::default());
        let cases = [
            ("1 + 2 * 3", 7),
            ("(1 + 2) * 3", 9),
            ("-7 / 2", -3),
            ("-7 % 3", -1),
            ("1 << 4 | 1", 17),
            ("0x1f + 010", 39),
            ("x = 5, x += 2, x++ + x", 15),
            ("3 > 2 ? 10 : 20", 10),
            ("!0 && ~0 == -1", 1),
            ("", 0),
            ("9223372036854775807 + 1", i64::MIN),
        ];
        for (text, expected) in cases {
            assert_eq!(shell.arithmetic(text), Ok(expected), "{text}");
        }
        assert_eq!(shell.variable("x"), Some("8"));
        assert!(shell.arithmetic("1 / 0").is_err());
        assert_eq!(shell.arithmetic(&vec!["1"; 6_000].join(" + ")), Ok(6_000));
        assert_eq!(shell.arithmetic(&vec!["1"; 20_000].join(" + ")), Ok(20_000));
        assert!(shell.arithmetic(&"(".repeat(10_000)).is_err());
        assert!(shell.arithmetic(&"-".repeat(10_000)).is_err());
        assert_eq!(shell.arithmetic(&format!("0{}", " && 1 / 0".repeat(1000))), Ok(0));
        assert!(shell.arithmetic(&"x = ".repeat(10_000)).is_err());
        assert!(shell.arithmetic("1 +").is_err());
    }
}
