//! `test` and `[`, by the number of arguments as POSIX has it, with the operators `-a` and `-o` beyond.

use super::misuse;
use crate::{
    number::decimal,
    state::{Outcome, Shell},
    system::{self, FileStatus, FileType},
};

pub fn run(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let mut operands: Vec<&str> = arguments[1..].iter().map(String::as_str).collect();
    if arguments[0] == "[" && operands.pop() != Some("]") {
        return Ok(misuse(shell, "[", "missing ]"));
    }
    let mut parser = Parser { shell, operands: &operands, at: 0, depth: 0 };
    match parser.all() {
        Ok(result) => Ok(i32::from(!result)),
        Err(message) => Ok(misuse(shell, &arguments[0], &message)),
    }
}

struct Parser<'a> {
    shell: &'a mut Shell,
    operands: &'a [&'a str],
    at: usize,
    /// Open parentheses.
    depth: usize,
}

type Checked = Result<bool, String>;

impl Parser<'_> {
    fn all(&mut self) -> Checked {
        let operands = self.operands;
        if let Some(result) = self.by_count(operands) {
            return result;
        }
        let result = self.either()?;
        match self.operands.get(self.at) {
            None => Ok(result),
            Some(extra) => Err(format!("{extra}: unexpected operator")),
        }
    }

    /// What POSIX says of zero to four arguments; none where the general grammar decides.
    fn by_count(&mut self, operands: &[&str]) -> Option<Checked> {
        match operands {
            [] => Some(Ok(false)),
            [text] => Some(Ok(!text.is_empty())),
            ["!", text] => Some(Ok(text.is_empty())),
            [operator, operand] => self.unary(operator, operand).map(Ok),
            [left, "-a", right] => Some(Ok(!left.is_empty() && !right.is_empty())),
            [left, "-o", right] => Some(Ok(!left.is_empty() || !right.is_empty())),
            [left, operator, right] if let Some(result) = binary(operator, left, right) => Some(result),
            ["!", rest @ ..] if rest.len() < 4 => {
                self.by_count(rest).map(|result| result.map(|value| !value))
            }
            ["(", inner @ .., ")"] if inner.len() < 3 => self.by_count(inner),
            _ => None,
        }
    }

    fn unary(&mut self, operator: &str, operand: &str) -> Option<bool> {
        if operator == "-v" {
            // What can't be evaluated was reported.
            return Some(self.shell.is_set(operand).unwrap_or(false));
        }
        unary(self.shell, operator, operand)
    }

    fn peek(&self) -> Option<&str> {
        self.operands.get(self.at).copied()
    }

    fn either(&mut self) -> Checked {
        let mut result = self.both()?;
        while self.peek() == Some("-o") {
            self.at += 1;
            result |= self.both()?;
        }
        Ok(result)
    }

    fn both(&mut self) -> Checked {
        let mut result = self.negated()?;
        while self.peek() == Some("-a") {
            self.at += 1;
            result &= self.negated()?;
        }
        Ok(result)
    }

    fn negated(&mut self) -> Checked {
        let mut negate = false;
        while self.peek() == Some("!") && self.operands.len() > self.at + 1 {
            self.at += 1;
            negate = !negate;
        }
        Ok(self.primary()? != negate)
    }

    fn primary(&mut self) -> Checked {
        let rest = self.operands.get(self.at..).unwrap_or_default();
        if let ["(", inside, ")", ..] = rest
            && self.operands.len() > 4
        {
            self.at += 3;
            return Ok(!inside.is_empty());
        }
        if let [left, operator, right, ..] = rest
            && let Some(result) = binary(operator, left, right)
        {
            self.at += 3;
            return result;
        }
        match rest {
            ["(", ..] => {
                self.at += 1;
                self.depth += 1;
                if self.depth > crate::syntax::MAX_NESTING {
                    return Err("nested too deeply".to_owned());
                }
                let result = self.either()?;
                if self.peek() != Some(")") {
                    return Err("closing paren expected".to_owned());
                }
                self.at += 1;
                self.depth -= 1;
                Ok(result)
            }
            [operator, operand, ..] if let Some(result) = self.unary(operator, operand) => {
                self.at += 2;
                Ok(result)
            }
            [text, ..] => {
                self.at += 1;
                Ok(!text.is_empty())
            }
            [] => Err("argument expected".to_owned()),
        }
    }
}

