//! `Certificate`: what `<keygen>` once made.

use isolate::library::{Scope, string};

use super::errors::Result;
use super::ossl::certificate::Spkac;
use super::values;
use crate::binding::{Args, Function, Return, functions};
use crate::environment::Env;

pub(super) const FUNCTIONS: &[Function] = functions! {
    "certVerifySpkac" => verify,
    "certExportPublicKey" => export_public_key,
    "certExportChallenge" => export_challenge,
};

fn read(value: v8::Local<'_, v8::Value>) -> Result<Option<Spkac>> {
    Ok(Spkac::read(&values::required(value, "spkac")?))
}

fn verify(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    match read(args.get(0)) {
        Ok(spkac) => result.set_bool(spkac.is_some_and(|spkac| spkac.is_signed())),
        Err(error) => error.throw(scope),
    }
}

/// Gives bytes, or an empty text where there are none.
fn give(
    scope: &mut Scope<'_, '_>,
    result: &mut Return<'_>,
    read: Result<Option<Spkac>>,
    part: impl FnOnce(Spkac) -> Option<Vec<u8>>,
) {
    let Some(env) = Env::of(scope) else { return };
    match read.map(|spkac| spkac.and_then(part)) {
        Ok(Some(bytes)) => {
            if let Some(buffer) = values::buffer(scope, &env, &bytes) {
                result.set(buffer);
            }
        }
        Ok(None) => result.set(string(scope, "").into()),
        Err(error) => error.throw(scope),
    }
}

fn export_public_key(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    give(scope, &mut result, read(args.get(0)), |spkac| spkac.key()?.public_key_to_pem().ok());
}

fn export_challenge(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    give(scope, &mut result, read(args.get(0)), |spkac| spkac.challenge());
}
