//! The lines of `ls -l`, and what goes before names.

use std::fmt::Write as _;
use std::fs;

use cordon_multicall::facts::{UNIT, blocks, device_numbers, letters};
use cordon_multicall::users;
use cordon_vm::byte_text::ToText;
use cordon_vm::filesystem;
use cordon_vm::types::{FileStatus, FileType, Symlinks};
use uucore::error::UResult;

use super::request::{Indicator, Request, shown, target_of};
use super::{Entry, Listing};

/// Bytes that are kept for a file.
pub fn bytes_kept(known: &FileStatus) -> u64 {
    blocks(known) * UNIT
}

/// The widths of the columns.
#[derive(Default)]
pub struct Widths {
    inode: usize,
    blocks: usize,
    links: usize,
    size: usize,
    major: usize,
    minor: usize,
}

impl Widths {
    pub fn of(entries: &[Entry], request: &Request) -> Widths {
        let mut widths = Widths { links: 1, size: 1, inode: 1, blocks: 1, ..Widths::default() };
        let wider = |width: &mut usize, text: &str| *width = (*width).max(text.len());
        for entry in entries {
            let Some(known) = &entry.known else { continue };
            wider(&mut widths.inode, &known.inode.to_string());
            wider(&mut widths.blocks, &request.blocks(bytes_kept(known)));
            wider(&mut widths.links, &known.links.to_string());
            match numbers(entry) {
                Some((major, minor)) => {
                    wider(&mut widths.major, &major.to_string());
                    wider(&mut widths.minor, &minor.to_string());
                }
                None => wider(&mut widths.size, &request.size(known.size)),
            }
        }
        if widths.major > 0 {
            widths.size = widths.size.max(widths.major + 2 + widths.minor);
        }
        widths
    }
}

fn numbers(entry: &Entry) -> Option<(u64, u64)> {
    device_numbers(&entry.info.path.to_text(), entry.known.as_ref()?)
}

/// Inode and blocks, where they are asked for.
pub fn leading(entry: &Entry, request: &Request, widths: &Widths, is_tight: bool, text: &mut String) {
    let mut put = |value: Option<String>, width: usize| {
        let value = value.unwrap_or_else(|| "?".to_owned());
        let width = if is_tight { 0 } else { width };
        // Writing to a text does not fail.
        let _ = write!(text, "{value:>width$} ");
    };
    let known = entry.known.as_ref();
    if request.inode {
        put(known.map(|known| known.inode.to_string()), widths.inode);
    }
    if request.allocated {
        put(known.map(|known| request.blocks(bytes_kept(known))), widths.blocks);
    }
}

/// Who owns every file.
struct Owners {
    user: String,
    group: String,
}

impl Owners {
    fn of(request: &Request) -> Owners {
        if request.numeric {
            let number = users::USER_ID.to_string();
            return Owners { user: number.clone(), group: number };
        }
        Owners {
            user: if request.owner || request.author { users::user() } else { String::new() },
            group: if request.group { users::group() } else { String::new() },
        }
    }
}

impl Listing<'_> {
    pub fn write_lines(&mut self, entries: &[Entry]) -> UResult<()> {
        if entries.is_empty() {
            return Ok(());
        }
        let widths = Widths::of(entries, &self.request);
        let owners = Owners::of(&self.request);
        let is_aligned = entries.iter().any(|entry| entry.is_quoted);
        let times: Vec<_> =
            entries.iter().map(|entry| entry.known.as_ref().map(|known| self.request.time(known))).collect();
        let time_width = times.iter().flatten().map(String::len).max().unwrap_or(1);
        for (entry, time) in entries.iter().zip(times) {
            let mut text = String::new();
            leading(entry, &self.request, &widths, false, &mut text);
            match (&entry.known, time) {
                (Some(known), Some(time)) => {
                    self.facts(entry, known, &widths, &owners, &mut text);
                    text.push_str(&time);
                }
                _ => {
                    self.no_facts(entry, &widths, &owners, &mut text);
                    let _ = write!(text, "{:>time_width$}", '?');
                }
            }
            text.push(' ');
            if is_aligned && !entry.is_quoted {
                text.push(' ');
            }
            match entry.known.as_ref().is_some_and(|known| known.file_type == FileType::SymbolicLink) {
                true => self.link(entry, &mut text),
                false => self.name(entry, &mut text),
            }
            self.put(&text);
            self.out.push(self.request.end);
        }
        Ok(())
    }

    fn facts(&self, entry: &Entry, known: &FileStatus, widths: &Widths, owners: &Owners, text: &mut String) {
        let mode = letters(known.file_type, known.mode);
        let _ = write!(text, "{mode} {:>width$} ", known.links, width = widths.links);
        self.owners(&owners.user, &owners.group, owners, text);
        let width = widths.size;
        let _ = match numbers(entry) {
            Some((major, minor)) => {
                let (of_minor, of_major) = (widths.minor, width - 2 - widths.minor);
                write!(text, "{major:>of_major$}, {minor:>of_minor$} ")
            }
            None => write!(text, "{:>width$} ", self.request.size(known.size)),
        };
    }

    /// What stands for the facts about what could not be looked at.
    fn no_facts(&self, entry: &Entry, widths: &Widths, owners: &Owners, text: &mut String) {
        let kind = match entry.info.file_type {
            Some(kind) if kind.is_dir() => 'd',
            Some(kind) if kind.is_file() => '-',
            _ => 'l',
        };
        let _ = write!(text, "{kind}????????? {:>width$} ", '?', width = widths.links);
        self.owners("?", "?", owners, text);
        let _ = write!(text, "{:>width$} ", '?', width = widths.size);
    }

    fn owners(&self, user: &str, group: &str, owners: &Owners, text: &mut String) {
        let users = usize::from(self.request.owner) + usize::from(self.request.author);
        let (width, group_width) = (owners.user.len(), owners.group.len());
        if self.request.owner {
            let _ = write!(text, "{user:<width$} ");
        }
        if self.request.group {
            let _ = write!(text, "{group:<group_width$} ");
        }
        if users > usize::from(self.request.owner) {
            let _ = write!(text, "{user:<width$} ");
        }
    }

    /// A link and what it leads to, whose kind is told instead of its own.
    fn link(&mut self, entry: &Entry, text: &mut String) {
        let path = &entry.info.path;
        let Ok(target) = fs::read_link(path) else { return self.name(entry, text) };
        let (name, _) = shown(target.as_os_str(), self.request.quoting);
        let looks = self.request.indicator >= Indicator::FileType
            || self.colors.as_ref().is_some_and(super::Colors::look_at_targets);
        let found = target_of(path, &target);
        let known =
            looks.then(|| found.to_text()).and_then(|path| filesystem::status(&path, Symlinks::Follow).ok());
        match &mut self.colors {
            Some(colors) => {
                colors.paint_link(entry, looks && known.is_none(), text);
                text.push_str(" -> ");
                colors.paint_target(known.as_ref(), &name, text);
            }
            None => {
                let _ = write!(text, "{} -> {name}", entry.name);
            }
        }
        if let Some(known) = known.filter(|_| self.request.indicator >= Indicator::FileType) {
            text.extend(self.request.indicator(&known));
        }
    }
}
