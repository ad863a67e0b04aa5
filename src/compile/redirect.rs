//! Redirects one import of a core module; everything else of the module stays byte for byte what it was.
//!
//! Knows only as much of the binary format as it has to: sections, and imports of functions, which are all that
//! commands import.

use std::ops::Range;

const HEADER: usize = 8;
const IMPORT_SECTION: u8 = 2;
const FUNCTION: u8 = 0;

/// The module is cut off, or imports what commands cannot be given.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// A length or a number runs over the end.
    #[error("the module ends in the middle of a section")]
    Truncated,
    /// A memory, table, global or tag is imported.
    #[error("the module imports something else than functions")]
    Import,
}

/// The module with every import of `from.0` `from.1` made one of `to.0` `to.1`; none if it has no such import.
pub fn redirect(module: &[u8], from: (&str, &str), to: (&str, &str)) -> Result<Option<Vec<u8>>, Malformed> {
    let mut reader = Reader { bytes: module, at: HEADER };
    while reader.at < module.len() {
        let start = reader.at;
        let id = reader.byte()?;
        let len = reader.number()?;
        let contents = reader.take(len)?;
        if id != IMPORT_SECTION {
            continue;
        }
        let Some(imports) = redirect_imports(&module[contents], from, to)? else { return Ok(None) };
        let mut result = Vec::with_capacity(module.len() + imports.len());
        result.extend_from_slice(&module[..start]);
        result.push(IMPORT_SECTION);
        put_number(&mut result, imports.len());
        result.extend_from_slice(&imports);
        result.extend_from_slice(&module[reader.at..]);
        return Ok(Some(result));
    }
    Ok(None)
}

fn redirect_imports(
    section: &[u8],
    from: (&str, &str),
    to: (&str, &str),
) -> Result<Option<Vec<u8>>, Malformed> {
    let mut reader = Reader { bytes: section, at: 0 };
    let count = reader.number()?;
    let mut result = Vec::with_capacity(section.len() + 64);
    put_number(&mut result, count);
    let mut found = false;
    for _ in 0..count {
        let start = reader.at;
        let module = reader.name()?;
        let name = reader.name()?;
        let kind = reader.at;
        if reader.byte()? != FUNCTION {
            return Err(Malformed::Import);
        }
        reader.number()?;
        if (&section[module], &section[name]) == (from.0.as_bytes(), from.1.as_bytes()) {
            found = true;
            put_name(&mut result, to.0);
            put_name(&mut result, to.1);
            result.extend_from_slice(&section[kind..reader.at]);
        } else {
            result.extend_from_slice(&section[start..reader.at]);
        }
    }
    Ok(found.then_some(result))
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn byte(&mut self) -> Result<u8, Malformed> {
        let byte = *self.bytes.get(self.at).ok_or(Malformed::Truncated)?;
        self.at += 1;
        Ok(byte)
    }

    /// An unsigned number of up to 32 bits.
    fn number(&mut self) -> Result<usize, Malformed> {
        let mut number = 0;
        for shift in (0..35).step_by(7) {
            let byte = self.byte()?;
            number |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Malformed::Truncated)
    }

    fn take(&mut self, len: usize) -> Result<Range<usize>, Malformed> {
        let end =
            self.at.checked_add(len).filter(|&end| end <= self.bytes.len()).ok_or(Malformed::Truncated)?;
        Ok(std::mem::replace(&mut self.at, end)..end)
    }

    fn name(&mut self) -> Result<Range<usize>, Malformed> {
        let len = self.number()?;
        self.take(len)
    }
}

fn put_number(bytes: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

fn put_name(bytes: &mut Vec<u8>, name: &str) {
    put_number(bytes, name.len());
    bytes.extend_from_slice(name.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &[u8] = b"\0asm\x01\0\0\0";

    #[test]
    fn one_import_changes_and_everything_else_stays() {
        let module = [
            HEAD,
            b"\x01\x04\x01\x60\x00\x00",
            b"\x02\x0d\x02\x01a\x01b\x00\x00\x01a\x01c\x00\x00",
            b"\x00\x01x",
        ];
        let expected = [
            HEAD,
            b"\x01\x04\x01\x60\x00\x00",
            b"\x02\x0e\x02\x01a\x01b\x00\x00\x02xy\x01z\x00\x00",
            b"\x00\x01x",
        ];
        let redirected = redirect(&module.concat(), ("a", "c"), ("xy", "z"));
        assert_eq!(redirected, Ok(Some(expected.concat())));
        assert_eq!(redirect(&module.concat(), ("a", "d"), ("xy", "z")), Ok(None));
    }

    #[test]
    fn a_module_cut_off_anywhere_is_an_error_or_has_no_such_import() {
        let module = [HEAD, b"\x02\x07\x01\x01a\x01c\x00\x00"].concat();
        for end in HEAD.len()..module.len() {
            assert_ne!(redirect(&module[..end], ("a", "c"), ("b", "c")).ok().flatten(), Some(module.clone()));
        }
        assert_eq!(redirect(&module[..module.len() - 1], ("a", "c"), ("b", "c")), Err(Malformed::Truncated));
    }

    #[test]
    fn an_imported_memory_is_refused() {
        let module = [HEAD, b"\x02\x08\x01\x01a\x01c\x02\x00\x01"].concat();
        assert_eq!(redirect(&module, ("a", "c"), ("b", "c")), Err(Malformed::Import));
    }
}
