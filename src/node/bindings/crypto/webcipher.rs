//! Encrypting for Web Crypto: AES and ChaCha20-Poly1305, a message at a time.

use std::rc::Rc;

use isolate::library::{Scope, memory_for};
use openssl::error::ErrorStack;

use super::errors::{self, Result};
use super::job::{Mode as JobMode, Output, Work};
use super::keys;
use super::ossl::cipher::{Cipher, Context, Mode};
use super::values;
use crate::binding::Args;
use crate::environment::Env;

/// A tag was not what it should be.
fn failed() -> errors::Error {
    errors::plain("Cipher job failed")
}

/// What is common to the jobs here: (mode, whether to decrypt, key, data).
struct Message {
    encrypt: bool,
    key: Vec<u8>,
    data: Vec<u8>,
}

impl Message {
    fn of(scope: &mut Scope<'_, '_>, env: &Rc<Env>, args: &Args<'_>) -> Result<Message> {
        let encrypt = args.get(1).uint32_value(scope) == Some(0);
        let key = keys::secret(scope, env, args.get(2))?;
        let data = values::required(args.get(3), "data")?;
        if !memory_for(data.len().saturating_mul(2)) {
            return Err(errors::no_memory());
        }
        if data.len() > i32::MAX as usize - 64 {
            return Err(errors::coded("ERR_OUT_OF_RANGE", "data is too big"));
        }
        Ok(Message { encrypt, key, data })
    }
}

fn start(cipher: &Cipher, message: &Message, iv: Option<&[u8]>) -> std::result::Result<Context, ErrorStack> {
    let mut context = Context::new(cipher, message.encrypt)?;
    context.set_key_length(message.key.len())?;
    context.start(Some(&message.key), iv, message.encrypt)?;
    Ok(context)
}

/// Without a tag.
fn plain(cipher: &Cipher, message: &Message, iv: Option<&[u8]>) -> Result<Vec<u8>> {
    let mut context = start(cipher, message, iv)?;
    let mut output = context.update(&message.data)?;
    // Wrapping is over with the first piece.
    if cipher.mode() != Mode::Wrap {
        output.extend(context.finish()?);
    }
    Ok(output)
}

/// With a tag at the end of what is encrypted.
fn authenticated(
    cipher: &Cipher,
    message: &Message,
    iv: &[u8],
    tag_length: usize,
    additional: &[u8],
) -> Result<Vec<u8>> {
    let mut context = Context::new(cipher, message.encrypt)?;
    context.set_iv_length(iv.len())?;
    if cipher.mode() == Mode::Ocb {
        context.set_tag_length(tag_length)?;
    }
    context.set_key_length(message.key.len())?;
    context.start(Some(&message.key), Some(iv), message.encrypt)?;
    let data = if message.encrypt {
        message.data.as_slice()
    } else {
        let (data, tag) = message
            .data
            .len()
            .checked_sub(tag_length)
            .and_then(|length| message.data.split_at_checked(length))
            .ok_or_else(failed)?;
        context.set_tag(tag)?;
        data
    };
    if !additional.is_empty() {
        context.authenticate(additional)?;
    }
    let mut output = context.update(data)?;
    match context.finish() {
        Ok(rest) => output.extend(rest),
        Err(stack) if stack.errors().is_empty() || !message.encrypt => return Err(failed()),
        Err(stack) => return Err(stack.into()),
    }
    if message.encrypt {
        output.extend(context.tag(tag_length)?);
    }
    Ok(output)
}

