//! Random bytes: each time from the system, so that no state is there that a forked worker could share. Of many only the
//! key is, with which they are made.

use std::rc::Rc;

use isolate::library::{Scope, memory_for};

use super::errors::{self, Result};
use super::job::{Mode, Output, Work};
use super::values;
use crate::binding::{Args, Function, Return, functions};
use crate::bytes::Memory;
use crate::environment::Env;

pub(super) const FUNCTIONS: &[Function] = functions! {
    "randomFillSync" => random_fill_sync,
    "secureBuffer" => secure_buffer,
    "timingSafeEqual" => timing_safe_equal,
};

/// So many bytes and more are made of a key: the system takes longer for them.
const MANY: usize = 512;

/// So many random bytes.
pub(super) fn bytes(length: usize) -> Result<Vec<u8>> {
    if !memory_for(length) {
        return Err(errors::no_memory());
    }
    let mut bytes = vec![0; length];
    draw(&mut bytes)?;
    Ok(bytes)
}

/// Fills memory with random bytes.
fn draw(bytes: &mut [u8]) -> Result<()> {
    let failed = || errors::node("ERR_CRYPTO_OPERATION_FAILED");
    if bytes.len() < MANY {
        return getrandom::fill(bytes).map_err(|_| failed());
    }
    // The key stream of a key that is used for this alone: as hard to tell from chance as the system's own, which is one
    // as well.
    let mut secret = [0; 48];
    getrandom::fill(&mut secret).map_err(|_| failed())?;
    let (key, iv) = secret.split_at(32);
    let mut crypter = openssl::symm::Crypter::new(
        openssl::symm::Cipher::aes_256_ctr(),
        openssl::symm::Mode::Encrypt,
        key,
        Some(iv),
    )?;
    let zeros = [0; PIECE];
    for piece in bytes.chunks_mut(PIECE) {
        let zeros = zeros.get(..piece.len()).unwrap_or_default();
        if crypter.update(zeros, piece)? != piece.len() {
            return Err(failed());
        }
    }
    Ok(())
}

/// Bytes that are made at once.
const PIECE: usize = 1 << 12;

/// Writes random bytes into a part of a buffer or view.
fn fill(value: v8::Local<'_, v8::Value>, offset: usize, size: usize) -> Result<()> {
    let Some(memory) = Memory::of(value) else { return Err(errors::node("ERR_INVALID_ARG_TYPE")) };
    let end = offset.checked_add(size).ok_or_else(|| errors::node("ERR_OUT_OF_RANGE"))?;
    if end > memory.len() {
        return Err(errors::node("ERR_OUT_OF_RANGE"));
    }
    if memory.is_shared() && !memory_for(size) {
        return Err(errors::no_memory());
    }
    let mut drawn = Ok(());
    memory.fill(offset..end, |bytes| {
        drawn = draw(bytes);
        bytes.len()
    });
    drawn
}

fn range(scope: &mut Scope<'_, '_>, args: &Args<'_>, index: i32) -> Result<(usize, usize)> {
    let number = |scope: &mut Scope<'_, '_>, index| {
        args.get(index)
            .number_value(scope)
            .filter(|number| number.is_finite() && *number >= 0.0)
            .map(|number| number as usize)
            .ok_or_else(|| errors::node("ERR_OUT_OF_RANGE"))
    };
    Ok((number(scope, index)?, number(scope, index + 1)?))
}

/// (buffer, offset, size)
fn random_fill_sync(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let filled = range(scope, &args, 1).and_then(|(offset, size)| fill(args.get(0), offset, size));
    if let Err(error) = filled {
        error.throw(scope);
    }
}

/// (mode, buffer, offset, size)
pub(super) fn bytes_job(scope: &mut Scope<'_, '_>, _: &Rc<Env>, args: &Args<'_>, _: Mode) -> Result<Work> {
    let (offset, size) = range(scope, args, 2)?;
    let buffer = v8::Global::new(scope, args.get(1));
    Ok(Box::new(move || {
        Ok(Output::Make(Box::new(move |scope, _| {
            let buffer = v8::Local::new(scope, &buffer);
            if let Err(error) = fill(buffer, offset, size) {
                error.throw(scope);
                return None;
            }
            Some(v8::undefined(scope).into())
        })))
    }))
}

/// Memory for secrets. A VM has no memory of that kind beside the usual one, and neither has Node without an option.
fn secure_buffer(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    const LONGEST: u32 = 1 << 20;
    let Some(length) = values::uint(scope, args.get(0)).filter(|length| *length <= LONGEST) else { return };
    if let Some(bytes) = isolate::library::bytes(scope, &vec![0; length as usize]) {
        result.set(bytes);
    }
}

/// (one, another)
fn timing_safe_equal(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let compared = (|| {
        values::with_bytes(args.get(0), "buf1", |one| {
            values::with_bytes(args.get(1), "buf2", |other| {
                if one.len() != other.len() {
                    return Err(errors::node("ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH"));
                }
                Ok(openssl::memcmp::eq(one, other))
            })?
        })?
    })();
    match compared {
        Ok(equal) => result.set_bool(equal),
        Err(error) => error.throw(scope),
    }
}

#[cfg(test)]
mod tests {
    use super::{MANY, PIECE, bytes};

    #[test]
    fn bytes_of_every_length_differ_from_draw_to_draw() {
        for length in [MANY - 1, MANY, PIECE - 1, PIECE + 1, 3 * PIECE + 17] {
            let (one, other) = (bytes(length).unwrap(), bytes(length).unwrap());
            assert_eq!((one.len(), other.len()), (length, length));
            let same = one.iter().zip(&other).filter(|(one, other)| one == other).count();
            assert!(same < length / 16, "{same} of {length}");
            // No piece is another's.
            for piece in one.chunks(PIECE).skip(1) {
                assert_ne!(piece.get(..16), one.get(..16));
            }
        }
    }
}
