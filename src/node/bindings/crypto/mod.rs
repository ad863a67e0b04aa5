//! `internalBinding('crypto')`: Node's cryptography over OpenSSL, which is linked in and told to touch nothing outside
//! of this process ([`ossl`]).
//!
//! One file for each kind of thing; this one puts them together. What a program asks for asynchronously is computed on
//! the isolate's own thread, in a turn of the event loop of its own: a worker has no other threads to spare.

mod cipher;
mod crypto_key;
mod curves;
mod dh;
mod ecdh;
mod encoding;
mod errors;
mod generate;
mod hash;
mod job;
mod jwk;
mod kdf;
mod kem;
mod keys;
mod mac;
mod ossl;
mod policy;
mod prime;
mod random;
mod roots;
mod rsa;
mod secure_context;
mod sign;
mod signer;
mod spkac;
mod sponge;
mod tls_wrap;
mod values;
mod webcipher;
mod x509;

use std::rc::Rc;

use isolate::library::Scope;

use crate::binding::{Binding, set_functions};
use crate::environment::Env;

pub(super) use self::tls_wrap::BINDING as TLS_BINDING;
pub(crate) use self::tls_wrap::base as tls_stream;

pub(super) static BINDING: Binding = Binding { name: "crypto", functions: &[], make: Some(make) };

fn make(scope: &mut Scope<'_, '_>, env: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    ossl::initialize();
    for functions in [
        cipher::FUNCTIONS,
        crypto_key::FUNCTIONS,
        curves::FUNCTIONS,
        ecdh::FUNCTIONS,
        hash::FUNCTIONS,
        keys::FUNCTIONS,
        policy::FUNCTIONS,
        random::FUNCTIONS,
        roots::FUNCTIONS,
        rsa::FUNCTIONS,
        secure_context::FUNCTIONS,
        spkac::FUNCTIONS,
        x509::FUNCTIONS,
    ] {
        set_functions(scope, binding, functions)?;
    }
    job::make(scope, env, binding)?;
    hash::make(scope, env, binding)?;
    mac::make(scope, env, binding)?;
    keys::make(scope, env, binding)?;
    cipher::make(scope, env, binding)?;
    sign::make(scope, env, binding)?;
    secure_context::make(scope, env, binding)?;
    dh::make(scope, env, binding)?;
    ecdh::make(scope, env, binding)
}
