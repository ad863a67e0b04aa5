//! Key derivation: PBKDF2, scrypt, HKDF, Argon2.

use std::rc::Rc;

use isolate::library::{Scope, memory_for};

use super::errors::{self, Result};
use super::job::{Mode, Output, Work};
use super::keys;
use super::ossl::digest::{self, Digest};
use super::ossl::params::Params;
use super::ossl::{interrupt, kdf};
use super::values;
use crate::binding::Args;
use crate::environment::Env;

fn length(scope: &mut Scope<'_, '_>, value: v8::Local<'_, v8::Value>) -> Result<usize> {
    let length = value
        .number_value(scope)
        .filter(|length| length.is_finite() && *length >= 0.0)
        .ok_or_else(|| errors::node("ERR_CRYPTO_INVALID_KEYLEN"))? as usize;
    if !memory_for(length) {
        return Err(errors::no_memory());
    }
    Ok(length)
}

fn number(scope: &mut Scope<'_, '_>, value: v8::Local<'_, v8::Value>) -> Result<u32> {
    values::uint(scope, value).ok_or_else(|| errors::node("ERR_OUT_OF_RANGE"))
}

/// A digest that exists.
fn digest_name(scope: &mut Scope<'_, '_>, args: &Args<'_>, index: i32) -> Result<String> {
    let name = values::required_name(scope, args, index)?;
    digest::provided_name(&name).ok_or_else(|| errors::invalid_digest(&name))
}

/// (mode, password, salt, iterations, length, digest)
pub(super) fn pbkdf2_job(scope: &mut Scope<'_, '_>, env: &Rc<Env>, args: &Args<'_>, _: Mode) -> Result<Work> {
    let password = keys::secret(scope, env, args.get(1))?;
    let salt = values::required(args.get(2), "salt")?;
    let iterations = number(scope, args.get(3))?;
    let length = length(scope, args.get(4))?;
    let digest = digest_name(scope, args, 5)?;
    Ok(Box::new(move || {
        if length == 0 {
            return Err(errors::plain("PBKDF2 derivation failed"));
        }
        let blocks = length.div_ceil(digest::fetch(&digest).map_or(1, |md| digest::size(&md)).max(1));
        if (iterations as usize).saturating_mul(blocks) > SILENT_MAX {
            return pbkdf2(&digest, &password, &salt, iterations, length).map(Output::Bytes);
        }
        let params = Params::new()
            .bytes(c"pass", &password)
            .bytes(c"salt", &salt)
            .long(c"iter", iterations.into())
            .text(c"digest", &digest)
            // Node lets programs choose less than the standard says.
            .int(c"pkcs5", 1);
        kdf::derive("PBKDF2", &params, length)
            .map(Output::Bytes)
            .map_err(|stack| errors::openssl_behind(stack, "PBKDF2 derivation failed"))
    }))
}

/// Rounds of PBKDF2 that OpenSSL does in one go, some seconds at most: nothing ends it meanwhile.
const SILENT_MAX: usize = 5_000_000;
/// Rounds after which it is asked whether anybody still waits for them.
const ROUNDS: u32 = 1 << 14;

