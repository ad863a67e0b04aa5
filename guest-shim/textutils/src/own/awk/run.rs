//! Runs programs of awk.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::rc::Rc;

use cordon_multicall::launch::{self, code_of, number_of};
use cordon_multicall::say;
use cordon_vm::byte_text::{ToText, decode, decoded, encode};
use cordon_vm::descriptors::{self, Descriptor};
use cordon_vm::process::{self, Child, ExitStatus};
use regex::Regex;
use rustc_hash::FxHashMap;

use super::syntax::{Expr, KNOWN, Pattern, Place, Program, Redirect, Source, Statement, Target};
use super::text::{
    Argument, EMPTY, add_number, expression, formatted, leading_number, number_text, whole_number,
};

/// Places of variables that are known, in the order of [`KNOWN`].
const NF: usize = 0;
const NR: usize = 1;
const FNR: usize = 2;
const FS: usize = 3;
const OFS: usize = 4;
const ORS: usize = 5;
const RS: usize = 6;
const SUBSEP: usize = 7;
const CONVFMT: usize = 8;
const OFMT: usize = 9;
const RSTART: usize = 10;
const RLENGTH: usize = 11;
const FILENAME: usize = 12;
const ENVIRON: usize = 13;
const ARGC: usize = 14;
const ARGV: usize = 15;
const RT: usize = 16;

/// What is read and written at once.
const BUFFER: usize = 64 * 1024;

/// Fields up to this one are found without splitting the record.
const MAX_FOUND: usize = 4;

/// Functions that call each other: each takes of the stack.
const DEPTH: usize = 400;

#[derive(Clone, Debug)]
pub enum Value {
    Unset,
    Number(f64),
    Text(Rc<str>),
    /// A text from outside that is a number as well.
    Both(Rc<str>, f64),
}

impl Value {
    fn text(text: impl AsRef<str>) -> Value {
        Value::Text(text.as_ref().into())
    }

    /// A text from outside.
    pub fn outside(text: impl Into<Rc<str>>) -> Value {
        let text = text.into();
        match whole_number(&text) {
            Some(number) => Value::Both(text, number),
            None => Value::Text(text),
        }
    }

    fn number(&self) -> f64 {
        match self {
            Value::Unset => 0.0,
            Value::Number(number) | Value::Both(_, number) => *number,
            Value::Text(text) => leading_number(text).0,
        }
    }

    fn is_true(&self) -> bool {
        match self {
            Value::Unset => false,
            Value::Number(number) | Value::Both(_, number) => *number != 0.0,
            Value::Text(text) => !text.is_empty(),
        }
    }
}

#[derive(Default)]
struct Table {
    values: FxHashMap<Rc<str>, (u64, Value)>,
    /// Elements are gone through in the order in which they came.
    next: u64,
}

impl Table {
    fn set(&mut self, key: Rc<str>, value: Value) {
        if let Some(known) = self.values.get_mut(&key) {
            known.1 = value;
            return;
        }
        self.next += 1;
        self.values.insert(key, (self.next, value));
    }

    /// Changes a number by what it was, and gives both.
    fn change(
        &mut self,
        key: impl AsRef<str> + Into<Rc<str>>,
        how: impl FnOnce(f64) -> Ran<f64>,
    ) -> Ran<(f64, f64)> {
        if let Some((_, value)) = self.values.get_mut(key.as_ref()) {
            let old = value.number();
            let new = how(old)?;
            *value = Value::Number(new);
            return Ok((old, new));
        }
        let new = how(0.0);
        self.set(key.into(), new.as_ref().map_or(Value::Unset, |new| Value::Number(*new)));
        Ok((0.0, new?))
    }

    fn in_order(&self) -> Vec<(Rc<str>, Value)> {
        let mut all: Vec<_> = self.values.iter().collect();
        all.sort_by_key(|(_, (at, _))| *at);
        all.into_iter().map(|(key, (_, value))| (key.clone(), value.clone())).collect()
    }
}

type Array = Rc<RefCell<Table>>;

#[derive(Clone)]
enum Cell {
    Value(Value),
    Array(Array),
}

/// A field of the record.
enum Field {
    /// Where it stands in the record as that was split.
    Span(usize, usize),
    Value(Value),
}

enum Flow {
    On,
    Break,
    Continue,
    Next,
    NextFile,
    Exit,
    Return(Value),
}

type Ran<T> = Result<T, String>;

/// A descriptor of the virtual machine's as a stream.
struct Stream(Descriptor);

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read =
            self.0.read(into.len().min(1 << 16) as u32).map_err(|errno| io::Error::other(errno.name()))?;
        into[..read.len()].copy_from_slice(&read);
        Ok(read.len())
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Output {
    stream: Option<Box<dyn Write>>,
    child: Option<Child>,
}

struct Input {
    reader: Box<dyn BufRead>,
    child: Option<Child>,
}

pub struct Interpreter<'a> {
    program: &'a Program,
    globals: Vec<Cell>,
    frames: Vec<Vec<Cell>>,
    record: Rc<str>,
    /// What was split into the fields.
    source: Rc<str>,
    fields: Vec<Field>,
    is_split: bool,
    /// Room for what is printed.
    line: String,
    out: BufWriter<io::Stdout>,
    outputs: HashMap<String, Output>,
    inputs: HashMap<String, Input>,
    main: Option<Input>,
    next_operand: usize,
    has_read_operand: bool,
    patterns: HashMap<String, Rc<Regex>>,
    in_range: Vec<bool>,
    code: i32,
    failed: bool,
    seed: f64,
    random: u64,
}

fn shell(command: &str, instead: &[(u32, &Descriptor)]) -> Ran<Child> {
    let words = ["sh", "-c", command].map(str::to_owned);
    launch::start_with(&words, process::environment(), None, instead)
        .map_err(|errno| format!("cannot run \"{command}\": {}", launch::errno_text(errno)))
}

fn status_of(child: &Child) -> f64 {
    match child.wait() {
        Ok(ExitStatus::Signaled(signal)) => f64::from(256 + number_of(signal)),
        Ok(status) => f64::from(code_of(status)),
        Err(_) => -1.0,
    }
}

