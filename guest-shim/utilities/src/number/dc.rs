//! `dc` as GNU has it: a calculator with a stack.

use cordon_vm::byte_text::ToText;
use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::io::{self, BufRead, Read, Write};
use std::rc::Rc;

use cordon_multicall::files::{finish, output, reason};
use cordon_multicall::{options, say};
use num_bigint::Sign;

use super::{Lines, Number, SCALE_MAX};

type Args = std::vec::IntoIter<OsString>;

const HELP: &str = "\
Usage: dc [OPTION] [file ...]
  -e, --expression=EXPR    evaluate expression
  -f, --file=FILE          evaluate contents of file
  -h, --help               display this help and exit
  -V, --version            output version information and exit";

/// Macros that have not ended, and values that are kept, at the same time.
const MACROS_MAX: usize = 100_000;
const STACK_MAX: usize = 4_000_000;

#[derive(Clone)]
enum Value {
    Number(Number),
    Text(Rc<str>),
}

pub fn main(args: Args) -> i32 {
    let longs = ["expression:=e", "file:=f", "help=h", "version=V"];
    let parsed = match options::parse(args, "e:f:hV", &longs) {
        Ok(parsed) => parsed,
        Err(message) => {
            say(&mut io::stderr(), &format!("dc: {message}\n{HELP}"));
            return 1;
        }
    };
    if parsed.has('h') {
        say(&mut io::stdout(), HELP);
        return 0;
    }
    if parsed.has('V') {
        say(&mut io::stdout(), "dc (cordon), in the form of 1.4.1");
        return 0;
    }
    let mut machine = Machine {
        stack: vec![],
        registers: HashMap::new(),
        arrays: HashMap::new(),
        scale: 0,
        input_base: 10,
        output_base: 10,
        lines: Lines::new("DC_LINE_LENGTH", 0),
        out: output(),
    };
    let status = 0;
    let files = parsed.operands.iter().map(|file| ('f', file.to_text().into_owned()));
    let parts: Vec<(char, String)> = parsed.options.iter().cloned().chain(files).collect();
    for (letter, text) in &parts {
        let program = match (letter, text.as_str()) {
            ('e', text) => text.to_owned(),
            (_, "-") => {
                let mut text = vec![];
                let _ = io::stdin().lock().read_to_end(&mut text);
                String::from_utf8_lossy(&text).into_owned()
            }
            (_, name) => match fs::read(name) {
                Ok(text) => String::from_utf8_lossy(&text).into_owned(),
                Err(error) => {
                    let _ = machine.out.flush();
                    say(&mut io::stderr(), &format!("dc: Could not open file {name}: {}", reason(&error)));
                    continue;
                }
            },
        };
        if machine.run(&program) {
            return finish("dc", machine.out, status);
        }
    }
    if parts.is_empty() {
        // A text may go over several lines.
        let mut program = String::new();
        loop {
            let mut line = vec![];
            match io::stdin().lock().read_until(b'\n', &mut line) {
                Ok(count) if count > 0 => program.push_str(&String::from_utf8_lossy(&line)),
                _ => break,
            }
            if is_open(&program) {
                continue;
            }
            if machine.run(&std::mem::take(&mut program)) {
                return finish("dc", machine.out, status);
            }
            let _ = machine.out.flush();
        }
        machine.run(&program);
    }
    finish("dc", machine.out, status)
}

/// Whether a text in brackets goes on.
fn is_open(program: &str) -> bool {
    let mut depth = 0usize;
    for line in program.lines() {
        for letter in line.chars() {
            match letter {
                '[' => depth += 1,
                ']' => depth = depth.saturating_sub(1),
                '#' if depth == 0 => break,
                _ => {}
            }
        }
    }
    depth > 0
}

struct Machine {
    /// Its top is at the end.
    stack: Vec<Value>,
    registers: HashMap<char, Vec<Value>>,
    arrays: HashMap<char, HashMap<i64, Value>>,
    scale: usize,
    input_base: u32,
    output_base: u32,
    lines: Lines,
    out: io::BufWriter<io::Stdout>,
}

/// A macro that runs, and where it is.
struct Frame {
    letters: Rc<[char]>,
    at: usize,
    /// How many macros it stands for: itself, and those whose last act it was.
    levels: usize,
}

enum Step {
    On,
    /// Runs a text.
    Enter(Rc<str>),
    /// Leaves as many macros, but never the program.
    Leave(usize),
    /// Leaves two, or the program where there are no two.
    Quit,
}

