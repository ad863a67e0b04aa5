//! Evaluates arithmetic expressions. Their grammar is that of `brush-parser`; numbers are 64 bits wide and wrap.

use brush_parser::{
    arithmetic,
    ast::{ArithmeticExpr, ArithmeticTarget, BinaryOperator, UnaryAssignmentOperator, UnaryOperator},
};

use crate::{
    state::{Flow, Shell},
    syntax::MAX_NESTING,
};

/// How many operators an expression may have that are evaluated from the right, for each of which the parser descends.
const MAX_RIGHT_ASSOCIATIVE: usize = 1000;

/// How many operators an expression may have: the parser keeps what it has parsed, and copies it level by level.
const MAX_OPERATORS: usize = 10_000;

/// Characters of an expression that a message shows.
const MAX_SHOWN: usize = 200;

/// How often the value of a variable may be an expression that names another variable.
const MAX_INDIRECTION: u32 = 16;

impl Shell {
    /// The value of an expression whose expansions are done.
    pub fn arithmetic(&mut self, text: &str) -> Result<i64, Flow> {
        self.evaluate(text, 0).map_err(|message| {
            let shown: String = text.chars().take(MAX_SHOWN).collect();
            let more = if shown.len() < text.len() { "..." } else { "" };
            self.report(&format!("arithmetic expression: {message}: \"{shown}{more}\""));
            Flow::Error
        })
    }

    fn evaluate(&mut self, text: &str, indirection: u32) -> Result<i64, String> {
        let text = text.trim();
        if let Ok(number) = text.parse::<i64>()
            && (number == 0 || !text.trim_start_matches(['-', '+']).starts_with('0'))
        {
            return Ok(number);
        }
        if text.is_empty() {
            return Ok(0);
        }
        if text.bytes().filter(|byte| b"+-*/%&|^<>!~".contains(byte)).count() > MAX_OPERATORS {
            return Err("too long".to_owned());
        }
        if nesting(text) > MAX_NESTING || right_associative(text) > MAX_RIGHT_ASSOCIATIVE {
            return Err("nested too deeply".to_owned());
        }
        let expression = arithmetic::parse(text).map_err(|_| "syntax error".to_owned())?;
        let value = self.value(&expression, indirection);
        discard(expression);
        value
    }

    fn value(&mut self, expression: &ArithmeticExpr, indirection: u32) -> Result<i64, String> {
        Ok(match expression {
            ArithmeticExpr::Literal(number) => *number,
            ArithmeticExpr::Reference(target) => self.reference(target, indirection)?,
            ArithmeticExpr::UnaryOp(operator, operand) => {
                let value = self.value(operand, indirection)?;
                match operator {
                    UnaryOperator::UnaryPlus => value,
                    UnaryOperator::UnaryMinus => value.wrapping_neg(),
                    UnaryOperator::BitwiseNot => !value,
                    UnaryOperator::LogicalNot => i64::from(value == 0),
                }
            }
            ArithmeticExpr::BinaryOp(..) => {
                // A long sum is as deep on its left as it has terms: not a case for recursion.
                let mut rest = Vec::new();
                let mut first = expression;
                while let ArithmeticExpr::BinaryOp(operator, left, right) = first {
                    rest.push((*operator, right));
                    first = left;
                }
                let mut value = self.value(first, indirection)?;
                for (operator, right) in rest.into_iter().rev() {
                    value = match operator {
                        BinaryOperator::LogicalAnd => {
                            i64::from(value != 0 && self.value(right, indirection)? != 0)
                        }
                        BinaryOperator::LogicalOr => {
                            i64::from(value != 0 || self.value(right, indirection)? != 0)
                        }
                        _ => binary(operator, value, self.value(right, indirection)?)?,
                    };
                }
                value
            }
            ArithmeticExpr::Conditional(condition, then, otherwise) => {
                let chosen = if self.value(condition, indirection)? != 0 { then } else { otherwise };
                self.value(chosen, indirection)?
            }
            ArithmeticExpr::Assignment(target, value) => {
                let value = self.value(value, indirection)?;
                self.store(target, value)?
            }
            ArithmeticExpr::BinaryAssignment(operator, target, operand) => {
                let before = self.reference(target, indirection)?;
                let operand = self.value(operand, indirection)?;
                let value = binary(*operator, before, operand)?;
                self.store(target, value)?
            }
            ArithmeticExpr::UnaryAssignment(operator, target) => {
                let before = self.reference(target, indirection)?;
                match operator {
                    UnaryAssignmentOperator::PrefixIncrement => self.store(target, before.wrapping_add(1))?,
                    UnaryAssignmentOperator::PrefixDecrement => self.store(target, before.wrapping_sub(1))?,
                    UnaryAssignmentOperator::PostfixIncrement => {
                        self.store(target, before.wrapping_add(1))?;
                        before
                    }
                    UnaryAssignmentOperator::PostfixDecrement => {
                        self.store(target, before.wrapping_sub(1))?;
                        before
                    }
                }
            }
        })
    }