/// PBKDF2 that ends with its job, at the cost of some speed.
fn pbkdf2(name: &str, password: &[u8], salt: &[u8], iterations: u32, length: usize) -> Result<Vec<u8>> {
    let md = digest::fetch(name).ok_or_else(|| errors::invalid_digest(name))?;
    let size = digest::size(&md);
    if digest::is_xof(&md) || size == 0 {
        return Err(errors::plain("PBKDF2 derivation failed"));
    }
    let mut key = password.to_vec();
    if key.len() > md.block_size() {
        let mut digest = Digest::new(&md)?;
        digest.update(&key)?;
        key = digest.finish(size, false)?;
    }
    key.resize(md.block_size(), 0);
    // HMAC: what both of its halves begin with is hashed once.
    let begun = |pad: u8| -> Result<Digest> {
        let mut digest = Digest::new(&md)?;
        digest.update(&key.iter().map(|byte| byte ^ pad).collect::<Vec<_>>())?;
        Ok(digest)
    };
    let (inner, outer) = (begun(0x36)?, begun(0x5c)?);
    let mut work = Digest::new(&md)?;
    let mut buffer = [0; 64];
    let mut code = |data: &[&[u8]]| -> Result<[u8; 64]> {
        work.copy_from(&inner)?;
        for data in data {
            work.update(data)?;
        }
        work.finish_into(&mut buffer)?;
        work.copy_from(&outer)?;
        work.update(buffer.get(..size).unwrap_or_default())?;
        work.finish_into(&mut buffer)?;
        Ok(buffer)
    };
    let mut output = Vec::new();
    let mut block: u32 = 0;
    while output.len() < length {
        block = block.saturating_add(1);
        let mut last = code(&[salt, &block.to_be_bytes()])?;
        let mut sum = last;
        for round in 1..iterations {
            if round % ROUNDS == 0 && interrupt::is_ended() {
                return Err(errors::Error::Pending);
            }
            last = code(&[last.get(..size).unwrap_or_default()])?;
            for (sum, byte) in sum.iter_mut().zip(last) {
                *sum ^= byte;
            }
        }
        output.extend_from_slice(sum.get(..size).unwrap_or_default());
    }
    output.truncate(length);
    Ok(output)
}

/// (mode, password, salt, N, r, p, memory, length)
pub(super) fn scrypt_job(scope: &mut Scope<'_, '_>, env: &Rc<Env>, args: &Args<'_>, _: Mode) -> Result<Work> {
    let password = keys::secret(scope, env, args.get(1))?;
    let salt = values::required(args.get(2), "salt")?;
    let cost = number(scope, args.get(3))?;
    let (block, parallel) = (number(scope, args.get(4))?, number(scope, args.get(5))?);
    let memory = args
        .get(6)
        .number_value(scope)
        .filter(|memory| memory.is_finite() && *memory >= 0.0)
        .ok_or_else(|| errors::node("ERR_OUT_OF_RANGE"))? as u64;
    let length = length(scope, args.get(7))?;
    let params = move |password: &[u8], salt: &[u8]| {
        Params::new()
            .bytes(c"pass", password)
            .bytes(c"salt", salt)
            .long(c"n", cost.into())
            .uint(c"r", block)
            .uint(c"p", parallel)
            .long(c"maxmem_bytes", memory)
    };
    check_scrypt(cost, block, parallel, memory)?;
    Ok(Box::new(move || {
        if length == 0 {
            return Ok(Output::Bytes(Vec::new()));
        }
        kdf::derive("SCRYPT", &params(&password, &salt), length)
            .map(Output::Bytes)
            .map_err(|stack| errors::openssl_behind(stack, "Scrypt derivation failed"))
    }))
}

/// What scrypt cannot be done with.
fn check_scrypt(cost: u32, block: u32, parallel: u32, memory: u64) -> Result<()> {
    let invalid = || errors::node("ERR_CRYPTO_INVALID_SCRYPT_PARAMS");
    let (n, r, p) = (u64::from(cost), u64::from(block), u64::from(parallel));
    if n < 2 || !n.is_power_of_two() || r == 0 || p == 0 {
        return Err(invalid());
    }
    let is_too_much = p > ((1 << 30) - 1) / r || (16 * r <= 63 && n >= 1 << (16 * r));
    // What it works in: p blocks, N blocks and three more.
    let needed = 128u64.checked_mul(r).and_then(|block| {
        let blocks = p.checked_add(n)?.checked_add(2)?;
        block.checked_mul(blocks)
    });
    match needed {
        Some(needed) if needed <= memory && !is_too_much => {
            let fits = usize::try_from(needed).is_ok_and(memory_for);
            if fits { Ok(()) } else { Err(errors::no_memory()) }
        }
        _ => Err(errors::coded(
            "ERR_CRYPTO_INVALID_SCRYPT_PARAMS",
            "Invalid scrypt params: error:030000AC:digital envelope routines::memory limit exceeded",
        )),
    }
}

