//! The digests of Web Crypto that OpenSSL does not have: TurboSHAKE and KangarooTwelve (RFC 9861).

use std::rc::Rc;

use isolate::library::{Scope, memory_for};
use k12::{CustomRefKt128, CustomRefKt256, ExtendableOutput, Update, XofReader};

use super::errors::{self, Result};
use super::job::{Mode, Output, Work};
use super::values;
use crate::binding::Args;
use crate::environment::Env;

/// Bytes of the state that data goes into.
const RATE_128: usize = 168;
const RATE_256: usize = 136;

/// TurboSHAKE: a sponge of twelve rounds, whose padding begins with a byte that separates its uses.
fn turbo_shake(rate: usize, domain: u8, data: &[u8], output: &mut [u8]) {
    let mut state = [0u64; 25];
    let absorb = |state: &mut [u64; 25], block: &[u8]| {
        for (lane, bytes) in state.iter_mut().zip(block.chunks(8)) {
            let mut word = [0; 8];
            for (to, from) in word.iter_mut().zip(bytes) {
                *to = *from;
            }
            *lane ^= u64::from_le_bytes(word);
        }
    };
    keccak::Keccak::new().with_p1600::<12>(|permute| {
        let mut blocks = data.chunks_exact(rate);
        for block in &mut blocks {
            absorb(&mut state, block);
            permute(&mut state);
        }
        let mut last = blocks.remainder().to_vec();
        last.push(domain);
        last.resize(rate, 0);
        if let Some(end) = last.last_mut() {
            *end ^= 0x80;
        }
        absorb(&mut state, &last);
        for block in output.chunks_mut(rate) {
            permute(&mut state);
            for (to, from) in block.iter_mut().zip(state.iter().flat_map(|lane| lane.to_le_bytes())) {
                *to = from;
            }
        }
    });
}

fn length(scope: &mut Scope<'_, '_>, value: v8::Local<'_, v8::Value>) -> Result<usize> {
    let length = values::uint(scope, value).ok_or_else(|| errors::node("ERR_OUT_OF_RANGE"))? as usize;
    if !memory_for(length) {
        return Err(errors::no_memory());
    }
    Ok(length)
}

/// (mode, name, domain separation, length, data)
pub(super) fn turbo_shake_job(
    scope: &mut Scope<'_, '_>,
    _: &Rc<Env>,
    args: &Args<'_>,
    _: Mode,
) -> Result<Work> {
    let name = values::required_name(scope, args, 1)?;
    let domain = values::uint(scope, args.get(2)).and_then(|domain| u8::try_from(domain).ok());
    let domain = domain.ok_or_else(|| errors::node("ERR_OUT_OF_RANGE"))?;
    let length = length(scope, args.get(3))?;
    let data = values::required(args.get(4), "data")?;
    let rate = match name.as_str() {
        "TurboSHAKE128" => RATE_128,
        "TurboSHAKE256" => RATE_256,
        _ => return Err(errors::invalid_digest(&name)),
    };
    Ok(Box::new(move || {
        let mut output = vec![0; length];
        turbo_shake(rate, domain, &data, &mut output);
        Ok(Output::Bytes(output))
    }))
}

/// (mode, name, customization, length, data)
pub(super) fn kangaroo_twelve_job(
    scope: &mut Scope<'_, '_>,
    _: &Rc<Env>,
    args: &Args<'_>,
    _: Mode,
) -> Result<Work> {
    let name = values::required_name(scope, args, 1)?;
    let customization = values::optional(args.get(2))?;
    let length = length(scope, args.get(3))?;
    let data = values::required(args.get(4), "data")?;
    let is_128 = match name.as_str() {
        "KT128" => true,
        "KT256" => false,
        _ => return Err(errors::invalid_digest(&name)),
    };
    Ok(Box::new(move || {
        let mut output = vec![0; length];
        if is_128 {
            let mut hasher = CustomRefKt128::new_customized(&customization);
            hasher.update(&data);
            hasher.finalize_xof().read(&mut output);
        } else {
            let mut hasher = CustomRefKt256::new_customized(&customization);
            hasher.update(&data);
            hasher.finalize_xof().read(&mut output);
        }
        Ok(Output::Bytes(output))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turbo_shake_is_that_of_the_rfc() {
        let mut output = [0; 10];
        turbo_shake(RATE_128, 0x1f, b"abc", &mut output);
        assert_eq!(data_encoding::HEXLOWER.encode(&output), "dcf1646dfe993a8eb6b7");
        turbo_shake(RATE_128, 0x10, b"abc", &mut output);
        assert_eq!(data_encoding::HEXLOWER.encode(&output), "6702f7b19ea87087ed0f");
    }
}
