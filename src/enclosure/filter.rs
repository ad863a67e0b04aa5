//! The system call filters. Their rules are data: `seccomp.json` beside this file, a reason on each, and
//! `seccomp-network.json` for the network process, which is no worker and has no template.
//!
//! Three filters lie over each other, and the strictest answer counts. The first says what a template and a worker may
//! call at all; everything else is refused and noted ([`refusals`](super::refusals)). The second answers quietly what
//! libraries try and can do without. The third, which a forked worker adds, takes away what only a template needs and
//! limits arguments, more of them where `jit` is denied. What it takes away and libraries can do without is answered by
//! the handler of refusals, so that it stays one filter. A filter of many rules takes the kernel a third of a millisecond to install, so that the first two are
//! inherited.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use protocol::enclosure::Layer;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter_all_threads,
};
use serde::Deserialize;
use syscalls::Sysno;

use super::{SECCOMP, required};

const RULES: &str = include_str!("seccomp.json");
const NETWORK_RULES: &str = include_str!("seccomp-network.json");

/// `EPERM`: what is refused without another answer of its own.
pub(super) const REFUSED: u32 = 1;

/// The rules, as the file has them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    allowed: Vec<Group>,
    allowed_on: BTreeMap<String, Vec<Group>>,
    unavailable: Vec<Answered>,
    unavailable_on: BTreeMap<String, Vec<Answered>>,
    template: Vec<Group>,
    template_on: BTreeMap<String, Vec<Group>>,
    declined: Vec<Answered>,
    limited: Vec<Limited>,
    limited_without_jit: Vec<Limited>,
}

/// Calls that are allowed for one reason.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    #[serde(rename = "why")]
    _why: String,
    calls: Vec<String>,
}

/// Calls that are answered with an error and not noted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answered {
    #[serde(rename = "why")]
    _why: String,
    errno: u32,
    calls: Vec<String>,
}

/// A call that workers may make with some arguments only.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Limited {
    call: String,
    #[serde(rename = "why")]
    _why: String,
    /// Any of these, each of which is a conjunction.
    refused_if: Vec<Vec<Condition>>,
}

