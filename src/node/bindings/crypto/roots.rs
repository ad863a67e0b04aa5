//! Certificates that are trusted without being named: Mozilla's, which Node's binary has; those of the file that
//! `NODE_EXTRA_CA_CERTS` names in the VM; or what the program has put in their place. A VM has no others.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

use isolate::library::{Scope, memory_for};
use openssl::x509::X509;

use super::errors::{self, Result};
use super::ossl::tls::{Store, is_same};
use super::values;
use crate::binding::{Args, Function, Return, functions};
use crate::environment::Env;
use crate::store;

pub(super) const FUNCTIONS: &[Function] = functions! {
    "getBundledRootCertificates" => get_bundled,
    "getSystemCACertificates" => get_system,
    "getExtraCACertificates" => get_extra,
    "getUserRootCertificates" => get_user,
    "resetRootCertStore" => reset,
};

/// Most bytes of the file with more certificates.
const EXTRA_MAX: u64 = 4 << 20;

/// Most certificates that a program puts in the others' place.
const USER_MAX: usize = 4096;

/// How a certificate in PEM ends.
const END: &str = "-----END CERTIFICATE-----";

/// What is trusted in a realm.
#[derive(Default)]
struct Roots {
    store: RefCell<Option<Rc<Store>>>,
    /// Mozilla's, once they are asked for.
    bundled: OnceCell<Vec<X509>>,
    /// What the program wants to be trusted.
    user: RefCell<Option<Vec<X509>>>,
    extra: RefCell<Option<Vec<X509>>>,
}

/// The store that contexts share; it is never added to.
pub(super) fn shared(scope: &mut Scope<'_, '_>, env: &Env) -> Option<Rc<Store>> {
    let roots = env.state::<Roots>();
    let known = roots.store.borrow().clone();
    if known.is_some() {
        return known;
    }
    let made = Rc::new(make(scope, env)?);
    *roots.store.borrow_mut() = Some(made.clone());
    Some(made)
}

/// A store of its own, for a context that adds to it.
pub(super) fn make(scope: &mut Scope<'_, '_>, env: &Env) -> Option<Store> {
    let roots = env.state::<Roots>();
    let made = Store::new().ok()?;
    if let Some(user) = &*roots.user.borrow() {
        user.iter().for_each(|certificate| made.add(certificate));
        return Some(made);
    }
    for certificate in roots.bundled.get_or_init(|| Store::read(&store::roots())) {
        made.add(certificate);
    }
    for certificate in extra(scope, env) {
        made.add(&certificate);
    }
    Some(made)
}

/// The certificates of the file that a variable names. A file that is none adds nothing, and standard error is told.
fn extra(scope: &mut Scope<'_, '_>, env: &Env) -> Vec<X509> {
    let roots = env.state::<Roots>();
    let known = roots.extra.borrow().clone();
    if let Some(known) = known {
        return known;
    }
    let path = crate::process::variable(scope, "NODE_EXTRA_CA_CERTS").filter(|path| !path.is_empty());
    let mut read = Vec::new();
    if let (Some(path), Some(process)) = (path, env.process()) {
        let certificates = match process.read_file(&path, EXTRA_MAX) {
            Ok(text) => Store::read_strictly(&text).map_err(|stack| {
                let text = stack.errors().first().map(|error| {
                    let part = |part: Option<&'static str>| part.unwrap_or_default();
                    format!("error:{:08X}:{}::{}", error.code(), part(error.library()), part(error.reason()))
                });
                text.unwrap_or_default()
            }),
            Err(errno) => Err(format!(
                "error:{:08X}:system library::{errno}",
                0x8000_0000u32 | errno.code().unsigned_abs()
            )),
        };
        match certificates {
            Ok(certificates) => read = certificates,
            Err(error) => {
                let warning = format!("Warning: Ignoring extra certs from `{path}`, load failed: {error}\n");
                crate::process::write_text(&env.core, &process, 2, &warning);
            }
        }
    }
    *roots.extra.borrow_mut() = Some(read.clone());
    read
}

fn texts(certificates: &[X509]) -> Vec<String> {
    let text = |certificate: &X509| String::from_utf8(certificate.to_pem().ok()?).ok();
    certificates.iter().filter_map(text).collect()
}

/// -> PEM, as Node has them
fn get_bundled(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    let text = String::from_utf8(store::roots()).unwrap_or_default();
    let certificates: Vec<String> = text
        .split_inclusive(END)
        .map(|certificate| certificate.trim_start().to_owned())
        .filter(|certificate| certificate.ends_with(END))
        .collect();
    result.set(values::names(scope, &certificates));
}

/// A VM has no system whose they could be.
fn get_system(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    result.set(values::names(scope, &[]));
}

fn get_extra(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let certificates = texts(&extra(scope, &env));
    result.set(values::names(scope, &certificates));
}

fn get_user(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let certificates = env.state::<Roots>().user.borrow().as_deref().map(texts).unwrap_or_default();
    result.set(values::names(scope, &certificates));
}

/// (texts): what is trusted from now on
fn reset(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let Ok(list) = args.get(0).try_cast::<v8::Array>() else {
        return errors::node("ERR_INVALID_ARG_TYPE").throw(scope);
    };
    let mut read = || -> Result<Vec<X509>> {
        let mut all: Vec<X509> = Vec::new();
        for index in 0..list.length() {
            let value = list.get_index(scope, index).ok_or(errors::Error::Pending)?;
            let text = super::secure_context::text(scope, value)?
                .ok_or_else(|| errors::node("ERR_INVALID_ARG_TYPE"))?;
            for certificate in Store::read_strictly(&text).map_err(errors::newest)? {
                if all.len() >= USER_MAX || !memory_for(1 << 20) {
                    return Err(errors::coded("ERR_OUT_OF_RANGE", "There are too many certificates"));
                }
                if !all.iter().any(|known| is_same(known, &certificate)) {
                    all.push(certificate);
                }
            }
        }
        if all.is_empty() && list.length() > 0 {
            let message = "No valid certificates found in the provided array";
            return Err(errors::coded("ERR_CRYPTO_OPERATION_FAILED", message));
        }
        Ok(all)
    };
    match read() {
        Ok(all) => {
            let roots = env.state::<Roots>();
            *roots.user.borrow_mut() = Some(all);
            let before = roots.store.take();
            drop(before);
        }
        Err(error) => error.throw(scope),
    }
}
