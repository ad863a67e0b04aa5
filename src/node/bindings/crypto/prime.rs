//! Primes: finding and checking.

use std::rc::Rc;

use isolate::library::Scope;
use openssl::bn::{BigNum, BigNumContext};

use super::errors::{self, Result};
use super::job::{Mode, Output, Work};
use super::ossl::interrupt;
use super::values;
use crate::binding::Args;
use crate::environment::Env;

/// Longest primes that are looked for: no number of OpenSSL's is much longer, and no search for such a prime would end.
const BITS_MAX: i32 = 1 << 20;

/// (mode, bits, safe, add, rem)
pub(super) fn random_job(scope: &mut Scope<'_, '_>, _: &Rc<Env>, args: &Args<'_>, _: Mode) -> Result<Work> {
    let bits = values::int(scope, args.get(1)).filter(|bits| *bits > 0);
    let bits = bits.ok_or_else(|| errors::node("ERR_OUT_OF_RANGE"))?;
    let safe = args.get(2).is_true();
    let number = |value| -> Result<Option<BigNum>> {
        Ok(values::bytes(value)?.map(|bytes| BigNum::from_slice(&bytes)).transpose()?)
    };
    let (add, rem) = (number(args.get(3))?, number(args.get(4))?);
    if let Some(add) = &add {
        if add.num_bits() > bits {
            return Err(errors::coded("ERR_OUT_OF_RANGE", "invalid options.add"));
        }
        if rem.as_ref().is_some_and(|rem| add.ucmp(rem).is_le()) {
            return Err(errors::coded("ERR_OUT_OF_RANGE", "invalid options.rem"));
        }
    }
    Ok(Box::new(move || {
        if bits > BITS_MAX {
            return Err(errors::bignum_too_long());
        }
        let prime = interrupt::generate_prime(bits, safe, add.as_deref(), rem.as_deref())?;
        Ok(Output::Bytes(prime.to_vec_padded((bits + 7) / 8)?))
    }))
}

/// (mode, candidate, rounds)
pub(super) fn check_job(scope: &mut Scope<'_, '_>, _: &Rc<Env>, args: &Args<'_>, _: Mode) -> Result<Work> {
    let candidate = BigNum::from_slice(&values::required(args.get(1), "candidate")?)?;
    let rounds = values::int(scope, args.get(2)).filter(|rounds| *rounds >= 0);
    let rounds = rounds.ok_or_else(|| errors::node("ERR_OUT_OF_RANGE"))?;
    Ok(Box::new(move || {
        let mut context = BigNumContext::new()?;
        Ok(Output::Bool(candidate.is_prime(rounds, &mut context)?))
    }))
}
