//! `iconv`, over the tables of `encoding_rs`; ASCII, Latin 1 and Unicode's forms are read and written here, where those
//! of the web are others.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};

use cordon_multicall::files::{finish, output, reason};
use cordon_multicall::{options, say};
use encoding_rs::{CoderResult, DecoderResult, EncoderResult, Encoding};

use crate::pager::read_all;

type Args = std::vec::IntoIter<OsString>;

const HELP: &str = "\
Usage: iconv [OPTION...] [FILE...]
Convert encoding of given files from one encoding to another.

  -f, --from-code=NAME       encoding of original text
  -t, --to-code=NAME         encoding for output
  -l, --list                 list all known coded character sets
  -c                         omit invalid characters from output
  -o, --output=FILE          output file
  -s, --silent               suppress warnings
  -?, --help                 give this help list
  -V, --version              print program version";

/// The status of wrong usage.
const USAGE: i32 = 64;

#[derive(Clone, Copy)]
enum Charset {
    Ascii,
    Latin1,
    Utf8,
    /// Whether it is little-endian; None where a mark says so, or would.
    Utf16(Option<bool>),
    Utf32(Option<bool>),
    Table(&'static Encoding),
}

impl Charset {
    fn named(name: &str) -> Option<Self> {
        let plain: String =
            name.to_uppercase().chars().filter(|letter| !matches!(letter, '-' | '_' | ' ')).collect();
        Some(match plain.as_str() {
            "ASCII" | "USASCII" | "ANSIX3.41968" | "ISO646US" | "646" | "C" | "POSIX" => Self::Ascii,
            "LATIN1" | "ISO88591" | "ISO8859" | "L1" | "8859" | "88591" => Self::Latin1,
            "" | "UTF8" => Self::Utf8,
            "UTF16" | "UNICODE" => Self::Utf16(None),
            "UTF16LE" | "UCS2" | "UCS2LE" | "ISO10646UCS2" | "UNICODELITTLE" => Self::Utf16(Some(true)),
            "UTF16BE" | "UCS2BE" | "UNICODEBIG" => Self::Utf16(Some(false)),
            "UTF32" => Self::Utf32(None),
            "UTF32LE" | "UCS4LE" => Self::Utf32(Some(true)),
            "UTF32BE" | "UCS4BE" | "UCS4" | "ISO10646" => Self::Utf32(Some(false)),
            _ => {
                let dashed = plain.strip_prefix("ISO8859").map(|part| format!("iso-8859-{part}"));
                let windows =
                    plain.strip_prefix("CP").or(plain.strip_prefix("WINDOWS")).map(|page| match page {
                        "866" => "ibm866".to_owned(),
                        "932" => "shift_jis".to_owned(),
                        "936" => "gbk".to_owned(),
                        "949" => "euc-kr".to_owned(),
                        "950" => "big5".to_owned(),
                        page => format!("windows-{page}"),
                    });
                let latin = match plain.as_str() {
                    "LATIN2" => Some("iso-8859-2"),
                    "LATIN3" => Some("iso-8859-3"),
                    "LATIN4" => Some("iso-8859-4"),
                    "LATIN5" => Some("iso-8859-9"),
                    "LATIN6" => Some("iso-8859-10"),
                    "LATIN7" => Some("iso-8859-13"),
                    "LATIN8" => Some("iso-8859-14"),
                    "LATIN9" => Some("iso-8859-15"),
                    "LATIN10" => Some("iso-8859-16"),
                    "SJIS" => Some("shift_jis"),
                    "EUCJP" => Some("euc-jp"),
                    "EUCKR" => Some("euc-kr"),
                    "EUCCN" => Some("gb2312"),
                    "KOI8R" => Some("koi8-r"),
                    "KOI8U" => Some("koi8-u"),
                    _ => None,
                };
                let label =
                    latin.map(str::to_owned).or(dashed).or(windows).unwrap_or_else(|| name.to_owned());
                let table = Encoding::for_label_no_replacement(label.as_bytes())?;
                Self::Table(table)
            }
        })
    }
}

pub fn main(args: Args) -> i32 {
    let longs = [
        "from-code:=f",
        "to-code:=t",
        "list=l",
        "output:=o",
        "silent=s",
        "verbose=v",
        "help=?",
        "usage=?",
        "version=V",
    ];
    let fail = |status: i32, message: &str| {
        say(&mut io::stderr(), &format!("iconv: {message}"));
        status
    };
    let more = "Try `iconv --help' or `iconv --usage' for more information.";
    let parsed = match options::parse(args, "f:t:lco:s?V", &longs) {
        Ok(parsed) => parsed,
        Err(message) => return fail(USAGE, &format!("{message}\n{more}")),
    };
    if parsed.has('?') {
        say(&mut io::stdout(), HELP);
        return 0;
    }
    if parsed.has('V') {
        say(&mut io::stdout(), "iconv (cordon)");
        return 0;
    }
    if parsed.has('l') {
        const NAMES: &str = "ASCII// BIG5// CP866// EUC-JP// EUC-KR// GB18030// GBK// ISO-2022-JP// ISO-8859-1// \
            ISO-8859-2// ISO-8859-3// ISO-8859-4// ISO-8859-5// ISO-8859-6// ISO-8859-7// ISO-8859-8// ISO-8859-9// \
            ISO-8859-10// ISO-8859-13// ISO-8859-14// ISO-8859-15// ISO-8859-16// KOI8-R// KOI8-U// MACINTOSH// \
            SHIFT_JIS// UCS-2// UCS-4// UTF-16// UTF-16BE// UTF-16LE// UTF-32// UTF-32BE// UTF-32LE// UTF-8// \
            WINDOWS-874// WINDOWS-1250// WINDOWS-1251// WINDOWS-1252// WINDOWS-1253// WINDOWS-1254// WINDOWS-1255// \
            WINDOWS-1256// WINDOWS-1257// WINDOWS-1258//";
        NAMES.split_whitespace().for_each(|name| say(&mut io::stdout(), name));
        return 0;
    }
    let split = |value: Option<&str>| {
        let mut parts = value.unwrap_or("UTF-8").split("//").map(str::to_owned);
        (parts.next().unwrap_or_default(), parts.collect::<Vec<_>>().join(","))
    };
    let ((from_name, _), (to_name, how)) = (split(parsed.value('f')), split(parsed.value('t')));
    let how = how.to_uppercase();
    let (from, to) = (Charset::named(&from_name), Charset::named(&to_name));
    let (from, to) = match (from, to) {
        (Some(from), Some(to)) => (from, to),
        (None, None) => {
            return fail(
                1,
                &format!("conversions from `{from_name}' and to `{to_name}' are not supported\n{more}"),
            );
        }
        (None, _) => return fail(1, &format!("conversion from `{from_name}' is not supported\n{more}")),
        (_, None) => return fail(1, &format!("conversion to `{to_name}' is not supported\n{more}")),
    };
    let mut out: Box<dyn Write> = match parsed.value('o') {
        None => Box::new(output()),
        Some(name) => match File::create(name) {
            Ok(file) => Box::new(io::BufWriter::new(file)),
            Err(error) => return fail(1, &format!("cannot open output file: {name}: {}", reason(&error))),
        },
    };
    let mut writer = Writer {
        to,
        translates: how.contains("TRANSLIT"),
        omits: parsed.has('c') || how.contains("IGNORE"),
        is_marked: false,
        bytes: vec![],
        lacks: false,
    };
    let mut status = 0;
    for name in parsed.files() {
        let bytes = match read_all(&name) {
            Ok(bytes) => bytes,
            Err(error) => {
                status = fail(1, &format!("cannot open input file `{name}': {}", reason(&error)));
                continue;
            }
        };
        let done = decode(from, &bytes, parsed.has('c'), &mut |letter| writer.put(letter));
        let written = out.write_all(&std::mem::take(&mut writer.bytes));
        if written.is_err() {
            return 1;
        }
        match done {
            Ok(()) => {}
            Err(Wrong::Sequence(at)) => {
                let _ = out.flush();
                return fail(1, &format!("illegal input sequence at position {at}"));
            }
            Err(Wrong::Unmappable) => {
                let _ = out.flush();
                return fail(1, &format!("cannot convert a character to `{to_name}'"));
            }
            Err(Wrong::End) => {
                let _ = out.flush();
                return fail(1, "incomplete character or shift sequence at end of buffer");
            }
        }
    }
    if let Charset::Table(_) = to {
        writer.end();
        let _ = out.write_all(&writer.bytes);
    }
    if writer.lacks && !parsed.has('c') {
        status = 1;
    }
    finish("iconv", out, status)
}

enum Wrong {
    Sequence(usize),
    Unmappable,
    /// The last character is cut off.
    End,
}

fn decode(
    from: Charset,
    bytes: &[u8],
    omits: bool,
    put: &mut dyn FnMut(char) -> Result<(), Wrong>,
) -> Result<(), Wrong> {
    match from {
        Charset::Ascii | Charset::Latin1 => {
            for (at, &byte) in bytes.iter().enumerate() {
                if byte >= 128 && matches!(from, Charset::Ascii) {
                    if omits {
                        continue;
                    }
                    return Err(Wrong::Sequence(at));
                }
                put(char::from(byte))?;
            }
        }
        Charset::Utf8 => {
            let mut at = 0;
            while at < bytes.len() {
                let (valid, error) = match std::str::from_utf8(&bytes[at..]) {
                    Ok(text) => (text, None),
                    Err(error) => {
                        let valid = &bytes[at..at + error.valid_up_to()];
                        (std::str::from_utf8(valid).unwrap_or_default(), Some(error))
                    }
                };
                valid.chars().try_for_each(&mut *put)?;
                at += valid.len();
                match error.map(|error| error.error_len()) {
                    None => break,
                    Some(_) if omits => at += 1,
                    Some(Some(_)) => return Err(Wrong::Sequence(at)),
                    Some(None) => return Err(Wrong::End),
                }
            }
        }
        Charset::Utf16(order) => {
            let (is_little, skipped) = match (order, bytes) {
                (Some(order), _) => (order, 0),
                (None, [0xff, 0xfe, ..]) => (true, 2),
                (None, [0xfe, 0xff, ..]) => (false, 2),
                (None, _) => (true, 0),
            };
            let rest = bytes.get(skipped..).unwrap_or_default();
            let units = rest.chunks_exact(2).map(|pair| match is_little {
                true => u16::from_le_bytes([pair[0], pair[1]]),
                false => u16::from_be_bytes([pair[0], pair[1]]),
            });
            let mut at = skipped;
            for letter in char::decode_utf16(units) {
                match letter {
                    Ok(letter) => {
                        put(letter)?;
                        at += letter.len_utf16() * 2;
                    }
                    Err(_) if omits => at += 2,
                    Err(_) => return Err(Wrong::Sequence(at)),
                }
            }
            if rest.len() % 2 == 1 && !omits {
                return Err(Wrong::End);
            }
        }
        Charset::Utf32(order) => {
            let (is_little, skipped) = match (order, bytes) {
                (Some(order), _) => (order, 0),
                (None, [0xff, 0xfe, 0, 0, ..]) => (true, 4),
                (None, [0, 0, 0xfe, 0xff, ..]) => (false, 4),
                (None, _) => (true, 0),
            };
            let rest = bytes.get(skipped..).unwrap_or_default();
            for (index, four) in rest.chunks_exact(4).enumerate() {
                let four = [four[0], four[1], four[2], four[3]];
                let value = if is_little { u32::from_le_bytes(four) } else { u32::from_be_bytes(four) };
                match char::from_u32(value) {
                    Some(letter) => put(letter)?,
                    None if omits => {}
                    None => return Err(Wrong::Sequence(skipped + index * 4)),
                }
            }
            if rest.len() % 4 != 0 && !omits {
                return Err(Wrong::End);
            }
        }
        Charset::Table(table) => {
            let mut decoder = table.new_decoder_without_bom_handling();
            let mut text = vec![0u8; 16 * 1024];
            let mut at = 0;
            loop {
                let (result, read, written) =
                    decoder.decode_to_utf8_without_replacement(&bytes[at..], &mut text, true);
                let valid = std::str::from_utf8(&text[..written]).unwrap_or_default();
                valid.chars().try_for_each(&mut *put)?;
                at += read;
                match result {
                    DecoderResult::InputEmpty => break,
                    DecoderResult::OutputFull => {}
                    DecoderResult::Malformed(..) if omits => {}
                    DecoderResult::Malformed(length, behind) => {
                        let start = at.saturating_sub(usize::from(length) + usize::from(behind));
                        return Err(
                            if at == bytes.len()
                                && length < 2
                                && start + 1 == at
                                && bytes[start] >= 128
                                && !table.is_single_byte()
                            {
                                Wrong::End
                            } else {
                                Wrong::Sequence(start)
                            },
                        );
                    }
                }
            }
        }
    }
    Ok(())
}

struct Writer {
    to: Charset,
    translates: bool,
    omits: bool,
    /// The mark of byte order has been written.
    is_marked: bool,
    bytes: Vec<u8>,
    /// Something was left out.
    lacks: bool,
}

impl Writer {
    fn put(&mut self, letter: char) -> Result<(), Wrong> {
        if self.encode(letter) {
            return Ok(());
        }
        if self.translates {
            for other in translated(letter).chars() {
                if !self.encode(other) {
                    self.encode('?');
                }
            }
            return Ok(());
        }
        if self.omits {
            self.lacks = true;
            return Ok(());
        }
        Err(Wrong::Unmappable)
    }

