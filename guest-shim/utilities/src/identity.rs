//! `groups`, `id`, `logname` and `whoami`: who runs here, which is the one user of the virtual machine, and whom else its
//! files name.

use cordon_vm::byte_text::ToText;
use std::ffi::OsString;
use std::io::{self, Write};

use cordon_multicall::files::{finish, output};
use cordon_multicall::users::{self, USER_ID};
use cordon_multicall::{options, say};

type Args = std::vec::IntoIter<OsString>;

/// Somebody, and the group of them.
struct Identity {
    user: (u32, String),
    group: (u32, String),
}

impl Identity {
    fn own() -> Identity {
        Identity { user: (USER_ID, users::user()), group: (USER_ID, users::group()) }
    }

    /// A user by name or number.
    fn of(who: &str) -> Option<Identity> {
        let number = users::user_number(who).or_else(|| who.strip_prefix('+').unwrap_or(who).parse().ok())?;
        let group = users::primary_group(number)?;
        Some(Identity { user: (number, users::user_name(number)), group: (group, users::group_name(group)) })
    }
}

/// Complaints of users whom nobody knows; the identities of the others. Without operands that is one's own.
fn identities(utility: &str, operands: &[OsString]) -> (Vec<(Option<String>, Identity)>, i32) {
    if operands.is_empty() {
        return (vec![(None, Identity::own())], 0);
    }
    let mut status = 0;
    let mut found = vec![];
    for who in operands {
        let who = who.to_text().into_owned();
        match Identity::of(&who) {
            Some(identity) => found.push((Some(who), identity)),
            None => {
                say(&mut io::stderr(), &format!("{utility}: '{who}': no such user"));
                status = 1;
            }
        }
    }
    (found, status)
}

pub fn id(args: Args) -> i32 {
    const LONGS: &[&str] = &["context=Z", "group=g", "groups=G", "name=n", "real=r", "user=u", "zero=z"];
    let usage = "Usage: id [-u | -g | -G] [-n] [-r] [-z] [USER]...";
    let parsed = match options::begin("id", usage, args, "aZgGnruz", LONGS) {
        Ok(parsed) => parsed,
        Err(status) => return status,
    };
    if parsed.has('Z') {
        say(&mut io::stderr(), "id: --context (-Z) works only on an SELinux-enabled kernel");
        return 1;
    }
    let parts: Vec<char> = ['u', 'g', 'G'].into_iter().filter(|letter| parsed.has(*letter)).collect();
    let problem = match (parts.as_slice(), parsed.has('n') || parsed.has('r'), parsed.has('z')) {
        ([_, _, ..], ..) => "cannot print \"only\" of more than one choice",
        ([], true, _) => "cannot print only names or real IDs in default format",
        ([], _, true) => "option --zero not permitted in default format",
        _ => "",
    };
    if !problem.is_empty() {
        say(&mut io::stderr(), &format!("id: {problem}"));
        return 1;
    }
    let (found, status) = identities("id", &parsed.operands);
    let mut out = output();
    for (_, Identity { user, group }) in found {
        let line = match parts.first() {
            None => format!("uid={}({}) gid={}({}) groups={2}({3})", user.0, user.1, group.0, group.1),
            Some(part) => {
                let (number, name) = if *part == 'u' { user } else { group };
                if parsed.has('n') { name } else { number.to_string() }
            }
        };
        let _ = write!(out, "{line}{}", if parsed.has('z') { '\0' } else { '\n' });
    }
    finish("id", out, status)
}

pub fn groups(args: Args) -> i32 {
    let parsed = match options::begin("groups", "Usage: groups [USER]...", args, "", &[]) {
        Ok(parsed) => parsed,
        Err(status) => return status,
    };
    let (found, status) = identities("groups", &parsed.operands);
    for (who, identity) in found {
        let before = who.map_or_else(String::new, |who| format!("{who} : "));
        say(&mut io::stdout(), &format!("{before}{}", identity.group.1));
    }
    status
}

pub fn whoami(args: Args) -> i32 {
    own_name("whoami", args)
}

pub fn logname(args: Args) -> i32 {
    own_name("logname", args)
}

fn own_name(utility: &str, args: Args) -> i32 {
    let parsed = match options::begin(utility, &format!("Usage: {utility}"), args, "", &[]) {
        Ok(parsed) => parsed,
        Err(status) => return status,
    };
    if let Some(extra) = parsed.operands.first() {
        return options::misused(utility, &format!("extra operand '{}'", extra.to_text()));
    }
    say(&mut io::stdout(), &users::user());
    0
}