    fn reference(&mut self, target: &ArithmeticTarget, indirection: u32) -> Result<i64, String> {
        let name = scalar(target)?;
        let Some(text) = self.parameter(name) else {
            if self.options.nounset {
                return Err(format!("{name}: parameter not set"));
            }
            return Ok(0);
        };
        if indirection >= MAX_INDIRECTION {
            return Err(format!("{name}: refers to too many variables in turn"));
        }
        self.evaluate(&text, indirection + 1)
    }

    fn store(&mut self, target: &ArithmeticTarget, value: i64) -> Result<i64, String> {
        let name = scalar(target)?;
        if self.variables.get(name).is_some_and(|variable| variable.readonly) {
            return Err(format!("{name}: is read only"));
        }
        self.assign(name, value.to_string()).map_err(|_| format!("{name}: can't be assigned"))?;
        Ok(value)
    }
}

fn scalar(target: &ArithmeticTarget) -> Result<&str, String> {
    match target {
        ArithmeticTarget::Variable(name) => Ok(name),
        ArithmeticTarget::ArrayElement(name, _) => Err(format!("{name}: arrays are not supported")),
    }
}

fn binary(operator: BinaryOperator, left: i64, right: i64) -> Result<i64, String> {
    Ok(match operator {
        BinaryOperator::Power => {
            let exponent = u32::try_from(right).map_err(|_| "exponent out of range".to_owned())?;
            left.wrapping_pow(exponent)
        }
        BinaryOperator::Multiply => left.wrapping_mul(right),
        BinaryOperator::Divide | BinaryOperator::Modulo if right == 0 => {
            return Err("division by zero".to_owned());
        }
        BinaryOperator::Divide => left.wrapping_div(right),
        BinaryOperator::Modulo => left.wrapping_rem(right),
        BinaryOperator::Comma => right,
        BinaryOperator::Add => left.wrapping_add(right),
        BinaryOperator::Subtract => left.wrapping_sub(right),
        // As the hardware does it: only the lowest six bits count.
        BinaryOperator::ShiftLeft => left.wrapping_shl(right as u32),
        BinaryOperator::ShiftRight => left.wrapping_shr(right as u32),
        BinaryOperator::LessThan => i64::from(left < right),
        BinaryOperator::LessThanOrEqualTo => i64::from(left <= right),
        BinaryOperator::GreaterThan => i64::from(left > right),
        BinaryOperator::GreaterThanOrEqualTo => i64::from(left >= right),
        BinaryOperator::Equals => i64::from(left == right),
        BinaryOperator::NotEquals => i64::from(left != right),
        BinaryOperator::BitwiseAnd => left & right,
        BinaryOperator::BitwiseXor => left ^ right,
        BinaryOperator::BitwiseOr => left | right,
        BinaryOperator::LogicalAnd => i64::from(left != 0 && right != 0),
        BinaryOperator::LogicalOr => i64::from(left != 0 || right != 0),
    })
}

/// Drops an expression, however long it is on its left.
fn discard(mut expression: ArithmeticExpr) {
    while let ArithmeticExpr::BinaryOp(_, left, _) = expression {
        expression = *left;
    }
}

/// At least as many as there are operators whose right side holds the rest: assignments, conditions, powers.
fn right_associative(text: &str) -> usize {
    let bytes = text.as_bytes();
    let powers = bytes.windows(2).filter(|pair| *pair == b"**").count();
    powers + bytes.iter().filter(|byte| matches!(byte, b'=' | b'?')).count()
}

/// The deepest level of parentheses and of signs in a row, each of which the parser descends for.
fn nesting(text: &str) -> usize {
    let (mut depth, mut deepest, mut signs) = (0usize, 0usize, 0usize);
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        signs = match byte {
            b'!' | b'~' | b'-' | b'+' => signs + 1,
            b' ' | b'\t' | b'\n' => signs,
            _ => 0,
        };
        deepest = deepest.max(depth + signs);
    }
    deepest
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
        assert!(shell.arithmetic(&vec!["1"; 20_000].join(" + ")).is_err());
        assert_eq!(shell.arithmetic(&format!("0{}", " && 1 / 0".repeat(1000))), Ok(0));
        assert!(shell.arithmetic(&"x = ".repeat(10_000)).is_err());
        assert!(shell.arithmetic("1 +").is_err());
    }
}
