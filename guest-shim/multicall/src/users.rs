//! Users and groups by name, as the files of the virtual machine have them. Whose everything is says [`USER_ID`].

use std::fs;

pub use cordon_vm::USER_ID;

const USERS: &str = "/etc/passwd";
const GROUPS: &str = "/etc/group";

/// A line of one of the two: `name:password:number`, and of users `:group:remark:home:shell` behind that.
struct Line<'a> {
    name: &'a str,
    number: u32,
    rest: Vec<&'a str>,
}

/// The name of the user of the virtual machine; the number, where it has none.
pub fn user() -> String {
    user_name(USER_ID)
}

/// The name of its group; the number, where it has none.
pub fn group() -> String {
    group_name(USER_ID)
}

/// The name of any user; the number, where it has none.
pub fn user_name(number: u32) -> String {
    name(USERS, number)
}

/// The name of any group; the number, where it has none.
pub fn group_name(number: u32) -> String {
    name(GROUPS, number)
}

/// The number of a user of that name.
pub fn user_number(name: &str) -> Option<u32> {
    find(USERS, |line| line.name == name, |line| Some(line.number))
}

/// The number of a group of that name.
pub fn group_number(name: &str) -> Option<u32> {
    find(GROUPS, |line| line.name == name, |line| Some(line.number))
}

/// The group of a user; none if there is no such user.
pub fn primary_group(user: u32) -> Option<u32> {
    find(USERS, |line| line.number == user, |line| line.rest.first()?.parse().ok())
}

/// The home directory of a user of that name.
pub fn home(name: &str) -> Option<String> {
    find(USERS, |line| line.name == name, |line| line.rest.get(2).map(|home| (*home).to_owned()))
}

fn name(file: &str, number: u32) -> String {
    let name = find(file, |line| line.number == number, |line| Some(line.name.to_owned()));
    name.unwrap_or_else(|| number.to_string())
}

/// What the first line says that is meant.
fn find<T>(
    file: &str,
    is_meant: impl Fn(&Line<'_>) -> bool,
    said: impl Fn(&Line<'_>) -> Option<T>,
) -> Option<T> {
    let text = fs::read_to_string(file).ok()?;
    lines(&text).find(is_meant).and_then(|line| said(&line))
}

/// What is no such line is passed over.
fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    text.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        Some(Line { name, number: fields.nth(1)?.parse().ok()?, rest: fields.collect() })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_those_of_whole_lines() {
        let text = "root:x:0:0:root:/root:/bin/sh\n:x:7:\nodd\nuser:x:1000:1000::/home/user:/bin/sh";
        let known: Vec<_> = lines(text).map(|line| (line.name, line.number)).collect();
        assert_eq!(known, [("root", 0), ("user", 1000)]);
    }
}
