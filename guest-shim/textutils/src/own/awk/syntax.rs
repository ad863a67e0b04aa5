//! The language of awk: words and tree.

use std::collections::HashMap;
use std::rc::Rc;

use regex::Regex;

use super::text::expression;

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Number(f64),
    Text(Rc<str>),
    Pattern(String),
    Name(String),
    /// A name with a parenthesis at once behind it.
    Called(String),
    Word(&'static str),
    Sign(&'static str),
    Newline,
    End,
}

const WORDS: &[&str] = &[
    "BEGIN", "END", "break", "continue", "delete", "do", "else", "exit", "for", "function", "getline", "if",
    "in", "next", "nextfile", "print", "printf", "return", "while",
];

/// Functions of the language.
pub const BUILT_IN: &[&str] = &[
    "and", "asort", "asorti", "atan2", "close", "compl", "cos", "exp", "fflush", "gensub", "gsub", "index",
    "int", "length", "log", "lshift", "match", "mktime", "or", "rand", "rshift", "sin", "split", "sprintf",
    "sqrt", "srand", "strftime", "strtonum", "sub", "substr", "system", "systime", "tolower", "toupper",
    "xor",
];

const SIGNS: &[&str] = &[
    "**=", "&&", "||", "++", "--", "+=", "-=", "*=", "/=", "%=", "^=", "==", "<=", ">=", "!=", "!~", ">>",
    "**", "{", "}", "(", ")", "[", "]", ";", ",", "+", "-", "*", "/", "%", "^", "!", ">", "<", "|", "?", ":",
    "~", "$", "=",
];

/// Variables that the interpreter knows, in the order of their places.
pub const KNOWN: &[&str] = &[
    "NF", "NR", "FNR", "FS", "OFS", "ORS", "RS", "SUBSEP", "CONVFMT", "OFMT", "RSTART", "RLENGTH",
    "FILENAME", "ENVIRON", "ARGC", "ARGV", "RT",
];

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Place {
    Global(usize),
    Local(usize),
}

#[derive(Debug)]
pub enum Target {
    Variable(Place),
    Element(Place, Vec<Expr>),
    Field(Box<Expr>),
}

#[derive(Debug)]
pub enum Source {
    Main,
    File(Box<Expr>),
    Command(Box<Expr>),
}

#[derive(Debug)]
pub enum Expr {
    Number(f64),
    Text(Rc<str>),
    Pattern(Rc<Regex>),
    Value(Box<Target>),
    /// What is in parentheses with commas.
    List(Vec<Expr>),
    /// What is in parentheses.
    Group(Box<Expr>),
    Assign(Box<Target>, Option<&'static str>, Box<Expr>),
    Choice(Box<Expr>, Box<Expr>, Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    Minus(Box<Expr>),
    Plus(Box<Expr>),
    Math(&'static str, Box<Expr>, Box<Expr>),
    Compare(&'static str, Box<Expr>, Box<Expr>),
    Match(bool, Box<Expr>, Box<Expr>),
    Join(Box<Expr>, Box<Expr>),
    In(Vec<Expr>, Place),
    /// Whether the value is the one after, and by how much it changes.
    Step(bool, f64, Box<Target>),
    BuiltIn(&'static str, Vec<Expr>),
    Call(usize, Vec<Expr>),
    Getline(Source, Option<Box<Target>>),
}

#[derive(Debug)]
pub enum Redirect {
    Write(Expr),
    Append(Expr),
    Pipe(Expr),
}

#[derive(Debug)]
pub enum Statement {
    Expr(Expr),
    Print(Vec<Expr>, Option<Redirect>),
    Printf(Vec<Expr>, Option<Redirect>),
    If(Expr, Box<Statement>, Option<Box<Statement>>),
    While(Expr, Box<Statement>),
    Do(Box<Statement>, Expr),
    For(Option<Box<Statement>>, Option<Expr>, Option<Box<Statement>>, Box<Statement>),
    ForIn(Place, Place, Box<Statement>),
    Block(Vec<Statement>),
    Delete(Place, Option<Vec<Expr>>),
    Next,
    NextFile,
    Exit(Option<Expr>),
    Return(Option<Expr>),
    Break,
    Continue,
}

#[derive(Debug)]
pub enum Pattern {
    Always,
    Expr(Expr),
    Range(Expr, Expr),
}

#[derive(Debug, Default)]
pub struct Function {
    pub name: String,
    pub parameters: usize,
    /// Which of them are arrays.
    pub arrays: Vec<bool>,
    pub body: Vec<Statement>,
}

#[derive(Debug, Default)]
pub struct Program {
    pub begin: Vec<Vec<Statement>>,
    pub end: Vec<Vec<Statement>>,
    pub rules: Vec<(Pattern, Option<Vec<Statement>>)>,
    pub functions: Vec<Function>,
    pub globals: HashMap<String, usize>,
}

impl Program {
    pub fn parse(source: &str) -> Result<Program, String> {
        let tokens = words(source)?;
        let mut parser = Parser {
            tokens,
            at: 0,
            program: Program::default(),
            locals: vec![],
            functions: HashMap::new(),
            no_in: false,
            no_greater: false,
            defined: vec![],
        };
        for (at, name) in KNOWN.iter().enumerate() {
            parser.program.globals.insert((*name).to_owned(), at);
        }
        parser.program()?;
        let mut program = parser.program;
        if let Some(name) =
            parser.functions.iter().find(|(_, at)| !parser.defined.contains(at)).map(|(name, _)| name)
        {
            return Err(format!("function `{name}' not defined"));
        }
        find_arrays(&mut program);
        Ok(program)
    }
}

fn words(source: &str) -> Result<Vec<(Token, usize)>, String> {
    let letters: Vec<char> = source.chars().collect();
    let mut out: Vec<(Token, usize)> = vec![];
    let (mut at, mut line) = (0, 1);
    while at < letters.len() {
        let letter = letters[at];
        match letter {
            ' ' | '\t' | '\r' => at += 1,
            '\n' => {
                out.push((Token::Newline, line));
                line += 1;
                at += 1;
            }
            '\\' if letters.get(at + 1) == Some(&'\n') => {
                line += 1;
                at += 2;
            }
            '\\' if letters.get(at + 1) == Some(&'\r') => at += 2,
            '#' => {
                while at < letters.len() && letters[at] != '\n' {
                    at += 1
                }
            }
            '"' => {
                let (text, end) = quoted(&letters, at + 1, line)?;
                out.push((Token::Text(text.into()), line));
                at = end;
            }
            '/' if begins_pattern(out.last().map(|(token, _)| token)) => {
                let (text, end) = pattern(&letters, at + 1, line)?;
                out.push((Token::Pattern(text), line));
                at = end;
            }
            '0'..='9' | '.' if letter != '.' || letters.get(at + 1).is_some_and(char::is_ascii_digit) => {
                let begin = at;
                let is_hex = letter == '0'
                    && letters.get(at + 1).is_some_and(|x| *x == 'x' || *x == 'X')
                    && letters.get(at + 2).is_some_and(char::is_ascii_hexdigit);
                if is_hex {
                    at += 2;
                    while letters.get(at).is_some_and(char::is_ascii_hexdigit) {
                        at += 1
                    }
                    let digits: String = letters[begin + 2..at].iter().collect();
                    out.push((
                        Token::Number(u64::from_str_radix(&digits, 16).unwrap_or(u64::MAX) as f64),
                        line,
                    ));
                    continue;
                }
                while letters.get(at).is_some_and(|letter| letter.is_ascii_digit() || *letter == '.') {
                    at += 1
                }
                if letters.get(at).is_some_and(|letter| *letter == 'e' || *letter == 'E') {
                    let mut end = at + 1;
                    if letters.get(end).is_some_and(|sign| *sign == '+' || *sign == '-') {
                        end += 1
                    }
                    if letters.get(end).is_some_and(char::is_ascii_digit) {
                        at = end;
                        while letters.get(at).is_some_and(char::is_ascii_digit) {
                            at += 1
                        }
                    }
                }
                let digits: String = letters[begin..at].iter().collect();
                let is_octal = digits.len() > 1 && digits.starts_with('0');
                let octal = is_octal.then(|| u64::from_str_radix(&digits, 8).ok()).flatten();
                let number = match octal {
                    Some(number) => number as f64,
                    None => digits.parse().map_err(|_| format!("line {line}: wrong number {digits}"))?,
                };
                out.push((Token::Number(number), line));
            }
            _ if letter.is_ascii_alphabetic() || letter == '_' => {
                let begin = at;
                while letters.get(at).is_some_and(|letter| letter.is_ascii_alphanumeric() || *letter == '_') {
                    at += 1
                }
                let name: String = letters[begin..at].iter().collect();
                let token = match WORDS.iter().find(|word| **word == name) {
                    Some(word) => Token::Word(word),
                    None if name == "func" => Token::Word("function"),
                    None if letters.get(at) == Some(&'(') || BUILT_IN.contains(&name.as_str()) => {
                        Token::Called(name)
                    }
                    None => Token::Name(name),
                };
                out.push((token, line));
            }
            _ => {
                let sign = SIGNS.iter().find(|sign| {
                    sign.chars().enumerate().all(|(more, part)| letters.get(at + more) == Some(&part))
                });
                let Some(sign) = sign else {
                    return Err(format!("line {line}: unexpected character '{letter}'"));
                };
                at += sign.len();
                out.push((
                    Token::Sign(match *sign {
                        "**" => "^",
                        "**=" => "^=",
                        sign => sign,
                    }),
                    line,
                ));
            }
        }
    }
    out.push((Token::Newline, line));
    out.push((Token::End, line));
    Ok(out)
}

/// Whether a `/` after this is an expression's, not a division's.
fn begins_pattern(before: Option<&Token>) -> bool {
    !matches!(
        before,
        Some(
            Token::Number(_)
                | Token::Text(_)
                | Token::Name(_)
                | Token::Called(_)
                | Token::Sign(")" | "]" | "$" | "++" | "--")
        )
    )
}

fn quoted(letters: &[char], mut at: usize, line: usize) -> Result<(String, usize), String> {
    let mut text = String::new();
    loop {
        let Some(&letter) = letters.get(at) else { return Err(format!("line {line}: unterminated string")) };
        at += 1;
        match letter {
            '"' => return Ok((text, at)),
            '\n' => return Err(format!("line {line}: unterminated string")),
            '\\' => {
                let rest = &letters[at..];
                at += super::text::escape(rest, &mut text);
            }
            other => text.push(other),
        }
    }
}

fn pattern(letters: &[char], mut at: usize, line: usize) -> Result<(String, usize), String> {
    let mut text = String::new();
    let mut in_brackets = false;
    loop {
        let Some(&letter) = letters.get(at).filter(|letter| **letter != '\n') else {
            return Err(format!("line {line}: unterminated regexp"));
        };
        at += 1;
        match letter {
            '/' if !in_brackets => return Ok((text, at)),
            '\\' => {
                if letters.get(at) != Some(&'/') {
                    text.push('\\')
                }
                text.extend(letters.get(at));
                at += 1;
            }
            '[' if !in_brackets => {
                in_brackets = true;
                text.push('[');
                for first in ['^', ']'] {
                    if letters.get(at) == Some(&first) {
                        text.push(first);
                        at += 1;
                    }
                }
            }
            '[' if letters.get(at) == Some(&':') => {
                text.push('[');
                while let Some(&inner) = letters.get(at) {
                    text.push(inner);
                    at += 1;
                    if inner == ']' {
                        break;
                    }
                }
            }
            ']' => {
                in_brackets = false;
                text.push(']');
            }
            other => text.push(other),
        }
    }
}

struct Parser {
    tokens: Vec<(Token, usize)>,
    at: usize,
    program: Program,
    locals: Vec<String>,
    functions: HashMap<String, usize>,
    defined: Vec<usize>,
    /// `in` ends the expression: it is that of `for`.
    no_in: bool,
    /// `>` ends the expression: it is that of `print`.
    no_greater: bool,
}

type Parsed<T> = Result<T, String>;

impl Parser {
    fn peek(&self) -> &Token {
        &self.tokens[self.at.min(self.tokens.len() - 1)].0
    }
    fn ahead(&self, more: usize) -> &Token {
        &self.tokens[(self.at + more).min(self.tokens.len() - 1)].0
    }

    fn take(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    fn is(&self, sign: &'static str) -> bool {
        *self.peek() == Token::Sign(sign)
    }
    fn is_word(&self, word: &'static str) -> bool {
        *self.peek() == Token::Word(word)
    }

    fn accept(&mut self, sign: &'static str) -> bool {
        let found = self.is(sign);
        self.at += usize::from(found);
        found
    }

    fn accept_word(&mut self, word: &'static str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    fn wrong<T>(&self) -> Parsed<T> {
        let (token, line) = &self.tokens[self.at.min(self.tokens.len() - 1)];
        let near = match token {
            Token::Newline => "end of line".to_owned(),
            Token::End => "end of program".to_owned(),
            Token::Sign(text) | Token::Word(text) => (*text).to_owned(),
            Token::Name(text) | Token::Called(text) | Token::Pattern(text) => text.clone(),
            Token::Text(text) => text.to_string(),
            Token::Number(number) => number.to_string(),
        };
        Err(format!("line {line}: syntax error at or near {near}"))
    }

    fn expect(&mut self, sign: &'static str) -> Parsed<()> {
        if self.accept(sign) { Ok(()) } else { self.wrong() }
    }

    fn newlines(&mut self) {
        while *self.peek() == Token::Newline {
            self.at += 1
        }
    }
    fn ends(&mut self) {
        while *self.peek() == Token::Newline || self.is(";") {
            self.at += 1
        }
    }

    fn program(&mut self) -> Parsed<()> {
        loop {
            self.ends();
            match self.peek().clone() {
                Token::End => return Ok(()),
                Token::Word("BEGIN") => {
                    self.at += 1;
                    self.newlines();
                    let body = self.block()?;
                    self.program.begin.push(body);
                }
                Token::Word("END") => {
                    self.at += 1;
                    self.newlines();
                    let body = self.block()?;
                    self.program.end.push(body);
                }
                Token::Word("function") => self.function()?,
                Token::Sign("{") => {
                    let body = self.block()?;
                    self.program.rules.push((Pattern::Always, Some(body)));
                }
                _ => {
                    let first = self.expr()?;
                    let pattern = if self.accept(",") {
                        self.newlines();
                        Pattern::Range(first, self.expr()?)
                    } else {
                        Pattern::Expr(first)
                    };
                    let body = if self.is("{") { Some(self.block()?) } else { None };
                    self.program.rules.push((pattern, body));
                }
            }
        }
    }

    fn function_place(&mut self, name: &str) -> usize {
        if let Some(at) = self.functions.get(name) {
            return *at;
        }
        let at = self.program.functions.len();
        self.functions.insert(name.to_owned(), at);
        self.program.functions.push(Function { name: name.to_owned(), ..Function::default() });
        at
    }

    fn function(&mut self) -> Parsed<()> {
        self.at += 1;
        let (Token::Name(name) | Token::Called(name)) = self.take() else { return self.wrong() };
        let place = self.function_place(&name);
        self.expect("(")?;
        while !self.is(")") {
            self.newlines();
            let Token::Name(parameter) = self.take() else { return self.wrong() };
            self.locals.push(parameter);
            self.newlines();
            if !self.accept(",") {
                break;
            }
        }
        self.expect(")")?;
        self.newlines();
        let body = self.block()?;
        let parameters = self.locals.len();
        self.locals.clear();
        self.defined.push(place);
        self.program.functions[place] = Function { name, parameters, arrays: vec![false; parameters], body };
        Ok(())
    }

    fn block(&mut self) -> Parsed<Vec<Statement>> {
        self.expect("{")?;
        let mut body = vec![];
        loop {
            self.ends();
            if self.accept("}") {
                return Ok(body);
            }
            body.push(self.statement()?);
        }
    }

    /// A statement that stands alone may be empty.
    fn body(&mut self) -> Parsed<Box<Statement>> {
        self.newlines();
        if self.accept(";") {
            return Ok(Box::new(Statement::Block(vec![])));
        }
        Ok(Box::new(self.statement()?))
    }

    fn end_of_statement(&mut self) -> Parsed<()> {
        if self.is("}") || *self.peek() == Token::End {
            return Ok(());
        }
        if self.accept(";") || *self.peek() == Token::Newline {
            return Ok(());
        }
        self.wrong()
    }

    fn statement(&mut self) -> Parsed<Statement> {
        let statement = match self.peek().clone() {
            Token::Sign("{") => return Ok(Statement::Block(self.block()?)),
            Token::Word("if") => {
                self.at += 1;
                self.expect("(")?;
                let condition = self.whole()?;
                self.expect(")")?;
                let then = self.body()?;
                let before = self.at;
                self.ends();
                if self.accept_word("else") {
                    return Ok(Statement::If(condition, then, Some(self.body()?)));
                }
                self.at = before;
                return Ok(Statement::If(condition, then, None));
            }
            Token::Word("while") => {
                self.at += 1;
                self.expect("(")?;
                let condition = self.whole()?;
                self.expect(")")?;
                return Ok(Statement::While(condition, self.body()?));
            }
            Token::Word("do") => {
                self.at += 1;
                let body = self.body()?;
                self.ends();
                if !self.accept_word("while") {
                    return self.wrong();
                }
                self.expect("(")?;
                let condition = self.whole()?;
                self.expect(")")?;
                Statement::Do(body, condition)
            }
            Token::Word("for") => return self.for_statement(),
            _ => self.simple()?,
        };
        self.end_of_statement()?;
        Ok(statement)
    }

    fn for_statement(&mut self) -> Parsed<Statement> {
        self.at += 1;
        self.expect("(")?;
        if let (Token::Name(name), Token::Word("in"), Token::Name(array), Token::Sign(")")) =
            (self.peek().clone(), self.ahead(1).clone(), self.ahead(2).clone(), self.ahead(3).clone())
        {
            self.at += 4;
            let (name, array) = (self.variable(&name), self.variable(&array));
            return Ok(Statement::ForIn(name, array, self.body()?));
        }
        let first = if self.is(";") { None } else { Some(Box::new(self.simple()?)) };
        self.expect(";")?;
        self.newlines();
        let condition = if self.is(";") { None } else { Some(self.whole()?) };
        self.expect(";")?;
        self.newlines();
        let step = if self.is(")") { None } else { Some(Box::new(self.simple()?)) };
        self.expect(")")?;
        Ok(Statement::For(first, condition, step, self.body()?))
    }

    fn ends_here(&self) -> bool {
        matches!(self.peek(), Token::Newline | Token::End | Token::Sign(";" | "}"))
    }

    fn simple(&mut self) -> Parsed<Statement> {
        let word = match self.peek() {
            Token::Word(word) => *word,
            _ => "",
        };
        match word {
            "print" | "printf" => self.print(word == "printf"),
            "delete" => {
                self.at += 1;
                let Token::Name(name) = self.take() else { return self.wrong() };
                let place = self.variable(&name);
                if !self.accept("[") {
                    return Ok(Statement::Delete(place, None));
                }
                let index = self.list("]")?;
                Ok(Statement::Delete(place, Some(index)))
            }
            "next" | "nextfile" | "break" | "continue" => {
                self.at += 1;
                Ok(match word {
                    "next" => Statement::Next,
                    "nextfile" => Statement::NextFile,
                    "break" => Statement::Break,
                    _ => Statement::Continue,
                })
            }
            "exit" | "return" => {
                self.at += 1;
                let value = if self.ends_here() { None } else { Some(self.expr()?) };
                Ok(if word == "exit" { Statement::Exit(value) } else { Statement::Return(value) })
            }
            _ => Ok(Statement::Expr(self.expr()?)),
        }
    }

    fn print(&mut self, is_format: bool) -> Parsed<Statement> {
        self.at += 1;
        let before = std::mem::replace(&mut self.no_greater, true);
        let mut values = vec![];
        while !self.ends_here() && !self.is(">") && !self.is(">>") && !self.is("|") {
            values.push(self.expr()?);
            if !self.accept(",") {
                break;
            }
            self.newlines();
        }
        if let [Expr::List(_)] = values.as_slice()
            && let Some(Expr::List(inner)) = values.pop()
        {
            values = inner;
        }
        let redirect = match self.peek() {
            Token::Sign(sign @ (">" | ">>" | "|")) => {
                let sign = *sign;
                self.at += 1;
                let to = self.join()?;
                Some(match sign {
                    ">" => Redirect::Write(to),
                    ">>" => Redirect::Append(to),
                    _ => Redirect::Pipe(to),
                })
            }
            _ => None,
        };
        self.no_greater = before;
        Ok(if is_format { Statement::Printf(values, redirect) } else { Statement::Print(values, redirect) })
    }

    fn variable(&mut self, name: &str) -> Place {
        if let Some(at) = self.locals.iter().position(|local| local == name) {
            return Place::Local(at);
        }
        let next = self.program.globals.len();
        Place::Global(*self.program.globals.entry(name.to_owned()).or_insert(next))
    }

    fn list(&mut self, end: &'static str) -> Parsed<Vec<Expr>> {
        let (no_in, no_greater) = (std::mem::take(&mut self.no_in), std::mem::take(&mut self.no_greater));
        let mut values = vec![];
        self.newlines();
        while !self.is(end) {
            values.push(self.expr()?);
            self.newlines();
            if !self.accept(",") {
                break;
            }
            self.newlines();
        }
        self.expect(end)?;
        (self.no_in, self.no_greater) = (no_in, no_greater);
        Ok(values)
    }

    /// An expression in which nothing is left out.
    fn whole(&mut self) -> Parsed<Expr> {
        let (no_in, no_greater) = (std::mem::take(&mut self.no_in), std::mem::take(&mut self.no_greater));
        let value = self.expr();
        (self.no_in, self.no_greater) = (no_in, no_greater);
        value
    }

    fn expr(&mut self) -> Parsed<Expr> {
        let left = self.choice()?;
        let operator = match self.peek() {
            Token::Sign("=") => None,
            Token::Sign(sign @ ("+=" | "-=" | "*=" | "/=" | "%=" | "^=")) => Some(&sign[..1]),
            _ => return Ok(left),
        };
        let Expr::Value(target) = left else { return self.wrong() };
        self.at += 1;
        self.newlines();
        Ok(Expr::Assign(target, operator, Box::new(self.expr()?)))
    }

    fn choice(&mut self) -> Parsed<Expr> {
        let condition = self.or()?;
        if !self.accept("?") {
            return Ok(condition);
        }
        self.newlines();
        let one = self.expr()?;
        self.newlines();
        self.expect(":")?;
        self.newlines();
        let other = self.expr()?;
        Ok(Expr::Choice(Box::new(condition), Box::new(one), Box::new(other)))
    }

    fn or(&mut self) -> Parsed<Expr> {
        let mut left = self.and()?;
        while self.accept("||") {
            self.newlines();
            left = Expr::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Parsed<Expr> {
        let mut left = self.membership()?;
        while self.accept("&&") {
            self.newlines();
            left = Expr::And(Box::new(left), Box::new(self.membership()?));
        }
        Ok(left)
    }

    fn membership(&mut self) -> Parsed<Expr> {
        let mut left = self.matching()?;
        while !self.no_in && self.accept_word("in") {
            let Token::Name(name) = self.take() else { return self.wrong() };
            let index = match left {
                Expr::List(index) => index,
                other => vec![other],
            };
            left = Expr::In(index, self.variable(&name));
        }
        Ok(left)
    }

    fn matching(&mut self) -> Parsed<Expr> {
        let mut left = self.comparison()?;
        loop {
            let is_not = self.is("!~");
            if !is_not && !self.is("~") {
                return Ok(left);
            }
            self.at += 1;
            left = Expr::Match(is_not, Box::new(left), Box::new(self.comparison()?));
        }
    }

    fn comparison(&mut self) -> Parsed<Expr> {
        let left = self.join()?;
        let sign = match self.peek() {
            Token::Sign(">") if self.no_greater => return Ok(left),
            Token::Sign(sign @ ("<" | "<=" | "==" | "!=" | ">" | ">=")) => *sign,
            _ => return Ok(left),
        };
        self.at += 1;
        Ok(Expr::Compare(sign, Box::new(left), Box::new(self.join()?)))
    }

    fn begins_operand(&self) -> bool {
        matches!(
            self.peek(),
            Token::Number(_)
                | Token::Text(_)
                | Token::Name(_)
                | Token::Called(_)
                | Token::Pattern(_)
                | Token::Sign("(" | "$" | "!" | "-" | "+" | "++" | "--")
        )
    }

    fn join(&mut self) -> Parsed<Expr> {
        let mut left = self.sum()?;
        loop {
            if self.begins_operand() {
                left = Expr::Join(Box::new(left), Box::new(self.sum()?));
            } else if self.is("|") && *self.ahead(1) == Token::Word("getline") {
                self.at += 2;
                let target = self.target()?;
                left = Expr::Getline(Source::Command(Box::new(left)), target);
            } else {
                return Ok(left);
            }
        }
    }

    fn sum(&mut self) -> Parsed<Expr> {
        let mut left = self.product()?;
        loop {
            let sign = match self.peek() {
                Token::Sign(sign @ ("+" | "-")) => *sign,
                _ => return Ok(left),
            };
            self.at += 1;
            left = Expr::Math(sign, Box::new(left), Box::new(self.product()?));
        }
    }

    fn product(&mut self) -> Parsed<Expr> {
        let mut left = self.unary()?;
        loop {
            let sign = match self.peek() {
                Token::Sign(sign @ ("*" | "/" | "%")) => *sign,
                _ => return Ok(left),
            };
            self.at += 1;
            left = Expr::Math(sign, Box::new(left), Box::new(self.unary()?));
        }
    }

    fn unary(&mut self) -> Parsed<Expr> {
        if self.accept("!") {
            return Ok(Expr::Not(Box::new(self.unary()?)));
        }
        if self.accept("-") {
            return Ok(Expr::Minus(Box::new(self.unary()?)));
        }
        if self.accept("+") {
            return Ok(Expr::Plus(Box::new(self.unary()?)));
        }
        self.power()
    }

    fn power(&mut self) -> Parsed<Expr> {
        let left = self.postfix()?;
        if !self.accept("^") {
            return Ok(left);
        }
        // It binds to the right, and stronger than a sign before it, not after.
        let right = if self.accept("-") { Expr::Minus(Box::new(self.power()?)) } else { self.power()? };
        Ok(Expr::Math("^", Box::new(left), Box::new(right)))
    }

    fn postfix(&mut self) -> Parsed<Expr> {
        let value = self.primary()?;
        let by = match self.peek() {
            Token::Sign("++") => 1.0,
            Token::Sign("--") => -1.0,
            _ => return Ok(value),
        };
        match value {
            Expr::Value(target) => {
                self.at += 1;
                Ok(Expr::Step(false, by, target))
            }
            other => Ok(other),
        }
    }

    fn target(&mut self) -> Parsed<Option<Box<Target>>> {
        if !matches!(self.peek(), Token::Name(_) | Token::Sign("$")) {
            return Ok(None);
        }
        match self.primary()? {
            Expr::Value(target) => Ok(Some(target)),
            _ => self.wrong(),
        }
    }

    fn primary(&mut self) -> Parsed<Expr> {
        match self.take() {
            Token::Number(number) => Ok(Expr::Number(number)),
            Token::Text(text) => Ok(Expr::Text(text)),
            Token::Pattern(text) => match expression(&text) {
                Ok(pattern) => Ok(Expr::Pattern(Rc::new(pattern))),
                Err(why) => Err(format!("in /{text}/: {why}")),
            },
            Token::Sign("(") => {
                let mut inner = self.list(")")?;
                match inner.len() {
                    0 => self.wrong(),
                    1 => Ok(Expr::Group(Box::new(inner.remove(0)))),
                    _ => Ok(Expr::List(inner)),
                }
            }
            Token::Sign("$") => {
                let number = match self.peek() {
                    Token::Sign(sign @ ("++" | "--")) => {
                        let by = if *sign == "++" { 1.0 } else { -1.0 };
                        self.at += 1;
                        let Some(target) = self.target()? else { return self.wrong() };
                        Expr::Step(true, by, target)
                    }
                    Token::Sign("-") => {
                        self.at += 1;
                        Expr::Minus(Box::new(self.primary()?))
                    }
                    _ => self.primary()?,
                };
                Ok(Expr::Value(Box::new(Target::Field(Box::new(number)))))
            }
            Token::Sign(sign @ ("++" | "--")) => {
                let Some(target) = self.target()? else { return self.wrong() };
                Ok(Expr::Step(true, if sign == "++" { 1.0 } else { -1.0 }, target))
            }
            Token::Sign("!") => Ok(Expr::Not(Box::new(self.unary()?))),
            Token::Sign("-") => Ok(Expr::Minus(Box::new(self.unary()?))),
            Token::Word("getline") => {
                let target = self.target()?;
                if self.accept("<") {
                    let file = self.postfix()?;
                    return Ok(Expr::Getline(Source::File(Box::new(file)), target));
                }
                Ok(Expr::Getline(Source::Main, target))
            }
            Token::Called(name) => {
                let built_in = BUILT_IN.iter().find(|known| **known == name);
                if self.accept("(") {
                    let arguments = self.list(")")?;
                    return Ok(match built_in {
                        Some(known) => Expr::BuiltIn(known, arguments),
                        None => Expr::Call(self.function_place(&name), arguments),
                    });
                }
                match built_in {
                    Some(known) if *known == "length" => Ok(Expr::BuiltIn(known, vec![])),
                    _ => self.wrong(),
                }
            }
            Token::Name(name) => {
                let place = self.variable(&name);
                let target = if self.accept("[") {
                    Target::Element(place, self.list("]")?)
                } else {
                    Target::Variable(place)
                };
                Ok(Expr::Value(Box::new(target)))
            }
            _ => {
                self.at -= 1;
                self.wrong()
            }
        }
    }
}

/// Finds which parameters are arrays: those that are used as one, or handed on to where one is.
fn find_arrays(program: &mut Program) {
    loop {
        let mut found: Vec<(usize, usize)> = vec![];
        for (at, function) in program.functions.iter().enumerate() {
            let mut seen = vec![];
            statements(&function.body, &program.functions, &mut seen);
            found.extend(seen.into_iter().filter(|local| !function.arrays[*local]).map(|local| (at, local)));
        }
        if found.is_empty() {
            return;
        }
        for (at, local) in found {
            program.functions[at].arrays[local] = true
        }
    }
}

fn note(place: &Place, seen: &mut Vec<usize>) {
    if let Place::Local(at) = place {
        seen.push(*at)
    }
}

fn statements(body: &[Statement], functions: &[Function], seen: &mut Vec<usize>) {
    body.iter().for_each(|statement| in_statement(statement, functions, seen));
}

fn in_statement(statement: &Statement, functions: &[Function], seen: &mut Vec<usize>) {
    let mut all = |values: &[Expr]| values.iter().for_each(|value| in_expr(value, functions, seen));
    match statement {
        Statement::Expr(value) | Statement::Exit(Some(value)) | Statement::Return(Some(value)) => {
            all(std::slice::from_ref(value))
        }
        Statement::Print(values, redirect) | Statement::Printf(values, redirect) => {
            all(values);
            if let Some(Redirect::Write(to) | Redirect::Append(to) | Redirect::Pipe(to)) = redirect {
                all(std::slice::from_ref(to))
            }
        }
        Statement::If(condition, then, other) => {
            in_expr(condition, functions, seen);
            in_statement(then, functions, seen);
            if let Some(other) = other {
                in_statement(other, functions, seen)
            }
        }
        Statement::While(condition, body) | Statement::Do(body, condition) => {
            in_expr(condition, functions, seen);
            in_statement(body, functions, seen);
        }
        Statement::For(first, condition, step, body) => {
            if let Some(first) = first {
                in_statement(first, functions, seen)
            }
            if let Some(condition) = condition {
                in_expr(condition, functions, seen)
            }
            if let Some(step) = step {
                in_statement(step, functions, seen)
            }
            in_statement(body, functions, seen);
        }
        Statement::ForIn(_, array, body) => {
            note(array, seen);
            in_statement(body, functions, seen);
        }
        Statement::Block(body) => statements(body, functions, seen),
        Statement::Delete(array, index) => {
            if let Some(index) = index {
                all(index)
            }
            note(array, seen);
        }
        _ => {}
    }
}

fn in_target(target: &Target, functions: &[Function], seen: &mut Vec<usize>) {
    match target {
        Target::Variable(_) => {}
        Target::Element(array, index) => {
            note(array, seen);
            index.iter().for_each(|value| in_expr(value, functions, seen));
        }
        Target::Field(number) => in_expr(number, functions, seen),
    }
}

/// Which argument of a function of the language is an array, counted from none.
pub fn array_argument(name: &str) -> &'static [usize] {
    match name {
        "split" => &[1, 3],
        "asort" | "asorti" => &[0, 1],
        "match" => &[2],
        _ => &[],
    }
}

fn in_expr(value: &Expr, functions: &[Function], seen: &mut Vec<usize>) {
    let mut name_of = |value: &Expr| {
        if let Expr::Value(target) = value
            && let Target::Variable(place) = &**target
        {
            note(place, seen);
        }
    };
    match value {
        Expr::BuiltIn(name, arguments) => {
            array_argument(name).iter().filter_map(|at| arguments.get(*at)).for_each(&mut name_of);
            arguments.iter().for_each(|value| in_expr(value, functions, seen));
        }
        Expr::Call(at, arguments) => {
            for (argument, is_array) in arguments.iter().zip(&functions[*at].arrays) {
                if *is_array {
                    name_of(argument)
                }
            }
            arguments.iter().for_each(|value| in_expr(value, functions, seen));
        }
        Expr::In(index, array) => {
            note(array, seen);
            index.iter().for_each(|value| in_expr(value, functions, seen));
        }
        Expr::List(values) => values.iter().for_each(|value| in_expr(value, functions, seen)),
        Expr::Value(target) | Expr::Step(_, _, target) => in_target(target, functions, seen),
        Expr::Assign(target, _, value) => {
            in_target(target, functions, seen);
            in_expr(value, functions, seen);
        }
        Expr::Choice(one, two, three) => {
            [one, two, three].iter().for_each(|value| in_expr(value, functions, seen))
        }
        Expr::And(one, two)
        | Expr::Or(one, two)
        | Expr::Math(_, one, two)
        | Expr::Compare(_, one, two)
        | Expr::Match(_, one, two)
        | Expr::Join(one, two) => {
            in_expr(one, functions, seen);
            in_expr(two, functions, seen);
        }
        Expr::Not(value) | Expr::Minus(value) | Expr::Plus(value) | Expr::Group(value) => {
            in_expr(value, functions, seen)
        }
        Expr::Getline(source, target) => {
            if let Source::File(value) | Source::Command(value) = source {
                in_expr(value, functions, seen)
            }
            if let Some(target) = target {
                in_target(target, functions, seen)
            }
        }
        Expr::Number(_) | Expr::Text(_) | Expr::Pattern(_) => {}
    }
}