impl Machine {
    /// Whether the program has ended itself.
    fn run(&mut self, program: &str) -> bool {
        let frame = |text: &str, levels: usize| Frame { letters: text.chars().collect(), at: 0, levels };
        let mut frames = vec![frame(program, 1)];
        while let Some(top) = frames.last_mut() {
            let Some(&letter) = top.letters.get(top.at) else {
                frames.pop();
                continue;
            };
            top.at += 1;
            match self.step(letter, top) {
                Ok(Step::On) => {}
                Ok(Step::Enter(text)) => {
                    // A macro that is the last thing of another one takes its place.
                    let mut levels = 1;
                    if top.at >= top.letters.len() && frames.len() > 1 {
                        levels += frames.pop().map_or(0, |frame| frame.levels);
                    }
                    if frames.len() >= MACROS_MAX {
                        self.complain("macros call each other too deeply");
                        return false;
                    }
                    frames.push(frame(&text, levels));
                }
                Ok(Step::Leave(count)) => leave(&mut frames, count),
                Ok(Step::Quit) => {
                    let depth = frames.iter().fold(0usize, |sum, frame| sum.saturating_add(frame.levels));
                    if depth <= 2 {
                        return true;
                    }
                    leave(&mut frames, 2);
                }
                Err(message) => self.complain(&message),
            }
        }
        false
    }

    fn complain(&mut self, message: &str) {
        let _ = self.out.flush();
        say(&mut io::stderr(), &format!("dc: {message}"));
    }

    fn show(&mut self, text: &str) -> Result<(), String> {
        self.lines.write(text, &mut self.out).map_err(|error| reason(&error))
    }

    fn push(&mut self, value: Value) -> Result<(), String> {
        if self.stack.len() >= STACK_MAX {
            return Err("stack full".into());
        }
        self.stack.push(value);
        Ok(())
    }

    fn number(&mut self, value: Number) -> Result<Step, String> {
        self.push(Value::Number(value)).map(|()| Step::On)
    }

    fn pop(&mut self) -> Result<Value, String> {
        self.stack.pop().ok_or_else(|| "stack empty".into())
    }

    fn pop_number(&mut self) -> Result<Number, String> {
        match self.stack.last() {
            None => Err("stack empty".into()),
            Some(Value::Text(_)) => Err("non-numeric value".into()),
            Some(Value::Number(number)) => {
                let number = number.clone();
                self.stack.pop();
                Ok(number)
            }
        }
    }

    /// The two on top, the lower one first; they stay where one is not a number.
    fn pop_two(&mut self) -> Result<(Number, Number), String> {
        match self.stack.as_slice() {
            [.., Value::Number(left), Value::Number(right)] => {
                let two = (left.clone(), right.clone());
                self.stack.truncate(self.stack.len() - 2);
                Ok(two)
            }
            [.., _, _] => Err("non-numeric value".into()),
            _ => Err("stack empty".into()),
        }
    }

    fn shown(&self, value: &Value) -> String {
        match value {
            Value::Number(number) => number.shown(self.output_base),
            Value::Text(text) => text.to_string(),
        }
    }

