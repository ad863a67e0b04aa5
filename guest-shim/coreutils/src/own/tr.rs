//! `tr` by blocks: what it does to a byte is the same wherever that stands, but for what it squeezes. Sets of plain
//! characters, ranges, classes and backslashes are here; whatever else there is to them, and all that is wrong, is uutils'.

use std::ffi::OsString;
use std::io::{self, Write};

use cordon_multicall::say;
use cordon_multicall::stream::{self, CHUNK, Output};

use super::reason;

pub fn main(args: std::vec::IntoIter<OsString>) -> i32 {
    let change = request(args.as_slice());
    match change.filter(|_| !uucore::fs::is_stdin_directory(&io::stdin())) {
        Some(change) => run(&change),
        None => uu_tr::uumain(args),
    }
}

/// What happens to each byte, in this order.
struct Change {
    deletes: [bool; 256],
    becomes: [u8; 256],
    /// Of those that come out, a repetition is left out.
    squeezes: [bool; 256],
}

/// None for what is not as simple as that.
fn request(args: &[OsString]) -> Option<Change> {
    let (mut complement, mut delete, mut squeeze) = (false, false, false);
    let mut words = args.get(1..)?.iter().map(|word| word.as_encoded_bytes()).peekable();
    while let Some([b'-', letters @ ..]) = words.peek().filter(|word| word.len() > 1) {
        for letter in letters.iter() {
            match letter {
                b'c' | b'C' => complement = true,
                b'd' => delete = true,
                b's' => squeeze = true,
                b'-' if *letters == *b"-" => {}
                _ => return None,
            }
        }
        if words.next() == Some(b"--") {
            break;
        }
    }
    let sets: Vec<Set> = words.map(Set::read).collect::<Option<_>>()?;
    let (first, second) = match sets.as_slice() {
        [first] if delete != squeeze => (first, None),
        [first, second] if squeeze || !delete => (first, Some(second)),
        _ => return None,
    };
    let translated = second.filter(|_| !delete);
    let members = if complement { complement_of(&first.bytes) } else { first.bytes.clone() };
    let mut change = Change {
        deletes: [false; 256],
        becomes: std::array::from_fn(|byte| byte as u8),
        squeezes: [false; 256],
    };
    if let Some(second) = translated {
        if second.classes != 0 && (complement || !first.is_case() || !second.is_case())
            || first.classes != 0 && complement && second.bytes.len() > 1
        {
            return None;
        }
        let last = *second.bytes.last()?;
        for (at, byte) in members.iter().enumerate() {
            change.becomes[usize::from(*byte)] = *second.bytes.get(at).unwrap_or(&last);
        }
    }
    if delete {
        mark(&mut change.deletes, &members);
    }
    if squeeze {
        mark(&mut change.squeezes, second.map_or(&members, |second| &second.bytes));
    }
    Some(change)
}

fn mark(table: &mut [bool; 256], bytes: &[u8]) {
    for byte in bytes {
        table[usize::from(*byte)] = true;
    }
}

fn complement_of(bytes: &[u8]) -> Vec<u8> {
    let mut listed = [false; 256];
    mark(&mut listed, bytes);
    (0..=u8::MAX).filter(|byte| !listed[usize::from(*byte)]).collect()
}

/// The bytes that an argument lists, in its order.
#[derive(Debug, PartialEq, Eq)]
struct Set {
    bytes: Vec<u8>,
    classes: usize,
}

impl Set {
    /// None for repetitions, equivalents and what is wrong.
    fn read(text: &[u8]) -> Option<Set> {
        let mut set = Set { bytes: vec![], classes: 0 };
        let mut rest = text;
        while let Some(&byte) = rest.first() {
            if byte == b'[' {
                if let Some(inside) = rest.strip_prefix(b"[:") {
                    let end = inside.windows(2).position(|two| two == b":]")?;
                    let class = class(&inside[..end])?;
                    set.bytes.extend((0..=u8::MAX).filter(class));
                    set.classes += 1;
                    rest = &inside[end + 2..];
                    continue;
                }
                if rest.starts_with(b"[=") || rest.contains(&b'*') {
                    return None;
                }
            }
            let (from, after) = one(rest)?;
            rest = after;
            match rest.split_first() {
                Some((b'-', ahead)) if !ahead.is_empty() => {
                    let (to, after) = one(ahead)?;
                    if to < from {
                        return None;
                    }
                    set.bytes.extend(from..=to);
                    rest = after;
                }
                _ => set.bytes.push(from),
            }
        }
        Some(set)
    }

