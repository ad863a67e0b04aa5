//! `bc` as GNU has it.

use cordon_vm::byte_text::ToText;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::io::{self, BufRead, Read, Write};
use std::rc::Rc;

use cordon_multicall::files::{finish, output, reason};
use cordon_multicall::{options, say};

use super::{Lines, Number, SCALE_MAX};

type Args = std::vec::IntoIter<OsString>;

const HELP: &str = "\
usage: bc [options] [file ...]
  -h  --help         print this usage and exit
  -i  --interactive  accepted
  -l  --mathlib      use the predefined math routines
  -q  --quiet        accepted
  -s  --standard     accepted
  -w  --warn         accepted
  -v  --version      print version information and exit";

const LONGS: &[&str] =
    &["help=h", "interactive=i", "mathlib=l", "quiet=q", "standard=s", "warn=w", "version=v"];

/// How deep expressions and blocks may be in each other, and how deep functions may call functions.
const NESTING_MAX: usize = 200;
const CALLS_MAX: usize = 600;
/// The largest index of an array.
const INDEX_MAX: i64 = 16_777_215;

pub fn main(args: Args) -> i32 {
    let parsed = match options::parse(args, "hilqswv", LONGS) {
        Ok(parsed) => parsed,
        Err(message) => {
            say(&mut io::stderr(), &format!("bc: {message}\n{HELP}"));
            return 1;
        }
    };
    if parsed.has('h') {
        say(&mut io::stdout(), HELP);
        return 0;
    }
    if parsed.has('v') {
        say(&mut io::stdout(), "bc (cordon), in the form of 1.07.1");
        return 0;
    }
    let mut machine = Machine::new(parsed.has('l'));
    for file in &parsed.operands {
        let name = file.to_text();
        match fs::read(file) {
            Ok(text) => {
                let mut source = Source::of_text(&name, &String::from_utf8_lossy(&text));
                if machine.run(&mut source) == Ended::Quit {
                    return machine.finish();
                }
            }
            Err(error) => {
                machine.flush();
                let what = match error.kind() {
                    io::ErrorKind::NotFound => "is unavailable.".into(),
                    _ => format!("is unavailable: {}", reason(&error)),
                };
                say(&mut io::stderr(), &format!("File {name} {what}"));
                return 1;
            }
        }
    }
    machine.run(&mut Source::of_input());
    machine.finish()
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Number(String),
    Name(String),
    Text(String),
    Sign(&'static str),
    Line,
    End,
    Wrong(char),
}

const SIGNS: &[&str] = &[
    "++", "--", "+=", "-=", "*=", "/=", "%=", "^=", "==", "<=", ">=", "!=", "&&", "||", "+", "-", "*", "/",
    "%", "^", "=", "<", ">", "!", "(", ")", "[", "]", "{", "}", ",", ";",
];

/// A program's text, which comes line by line where it is the standard input.
struct Source {
    name: String,
    letters: Vec<char>,
    at: usize,
    line: usize,
    reads_on: bool,
    peeked: Option<Token>,
}

impl Source {
    fn of_text(name: &str, text: &str) -> Self {
        Self {
            name: name.into(),
            letters: text.chars().collect(),
            at: 0,
            line: 1,
            reads_on: false,
            peeked: None,
        }
    }

    fn of_input() -> Self {
        Self { reads_on: true, ..Self::of_text("(standard_in)", "") }
    }

    fn letter(&mut self, ahead: usize) -> Option<char> {
        while self.at + ahead >= self.letters.len() && self.reads_on {
            let mut line = vec![];
            match io::stdin().lock().read_until(b'\n', &mut line) {
                Ok(count) if count > 0 => {
                    self.letters.drain(..self.at);
                    self.at = 0;
                    self.letters.extend(String::from_utf8_lossy(&line).chars());
                }
                _ => self.reads_on = false,
            }
        }
        self.letters.get(self.at + ahead).copied()
    }

    fn take(&mut self) -> Option<char> {
        let letter = self.letter(0)?;
        self.at += 1;
        self.line += usize::from(letter == '\n');
        Some(letter)
    }

    fn peek(&mut self) -> &Token {
        if self.peeked.is_none() {
            let token = self.token();
            self.peeked = Some(token);
        }
        self.peeked.as_ref().unwrap_or(&Token::End)
    }

    fn next(&mut self) -> Token {
        match self.peeked.take() {
            Some(token) => token,
            None => self.token(),
        }
    }

    fn token(&mut self) -> Token {
        loop {
            let Some(letter) = self.letter(0) else { return Token::End };
            match letter {
                '\n' => {
                    self.take();
                    return Token::Line;
                }
                letter if letter.is_whitespace() => drop(self.take()),
                '\\' if self.letter(1) == Some('\n') => {
                    self.take();
                    self.take();
                }
                '#' => {
                    while self.letter(0).is_some_and(|letter| letter != '\n') {
                        self.take();
                    }
                }
                '/' if self.letter(1) == Some('*') => {
                    self.take();
                    self.take();
                    while let Some(letter) = self.take() {
                        if letter == '*' && self.letter(0) == Some('/') {
                            self.take();
                            break;
                        }
                    }
                }
                '"' => {
                    self.take();
                    let mut text = String::new();
                    loop {
                        match self.take() {
                            Some('"') => return Token::Text(text),
                            Some(letter) => text.push(letter),
                            None => return Token::Wrong('"'),
                        }
                    }
                }
                '0'..='9' | 'A'..='Z' | '.' => return self.number(),
                'a'..='z' => {
                    let mut name = String::new();
                    while let Some(letter) = self.letter(0)
                        && (letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_')
                    {
                        name.push(letter);
                        self.take();
                    }
                    return Token::Name(name);
                }
                letter => {
                    for sign in SIGNS {
                        if sign.chars().enumerate().all(|(ahead, wanted)| self.letter(ahead) == Some(wanted))
                        {
                            sign.chars().for_each(|_| _ = self.take());
                            return Token::Sign(sign);
                        }
                    }
                    self.take();
                    return Token::Wrong(letter);
                }
            }
        }
    }

    fn number(&mut self) -> Token {
        let mut text = String::new();
        while let Some(letter) = self.letter(0) {
            match letter {
                '0'..='9' | 'A'..='Z' => text.push(letter),
                '.' if !text.contains('.') => text.push('.'),
                '\\' if self.letter(1) == Some('\n') => drop(self.take()),
                _ => break,
            }
            self.take();
        }
        if text == "." { Token::Name("last".into()) } else { Token::Number(text) }
    }

    /// Leaves out the rest of a line in which something is wrong.
    fn skip_line(&mut self) {
        loop {
            match self.next() {
                Token::Line | Token::End => return,
                _ => {}
            }
        }
    }
}

#[derive(Clone, Debug)]
enum Place {
    Variable(String),
    Element(String, Box<Expression>),
    Scale,
    InputBase,
    OutputBase,
    Last,
}

#[derive(Clone, Debug)]
enum Argument {
    Value(Expression),
    Array(String),
}

#[derive(Clone, Debug)]
enum Expression {
    /// Read in the base that is set when it is used.
    Number(String),
    Place(Place),
    Assign(Place, Option<&'static str>, Box<Expression>),
    Binary(&'static str, Box<Expression>, Box<Expression>),
    Negated(Box<Expression>),
    Not(Box<Expression>),
    Step {
        place: Place,
        by: i64,
        is_before: bool,
    },
    Call(String, Vec<Argument>),
    Length(Box<Expression>),
    ScaleOf(Box<Expression>),
    Root(Box<Expression>),
    Read,
    /// In parentheses, which makes the value of an assignment be shown.
    Group(Box<Expression>),
}

#[derive(Clone, Debug)]
enum Printed {
    Text(String),
    Value(Expression),
}

#[derive(Clone, Debug)]
enum Statement {
    Expression(Expression),
    Text(String),
    Print(Vec<Printed>),
    If(Expression, Box<Statement>, Option<Box<Statement>>),
    While(Expression, Box<Statement>),
    For(Option<Expression>, Option<Expression>, Option<Expression>, Box<Statement>),
    Block(Vec<Statement>),
    Return(Option<Expression>),
    Break,
    Continue,
    Halt,
    Limits,
}

#[derive(Clone, Debug)]
struct Function {
    /// Its value is not shown.
    is_void: bool,
    /// Each with whether it is an array.
    parameters: Vec<(String, bool)>,
    locals: Vec<(String, bool)>,
    body: Vec<Statement>,
}

enum Item {
    Statements(Vec<Statement>),
    Function(String, Function),
    End,
}

type Parsed<T> = Result<T, String>;

struct Parser<'a> {
    source: &'a mut Source,
    depth: usize,
    in_function: bool,
    loops: usize,
    quits: bool,
}

fn wrong<T>() -> Parsed<T> {
    Err("syntax error".into())
}

impl Parser<'_> {
    fn sign(&mut self, wanted: &str) -> bool {
        if matches!(self.source.peek(), Token::Sign(sign) if *sign == wanted) {
            self.source.next();
            return true;
        }
        false
    }

    fn expect(&mut self, wanted: &str) -> Parsed<()> {
        if self.sign(wanted) { Ok(()) } else { wrong() }
    }

    fn lines(&mut self) {
        while *self.source.peek() == Token::Line {
            self.source.next();
        }
    }

    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= NESTING_MAX {
            return Err("too deeply nested".into());
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    /// What stands in a line, with all that its blocks need.
    fn item(&mut self) -> Parsed<Item> {
        match self.source.peek() {
            Token::End => return Ok(Item::End),
            Token::Line => {
                self.source.next();
                return Ok(Item::Statements(vec![]));
            }
            Token::Name(name) if name == "define" => {
                self.source.next();
                return self.function();
            }
            _ => {}
        }
        let mut statements = vec![];
        loop {
            match self.source.peek() {
                Token::Line => {
                    self.source.next();
                    return Ok(Item::Statements(statements));
                }
                Token::End => return Ok(Item::Statements(statements)),
                Token::Sign(";") => {
                    self.source.next();
                    continue;
                }
                Token::Name(name) if name == "define" => return Ok(Item::Statements(statements)),
                _ => {}
            }
            statements.push(self.statement()?);
            match self.source.peek() {
                Token::Line | Token::End | Token::Sign(";") => {}
                _ => return wrong(),
            }
        }
    }

    fn function(&mut self) -> Parsed<Item> {
        let Token::Name(mut name) = self.source.next() else { return wrong() };
        let is_void = name == "void";
        if is_void {
            let Token::Name(real) = self.source.next() else { return wrong() };
            name = real;
        }
        self.expect("(")?;
        let parameters = self.names(")")?;
        self.expect(")")?;
        self.lines();
        self.expect("{")?;
        self.lines();
        let mut locals = vec![];
        if matches!(self.source.peek(), Token::Name(name) if name == "auto") {
            self.source.next();
            locals = self.names("")?;
            if !self.sign(";") && *self.source.peek() != Token::Line {
                return wrong();
            }
        }
        self.in_function = true;
        let body = self.block()?;
        self.in_function = false;
        Ok(Item::Function(name, Function { is_void, parameters, locals, body }))
    }

    fn names(&mut self, end: &str) -> Parsed<Vec<(String, bool)>> {
        let mut names = vec![];
        if matches!(self.source.peek(), Token::Sign(sign) if *sign == end) {
            return Ok(names);
        }
        loop {
            // An array by reference keeps its star.
            let is_shared = end == ")" && self.sign("*");
            let Token::Name(mut name) = self.source.next() else { return wrong() };
            let is_array = self.sign("[");
            if is_array {
                self.expect("]")?;
            }
            if is_shared {
                if !is_array {
                    return wrong();
                }
                name.insert(0, '*');
            }
            names.push((name, is_array));
            if !self.sign(",") {
                return Ok(names);
            }
        }
    }

    /// Up to the closing brace.
    fn block(&mut self) -> Parsed<Vec<Statement>> {
        self.deeper(|this| {
            let mut statements = vec![];
            loop {
                match this.source.peek() {
                    Token::Line | Token::Sign(";") => drop(this.source.next()),
                    Token::Sign("}") => {
                        this.source.next();
                        return Ok(statements);
                    }
                    Token::End => return wrong(),
                    _ => {
                        statements.push(this.statement()?);
                        match this.source.peek() {
                            Token::Line | Token::Sign(";" | "}") => {}
                            _ => return wrong(),
                        }
                    }
                }
            }
        })
    }

    fn statement(&mut self) -> Parsed<Statement> {
        self.deeper(Self::statement_here)
    }

    fn statement_here(&mut self) -> Parsed<Statement> {
        let word = match self.source.peek() {
            Token::Text(_) => {
                let Token::Text(text) = self.source.next() else { return wrong() };
                return Ok(Statement::Text(text));
            }
            Token::Sign("{") => {
                self.source.next();
                return Ok(Statement::Block(self.block()?));
            }
            Token::Name(name) => name.clone(),
            _ => return Ok(Statement::Expression(self.expression()?)),
        };
        match word.as_str() {
            "if" => {
                self.source.next();
                let condition = self.condition()?;
                self.lines();
                let then = self.statement()?;
                let has_else = matches!(self.source.peek(), Token::Name(name) if name == "else");
                if !has_else {
                    return Ok(Statement::If(condition, Box::new(then), None));
                }
                self.source.next();
                self.lines();
                let other = self.statement()?;
                Ok(Statement::If(condition, Box::new(then), Some(Box::new(other))))
            }
            "while" => {
                self.source.next();
                let condition = self.condition()?;
                self.lines();
                let body = self.looped()?;
                Ok(Statement::While(condition, Box::new(body)))
            }
            "for" => {
                self.source.next();
                self.expect("(")?;
                let mut parts = [None, None, None];
                for (part, end) in parts.iter_mut().zip([";", ";", ")"]) {
                    if !self.sign(end) {
                        *part = Some(self.expression()?);
                        self.expect(end)?;
                    }
                }
                self.lines();
                let [first, condition, step] = parts;
                let body = self.looped()?;
                Ok(Statement::For(first, condition, step, Box::new(body)))
            }
            "print" => {
                self.source.next();
                let mut list = vec![];
                loop {
                    if matches!(self.source.peek(), Token::Text(_)) {
                        let Token::Text(text) = self.source.next() else { return wrong() };
                        list.push(Printed::Text(text));
                    } else {
                        list.push(Printed::Value(self.expression()?));
                    }
                    if !self.sign(",") {
                        return Ok(Statement::Print(list));
                    }
                }
            }
            "return" => {
                self.source.next();
                if !self.in_function {
                    return Err("Return outside of a function.".into());
                }
                let has_value =
                    !matches!(self.source.peek(), Token::Line | Token::End | Token::Sign(";" | "}"));
                Ok(Statement::Return(if has_value { Some(self.expression()?) } else { None }))
            }
            "break" | "continue" => {
                self.source.next();
                if self.loops == 0 {
                    let what =
                        if word == "break" { "Break outside a for/while" } else { "Continue outside a for" };
                    return Err(what.into());
                }
                Ok(if word == "break" { Statement::Break } else { Statement::Continue })
            }
            "halt" => {
                self.source.next();
                Ok(Statement::Halt)
            }
            // Ends the program when it is read, wherever it stands.
            "quit" => {
                self.quits = true;
                wrong()
            }
            "limits" | "warranty" => {
                self.source.next();
                Ok(if word == "limits" { Statement::Limits } else { Statement::Block(vec![]) })
            }
            "auto" | "define" | "else" => wrong(),
            _ => Ok(Statement::Expression(self.expression()?)),
        }
    }

    fn looped(&mut self) -> Parsed<Statement> {
        self.loops += 1;
        let body = self.statement();
        self.loops -= 1;
        body
    }

    fn condition(&mut self) -> Parsed<Expression> {
        self.expect("(")?;
        let condition = self.expression()?;
        self.expect(")")?;
        Ok(condition)
    }

    fn expression(&mut self) -> Parsed<Expression> {
        self.deeper(|this| this.binary(0))
    }

    /// Operators by how weakly they bind. `!` is weaker than comparisons, and `=` stronger.
    fn binary(&mut self, level: usize) -> Parsed<Expression> {
        const LEVELS: &[&[&str]] =
            &[&["||"], &["&&"], &[], &["==", "<=", ">=", "!=", "<", ">"], &["+", "-"], &["*", "/", "%"]];
        if level == 2 {
            return if self.sign("!") {
                let operand = self.deeper(|this| this.binary(2))?;
                Ok(Expression::Not(Box::new(operand)))
            } else {
                self.binary(3)
            };
        }
        let Some(signs) = LEVELS.get(level) else { return self.power() };
        let mut left = self.binary(level + 1)?;
        loop {
            let Token::Sign(sign) = *self.source.peek() else { return Ok(left) };
            if !signs.contains(&sign) {
                return Ok(left);
            }
            self.source.next();
            let right = self.binary(level + 1)?;
            left = Expression::Binary(sign, Box::new(left), Box::new(right));
        }
    }

    fn power(&mut self) -> Parsed<Expression> {
        let base = self.unary()?;
        if !self.sign("^") {
            return Ok(base);
        }
        let exponent = self.deeper(Self::power)?;
        Ok(Expression::Binary("^", Box::new(base), Box::new(exponent)))
    }

    fn unary(&mut self) -> Parsed<Expression> {
        if self.sign("-") {
            let operand = self.deeper(Self::unary)?;
            return Ok(Expression::Negated(Box::new(operand)));
        }
        for (sign, by) in [("++", 1), ("--", -1)] {
            if self.sign(sign) {
                let Expression::Place(place) = self.primary()? else { return wrong() };
                return Ok(Expression::Step { place, by, is_before: true });
            }
        }
        let primary = self.primary()?;
        let Expression::Place(place) = primary else { return Ok(primary) };
        for (sign, by) in [("++", 1), ("--", -1)] {
            if self.sign(sign) {
                return Ok(Expression::Step { place, by, is_before: false });
            }
        }
        let Token::Sign(sign) = *self.source.peek() else { return Ok(Expression::Place(place)) };
        let operator = match sign {
            "=" => None,
            "+=" | "-=" | "*=" | "/=" | "%=" | "^=" => Some(&sign[..1]),
            _ => return Ok(Expression::Place(place)),
        };
        self.source.next();
        // An assignment's value goes as far as sums do.
        let value = self.deeper(|this| this.binary(4))?;
        Ok(Expression::Assign(place, operator, Box::new(value)))
    }

    fn primary(&mut self) -> Parsed<Expression> {
        match self.source.next() {
            Token::Number(text) => Ok(Expression::Number(text)),
            Token::Sign("(") => {
                let inner = self.expression()?;
                self.expect(")")?;
                Ok(Expression::Group(Box::new(inner)))
            }
            Token::Name(name) => self.named(name),
            Token::Wrong(letter) => Err(format!("illegal character: {letter}")),
            other => {
                // The end of the line is where the next one begins.
                self.source.peeked = Some(other);
                wrong()
            }
        }
    }

    fn named(&mut self, name: String) -> Parsed<Expression> {
        let place = match name.as_str() {
            "scale" if !matches!(self.source.peek(), Token::Sign("(")) => Place::Scale,
            "ibase" => Place::InputBase,
            "obase" => Place::OutputBase,
            "last" => Place::Last,
            "scale" | "length" | "sqrt" => {
                let inner = Box::new(self.condition()?);
                return Ok(match name.as_str() {
                    "scale" => Expression::ScaleOf(inner),
                    "length" => Expression::Length(inner),
                    _ => Expression::Root(inner),
                });
            }
            "read" => {
                self.expect("(")?;
                self.expect(")")?;
                return Ok(Expression::Read);
            }
            "if" | "else" | "while" | "for" | "define" | "auto" | "return" | "break" | "continue"
            | "halt" | "quit" | "print" => return wrong(),
            _ if self.sign("(") => return Ok(Expression::Call(name, self.arguments()?)),
            _ if self.sign("[") => {
                let index = self.expression()?;
                self.expect("]")?;
                Place::Element(name, Box::new(index))
            }
            _ => Place::Variable(name),
        };
        Ok(Expression::Place(place))
    }

    fn arguments(&mut self) -> Parsed<Vec<Argument>> {
        let mut arguments = vec![];
        if self.sign(")") {
            return Ok(arguments);
        }
        loop {
            // `a[]` is the whole array.
            let argument = if let Token::Name(name) = self.source.peek().clone()
                && self.source.letter(0) == Some('[')
                && self.source.letter(1) == Some(']')
            {
                self.source.next();
                self.expect("[")?;
                self.expect("]")?;
                Argument::Array(name)
            } else {
                Argument::Value(self.expression()?)
            };
            arguments.push(argument);
            if !self.sign(",") {
                self.expect(")")?;
                return Ok(arguments);
            }
        }
    }
}

/// Why a line is not gone on with.
enum Stop {
    /// Told already.
    Failed,
    Halt,
}

enum Flow {
    On,
    Break,
    Continue,
    Return(Number),
}

#[derive(PartialEq)]
enum Ended {
    AtEnd,
    Quit,
}

/// Shared where a function takes it by reference.
type Array = Rc<RefCell<HashMap<i64, Number>>>;

struct Machine {
    variables: HashMap<String, Number>,
    arrays: HashMap<String, Array>,
    functions: HashMap<String, std::rc::Rc<Function>>,
    has_library: bool,
    scale: usize,
    input_base: u32,
    output_base: u32,
    last: Number,
    calls: usize,
    name: String,
    lines: Lines,
    out: io::BufWriter<io::Stdout>,
}

impl Machine {
    fn new(has_library: bool) -> Self {
        Self {
            variables: HashMap::new(),
            arrays: HashMap::new(),
            functions: HashMap::new(),
            has_library,
            scale: if has_library { 20 } else { 0 },
            input_base: 10,
            output_base: 10,
            last: Number::default(),
            calls: 0,
            name: "(main)".into(),
            lines: Lines::new("BC_LINE_LENGTH", 1),
            out: output(),
        }
    }

    fn flush(&mut self) {
        let _ = self.out.flush();
    }

    fn finish(mut self) -> i32 {
        self.flush();
        finish("bc", io::stdout(), 0)
    }

    fn run(&mut self, source: &mut Source) -> Ended {
        loop {
            let mut parser = Parser { source, depth: 0, in_function: false, loops: 0, quits: false };
            let item = parser.item();
            if parser.quits {
                return Ended::Quit;
            }
            match item {
                Ok(Item::End) => return Ended::AtEnd,
                Ok(Item::Function(name, function)) => {
                    self.functions.insert(name, function.into());
                }
                Ok(Item::Statements(statements)) => {
                    (self.calls, self.name) = (0, "(main)".into());
                    if matches!(self.block(&statements), Err(Stop::Halt)) {
                        return Ended::Quit;
                    }
                }
                Err(message) => {
                    self.flush();
                    say(&mut io::stderr(), &format!("{} {}: {message}", source.name, source.line));
                    source.skip_line();
                }
            }
            // What waits for input shows what it knows.
            if source.reads_on {
                self.flush();
            }
        }
    }

    fn fail<T>(&mut self, message: &str) -> Result<T, Stop> {
        self.flush();
        say(&mut io::stderr(), &format!("Runtime error (func={}): {message}", self.name));
        Err(Stop::Failed)
    }

    fn warn(&mut self, message: &str) {
        self.flush();
        say(&mut io::stderr(), &format!("Runtime warning (func={}): {message}", self.name));
    }

    fn show(&mut self, text: &str) -> Result<(), Stop> {
        // Nobody reads any more.
        self.lines.write(text, &mut self.out).map_err(|_| Stop::Halt)
    }

    fn block(&mut self, statements: &[Statement]) -> Result<Flow, Stop> {
        for statement in statements {
            match self.statement(statement)? {
                Flow::On => {}
                other => return Ok(other),
            }
        }
        Ok(Flow::On)
    }

    fn is_true(&mut self, condition: &Expression) -> Result<bool, Stop> {
        Ok(!self.value(condition)?.is_zero())
    }

    fn statement(&mut self, statement: &Statement) -> Result<Flow, Stop> {
        match statement {
            Statement::Expression(expression) => {
                let value = self.value(expression)?;
                let is_void = match expression {
                    Expression::Assign(..) => true,
                    Expression::Call(name, _) => self.functions.get(name).is_some_and(|known| known.is_void),
                    _ => false,
                };
                if !is_void {
                    let text = value.shown(self.output_base);
                    self.show(&format!("{text}\n"))?;
                    self.last = value;
                }
            }
            Statement::Text(text) => self.show(text)?,
            Statement::Print(list) => {
                for part in list {
                    match part {
                        Printed::Text(text) => self.show(&unescaped(text))?,
                        Printed::Value(expression) => {
                            let value = self.value(expression)?;
                            let text = value.shown(self.output_base);
                            self.show(&text)?;
                            self.last = value;
                        }
                    }
                }
            }
            Statement::If(condition, then, other) => {
                if self.is_true(condition)? {
                    return self.statement(then);
                }
                if let Some(other) = other {
                    return self.statement(other);
                }
            }
            Statement::While(condition, body) => {
                while self.is_true(condition)? {
                    match self.statement(body)? {
                        Flow::Break => break,
                        Flow::Return(value) => return Ok(Flow::Return(value)),
                        Flow::On | Flow::Continue => {}
                    }
                }
            }
            Statement::For(first, condition, step, body) => {
                if let Some(first) = first {
                    self.value(first)?;
                }
                loop {
                    if let Some(condition) = condition
                        && !self.is_true(condition)?
                    {
                        break;
                    }
                    match self.statement(body)? {
                        Flow::Break => break,
                        Flow::Return(value) => return Ok(Flow::Return(value)),
                        Flow::On | Flow::Continue => {}
                    }
                    if let Some(step) = step {
                        self.value(step)?;
                    }
                }
            }
            Statement::Block(statements) => return self.block(statements),
            Statement::Return(value) => {
                let value = match value {
                    Some(value) => self.value(value)?,
                    None => Number::default(),
                };
                return Ok(Flow::Return(value));
            }
            Statement::Break => return Ok(Flow::Break),
            Statement::Continue => return Ok(Flow::Continue),
            Statement::Halt => return Err(Stop::Halt),
            Statement::Limits => {
                let text = format!(
                    "BC_BASE_MAX     = 2147483647\nBC_DIM_MAX      = {INDEX_MAX}\nBC_SCALE_MAX    = {SCALE_MAX}\n"
                );
                self.show(&text)?;
            }
        }
        Ok(Flow::On)
    }

    fn index(&mut self, index: &Expression) -> Result<i64, Stop> {
        match self.value(index)?.to_i64() {
            Some(index) if (0..=INDEX_MAX).contains(&index) => Ok(index),
            _ => self.fail("Array subscript out of bounds."),
        }
    }

    fn read(&mut self, place: &Place) -> Result<Number, Stop> {
        let size = |size: usize| Number::from(i64::try_from(size).unwrap_or(i64::MAX));
        Ok(match place {
            Place::Variable(name) => self.variables.get(name).cloned().unwrap_or_default(),
            Place::Element(name, index) => {
                let index = self.index(index)?;
                self.arrays
                    .get(name)
                    .and_then(|array| array.borrow().get(&index).cloned())
                    .unwrap_or_default()
            }
            Place::Scale => size(self.scale),
            Place::InputBase => Number::from(i64::from(self.input_base)),
            Place::OutputBase => Number::from(i64::from(self.output_base)),
            Place::Last => self.last.clone(),
        })
    }

    fn write(&mut self, place: &Place, value: Number) -> Result<(), Stop> {
        match place {
            Place::Variable(name) => drop(self.variables.insert(name.clone(), value)),
            Place::Element(name, index) => {
                let index = self.index(index)?;
                self.arrays.entry(name.clone()).or_default().borrow_mut().insert(index, value);
            }
            Place::Scale => match value.to_i64() {
                Some(scale) if scale < 0 => {
                    self.warn("negative scale, set to 0");
                    self.scale = 0;
                }
                scale => {
                    self.scale = scale
                        .and_then(|scale| usize::try_from(scale).ok())
                        .unwrap_or(SCALE_MAX)
                        .min(SCALE_MAX);
                }
            },
            Place::InputBase => {
                let base = value.to_i64().unwrap_or(i64::MAX);
                if base < 2 {
                    self.warn("ibase too small, set to 2");
                } else if base > 36 {
                    self.warn("ibase too large, set to 36");
                }
                self.input_base = u32::try_from(base.clamp(2, 36)).unwrap_or(10);
            }
            Place::OutputBase => {
                let base = value.to_i64().unwrap_or(i64::MAX);
                if base < 2 {
                    self.warn("obase too small, set to 2");
                }
                self.output_base = u32::try_from(base.clamp(2, i64::from(i32::MAX))).unwrap_or(10);
            }
            Place::Last => self.last = value,
        }
        Ok(())
    }

    fn binary(&mut self, operator: &str, left: &Number, right: &Number) -> Result<Number, Stop> {
        let truth = |is_true: bool| Ok(Number::from(i64::from(is_true)));
        match operator {
            "+" => Ok(left.plus(right)),
            "-" => Ok(left.minus(right)),
            "*" => Ok(left.times(right, self.scale)),
            "/" => match left.divided(right, self.scale) {
                Some(value) => Ok(value),
                None => self.fail("Divide by zero"),
            },
            "%" => match left.remainder(right, self.scale) {
                Some(value) => Ok(value),
                None => self.fail("Modulo by zero"),
            },
            "^" => {
                if right.scale() > 0 && right != &right.cut(0) {
                    self.warn("non-zero scale in exponent");
                }
                match left.power(right, self.scale) {
                    Ok(value) => Ok(value),
                    Err(message) => self.fail(message),
                }
            }
            "==" => truth(left.partial_cmp(right).is_some_and(std::cmp::Ordering::is_eq)),
            "!=" => truth(left.partial_cmp(right).is_some_and(std::cmp::Ordering::is_ne)),
            "<" => truth(left < right),
            ">" => truth(left > right),
            "<=" => truth(left <= right),
            ">=" => truth(left >= right),
            _ => Ok(Number::default()),
        }
    }

    fn value(&mut self, expression: &Expression) -> Result<Number, Stop> {
        match expression {
            Expression::Number(text) => Ok(Number::parse(text, self.input_base)),
            Expression::Place(place) => self.read(place),
            Expression::Group(inner) => self.value(inner),
            Expression::Assign(place, operator, value) => {
                let value = self.value(value)?;
                let value = match operator {
                    None => value,
                    Some(operator) => {
                        let before = self.read(place)?;
                        self.binary(operator, &before, &value)?
                    }
                };
                self.write(place, value)?;
                self.read(place)
            }
            Expression::Binary(operator @ ("&&" | "||"), left, right) => {
                // Both sides are always computed.
                let (left, right) = (self.is_true(left)?, self.is_true(right)?);
                let is_true = if *operator == "&&" { left && right } else { left || right };
                Ok(Number::from(i64::from(is_true)))
            }
            Expression::Binary(operator, left, right) => {
                let left = self.value(left)?;
                let right = self.value(right)?;
                self.binary(operator, &left, &right)
            }
            Expression::Negated(inner) => Ok(self.value(inner)?.negated()),
            Expression::Not(inner) => Ok(Number::from(i64::from(!self.is_true(inner)?))),
            Expression::Step { place, by, is_before } => {
                let before = self.read(place)?;
                let after = before.plus(&Number::from(*by));
                self.write(place, after.clone())?;
                Ok(if *is_before { after } else { before })
            }
            Expression::Length(inner) => {
                let length = self.value(inner)?.length();
                Ok(Number::from(i64::try_from(length).unwrap_or(i64::MAX)))
            }
            Expression::ScaleOf(inner) => {
                let scale = self.value(inner)?.scale();
                Ok(Number::from(i64::try_from(scale).unwrap_or(i64::MAX)))
            }
            Expression::Root(inner) => match self.value(inner)?.root(self.scale) {
                Some(value) => Ok(value),
                None => self.fail("Square root of a negative number"),
            },
            Expression::Read => {
                let mut line = String::new();
                let read = io::stdin().lock().take(1 << 20).read_line(&mut line);
                let text = line.trim();
                Ok(if read.is_ok() && !text.is_empty() {
                    Number::parse(text, self.input_base)
                } else {
                    Number::default()
                })
            }
            Expression::Call(name, arguments) => self.call(name, arguments),
        }
    }

    fn call(&mut self, name: &str, arguments: &[Argument]) -> Result<Number, Stop> {
        let Some(function) = self.functions.get(name).cloned() else {
            return match (self.has_library, name) {
                (true, "e" | "l" | "s" | "c" | "a" | "j") => self.library(name, arguments),
                _ => self.fail(&format!("Function {name} not defined.")),
            };
        };
        if function.parameters.len() != arguments.len() {
            return self.fail("Parameter number mismatch");
        }
        if self.calls >= CALLS_MAX {
            return self.fail("functions call each other too deeply");
        }
        let mut values: Vec<(String, Number)> = vec![];
        let mut arrays: Vec<(String, Array)> = vec![];
        for ((parameter, is_array), argument) in function.parameters.iter().zip(arguments) {
            match (is_array, argument) {
                (false, Argument::Value(expression)) => {
                    values.push((parameter.clone(), self.value(expression)?));
                }
                (true, Argument::Array(other)) => {
                    let array = match parameter.strip_prefix('*') {
                        Some(_) => self.arrays.entry(other.clone()).or_default().clone(),
                        None => {
                            let given = self.arrays.get(other);
                            Rc::new(RefCell::new(
                                given.map(|array| array.borrow().clone()).unwrap_or_default(),
                            ))
                        }
                    };
                    arrays.push((parameter.trim_start_matches('*').to_owned(), array));
                }
                _ => {
                    return self.fail(&format!(
                        "Parameter type mismatch, parameter {}.",
                        parameter.trim_start_matches('*')
                    ));
                }
            }
        }
        for (local, is_array) in &function.locals {
            if *is_array {
                arrays.push((local.clone(), Array::default()));
            } else {
                values.push((local.clone(), Number::default()));
            }
        }
        // What these names meant comes back when the function is over.
        let hidden: Vec<_> = values
            .into_iter()
            .map(|(name, value)| (self.variables.insert(name.clone(), value), name))
            .collect();
        let hidden_arrays: Vec<_> =
            arrays.into_iter().map(|(name, array)| (self.arrays.insert(name.clone(), array), name)).collect();
        let outer = std::mem::replace(&mut self.name, name.to_owned());
        self.calls += 1;
        let flow = self.block(&function.body);
        self.calls -= 1;
        self.name = outer;
        for (before, name) in hidden.into_iter().rev() {
            match before {
                Some(value) => drop(self.variables.insert(name, value)),
                None => drop(self.variables.remove(&name)),
            }
        }
        for (before, name) in hidden_arrays.into_iter().rev() {
            match before {
                Some(array) => drop(self.arrays.insert(name, array)),
                None => drop(self.arrays.remove(&name)),
            }
        }
        Ok(match flow? {
            Flow::Return(value) => value,
            _ => Number::default(),
        })
    }

    fn library(&mut self, name: &str, arguments: &[Argument]) -> Result<Number, Stop> {
        let mut values = vec![];
        for argument in arguments {
            match argument {
                Argument::Value(expression) => values.push(self.value(expression)?),
                Argument::Array(_) => return self.fail("Parameter type mismatch, parameter x."),
            }
        }
        let scale = self.scale;
        let value = match (name, values.as_slice()) {
            ("e", [x]) => super::exponential(x, scale),
            ("l", [x]) => Some(super::logarithm(x, scale)),
            ("s", [x]) => Some(super::sine(x, scale)),
            ("c", [x]) => Some(super::cosine(x, scale)),
            ("a", [x]) => Some(super::arctangent(x, scale)),
            ("j", [order, x]) => super::bessel(order, x, scale),
            _ => return self.fail("Parameter number mismatch"),
        };
        match value {
            Some(value) => Ok(value),
            None => self.fail("argument too large"),
        }
    }
}

/// What `print` makes of a text.
fn unescaped(text: &str) -> String {
    let mut found = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            found.push(letter);
            continue;
        }
        match letters.next() {
            Some('a') => found.push('\x07'),
            Some('b') => found.push('\x08'),
            Some('f') => found.push('\x0c'),
            Some('n') => found.push('\n'),
            Some('r') => found.push('\r'),
            Some('q') => found.push('"'),
            Some('t') => found.push('\t'),
            Some('\\') => found.push('\\'),
            Some(_) | None => {}
        }
    }
    found
}