    fn step(&mut self, letter: char, frame: &mut Frame) -> Result<Step, String> {
        let mut next = |what: &str| {
            let letter = frame.letters.get(frame.at).copied();
            frame.at += 1;
            letter.ok_or_else(|| format!("{what}: there is no register"))
        };
        match letter {
            '0'..='9' | 'A'..='F' | '.' | '_' => {
                let mut text = String::from(letter);
                while let Some(&more) = frame.letters.get(frame.at) {
                    match more {
                        '0'..='9' | 'A'..='F' => text.push(more),
                        '.' if !text.contains('.') => text.push('.'),
                        _ => break,
                    }
                    frame.at += 1;
                }
                let value = Number::parse(&text, self.input_base);
                return self.number(value);
            }
            '[' => {
                let (mut depth, mut text) = (1, String::new());
                while let Some(&letter) = frame.letters.get(frame.at) {
                    frame.at += 1;
                    match letter {
                        '[' => depth += 1,
                        ']' => depth -= 1,
                        _ => {}
                    }
                    if depth == 0 {
                        break;
                    }
                    text.push(letter);
                }
                self.push(Value::Text(text.into()))?;
            }
            '#' => {
                while frame.letters.get(frame.at).is_some_and(|letter| *letter != '\n') {
                    frame.at += 1;
                }
            }
            letter if letter.is_whitespace() => {}
            '+' | '-' | '*' | '/' | '%' | '^' | '~' => return self.arithmetic(letter),
            '|' => {
                let modulus = self.pop_number()?;
                let (base, exponent) = self.pop_two()?;
                let whole = (base.whole(), exponent.whole(), modulus.whole());
                if whole.2.sign() == Sign::NoSign {
                    return Err("remainder by zero".into());
                }
                if whole.1.sign() == Sign::Minus {
                    return Err("negative exponent".into());
                }
                // As in GNU's, whatever the modulus is.
                if whole.1.sign() == Sign::NoSign {
                    return self.number(1.into());
                }
                let magnitude = num_bigint::BigInt::from(whole.2.magnitude().clone());
                let value = (whole.0 % &magnitude).modpow(&whole.1, &magnitude);
                return self.number(Number { value, scale: 0 });
            }
            'v' => {
                let number = self.pop_number()?;
                match number.root(self.scale) {
                    Some(root) => return self.number(root),
                    None => return Err("square root of negative number".into()),
                }
            }
            'p' => {
                let value = self.stack.last().cloned().ok_or("stack empty")?;
                let text = format!("{}\n", self.shown(&value));
                self.show(&text)?;
            }
            'n' => {
                let value = self.pop()?;
                let text = self.shown(&value);
                self.show(&text)?;
            }
            'P' => match self.pop()? {
                Value::Text(text) => self.out.write_all(text.as_bytes()).map_err(|error| reason(&error))?,
                Value::Number(number) => {
                    let (_, bytes) = number.whole().to_bytes_be();
                    self.out.write_all(&bytes).map_err(|error| reason(&error))?;
                }
            },
            'f' => {
                for at in (0..self.stack.len()).rev() {
                    let text = format!("{}\n", self.shown(&self.stack[at]));
                    self.show(&text)?;
                }
            }
            'c' => self.stack.clear(),
            'd' => {
                let value = self.stack.last().cloned().ok_or("stack empty")?;
                self.push(value)?;
            }
            'r' => {
                let count = self.stack.len();
                if count < 2 {
                    return Err("stack empty".into());
                }
                self.stack.swap(count - 1, count - 2);
            }
            'R' => {
                let count = self.pop_number()?.to_i64().unwrap_or(0);
                let size = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX).min(self.stack.len());
                let at = self.stack.len() - size;
                if size > 1 {
                    let part = &mut self.stack[at..];
                    if count > 0 { part.rotate_left(1) } else { part.rotate_right(1) }
                }
            }
            'z' => {
                let count = i64::try_from(self.stack.len()).unwrap_or(i64::MAX);
                return self.number(count.into());
            }
            'Z' => {
                let length = match self.pop()? {
                    Value::Number(number) => number.significant().max(1),
                    Value::Text(text) => text.len(),
                };
                return self.number(i64::try_from(length).unwrap_or(i64::MAX).into());
            }
            'X' => {
                let scale = match self.pop()? {
                    Value::Number(number) => number.scale(),
                    Value::Text(_) => 0,
                };
                return self.number(i64::try_from(scale).unwrap_or(i64::MAX).into());
            }
            'a' => {
                let text = match self.pop()? {
                    Value::Number(number) => {
                        let low = number.whole().magnitude().iter_u32_digits().next().unwrap_or(0);
                        char::from(u8::try_from(low & 255).unwrap_or(0)).to_string()
                    }
                    Value::Text(text) => text.chars().take(1).collect(),
                };
                self.push(Value::Text(text.into()))?;
            }
            's' => {
                let register = next("s")?;
                let value = self.pop()?;
                let stack = self.registers.entry(register).or_default();
                stack.pop();
                stack.push(value);
            }
            'l' => {
                let register = next("l")?;
                let value = self.registers.get(&register).and_then(|stack| stack.last()).cloned();
                match value {
                    Some(value) => self.push(value)?,
                    None => {
                        return Err(format!("register '{register}' (0{:o}) is empty", u32::from(register)));
                    }
                }
            }
            'S' => {
                let register = next("S")?;
                let value = self.pop()?;
                self.registers.entry(register).or_default().push(value);
            }
            'L' => {
                let register = next("L")?;
                match self.registers.get_mut(&register).and_then(Vec::pop) {
                    Some(value) => self.push(value)?,
                    None => {
                        return Err(format!(
                            "stack register '{register}' (0{:o}) is empty",
                            u32::from(register)
                        ));
                    }
                }
            }
            ':' => {
                let register = next(":")?;
                let index = self.pop_number()?.to_i64().filter(|index| *index >= 0);
                let index = index.ok_or("array index must be a nonnegative integer")?;
                let value = self.pop()?;
                self.arrays.entry(register).or_default().insert(index, value);
            }
            ';' => {
                let register = next(";")?;
                let index = self.pop_number()?.to_i64().filter(|index| *index >= 0);
                let index = index.ok_or("array index must be a nonnegative integer")?;
                let value = self.arrays.get(&register).and_then(|array| array.get(&index)).cloned();
                self.push(value.unwrap_or(Value::Number(Number::default())))?;
            }
            'k' => {
                let scale = self.pop_number()?;
                match usize::try_from(scale.to_i64().unwrap_or(-1)) {
                    Ok(scale) if !scale_is_odd(scale) => self.scale = scale,
                    _ => return Err("scale must be a nonnegative integer".into()),
                }
            }
            'i' => match self.pop_number()?.to_i64() {
                Some(base @ 2..=16) => self.input_base = u32::try_from(base).unwrap_or(10),
                _ => return Err("input base must be a number between 2 and 16 (inclusive)".into()),
            },
            'o' => match self.pop_number()?.to_i64() {
                Some(base) if (2..=i64::from(i32::MAX)).contains(&base) => {
                    self.output_base = u32::try_from(base).unwrap_or(10);
                }
                _ => return Err("output base must be a number greater than 1".into()),
            },
            'K' => return self.number(i64::try_from(self.scale).unwrap_or(i64::MAX).into()),
            'I' => return self.number(i64::from(self.input_base).into()),
            'O' => return self.number(i64::from(self.output_base).into()),
            'x' => match self.pop()? {
                Value::Text(text) => return Ok(Step::Enter(text)),
                number => self.push(number)?,
            },
            '<' | '>' | '=' => {
                let register = next("<")?;
                return self.compare(letter, false, register);
            }
            '!' => {
                let sign = frame.letters.get(frame.at).copied();
                if let Some(sign @ ('<' | '>' | '=')) = sign {
                    let register = frame.letters.get(frame.at + 1).copied().ok_or("there is no register")?;
                    frame.at += 2;
                    return self.compare(sign, true, register);
                }
                // The rest of the line is a command of the system.
                while frame.letters.get(frame.at).is_some_and(|letter| *letter != '\n') {
                    frame.at += 1;
                }
                return Err("commands of the system are not supported".into());
            }
            'q' => return Ok(Step::Quit),
            'Q' => {
                let count = self.pop_number()?.to_i64().unwrap_or(0);
                return match usize::try_from(count) {
                    Ok(count) if count > 0 => Ok(Step::Leave(count)),
                    _ => Err("Q command requires a number >= 1".into()),
                };
            }
            '?' => {
                let mut line = String::new();
                let _ = self.out.flush();
                return match io::stdin().lock().read_line(&mut line) {
                    Ok(count) if count > 0 => Ok(Step::Enter(line.into())),
                    _ => Ok(Step::On),
                };
            }
            other => return Err(format!("'{other}' (0{:o}) unimplemented", u32::from(other))),
        }
        Ok(Step::On)
    }

    fn compare(&mut self, sign: char, is_negated: bool, register: char) -> Result<Step, String> {
        let (below, top) = self.pop_two()?;
        let is_so = match sign {
            '<' => top < below,
            '>' => top > below,
            _ => top.partial_cmp(&below).is_some_and(std::cmp::Ordering::is_eq),
        };
        if is_so == is_negated {
            return Ok(Step::On);
        }
        match self.registers.get(&register).and_then(|stack| stack.last()) {
            Some(Value::Text(text)) => Ok(Step::Enter(text.clone())),
            Some(number) => {
                let number = number.clone();
                self.push(number).map(|()| Step::On)
            }
            None => Err(format!("register '{register}' (0{:o}) is empty", u32::from(register))),
        }
    }

    fn arithmetic(&mut self, sign: char) -> Result<Step, String> {
        let (left, right) = self.pop_two()?;
        let result = match sign {
            '+' => Some(left.plus(&right)),
            '-' => Some(left.minus(&right)),
            '*' => Some(left.times(&right, self.scale)),
            '/' => left.divided(&right, self.scale),
            '%' => left.remainder(&right, self.scale),
            '~' => match (left.divided(&right, self.scale), left.remainder(&right, self.scale)) {
                (Some(quotient), Some(rest)) => {
                    self.push(Value::Number(quotient))?;
                    Some(rest)
                }
                _ => None,
            },
            _ => {
                if right.scale() > 0 && right != right.cut(0) {
                    self.complain("Runtime warning: non-zero scale in exponent");
                }
                match left.power(&right, self.scale) {
                    Ok(value) => Some(value),
                    Err(message) => {
                        self.push(Value::Number(left))?;
                        self.push(Value::Number(right))?;
                        return Err(message.to_lowercase());
                    }
                }
            }
        };
        match result {
            Some(value) => self.number(value),
            None => {
                self.push(Value::Number(left))?;
                self.push(Value::Number(right))?;
                Err(if sign == '%' { "remainder by zero".into() } else { "divide by zero".into() })
            }
        }
    }
}

fn leave(frames: &mut Vec<Frame>, mut count: usize) {
    while count > 0 && frames.len() > 1 {
        match frames.last_mut() {
            Some(top) if top.levels > count => {
                // What it would go back to is at its end anyway.
                top.at = top.letters.len();
                top.levels -= count;
                return;
            }
            Some(top) => {
                count -= top.levels;
                frames.pop();
            }
            None => return,
        }
    }
}

const fn scale_is_odd(scale: usize) -> bool {
    scale > SCALE_MAX
}
