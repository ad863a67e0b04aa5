//! `chown` and `chgrp`. A virtual machine has one user and one group, which own every file: making them the owner changes
//! nothing, and nobody else can be.

use std::ffi::OsString;
use std::io::{self, Write};

use cordon_multicall::users::{self, USER_ID};
use cordon_vm::byte_text::ToText;
use cordon_vm::filesystem;
use cordon_vm::types::{FileType, Symlinks};
use uucore::display::Quotable;

use super::errno_text;
use super::tree::below;

const HELP: &str = "\
Usage: chown [OPTION]... [OWNER][:[GROUP]] FILE...
  or:  chgrp [OPTION]... GROUP FILE...
  or:  chown [OPTION]... --reference=FILE FILE...
Make OWNER and GROUP, by name or number, those of each FILE. A VM has one of both, number 0; others are refused.

  -R, --recursive       also what is in directories
  -h, --no-dereference  links themselves
  -v, --verbose         say what is done to every file
  -c, --changes         say what is changed, which is nothing
  -f, --silent, --quiet no messages about files that cannot be changed
  -H, -L, -P            which links to directories -R follows: none";

#[derive(Default)]
struct Request {
    name: &'static str,
    recursive: bool,
    verbose: bool,
    quiet: bool,
    links: bool,
    reference: bool,
    /// Who is to own the files, in the words of who asks.
    said: String,
    /// Somebody is to own the files who does not here.
    is_foreign: bool,
    failed: bool,
}

pub fn chown(args: std::vec::IntoIter<OsString>) -> i32 {
    run("chown", args)
}

pub fn chgrp(args: std::vec::IntoIter<OsString>) -> i32 {
    run("chgrp", args)
}

fn run(name: &'static str, args: std::vec::IntoIter<OsString>) -> i32 {
    let mut request = Request { name, ..Request::default() };
    let mut operands = vec![];
    let mut only_operands = false;
    for arg in args.skip(1) {
        let arg = arg.to_text().into_owned();
        match arg.as_str() {
            operand if only_operands || !operand.starts_with('-') || operand == "-" => operands.push(arg),
            "--" => only_operands = true,
            "--help" => {
                let _ = writeln!(io::stdout(), "{HELP}");
                return 0;
            }
            long if long.starts_with("--") => {
                if !request.read_long(long) {
                    return request.misused(&format!("unrecognized option '{long}'"));
                }
            }
            short => {
                for flag in short[1..].chars() {
                    if !request.read_short(flag) {
                        return request.misused(&format!("invalid option -- '{flag}'"));
                    }
                }
            }
        }
    }
    if !request.reference {
        if operands.is_empty() {
            return request.misused("missing operand");
        }
        let said = operands.remove(0);
        match request.is_foreign(&said) {
            Ok(foreign) => (request.is_foreign, request.said) = (foreign, said.clone()),
            Err(message) => {
                request.complain(&message);
                return 1;
            }
        }
        if operands.is_empty() {
            return request.misused(&format!("missing operand after {}", said.quote()));
        }
    } else if operands.is_empty() {
        return request.misused("missing operand");
    }
    for path in &operands {
        request.change(path, true);
    }
    i32::from(request.failed)
}

impl Request {
    fn complain(&self, message: &str) {
        let _ = writeln!(io::stderr(), "{}: {message}", self.name);
    }

    fn misused(&self, message: &str) -> i32 {
        self.complain(message);
        let _ = writeln!(io::stderr(), "Try '{} --help' for more information.", self.name);
        1
    }

    fn read_long(&mut self, long: &str) -> bool {
        match long {
            "--recursive" => self.recursive = true,
            "--verbose" => self.verbose = true,
            "--silent" | "--quiet" => self.quiet = true,
            "--no-dereference" => self.links = true,
            "--changes" | "--dereference" | "--preserve-root" | "--no-preserve-root" => {}
            _ if long.starts_with("--reference=") => self.reference = true,
            // Files of others there are not.
            _ => return long.starts_with("--from="),
        }
        true
    }

    fn read_short(&mut self, flag: char) -> bool {
        match flag {
            'R' => self.recursive = true,
            'v' => self.verbose = true,
            'f' => self.quiet = true,
            'h' => self.links = true,
            'c' | 'H' | 'L' | 'P' => {}
            _ => return false,
        }
        true
    }

    /// Whether what is said to own files is anybody but the one who does.
    fn is_foreign(&self, said: &str) -> Result<bool, String> {
        let (user, group) = match (self.name, said.split_once(':')) {
            ("chgrp", _) => ("", said),
            (_, Some((user, group))) => (user, group),
            (_, None) => (said, ""),
        };
        let user = is_other(user, users::user_number);
        let user = user.ok_or_else(|| format!("invalid user: {}", said.quote()))?;
        let group = is_other(group, users::group_number);
        let group = group.ok_or_else(|| format!("invalid group: {}", said.quote()))?;
        Ok(user || group)
    }

    fn change(&mut self, path: &str, is_operand: bool) {
        let symlinks = if self.links || !is_operand { Symlinks::NoFollow } else { Symlinks::Follow };
        let known = match filesystem::status(path, symlinks) {
            Ok(known) => known,
            Err(errno) => {
                return self.fail(&format!("cannot access {}: {}", path.quote(), errno_text(errno)));
            }
        };
        let what = if self.name == "chgrp" { "group" } else { "ownership" };
        if self.verbose {
            let owner = match (self.name, self.said.split_once(':')) {
                ("chgrp", _) => users::group(),
                (_, Some(_)) => format!("{}:{}", users::user(), users::group()),
                (_, None) => users::user(),
            };
            let path = path.quote();
            let line = match self.is_foreign {
                true => format!("failed to change {what} of {path} from {owner} to {}", self.said),
                false => format!("{what} of {path} retained as {owner}"),
            };
            let _ = writeln!(io::stdout(), "{line}");
        }
        if self.is_foreign {
            self.fail(&format!("changing {what} of {}: Operation not permitted", path.quote()));
        }
        if self.recursive && known.file_type == FileType::Directory {
            match filesystem::read_directory(path) {
                Ok(entries) => {
                    for entry in entries {
                        self.change(&below(path, &entry.name), false);
                    }
                }
                Err(errno) => {
                    self.fail(&format!("cannot read directory {}: {}", path.quote(), errno_text(errno)));
                }
            }
        }
    }

    fn fail(&mut self, message: &str) {
        self.failed = true;
        if !self.quiet {
            self.complain(message);
        }
    }
}

/// Whether a user or group is another than number 0; none if there is no such one. Nothing said means whoever it is.
fn is_other(said: &str, number_of: fn(&str) -> Option<u32>) -> Option<bool> {
    if said.is_empty() {
        return Some(false);
    }
    let number = number_of(said).or_else(|| said.strip_prefix('+').unwrap_or(said).parse().ok())?;
    Some(number != USER_ID)
}
