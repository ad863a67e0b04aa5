//! `wget`, as far as `curl` does its work: files by their URLs, into files of their names.

use std::ffi::OsString;
use std::io;
use std::path::Path;

use cordon_multicall::options::begin;
use cordon_multicall::say;

use crate::curl::{Client, Job, Options, Output};
use crate::failure::Failure;

const USAGE: &str = "Usage: wget [OPTION]... URL...
  -O FILE, --output-document=FILE  write to FILE, - is standard output
  -P DIR, --directory-prefix=DIR   save files to DIR
  -q, --quiet                      say nothing
  -nv, --no-verbose                say little
  -c, --continue                   go on with a file
  -S, --server-response            show heads of answers
  --header=STRING                  send a header
  --post-data=STRING               ask by POST
  --user=USER, --password=PASS     who asks
  -U AGENT, --user-agent=AGENT     what asks
  -T SECONDS, --timeout=SECONDS    give up when it takes longer
  -t NUMBER, --tries=NUMBER        try again
  --no-check-certificate           trust any certificate";

/// wget's numbers for what goes wrong.
fn status(failure: &Failure) -> i32 {
    match failure.code {
        crate::failure::USAGE => 2,
        crate::failure::WRITE => 3,
        crate::failure::CERTIFICATE => 5,
        crate::failure::STATUS => 8,
        _ => 4,
    }
}

pub fn wget(args: std::vec::IntoIter<OsString>) -> i32 {
    // Two letters behind one hyphen are none of getopt's.
    let words = args.map(|word| if word == "-nv" { "--no-verbose".into() } else { word });
    let longs = [
        "output-document:=O",
        "directory-prefix:=P",
        "quiet=q",
        "no-verbose=n",
        "continue=c",
        "server-response=S",
        "header:=H",
        "post-data:=d",
        "user:=u",
        "password:=p",
        "user-agent:=U",
        "timeout:=T",
        "tries:=t",
        "no-check-certificate=k",
    ];
    let parsed = match begin("wget", USAGE, words, "O:P:qcSU:T:t:", &longs) {
        Ok(parsed) => parsed,
        Err(status) => return if status == 1 { 2 } else { status },
    };
    let urls = parsed.words();
    if urls.is_empty() {
        say(&mut io::stderr(), "wget: missing URL\nUsage: wget [OPTION]... [URL]...");
        return 1;
    }
    let mut curl: Vec<String> = ["-s", "-S", "-L", "-f", "-A", parsed.value('U').unwrap_or("Wget/1.21.3")]
        .map(str::to_owned)
        .to_vec();
    for (letter, value) in &parsed.options {
        match letter {
            'H' => curl.extend(["-H".to_owned(), value.clone()]),
            'd' => curl.extend(["--data-raw".to_owned(), value.clone()]),
            'T' => curl.extend(["-m".to_owned(), value.clone()]),
            't' => {
                // The first is none of those that are tried again.
                let tries = value.parse::<u32>().unwrap_or(1).saturating_sub(1);
                curl.extend(["--retry".to_owned(), tries.to_string()]);
            }
            'k' => curl.push("-k".to_owned()),
            'S' => curl.extend(["-D".to_owned(), "-".to_owned()]),
            'c' if !parsed.has('O') => curl.extend(["-C".to_owned(), "-".to_owned()]),
            _ => {}
        }
    }
    if let Some(user) = parsed.value('u') {
        curl.extend(["-u".to_owned(), format!("{user}:{}", parsed.value('p').unwrap_or_default())]);
    }
    let folder = parsed.value('P').filter(|_| !parsed.has('O'));
    if let Some(folder) = folder {
        curl.extend(["--create-dirs".to_owned(), "--output-dir".to_owned(), folder.to_owned()]);
    }
    let made = Options::parse(curl.into_iter().map(OsString::from));
    let made = made.and_then(|options| fetch(&options, &urls, parsed.value('O'), !parsed.has('q')));
    made.unwrap_or_else(|failure| complain(&failure))
}

fn complain(failure: &Failure) -> i32 {
    say(&mut io::stderr(), &format!("wget: {}", failure.message));
    status(failure)
}

fn fetch(options: &Options, urls: &[String], output: Option<&str>, tells: bool) -> Result<i32, Failure> {
    let mut client = Client::new(options)?;
    let mut status = 0;
    for (number, url) in urls.iter().enumerate() {
        let output = match output {
            Some(name) => Output::Named(name.to_owned()),
            None => Output::Named(free(&name(url), options)),
        };
        let report = client.run(&Job { url: url.clone(), output: Some(output), upload: None, number });
        match &report.failure {
            Some(failure) => status = complain(failure),
            None if tells => {
                say(
                    &mut io::stderr(),
                    &format!("{} -> \"{}\" [{}]", report.url, report.file, report.received),
                );
            }
            None => {}
        }
    }
    Ok(status)
}

/// The name of a URL's file.
fn name(url: &str) -> String {
    let path = url.split_once("://").map_or(url, |(_, rest)| rest).split('#').next().unwrap_or_default();
    let name = path.split_once('/').map_or("", |(_, path)| path);
    let (path, query) = name.split_once('?').map_or((name, None), |(path, query)| (path, Some(query)));
    let base = match path.rsplit('/').next() {
        None | Some("" | "." | "..") => "index.html",
        Some(base) => base,
    };
    match query {
        Some(query) => format!("{base}?{}", query.replace('/', "%2F")),
        None => base.to_owned(),
    }
}

/// The same with a number behind it if there is such a file, unless it is gone on with.
fn free(name: &str, options: &Options) -> String {
    let folder = options.folder.clone().unwrap_or_default();
    let is_free = |name: &str| !Path::new(&folder).join(name).exists();
    if options.resume.is_some() || is_free(name) {
        return name.to_owned();
    }
    (1..)
        .map(|number: u32| format!("{name}.{number}"))
        .find(|name| is_free(name))
        .unwrap_or_else(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn files_are_named_as_by_wget() {
        for (url, expected) in [
            ("http://h/a/b.txt", "b.txt"),
            ("http://h", "index.html"),
            ("http://h/a/", "index.html"),
            ("h/a?b/c=d#e", "a?b%2Fc=d"),
            ("http://h/a/..", "index.html"),
        ] {
            assert_eq!(name(url), expected);
        }
    }
}
