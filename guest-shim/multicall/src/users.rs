//! Users and groups by name, as the files of the virtual machine have them. Whose everything is says [`USER_ID`].

use std::fs;

pub use cordon_vm::USER_ID;

const USERS: &str = "/etc/passwd";
const GROUPS: &str = "/etc/group";

/// The name of the user of the virtual machine; the number, where it has none.
pub fn user() -> String {
    name(USERS, USER_ID)
}

/// The name of its group; the number, where it has none.
pub fn group() -> String {
    name(GROUPS, USER_ID)
}

/// The name of any user; the number, where it has none.
pub fn user_name(number: u32) -> String {
    name(USERS, number)
}

/// The number of a user of that name.
pub fn user_number(name: &str) -> Option<u32> {
    number(USERS, name)
}

/// The name of any group; the number, where it has none.
pub fn group_name(number: u32) -> String {
    name(GROUPS, number)
}

/// The group of a user.
pub fn primary_group(user: u32) -> Option<u32> {
    let text = fs::read_to_string(USERS).ok()?;
    text.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        (fields.get(2)?.parse() == Ok(user)).then(|| fields.get(3)?.parse().ok())?
    })
}

/// The number of a group of that name.
pub fn group_number(name: &str) -> Option<u32> {
    number(GROUPS, name)
}

/// The home directory of a user of that name.
pub fn home(name: &str) -> Option<String> {
    let text = fs::read_to_string(USERS).ok()?;
    let fields =
        text.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|fields| fields[0] == name)?;
    fields.get(5).map(|home| (*home).to_owned())
}

fn name(file: &str, number: u32) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    lines(&text).find(|line| line.1 == number).map_or_else(|| number.to_string(), |line| line.0.to_owned())
}

fn number(file: &str, name: &str) -> Option<u32> {
    let text = fs::read_to_string(file).unwrap_or_default();
    lines(&text).find(|line| line.0 == name).map(|line| line.1)
}

/// Names and numbers of lines like `name:password:number:...`.
fn lines(text: &str) -> impl Iterator<Item = (&str, u32)> {
    text.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        Some((name, fields.nth(1)?.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_those_of_whole_lines() {
        let text = "root:x:0:0:root:/root:/bin/sh\n:x:7:\nodd\nuser:x:1000:1000::/home/user:/bin/sh";
        assert_eq!(lines(text).collect::<Vec<_>>(), [("root", 0), ("user", 1000)]);
    }
}