    /// Whether it is letters of one case, by their class alone.
    fn is_case(&self) -> bool {
        self.classes == 1
            && self.bytes.len() == 26
            && (self.bytes.iter().all(u8::is_ascii_lowercase)
                || self.bytes.iter().all(u8::is_ascii_uppercase))
    }
}

/// A byte, which a backslash may stand for, and what follows.
fn one(text: &[u8]) -> Option<(u8, &[u8])> {
    let (&first, rest) = text.split_first()?;
    if first != b'\\' {
        return Some((first, rest));
    }
    let (&escape, after) = rest.split_first()?;
    let meant = match escape {
        b'a' => 7,
        b'b' => 8,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 11,
        b'\\' => b'\\',
        b'0'..=b'7' => {
            let length = rest.iter().take(3).take_while(|digit| (b'0'..=b'7').contains(digit)).count();
            let value = rest[..length].iter().fold(0, |value, digit| value * 8 + u32::from(digit - b'0'));
            return Some((u8::try_from(value).ok()?, &rest[length..]));
        }
        _ => return None,
    };
    Some((meant, after))
}

fn class(name: &[u8]) -> Option<fn(&u8) -> bool> {
    Some(match name {
        b"alnum" => u8::is_ascii_alphanumeric,
        b"alpha" => u8::is_ascii_alphabetic,
        b"blank" => |byte| matches!(byte, b' ' | b'\t'),
        b"cntrl" => u8::is_ascii_control,
        b"digit" => u8::is_ascii_digit,
        b"graph" => u8::is_ascii_graphic,
        b"lower" => u8::is_ascii_lowercase,
        b"print" => |byte| matches!(byte, b' '..=b'~'),
        b"punct" => u8::is_ascii_punctuation,
        b"space" => |byte| matches!(byte, b' ' | 9..=13),
        b"upper" => u8::is_ascii_uppercase,
        b"xdigit" => u8::is_ascii_hexdigit,
        _ => return None,
    })
}

fn run(change: &Change) -> i32 {
    let mut input = io::stdin().lock();
    let mut output = Output::new();
    let mut changer = Changer::new(change);
    let mut buffer = vec![0; CHUNK];
    let mut changed = vec![0; CHUNK];
    loop {
        let read = match stream::read(&mut input, &mut buffer) {
            Ok(0) => return 0,
            Ok(read) => read,
            Err(error) => {
                say(&mut io::stderr(), &format!("tr: read error: {}", reason(&error)));
                return 1;
            }
        };
        let length = changer.change(&buffer[..read], &mut changed);
        if let Err(error) = output.write_all(&changed[..length]) {
            say(&mut io::stderr(), &format!("tr: write error: {}", reason(&error)));
            return 1;
        }
    }
}

/// Bytes from `first` on, `span` more of them, become what is `distance` further.
#[derive(Debug, PartialEq, Eq)]
struct Shift {
    first: u8,
    span: u8,
    distance: u8,
}

/// With more of them than that, a table is faster.
const MAX_SHIFTS: usize = 8;

struct Changer<'a> {
    change: &'a Change,
    /// What the table of what bytes become comes to, if that is short.
    shifts: Option<Vec<Shift>>,
    removes: bool,
    /// What came out last, if it must not come out again.
    last: Option<u8>,
}

impl<'a> Changer<'a> {
    fn new(change: &'a Change) -> Self {
        let mut shifts: Vec<Shift> = vec![];
        for byte in 0..=u8::MAX {
            let distance = change.becomes[usize::from(byte)].wrapping_sub(byte);
            match shifts.last_mut() {
                Some(shift) if shift.distance == distance && shift.first + shift.span + 1 == byte => {
                    shift.span += 1
                }
                _ if distance == 0 => {}
                _ => shifts.push(Shift { first: byte, span: 0, distance }),
            }
        }
        let removes = change.deletes.contains(&true) || change.squeezes.contains(&true);
        Changer { change, shifts: (shifts.len() <= MAX_SHIFTS).then_some(shifts), removes, last: None }
    }

