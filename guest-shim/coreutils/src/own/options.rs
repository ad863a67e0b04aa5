//! Options that GNU's utilities have and uutils' do not know, in words that they do.

use std::ffi::OsString;

type Args = std::vec::IntoIter<OsString>;

/// `od -B` is `-o`; before an offset that looks like an option, it stands alone.
pub fn od(args: Args) -> i32 {
    let mut is_over = false;
    let words: Vec<OsString> = args
        .map(|word| {
            is_over |= word == "--";
            if !is_over && word == "-B" { "-o".into() } else { word }
        })
        .collect();
    uu_od::uumain(words.into_iter())
}

/// `nl -v -1`: numbers may be negative, which uutils' takes for options.
pub fn nl(args: Args) -> i32 {
    let mut words: Vec<OsString> = vec![];
    let mut args = args.peekable();
    while let Some(word) = args.next() {
        let long = match word.to_str() {
            Some("-v" | "--starting-line-number") => "--starting-line-number",
            Some("-i" | "--line-increment") => "--line-increment",
            _ => "",
        };
        let is_negative = |next: &OsString| next.to_str().is_some_and(|next| next.starts_with('-'));
        match args.next_if(|next| !long.is_empty() && is_negative(next)) {
            Some(number) => {
                let mut joined = OsString::from(long);
                joined.push("=");
                joined.push(number);
                words.push(joined);
            }
            None => words.push(word),
        }
    }
    uu_nl::uumain(words.into_iter())
}