/// Of the lower half of one argument, counted from nought.
#[derive(Deserialize)]
struct Condition {
    argument: u8,
    #[serde(flatten)]
    is: Comparison,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Comparison {
    /// Has that bit.
    Has(u32),
    IsNot(Value),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Value {
    Number(u32),
    Own(Own),
}

/// This process's id.
#[derive(Deserialize)]
enum Own {
    #[serde(rename = "self")]
    Itself,
}

type Calls = BTreeMap<i64, Vec<SeccompRule>>;

impl Rules {
    /// Reads them.
    ///
    /// # Errors
    /// They are not of this form.
    pub fn read() -> io::Result<Rules> {
        serde_json::from_str(RULES).map_err(io::Error::other)
    }

    /// Reads those of the network process.
    ///
    /// # Errors
    /// They are not of this form.
    pub fn read_network() -> io::Result<Rules> {
        serde_json::from_str(NETWORK_RULES).map_err(io::Error::other)
    }

    /// What a template and a worker may call at all, and what is answered quietly.
    ///
    /// # Errors
    /// A rule names a call that does not exist on this processor.
    pub(super) fn shared(&self) -> io::Result<Vec<BpfProgram>> {
        let answered: Vec<&Answered> = with(&self.unavailable, &self.unavailable_on).collect();
        let names = with(&self.allowed, &self.allowed_on)
            .chain(with(&self.template, &self.template_on))
            .flat_map(|group| &group.calls)
            .chain(answered.iter().flat_map(|group| &group.calls))
            .chain(self.declined.iter().flat_map(|group| &group.calls));
        let allowed = whatever_arguments(names)?;
        let mut filters = vec![filter(allowed, SeccompAction::Trap, SeccompAction::Allow)?];
        let errors: BTreeSet<u32> = answered.iter().map(|group| group.errno).collect();
        for errno in errors {
            let of_it = answered.iter().filter(|group| group.errno == errno);
            let calls = whatever_arguments(of_it.flat_map(|group| &group.calls))?;
            filters.push(filter(calls, SeccompAction::Allow, SeccompAction::Errno(errno))?);
        }
        Ok(filters)
    }

    /// What a worker that has this id may not call any more, or not with every argument.
    ///
    /// # Errors
    /// As [`shared`](Self::shared).
    pub fn worker(&self, own: u32, jit: bool) -> io::Result<BpfProgram> {
        let templates = with(&self.template, &self.template_on).flat_map(|group| &group.calls);
        let declined = self.declined.iter().flat_map(|group| &group.calls);
        let mut refused = whatever_arguments(templates.chain(declined))?;
        let without_jit = self.limited_without_jit.iter().filter(|_| !jit);
        for Limited { call, refused_if, .. } in self.limited.iter().chain(without_jit) {
            let rules: io::Result<Vec<SeccompRule>> =
                refused_if.iter().map(|conditions| rule(conditions, own)).collect();
            refused.entry(number(call)?).or_default().extend(rules?);
        }
        filter(refused, SeccompAction::Allow, SeccompAction::Trap)
    }

    /// What workers may not call either but are told another error than [`REFUSED`], and what they are told.
    ///
    /// # Errors
    /// As [`shared`](Self::shared).
    pub(super) fn declined(&self) -> io::Result<Vec<(i64, u32)>> {
        let calls = self.declined.iter().flat_map(|group| group.calls.iter().map(|call| (call, group.errno)));
        calls.map(|(call, errno)| Ok((number(call)?, errno))).collect()
    }
}

/// A list, and what this processor has beside it.
fn with<'a, T>(
    list: &'a [T],
    by_processor: &'a BTreeMap<String, Vec<T>>,
) -> impl Iterator<Item = &'a T> + use<'a, T> {
    list.iter().chain(by_processor.get(std::env::consts::ARCH).into_iter().flatten())
}

fn number(call: &str) -> io::Result<i64> {
    let known: Result<Sysno, _> = call.parse();
    known
        .map(|call| i64::from(call.id()))
        .map_err(|()| io::Error::other(format!("no system call is named {call}")))
}

fn whatever_arguments<'a>(names: impl Iterator<Item = &'a String>) -> io::Result<Calls> {
    names.map(|name| Ok((number(name)?, Vec::new()))).collect()
}

fn rule(conditions: &[Condition], own: u32) -> io::Result<SeccompRule> {
    let conditions = conditions.iter().map(|Condition { argument, is }| {
        let (operator, value) = match is {
            Comparison::Has(bit) => (SeccompCmpOp::MaskedEq(u64::from(*bit)), *bit),
            Comparison::IsNot(Value::Number(number)) => (SeccompCmpOp::Ne, *number),
            Comparison::IsNot(Value::Own(Own::Itself)) => (SeccompCmpOp::Ne, own),
        };
        SeccompCondition::new(*argument, SeccompCmpArgLen::Dword, operator, u64::from(value))
    });
    let conditions: Result<Vec<_>, _> = conditions.collect();
    SeccompRule::new(conditions.map_err(io::Error::other)?).map_err(io::Error::other)
}

fn filter(calls: Calls, otherwise: SeccompAction, then: SeccompAction) -> io::Result<BpfProgram> {
    let processor: TargetArch = std::env::consts::ARCH.try_into().map_err(io::Error::other)?;
    let filter = SeccompFilter::new(calls, otherwise, then, processor).map_err(io::Error::other)?;
    filter.try_into().map_err(io::Error::other)
}

/// Installs filters for every thread, for good.
///
/// # Errors
/// The kernel refuses one.
pub(super) fn install(filters: &[BpfProgram]) -> io::Result<()> {
    filters.iter().try_for_each(|filter| apply_filter_all_threads(filter)).map_err(io::Error::other)
}

/// Installs that of a worker, and says so.
///
/// # Errors
/// The kernel refuses it.
pub(super) fn install_last(filter: &BpfProgram) -> io::Result<Layer> {
    required(SECCOMP.0, SECCOMP.1, || install(std::slice::from_ref(filter)))
}
