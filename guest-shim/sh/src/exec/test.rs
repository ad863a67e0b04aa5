//! `[[ ]]`.

use crate::{
    builtins::test as primaries,
    state::{Flow, Shell},
    syntax::tree::Test,
};

impl Shell {
    pub fn run_test(&mut self, test: &Test) -> Result<bool, Flow> {
        Ok(match test {
            Test::And(left, right) => self.run_test(left)? && self.run_test(right)?,
            Test::Or(left, right) => self.run_test(left)? || self.run_test(right)?,
            Test::Not(inner) => !self.run_test(inner)?,
            Test::Unary(operator, word) => {
                let operand = self.expand_text(word)?;
                primaries::unary(self, operator, &operand).unwrap_or(false)
            }
            Test::Binary(operator, left, right) => {
                let left = self.expand_text(left)?;
                match operator.as_str() {
                    "=" | "==" => self.expand_pattern(right)?.matches(&left),
                    "!=" => !self.expand_pattern(right)?.matches(&left),
                    "-eq" | "-ne" | "-lt" | "-le" | "-gt" | "-ge" => {
                        let right = self.expand_text(right)?;
                        let (left, right) = (self.arithmetic(&left)?, self.arithmetic(&right)?);
                        primaries::compare(operator, left, right)
                    }
                    _ => {
                        let right = self.expand_text(right)?;
                        primaries::binary(operator, &left, &right).unwrap_or(Ok(false)).unwrap_or(false)
                    }
                }
            }
        })
    }
}
