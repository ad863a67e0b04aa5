//! `mapfile`, which is also `readarray`: lines into an array.

use super::{misuse, read::read_until};
use crate::{
    bytes,
    state::{Outcome, Shell},
    syntax::extent::is_name,
    system,
    variables::{Place, Value},
};

/// As many bytes may be read into an array.
const MAX_BYTES: usize = 256 * 1024 * 1024;

pub fn mapfile(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let name = arguments[0].as_str();
    let (mut trims, mut most, mut skip, mut number, mut delimiter) = (false, usize::MAX, 0, 0, b'\n');
    let mut origin: Option<i64> = None;
    let mut words = arguments[1..].iter();
    let mut array = None;
    while let Some(word) = words.next() {
        let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
            array = Some(word.as_str());
            break;
        };
        if letters == "-" {
            array = words.next().map(String::as_str);
            break;
        }
        for (index, letter) in letters.char_indices() {
            if letter == 't' {
                trims = true;
                continue;
            }
            let rest = &letters[index + 1..];
            let value = if rest.is_empty() { words.next().map(String::as_str) } else { Some(rest) };
            let Some(value) = value else {
                return Ok(misuse(shell, name, &format!("-{letter}: option requires an argument")));
            };
            let count = value.parse::<usize>();
            match (letter, count) {
                ('d', _) => delimiter = bytes::encode(value).first().copied().unwrap_or(0),
                ('n', Ok(count)) => most = if count == 0 { usize::MAX } else { count },
                ('s', Ok(count)) => skip = count,
                ('O', Ok(count)) => origin = i64::try_from(count).ok(),
                ('u', Ok(count)) => number = u32::try_from(count).unwrap_or(u32::MAX),
                ('n' | 's' | 'O' | 'u', Err(_)) => {
                    shell.report(&format!("{name}: {value}: invalid number"));
                    return Ok(1);
                }
                _ => return Ok(misuse(shell, name, &format!("-{letter}: not supported"))),
            }
            break;
        }
    }
    let array = array.unwrap_or("MAPFILE").to_owned();
    if !is_name(&array) {
        shell.report(&format!("{name}: `{array}': not a valid identifier"));
        return Ok(1);
    }
    let handle = match shell.descriptors.get(number) {
        Ok(handle) => handle,
        Err(errno) => {
            shell.report(&format!("{name}: {number}: invalid file descriptor: {}", system::describe(errno)));
            return Ok(1);
        }
    };
    if origin.is_none() {
        shell.assign_array(&array, Vec::new(), false)?;
    } else if !shell.find(&array).is_some_and(crate::variables::Variable::is_array) {
        shell.variable_mut(&array).value = Some(Value::Indexed(std::collections::BTreeMap::new()));
    }
    let mut index = origin.unwrap_or(0);
    let mut taken = 0usize;
    // Everything is read at once where nothing has to be left for others.
    let mut all = if most == usize::MAX && delimiter == b'\n' {
        match system::read_to_end(&handle) {
            Ok(all) => Some(std::collections::VecDeque::from(lines(&all))),
            Err(errno) => {
                shell.report(&format!("{name}: {}", system::describe(errno)));
                return Ok(1);
            }
        }
    } else {
        None
    };
    let mut count = 0usize;
    while count < most {
        let (mut line, complete) = match &mut all {
            Some(all) => match all.pop_front() {
                Some(line) => line,
                None => break,
            },
            None => match read_until(&handle, delimiter, &|| shell.caught_signal().is_some()) {
                Ok(read) => read,
                Err(errno) => {
                    shell.report(&format!("{name}: {}", system::describe(errno)));
                    return Ok(1);
                }
            },
        };
        if line.is_empty() && !complete {
            break;
        }
        if skip > 0 {
            skip -= 1;
        } else {
            taken = taken.saturating_add(line.len());
            if taken > MAX_BYTES {
                shell.report(&format!("{name}: too much for an array"));
                return Ok(1);
            }
            if complete && !trims && delimiter != 0 {
                line.push(delimiter);
            }
            line.retain(|byte| *byte != 0);
            shell.assign_place(&array, &Place::Index(index), bytes::decode(line), false)?;
            index += 1;
            count += 1;
        }
        if !complete {
            break;
        }
    }
    Ok(0)
}

/// The lines of a text, each with whether a newline ended it.
fn lines(all: &[u8]) -> Vec<(Vec<u8>, bool)> {
    all.split_inclusive(|byte| *byte == b'\n')
        .map(|line| match line.strip_suffix(b"\n") {
            Some(line) => (line.to_vec(), true),
            None => (line.to_vec(), false),
        })
        .collect()
}
