//! What the process is set up for: nothing of FIPS, engines or secure memory; and the lists of what there is.

use isolate::library::Scope;

use super::ossl::{self, names};
use super::values;
use crate::binding::{Args, Function, Return, functions};

pub(super) const FUNCTIONS: &[Function] = functions! {
    "getFipsCrypto" => get_fips_crypto,
    "getFipsCryptoGeneration" => get_fips_crypto_generation,
    "setFipsCrypto" => set_fips_crypto,
    "testFipsCrypto" => test_fips_crypto,
    "setupFipsIndicatorChannel" => setup_fips_indicator_channel,
    "setEngine" => set_engine,
    "secureHeapUsed" => secure_heap_used,
    "getOpenSSLSecLevelCrypto" => get_security_level,
    "getHashes" => get_hashes,
    "getCiphers" => get_ciphers,
    "getMacs" => get_macs,
    "getCachedAliases" => get_cached_aliases,
    "getCachedMacAliases" => get_cached_aliases,
    "getCertificateCompressionAlgorithms" => get_compression,
    "startLoadingCertificatesOffThread" => start_loading_certificates,
    "isKeyAlgorithmAvailable" => is_key_algorithm_available,
};

fn get_fips_crypto(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    result.set(v8::Integer::new(scope, 0).into());
}

/// How often that has changed.
fn get_fips_crypto_generation(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    result.set(v8::BigInt::new_from_u64(scope, 0).into());
}

fn set_fips_crypto(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if args.get(0).boolean_value(scope) {
        crate::binding::unsupported_feature(scope, "crypto.setFips(true)");
    }
}

fn test_fips_crypto(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    result.set(v8::Integer::new(scope, 0).into());
}

/// There is nothing to be told of.
fn setup_fips_indicator_channel(_: &mut Scope<'_, '_>, _: Args<'_>, _: Return<'_>) {}

/// There are none.
fn set_engine(_: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    result.set_bool(false);
}

/// None is set up.
fn secure_heap_used(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    result.set(v8::BigInt::new_from_u64(scope, 0).into());
}

/// OpenSSL's default.
fn get_security_level(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    result.set(v8::Integer::new(scope, 2).into());
}

fn get_hashes(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    result.set(values::names(scope, &names::hashes()));
}

fn get_ciphers(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    result.set(values::names(scope, &names::ciphers()));
}

fn get_macs(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    result.set(values::names(scope, &names::macs()));
}

/// Names by which algorithms have been fetched already: none is kept.
fn get_cached_aliases(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    let null = v8::null(scope).into();
    result.set(v8::Object::with_prototype_and_properties(scope, null, &[], &[]).into());
}

fn get_compression(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    result.set(values::names(scope, &[]));
}

/// Would have certificates at hand sooner; they are read when they are asked for.
fn start_loading_certificates(_: &mut Scope<'_, '_>, _: Args<'_>, _: Return<'_>) {}

fn is_key_algorithm_available(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let known = values::name(scope, args.get(0)).is_some_and(|name| ossl::pkey::is_known(&name));
    result.set_bool(known);
}