/// The result of a unary primary; none if there is no such operator.
pub fn unary(shell: &Shell, operator: &str, operand: &str) -> Option<bool> {
    let file = |check: fn(&FileStatus) -> bool| shell.file_status(operand).is_ok_and(|status| check(&status));
    Some(match operator {
        "-n" => !operand.is_empty(),
        "-z" => operand.is_empty(),
        "-e" | "-a" => file(|_| true),
        "-f" => file(|status| status.file_type == FileType::RegularFile),
        "-d" => file(|status| status.file_type == FileType::Directory),
        "-c" => file(|status| status.file_type == FileType::CharacterDevice),
        "-p" => file(|status| status.file_type == FileType::Fifo),
        // There are no block devices and no sockets in a VM's filesystem.
        "-b" | "-S" => false,
        "-h" | "-L" => {
            system::link_status(operand).is_ok_and(|status| status.file_type == FileType::SymbolicLink)
        }
        "-s" => file(|status| status.size > 0),
        // The one user of a VM is the owner of everything and not root.
        "-r" => file(|status| status.mode & 0o400 != 0),
        "-w" => file(|status| status.mode & 0o200 != 0),
        "-x" => file(|status| status.mode & 0o100 != 0),
        "-O" | "-G" => file(|_| true),
        "-u" => file(|status| status.mode & 0o4000 != 0),
        "-g" => file(|status| status.mode & 0o2000 != 0),
        "-k" => file(|status| status.mode & 0o1000 != 0),
        "-t" => {
            let number = operand.parse().ok();
            number
                .and_then(|number| shell.descriptors.get(number).ok())
                .is_some_and(|handle| handle.is_terminal())
        }
        "-R" => shell
            .variables
            .get(operand)
            .is_some_and(|variable| variable.reference && variable.value.is_some()),
        "-o" => {
            let mut options = shell.options;
            options.table().into_iter().any(|(name, _, on)| name == operand && *on)
        }
        _ => return None,
    })
}

/// The result of a binary primary; none if there is no such operator.
pub fn binary(operator: &str, left: &str, right: &str) -> Option<Checked> {
    // Most operands are none: by their bytes that is told at once.
    Some(match operator.as_bytes() {
        b"=" | b"==" => Ok(left == right),
        b"!=" => Ok(left != right),
        b"<" => Ok(left < right),
        b">" => Ok(left > right),
        b"-eq" | b"-ne" | b"-lt" | b"-le" | b"-gt" | b"-ge" => {
            number(left).and_then(|left| Ok(compare(operator, left, number(right)?)))
        }
        b"-nt" => Ok(match (system::status(left), system::status(right)) {
            (Ok(left), Ok(right)) => left.modified > right.modified,
            (Ok(_), Err(_)) => true,
            _ => false,
        }),
        b"-ot" => Ok(match (system::status(left), system::status(right)) {
            (Ok(left), Ok(right)) => left.modified < right.modified,
            (Err(_), Ok(_)) => true,
            _ => false,
        }),
        b"-ef" => Ok(match (system::status(left), system::status(right)) {
            (Ok(left), Ok(right)) => (left.device, left.inode) == (right.device, right.inode),
            _ => false,
        }),
        _ => return None,
    })
}

pub fn compare(operator: &str, left: i64, right: i64) -> bool {
    match operator.as_bytes() {
        b"-eq" => left == right,
        b"-ne" => left != right,
        b"-lt" => left < right,
        b"-le" => left <= right,
        b"-gt" => left > right,
        _ => left >= right,
    }
}

fn number(text: &str) -> Result<i64, String> {
    let number = decimal(text).or_else(|| text.trim().parse().ok());
    number.ok_or_else(|| format!("Illegal number: {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Descriptors;

    fn check(text: &str) -> i32 {
        let mut shell = Shell::new("sh", Descriptors::default());
        let mut arguments = vec!["test".to_owned()];
        arguments.extend(text.split(' ').filter(|word| !word.is_empty()).map(|word| word.replace("''", "")));
        run(&mut shell, &arguments).unwrap()
    }

    #[test]
    fn primaries_and_operators() {
        for (text, expected) in [
            ("", 1),
            ("x", 0),
            ("! x", 1),
            ("-n ''", 1),
            ("-z ''", 0),
            ("a = a", 0),
            ("a != a", 1),
            ("1 -lt 2", 0),
            ("x -eq 2", 2),
            ("a = a -a b = c", 1),
            ("a = a -o b = c", 0),
            ("( a = b ) -o ! b = c", 0),
            ("! a = b", 0),
            ("= = =", 0),
            ("-f = -f", 0),
            ("-n", 0),
            ("( x )", 0),
        ] {
            assert_eq!(check(text), expected, "{text}");
        }
    }
}