impl<'a> Interpreter<'a> {
    pub fn new(program: &'a Program, operands: &[String]) -> Interpreter<'a> {
        let mut globals = vec![Cell::Value(Value::Unset); program.globals.len()];
        for (at, text) in [
            (FS, " "),
            (OFS, " "),
            (ORS, "\n"),
            (RS, "\n"),
            (SUBSEP, "\x1c"),
            (CONVFMT, "%.6g"),
            (OFMT, "%.6g"),
        ] {
            globals[at] = Cell::Value(Value::text(text));
        }
        for at in [NF, NR, FNR, RSTART] {
            globals[at] = Cell::Value(Value::Number(0.0))
        }
        globals[RLENGTH] = Cell::Value(Value::Number(-1.0));
        globals[ARGC] = Cell::Value(Value::Number(operands.len() as f64 + 1.0));
        let mut table = Table::default();
        std::env::vars_os().for_each(|(name, value)| {
            table.set(name.to_text().into(), Value::outside(value.to_text()));
        });
        globals[ENVIRON] = Cell::Array(Rc::new(RefCell::new(table)));
        let mut table = Table::default();
        table.set("0".into(), Value::text("awk"));
        operands.iter().enumerate().for_each(|(at, operand)| {
            table.set((at + 1).to_string().into(), Value::outside(operand.as_str()))
        });
        globals[ARGV] = Cell::Array(Rc::new(RefCell::new(table)));
        Interpreter {
            program,
            globals,
            frames: vec![],
            record: "".into(),
            source: "".into(),
            fields: vec![],
            is_split: true,
            line: String::new(),
            out: BufWriter::with_capacity(BUFFER, io::stdout()),
            outputs: HashMap::new(),
            inputs: HashMap::new(),
            main: None,
            next_operand: 1,
            has_read_operand: false,
            patterns: HashMap::new(),
            in_range: vec![false; program.rules.len()],
            code: 0,
            failed: false,
            seed: 1.0,
            random: 1,
        }
    }

    pub fn assign(&mut self, name: &str, value: &str) {
        if let Some(at) = self.program.globals.get(name) {
            self.set_global(*at, Value::outside(value))
        }
    }

    /// Runs the program; its exit status.
    pub fn run(&mut self) -> Ran<i32> {
        let program = self.program;
        let mut flow = Flow::On;
        for body in &program.begin {
            flow = whole(self.block(body))?;
            if matches!(flow, Flow::Exit) {
                break;
            }
        }
        let reads = !(program.rules.is_empty() && program.end.is_empty());
        if reads && !matches!(flow, Flow::Exit) {
            while self.next_record()? {
                match whole(self.rules())? {
                    Flow::Exit => break,
                    Flow::NextFile => self.main = None,
                    _ => {}
                }
            }
        }
        for body in &program.end {
            if matches!(whole(self.block(body))?, Flow::Exit) {
                break;
            }
        }
        Ok(if self.code == 0 && self.failed { 2 } else { self.code })
    }

    /// Writes what waits, and waits for the commands that are written to.
    pub fn finish(&mut self) {
        let _ = self.out.flush();
        let names: Vec<String> = self.outputs.keys().cloned().collect();
        for name in names {
            self.close(&name);
        }
    }

    fn rules(&mut self) -> Ran<Flow> {
        let program = self.program;
        for (at, (pattern, body)) in program.rules.iter().enumerate() {
            let is_meant = match pattern {
                Pattern::Always => true,
                Pattern::Expr(condition) => self.eval(condition)?.is_true(),
                Pattern::Range(first, last) => {
                    let begins = self.in_range[at] || self.eval(first)?.is_true();
                    if begins {
                        self.in_range[at] = !self.eval(last)?.is_true()
                    }
                    begins
                }
            };
            if !is_meant {
                continue;
            }
            let flow = match body {
                Some(body) => self.block(body)?,
                None => {
                    let record = self.record.clone();
                    self.write_out(&record)?;
                    let end = self.text_of_global(ORS);
                    self.write_out(&end)?;
                    Flow::On
                }
            };
            match flow {
                Flow::Next => return Ok(Flow::On),
                Flow::Exit | Flow::NextFile => return Ok(flow),
                _ => {}
            }
        }
        Ok(Flow::On)
    }

    fn write_out(&mut self, text: &str) -> Ran<()> {
        // Whoever reads has gone: nothing more is to be said.
        self.out.write_all(&encode(text)).map_err(|_| String::new())
    }

    // ---- statements ----

    fn block(&mut self, body: &[Statement]) -> Ran<Flow> {
        for statement in body {
            match self.statement(statement)? {
                Flow::On => {}
                flow => return Ok(flow),
            }
        }
        Ok(Flow::On)
    }

    fn statement(&mut self, statement: &Statement) -> Ran<Flow> {
        match statement {
            Statement::Expr(value) => {
                self.eval(value)?;
            }
            Statement::Print(values, redirect) => {
                let mut line = std::mem::take(&mut self.line);
                line.clear();
                if values.is_empty() {
                    line.push_str(&self.record);
                }
                for (at, value) in values.iter().enumerate() {
                    if at > 0 {
                        line.push_str(&self.text_of_global(OFS))
                    }
                    if self.add_field(value, &mut line)? {
                        continue;
                    }
                    match self.eval(value)? {
                        Value::Number(number) => add_number(&mut line, number, &self.text_of_global(OFMT)),
                        Value::Text(text) | Value::Both(text, _) => line.push_str(&text),
                        Value::Unset => {}
                    }
                }
                line.push_str(&self.text_of_global(ORS));
                self.put(redirect.as_ref(), &line)?;
                self.line = line;
            }
            Statement::Printf(values, redirect) => {
                let line = self.format(values)?;
                self.put(redirect.as_ref(), &line)?;
            }
            Statement::If(condition, then, other) => {
                if self.eval(condition)?.is_true() {
                    return self.statement(then);
                }
                if let Some(other) = other {
                    return self.statement(other);
                }
            }
            Statement::While(condition, body) => {
                while self.eval(condition)?.is_true() {
                    match self.statement(body)? {
                        Flow::On | Flow::Continue => {}
                        Flow::Break => break,
                        flow => return Ok(flow),
                    }
                }
            }
            Statement::Do(body, condition) => loop {
                match self.statement(body)? {
                    Flow::On | Flow::Continue => {}
                    Flow::Break => break,
                    flow => return Ok(flow),
                }
                if !self.eval(condition)?.is_true() {
                    break;
                }
            },
            Statement::For(first, condition, step, body) => {
                if let Some(first) = first {
                    self.statement(first)?;
                }
                loop {
                    if let Some(condition) = condition
                        && !self.eval(condition)?.is_true()
                    {
                        break;
                    }
                    match self.statement(body)? {
                        Flow::On | Flow::Continue => {}
                        Flow::Break => break,
                        flow => return Ok(flow),
                    }
                    if let Some(step) = step {
                        self.statement(step)?;
                    }
                }
            }
            Statement::ForIn(name, array, body) => {
                let keys = self.array(*array)?.borrow().in_order();
                for (key, _) in keys {
                    // It may be deleted meanwhile.
                    if !self.array(*array)?.borrow().values.contains_key(&key) {
                        continue;
                    }
                    self.set_place(*name, Value::outside(key));
                    match self.statement(body)? {
                        Flow::On | Flow::Continue => {}
                        Flow::Break => break,
                        flow => return Ok(flow),
                    }
                }
            }
            Statement::Block(body) => return self.block(body),
            Statement::Delete(place, index) => {
                let array = self.array(*place)?;
                match index {
                    None => array.borrow_mut().values.clear(),
                    Some(index) => {
                        let key = self.key(index)?;
                        array.borrow_mut().values.remove(&key);
                    }
                }
            }
            Statement::Next => return Ok(Flow::Next),
            Statement::NextFile => return Ok(Flow::NextFile),
            Statement::Exit(value) => {
                if let Some(value) = value {
                    self.code = self.eval(value)?.number() as i32 & 0xff
                }
                return Ok(Flow::Exit);
            }
            Statement::Return(value) => {
                let value = match value {
                    Some(value) => self.eval(value)?,
                    None => Value::Unset,
                };
                return Ok(Flow::Return(value));
            }
            Statement::Break => return Ok(Flow::Break),
            Statement::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::On)
    }

    fn format(&mut self, values: &[Expr]) -> Ran<String> {
        let mut all = Vec::with_capacity(values.len());
        for value in values {
            all.push(self.eval(value)?)
        }
        let Some(first) = all.first() else { return Err("printf: no format".into()) };
        let format = self.text(first);
        let mut rest = all.into_iter().skip(1);
        Ok(formatted(&format, &mut |_| {
            Some(match rest.next()? {
                Value::Number(number) => Argument::Number(number),
                Value::Unset => Argument::Text("".into()),
                Value::Both(text, _) | Value::Text(text) => Argument::Text(text),
            })
        }))
    }

    fn put(&mut self, redirect: Option<&Redirect>, text: &str) -> Ran<()> {
        let Some(redirect) = redirect else { return self.write_out(text) };
        let (Redirect::Write(to) | Redirect::Append(to) | Redirect::Pipe(to)) = redirect;
        let to = self.eval(to)?;
        let name = self.text(&to).to_string();
        if !matches!(redirect, Redirect::Pipe(_)) {
            match name.as_str() {
                "/dev/stdout" | "-" => return self.write_out(text),
                "/dev/stderr" => {
                    let _ = self.out.flush();
                    let _ = io::stderr().write_all(&encode(text));
                    return Ok(());
                }
                _ => {}
            }
        }
        if !self.outputs.contains_key(&name) {
            let output = match redirect {
                Redirect::Pipe(_) => {
                    let _ = self.out.flush();
                    let (reader, writer) = descriptors::pipe().map_err(|errno| errno.name().to_owned())?;
                    let child = shell(&name, &[(0, &reader)])?;
                    Output {
                        stream: Some(Box::new(BufWriter::with_capacity(BUFFER, Stream(writer)))),
                        child: Some(child),
                    }
                }
                _ => {
                    let is_append = matches!(redirect, Redirect::Append(_));
                    let file = OpenOptions::new()
                        .create(true)
                        .write(true)
                        .append(is_append)
                        .truncate(!is_append)
                        .open(&name);
                    let file = file.map_err(|error| {
                        format!("can't redirect to `{name}' ({})", uucore::error::strip_errno(&error))
                    })?;
                    Output { stream: Some(Box::new(BufWriter::with_capacity(BUFFER, file))), child: None }
                }
            };
            self.outputs.insert(name.clone(), output);
        }
        if let Some(stream) = self.outputs.get_mut(&name).and_then(|output| output.stream.as_mut()) {
            // A command that reads no more is no failure of ours.
            let _ = stream.write_all(&encode(text));
        }
        Ok(())
    }

    fn close(&mut self, name: &str) -> f64 {
        let mut status = -1.0;
        if let Some(mut output) = self.outputs.remove(name) {
            let _ = self.out.flush();
            if let Some(mut stream) = output.stream.take() {
                let _ = stream.flush();
            }
            status = output.child.map_or(0.0, |child| status_of(&child));
        }
        if let Some(input) = self.inputs.remove(name) {
            drop(input.reader);
            status = input.child.map_or(0.0, |child| status_of(&child));
        }
        status
    }

    fn flush(&mut self) {
        let _ = self.out.flush();
        for output in self.outputs.values_mut() {
            if let Some(stream) = output.stream.as_mut() {
                let _ = stream.flush();
            }
        }
    }

    // ---- records ----

    fn next_record(&mut self) -> Ran<bool> {
        let Some(text) = self.read_main()? else { return Ok(false) };
        self.set_record(text);
        Ok(true)
    }

    /// The next record of the operands, and counts it.
    fn read_main(&mut self) -> Ran<Option<Rc<str>>> {
        loop {
            if self.main.is_none() && !self.open_next()? {
                return Ok(None);
            }
            let Some(mut main) = self.main.take() else { return Ok(None) };
            let read = self.read_record(&mut main.reader)?;
            if let Some(text) = read {
                self.main = Some(main);
                for at in [NR, FNR] {
                    let number = self.global(at).number() + 1.0;
                    self.globals[at] = Cell::Value(Value::Number(number));
                }
                return Ok(Some(text));
            }
        }
    }

    fn open_next(&mut self) -> Ran<bool> {
        loop {
            let count = self.global(ARGC).number() as usize;
            if self.next_operand >= count {
                if self.has_read_operand {
                    return Ok(false);
                }
                self.has_read_operand = true;
                self.main = Some(Input {
                    reader: Box::new(BufReader::with_capacity(BUFFER, io::stdin())),
                    child: None,
                });
                return Ok(true);
            }
            let key: Rc<str> = self.next_operand.to_string().into();
            self.next_operand += 1;
            let Cell::Array(arguments) = self.globals[ARGV].clone() else { continue };
            let operand = arguments.borrow().values.get(&key).map(|(_, value)| value.clone());
            let Some(operand) = operand else { continue };
            let operand = self.text(&operand).to_string();
            if operand.is_empty() {
                continue;
            }
            if let Some((name, value)) = super::assignment(&operand) {
                let value = super::unescape(value);
                self.assign(name, &value);
                continue;
            }
            self.has_read_operand = true;
            let reader: Box<dyn BufRead> = match operand.as_str() {
                "-" | "/dev/stdin" => Box::new(BufReader::with_capacity(BUFFER, io::stdin())),
                name => match File::open(name) {
                    Ok(file) => Box::new(BufReader::with_capacity(BUFFER, file)),
                    Err(error) => {
                        let _ = self.out.flush();
                        say(
                            &mut io::stderr(),
                            &format!("awk: cannot open \"{name}\" ({})", uucore::error::strip_errno(&error)),
                        );
                        self.failed = true;
                        continue;
                    }
                },
            };
            self.main = Some(Input { reader, child: None });
            self.globals[FILENAME] = Cell::Value(Value::text(&operand));
            self.globals[FNR] = Cell::Value(Value::Number(0.0));
            return Ok(true);
        }
    }

    fn read_record(&mut self, reader: &mut Box<dyn BufRead>) -> Ran<Option<Rc<str>>> {
        let separator = self.text_of_global(RS);
        let failed = |error: io::Error| format!("read error ({})", uucore::error::strip_errno(&error));
        let mut letters = separator.chars();
        let (first, second) = (letters.next(), letters.next());
        // Most records are in the buffer already.
        if let (Some(one), None) = (first, second)
            && one.is_ascii()
        {
            let there = reader.fill_buf().map_err(failed)?;
            if let Some(end) = memchr::memchr(one as u8, there) {
                let text = shared(&there[..end]);
                reader.consume(end + 1);
                self.set_ended_by(&separator);
                return Ok(Some(text));
            }
        }
        let mut bytes = vec![];
        let mut ended = String::new();
        match (first, second) {
            (None, _) => {
                // Paragraphs: blank lines before are left out.
                loop {
                    let mut line = vec![];
                    if reader.read_until(b'\n', &mut line).map_err(failed)? == 0 {
                        break;
                    }
                    if line == b"\n" {
                        if bytes.is_empty() {
                            continue;
                        }
                        break;
                    }
                    bytes.extend(line);
                }
                if bytes.is_empty() {
                    return Ok(None);
                }
                if bytes.last() == Some(&b'\n') {
                    bytes.pop();
                }
            }
            (Some(one), None) if one.is_ascii() => {
                if reader.read_until(one as u8, &mut bytes).map_err(failed)? == 0 {
                    return Ok(None);
                }
                if bytes.last() == Some(&(one as u8)) {
                    bytes.pop();
                    ended.push(one);
                }
            }
            _ => {
                // An expression may match anywhere: all that is left is looked at.
                let mut rest = vec![];
                reader.read_to_end(&mut rest).map_err(failed)?;
                if rest.is_empty() {
                    return Ok(None);
                }
                let text = decode(rest);
                let pattern = self.pattern(&separator)?;
                let found = pattern
                    .find_iter(&text)
                    .find(|found| !found.is_empty())
                    .map(|found| (found.start(), found.end()));
                let (end, next) = found.unwrap_or((text.len(), text.len()));
                ended.push_str(&text[end..next]);
                bytes.extend(&*encode(&text[..end]));
                *reader = Box::new(io::Cursor::new(encode(&text[next..]).into_owned()));
            }
        }
        self.set_ended_by(&ended);
        Ok(Some(shared(&bytes)))
    }

    fn set_ended_by(&mut self, text: &str) {
        if !matches!(&self.globals[RT], Cell::Value(Value::Text(known)) if **known == *text) {
            self.globals[RT] = Cell::Value(Value::text(text));
        }
    }

    fn set_record(&mut self, text: Rc<str>) {
        self.record = text;
        self.is_split = false;
    }

    fn split_record(&mut self) -> Ran<()> {
        if self.is_split {
            return Ok(());
        }
        let separator = self.text_of_global(FS);
        let by_line = self.text_of_global(RS).is_empty();
        self.source = self.record.clone();
        let mut fields = std::mem::take(&mut self.fields);
        fields.clear();
        let record = self.record.clone();
        let outcome =
            self.split(&record, &separator, by_line, |start, end| fields.push(Field::Span(start, end)));
        self.fields = fields;
        outcome?;
        self.globals[NF] = Cell::Value(Value::Number(self.fields.len() as f64));
        self.is_split = true;
        Ok(())
    }

    /// Gives the beginnings and ends of the parts of a text.
    fn split(
        &mut self,
        text: &str,
        separator: &str,
        by_line: bool,
        mut part: impl FnMut(usize, usize),
    ) -> Ran<()> {
        if text.is_empty() {
            return Ok(());
        }
        let mut letters = separator.chars();
        let mut start = 0;
        match (letters.next(), letters.next()) {
            (None, _) => text.char_indices().for_each(|(at, letter)| part(at, at + letter.len_utf8())),
            (Some(' '), None) => {
                let mut is_in = false;
                for (at, byte) in text.bytes().enumerate() {
                    let is_outside = is_blank(byte);
                    if is_in && is_outside {
                        part(start, at);
                    } else if !is_in && !is_outside {
                        start = at;
                    }
                    is_in = !is_outside;
                }
                if is_in {
                    part(start, text.len());
                }
            }
            (Some(one), None) if one != '\\' && one.is_ascii() && !by_line => {
                for at in memchr::memchr_iter(one as u8, text.as_bytes()) {
                    part(start, at);
                    start = at + 1;
                }
                part(start, text.len());
            }
            (Some(one), None) if one != '\\' => {
                for (at, found) in text.match_indices(|letter| letter == one || by_line && letter == '\n') {
                    part(start, at);
                    start = at + found.len();
                }
                part(start, text.len());
            }
            _ => {
                // Ends of lines separate beside one letter only, as gawk has it.
                let pattern = self.pattern(separator)?;
                for found in pattern.find_iter(text).filter(|found| !found.is_empty()) {
                    part(start, found.start());
                    start = found.end();
                }
                part(start, text.len());
            }
        }
        Ok(())
    }

    /// Makes the record of its fields, one of which was changed.
    fn rebuild(&mut self) {
        let separator = self.text_of_global(OFS);
        let mut record = String::with_capacity(self.record.len() + separator.len());
        for (at, field) in self.fields.iter().enumerate() {
            if at > 0 {
                record.push_str(&separator);
            }
            match field {
                Field::Span(start, end) => record.push_str(&self.source[*start..*end]),
                Field::Value(value) => record.push_str(&self.text(value)),
            }
        }
        self.record = record.into();
    }

    /// Where one of the first fields stands in a record that is not split, where that is easy to tell.
    fn span_of(&self, at: usize) -> Option<(usize, usize)> {
        if self.is_split || at > MAX_FOUND {
            return None;
        }
        let (Cell::Value(Value::Text(separator)), Cell::Value(Value::Text(end))) =
            (&self.globals[FS], &self.globals[RS])
        else {
            return None;
        };
        let bytes = self.record.as_bytes();
        let mut start = 0;
        match (separator.as_bytes(), end.is_empty()) {
            (b" ", _) => {
                for number in 1..=at {
                    start += bytes[start..].iter().position(|byte| !is_blank(*byte))?;
                    let rest = &bytes[start..];
                    let length = rest.iter().position(|byte| is_blank(*byte)).unwrap_or(rest.len());
                    if number == at {
                        return Some((start, start + length));
                    }
                    start += length;
                }
                None
            }
            ([one], false) if *one != b'\\' && one.is_ascii() && !bytes.is_empty() => {
                for _ in 1..at {
                    start += memchr::memchr(*one, &bytes[start..])? + 1;
                }
                Some((start, memchr::memchr(*one, &bytes[start..]).map_or(bytes.len(), |end| start + end)))
            }
            _ => None,
        }
    }

    fn field(&mut self, at: usize) -> Ran<Value> {
        if at == 0 {
            return Ok(Value::outside(self.record.clone()));
        }
        if let Some((start, end)) = self.span_of(at) {
            return Ok(Value::outside(&self.record[start..end]));
        }
        self.split_record()?;
        // A field that is not there is an empty text, and no number.
        let Some(field) = self.fields.get_mut(at - 1) else { return Ok(Value::text("")) };
        Ok(match field {
            Field::Value(value) => value.clone(),
            Field::Span(start, end) => {
                let value = Value::outside(&self.source[*start..*end]);
                *field = Field::Value(value.clone());
                value
            }
        })
    }

    /// Adds the text of a field, if that is what the expression is and there is no more to do for it.
    fn add_field(&mut self, value: &Expr, line: &mut String) -> Ran<bool> {
        let Expr::Value(target) = value else { return Ok(false) };
        let Target::Field(number) = &**target else { return Ok(false) };
        let Expr::Number(at) = **number else { return Ok(false) };
        if at < 1.0 {
            return Ok(false);
        }
        if let Some((start, end)) = self.span_of(at as usize) {
            line.push_str(&self.record[start..end]);
            return Ok(true);
        }
        self.split_record()?;
        match self.fields.get(at as usize - 1) {
            Some(Field::Span(start, end)) => line.push_str(&self.source[*start..*end]),
            Some(Field::Value(Value::Text(text) | Value::Both(text, _))) => line.push_str(text),
            Some(Field::Value(_)) => return Ok(false),
            None => {}
        }
        Ok(true)
    }

    fn set_field(&mut self, at: usize, value: Value) -> Ran<()> {
        if at == 0 {
            let text = self.text(&value);
            self.set_record(text);
            return Ok(());
        }
        if at > 1 << 20 {
            return Err(format!("field number {at} is too large"));
        }
        self.split_record()?;
        if at > self.fields.len() {
            self.fields.resize_with(at, || Field::Value(Value::Unset))
        }
        let text = self.text(&value);
        self.fields[at - 1] = Field::Value(match value {
            Value::Both(..) => value,
            _ => Value::Text(text),
        });
        self.globals[NF] = Cell::Value(Value::Number(self.fields.len() as f64));
        self.rebuild();
        Ok(())
    }

    // ---- variables ----

    fn global(&self, at: usize) -> Value {
        match &self.globals[at] {
            Cell::Value(value) => value.clone(),
            Cell::Array(_) => Value::Unset,
        }
    }

    fn text_of_global(&self, at: usize) -> Rc<str> {
        match &self.globals[at] {
            Cell::Value(Value::Text(text) | Value::Both(text, _)) => text.clone(),
            Cell::Value(Value::Number(number)) => number_text(*number, "%.6g").into(),
            _ => "".into(),
        }
    }

    fn set_global(&mut self, at: usize, value: Value) {
        if at == NF {
            let _ = self.split_record();
            let count = value.number().clamp(0.0, f64::from(1 << 20)) as usize;
            self.fields.resize_with(count, || Field::Value(Value::Unset));
            self.globals[NF] = Cell::Value(Value::Number(count as f64));
            self.rebuild();
            return;
        }
        // The record that is there is split as it was read.
        if at == FS {
            let _ = self.split_record();
        }
        if !matches!(self.globals[at], Cell::Array(_)) {
            self.globals[at] = Cell::Value(value)
        }
    }

    fn cell(&mut self, place: Place) -> Option<&mut Cell> {
        match place {
            Place::Global(at) => self.globals.get_mut(at),
            Place::Local(at) => self.frames.last_mut()?.get_mut(at),
        }
    }

    fn get_place(&mut self, place: Place) -> Ran<Value> {
        if place == Place::Global(NF) {
            self.split_record()?
        }
        match self.cell(place) {
            Some(Cell::Value(value)) => Ok(value.clone()),
            Some(Cell::Array(_)) => {
                Err(format!("attempt to use array `{}' in a scalar context", self.name(place)))
            }
            None => Ok(Value::Unset),
        }
    }

    fn set_place(&mut self, place: Place, value: Value) {
        match place {
            Place::Global(at) => self.set_global(at, value),
            Place::Local(_) => {
                if let Some(cell) = self.cell(place) {
                    *cell = Cell::Value(value)
                }
            }
        }
    }

    fn name(&self, place: Place) -> String {
        match place {
            Place::Global(at) => self
                .program
                .globals
                .iter()
                .find(|(_, known)| **known == at)
                .map_or_else(String::new, |(name, _)| name.clone()),
            Place::Local(at) => format!("parameter {}", at + 1),
        }
    }

    fn array(&mut self, place: Place) -> Ran<Array> {
        match self.cell(place) {
            Some(Cell::Array(array)) => return Ok(array.clone()),
            Some(cell @ Cell::Value(Value::Unset)) => {
                let array = Array::default();
                *cell = Cell::Array(array.clone());
                return Ok(array);
            }
            _ => {}
        }
        Err(format!("attempt to use scalar `{}' as an array", self.name(place)))
    }

    fn key(&mut self, index: &[Expr]) -> Ran<Rc<str>> {
        if let [one] = index {
            let value = self.eval(one)?;
            return Ok(self.text(&value));
        }
        let mut parts = vec![];
        for part in index {
            let value = self.eval(part)?;
            parts.push(self.text(&value));
        }
        Ok(parts.join(&*self.text_of_global(SUBSEP)).into())
    }

    fn text(&self, value: &Value) -> Rc<str> {
        match value {
            Value::Unset => "".into(),
            Value::Text(text) | Value::Both(text, _) => text.clone(),
            Value::Number(number) => {
                if let Some(whole) = super::text::as_whole(*number) {
                    return itoa::Buffer::new().format(whole).into();
                }
                number_text(*number, &self.text_of_global(CONVFMT)).into()
            }
        }
    }

    /// The number that an expression is; the same as that of its value.
    fn number(&mut self, value: &Expr) -> Ran<f64> {
        Ok(match value {
            Expr::Number(number) => *number,
            Expr::Group(inner) => self.number(inner)?,
            Expr::Math(operator, left, right) => {
                let left = self.number(left)?;
                math(operator, left, self.number(right)?)?
            }
            Expr::Minus(value) => -self.number(value)?,
            Expr::Step(..) => self.step(value)?,
            Expr::Assign(target, Some(operator), value) => {
                let right = self.number(value)?;
                self.change(target, |left| math(operator, left, right))?.1
            }
            other => match self.known_number(other) {
                Some(number) => number,
                None => self.eval(other)?.number(),
            },
        })
    }

    /// The number that an expression is without anything to do for it.
    fn known_number(&mut self, value: &Expr) -> Option<f64> {
        match value {
            Expr::Number(number) => Some(*number),
            Expr::Value(target) => match **target {
                Target::Variable(place) if place != Place::Global(NF) => match self.cell(place) {
                    Some(Cell::Value(Value::Number(number))) => Some(*number),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        }
    }

    /// Changes a number by what it was, and gives both.
    fn change(&mut self, target: &Target, how: impl FnOnce(f64) -> Ran<f64>) -> Ran<(f64, f64)> {
        match target {
            Target::Element(place, index) => {
                let mut text = std::mem::take(&mut self.line);
                text.clear();
                if let [one] = &index[..]
                    && self.add_field(one, &mut text)?
                {
                    let array = self.array(*place)?;
                    let changed = array.borrow_mut().change(text.as_str(), how);
                    self.line = text;
                    return changed;
                }
                self.line = text;
                let key = self.key(index)?;
                let array = self.array(*place)?;
                let mut array = array.borrow_mut();
                array.change(key, how)
            }
            Target::Variable(place) => {
                if *place != Place::Global(NF)
                    && *place != Place::Global(FS)
                    && let Some(Cell::Value(value)) = self.cell(*place)
                {
                    let old = value.number();
                    let new = how(old)?;
                    *value = Value::Number(new);
                    return Ok((old, new));
                }
                let old = self.get(target)?.number();
                let new = how(old)?;
                self.set(target, Value::Number(new))?;
                Ok((old, new))
            }
            Target::Field(number) => {
                let at = self.field_number(number)?;
                let old = self.field(at)?.number();
                let new = how(old)?;
                self.set_field(at, Value::Number(new))?;
                Ok((old, new))
            }
        }
    }

    fn step(&mut self, value: &Expr) -> Ran<f64> {
        let Expr::Step(is_before, by, target) = value else { return Ok(0.0) };
        let (old, new) = self.change(target, |old| Ok(old + by))?;
        Ok(if *is_before { new } else { old })
    }

    fn get(&mut self, target: &Target) -> Ran<Value> {
        match target {
            Target::Variable(place) => self.get_place(*place),
            Target::Element(place, index) => {
                let key = self.key(index)?;
                let array = self.array(*place)?;
                let mut array = array.borrow_mut();
                match array.values.get(&key) {
                    Some((_, value)) => Ok(value.clone()),
                    // To be asked for makes it.
                    None => {
                        array.set(key, Value::Unset);
                        Ok(Value::Unset)
                    }
                }
            }
            Target::Field(number) => {
                let at = self.field_number(number)?;
                self.field(at)
            }
        }
    }

    fn field_number(&mut self, number: &Expr) -> Ran<usize> {
        let at = self.number(number)?;
        if at < 0.0 {
            return Err(format!("attempt to access field {at}"));
        }
        Ok(at as usize)
    }

    fn set(&mut self, target: &Target, value: Value) -> Ran<()> {
        match target {
            Target::Variable(place) => {
                if let Some(Cell::Array(_)) = self.cell(*place) {
                    return Err(format!("attempt to use array `{}' in a scalar context", self.name(*place)));
                }
                self.set_place(*place, value);
            }
            Target::Element(place, index) => {
                let key = self.key(index)?;
                self.array(*place)?.borrow_mut().set(key, value);
            }
            Target::Field(number) => {
                let at = self.field_number(number)?;
                self.set_field(at, value)?;
            }
        }
        Ok(())
    }

    // ---- expressions ----

    fn pattern(&mut self, text: &str) -> Ran<Rc<Regex>> {
        if let Some(known) = self.patterns.get(text) {
            return Ok(known.clone());
        }
        let made = Rc::new(expression(text).map_err(|why| format!("in /{text}/: {why}"))?);
        if self.patterns.len() > 500 {
            self.patterns.clear()
        }
        self.patterns.insert(text.to_owned(), made.clone());
        Ok(made)
    }

    /// What an expression means where a pattern is meant.
    fn as_pattern(&mut self, value: &Expr) -> Ran<Rc<Regex>> {
        if let Expr::Pattern(pattern) = value {
            return Ok(pattern.clone());
        }
        let value = self.eval(value)?;
        let text = self.text(&value);
        self.pattern(&text)
    }

    fn eval(&mut self, value: &Expr) -> Ran<Value> {
        let truth = |is: bool| Value::Number(f64::from(u8::from(is)));
        Ok(match value {
            Expr::Number(number) => Value::Number(*number),
            Expr::Text(text) => Value::Text(text.clone()),
            Expr::Pattern(pattern) => truth(pattern.is_match(&self.record)),
            Expr::Value(target) => self.get(target)?,
            Expr::Group(inner) => self.eval(inner)?,
            Expr::List(values) => Value::Text(self.key(values)?),
            Expr::Assign(target, None, value) => {
                let value = self.eval(value)?;
                self.set(target, value.clone())?;
                value
            }
            Expr::Assign(target, Some(operator), value) => {
                let right = self.number(value)?;
                Value::Number(self.change(target, |left| math(operator, left, right))?.1)
            }
            Expr::Choice(condition, one, other) => {
                if self.eval(condition)?.is_true() {
                    self.eval(one)?
                } else {
                    self.eval(other)?
                }
            }
            Expr::And(left, right) => truth(self.eval(left)?.is_true() && self.eval(right)?.is_true()),
            Expr::Or(left, right) => truth(self.eval(left)?.is_true() || self.eval(right)?.is_true()),
            Expr::Not(value) => truth(!self.eval(value)?.is_true()),
            Expr::Minus(value) => Value::Number(-self.number(value)?),
            Expr::Plus(value) => Value::Number(self.number(value)?),
            Expr::Math(operator, left, right) => {
                let left = self.number(left)?;
                let right = self.number(right)?;
                Value::Number(math(operator, left, right)?)
            }
            Expr::Compare(operator, left, right) => {
                let numbers = (self.known_number(left), self.known_number(right));
                let (left, right) = match numbers {
                    (Some(left), Some(right)) => (Value::Number(left), Value::Number(right)),
                    _ => (self.eval(left)?, self.eval(right)?),
                };
                let order = if matches!(left, Value::Text(_)) || matches!(right, Value::Text(_)) {
                    Some(self.text(&left).cmp(&self.text(&right)))
                } else {
                    left.number().partial_cmp(&right.number())
                };
                truth(match *operator {
                    "<" => order == Some(Ordering::Less),
                    "<=" => matches!(order, Some(Ordering::Less | Ordering::Equal)),
                    "==" => order == Some(Ordering::Equal),
                    "!=" => order != Some(Ordering::Equal),
                    ">" => order == Some(Ordering::Greater),
                    _ => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
                })
            }
            Expr::Match(is_not, text, pattern) => {
                let text = self.eval(text)?;
                let text = self.text(&text);
                truth(self.as_pattern(pattern)?.is_match(&text) != *is_not)
            }
            Expr::Join(left, right) => {
                let left = self.eval(left)?;
                let left = self.text(&left);
                let right = self.eval(right)?;
                Value::Text([&*left, &*self.text(&right)].concat().into())
            }
            Expr::In(index, place) => {
                let key = self.key(index)?;
                truth(self.array(*place)?.borrow().values.contains_key(&key))
            }
            Expr::Step(..) => Value::Number(self.step(value)?),
            Expr::BuiltIn(name, arguments) => self.built_in(name, arguments)?,
            Expr::Call(at, arguments) => self.call(*at, arguments)?,
            Expr::Getline(source, target) => self.getline(source, target.as_deref())?,
        })
    }

    fn call(&mut self, at: usize, arguments: &[Expr]) -> Ran<Value> {
        let program = self.program;
        let function = &program.functions[at];
        if arguments.len() > function.parameters {
            return Err(format!("function `{}' called with more arguments than declared", function.name));
        }
        if self.frames.len() >= DEPTH {
            return Err(format!("function `{}' calls itself too deep", function.name));
        }
        let mut frame = vec![];
        for (at, is_array) in function.arrays.iter().enumerate() {
            frame.push(match arguments.get(at) {
                Some(Expr::Value(target)) if *is_array && matches!(**target, Target::Variable(_)) => {
                    let Target::Variable(place) = **target else { continue };
                    Cell::Array(self.array(place)?)
                }
                Some(argument) => Cell::Value(self.eval(argument)?),
                None => Cell::Value(Value::Unset),
            });
        }
        self.frames.push(frame);
        let flow = self.block(&function.body);
        self.frames.pop();
        match flow? {
            Flow::Return(value) => Ok(value),
            Flow::Exit => Err(super::EXIT.into()),
            _ => Ok(Value::Unset),
        }
    }

    fn getline(&mut self, source: &Source, target: Option<&Target>) -> Ran<Value> {
        let read = match source {
            Source::Main => self.read_main()?,
            Source::File(name) | Source::Command(name) => {
                let name = self.eval(name)?;
                let name = self.text(&name).to_string();
                if !self.inputs.contains_key(&name) {
                    let input = if matches!(source, Source::Command(_)) {
                        self.flush();
                        let (reader, writer) =
                            descriptors::pipe().map_err(|errno| errno.name().to_owned())?;
                        let child = shell(&name, &[(1, &writer)])?;
                        drop(writer);
                        Input {
                            reader: Box::new(BufReader::with_capacity(BUFFER, Stream(reader))),
                            child: Some(child),
                        }
                    } else {
                        // What was written there is to be read.
                        self.flush();
                        let reader: Box<dyn BufRead> = match name.as_str() {
                            "-" | "/dev/stdin" => Box::new(BufReader::with_capacity(BUFFER, io::stdin())),
                            name => match File::open(name) {
                                Ok(file) => Box::new(BufReader::with_capacity(BUFFER, file)),
                                Err(_) => return Ok(Value::Number(-1.0)),
                            },
                        };
                        Input { reader, child: None }
                    };
                    self.inputs.insert(name.clone(), input);
                }
                let Some(mut input) = self.inputs.remove(&name) else { return Ok(Value::Number(-1.0)) };
                let read = self.read_record(&mut input.reader);
                self.inputs.insert(name, input);
                let Ok(read) = read else { return Ok(Value::Number(-1.0)) };
                if read.is_some() && matches!(source, Source::Command(_)) {
                    let number = self.global(NR).number() + 1.0;
                    self.globals[NR] = Cell::Value(Value::Number(number));
                }
                read
            }
        };
        let Some(text) = read else { return Ok(Value::Number(0.0)) };
        match target {
            Some(target) => self.set(target, Value::outside(text))?,
            None => self.set_record(text),
        }
        Ok(Value::Number(1.0))
    }

    fn built_in(&mut self, name: &str, arguments: &[Expr]) -> Ran<Value> {
        let few = || Err(format!("not enough arguments to {name}"));
        // Those that look at an argument as it stands.
        match name {
            "length" => {
                let Some(argument) = arguments.first() else {
                    return Ok(Value::Number(self.record.chars().count() as f64));
                };
                if let Expr::Value(target) = argument
                    && let Target::Variable(place) = **target
                    && let Some(Cell::Array(array)) = self.cell(place)
                {
                    let count = array.borrow().values.len();
                    return Ok(Value::Number(count as f64));
                }
                let value = self.eval(argument)?;
                return Ok(Value::Number(self.text(&value).chars().count() as f64));
            }
            "sprintf" => return Ok(Value::text(self.format(arguments)?)),
            "split" => return self.split_into(arguments),
            "sub" | "gsub" => return self.substitute(name == "gsub", arguments),
            "match" => return self.find(arguments),
            "gensub" => return self.general_substitute(arguments),
            "asort" | "asorti" => return self.sort(name == "asorti", arguments),
            _ => {}
        }
        let mut values = Vec::with_capacity(arguments.len());
        for argument in arguments {
            values.push(self.eval(argument)?)
        }
        let number = |at: usize| values.get(at).map_or(0.0, Value::number);
        let Some(first) = values.first() else {
            return Ok(match name {
                "rand" => {
                    self.random ^= self.random << 13;
                    self.random ^= self.random >> 7;
                    self.random ^= self.random << 17;
                    Value::Number((self.random >> 11) as f64 / (1u64 << 53) as f64)
                }
                "srand" => self.seed_with(now()),
                "systime" => Value::Number(now()),
                "fflush" => {
                    self.flush();
                    Value::Number(0.0)
                }
                _ => return few(),
            });
        };
        Ok(match name {
            "substr" => {
                if values.len() < 2 {
                    return few();
                }
                let text = self.text(first);
                // What is before the text counts as its beginning, as gawk has it.
                let begin = number(1).round().max(1.0);
                let end = values.get(2).map_or(f64::INFINITY, |length| begin + length.number().round());
                // Places are counted from 1; the first that counts, and the first that does not any more.
                let place = |number: f64| (number.ceil() - 1.0).max(0.0) as usize;
                let (first, last) = (place(begin), if end > begin { place(end) } else { 0 });
                let mut places = text.char_indices().map(|(at, _)| at);
                let byte = |from: usize| if text.is_ascii() { Some(from) } else { None };
                let start = byte(first).or_else(|| places.nth(first)).unwrap_or(text.len()).min(text.len());
                let stop = match last.checked_sub(first) {
                    None | Some(0) => start,
                    Some(count) => byte(last)
                        .or_else(|| text[start..].char_indices().nth(count).map(|(at, _)| start + at))
                        .unwrap_or(text.len())
                        .min(text.len()),
                };
                Value::text(&text[start..stop])
            }
            "index" => {
                let (text, part) =
                    (self.text(first), values.get(1).map_or("".into(), |part| self.text(part)));
                Value::Number(text.find(&*part).map_or(0.0, |at| text[..at].chars().count() as f64 + 1.0))
            }
            "tolower" => match self.text(first) {
                text if text.is_ascii() => Value::text(text.to_ascii_lowercase()),
                text => Value::text(text.to_lowercase()),
            },
            "toupper" => match self.text(first) {
                text if text.is_ascii() => Value::text(text.to_ascii_uppercase()),
                text => Value::text(text.to_uppercase()),
            },
            "int" => Value::Number(number(0).trunc()),
            "sqrt" => Value::Number(number(0).sqrt()),
            "exp" => Value::Number(number(0).exp()),
            "log" => Value::Number(number(0).ln()),
            "sin" => Value::Number(number(0).sin()),
            "cos" => Value::Number(number(0).cos()),
            "atan2" => Value::Number(number(0).atan2(number(1))),
            "srand" => self.seed_with(number(0)),
            "and" | "or" | "xor" => {
                let mut bits = values.iter().map(|value| value.number() as u64);
                let first = bits.next().unwrap_or(0);
                let all = bits.fold(first, |all, more| match name {
                    "and" => all & more,
                    "or" => all | more,
                    _ => all ^ more,
                });
                Value::Number(all as f64)
            }
            "lshift" => Value::Number((number(0) as u64).checked_shl(number(1) as u32).unwrap_or(0) as f64),
            "rshift" => Value::Number((number(0) as u64).checked_shr(number(1) as u32).unwrap_or(0) as f64),
            "compl" => Value::Number((!(number(0) as u64) & ((1 << 53) - 1)) as f64),
            "strtonum" => {
                let text = self.text(first);
                let digits = text.trim();
                let hex = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
                Value::Number(match hex {
                    Some(hex) => u64::from_str_radix(hex, 16).map_or(0.0, |number| number as f64),
                    None if digits.len() > 1
                        && digits.starts_with('0')
                        && digits.bytes().all(|digit| digit.is_ascii_digit()) =>
                    {
                        u64::from_str_radix(digits, 8)
                            .map_or_else(|_| leading_number(digits).0, |number| number as f64)
                    }
                    None => leading_number(digits).0,
                })
            }
            "system" => {
                self.flush();
                let command = self.text(first);
                let child = shell(&command, &[])?;
                Value::Number(status_of(&child))
            }
            "close" => {
                let name = self.text(first);
                Value::Number(self.close(&name))
            }
            "fflush" => {
                self.flush();
                Value::Number(0.0)
            }
            _ => return Err(format!("function {name} is not supported here")),
        })
    }

    fn seed_with(&mut self, seed: f64) -> Value {
        let before = std::mem::replace(&mut self.seed, seed);
        self.random = (seed.to_bits() ^ 0x9e37_79b9_7f4a_7c15) | 1;
        Value::Number(before)
    }

    fn array_of(&mut self, argument: Option<&Expr>) -> Ran<Option<Array>> {
        match argument {
            None => Ok(None),
            Some(Expr::Value(target)) if matches!(**target, Target::Variable(_)) => {
                let Target::Variable(place) = **target else { return Ok(None) };
                self.array(place).map(Some)
            }
            Some(_) => Err("an argument is no array".into()),
        }
    }

    fn split_into(&mut self, arguments: &[Expr]) -> Ran<Value> {
        let Some(text) = arguments.first() else { return Err("not enough arguments to split".into()) };
        let text = self.eval(text)?;
        let text = self.text(&text);
        let Some(array) = self.array_of(arguments.get(1))? else {
            return Err("not enough arguments to split".into());
        };
        let mut parts = vec![];
        match arguments.get(2) {
            None => {
                let separator = self.text_of_global(FS);
                self.split(&text, &separator, false, |start, end| parts.push((start, end)))?;
            }
            Some(Expr::Pattern(pattern)) if pattern.as_str() == EMPTY => {
                self.split(&text, "", false, |start, end| parts.push((start, end)))?;
            }
            Some(Expr::Pattern(pattern)) if !text.is_empty() => {
                let mut at = 0;
                for found in pattern.find_iter(&text).filter(|found| !found.is_empty()) {
                    parts.push((at, found.start()));
                    at = found.end();
                }
                parts.push((at, text.len()));
            }
            Some(Expr::Pattern(_)) => {}
            Some(separator) => {
                let separator = self.eval(separator)?;
                let separator = self.text(&separator);
                self.split(&text, &separator, false, |start, end| parts.push((start, end)))?;
            }
        }
        let mut array = array.borrow_mut();
        array.values.clear();
        for (at, (start, end)) in parts.iter().enumerate() {
            array.set(itoa::Buffer::new().format(at + 1).into(), Value::outside(&text[*start..*end]))
        }
        Ok(Value::Number(parts.len() as f64))
    }

    fn find(&mut self, arguments: &[Expr]) -> Ran<Value> {
        let [text, pattern, ..] = arguments else { return Err("not enough arguments to match".into()) };
        let text = self.eval(text)?;
        let text = self.text(&text);
        let pattern = self.as_pattern(pattern)?;
        let array = self.array_of(arguments.get(2))?;
        if let Some(array) = &array {
            array.borrow_mut().values.clear()
        }
        let (start, length) = match pattern.captures(&text) {
            None => (0.0, -1.0),
            Some(found) => {
                if let Some(array) = &array {
                    for (at, part) in found.iter().enumerate() {
                        if let Some(part) = part {
                            array.borrow_mut().set(at.to_string().into(), Value::outside(part.as_str()))
                        }
                    }
                }
                let (begin, end) = found.get(0).map_or((0, 0), |whole| (whole.start(), whole.end()));
                (text[..begin].chars().count() as f64 + 1.0, text[begin..end].chars().count() as f64)
            }
        };
        self.globals[RSTART] = Cell::Value(Value::Number(start));
        self.globals[RLENGTH] = Cell::Value(Value::Number(length));
        Ok(Value::Number(start))
    }

    fn substitute(&mut self, is_global: bool, arguments: &[Expr]) -> Ran<Value> {
        let [pattern, with, ..] = arguments else { return Err("not enough arguments to sub".into()) };
        let pattern = self.as_pattern(pattern)?;
        let with = self.eval(with)?;
        let with = self.text(&with);
        let target = match arguments.get(2) {
            None => None,
            Some(Expr::Value(target)) => Some(&**target),
            Some(other) => {
                self.eval(other)?;
                return Ok(Value::Number(0.0));
            }
        };
        let text = match target {
            Some(target) => {
                let value = self.get(target)?;
                self.text(&value)
            }
            None => self.record.clone(),
        };
        let is_plain = !with.contains(['\\', '&']);
        let (mut out, mut at, mut ended, mut count) = (String::new(), 0, None, 0);
        for found in pattern.find_iter(&text) {
            if found.is_empty() && ended == Some(found.start()) {
                continue;
            }
            count += 1;
            out.push_str(&text[at..found.start()]);
            at = found.end();
            ended = Some(at);
            if is_plain {
                out.push_str(&with);
            } else {
                add_replacement(&with, found.as_str(), &mut out);
            }
            if !is_global {
                break;
            }
        }
        out.push_str(&text[at..]);
        if count > 0 {
            match target {
                Some(target) => self.set(target, Value::text(out))?,
                None => self.set_record(out.into()),
            }
        }
        Ok(Value::Number(f64::from(count)))
    }

    fn general_substitute(&mut self, arguments: &[Expr]) -> Ran<Value> {
        let [pattern, with, how, ..] = arguments else { return Err("not enough arguments to gensub".into()) };
        let pattern = self.as_pattern(pattern)?;
        let mut texts = vec![];
        for value in [Some(with), Some(how), arguments.get(3)] {
            let value = match value {
                Some(value) => self.eval(value)?,
                None => Value::Text(self.record.clone()),
            };
            texts.push(self.text(&value));
        }
        let is_global = texts[1].starts_with(['g', 'G']);
        let wanted = leading_number(&texts[1]).0.max(1.0) as i32;
        let with = texts[0].clone();
        let mut count = 0;
        Ok(Value::text(replaced(
            &pattern,
            &texts[2],
            |_| {
                count += 1;
                is_global || count == wanted
            },
            |found, out| {
                let mut letters = with.chars();
                while let Some(letter) = letters.next() {
                    match letter {
                        '\\' => match letters.next() {
                            Some(digit) if digit.is_ascii_digit() => {
                                let at = digit.to_digit(10).unwrap_or(0) as usize;
                                out.push_str(found.get(at).map_or("", |part| part.as_str()));
                            }
                            // At the end it stands for itself.
                            other => out.push(other.unwrap_or('\\')),
                        },
                        '&' => out.push_str(&found[0]),
                        other => out.push(other),
                    }
                }
            },
        )))
    }

    fn sort(&mut self, by_key: bool, arguments: &[Expr]) -> Ran<Value> {
        let Some(source) = self.array_of(arguments.first())? else {
            return Err("not enough arguments to asort".into());
        };
        let target = self.array_of(arguments.get(1))?.unwrap_or_else(|| source.clone());
        let mut values: Vec<Value> = source
            .borrow()
            .in_order()
            .into_iter()
            .map(|(key, value)| if by_key { Value::Text(key) } else { value })
            .collect();
        values.sort_by(|one, other| match (one, other) {
            (Value::Text(one), Value::Text(other)) => one.cmp(other),
            (Value::Text(_), _) => Ordering::Greater,
            (_, Value::Text(_)) => Ordering::Less,
            _ => one.number().total_cmp(&other.number()),
        });
        let mut target = target.borrow_mut();
        target.values.clear();
        let count = values.len();
        for (at, value) in values.into_iter().enumerate() {
            target.set((at + 1).to_string().into(), value)
        }
        Ok(Value::Number(count as f64))
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n')
}

/// Text from outside.
fn shared(bytes: &[u8]) -> Rc<str> {
    Rc::from(decoded(bytes))
}

/// What takes the place of what was found: `&` stands for that.
fn add_replacement(with: &str, found: &str, out: &mut String) {
    let mut letters = with.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if letters.next_if_eq(&'&').is_some() => out.push('&'),
            '\\' if letters.peek() == Some(&'\\') => {
                letters.next();
                out.push('\\')
            }
            '&' => out.push_str(found),
            other => out.push(other),
        }
    }
}

/// An `exit` in a function is one of the rule.
fn whole(flow: Ran<Flow>) -> Ran<Flow> {
    match flow {
        Err(message) if message == super::EXIT => Ok(Flow::Exit),
        flow => flow,
    }
}

/// Replaces matches that are chosen, the empty ones only where no match has just ended.
fn replaced(
    pattern: &Regex,
    text: &str,
    mut is_chosen: impl FnMut(&regex::Captures) -> bool,
    mut put: impl FnMut(&regex::Captures, &mut String),
) -> String {
    let mut out = String::new();
    let mut at = 0;
    let mut ended = None;
    for found in pattern.captures_iter(text) {
        let Some(whole) = found.get(0) else { continue };
        if whole.is_empty() && ended == Some(whole.start()) {
            continue;
        }
        if !is_chosen(&found) {
            continue;
        }
        out.push_str(&text[at..whole.start()]);
        put(&found, &mut out);
        at = whole.end();
        ended = Some(at);
    }
    out.push_str(&text[at..]);
    out
}

fn math(operator: &str, left: f64, right: f64) -> Ran<f64> {
    Ok(match operator {
        "+" => left + right,
        "-" => left - right,
        "*" => left * right,
        "/" if right == 0.0 => return Err("division by zero".into()),
        "/" => left / right,
        "%" if right == 0.0 => return Err("division by zero in %".into()),
        "%" => left % right,
        _ => left.powf(right),
    })
}

fn now() -> f64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs() as f64)
}

const _: () = assert!(KNOWN.len() == RT + 1);