/// (mode, digest, key, salt, info, length)
pub(super) fn hkdf_job(scope: &mut Scope<'_, '_>, env: &Rc<Env>, args: &Args<'_>, _: Mode) -> Result<Work> {
    let digest = digest_name(scope, args, 1)?;
    let key = keys::secret(scope, env, args.get(2))?;
    let (salt, info) = (values::required(args.get(3), "salt")?, values::required(args.get(4), "info")?);
    let size = digest::fetch(&digest).map_or(0, |md| digest::size(&md));
    let length = args
        .get(5)
        .number_value(scope)
        .filter(|length| length.is_finite() && *length >= 0.0)
        .ok_or_else(|| errors::node("ERR_CRYPTO_INVALID_KEYLEN"))? as usize;
    if length > size * 255 {
        return Err(errors::node("ERR_CRYPTO_INVALID_KEYLEN"));
    }
    Ok(Box::new(move || {
        if length == 0 {
            return Ok(Output::Bytes(Vec::new()));
        }
        let mut params = Params::new().text(c"digest", &digest).bytes(c"info", &info);
        params = params.bytes(c"key", &key);
        if !salt.is_empty() {
            params = params.bytes(c"salt", &salt);
        }
        kdf::derive("HKDF", &params, length)
            .map(Output::Bytes)
            .map_err(|stack| errors::openssl_behind(stack, "HKDF derivation failed"))
    }))
}

/// (mode, message, nonce, lanes, length, memory, passes, secret, associated data, type)
pub(super) fn argon2_job(scope: &mut Scope<'_, '_>, env: &Rc<Env>, args: &Args<'_>, _: Mode) -> Result<Work> {
    let message = keys::secret(scope, env, args.get(1))?;
    let nonce = values::required(args.get(2), "nonce")?;
    let lanes = number(scope, args.get(3))?;
    let length = length(scope, args.get(4))?;
    let (memory, passes) = (number(scope, args.get(5))?, number(scope, args.get(6))?);
    let (secret, associated) =
        (values::required(args.get(7), "secret")?, values::required(args.get(8), "associatedData")?);
    let algorithm = match args.get(9).uint32_value(scope) {
        Some(0) => "ARGON2D",
        Some(1) => "ARGON2I",
        Some(2) => "ARGON2ID",
        _ => return Err(errors::node("ERR_INVALID_ARG_VALUE")),
    };
    Ok(Box::new(move || {
        let needed = usize::try_from(memory).ok().and_then(|kibibytes| kibibytes.checked_mul(1024));
        if !needed.is_some_and(memory_for) {
            return Err(errors::plain("Argon2 derivation failed"));
        }
        let params = Params::new()
            .bytes(c"pass", &message)
            .bytes(c"salt", &nonce)
            .uint(c"lanes", lanes)
            // However many lanes there are, one thread works on them.
            .uint(c"threads", 1)
            .uint(c"memcost", memory)
            .uint(c"iter", passes)
            .uint(c"size", u32::try_from(length).unwrap_or(u32::MAX))
            .bytes(c"secret", &secret)
            .bytes(c"ad", &associated);
        kdf::derive(algorithm, &params, length)
            .map(Output::Bytes)
            .map_err(|stack| errors::openssl_behind(stack, "Argon2 derivation failed"))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_derive_the_same() {
        super::super::ossl::initialize();
        for (password, length) in [(&b"password"[..], 70), (&[7; 300][..], 20)] {
            let params = Params::new()
                .bytes(c"pass", password)
                .bytes(c"salt", b"salt")
                .long(c"iter", 100)
                .text(c"digest", "SHA2-256")
                .int(c"pkcs5", 1);
            let one = kdf::derive("PBKDF2", &params, length).expect("it derives");
            let other = pbkdf2("SHA2-256", password, b"salt", 100, length).expect("it derives");
            assert_eq!(one, other);
        }
    }
}
