//! `[[ ]]`.

use crate::{
    builtins::test as primaries,
    state::{Flow, Shell},
    syntax::tree::{Test, Word},
};

/// How large a compiled expression may be, in bytes.
const MAX_EXPRESSION: usize = 4 * 1024 * 1024;

impl Shell {
    pub fn run_test(&mut self, test: &Test) -> Result<bool, Flow> {
        Ok(match test {
            Test::And(left, right) => self.run_test(left)? && self.run_test(right)?,
            Test::Or(left, right) => self.run_test(left)? || self.run_test(right)?,
            Test::Not(inner) => !self.run_test(inner)?,
            Test::Unary(operator, word) => {
                let operand = self.expand_text(word)?;
                if operator == "-v" {
                    self.is_set(&operand)?
                } else {
                    primaries::unary(self, operator, &operand).unwrap_or(false)
                }
            }
            Test::Binary(operator, left, right) => {
                let left = self.expand_text(left)?;
                match operator.as_str() {
                    "=~" => self.match_expression(&left, right)?,
                    "=" | "==" => self.expand_pattern(right)?.matches(&left),
                    "!=" => !self.expand_pattern(right)?.matches(&left),
                    "-eq" | "-ne" | "-lt" | "-le" | "-gt" | "-ge" => {
                        let right = self.expand_text(right)?;
                        let (left, right) = (self.arithmetic(&left)?, self.arithmetic(&right)?);
                        primaries::compare(operator, left, right)
                    }
                    "<" | ">" => {
                        let right = self.expand_text(right)?;
                        if operator == "<" { left < right } else { left > right }
                    }
                    _ => {
                        let right = self.expand_text(right)?;
                        primaries::binary(operator, &left, &right).unwrap_or(Ok(false)).unwrap_or(false)
                    }
                }
            }
        })
    }

    /// `=~`, which leaves what the groups have matched in `BASH_REMATCH`.
    fn match_expression(&mut self, text: &str, word: &Word) -> Result<bool, Flow> {
        let expression = self.expand_expression(word)?;
        let compiled = regex_lite::RegexBuilder::new(&expression)
            .case_insensitive(self.extras.patterns.nocasematch)
            .dot_matches_new_line(true)
            .size_limit(MAX_EXPRESSION)
            .build();
        let Ok(compiled) = compiled else {
            self.report(&format!("[[: {expression}: invalid regular expression"));
            self.test_failed = true;
            return Ok(false);
        };
        let found = compiled.captures(text);
        let groups = found.iter().flat_map(|found| {
            found.iter().map(|group| group.map_or_else(String::new, |group| group.as_str().to_owned()))
        });
        let groups = groups.map(|group| (None, false, group)).collect();
        self.variable_mut("BASH_REMATCH").readonly = false;
        self.assign_array("BASH_REMATCH", groups, false)?;
        Ok(found.is_some())
    }
}
