//! `curl`: URLs one after the other, redirects, what is tried again, and what is told of all that.

mod destination;
mod options;
mod report;
mod request;
mod transfer;

use std::ffi::OsString;
use std::io;

use cordon_multicall::say;
use cordon_multicall::stream::Output as Stdout;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

pub(crate) use self::destination::{Destination, Opening};
use self::options::Wanted;
pub(crate) use self::options::{Options, Output};
pub(crate) use self::report::Report;
pub(crate) use self::transfer::{Client, Job};
use crate::failure::{self, Failure};

/// The version of curl whose ways these are.
const VERSION: &str = "7.88.1";

const HELP: &str = "Usage: curl [options...] <url>
 -d, --data <data>          HTTP POST data
 -f, --fail                 Fail fast with no output on HTTP errors
 -F, --form <name=content>  Specify multipart MIME data
 -G, --get                  Put the post data in the URL and use GET
 -H, --header <header>      Pass custom header(s) to server
 -I, --head                 Show document info only
 -i, --include              Include protocol response headers in the output
 -k, --insecure             Allow insecure server connections
 -L, --location             Follow redirects
 -m, --max-time <seconds>   Maximum time allowed for transfer
 -o, --output <file>        Write to file instead of stdout
 -O, --remote-name          Write output to a file named as the remote file
 -s, --silent               Silent mode
 -S, --show-error           Show error even when -s is used
 -T, --upload-file <file>   Transfer local FILE to destination
 -u, --user <user:password> Server user and password
 -A, --user-agent <name>    Send User-Agent <name> to server
 -v, --verbose              Make the operation more talkative
 -w, --write-out <format>   Use output FORMAT after completion
 -X, --request <method>     Specify request method to use

What is there of the others, and what is not, is in the documentation of cordon's commands.";

/// What stands for itself in a URL (RFC 3986, 2.3).
const RESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// As a part of a URL.
pub(crate) fn encoded(bytes: &[u8]) -> String {
    percent_encode(bytes, &RESERVED).to_string()
}

pub fn curl(args: std::vec::IntoIter<OsString>) -> i32 {
    let options = match Options::parse(args.skip(1)) {
        Ok(options) => options,
        Err(failure) => return misused(&failure),
    };
    match options.wants {
        Some(Wanted::Help) => say(&mut io::stdout(), HELP),
        Some(Wanted::Version) => {
            let text = format!(
                "curl {VERSION} (cordon {})\nProtocols: http https\nFeatures: IDN IPv6 libz SSL",
                env!("CARGO_PKG_VERSION")
            );
            say(&mut io::stdout(), &text);
        }
        None if options.urls.is_empty() => {
            return misused(&Failure::new(failure::USAGE, "no URL specified!"));
        }
        None => return run(&options),
    }
    0
}

fn misused(failure: &Failure) -> i32 {
    let Failure { code, message } = failure;
    if *code == failure::USAGE {
        say(&mut io::stderr(), &format!("curl: {message}"));
        say(&mut io::stderr(), "curl: try 'curl --help' or 'curl --manual' for more information");
    } else {
        say(&mut io::stderr(), &format!("curl: ({code}) {message}"));
    }
    failure.code
}

fn run(options: &Options) -> i32 {
    let mut client = match Client::new(options) {
        Ok(client) => client,
        Err(failure) => return complain(options, &failure),
    };
    let mut outputs = options.outputs.iter().cloned();
    let mut uploads = options.uploads.iter().cloned();
    let mut status = 0;
    for (number, url) in options.urls.iter().enumerate() {
        let output = outputs.next().or_else(|| options.names_all.then_some(Output::Remote));
        let report = client.run(&Job { url: url.clone(), output, upload: uploads.next(), number });
        status = report.failure.as_ref().map_or(0, |failure| complain(options, failure));
        if let Some(format) = &options.write_out {
            let (out, error) = report.told(format);
            let _ = io::Write::write_all(&mut Stdout::new(), out.as_bytes());
            let _ = io::Write::write_all(&mut io::stderr(), error.as_bytes());
        }
        if status != 0 && options.fails_early {
            break;
        }
    }
    if let Err(failure) = client.finish() {
        say(&mut io::stderr(), &format!("Warning: {}", failure.message));
    }
    status
}

fn complain(options: &Options, failure: &Failure) -> i32 {
    if !options.is_silent || options.shows_errors {
        say(&mut io::stderr(), &format!("curl: ({}) {}", failure.code, failure.message));
    }
    failure.code
}