    /// Whether the target has it.
    fn encode(&mut self, letter: char) -> bool {
        let mut units = [0; 2];
        match self.to {
            Charset::Ascii | Charset::Latin1 => {
                let most = if matches!(self.to, Charset::Ascii) { 127 } else { 255 };
                match u8::try_from(u32::from(letter)) {
                    Ok(byte) if byte <= most => self.bytes.push(byte),
                    _ => return false,
                }
            }
            Charset::Utf8 => self.bytes.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
            Charset::Utf16(order) => {
                if order.is_none() && !self.is_marked {
                    self.bytes.extend_from_slice(&[0xff, 0xfe]);
                    self.is_marked = true;
                }
                for unit in letter.encode_utf16(&mut units) {
                    let two = if order == Some(false) { unit.to_be_bytes() } else { unit.to_le_bytes() };
                    self.bytes.extend_from_slice(&two);
                }
            }
            Charset::Utf32(order) => {
                if order.is_none() && !self.is_marked {
                    self.bytes.extend_from_slice(&[0xff, 0xfe, 0, 0]);
                    self.is_marked = true;
                }
                let value = u32::from(letter);
                let four = if order == Some(false) { value.to_be_bytes() } else { value.to_le_bytes() };
                self.bytes.extend_from_slice(&four);
            }
            Charset::Table(table) => {
                // What keeps no state between characters can be written one by one.
                let mut encoder = table.new_encoder();
                let mut text = [0; 4];
                let mut made = [0; 16];
                let (result, _, written) = encoder.encode_from_utf8_without_replacement(
                    letter.encode_utf8(&mut text),
                    &mut made,
                    true,
                );
                match result {
                    EncoderResult::InputEmpty => self.bytes.extend_from_slice(&made[..written]),
                    EncoderResult::OutputFull | EncoderResult::Unmappable(_) => return false,
                }
            }
        }
        true
    }