/// In CTR, where only so many bits of the counter count: it begins again at zero, which OpenSSL does not know of.
fn counted(cipher: &Cipher, message: &Message, counter: [u8; 16], bits: u32) -> Result<Vec<u8>> {
    let value = u128::from_be_bytes(counter);
    let mask = if bits >= 128 { u128::MAX } else { (1 << bits) - 1 };
    let blocks = message.data.len().div_ceil(16) as u128;
    // Each value may be used once.
    if bits < 128 && blocks > mask + 1 {
        return Err(failed());
    }
    let until = if value & mask == 0 { u128::MAX } else { mask - (value & mask) + 1 };
    if blocks <= until {
        return plain(cipher, message, Some(&counter));
    }
    let split = usize::try_from(until).unwrap_or(usize::MAX).saturating_mul(16);
    let (first, second) = message.data.split_at_checked(split).ok_or_else(failed)?;
    let mut context = start(cipher, message, Some(&counter))?;
    let mut output = context.update(first)?;
    let again = (value & !mask).to_be_bytes();
    let mut context = start(cipher, message, Some(&again))?;
    output.extend(context.update(second)?);
    Ok(output)
}

fn invalid_iv() -> errors::Error {
    errors::node("ERR_CRYPTO_INVALID_IV")
}

/// (..., variant, iv or counter, length of the counter or the tag, additional data)
pub(super) fn aes_job(scope: &mut Scope<'_, '_>, env: &Rc<Env>, args: &Args<'_>, _: JobMode) -> Result<Work> {
    let message = Message::of(scope, env, args)?;
    let variant = values::uint(scope, args.get(4)).ok_or_else(|| errors::node("ERR_INVALID_ARG_VALUE"))?;
    let size = match variant % 3 {
        0 => 128,
        1 => 192,
        _ => 256,
    };
    let mode = match variant / 3 {
        0 => "ctr",
        1 => "cbc",
        2 => "gcm",
        3 => "wrap",
        4 => "ocb",
        _ => return Err(errors::node("ERR_CRYPTO_UNKNOWN_CIPHER")),
    };
    let cipher = Cipher::fetch(&format!("aes-{size}-{mode}"))
        .ok_or_else(|| errors::node("ERR_CRYPTO_UNKNOWN_CIPHER"))?;
    let iv = values::optional(args.get(5))?;
    let number = values::uint(scope, args.get(6));
    match mode {
        "ctr" => {
            let counter: [u8; 16] = iv.try_into().map_err(|_| invalid_iv())?;
            let bits = number.filter(|bits| (1..=128).contains(bits));
            let bits = bits.ok_or_else(|| errors::node("ERR_CRYPTO_INVALID_COUNTER"))?;
            Ok(Box::new(move || Ok(Output::Bytes(counted(&cipher, &message, counter, bits)?))))
        }
        "cbc" => {
            if iv.len() != cipher.iv_length() {
                return Err(invalid_iv());
            }
            Ok(Box::new(move || Ok(Output::Bytes(plain(&cipher, &message, Some(&iv))?))))
        }
        "wrap" => Ok(Box::new(move || Ok(Output::Bytes(plain(&cipher, &message, None)?)))),
        _ => {
            let tag_length = number.map_or(16, |length| length as usize);
            let fits = match mode {
                "gcm" => !iv.is_empty(),
                _ => (1..=15).contains(&iv.len()),
            };
            if !fits {
                return Err(invalid_iv());
            }
            if tag_length > 16 && mode == "ocb" || tag_length > 64 {
                return Err(errors::node("ERR_CRYPTO_INVALID_TAG_LENGTH"));
            }
            let additional = values::optional(args.get(7))?;
            Ok(Box::new(move || {
                let output = authenticated(&cipher, &message, &iv, tag_length, &additional);
                output.map(Output::Bytes)
            }))
        }
    }
}

/// (..., iv, additional data)
pub(super) fn chacha20_job(
    scope: &mut Scope<'_, '_>,
    env: &Rc<Env>,
    args: &Args<'_>,
    _: JobMode,
) -> Result<Work> {
    let message = Message::of(scope, env, args)?;
    let cipher =
        Cipher::fetch("chacha20-poly1305").ok_or_else(|| errors::node("ERR_CRYPTO_UNKNOWN_CIPHER"))?;
    let iv = values::optional(args.get(4))?;
    if iv.len() != 12 {
        return Err(invalid_iv());
    }
    let additional = values::optional(args.get(5))?;
    Ok(Box::new(move || {
        let output = authenticated(&cipher, &message, &iv, 16, &additional);
        output.map(Output::Bytes)
    }))
}
