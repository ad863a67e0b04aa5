//! Ceilings on lists and texts of a configuration, so that reading one is bounded work. A list that is too long is
//! refused at its first element too many, before that is read.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, SeqAccess, Visitor};

/// Rules in one permission scope.
pub(super) const RULES: usize = 256;
/// Operations in one rule.
pub(super) const OPERATIONS: usize = 64;
/// Patterns in one rule.
pub(super) const PATTERNS: usize = 256;
/// Patterns of all rules of all scopes together: each costs kilobytes once compiled, however short it is.
pub(super) const PATTERNS_IN_ALL: usize = 1024;
/// Bytes of all these patterns together. Compiled they are some hundred times as large: measured at the limit, tens of
/// milliseconds and 8 MiB.
pub(super) const PATTERN_BYTES_IN_ALL: usize = 32 * 1024;
/// Ranges of ports in one rule of the network.
pub(super) const PORTS: usize = 256;
/// Methods of HTTP in one rule.
pub(super) const METHODS: usize = 64;
/// Schemes in one rule.
pub(super) const SCHEMES: usize = 8;
/// Host patterns of all rules of the network together. They are not compiled, but each decision may look at every one,
/// and they are compared with each other when a configuration is checked.
pub(super) const HOSTS_IN_ALL: usize = 1024;
/// Bytes of all these together.
pub(super) const HOST_BYTES_IN_ALL: usize = 64 * 1024;
/// Ranges of ports of all rules of the network together.
pub(super) const PORTS_IN_ALL: usize = 1024;
/// Bytes of certificates of extra authorities, in PEM. They go with each connection on which requests are decided.
pub(super) const EXTRA_CA_BYTES: usize = 24 * 1024;
/// Secrets of one VM.
pub(super) const SECRETS: usize = 32;
/// Hosts of one secret.
pub(super) const SECRET_HOSTS: usize = 32;
/// Places of one secret: there are as many kinds.
pub(super) const SECRET_PLACES: usize = 3;
/// The least bytes of a secret: an answer that has what is shorter in it by chance would be taken for one that shows it.
pub(super) const SECRET_BYTES_LEAST: usize = 8;
/// Bytes of all secrets together. They go with each connection to a host that gets one.
pub(super) const SECRET_BYTES_IN_ALL: usize = 16 * 1024;
/// Mounts of one VM.
pub const MOUNTS: usize = 64;
/// Directories of commands of one VM.
pub(super) const COMMAND_DIRECTORIES: usize = 16;
/// Host functions of one VM.
pub(super) const HOST_FUNCTIONS: usize = 1024;
/// Bytes of a host function's name, or of its collection's.
pub(super) const HOST_FUNCTION_PART_BYTES: usize = 64;
/// Bytes of all environment variables together: the longest one that Linux takes, and others beside it.
pub(super) const ENVIRONMENT_BYTES: usize = 192 * 1024;
/// Bytes of a path.
pub(super) const PATH_BYTES: usize = 4095;

/// Reads a list of at most `MOST` elements.
pub(super) fn list<'de, D, T, const MOST: usize>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Bounded::<T, MOST>::deserialize(deserializer)?.0)
}

/// Reads a list of at most `MOST` elements that may be left out.
pub(super) fn optional_list<'de, D, T, const MOST: usize>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::<Bounded<T, MOST>>::deserialize(deserializer)?.map(|list| list.0))
}

struct Bounded<T, const MOST: usize>(Vec<T>);

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for Bounded<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Elements<T, const MOST: usize>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for Elements<T, MOST> {
            type Value = Vec<T>;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a sequence")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Vec<T>, A::Error> {
                let mut list = Vec::new();
                while list.len() < MOST {
                    match elements.next_element()? {
                        Some(element) => list.push(element),
                        None => return Ok(list),
                    }
                }
                match elements.next_element::<IgnoredAny>()? {
                    Some(_) => Err(A::Error::custom(format!("more than {MOST}"))),
                    None => Ok(list),
                }
            }
        }
        deserializer.deserialize_seq(Elements::<T, MOST>(PhantomData)).map(Bounded)
    }
}