    fn end(&mut self) {
        if let Charset::Table(table) = self.to {
            let mut made = [0; 16];
            let (result, _, written, _) = table.new_encoder().encode_from_utf8("", &mut made, true);
            if result == CoderResult::InputEmpty {
                self.bytes.extend_from_slice(&made[..written]);
            }
        }
    }
}

/// What stands for a letter in a smaller set.
fn translated(letter: char) -> &'static str {
    const GROUPS: &[(&str, &str)] = &[
        ("ÀÁÂÃĀĂĄ", "A"),
        ("àáâãāăą", "a"),
        ("Ä", "A"),
        ("ä", "a"),
        ("Å", "A"),
        ("å", "a"),
        ("ÇĆĈĊČ", "C"),
        ("çćĉċč", "c"),
        ("ĎĐ", "D"),
        ("ďđ", "d"),
        ("ÈÉÊËĒĔĖĘĚ", "E"),
        ("èéêëēĕėęě", "e"),
        ("ĜĞĠĢ", "G"),
        ("ĝğġģ", "g"),
        ("ĤĦ", "H"),
        ("ĥħ", "h"),
        ("ÌÍÎÏĨĪĬĮİ", "I"),
        ("ìíîïĩīĭįı", "i"),
        ("ĹĻĽĿŁ", "L"),
        ("ĺļľŀł", "l"),
        ("ÑŃŅŇ", "N"),
        ("ñńņň", "n"),
        ("ÒÓÔÕÖØŌŎŐ", "O"),
        ("òóôõöøōŏő", "o"),
        ("ŔŖŘ", "R"),
        ("ŕŗř", "r"),
        ("ŚŜŞŠ", "S"),
        ("śŝşš", "s"),
        ("ŢŤŦ", "T"),
        ("ţťŧ", "t"),
        ("ÙÚÛÜŨŪŬŮŰŲ", "U"),
        ("ùúûüũūŭůűų", "u"),
        ("ÝŶŸ", "Y"),
        ("ýÿŷ", "y"),
        ("ŹŻŽ", "Z"),
        ("źżž", "z"),
        ("ß", "ss"),
        ("Æ", "AE"),
        ("æ", "ae"),
        ("Œ", "OE"),
        ("œ", "oe"),
        ("€", "EUR"),
        ("‘’‚‛", "'"),
        ("“”„", "\""),
        ("«", "<<"),
        ("»", ">>"),
        ("–—‐‑−", "-"),
        ("…", "..."),
        ("•", "o"),
        ("©", "(C)"),
        ("®", "(R)"),
        ("™", "(TM)"),
        ("\u{a0}", " "),
        ("×", "x"),
        ("½", " 1/2 "),
        ("¼", " 1/4 "),
    ];
    GROUPS.iter().find(|(letters, _)| letters.contains(letter)).map_or("?", |(_, text)| text)
}