    /// Writes what becomes of `from` to `to`, which is as large; how much that is.
    fn change(&mut self, from: &[u8], to: &mut [u8]) -> usize {
        let to = &mut to[..from.len()];
        if self.removes {
            return self.remove(from, to);
        }
        match &self.shifts {
            Some(shifts) => {
                to.copy_from_slice(from);
                for shift in shifts {
                    shift.add(from, to);
                }
            }
            None => {
                for (from, to) in from.iter().zip(&mut *to) {
                    *to = self.change.becomes[usize::from(*from)];
                }
            }
        }
        from.len()
    }

    fn remove(&mut self, from: &[u8], to: &mut [u8]) -> usize {
        let Change { deletes, becomes, squeezes } = self.change;
        let mut length = 0;
        if !squeezes.contains(&true) {
            for byte in from {
                to[length] = *byte;
                length += usize::from(!deletes[usize::from(*byte)]);
            }
            return length;
        }
        let mut last = self.last.map_or(u16::MAX, u16::from);
        for byte in from {
            let byte = usize::from(*byte);
            let out = becomes[byte];
            to[length] = out;
            let stays = !deletes[byte] & (u16::from(out) != last);
            length += usize::from(stays);
            last = match (deletes[byte], squeezes[usize::from(out)]) {
                (true, _) => last,
                (false, true) => u16::from(out),
                (false, false) => u16::MAX,
            };
        }
        self.last = u8::try_from(last).ok();
        length
    }
}

impl Shift {
    /// Adds what it does to each of `from`.
    #[inline(never)] // By itself it is compiled to instructions that take many bytes at once.
    fn add(&self, from: &[u8], to: &mut [u8]) {
        let Shift { first, span, distance } = *self;
        for (from, to) in from.iter().zip(to) {
            let is_meant = from.wrapping_sub(first) <= span;
            *to = to.wrapping_add(if is_meant { distance } else { 0 });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(words: &[&str], text: &str) -> Option<String> {
        let args: Vec<OsString> = std::iter::once(&"tr").chain(words).map(Into::into).collect();
        let change = request(&args)?;
        let mut changer = Changer::new(&change);
        let mut out = vec![];
        // What is squeezed does not end with a piece.
        for piece in text.as_bytes().chunks(3) {
            let mut to = vec![0; 3];
            let length = changer.change(piece, &mut to);
            out.extend_from_slice(&to[..length]);
        }
        Some(String::from_utf8_lossy(&out).into_owned())
    }

    #[test]
    fn sets_translate_delete_and_squeeze() {
        for (words, text, expected) in [
            (["a-z", "A-Z"].as_slice(), "ab{z`", "AB{Z`"),
            (&["a-m", "x"], "abcn", "xxxn"),
            (&["a-zA-Z", "n-za-mN-ZA-M"], "Hello", "Uryyb"),
            (&["[:lower:]", "[:upper:]"], "aZ", "AZ"),
            (&["-d", "aeiou"], "hello world", "hll wrld"),
            (&["-cd", "[:digit:]\\n"], "a1b2\n", "12\n"),
            (&["-s", "l"], "hello lllama", "helo lama"),
            (&["-s", "a-z"], "aabbcc  dd", "abc  d"),
            (&["-cs", "a-z", "\\n"], "one, two!! three", "one\ntwo\nthree"),
            (&["-ds", "l", "o"], "lolloloo", "o"),
            (&["-s", "ab", "x"], "aabbcx", "xcx"),
            (&["--", "-a", "b"], "-a", "bb"),
            (&["\\101-C", "\\141-c"], "ABCD", "abcD"),
            (&["[a]", "(x)"], "[a]", "(x)"),
            (&["acegikmoqsuwy", "bdfhjlnprtvxz"], "cat", "dbt"),
        ] {
            assert_eq!(changed(words, text).as_deref(), Some(expected), "{words:?}");
        }
        for words in [
            ["a"].as_slice(),
            &["a", ""],
            &["-d", "a", "b"],
            &["-t", "ab", "c"],
            &["z-a", "b"],
            &["a", "[:alpha:]"],
            &["a", "[x*]"],
            &["[=a=]", "b"],
            &["a\\", "b"],
            &["-c", "[:alpha:]", "ab"],
            &[],
        ] {
            assert_eq!(changed(words, ""), None, "{words:?}");
        }
    }
}
